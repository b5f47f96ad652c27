//! Wire formats: golden payloads, the rules of time, the limits, and payloads nobody would send.

mod changes;
mod http;

use firebell::config::{Limits, Mapping};
use firebell::core::alert::{Alert, AlertKind, Labels};
use firebell::core::time::Time;
use firebell::ingest::repeat::RepeatKey;
use firebell::ingest::{
    BadPayload, Context, Decoded, FORMATS, Format, NOTE, alertmanager_v2, fingerprint::fingerprint,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// 2026-11-22T12:00:00Z
const NOW: Time = Time(1_795_348_800_000);
const LIMITS: Limits = Limits {
    body_bytes: 1024 * 1024,
    labels: 6,
    label_bytes: 1024,
    depth: 32,
};
const MINUTE_MS: i64 = 60_000;

fn mapping() -> Mapping {
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    Mapping {
        items: "/monitors".to_owned(),
        fingerprint: "/id".to_owned(),
        summary: "/name".to_owned(),
        status: "/state".to_owned(),
        resolved_values: vec!["UP".to_owned()],
        severity: "/level".to_owned(),
        starts_at: "/since".to_owned(),
        url: "/link".to_owned(),
        labels: pairs(&[
            ("team", "/tags/team"),
            ("empty", "/tags/empty"),
            ("code", "/detail/code"),
        ]),
        annotations: pairs(&[("flags", "/flags"), ("body", "/detail/body")]),
    }
}

fn context(mapping: &Mapping) -> Context<'_> {
    Context {
        source: "tests",
        now: NOW,
        resolve_timeout_ms: 5 * MINUTE_MS,
        limits: &LIMITS,
        generated_key: "generated",
        mapping: Some(mapping),
    }
}

fn format(name: &str) -> &'static Format {
    FORMATS.iter().find(|f| f.name == name).unwrap()
}

fn decode(name: &str, body: &[u8]) -> Result<Decoded, BadPayload> {
    (format(name).decode)(body, &context(&mapping()))
}

fn v2(body: &Value) -> Decoded {
    decode("alertmanager_v2", body.to_string().as_bytes()).unwrap()
}

fn golden_folder(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/ingest")
        .join(format)
}

/// An alert with its times as people read them.
fn readable(alert: &Alert) -> Value {
    let time = |t: Time| match t {
        Time::FAR => "until resolved".to_owned(),
        t => t.rfc3339(),
    };
    let mut value = serde_json::to_value(alert).unwrap();
    value["starts_at"] = time(alert.starts_at).into();
    value["ends_at"] = time(alert.ends_at).into();
    value
}

fn outcome(result: &Result<Decoded, BadPayload>) -> String {
    let value = match result {
        Ok(decoded) => json!({
            "alerts": decoded.alerts.iter().map(readable).collect::<Vec<_>>(),
            "refused": decoded.refused,
        }),
        Err(bad) => json!({ "errors": bad.errors }),
    };
    format!("{}\n", serde_json::to_string_pretty(&value).unwrap())
}

/// Payloads and their expected outcomes, in the order of their names.
fn payloads(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    paths.retain(|p| !p.to_string_lossy().ends_with(".out.json"));
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    let read = |p: PathBuf| {
        let body = std::fs::read(&p).unwrap();
        (p, body)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_golden_payload_becomes_the_same_alerts_as_ever() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut differing = Vec::new();
    for format in FORMATS {
        for (path, body) in payloads(&golden_folder(format.name)) {
            let got = outcome(&decode(format.name, &body));
            let expected = path.with_extension("out.json");
            if update {
                std::fs::write(&expected, &got).unwrap();
            }
            let want = std::fs::read_to_string(&expected).unwrap_or_default();
            if got != want {
                differing.push(format!("{}\n{}", path.display(), difference(&want, &got)));
            }
        }
    }
    assert!(
        differing.is_empty(),
        "{}\nUPDATE=1 cargo test writes them anew",
        differing.join("\n")
    );
}

fn difference(want: &str, got: &str) -> String {
    let (want, got): (Vec<_>, Vec<_>) = (want.lines().collect(), got.lines().collect());
    let same = want.iter().zip(&got).take_while(|(w, g)| w == g).count();
    let show = |mark, lines: &[&str]| -> String {
        let lines = lines.iter().skip(same).take(8);
        lines.map(|l| format!("{mark} {l}\n")).collect()
    };
    format!(
        "line {}:\n{}{}",
        same + 1,
        show('-', &want),
        show('+', &got)
    )
}

#[test]
fn no_golden_outcome_is_without_its_payload() {
    for format in FORMATS {
        let folder = golden_folder(format.name);
        let inputs: Vec<PathBuf> = payloads(&folder)
            .into_iter()
            .map(|(p, _)| p.with_extension("out.json"))
            .collect();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let orphan = path.to_string_lossy().ends_with(".out.json") && !inputs.contains(&path);
            assert!(!orphan, "{} has no payload", path.display());
        }
    }
}

/// Alertmanager's rules, in minutes from now.
#[test]
fn begin_and_end_follow_alertmanagers_rules() {
    use AlertKind::{Firing, Resolved};
    let at = |minutes: Option<i64>| minutes.map(|m| NOW.plus_ms(m * MINUTE_MS).rfc3339());
    for (starts, ends, want) in [
        (None, None, Some((0, 5, Firing))),
        (Some(-9), None, Some((-9, 5, Firing))),
        (None, Some(7), Some((7, 7, Firing))),
        (None, Some(-7), Some((-7, -7, Resolved))),
        (Some(-9), Some(-7), Some((-9, -7, Resolved))),
        (Some(-9), Some(0), Some((-9, 0, Resolved))),
        (Some(-9), Some(1), Some((-9, 1, Firing))),
        (Some(3), None, Some((3, 5, Firing))),
        (Some(-7), Some(-7), Some((-7, -7, Resolved))),
        (Some(6), None, None),
        (Some(-7), Some(-9), None),
    ] {
        let alert = json!([{"labels": {"a": "b"}, "startsAt": at(starts), "endsAt": at(ends)}]);
        let decoded = v2(&alert);
        let minutes = |t: Time| t.since_ms(NOW) / MINUTE_MS;
        let got = decoded.alerts.first();
        let got = got.map(|a| (minutes(a.starts_at), minutes(a.ends_at), a.kind));
        assert_eq!(got, want, "startsAt {starts:?} endsAt {ends:?}");
        assert_eq!(decoded.refused.len(), usize::from(want.is_none()));
    }
}

#[test]
fn not_set_is_written_in_several_ways() {
    for unset in [
        json!(null),
        json!(""),
        json!("0001-01-01T00:00:00Z"),
        json!("0001-01-01T00:00:00.000Z"),
    ] {
        let decoded = v2(&json!([{"labels": {"a": "b"}, "startsAt": unset, "endsAt": unset}]));
        assert_eq!(decoded.alerts[0].starts_at, NOW, "{unset}");
        assert_eq!(
            decoded.alerts[0].ends_at,
            NOW.plus_ms(5 * MINUTE_MS),
            "{unset}"
        );
    }
}

#[test]
fn an_alert_at_the_limit_is_taken_and_one_beyond_is_refused_in_words() {
    let labels =
        |n: usize| -> Labels { (0..n).map(|i| (format!("l{i}"), "v".to_owned())).collect() };
    let long = |n: usize| "x".repeat(n);
    for (within, beyond, word) in [
        (
            json!({"labels": labels(6)}),
            json!({"labels": labels(7)}),
            "limits.labels",
        ),
        (
            json!({"labels": {"a": "b"}, "annotations": labels(6)}),
            json!({"labels": {"a": "b"}, "annotations": labels(7)}),
            "limits.labels",
        ),
        (
            json!({"labels": {"a": long(1024)}}),
            json!({"labels": {"a": long(1025)}}),
            "limits.label_bytes",
        ),
        (
            json!({"labels": {long(1024): "b"}}),
            json!({"labels": {long(1025): "b"}}),
            "limits.label_bytes",
        ),
        (
            json!({"labels": {"a": "b"}, "annotations": {"a": long(1024)}}),
            json!({"labels": {"a": "b"}, "annotations": {"a": long(1025)}}),
            "limits.label_bytes",
        ),
    ] {
        for name in ["alertmanager_v2", "alertmanager_webhook"] {
            let both = json!([within, beyond]);
            let body = match name {
                "alertmanager_v2" => both,
                _ => json!({"version": "4", "status": "firing", "alerts": both}),
            };
            let decoded = decode(name, body.to_string().as_bytes()).unwrap();
            assert_eq!(decoded.alerts.len(), 1, "{name} {word}");
            assert_eq!(decoded.refused[0].index, 1);
            let why = &decoded.refused[0].why;
            assert!(why.contains(word) && why.len() < 200, "{why}");
        }
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        format!(
            r#"{{"version":"4","alerts":[],"x":{}{}}}"#,
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    assert!(decode("alertmanager_webhook", nested(32).as_bytes()).is_ok());
    let bad = decode("alertmanager_webhook", nested(33).as_bytes()).unwrap_err();
    assert!(bad.to_string().contains("limits.depth"), "{bad}");
    // A bottomless payload neither overflows the stack nor is taken.
    for format in FORMATS {
        for open in ["[", r#"{"a":"#, r#"[{"labels":{"a":"#] {
            let body = open.repeat(200_000);
            assert!(
                decode(format.name, body.as_bytes()).is_err(),
                "{}",
                format.name
            );
        }
    }
}

#[test]
fn truncated_notifications_are_said_to_be() {
    let body = std::fs::read(
        golden_folder("alertmanager_webhook").join("alertmanager_firing_and_resolved.json"),
    )
    .unwrap();
    for alert in decode("alertmanager_webhook", &body).unwrap().alerts {
        assert!(alert.annotations[NOTE].contains("7 alerts"), "{alert:?}");
    }
}

fn key() -> RepeatKey {
    let mut rng = fastrand::Rng::with_seed(7);
    RepeatKey::new(|| rng.u128(..).to_le_bytes())
}

/// A memory of the alerts that fire, as the engine keeps it.
#[derive(Default)]
struct Memory(BTreeMap<u128, Time>);

impl Memory {
    fn post(&mut self, body: &str) -> alertmanager_v2::Sorted {
        let mapping = mapping();
        let mut refresh = |hash, ends_at| match self.0.get_mut(&hash) {
            Some(lease) => {
                *lease = ends_at;
                true
            }
            None => false,
        };
        let sorted =
            alertmanager_v2::sort(body.as_bytes(), &context(&mapping), &key(), &mut refresh)
                .unwrap();
        let firing = sorted
            .fresh
            .iter()
            .filter(|(a, _)| a.kind == AlertKind::Firing);
        self.0.extend(firing.map(|(a, hash)| (*hash, a.ends_at)));
        sorted
    }
}

fn later(minutes: i64) -> String {
    NOW.plus_ms(minutes * MINUTE_MS).rfc3339()
}

#[test]
fn an_unchanged_repeat_only_extends_its_lease() {
    let mut memory = Memory::default();
    let body = |ends: &str| {
        format!(
            r#"[{{"labels":{{"a":"b"}},"annotations":{{"s":"t"}},"startsAt":"2026-11-22T11:00:00Z","endsAt":"{ends}","generatorURL":"http://x/"}}]"#
        )
    };
    assert_eq!(memory.post(&body(&later(4))).fresh.len(), 1);
    let again = memory.post(&body(&later(5)));
    assert_eq!((again.repeats, again.fresh.len()), (1, 0));
    assert_eq!(memory.0.values().next(), Some(&NOW.plus_ms(5 * MINUTE_MS)));
}

#[test]
fn a_change_of_anything_but_the_end_is_no_repeat() {
    let mut memory = Memory::default();
    let first = r#"[{"labels":{"a":"b"},"annotations":{"s":"t"},"startsAt":"2026-11-22T11:00:00Z","generatorURL":"http://x/"}]"#;
    memory.post(first);
    for (from, to) in [
        (r#""b""#, r#""c""#),
        (r#""t""#, r#""u""#),
        ("11:00:00", "11:00:01"),
        ("http://x/", "http://y/"),
    ] {
        assert_eq!(memory.post(&first.replace(from, to)).repeats, 0, "{to}");
    }
    assert_eq!(memory.post(first).repeats, 1);
}

#[test]
fn an_end_is_never_taken_for_a_repeat() {
    let mut memory = Memory::default();
    let common = r#""labels":{"a":"b"},"startsAt":"2026-11-22T11:00:00Z""#;
    let firing = format!("{{{common}}}");
    let ended = format!(r#"{{{common},"endsAt":"{}"}}"#, later(-1));
    memory.post(&format!("[{firing}]"));
    let sorted = memory.post(&format!("[{ended}]"));
    assert_eq!(sorted.fresh[0].0.kind, AlertKind::Resolved);
    // In one payload the order counts: it ended, then it fires anew.
    let sorted = memory.post(&format!("[{ended},{firing}]"));
    let kinds: Vec<AlertKind> = sorted.fresh.iter().map(|(a, _)| a.kind).collect();
    assert_eq!(kinds, [AlertKind::Resolved, AlertKind::Firing]);
}

#[test]
fn sorting_and_decoding_agree_on_every_payload() {
    let mapping = mapping();
    for (path, body) in payloads(&golden_folder("alertmanager_v2")) {
        let decoded = decode("alertmanager_v2", &body);
        let sorted = alertmanager_v2::sort(&body, &context(&mapping), &key(), |_, _| false);
        let sorted = sorted.map(|s| Decoded {
            alerts: s.fresh.into_iter().map(|(alert, _)| alert).collect(),
            refused: s.refused,
        });
        assert_eq!(sorted, decoded, "{}", path.display());
    }
}

/// Damages a payload as networks, proxies and attackers do.
fn damage(rng: &mut fastrand::Rng, body: &mut Vec<u8>) {
    const PIECES: &[&[u8]] = &[
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"null",
        b"-1e999",
        b"\\u0000",
        b"\xff",
        b"\xc3",
        b"\\ud800",
        b"0001-01-01T00:00:00Z",
        b"9999999999999999999999",
        b"\"labels\":{",
    ];
    for _ in 0..rng.usize(1..3) {
        let at = rng.usize(0..=body.len());
        match rng.u8(0..4) {
            0 => body.truncate(at.max(1)),
            1 => {
                let piece = PIECES[rng.usize(..PIECES.len())];
                body.splice(at..at, piece.iter().copied());
            }
            2 => {
                let end = (at + rng.usize(0..20)).min(body.len());
                body.drain(at..end);
            }
            _ => {
                if let Some(byte) = body.get_mut(at) {
                    *byte = rng.u8(..);
                }
            }
        }
    }
}

#[test]
fn a_damaged_payload_is_refused_or_bounded_and_never_panics() {
    let seed = std::env::var("SEED").ok().and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut taken = 0;
    for format in FORMATS {
        let originals = payloads(&golden_folder(format.name));
        for round in 0..4000 {
            let mut body = originals[rng.usize(..originals.len())].1.clone();
            damage(&mut rng, &mut body);
            let Ok(decoded) = decode(format.name, &body) else {
                continue;
            };
            for alert in &decoded.alerts {
                sound(alert).unwrap_or_else(|why| {
                    panic!(
                        "SEED={seed} {} round {round}: {why}: {alert:?}",
                        format.name
                    )
                });
                taken += 1;
            }
        }
    }
    assert!(
        taken > 1000,
        "SEED={seed}: only {taken} alerts survived, the damage is too heavy to test anything"
    );
}

/// What every alert promises, whatever it came from.
fn sound(alert: &Alert) -> Result<(), &'static str> {
    let maps = || alert.labels.iter().chain(&alert.annotations);
    let ended = alert.ends_at <= NOW;
    for (wrong, why) in [
        (alert.fingerprint.is_empty(), "no identity"),
        (alert.fingerprint.contains('\0'), "NUL in the identity"),
        (
            maps().any(|(k, v)| k.contains('\0') || v.contains('\0')),
            "NUL",
        ),
        (maps().any(|(k, _)| k.is_empty()), "a name is empty"),
        (
            alert.labels.values().any(String::is_empty),
            "an empty label",
        ),
        (alert.labels.len() > LIMITS.labels, "too many labels"),
        (
            alert.labels.values().any(|v| v.len() > LIMITS.label_bytes),
            "a long label",
        ),
        (
            ended != (alert.kind == AlertKind::Resolved),
            "end and kind differ",
        ),
        (
            !alert.generator_url.is_empty()
                && !alert.generator_url.to_lowercase().starts_with("http"),
            "a link that is none",
        ),
    ] {
        if wrong {
            return Err(why);
        }
    }
    Ok(())
}

/// Captures of real senders lie outside the repository; a machine without them skips visibly.
fn capture(name: &str) -> Option<String> {
    let shared = std::env::var_os("FIREBELL_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = shared.join("specs/real-sender-captures").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!(
            "SKIPPED: no capture at {}; set FIREBELL_SHARED",
            path.display()
        );
    }
    text
}

/// Bodies posted to a path; a line is method, path, headers and body.
fn posted<'a>(capture: &'a str, path: &str) -> Vec<&'a str> {
    let start = format!("POST {path}");
    let lines = capture.lines().filter(|l| l.starts_with(&start));
    lines.map(|l| l.split_once("} {").unwrap().1).collect()
}

#[test]
fn what_alertmanager_really_sends_is_understood() {
    let Some(capture) = capture("alertmanager-0.25-to-webhook-pd-opsgenie-slack.log") else {
        return;
    };
    let kinds = |name: &str, path: &str| -> Vec<Alert> {
        let bodies = posted(&capture, path);
        let all = bodies
            .iter()
            .map(|b| decode(name, format!("{{{b}").as_bytes()).unwrap());
        all.flat_map(|d| {
            assert!(d.refused.is_empty());
            d.alerts
        })
        .collect()
    };
    for (name, path) in [
        ("alertmanager_webhook", "/hooks/alertmanager"),
        ("pagerduty", "/v2/enqueue"),
    ] {
        let alerts = kinds(name, path);
        let seen: Vec<AlertKind> = alerts.iter().map(|a| a.kind).collect();
        assert_eq!(seen, [AlertKind::Firing, AlertKind::Resolved], "{name}");
        assert_eq!(alerts[0].fingerprint, alerts[1].fingerprint, "{name}");
    }
    for alert in kinds("alertmanager_webhook", "/hooks/alertmanager") {
        assert_eq!(fingerprint(&alert.labels), alert.fingerprint);
    }
}

#[test]
fn what_pagerdutys_own_client_sends_is_understood() {
    let Some(capture) = capture("pagerduty-7.2.log") else {
        return;
    };
    let bodies = posted(&capture, "/v2/enqueue");
    let kinds: Vec<AlertKind> = bodies
        .iter()
        .map(|b| decode("pagerduty", format!("{{{b}").as_bytes()).unwrap())
        .map(|d| d.alerts[0].kind)
        .collect();
    assert_eq!(kinds, [AlertKind::Firing, AlertKind::Resolved]);
}
