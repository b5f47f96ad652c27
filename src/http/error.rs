//! The one shape of an API error: `{"error":{"code":"…","message":"…"}}` with the fitting status.
//!
//! A refusal is an answer, not a fault: it is never logged. Only what firebell could not do for a
//! reason of its own is logged, once, here.

use crate::core::incident::Refusal;
use crate::engine::Failure;
use crate::store::StoreFault;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every answer that is not a success.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorDetail {
    /// A stable word for programs, such as `already_resolved` or `bad_parameter`.
    #[schema(example = "already_resolved")]
    pub code: String,
    /// A sentence for people: what is so, and what to do.
    #[schema(example = "This incident is already resolved.")]
    pub message: String,
}

/// An answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

impl Problem {
    /// A problem of any status.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Problem {
        Problem {
            status,
            code,
            message: message.into(),
        }
    }

    /// 400: the request cannot mean anything; the sentence names the field and the fix.
    #[must_use]
    pub fn bad(code: &'static str, message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401 with `WWW-Authenticate`.
    #[must_use]
    pub fn unauthorized(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 404.
    #[must_use]
    pub fn missing(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 503: try again.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let (status, code) = match refusal {
            Refusal::NoSuchIncident => (StatusCode::NOT_FOUND, "not_found"),
            Refusal::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden"),
            Refusal::Invalid { .. } => (StatusCode::BAD_REQUEST, "invalid"),
            Refusal::AlreadyOpen => (StatusCode::CONFLICT, "already_open"),
            Refusal::AlreadyAcknowledged { .. } => (StatusCode::CONFLICT, "already_acknowledged"),
            Refusal::AlreadyResolved | Refusal::ResolvedBy { .. } => {
                (StatusCode::CONFLICT, "already_resolved")
            }
            Refusal::NoSuchSilence { .. } => (StatusCode::NOT_FOUND, "not_found"),
            Refusal::NothingToDo { .. } => (StatusCode::CONFLICT, "nothing_to_do"),
            Refusal::Stale { .. } => (StatusCode::CONFLICT, "stale"),
            Refusal::Busy { .. } => (StatusCode::CONFLICT, "busy"),
            Refusal::NotYet => (StatusCode::CONFLICT, "not_yet"),
        };
        Problem::new(status, code, refusal.to_string())
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            // The engine has logged why when it happened.
            Failure::Unavailable(why) => Problem::unavailable(why),
        }
    }
}

impl From<StoreFault> for Problem {
    fn from(fault: StoreFault) -> Problem {
        // The driver's words may name hosts and files; they belong into the log only.
        tracing::warn!(error = %fault, "a read for the API failed: {fault}");
        let words = match fault {
            StoreFault::Unreadable(_) => "the database holds something this version cannot read",
            StoreFault::Fenced => "another firebell process has taken over this database",
            _ => "the database did not answer; try again",
        };
        Problem::unavailable(words)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: ErrorDetail {
                code: self.code.to_owned(),
                message: self.message,
            },
        };
        let mut response = (self.status, Json(body)).into_response();
        let extra = match self.status {
            StatusCode::UNAUTHORIZED => Some((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"firebell\""),
            )),
            // Two seconds: longer than a database's restart needs to be noticed, short at 03:00.
            StatusCode::SERVICE_UNAVAILABLE => {
                Some((header::RETRY_AFTER, HeaderValue::from_static("2")))
            }
            _ => None,
        };
        if let Some((name, value)) = extra {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_conflict_and_keeps_its_sentence() {
        let p = Problem::from(Refusal::AlreadyAcknowledged {
            by: "Ana".to_owned(),
        });
        assert_eq!(
            (p.status, p.code),
            (StatusCode::CONFLICT, "already_acknowledged")
        );
        assert_eq!(p.message, "Ana has already acknowledged this.");
    }

    #[test]
    fn a_missing_token_is_told_which_scheme_to_use() {
        let response = Problem::unauthorized("no").into_response();
        assert_eq!(
            response.headers()[header::WWW_AUTHENTICATE],
            "Bearer realm=\"firebell\""
        );
    }

    #[test]
    fn what_the_driver_said_stays_out_of_the_answer() {
        let fault = StoreFault::Database(sqlx::Error::Configuration(
            "postgres://user:secret@db".into(),
        ));
        assert!(!Problem::from(fault).message.contains("secret"));
    }
}
