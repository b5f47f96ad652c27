//! A journal as an attacker would write it.

use super::journal::{alert, at, ended, journal as in_order, opened};
use firebell::core::id::{Actor, RunId};
use firebell::core::incident::{Event, Outcome, Record};

/// Everything an attacker can put into text, in every field that carries some.
pub const TEXT: &str = "<script>alert(1)</script> @everyone [x](javascript:alert(1)) ![i](https://evil.example/i) | `a` ``b`` **c** https://evil.example www.evil.example me@evil.example <!-- end\n# heading\n| --- |\n\u{202E}gnp";

/// A journal whose every text is hostile.
pub fn journal() -> Vec<Record> {
    let bad = || TEXT.to_owned();
    let villain = Actor::Unlinked {
        id: bad(),
        name: bad(),
    };
    let mut wicked = alert(1, TEXT, "13:58:30");
    wicked.summary = bad();
    wicked.fingerprint = bad();
    wicked.source = bad();
    wicked.url = String::from("javascript:alert(1)");
    let mut sly = alert(2, TEXT, "13:58:40");
    sly.url = String::from("https://evil.example/)<script>[x](y");
    let mut begin = opened(TEXT, vec![wicked, sly]);
    if let Event::Opened { why, service, .. } = &mut begin {
        why.push(bad());
        *service = Some(bad());
    }
    in_order(vec![
        ("14:00:00", TEXT, begin),
        (
            "14:01:00",
            TEXT,
            Event::Noted {
                by: villain.clone(),
                text: bad(),
                happened_at: None,
            },
        ),
        (
            "14:02:00",
            TEXT,
            Event::Spoke {
                by: villain.clone(),
                text: bad(),
                platform: bad(),
                message: bad(),
                answers: Some(Box::new(firebell::core::incident::Answered {
                    message: bad(),
                    seq: Some(2),
                    name: bad(),
                })),
            },
        ),
        (
            "14:03:00",
            TEXT,
            Event::PageFailed {
                person: bad(),
                contact: bad(),
                why: bad(),
            },
        ),
        (
            "14:04:00",
            TEXT,
            Event::RunAsked {
                run: RunId(1),
                action: bad(),
                title: bad(),
                digest: bad(),
                argv: vec![bad()],
                by: villain,
                needs: 0,
                expires: at("14:30:00"),
                terms: Box::default(),
            },
        ),
        (
            "14:05:00",
            TEXT,
            ended(
                1,
                Outcome::Unknown { why: bad() },
                "````\n<script>\n```text\n# free",
            ),
        ),
    ])
}
