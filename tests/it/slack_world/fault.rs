//! What a test makes go wrong, for one method, one channel or everything.

use super::state::State;
use std::time::Duration;

/// One kind of trouble and where it is met.
#[derive(Clone, Debug)]
pub struct Fault {
    method: Option<String>,
    channel: Option<String>,
    /// How often it is met; `None` is for ever.
    left: Option<u32>,
    trouble: Trouble,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 429 with this `Retry-After` in seconds.
    RateLimited(u64),
    /// An HTTP status with a page that is no JSON, as a proxy would answer.
    Status(u16),
    /// `"ok": false` with this error.
    Error(String),
    /// Nothing is done and nothing answered; the connection stays open.
    Hang,
    /// The connection closes without an answer; nothing was done.
    Drop,
    /// It is done, and the connection closes before anybody is told.
    DoThenDrop,
    /// It is done, and nobody is ever told; the connection stays open.
    DoThenHang,
    /// It is done after a while.
    Slow(Duration),
}

impl Fault {
    /// At this method: `chat.postMessage`, or `hooks` for what is posted to a `response_url`.
    pub fn on(method: &str) -> Fault {
        Fault {
            method: Some(method.to_owned()),
            channel: None,
            left: None,
            trouble: Trouble::Status(503),
        }
    }

    /// At every method.
    pub fn everywhere() -> Fault {
        Fault {
            method: None,
            ..Fault::on("")
        }
    }

    /// Only for this channel's id.
    pub fn in_channel(mut self, id: &str) -> Fault {
        self.channel = Some(id.to_owned());
        self
    }

    /// Only so often.
    pub fn times(mut self, times: u32) -> Fault {
        self.left = Some(times);
        self
    }

    pub fn is(mut self, trouble: Trouble) -> Fault {
        self.trouble = trouble;
        self
    }

    fn meets(&self, method: &str, channel: &str) -> bool {
        self.left != Some(0)
            && self.method.as_deref().is_none_or(|m| m == method)
            && self.channel.as_deref().is_none_or(|c| c == channel)
    }
}

impl State {
    /// The trouble this call meets, which is one less then.
    pub fn trouble(&mut self, method: &str, channel: &str) -> Option<Trouble> {
        let mut faults = self.faults.iter_mut();
        let fault = faults.find(|f| f.meets(method, channel))?;
        fault.left = fault.left.map(|n| n - 1);
        Some(fault.trouble.clone())
    }
}
