//! Every metric's name in one list, with what it counts.

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Listings scored, by `outcome` (`ok` or an item error's code) and `tier`.
pub const LISTINGS_SCORED: &str = "thatgia_listings_scored_total";
/// Seconds from the first listing of a batch to its last score.
pub const SCORE_SECONDS: &str = "thatgia_score_batch_seconds";
/// Seconds of a scoring request, by `stage` (`read`, `queue`, `store`, `write`; scoring itself is
/// above).
pub const STAGE_SECONDS: &str = "thatgia_stage_seconds";
/// Requests answered, by `route` and `status`.
pub const REQUESTS: &str = "thatgia_http_requests_total";
/// Seconds from a request's head to its answer's head, by `route`.
pub const REQUEST_SECONDS: &str = "thatgia_http_request_seconds";
/// Listings that wait for a processor.
pub const QUEUE_ITEMS: &str = "thatgia_queue_items";
/// Requests refused because the queue was full.
pub const QUEUE_REFUSED: &str = "thatgia_queue_refused_total";
/// How often another model came into use while the service ran.
pub const MODEL_SWAPS: &str = "thatgia_model_swaps_total";
/// How often one could not.
pub const MODEL_SWAPS_FAILED: &str = "thatgia_model_swaps_failed_total";
/// Listings that the model in the shadow scored and whose two scores are kept.
pub const SHADOW_SCORED: &str = "thatgia_shadow_scored_total";
/// Listings picked for the shadow that have no score of it, by `reason` (`full`: too many waited,
/// `failed`: it gave none, `store`: it could not be kept).
pub const SHADOW_DROPPED: &str = "thatgia_shadow_dropped_total";
/// How often a model named for the shadow could not be used.
pub const SHADOW_FAILED: &str = "thatgia_shadow_failed_total";
/// Listings written to the store.
pub const LISTINGS_STORED: &str = "thatgia_listings_stored_total";
/// Questions to the outside registry of products, by `answer` (`known`, `unknown`, `unavailable`).
pub const ORIGIN_QUESTIONS: &str = "thatgia_origin_questions_total";

/// Tells the recorder what each name means.
pub fn describe() {
    describe_counter!(LISTINGS_SCORED, "Listings scored, by outcome and tier");
    describe_histogram!(SCORE_SECONDS, "Seconds to score one batch");
    describe_histogram!(STAGE_SECONDS, "Seconds of a scoring request, by stage");
    describe_counter!(REQUESTS, "Requests answered, by route and status");
    describe_histogram!(REQUEST_SECONDS, "Seconds to answer a request, by route");
    describe_gauge!(QUEUE_ITEMS, "Listings that wait for a processor");
    describe_counter!(QUEUE_REFUSED, "Requests refused because the queue was full");
    describe_counter!(MODEL_SWAPS, "Changes of the model in use while the service ran");
    describe_counter!(MODEL_SWAPS_FAILED, "Models named as live that could not be used");
    describe_counter!(SHADOW_SCORED, "Listings that the model in the shadow scored");
    describe_counter!(
        SHADOW_DROPPED,
        "Listings picked for the shadow without its score, by reason"
    );
    describe_counter!(SHADOW_FAILED, "Models named for the shadow that could not be used");
    describe_counter!(LISTINGS_STORED, "Listings written to the store");
    describe_counter!(ORIGIN_QUESTIONS, "Questions to the outside registry, by answer");
}

/// Upper bounds in seconds, from one listing to a whole batch on a busy machine.
const SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Sets the process's recorder up; the handle gives what it recorded.
///
/// Someone has to call `run_upkeep` every few seconds: measurements pile up in between.
///
/// # Errors
/// When the process has a recorder already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
    describe();
    Ok(handle)
}
