//! What is shipped loads as it is: the demo, the example, the actions.

use super::{TOKEN, demo, given, good};
use firebell::config::{DEMO_FILES, Fault, Loaded, Variables, fix_report, load_with, write_demo};
use firebell::core::alert::{Alert, AlertKind, Labels};
use firebell::core::route::{Verdict, route};
use firebell::core::time::Time;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[test]
fn the_demo_loads_with_zero_faults_and_zero_warnings() {
    let (_dir, config) = demo();
    let loaded = good(load_with(&config, &Variables::new()));
    assert_eq!(loaded.warnings, [], "{}", fix_report(&loaded.warnings));
    let d = &loaded.directory;
    assert_eq!((d.people.len(), d.teams.len(), d.services.len()), (5, 2, 4));
    assert_eq!(
        (d.schedules.len(), d.policies.len(), d.actions.len()),
        (2, 1, 2)
    );
    let zones: std::collections::BTreeSet<&str> =
        d.people.values().map(|p| p.zone.name()).collect();
    assert_eq!(zones.len(), 5);
    assert!(d.people.values().all(|p| !p.contacts.is_empty()));
    assert_eq!(loaded.settings.listen, "127.0.0.1:4711");
    assert!(loaded.settings.console.demo);
    assert_eq!(
        loaded.settings.console.channels,
        ["general", "platform-alerts", "web-alerts"]
    );
}

#[test]
fn the_demos_actions_fit_the_demos_alert() {
    let (_dir, config) = demo();
    let loaded = good(load_with(&config, &Variables::new()));
    let labels: Labels = [
        ("service", "checkout"),
        ("instance", "web-2:9100"),
        ("severity", "critical"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into();
    let alert = Alert {
        source: "prometheus".to_owned(),
        fingerprint: "f".to_owned(),
        labels: labels.clone(),
        annotations: Labels::new(),
        starts_at: Time(0),
        ends_at: Time::FAR,
        generator_url: String::new(),
        kind: AlertKind::Firing,
    };
    let Verdict::Incident(routed) = route(&loaded.directory, &alert) else {
        panic!("it pages");
    };
    assert_eq!(routed.service.as_deref(), Some("checkout"));
    assert_eq!(routed.ladder.rungs.len(), 3);
    let action = &loaded.directory.actions["restart-web"];
    firebell::core::action::offered(action, routed.service.as_deref(), &labels).unwrap();
    let plan = firebell::core::action::bind(action, &BTreeMap::new(), &labels).unwrap();
    assert_eq!(
        plan.argv,
        [
            "/bin/echo",
            "restarted the web server on web-2 (graceful, 30 s)"
        ]
    );
    let look = &loaded.directory.actions["disk-usage"];
    let plan = firebell::core::action::bind(look, &BTreeMap::new(), &labels).unwrap();
    assert_eq!(plan.argv, ["/bin/df", "-h", "/"]);
    assert_eq!((action.approvals(), look.approvals()), (1, 0));
}

#[test]
fn the_demo_keeps_what_is_there_and_its_secrets_to_itself() {
    let (dir, config) = demo();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let (api, ingest) = (read("secrets/api-token"), read("secrets/ingest-token"));
    assert_eq!(ingest.trim().len(), 32);
    assert!(ingest.trim().bytes().all(|b| b.is_ascii_hexdigit()));
    assert_ne!(api, ingest);
    std::fs::write(dir.path().join("people/ana.toml"), "edited").unwrap();
    write_demo(dir.path(), "127.0.0.1:4712", "127.0.0.1:4722").unwrap();
    assert_eq!(read("people/ana.toml"), "edited");
    assert_eq!(
        (read("secrets/api-token"), read("secrets/ingest-token")),
        (api.clone(), ingest.clone())
    );
    let main = std::fs::read_to_string(config).unwrap();
    for line in [
        "listen = \"127.0.0.1:4711\"",
        "url = \"http://127.0.0.1:4721\"",
    ] {
        assert!(main.contains(line), "{line} in\n{main}");
    }
    let env = read("demo.env");
    for line in [
        "FIREBELL_URL=http://127.0.0.1:4712".to_owned(),
        format!("FIREBELL_API_TOKEN={}", api.trim()),
        format!("FIREBELL_INGEST_TOKEN={}", ingest.trim()),
    ] {
        assert!(
            env.lines().any(|l| l.trim_start_matches("export ") == line),
            "{line} in\n{env}"
        );
    }
    for name in ["demo.env", "secrets/api-token", "secrets/ingest-token"] {
        let mode = std::fs::metadata(dir.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// Every file below a folder of the source tree, by its path there.
fn below(folder: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let (mut found, mut open) = (Vec::new(), vec![root.clone()]);
    while let Some(at) = open.pop() {
        for item in std::fs::read_dir(&at).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap();
                found.push(name.display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_file_of_the_demo_is_compiled_in() {
    let compiled = DEMO_FILES.iter().map(|(name, _)| (*name).to_owned());
    let (actions, mut others): (Vec<String>, Vec<String>) =
        compiled.partition(|name| name.starts_with("actions/"));
    others.sort();
    assert_eq!(others, below("deploy/demo"));
    // Of the example actions only those that run on every machine: a demo begins without a fault.
    let examples = below("commands/actions");
    for action in &actions {
        let name = action.strip_prefix("actions/").unwrap();
        assert!(examples.iter().any(|e| e == name), "{action}");
    }
    assert!(!actions.is_empty());
}

/// The shipped example beside the demo's folders.
fn example(text: &str) -> Result<Loaded, Vec<Fault>> {
    let (dir, config) = demo();
    std::fs::write(&config, text).unwrap();
    let loaded = load_with(
        &config,
        &given(&[
            ("FIREBELL_API_TOKEN", TOKEN),
            ("FIREBELL_INGEST_TOKEN", "fedcba9876543210fedcba9876543210"),
            ("SLACK_BOT_TOKEN", "xoxb-1"),
            ("SLACK_APP_TOKEN", "xapp-1"),
            ("SLACK_SIGNING_SECRET", "shh"),
            ("DISCORD_TOKEN", "MTk4.x.y"),
            ("SMTP_PASSWORD", "shh"),
            ("NTFY_TOKEN", "tk_1"),
            ("PUSHOVER_TOKEN", "azGDORePK8gMaC0QOYAMyEEuzJnyUi"),
            ("TWILIO_TOKEN", "shh"),
        ]),
    );
    drop(dir);
    loaded
}

const EXAMPLE: &str = include_str!("../../../deploy/firebell.example.toml");

#[test]
fn the_shipped_example_loads_with_zero_faults_and_zero_warnings() {
    let loaded = good(example(EXAMPLE));
    assert_eq!(loaded.warnings, [], "{}", fix_report(&loaded.warnings));
}

#[test]
fn the_examples_comments_show_the_defaults() {
    let plain = good(example(EXAMPLE));
    // What is commented out and is a key, except what shows an alternative instead of a default.
    let alternatives = [
        "sha256",
        "zone",
        "url = ",
        "service",
        "automation",
        "announce",
        "type = ",
    ];
    let mut mapping = false;
    let lines = EXAMPLE.lines().map(|line| {
        // Blocks that are whole only together; those of chat platforms have a test of their own.
        let block = [
            "# [sources.mapping]",
            "# [[slack]]",
            "# [[discord]]",
            "# [[webhooks]]",
            "# [inventory]",
            "# [postmortem]",
            "# [[roles]]",
            "# [[statuses]]",
            "# [status_page]",
            "# [[subscribers]]",
            "# [[types]]",
            "# [calendars]",
        ];
        let begins = block.iter().any(|b| line.starts_with(b));
        mapping = (mapping || begins) && !line.starts_with('[');
        let Some(code) = line.strip_prefix("# ").filter(|_| !mapping) else {
            return line;
        };
        let word = |w: &str| w.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        let key = code.split(' ').next().is_some_and(word);
        let setting = (key && code.contains(" = ")) || code == "[[severities]]";
        let alternative = alternatives.iter().any(|a| code.starts_with(a));
        if setting && !alternative { code } else { line }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let spelled = good(example(&text));
    assert_ne!(text, EXAMPLE.trim_end());
    let directory = |l: &Loaded| {
        let d = &l.directory;
        format!("{:?}{:?}{:?}", d.route, d.severities, d.fairness)
    };
    assert_eq!(directory(&plain), directory(&spelled));
    let settings = |l: &Loaded| {
        format!(
            "{:?}",
            (
                &l.settings.listen,
                &l.settings.sources,
                &l.settings.console,
                &l.settings.limits,
                &l.settings.log_format,
                &l.settings.log_filter
            )
        )
    };
    assert_eq!(settings(&plain), settings(&spelled));
}

#[test]
fn the_examples_status_page_loads_when_it_is_switched_on() {
    let mut inside = false;
    let lines = EXAMPLE.lines().map(|line| {
        let begins = ["# [[statuses]]", "# [status_page]", "# [[subscribers]]"];
        inside |= begins.iter().any(|b| line.starts_with(b));
        inside &= line.starts_with("# ");
        line.strip_prefix("# ").filter(|_| inside).unwrap_or(line)
    });
    let loaded = good(example(&lines.collect::<Vec<_>>().join("\n")));
    assert_eq!(loaded.warnings, [], "{}", fix_report(&loaded.warnings));
    let plain = good(example(EXAMPLE));
    assert_eq!(plain.directory.statuses, loaded.directory.statuses);
    let page = loaded.directory.page.as_ref().unwrap();
    assert_eq!(
        (page.title.as_str(), page.components.len()),
        ("Example status", 1)
    );
    assert_eq!(loaded.settings.page.listen.as_deref(), Some("0.0.0.0:8090"));
    assert_eq!(loaded.directory.subscribers.len(), 2);
    assert_eq!(loaded.directory.updates.every.len(), 2);
}

#[test]
fn the_examples_chat_platforms_load_when_they_are_switched_on() {
    let mut inside = false;
    let lines = EXAMPLE.lines().map(|line| {
        inside = (inside || line.starts_with("# [[slack]]")) && !line.starts_with('[');
        let Some(code) = line.strip_prefix("# ").filter(|_| inside) else {
            return line;
        };
        let key = code.starts_with("[[") || code.split(' ').nth(1) == Some("=");
        // What shows the form of a value, or an alternative, is not one to load.
        let shown = code.split('#').next().is_some_and(|c| c.contains('…'))
            || code.contains("hexadecimal")
            || code.starts_with("client-id");
        let own = !code.starts_with("extra-ca") && !code.starts_with("proxy");
        if key && !shown && own { code } else { line }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let loaded = good(example(&text));
    assert_eq!(loaded.warnings, [], "{}", fix_report(&loaded.warnings));
    assert_eq!(loaded.directory.platforms, ["console", "slack", "discord"]);
    let (slack, discord) = (&loaded.settings.slack[0], &loaded.settings.discord[0]);
    assert!(slack.app_token.is_some() && slack.signing_secrets.len() == 1);
    assert_eq!(slack.place.channel, "incidents");
    assert_eq!(
        (slack.place.net.timeout_ms, slack.place.net.pace_ms),
        (10_000, 1000)
    );
    assert_eq!(discord.category, "Incidents");
    let names = loaded.settings.notify.names();
    let names: Vec<String> = names
        .into_iter()
        .map(|(m, n)| format!("{} {n}", m.word()))
        .collect();
    assert_eq!(
        names,
        [
            "email email",
            "ntfy ntfy",
            "pushover pushover",
            "sms sms",
            "voice voice"
        ]
    );
    assert!(loaded.directory.furnished("slack") && !loaded.directory.furnished("console"));
}

#[test]
fn check_says_what_the_configuration_means_today() {
    let (_dir, config) = demo();
    let now = Time::parse_rfc3339("2026-01-13T12:00:00Z").unwrap();
    let (report, faults) = firebell::cli::check::report(&config, now);
    assert_eq!(faults, 0);
    assert!(report.contains("good: 5 people, 2 teams, 4 services, 2 schedules, 1 policy, 2 actions, 1 source and 1 token"), "{report}");
    assert!(
        report.contains("on call, web-primary: Bo Lindqvist until Mon 19 Jan 09:00 CET"),
        "{report}"
    );
    assert!(
        report.contains("on call, platform: Ana Ruiz until Tue 13 Jan 17:00 CET"),
        "{report}"
    );
    std::fs::write(&config, "[paging]\n").unwrap();
    let (report, faults) = firebell::cli::check::report(&config, now);
    assert_eq!(faults, 1, "{report}");
    assert!(firebell::cli::check::run(&config, now).is_err());
}
