//! Providers, contacts, rules, hours and quiet, as files say them.

use super::{Folder, good, said};
use firebell::config::fix_report;
use firebell::config::notify::Security;
use firebell::core::directory::{ContactKind, Means, Urgency};
use firebell::core::time::Time;
use secrecy::ExposeSecret;

const PROVIDERS: &str = "[paging]
catch-all = [\"person:ana\"]
[email]
host = \"mail.example.org\"
from = \"firebell <firebell@example.org>\"
[[ntfy]]
api-url = \"https://ntfy.example.org\"
[[sms]]
name = \"eu\"
account = \"AC1\"
token = \"env:TOKEN\"
from = \"+4930123456\"
[[sms]]
name = \"us\"
account = \"AC2\"
token = \"env:TOKEN\"
from = \"+15550100\"
";

const ANA: &str = "name = \"Ana\"
zone = \"Europe/Madrid\"
email = \"Ana@example.org\"
contacts = [
  { kind = \"ntfy\", name = \"push\", topic = \"env:TOPIC\" },
  { kind = \"sms\", name = \"phone\", number = \"+34600123456\", provider = \"us\" },
  { kind = \"email\" },
]
quiet = { from = \"22:00\", to = \"07:00\", digest = \"08:30\", days = [\"sat\", \"sun\"] }
[[rules]]
urgency = \"high\"
steps = [{ contacts = [\"push\"] }, { after = \"2m\", contacts = [\"phone\", \"email\"] }]
";

const VARIABLES: &[(&str, &str)] = &[("TOKEN", "shh"), ("TOPIC", "ana-Topic_1")];

fn folder() -> Folder {
    let folder = Folder::new();
    folder.put("firebell.toml", PROVIDERS);
    folder.put("people/ana.toml", ANA);
    folder
}

#[test]
fn what_people_write_about_being_woken_is_understood() {
    let folder = folder();
    folder.put(
        "services/checkout.toml",
        "team = \"web\"\nmatch = ['service=\"checkout\"']\nurgency-outside = \"low\"\nhours = { days = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"], from = \"08:00\", to = \"18:00\", zone = \"Europe/Berlin\" }\n",
    );
    let loaded = good(folder.load(VARIABLES));
    assert_eq!(loaded.warnings, [], "{}", fix_report(&loaded.warnings));
    let ana = &loaded.directory.people["ana"];
    let contacts: Vec<String> = (ana.contacts.iter())
        .map(|c| match &c.kind {
            ContactKind::Direct { means, to, via } => format!(
                "{} {} {} {}",
                c.name,
                means.word(),
                to.expose_secret(),
                via.as_deref().unwrap_or("-")
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        contacts,
        [
            "push ntfy ana-Topic_1 -",
            "phone sms +34600123456 us",
            "email email ana@example.org -",
        ]
    );
    let rule = &ana.waking.rules[0];
    assert_eq!(rule.urgency, Urgency::High);
    assert_eq!(rule.steps[1].after_secs, 120);
    assert_eq!(rule.steps[1].contacts, ["phone", "email"]);
    assert_eq!(ana.waking.quiet.as_ref().map(|q| q.digest), Some(510));
    let notify = &loaded.settings.notify;
    assert_eq!(
        (notify.email[0].security, notify.email[0].port),
        (Security::StartTls, 587)
    );
    assert_eq!(notify.pace_ms(Means::Sms), 60_000);
    // Friday evening in Berlin; the scale is the default one.
    let d = &loaded.directory;
    let evening = Time::parse_rfc3339("2026-11-27T18:00:00Z").unwrap();
    let sev1 = d.severity("sev1").unwrap();
    assert_eq!(d.urgency(sev1, Some("checkout"), evening).0, Urgency::Low);
    assert_eq!(d.urgency(sev1, None, evening).0, Urgency::High);
    assert_eq!(
        d.urgency(d.severity("sev3").unwrap(), None, evening).0,
        Urgency::Low
    );
    let kept = format!("{loaded:?}");
    for secret in ["ana-Topic_1", "+34600123456", "shh"] {
        assert!(!kept.contains(secret), "{secret} shows");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of slips")]
fn every_slip_names_file_line_and_fix() {
    let rows: &[(&str, &str, &str, &str, usize, &str, &str)] = &[
        (
            "people/ana.toml",
            "+34600123456",
            "0034600123456",
            "people/ana.toml",
            6,
            "can be reached by sms",
            "+491701234567",
        ),
        (
            "people/ana.toml",
            "provider = \"us\"",
            "provider = \"usa\"",
            "people/ana.toml",
            6,
            "no sms provider \"usa\"",
            "`us`",
        ),
        (
            "people/ana.toml",
            "kind = \"ntfy\"",
            "kind = \"pushover\"",
            "people/ana.toml",
            5,
            "no provider of kind pushover",
            "[[pushover]]",
        ),
        (
            "people/ana.toml",
            "[\"phone\", \"email\"]",
            "[\"fone\"]",
            "people/ana.toml",
            12,
            "no contact \"fone\"",
            "`phone`",
        ),
        (
            "people/ana.toml",
            "digest = \"08:30\"",
            "digest = \"06:00\"",
            "people/ana.toml",
            9,
            "in the quiet hours",
            "07:00",
        ),
        (
            "people/ana.toml",
            "from = \"22:00\"",
            "from = \"10pm\"",
            "people/ana.toml",
            9,
            "no time of day",
            "22:00",
        ),
        (
            "people/ana.toml",
            "urgency = \"high\"",
            "urgency = \"hi\"",
            "people/ana.toml",
            11,
            "cannot be \"hi\"",
            "\"low\"",
        ),
        (
            "firebell.toml",
            "name = \"us\"",
            "name = \"eu\"",
            "firebell.toml",
            8,
            "two sms providers are called eu",
            "sms-2",
        ),
        (
            "firebell.toml",
            "from = \"firebell <firebell@example.org>\"",
            "from = \"firebell\"",
            "firebell.toml",
            5,
            "no mail address",
            "<firebell@example.org>",
        ),
        (
            "firebell.toml",
            "host = \"mail.example.org\"",
            "host = \"mail.example.org\"\nsecurity = \"none\"\nuser = \"u\"\npassword = \"env:TOKEN\"",
            "firebell.toml",
            5,
            "unencrypted",
            "starttls",
        ),
        (
            "firebell.toml",
            "token = \"env:TOKEN\"\nfrom = \"+15550100\"",
            "token = \"shh\"\nfrom = \"+15550100\"",
            "firebell.toml",
            16,
            "in the open",
            "env:NAME",
        ),
    ];
    for (file, from, to, path, line, what, fix) in rows {
        let folder = folder();
        let text = if *file == "firebell.toml" {
            PROVIDERS
        } else {
            ANA
        };
        assert!(text.contains(from), "{from}");
        folder.put(file, &text.replacen(from, to, 1));
        let faults = folder.load(VARIABLES).expect_err(what);
        said(&faults, path, *line, what, fix);
    }
}
