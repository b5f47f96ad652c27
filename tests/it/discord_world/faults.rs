//! What can go wrong on the way to Discord, planned per route, and how routes are named.

use super::problem::Problem;
use super::state::Call;
use std::time::Duration;

/// Something that happens to requests of a route instead of what should.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An error answer. The work is not done.
    Refuse(Problem),
    /// 429 as a shared or broken limiter gives it.
    Limited {
        retry_after_secs: f64,
        /// None: no `X-RateLimit-Scope`.
        scope: Option<&'static str>,
        global: bool,
        /// False: a bare 429 as an edge proxy sends it, HTML and no headers.
        told: bool,
    },
    /// The request is read and never answered.
    Hang,
    /// The work is done, then the connection ends without an answer.
    DoneAndDropped,
    /// The connection ends before anything is done.
    Dropped,
    /// Everything as usual, later.
    Slow(Duration),
}

impl Fault {
    /// A 5xx as Discord's edge sends it.
    pub fn status(status: u16) -> Fault {
        Fault::Refuse(Problem::new(status, 0, &format!("{status}: Trouble")))
    }

    /// 401: the token was revoked.
    pub fn revoked() -> Fault {
        Fault::Refuse(super::problem::unauthorized())
    }

    /// 403: the bot lost a permission.
    pub fn forbidden() -> Fault {
        Fault::Refuse(super::problem::missing_permissions())
    }

    /// An error with any code of Discord's.
    pub fn refuse(status: u16, code: u64, message: &str) -> Fault {
        Fault::Refuse(Problem::new(status, code, message))
    }

    /// 429 of a limit that is shared with other bots.
    pub fn shared_limit(retry_after_secs: f64) -> Fault {
        Fault::Limited {
            retry_after_secs,
            scope: Some("shared"),
            global: false,
            told: true,
        }
    }

    /// 429 of the limit over everything.
    pub fn global_limit(retry_after_secs: f64) -> Fault {
        Fault::Limited {
            retry_after_secs,
            scope: Some("global"),
            global: true,
            told: true,
        }
    }

    /// 429 without a word about when.
    pub fn bare_limit() -> Fault {
        Fault::Limited {
            retry_after_secs: 0.0,
            scope: None,
            global: false,
            told: false,
        }
    }
}

/// A fault waiting for its requests.
#[derive(Clone, Debug)]
pub struct Planned {
    pub route: String,
    pub fault: Fault,
    /// How often it still happens; None: until it is mended.
    pub left: Option<usize>,
}

/// Whether a request is of this route: `POST /channels/*/messages`; `*` is one segment, `**` at the
/// end everything below, and a method of `*` any.
pub fn of_route(route: &str, call: &Call) -> bool {
    let (method, path) = route.split_once(' ').unwrap_or(("*", route));
    (method == "*" || method == call.method) && matches(path, &call.path)
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut have = path.split('/').filter(|s| !s.is_empty());
    for want in pattern.split('/').filter(|s| !s.is_empty()) {
        match (want, have.next()) {
            ("**", _) => return true,
            (want, Some(seg)) if want == "*" || want == seg => {}
            _ => return false,
        }
    }
    have.next().is_none()
}

/// The first planned fault for this request, used up by one.
pub fn take(planned: &mut Vec<Planned>, call: &Call) -> Option<Fault> {
    let at = planned.iter().position(|p| of_route(&p.route, call))?;
    let found = &mut planned[at];
    let fault = found.fault.clone();
    if let Some(left) = &mut found.left {
        *left -= 1;
        if *left == 0 {
            planned.remove(at);
        }
    }
    Some(fault)
}
