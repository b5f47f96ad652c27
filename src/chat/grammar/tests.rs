//! Lines people type, read against a small directory.

use super::{Context, Invocation, Usage, Whom, parse};
use crate::chat::fixture::{at, directory};
use crate::chat::surface::{complete, tree};
use crate::core::directory::Target;
use crate::core::id::{IncidentId, RunId, Severity};
use chrono_tz::Tz;
use std::collections::BTreeMap;

fn read(text: &str, here: Option<i64>) -> Result<Invocation, Usage> {
    let directory = directory();
    let context = Context {
        directory: &directory,
        now: at("2026-11-22T14:30:00Z"),
        zone: Tz::UTC,
        here: here.map(IncidentId),
    };
    parse(text, &context)
}

fn ok(text: &str) -> Invocation {
    read(text, Some(7)).unwrap_or_else(|usage| panic!("{text}: {usage}"))
}

fn no(text: &str, here: Option<i64>) -> String {
    let usage = read(text, here).expect_err(text);
    assert!(usage.to_string().contains("For example: `"), "{usage}");
    usage.what
}

const SEVEN: IncidentId = IncidentId(7);
const FORTY_TWO: IncidentId = IncidentId(42);

#[test]
fn roots_slashes_and_aliases_all_reach_the_same_command() {
    for text in [
        "ack",
        "/ack",
        "/fb ack",
        "fb ack",
        "/firebell ack",
        "/inc ACK",
        "incident acknowledge",
        " /inc  mine ",
    ] {
        assert_eq!(ok(text), Invocation::Acknowledge { id: SEVEN }, "{text}");
    }
    for leaf in &tree().commands {
        for alias in &leaf.aliases {
            let line = leaf
                .example
                .replacen(&leaf.verb, alias, 1)
                .replace("ACTION", "restart");
            assert_eq!(ok(&line).verb(), leaf.verb, "{line}");
        }
    }
    assert_eq!(ok("/inc"), Invocation::Help { verb: None });
    assert_eq!(ok(""), Invocation::Help { verb: None });
}

#[test]
fn every_command_about_an_incident_takes_its_number_and_else_the_rooms() {
    for text in ["resolve 42", "resolve #42", "resolve inc-42"] {
        assert_eq!(ok(text), Invocation::Resolve { id: FORTY_TWO });
    }
    for text in ["snooze 42 30m", "snooze #42 30m", "snooze 30m #42"] {
        assert_eq!(
            ok(text),
            Invocation::Snooze {
                id: FORTY_TWO,
                ms: 1_800_000
            }
        );
    }
    assert_eq!(
        ok("sev sev1"),
        Invocation::SetSeverity {
            id: SEVEN,
            to: Severity(0)
        }
    );
    assert_eq!(
        ok("sev 42 SEV3"),
        Invocation::SetSeverity {
            id: FORTY_TWO,
            to: Severity(2)
        }
    );
    assert_eq!(
        ok("postmortem 42"),
        Invocation::Postmortem { id: FORTY_TWO }
    );
    assert!(no("ack", None).contains("needs an incident"));
    let huge = no("ack #99999999999999999999", None);
    assert!(huge.contains("needs an incident"), "{huge}");
}

#[test]
fn a_word_too_much_is_refused_and_not_ignored() {
    assert!(no("resolve not yet", Some(7)).contains("`not`"));
    assert!(no("ack #42 please", None).contains("`please`"));
    assert!(no("snooze 30m 1h", Some(7)).contains("`1h`"));
}

#[test]
fn an_unknown_verb_is_answered_with_the_nearest_one() {
    assert!(no("reslove", Some(7)).contains("Did you mean `resolve`?"));
    assert!(no("/fb postmorten", None).contains("Did you mean `postmortem`?"));
    assert!(no("xyzzy", None).contains("`help` lists"));
    assert!(no("help reslove", None).contains("`resolve`"));
}

#[test]
fn a_declaration_is_a_title_with_severity_and_service_anywhere() {
    let want = Invocation::New {
        title: "checkout is slow".to_owned(),
        severity: Some(Severity(1)),
        service: Some("checkout".to_owned()),
    };
    for text in [
        "new sev2 checkout is slow service=checkout",
        "declare checkout is slow sev=sev2 service=Checkout",
        "new service=checkout severity=sev2 \"checkout is slow\"",
        "report checkout sev=SEV2 is slow svc=checkout",
    ] {
        assert_eq!(ok(text), want, "{text}");
    }
    let url = ok("new see http://x/?a=b #42 again");
    assert_eq!(
        url,
        Invocation::New {
            title: "see http://x/?a=b #42 again".to_owned(),
            severity: None,
            service: None
        }
    );
    assert!(no("new sev1", None).contains("`title` is missing"));
    assert!(no("new x sev=sev9", None).contains("no severity"));
    assert!(no("new x service=chekout", None).contains("Did you mean `checkout`?"));
}

#[test]
fn a_page_names_a_person_a_schedule_a_team_or_a_service() {
    let page = |text: &str, here: Option<i64>| match read(text, here).unwrap() {
        Invocation::Page { id, whom, message } => (id, whom, message),
        other => panic!("{other:?}"),
    };
    let target = |t| Some(Whom::Target(t));
    let bo = target(Target::Person("bo".to_owned()));
    assert_eq!(
        page("page @bo  it   burns", None),
        (None, bo.clone(), "it   burns".to_owned())
    );
    assert_eq!(page("page \"Bo Berg\" x", None).1, bo);
    assert_eq!(page("page <@U-bo> x", None).1, bo);
    assert_eq!(
        page("trigger 42 bo", None),
        (Some(FORTY_TWO), bo.clone(), String::new())
    );
    assert_eq!(
        page("page bo 42 down", Some(7)),
        (Some(SEVEN), bo, "42 down".to_owned())
    );
    let schedule = target(Target::Schedule("web-primary".to_owned()));
    assert_eq!(page("escalate web-primary", None).1, schedule);
    assert_eq!(
        page("page web", None).1,
        target(Target::Team("web".to_owned()))
    );
    assert_eq!(
        page("page checkout", None).1,
        Some(Whom::Service("checkout".to_owned()))
    );
    assert_eq!(
        page("escalate", Some(7)),
        (Some(SEVEN), None, String::new())
    );
    assert!(no("page", None).contains("`whom` is missing"));
    assert!(no("page web-primry", None).contains("Did you mean `web-primary`?"));
}

#[test]
fn a_note_may_have_happened_earlier_and_is_kept_as_written() {
    let note = |text: &str, here: Option<i64>| match read(text, here).unwrap() {
        Invocation::Note {
            id,
            text,
            happened_at,
        } => (id.0, text, happened_at),
        other => panic!("{other:?}"),
    };
    let three = Some(at("2026-11-22T14:03:00Z"));
    assert_eq!(
        note("note at 14:03 we rolled back", Some(7)),
        (7, "we rolled back".to_owned(), three)
    );
    assert_eq!(
        note("timeline #42 at 14:03 x", Some(7)),
        (42, "x".to_owned(), three)
    );
    assert_eq!(
        note("note 42 at 2026-11-22 14:03 x", None),
        (42, "x".to_owned(), three)
    );
    assert_eq!(
        note("note 42 users affected", Some(7)).1,
        "42 users affected"
    );
    assert_eq!(
        note("note at first it was slow", Some(7)).1,
        "at first it was slow"
    );
    assert_eq!(
        note("note at 3-4 places, see #42", Some(7)),
        (7, "at 3-4 places, see #42".to_owned(), None)
    );
    assert_eq!(
        note("note say \"hi\"\nand bye", Some(7)).1,
        "say \"hi\"\nand bye"
    );
    assert!(no("note at 25:99 x", Some(7)).contains("`at`"));
    assert!(no("note at 2026-11-23 10:00 x", Some(7)).contains("future"));
    assert!(no("note at 14:03", Some(7)).contains("`text` is missing"));
}

#[test]
fn a_snooze_has_a_unit_and_an_end() {
    assert!(no("snooze 42", Some(7)).contains("`42m`"));
    assert!(no("snooze", Some(7)).contains("`duration` is missing"));
    assert!(no("snooze 8d", Some(7)).contains("at most 7d"));
    assert!(no("snooze 0s", Some(7)).contains("more than nothing"));
    assert!(no("snooze soon", Some(7)).contains("`soon`"));
}

#[test]
fn a_run_has_named_arguments_and_an_approval_a_run() {
    let args = BTreeMap::from([("lines".to_owned(), "1 0".to_owned())]);
    let run = Invocation::Run {
        id: SEVEN,
        action: "restart".to_owned(),
        args,
    };
    assert_eq!(ok("run Restart lines=\"1 0\""), run);
    assert!(no("run", Some(7)).contains("`restart`"));
    assert!(no("run restrat", Some(7)).contains("Did you mean `restart`?"));
    assert!(no("run restart 10", Some(7)).contains("name=value"));
    assert!(no("run restart lines=1 lines=2", Some(7)).contains("twice"));
    let approve = |id, run: Option<i64>| Invocation::Approve {
        id,
        run: run.map(RunId),
    };
    assert_eq!(ok("approve"), approve(SEVEN, None));
    assert_eq!(ok("approve 3"), approve(SEVEN, Some(3)));
    assert_eq!(ok("approve 42 run-3"), approve(FORTY_TWO, Some(3)));
    assert_eq!(ok("approve run-3 #42"), approve(FORTY_TWO, Some(3)));
    assert_eq!(
        ok("reject #42"),
        Invocation::Reject {
            id: FORTY_TWO,
            run: None
        }
    );
    assert!(no("approve all", Some(7)).contains("`run`"));
}

#[test]
fn the_lead_is_whoever_asks_unless_somebody_is_named() {
    let lead = |id, person: Option<&str>| Invocation::Lead {
        id,
        person: person.map(str::to_owned),
    };
    assert_eq!(ok("lead"), lead(SEVEN, None));
    assert_eq!(ok("lead me"), lead(SEVEN, None));
    assert_eq!(ok("lead 42 @ana"), lead(FORTY_TWO, Some("ana")));
    assert!(no("lead @anna", Some(7)).contains("Did you mean `ana`?"));
}

#[test]
fn no_line_however_odd_makes_the_grammar_panic() {
    let odd = [
        "#",
        "\"",
        "/",
        "//",
        "ack #",
        "note \"",
        "new =",
        "run =x",
        "page :",
        "page team:",
        "é\u{301} ü",
        "snooze 99999999999999999999h",
        "approve run-",
        "note at",
        "list \u{202E}",
    ];
    for text in odd {
        for here in [None, Some(7)] {
            let _ = read(text, here);
            let _ = complete(text, &directory(), here.map(IncidentId));
        }
    }
    assert!(no(&"x".repeat(5000), None).contains("4000"));
}

fn labels(text: &str) -> Vec<String> {
    let found = complete(text, &directory(), Some(SEVEN));
    found.into_iter().map(|c| c.label).collect()
}

#[test]
fn completion_goes_on_from_the_half_written_word() {
    assert!(labels("").contains(&"new".to_owned()));
    let found = complete("/fb res", &directory(), None);
    assert_eq!(found[0].insert, "/fb resolve ");
    assert_eq!(complete("/res", &directory(), None)[0].insert, "/resolve ");
    assert_eq!(labels("/fb sev "), ["sev1", "sev2", "sev3"]);
    assert_eq!(labels("sev 42 sev2"), ["sev2"]);
    assert_eq!(labels("ack #"), ["#7"]);
    assert_eq!(labels("page web"), ["web-primary", "web"]);
    assert_eq!(labels("lead "), ["me", "ana", "bo"]);
    assert_eq!(labels("run "), ["restart", "show-logs"]);
    assert_eq!(labels("run 42 restart "), ["lines=10", "lines=100"]);
    assert_eq!(labels("new x service="), ["service=checkout"]);
    assert_eq!(labels("list "), ["open", "all"]);
    assert!(labels("help sn").contains(&"snooze".to_owned()));
    assert!(labels("nonsense ").is_empty());
}
