//! What a page answers when it cannot do what was asked: a status, a sentence, a way on.

use super::assets::CSS_ADDRESS;
use crate::engine::Failure;
use crate::store::StoreFault;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, html};

/// The ways a page fails.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// There is no such thing, or it is not for this viewer.
    NotFound(String),
    /// The request makes no sense; the fix is in the sentence.
    Invalid(String),
    /// This viewer may not.
    Forbidden(String),
    /// The store or the engine did not answer; trying again helps.
    Unavailable(String),
}

impl From<StoreFault> for Trouble {
    fn from(fault: StoreFault) -> Trouble {
        tracing::warn!(error = %fault, "the console could not read");
        Trouble::Unavailable(fault.to_string())
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        match failure {
            Failure::Refused(refusal) => Trouble::Invalid(refusal.to_string()),
            Failure::Unavailable(why) => Trouble::Unavailable(why),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, head, why) = match self {
            Trouble::NotFound(why) => (StatusCode::NOT_FOUND, "Not here", why),
            Trouble::Invalid(why) => (StatusCode::BAD_REQUEST, "That did not work", why),
            Trouble::Forbidden(why) => (StatusCode::FORBIDDEN, "Not allowed", why),
            Trouble::Unavailable(why) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "firebell cannot answer right now",
                why,
            ),
        };
        let body = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (head) " · firebell" }
                    link rel="stylesheet" href=(CSS_ADDRESS.as_str());
                }
                body.bare {
                    main.trouble {
                        h1 { (head) }
                        p { (why) }
                        p { a.button href="/" { "To the overview" } }
                    }
                }
            }
        };
        (status, body).into_response()
    }
}
