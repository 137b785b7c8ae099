//! Every metric's name in one list, with what it counts.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Listings scored, by `outcome` (`ok` or an item error's code) and `tier`.
pub const LISTINGS_SCORED: &str = "thatgia_listings_scored_total";
/// Seconds from the first listing of a batch to its last score.
pub const SCORE_SECONDS: &str = "thatgia_score_batch_seconds";
/// Requests answered, by `route` and `status`.
pub const REQUESTS: &str = "thatgia_http_requests_total";
/// Seconds from a request's head to its answer's head, by `route`.
pub const REQUEST_SECONDS: &str = "thatgia_http_request_seconds";
/// Listings that wait for a processor.
pub const QUEUE_ITEMS: &str = "thatgia_queue_items";
/// Requests refused because the queue was full.
pub const QUEUE_REFUSED: &str = "thatgia_queue_refused_total";
/// Listings written to the store.
pub const LISTINGS_STORED: &str = "thatgia_listings_stored_total";

/// Tells the recorder what each name means.
pub fn describe() {
    describe_counter!(LISTINGS_SCORED, "Listings scored, by outcome and tier");
    describe_histogram!(SCORE_SECONDS, "Seconds to score one batch");
    describe_counter!(REQUESTS, "Requests answered, by route and status");
    describe_histogram!(REQUEST_SECONDS, "Seconds to answer a request, by route");
    describe_gauge!(QUEUE_ITEMS, "Listings that wait for a processor");
    describe_counter!(QUEUE_REFUSED, "Requests refused because the queue was full");
    describe_counter!(LISTINGS_STORED, "Listings written to the store");
}
