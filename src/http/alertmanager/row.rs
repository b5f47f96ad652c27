//! A stored alert as Alertmanager's `gettableAlert`.

use super::query::receiver_of;
use crate::config::Settings;
use crate::core::time::Time;
use crate::store::AlertRow;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The last instant Go's RFC 3339 can write: 9999-12-31T23:59:59.999Z.
const LAST: Time = Time(253_402_300_799_999);

/// Ends shown for firing alerts whose stored end has passed.
///
/// An unchanged repeat extends the lease in memory only, so the stored end of an alert that still
/// fires may lie in the past, which readers would take for resolved. It cannot lie further ahead
/// than the source's `resolve_timeout`, so that is what is shown.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    now: Time,
    timeouts_ms: BTreeMap<String, i64>,
}

impl Ends {
    pub(super) fn new(settings: &Settings, now: Time) -> Ends {
        let timeouts = settings.sources.iter();
        Ends {
            now,
            timeouts_ms: timeouts
                .map(|s| (s.name.clone(), s.resolve_timeout_ms))
                .collect(),
        }
    }

    fn of(&self, row: &AlertRow) -> Time {
        if row.ends_at > self.now {
            return row.ends_at;
        }
        let timeout = self.timeouts_ms.get(&row.source);
        self.now.plus_ms(timeout.copied().unwrap_or(0))
    }
}

/// Appends the alert. What is stored is already JSON and is passed on as it is.
pub(super) fn write(out: &mut String, row: &AlertRow, ends: &Ends) {
    let stored = row.body.trim_end().strip_suffix('}');
    let stored = stored.filter(|s| s.len() > 1 && s.starts_with('{'));
    out.push_str(stored.unwrap_or(r#"{"labels":{},"annotations":{}"#));
    out.push_str(r#","fingerprint":"#);
    out.push_str(&serde_json::Value::from(row.fingerprint.as_str()).to_string());
    let times = [
        ("startsAt", row.starts_at),
        ("endsAt", ends.of(row)),
        ("updatedAt", row.updated_at),
    ];
    for (name, time) in times {
        // Writing to a String cannot fail.
        let _ = write!(out, r#","{name}":"{}""#, time.min(LAST).rfc3339());
    }
    let _ = write!(
        out,
        r#","receivers":[{{"name":"{}"}}],"status":{{"state":"active","silencedBy":[],"inhibitedBy":[],"mutedBy":[]}}}}"#,
        receiver_of(row)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::{AlertId, IncidentId};
    use serde_json::{Value, json};

    const NOW: Time = Time(1_795_000_000_000);

    fn stored(body: &str) -> AlertRow {
        AlertRow {
            id: AlertId(1),
            source: "prometheus".to_owned(),
            fingerprint: "key \"quoted\"".to_owned(),
            digest: 0,
            firing: true,
            starts_at: NOW.plus_ms(-60_000),
            ends_at: NOW.plus_ms(1),
            received_at: NOW,
            updated_at: NOW,
            incident: Some(IncidentId(7)),
            why: String::new(),
            body: body.to_owned(),
        }
    }

    fn shown(row: &AlertRow) -> Value {
        let ends = Ends {
            now: NOW,
            timeouts_ms: [("prometheus".to_owned(), 300_000)].into(),
        };
        let mut out = String::new();
        write(&mut out, row, &ends);
        serde_json::from_str(&out).unwrap()
    }

    #[test]
    fn a_row_has_every_field_alertmanager_promises() {
        let body = r#"{"labels":{"a":"b"},"annotations":{},"generatorURL":"http://x/"}"#;
        let want = json!({
            "labels": {"a": "b"},
            "annotations": {},
            "generatorURL": "http://x/",
            "fingerprint": "key \"quoted\"",
            "startsAt": "2026-11-18T11:05:40.000Z",
            "endsAt": "2026-11-18T11:06:40.001Z",
            "updatedAt": "2026-11-18T11:06:40.000Z",
            "receivers": [{"name": "on-call"}],
            "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
        });
        assert_eq!(shown(&stored(body)), want);
    }

    #[test]
    fn a_firing_alert_is_never_shown_with_an_end_that_has_passed() {
        let mut row = stored("{}");
        row.ends_at = NOW.plus_ms(-1);
        assert_eq!(shown(&row)["endsAt"], "2026-11-18T11:11:40.000Z");
    }

    #[test]
    fn an_alert_without_an_end_is_shown_with_one_go_can_read() {
        let mut row = stored("{}");
        row.ends_at = Time::FAR;
        assert_eq!(shown(&row)["endsAt"], "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_body_that_is_no_object_does_not_break_the_list() {
        for body in ["", "{}", "}", "[1]"] {
            assert_eq!(shown(&stored(body))["labels"], json!({}), "{body}");
        }
    }
}
