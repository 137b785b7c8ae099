use std::fmt;
use std::process::ExitCode;

/// How a command ended, when it ended at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// All well.
    Done,
    /// Finished, but some items failed.
    SomeFailed,
    /// What was asked was looked at and refused.
    Refused,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::SUCCESS,
            Status::SomeFailed => Self::from(2),
            Status::Refused => Self::FAILURE,
        }
    }
}

/// An error with what to do about it; reads as the error itself.
struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl fmt::Debug for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Adds a `hint:` line to an error.
pub(super) trait Hint<T> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| anyhow::Error::new(Hinted { error: error.into(), hint: hint.into() }))
    }
}

/// The hint that the error carries, if any.
pub(super) fn hint_of(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<Hinted>().map(|h| h.hint.as_str())
}

/// Whether the reader of our output went away, which is how `| head` ends and no failure.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Hinted>().is_some_and(|h| is_closed_pipe(&h.error))
        || error.chain().any(|cause| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
        })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_hint_survives_context_and_keeps_the_causes() {
        let cause = std::io::Error::other("disk");
        let error = Err::<(), _>(cause).context("reading a").hint("look").context("scoring");
        let error = error.unwrap_err();
        assert_eq!(hint_of(&error), Some("look"));
        let chain: Vec<_> = error.chain().map(ToString::to_string).collect();
        assert_eq!(chain, ["scoring", "reading a", "disk"]);
        assert!(!is_closed_pipe(&error));
    }

    #[test]
    fn a_closed_pipe_is_seen_through_every_layer() {
        let pipe = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert!(is_closed_pipe(&Err::<(), _>(pipe()).context("x").unwrap_err()));
        assert!(is_closed_pipe(&Err::<(), _>(pipe()).hint("x").unwrap_err()));
    }
}
