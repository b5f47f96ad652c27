//! Arguments, templates and subjects.

use super::*;
use crate::core::directory::ProcessRun;
use crate::core::matcher::whole;

fn arg(name: &str, kind: ArgKind) -> Arg {
    Arg {
        name: name.to_owned(),
        help: String::new(),
        kind,
        default: None,
        from_label: None,
        strip_suffix: None,
    }
}

fn action(args: Vec<Arg>, argv: &[&str]) -> Action {
    Action {
        args,
        how: How::Process(ProcessRun {
            argv: argv.iter().map(|s| (*s).to_owned()).collect(),
            ..ProcessRun::default()
        }),
        ..Action::of_program("a", &[])
    }
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

#[test]
fn one_template_element_stays_one_argument_whatever_the_value() {
    let text = ArgKind::Text {
        regex: whole(".*").unwrap(),
        max_len: 100,
    };
    let a = action(
        vec![arg("host", text)],
        &["/bin/x", "--host={host}", "{{literal}}"],
    );
    let argv = bind(
        &a,
        &given(&[("host", "a; rm -rf / $(id) 'q' \"d\"")]),
        &Labels::new(),
    )
    .unwrap()
    .argv;
    assert_eq!(
        argv,
        ["/bin/x", "--host=a; rm -rf / $(id) 'q' \"d\"", "{literal}"]
    );
}

#[test]
fn what_does_not_fit_is_refused_with_the_remedy() {
    let host = arg(
        "host",
        ArgKind::Text {
            regex: whole("web-[0-9]{1,3}").unwrap(),
            max_len: 20,
        },
    );
    let n = arg("n", ArgKind::Int { min: 0, max: 10 });
    let mode = arg(
        "mode",
        ArgKind::Enum(vec!["soft".to_owned(), "hard".to_owned()]),
    );
    let a = action(vec![host, n, mode], &["/bin/x", "{host}", "{n}", "{mode}"]);
    let ok = [("host", "web-1"), ("n", "3"), ("mode", "soft")];
    assert_eq!(bind(&a, &given(&ok), &Labels::new()).unwrap().argv.len(), 4);
    for (name, bad) in [
        ("host", "web-1; id"),
        ("host", "web-1\n"),
        ("host", "-web"),
        ("host", "we\u{202E}b-1"),
        ("host", "web-1\0"),
        ("n", "11"),
        ("n", "+3"),
        ("n", "03"),
        ("n", "x"),
        ("mode", "HARD"),
        ("mode", ""),
    ] {
        let mut args = given(&ok);
        args.insert(name.to_owned(), bad.to_owned());
        let why = bind(&a, &args, &Labels::new()).unwrap_err();
        assert!(why.contains(&format!("`{name}`")), "{name}={bad:?}: {why}");
    }
    assert!(
        bind(
            &a,
            &given(&[("host", "web-1"), ("n", "3"), ("mode", "soft"), ("x", "1")]),
            &Labels::new()
        )
        .is_err()
    );
}

#[test]
fn a_label_value_is_checked_like_a_typed_one_and_cannot_be_overridden() {
    let mut host = arg(
        "host",
        ArgKind::Text {
            regex: whole("web-[0-9]+").unwrap(),
            max_len: 20,
        },
    );
    host.from_label = Some("instance".to_owned());
    host.strip_suffix = Some(":9100".to_owned());
    let a = action(vec![host], &["/bin/x", "{host}"]);
    let labels = |v: &str| Labels::from([("instance".to_owned(), v.to_owned())]);
    assert_eq!(
        bind(&a, &given(&[]), &labels("web-7:9100")).unwrap().argv[1],
        "web-7"
    );
    assert!(
        bind(&a, &given(&[]), &labels("$(id):9100"))
            .unwrap_err()
            .starts_with("cannot offer: label `instance`")
    );
    assert!(bind(&a, &given(&[("host", "web-8")]), &labels("web-7:9100")).is_err());
}

#[test]
fn an_argv_is_shown_without_disguises() {
    assert_eq!(
        shown(&["/bin/x".to_owned(), "a\u{202E}b\"".to_owned()]),
        r#"["/bin/x", "a\u{202e}b\""]"#
    );
}

#[test]
fn yes_and_no_a_length_of_time_and_a_name_of_a_list_are_checked() {
    let wait = ArgKind::Duration {
        min_secs: 10,
        max_secs: 600,
    };
    let host = ArgKind::Ref {
        list: "web".to_owned(),
        values: vec!["web-1".to_owned(), "web-2".to_owned()],
    };
    let a = action(
        vec![
            arg("hard", ArgKind::Bool),
            arg("wait", wait),
            arg("host", host),
        ],
        &["/bin/x", "--hard={hard}", "--wait={wait}", "{host}"],
    );
    let ok = [("hard", "true"), ("wait", "1m30s"), ("host", "web-2")];
    let plan = bind(&a, &given(&ok), &Labels::new()).unwrap();
    // A program reads seconds, whatever a person wrote.
    assert_eq!(plan.argv[1..], ["--hard=true", "--wait=90", "web-2"]);
    // What was bound binds again to the same: it is checked once more before it starts.
    let again = bind(&a, &plan.args, &Labels::new()).unwrap();
    assert_eq!(again, plan);
    for (name, bad, remedy) in [
        ("hard", "yes", "true or false"),
        ("hard", "True", "true or false"),
        ("hard", "", "true or false"),
        ("wait", "9s", "from 10s to 10m"),
        ("wait", "11m", "from 10s to 10m"),
        ("wait", "1500ms", "from 10s to 10m"),
        ("wait", "-10s", "from 10s to 10m"),
        ("wait", "soon", "from 10s to 10m"),
        ("host", "web-3", "one of web-1, web-2 (list web)"),
        ("host", "WEB-1", "one of web-1, web-2"),
        ("host", "web-1 ", "one of web-1, web-2"),
        ("host", "", "one of web-1, web-2"),
    ] {
        let mut args = given(&ok);
        args.insert(name.to_owned(), bad.to_owned());
        let why = bind(&a, &args, &Labels::new()).unwrap_err();
        assert!(
            why.contains(&format!("`{name}`")) && why.contains(remedy),
            "{name}={bad:?}: {why}"
        );
    }
}

#[test]
fn a_long_list_is_not_read_out() {
    let host = arg(
        "host",
        ArgKind::Ref {
            list: "web".to_owned(),
            values: (0..40).map(|n| format!("web-{n}")).collect(),
        },
    );
    let why = bind(
        &action(vec![host], &["/bin/x", "{host}"]),
        &given(&[("host", "db-1")]),
        &Labels::new(),
    )
    .unwrap_err();
    assert!(why.contains("one of the 40 names of the list web"), "{why}");
    assert!(!why.contains("web-7"), "{why}");
}

#[test]
fn the_environment_is_what_the_labels_name() {
    let labels = |pairs: &[(&str, &str)]| -> Labels { given(pairs) };
    assert_eq!(environment(&labels(&[("env", "prod")])), Some("prod"));
    assert_eq!(
        environment(&labels(&[("env", "prod"), ("environment", "staging")])),
        Some("staging")
    );
    assert_eq!(environment(&labels(&[("environment", "")])), None);
    assert_eq!(environment(&Labels::new()), None);
    let a = Action {
        environments: vec!["staging".to_owned(), "test".to_owned()],
        ..action(vec![], &["/bin/x"])
    };
    assert_eq!(offered(&a, None, &labels(&[("env", "test")])), Ok(()));
    let elsewhere = offered(&a, None, &labels(&[("env", "prod")])).unwrap_err();
    assert!(elsewhere.contains("staging, test") && elsewhere.contains("prod"));
    // What says nothing of where it is may be anywhere: closed, not open.
    let nowhere = offered(&a, None, &Labels::new()).unwrap_err();
    assert!(nowhere.contains("no environment"), "{nowhere}");
}

fn restart() -> (Action, Plan) {
    let action = Action {
        digest: "d1".to_owned(),
        ..action(vec![], &["/bin/restart", "web-1"])
    };
    let plan = Plan {
        target: "this machine".to_owned(),
        argv: vec!["/bin/restart".to_owned(), "web-1".to_owned()],
        dry_run: vec!["/bin/restart".to_owned(), "--plan".to_owned()],
        ..Plan::default()
    };
    (action, plan)
}

#[test]
fn a_subject_stays_what_it_was_in_every_version() {
    let (action, plan) = restart();
    // Computed with Python's hashlib over the parts, each with its length as eight bytes in front.
    assert_eq!(
        plan.subject(&action, IncidentId(42), Some("prod")),
        "7d2997b413cf213e5ccaa05d54b464299782b87401a6ff99e11b17e8309fb963"
    );
}

#[test]
fn a_subject_changes_with_every_part_an_approver_sees() {
    let (action, plan) = restart();
    let own = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    let incident = IncidentId(42);
    let other_file = Action {
        digest: "d2".to_owned(),
        ..action.clone()
    };
    let other_action = Action {
        id: "b".to_owned(),
        ..action.clone()
    };
    let with = |argv: &[&str], dry_run: &[&str]| Plan {
        argv: own(argv),
        dry_run: own(dry_run),
        ..plan.clone()
    };
    let elsewhere = Plan {
        target: "ssh web-2".to_owned(),
        ..plan.clone()
    };
    let dry = ["/bin/restart", "--plan"];
    let subjects = [
        plan.subject(&action, incident, Some("prod")),
        plan.subject(&action, incident, Some("staging")),
        plan.subject(&action, incident, None),
        plan.subject(&action, IncidentId(43), Some("prod")),
        plan.subject(&other_file, incident, Some("prod")),
        plan.subject(&other_action, incident, Some("prod")),
        elsewhere.subject(&action, incident, Some("prod")),
        with(&["/bin/restart", "web-2"], &dry).subject(&action, incident, Some("prod")),
        // The same letters in other elements, or moved between the two modes, are another plan.
        with(&["/bin/restartweb-1"], &dry).subject(&action, incident, Some("prod")),
        with(&["/bin/restart", "web-1", ""], &dry).subject(&action, incident, Some("prod")),
        with(&["/bin/restart"], &["web-1", "/bin/restart", "--plan"]).subject(
            &action,
            incident,
            Some("prod"),
        ),
        with(&["/bin/restart", "web-1"], &[]).subject(&action, incident, Some("prod")),
    ];
    for (i, one) in subjects.iter().enumerate() {
        assert_eq!(one.len(), 64);
        assert!(!subjects[..i].contains(one), "number {i} is not new");
    }
    // What an approver does not see does not void an approval.
    let unseen = Plan {
        locks: own(&["host:web-1"]),
        ..plan.clone()
    };
    assert_eq!(unseen.subject(&action, incident, Some("prod")), subjects[0]);
}

#[test]
fn a_host_is_a_name_and_nothing_a_client_reads_as_something_else() {
    for good in [
        "web-1",
        "web-1.prod.example",
        "10.0.0.7",
        "2001:db8::7",
        "::1",
    ] {
        assert!(host_name(good), "{good}");
    }
    for bad in [
        "",
        "-oProxyCommand=id",
        "root@web-1",
        "web-1:22",
        "web-1;id",
        "web 1",
        "ssh://web-1",
        "web-1\n",
        "wéb",
        "[::1]",
        ".web",
        "a/b",
    ] {
        assert!(!host_name(bad), "{bad}");
    }
}

#[test]
fn what_undoes_a_run_gets_its_values() {
    let rollback = Rollback {
        action: "undrain".to_owned(),
        args: given(&[("host", "{host}"), ("reason", "run on {host} went wrong")]),
    };
    let values = given(&[("host", "web-1")]);
    assert_eq!(
        undo(&rollback, &values).unwrap(),
        given(&[("host", "web-1"), ("reason", "run on web-1 went wrong")])
    );
    assert!(undo(&rollback, &given(&[])).is_err());
}
