//! Answers that many routes share, for the API's description.

use crate::http::error::ErrorBody;
use utoipa::IntoResponses;

/// Why an act was not carried out, besides what the route itself names.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the description of the API only")]
pub(super) enum NotDone {
    #[response(status = 400, description = "The body or the key does not fit")]
    Unfit(ErrorBody),
    #[response(status = 401, description = "No valid token")]
    Nobody(ErrorBody),
    #[response(status = 413, description = "The body is too large")]
    TooLarge(ErrorBody),
    #[response(
        status = 503,
        description = "It cannot be stored now; try again with the same key"
    )]
    NotStored(ErrorBody),
}

/// Why something is not told, besides what the route itself names.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the description of the API only")]
pub(super) enum NotRead {
    #[response(
        status = 400,
        description = "A parameter is unknown or has a value that is not allowed"
    )]
    Unfit(ErrorBody),
    #[response(status = 401, description = "No valid token")]
    Nobody(ErrorBody),
    #[response(status = 503, description = "The database does not answer; try again")]
    NoDatabase(ErrorBody),
}

/// Why nothing of an incident is told, besides what the route itself names.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "read by the description of the API only")]
pub(super) enum NotSeen {
    #[response(status = 401, description = "No valid token")]
    Nobody(ErrorBody),
    #[response(status = 404, description = "There is no such incident")]
    Missing(ErrorBody),
    #[response(status = 503, description = "The database does not answer; try again")]
    NoDatabase(ErrorBody),
}
