//! A pod's log, followed and resumed.
//!
//! Each line comes with its time stamp. A stream that ends or breaks is asked for again from the
//! second of the last line (the API knows no finer `sinceTime`), and what was read already is
//! dropped by counting the lines that carry exactly the last time stamp. Half a line at a break is
//! not taken; it comes whole the next time.

use super::{Target, verdict};
use crate::run::port::{Cursor, News, NoAnswer, Stand};
use futures_util::io::AsyncBufReadExt as _;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::api::LogParams;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout, timeout_at};

/// Of one look, at most about this much.
const CHUNK: usize = 256 * 1024;

/// A line longer than this is cut into pieces by the container runtime long before.
const LINE: usize = 1024 * 1024;

/// Up to where the log was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Place {
    /// The pod.
    #[serde(default)]
    pod: String,
    /// The last line's time stamp.
    #[serde(default)]
    at: Option<Timestamp>,
    /// Lines with exactly that time stamp that were read.
    #[serde(default)]
    count: u64,
}

impl Place {
    pub fn read(cursor: &Cursor) -> Place {
        serde_json::from_str(&cursor.0).unwrap_or_default()
    }

    pub fn news(self, bytes: Vec<u8>, stand: Stand) -> News {
        // A struct of texts and numbers is always written.
        let cursor = Cursor(serde_json::to_string(&self).unwrap_or_default());
        News {
            bytes,
            cursor,
            stand,
        }
    }

    fn of(pod: &str) -> Place {
        Place {
            pod: pod.to_owned(),
            ..Place::default()
        }
    }
}

/// Whether all there is was read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Everything of every pod that is over.
    Nothing,
    /// There is, or will be, more.
    More,
}

/// Reads on, over all pods that ran, the oldest first.
pub(super) async fn read(
    target: &Target<'_>,
    pods: &[Pod],
    place: &mut Place,
    bytes: &mut Vec<u8>,
    until: Instant,
) -> Result<Rest, NoAnswer> {
    let name = |pod: &Pod| pod.metadata.name.clone().unwrap_or_default();
    let ran: Vec<&Pod> = pods.iter().filter(|pod| verdict::started(pod)).collect();
    // A pod that is gone was read as far as it could be; the next one is the next to be read.
    let from = ran
        .iter()
        .position(|pod| name(pod) == place.pod)
        .unwrap_or(0);
    for pod in &ran[from..] {
        let name = name(pod);
        if place.pod != name {
            *place = Place::of(&name);
        }
        let over = verdict::terminated(pod).is_some();
        let whole = stream(target, place, bytes, over, until).await?;
        if !(over && whole) {
            return Ok(Rest::More);
        }
    }
    Ok(Rest::Nothing)
}

/// Reads one pod's log on. `true`: to its end.
async fn stream(
    target: &Target<'_>,
    place: &mut Place,
    bytes: &mut Vec<u8>,
    over: bool,
    until: Instant,
) -> Result<bool, NoAnswer> {
    let since = place.at.map(|at| {
        // Cut to the second here: the crate would round, and half a second of lines could be lost.
        Timestamp::from_second(at.as_second()).unwrap_or(at)
    });
    let params = LogParams {
        follow: !over,
        timestamps: true,
        since_time: since,
        ..LogParams::default()
    };
    let pod = place.pod.clone();
    let asked = timeout(target.limit, target.pods.log_stream(&pod, &params)).await;
    let lines = match asked {
        Ok(Ok(lines)) => lines,
        Ok(Err(fault)) => {
            let fault = target.fault(&fault);
            // Deleted since the pods were listed, or its node is gone: there is no log any more.
            if fault.is(404) {
                return Ok(over);
            }
            return Err(fault.no_answer());
        }
        Err(_) => return Err(target.late().no_answer()),
    };
    let mut lines = std::pin::pin!(lines);
    let mut sieve = Sieve::new(place);
    let mut line = Vec::new();
    loop {
        // An end that is there is read to the end, however long it takes to come.
        let limit = if over {
            Instant::now() + target.limit
        } else {
            until
        };
        match timeout_at(limit, lines.read_until(b'\n', &mut line)).await {
            Err(_) => return Ok(false),
            // The stream broke; what it gave is kept, and it is asked for again.
            Ok(Err(_)) => return Ok(false),
            Ok(Ok(0)) => return Ok(true),
            Ok(Ok(_)) => {}
        }
        let whole = line.ends_with(b"\n");
        if !whole && !over {
            return Ok(false);
        }
        if let Some(text) = sieve.take(&line) {
            bytes.extend_from_slice(text);
        }
        line.clear();
        if bytes.len() >= CHUNK || line.capacity() > LINE {
            return Ok(false);
        }
        if !over && !bytes.is_empty() && lines_are_slow(until) {
            return Ok(false);
        }
    }
}

/// A person waits for the first line, not for the next ones: half of the time is for those.
fn lines_are_slow(until: Instant) -> bool {
    until.saturating_duration_since(Instant::now()) < super::WAIT / 2
}

/// Drops what was read before.
struct Sieve<'a> {
    place: &'a mut Place,
    /// What was read before ends here; `None`: it is behind.
    mark: Option<(Timestamp, u64)>,
    /// Lines at the mark's time stamp seen so far.
    seen: u64,
}

impl Sieve<'_> {
    fn new(place: &mut Place) -> Sieve<'_> {
        let mark = place.at.map(|at| (at, place.count));
        Sieve {
            place,
            mark,
            seen: 0,
        }
    }

    /// The text of a line that is new.
    fn take<'l>(&mut self, line: &'l [u8]) -> Option<&'l [u8]> {
        let (stamp, text) = split(line)?;
        if let Some((at, count)) = self.mark {
            self.seen += u64::from(stamp == at);
            if stamp == at && self.seen == count {
                // The last line that was read; what comes now is new.
                self.mark = None;
                return None;
            }
            if stamp <= at {
                return None;
            }
            self.mark = None;
        }
        // From here on everything is new, even a line whose stamp is a little older: two streams
        // of one program are written by two hands.
        if self.place.at == Some(stamp) {
            self.place.count += 1;
        } else {
            self.place.at = Some(stamp);
            self.place.count = 1;
        }
        Some(text)
    }
}

/// The time stamp and the text after it. A line without one is not the program's: the node says so
/// when it cannot read a log.
fn split(line: &[u8]) -> Option<(Timestamp, &[u8])> {
    let space = line.iter().position(|b| *b == b' ')?;
    let stamp = std::str::from_utf8(&line[..space]).ok()?.parse().ok()?;
    Some((stamp, &line[space + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(place: &mut Place, lines: &[&str]) -> String {
        let mut sieve = Sieve::new(place);
        let taken = lines.iter().filter_map(|line| sieve.take(line.as_bytes()));
        String::from_utf8(taken.flatten().copied().collect()).unwrap()
    }

    #[test]
    fn what_was_read_is_dropped_and_equal_lines_are_kept_apart() {
        let all = [
            "2026-01-01T00:00:00.1Z a\n",
            "2026-01-01T00:00:00.12Z b\n",
            "2026-01-01T00:00:00.12Z b\n",
            "2026-01-01T00:00:00.12Z b\n",
            "2026-01-01T00:00:00.110Z older\n",
            "2026-01-01T00:00:01Z \n",
            "2026-01-01T00:00:02Z two words\n",
        ];
        let whole = "a\nb\nb\nb\nolder\n\ntwo words\n";
        for cut in 0..=all.len() {
            if cut == 5 {
                // After the line that is older than the one before it, the lines before it look new
                // again: nothing is lost, something is told twice.
                continue;
            }
            let mut place = Place::of("p");
            let mut got = read(&mut place, &all[..cut]);
            let stored = place.clone().news(Vec::new(), Stand::Running).cursor;
            got.push_str(&read(&mut Place::read(&stored), &all));
            assert_eq!(got, whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_without_a_time_stamp_is_not_the_programs() {
        let mut place = Place::of("p");
        assert_eq!(
            read(&mut place, &["unable to retrieve container logs\n"]),
            ""
        );
        assert_eq!(place.at, None);
    }
}
