//! Templates, deadlines and places for postmortems: what they mean, and their faults by line and fix.

use super::{Folder, each_is_said, said};
use firebell::config::postmortem::{Export, ExportKind, Forge};
use firebell::core::postmortem::{Format, TemplateBy, Term, export};

const TOML: &str = "[paging]\ncatch-all = [\"person:ana\"]\n";

#[test]
fn a_template_is_for_what_it_names_and_a_deadline_for_its_severity() {
    let folder = Folder::new();
    folder.put(
        "postmortem/any.md",
        "# Any {{incident.id}}\n\n{{timeline}}\n",
    );
    folder.put(
        "postmortem/bad.md",
        "+++\nseverities = [\"sev1\"]\n+++\n# Bad {{incident.id}}\n",
    );
    folder.put(
        "postmortem/checkout.md",
        "+++\nservices = [\"checkout\"]\n+++\n# Checkout {{incident.id}}\n",
    );
    folder.put(
        "firebell.toml",
        &format!("{TOML}[postmortem]\ndeadlines = {{ sev3 = \"10 days\" }}\n"),
    );
    let rules = folder.load(&[]).unwrap().directory.postmortems;
    let draft = firebell::core::postmortem::build(firebell::core::id::IncidentId(7), &[], None);
    let head = |severity: &str, service: Option<&str>| {
        let of = TemplateBy {
            severity,
            service,
            team: Some("web"),
            type_id: None,
        };
        let template = rules.template(&of, None);
        let text = export(&draft, &template, Format::Markdown);
        text.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(head("sev2", None), "# Any 7");
    assert_eq!(head("sev1", None), "# Bad 7");
    assert_eq!(head("sev1", Some("checkout")), "# Checkout 7");
    let deadlines: Vec<_> = rules.deadlines.0.into_iter().collect();
    assert_eq!(deadlines, [("sev3".to_owned(), Term::Days(10))]);
    let usual = Folder::new().load(&[]).unwrap().directory.postmortems;
    assert_eq!(usual.deadlines.0["sev2"], Term::BusinessDays(5));
}

#[test]
fn places_are_read_with_their_tokens_and_kinds() {
    let folder = Folder::new();
    folder.put(
        "firebell.toml",
        &format!(
            "{TOML}[export.book]\nkind = \"git\"\nrepository = \"https://git.example/book.git\"\ntoken = \"env:T\"\nforge = \"gitlab\"\nproject = \"acme/book\"\napi-url = \"https://git.example/api/v4\"\n[export.ops]\nkind = \"jira\"\napi-url = \"https://jira.example\"\nproject = \"OPS\"\ntoken = \"env:T\"\n[export.plain]\nkind = \"git\"\nrepository = \"../book.git\"\n"
        ),
    );
    let exports = folder.load(&[("T", "s3cret")]).unwrap().settings.exports;
    let names: Vec<&str> = exports.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["book", "ops", "plain"]);
    let ExportKind::Git { forge, base, .. } = &exports[0].kind else {
        panic!("{:?}", exports[0]);
    };
    assert_eq!(forge, &Some((Forge::Gitlab, "acme/book".to_owned())));
    assert_eq!(base, "main");
    assert_eq!(exports[0].net.timeout_ms, 20_000);
    assert!(!format!("{exports:?}").contains("s3cret"));
    assert!(
        matches!(&exports[2].kind, ExportKind::Git { repository, .. } if repository.ends_with("/../book.git"))
    );
}

/// The lines of the example's places, without the mark in front that switches them off.
fn of_the_example() -> String {
    let example = include_str!("../../../deploy/firebell.example.toml");
    let lines = example.lines().skip_while(|l| *l != "# [export.handbook]");
    let own = lines.take_while(|l| !l.is_empty());
    own.filter_map(|l| l.strip_prefix("# "))
        .map(|l| format!("{l}\n"))
        .collect()
}

#[test]
fn the_examples_places_mean_what_they_say() {
    let folder = Folder::new();
    folder.put("firebell.toml", &format!("{TOML}{}", of_the_example()));
    let known = [
        ("HANDBOOK_TOKEN", "ghp-s3cret"),
        ("JIRA_TOKEN", "jira-s3cret"),
        ("SLACK_BOT_TOKEN", "xoxb-s3cret"),
        ("DISCORD_TOKEN", "MTk4.s3cret.y"),
        ("PROXY", "http://me:s3cret@proxy.example.org:3128"),
    ];
    let loaded = folder.load(&known).unwrap();
    assert_eq!(loaded.warnings, []);
    let exports = loaded.settings.exports;
    let kinds: Vec<(&str, &ExportKind)> =
        exports.iter().map(|e| (e.name.as_str(), &e.kind)).collect();
    let [
        ("archive", ExportKind::DiscordFile { channel: archive }),
        ("canvas", ExportKind::SlackCanvas { channel: canvas }),
        (
            "handbook",
            ExportKind::Git {
                repository,
                base,
                folder: inside,
                user,
                forge,
            },
        ),
        (
            "ops",
            ExportKind::Jira {
                project,
                issue_type,
                user: who,
            },
        ),
    ] = kinds.as_slice()
    else {
        panic!("{kinds:?}");
    };
    assert_eq!(
        (archive.as_str(), canvas.as_str()),
        ("1234567890123456789", "C0123ABCD")
    );
    assert_eq!(repository, "https://github.com/acme/handbook.git");
    assert_eq!(
        (base.as_str(), inside.as_str(), user.as_str()),
        ("main", "postmortems", "x-access-token")
    );
    assert_eq!(forge, &Some((Forge::Github, "acme/handbook".to_owned())));
    assert_eq!((project.as_str(), issue_type.as_str()), ("OPS", "Task"));
    assert_eq!(who.as_deref(), Some("firebell@acme.example"));
    let handbook = &exports[2];
    assert_eq!(handbook.net.api_url, "https://api.github.com");
    assert_eq!(handbook.net.timeout_ms, 20_000);
    assert!(handbook.net.proxy.is_some());
    let ca = handbook.net.extra_ca.as_ref().unwrap();
    assert!(ca.ends_with("ca.pem"), "{}", ca.display());
    assert!(exports.iter().all(|e| e.token.is_some()));
    let documents: Vec<bool> = exports.iter().map(Export::takes_documents).collect();
    assert_eq!(documents, [true, true, true, false]);
    assert!(!format!("{exports:?}").contains("s3cret"));
    // What is written out for git and Jira is what counts when it is not, but for where it leads.
    let rest = "[export.handbook]\nkind = \"git\"\nrepository = \"https://github.com/acme/handbook.git\"\ntoken = \"env:HANDBOOK_TOKEN\"\nforge = \"github\"\nproject = \"acme/handbook\"\n";
    folder.put("firebell.toml", &format!("{TOML}{rest}"));
    let usual = folder.load(&known).unwrap().settings.exports.remove(0);
    assert_eq!(format!("{:?}", usual.kind), format!("{:?}", handbook.kind));
    assert_eq!(usual.net.api_url, handbook.net.api_url);
    assert_eq!(usual.net.timeout_ms, handbook.net.timeout_ms);
}

#[test]
fn faults_of_postmortems_name_line_and_fix() {
    let at = |rest: &str| format!("{TOML}{rest}");
    let rows = [
        (
            at("[postmortem]\ndeadlines = { sev1 = \"soon\" }\n"),
            4,
            "is no deadline",
            "5 business days",
        ),
        (
            at("[postmortem]\ndeadlines = { p9 = \"3d\" }\n"),
            4,
            "does not exist",
            "sev1",
        ),
        (
            at("[export.x]\nkind = \"wiki\"\n"),
            4,
            "`kind` cannot be",
            "github-issues",
        ),
        (
            at("[export.x]\nkind = \"git\"\nrepository = \"https://me:pw@git.example/x.git\"\n"),
            5,
            "without a password",
            "token = ",
        ),
        (
            at("[export.x]\nkind = \"git\"\nrepository = \"ext::sh -c id\"\n"),
            5,
            "https address",
            "repository = ",
        ),
        (
            at("[export.x]\nkind = \"git\"\nrepository = \"r.git\"\nfolder = \"../up\"\n"),
            6,
            "`folder` cannot be",
            "without ..",
        ),
        (
            at("[export.x]\nkind = \"github-issues\"\nproject = \"acme/web\"\n"),
            3,
            "has no `token`",
            "env:NAME",
        ),
        (
            at("[export.x]\nkind = \"github-issues\"\nproject = \"web\"\ntoken = \"env:PATH\"\n"),
            5,
            "`project` cannot be",
            "owner/name",
        ),
    ];
    for (text, line, what, fix) in rows {
        let folder = Folder::new();
        folder.put("firebell.toml", &text);
        let faults = folder.load(&[("PATH", "/bin")]).expect_err(&text);
        said(&faults, "firebell.toml", line, what, fix);
    }
    each_is_said(&[
        (
            "postmortem/x.md",
            "+++\nseverities = [\"sev1\"]\n+++\n# {{incident.titel}}\n",
            4,
            "no placeholder",
            "{{incident.title}}",
        ),
        (
            "postmortem/x.md",
            "+++\nseverity = [\"sev1\"]\n+++\n{{timeline}}\n",
            2,
            "has no key `severity`",
            "severities",
        ),
        (
            "postmortem/x.md",
            "nothing\n",
            0,
            "no placeholder",
            "{{timeline}}",
        ),
    ]);
}
