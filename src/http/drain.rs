use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};

/// Most bytes of a refused body that are read and thrown away.
const MOST_BYTES: usize = 64 << 20;
/// Longest time that is spent on it.
const LONGEST: Duration = Duration::from_secs(2);

/// Reads on for a while when a request is answered before its body is read.
///
/// Closing a connection on which bytes are still arriving makes the kernel reset it, and the
/// client then sees a broken connection instead of the answer that says what is wrong.
pub(super) async fn drain(request: Request, next: Next) -> Response {
    // Who asks first is told by the answer that it need not send.
    if request.headers().contains_key(header::EXPECT) || request.body().is_end_stream() {
        return next.run(request).await;
    }
    next.run(request.map(|body| Body::new(Drained { body, done: false }))).await
}

struct Drained {
    body: Body,
    done: bool,
}

impl HttpBody for Drained {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = &polled {
            self.done = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        if self.done || self.body.is_end_stream() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let mut frames = std::mem::take(&mut self.body).into_data_stream();
        runtime.spawn(async move {
            let discard = async {
                let mut bytes = 0;
                while let Some(Ok(frame)) = frames.next().await {
                    bytes += frame.len();
                    if bytes > MOST_BYTES {
                        break;
                    }
                }
            };
            // Either way the rest is given up.
            tokio::time::timeout(LONGEST, discard).await.ok();
        });
    }
}
