//! A stored alert as Alertmanager's `gettableAlert`.

use super::query::receiver_of;
use crate::core::time::Time;
use crate::store::AlertRow;
use std::fmt::Write;

/// The last instant Go's RFC 3339 can write: 9999-12-31T23:59:59.999Z.
const LAST: Time = Time(253_402_300_799_999);

/// Appends the alert. What is stored is already JSON and is passed on as it is. `ends_at` is when
/// it will be taken as ended, which unchanged repeats only move in memory; `held` the silences that
/// hold it.
pub(super) fn write(out: &mut String, row: &AlertRow, ends_at: Time, held: &[String]) {
    let stored = row.body.trim_end().strip_suffix('}');
    let stored = stored.filter(|s| s.len() > 1 && s.starts_with('{'));
    out.push_str(stored.unwrap_or(r#"{"labels":{},"annotations":{}"#));
    out.push_str(r#","fingerprint":"#);
    out.push_str(&serde_json::Value::from(row.fingerprint.as_str()).to_string());
    let times = [
        ("startsAt", row.starts_at),
        ("endsAt", ends_at),
        ("updatedAt", row.updated_at),
    ];
    for (name, time) in times {
        // Writing to a String cannot fail.
        let _ = write!(out, r#","{name}":"{}""#, time.min(LAST).rfc3339());
    }
    let state = if held.is_empty() {
        "active"
    } else {
        "suppressed"
    };
    let _ = write!(
        out,
        r#","receivers":[{{"name":"{}"}}],"status":{{"state":"{state}","silencedBy":{},"inhibitedBy":[],"mutedBy":[]}}}}"#,
        receiver_of(row),
        serde_json::Value::from(held)
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
        let mut out = String::new();
        write(&mut out, row, row.ends_at, &[]);
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
    fn what_a_silence_holds_is_suppressed_and_says_by_which() {
        let mut out = String::new();
        let row = stored("{}");
        write(
            &mut out,
            &row,
            row.ends_at,
            &["a".to_owned(), "b".to_owned()],
        );
        let status = &serde_json::from_str::<Value>(&out).unwrap()["status"];
        assert_eq!(status["state"], "suppressed");
        assert_eq!(status["silencedBy"], json!(["a", "b"]));
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
