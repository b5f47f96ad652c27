//! Lines people type, read against a small directory.

mod conduct;

use super::{Bulk, Context, Invocation, Usage, Whom, parse};
use crate::chat::fixture::{at, directory};
use crate::chat::surface::{complete, tree};
use crate::core::directory::Target;
use crate::core::id::{IncidentId, RunId, Severity};
use crate::core::incident::{Ask, Declaration};
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
                until: at("2026-11-22T15:00:00Z")
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
    let want = Invocation::New(Declaration {
        severity: Some(Severity(1)),
        service: Some("checkout".to_owned()),
        ..Declaration::of("checkout is slow")
    });
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
        Invocation::New(Declaration::of("see http://x/?a=b #42 again"))
    );
    assert!(no("new sev1", None).contains("`title` is missing"));
    assert!(no("new x sev=sev9", None).contains("no severity"));
    assert!(no("new x service=chekout", None).contains("Did you mean `checkout`?"));
}

#[test]
fn a_declaration_says_what_kind_of_incident_it_is() {
    let drill = Declaration {
        private: Some(true),
        drill: Some(true),
        ..Declaration::of("checkout is slow")
    };
    for text in [
        "new checkout is slow private drill",
        "new checkout is slow drill --private",
        "new as=private-drill checkout is slow",
        "new checkout private=yes is slow drill=yes",
    ] {
        assert_eq!(ok(text), Invocation::New(drill.clone()), "{text}");
    }
    // Inside of a sentence, or in quotes, a word is a word.
    for text in [
        "new the drill broke the private key",
        "new \"lost on a drill\"",
        "new x is private=",
    ] {
        let Invocation::New(said) = (match read(text, None) {
            Ok(said) => said,
            Err(no) => {
                assert!(no.to_string().contains("neither `yes` nor `no`"), "{no}");
                continue;
            }
        }) else {
            panic!("{text}");
        };
        assert_eq!((said.private, said.drill), (None, None), "{text}");
    }
    let of_type = ok("new somebody reads our mail type=Security description=\"seen by Bo\"");
    assert_eq!(
        of_type,
        Invocation::New(Declaration {
            type_id: Some("security".to_owned()),
            description: "seen by Bo".to_owned(),
            ..Declaration::of("somebody reads our mail")
        })
    );
    assert!(no("new x type=securty", None).contains("Did you mean `security`?"));
    assert!(no("new x as=secret", None).contains("neither `private`, `drill` nor"));
    assert!(no("new private drill", None).contains("`title` is missing"));
    // Of several lines, as a form sends them, the first is the title.
    let lines = ok("new \"checkout is slow\nsince the deploy\nof 14:00\"");
    assert_eq!(
        lines,
        Invocation::New(Declaration {
            description: "since the deploy\nof 14:00".to_owned(),
            ..Declaration::of("checkout is slow")
        })
    );
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
    assert!(no("snooze 91d", Some(7)).contains("at most 90d"));
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
        ask: Ask::default(),
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
    assert_eq!(labels("list "), ["open", "all", "drills"]);
    assert!(labels("help sn").contains(&"snooze".to_owned()));
    assert!(labels("nonsense ").is_empty());
}

#[test]
fn a_snooze_ends_at_any_time_on_the_authors_clock() {
    let until = |text: &str| match ok(text) {
        Invocation::Snooze { id: SEVEN, until } => until,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(until("snooze until 16:00"), at("2026-11-22T16:00:00Z"));
    assert_eq!(
        until("snooze until 09:00"),
        at("2026-11-23T09:00:00Z"),
        "the next such one"
    );
    assert_eq!(
        until("snooze until tomorrow 09:00"),
        at("2026-11-23T09:00:00Z")
    );
    assert_eq!(
        until("snooze #7 until mon 09:00"),
        at("2026-11-23T09:00:00Z")
    );
    assert_eq!(
        until("snooze until 2026-12-01 08:30"),
        at("2026-12-01T08:30:00Z")
    );
    assert_eq!(until("snooze 3d"), at("2026-11-25T14:30:00Z"));
    let directory = directory();
    let berlin = Context {
        directory: &directory,
        now: at("2026-11-22T14:30:00Z"),
        zone: Tz::Europe__Berlin,
        here: Some(SEVEN),
    };
    assert_eq!(
        parse("snooze until tomorrow 09:00", &berlin).unwrap(),
        Invocation::Snooze {
            id: SEVEN,
            until: at("2026-11-23T08:00:00Z")
        }
    );
    for (bad, word) in [
        ("snooze until", "until when"),
        ("snooze until tomorrow", "what time"),
        ("snooze until noon", "no time"),
        ("snooze until 2026-01-01 09:00", "more than nothing"),
        ("snooze 91d", "90d"),
        ("snooze until 16:00 please", "`please`"),
    ] {
        assert!(
            no(bad, Some(7)).contains(word),
            "{bad}: {}",
            no(bad, Some(7))
        );
    }
}

#[test]
fn several_incidents_are_answered_in_one_line_with_a_note() {
    let ids = |n: &[i64]| Some(n.iter().map(|n| IncidentId(*n)).collect::<Vec<_>>());
    let bulk = |verb, ids, note: &str| Invocation::Bulk {
        verb,
        ids,
        note: note.to_owned(),
    };
    assert_eq!(
        ok("ack 12 13 14 looking at it"),
        bulk(Bulk::Acknowledge, ids(&[12, 13, 14]), "looking at it")
    );
    assert_eq!(
        ok("ack #12, #13, #12"),
        bulk(Bulk::Acknowledge, ids(&[12, 13]), "")
    );
    assert_eq!(
        ok("ack all the database"),
        bulk(Bulk::Acknowledge, None, "the database")
    );
    assert_eq!(
        ok("resolve 12 13: rolled back"),
        bulk(Bulk::Resolve, ids(&[12, 13]), "rolled back")
    );
    assert!(no("resolve 12 13 not yet", Some(7)).contains("nothing was done"));
    assert_eq!(ok("ack"), Invocation::Acknowledge { id: SEVEN });
}

#[test]
fn an_incident_changes_hands_by_number_or_in_its_room() {
    assert_eq!(ok("unack"), Invocation::Unacknowledge { id: SEVEN });
    assert_eq!(ok("reopen #42"), Invocation::Reopen { id: FORTY_TWO });
    let to = |text: &str| match ok(text) {
        Invocation::Reassign { id, target } => (id, target),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        to("reassign #42 bo"),
        (FORTY_TWO, Target::Person("bo".to_owned()))
    );
    assert_eq!(
        to("reassign team:web"),
        (SEVEN, Target::Team("web".to_owned()))
    );
    assert!(no("reassign checkout", Some(7)).contains("is a service"));
    let merged = Invocation::Merge {
        from: SEVEN,
        into: FORTY_TWO,
    };
    for text in ["merge #7 into #42", "merge 7 42", "merge into #42"] {
        assert_eq!(ok(text), merged, "{text}");
    }
    assert!(no("merge #7", None).contains("`into`"));
}

#[test]
fn a_silence_is_a_service_or_labels_a_length_and_a_reason() {
    let said = |text: &str| match ok(text) {
        Invocation::Silence {
            service,
            matchers,
            until,
            comment,
        } => (
            service.unwrap_or_default(),
            matchers.join(" "),
            until,
            comment,
        ),
        other => panic!("{text}: {other:?}"),
    };
    let (four, none) = (at("2026-11-22T16:30:00Z"), String::new());
    assert_eq!(
        said("silence checkout 2h deploy of 4.1"),
        (
            "checkout".to_owned(),
            none.clone(),
            four,
            "deploy of 4.1".to_owned()
        )
    );
    assert_eq!(
        said("silence alertname=Disk host=~\"web-.*\" env!=prod until 16:30"),
        (
            none.clone(),
            "alertname=\"Disk\" host=~\"web-.*\" env!=\"prod\"".to_owned(),
            four,
            none.clone()
        )
    );
    assert_eq!(
        said("silence alertname=\"Disk Full\" 2h").1,
        "alertname=\"Disk Full\""
    );
    for (bad, word) in [
        ("silence", "`what` is missing"),
        ("silence 30m", "`snooze`"),
        ("silence chekout 2h", "There is no service `chekout`"),
        ("silence checkout", "for how long"),
        ("silence checkout 2000d", "at most a year"),
        ("silence host=~( 2h", "regular expression"),
    ] {
        assert!(
            no(bad, Some(7)).contains(word),
            "{bad}: {}",
            no(bad, Some(7))
        );
    }
}

#[test]
fn maintenance_is_planned_for_now_or_later() {
    let window = |text: &str| match ok(text) {
        Invocation::Maintenance {
            from,
            until,
            comment,
            ..
        } => (from, until, comment),
        other => panic!("{text}: {other:?}"),
    };
    let night = (
        Some(at("2026-11-23T22:00:00Z")),
        at("2026-11-23T23:30:00Z"),
        "patches".to_owned(),
    );
    assert_eq!(
        window("maintenance checkout 2h"),
        (None, at("2026-11-22T16:30:00Z"), String::new())
    );
    for text in [
        "maintenance checkout tomorrow 22:00..23:30 patches",
        "maintenance checkout from tomorrow 22:00 to 23:30 patches",
        "maintenance checkout 2026-11-23T22:00..23:30 patches",
        "maintenance checkout from 2026-11-23 22:00 until 2026-11-23 23:30 patches",
    ] {
        assert_eq!(window(text), night, "{text}");
    }
    let over_midnight = window("maintenance checkout 23:00..01:00");
    assert_eq!(over_midnight.1, at("2026-11-23T01:00:00Z"));
    assert!(no("maintenance", None).contains("`service`"));
}
