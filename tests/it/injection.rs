//! Hostile values against every kind of template an action has. Whatever is accepted stays in its
//! place: one element stays one element, a path segment one segment, a JSON string a string.

use firebell::core::action::{bind, host_name, shown};
use firebell::core::alert::Labels;
use firebell::core::directory::{
    Action, Arg, ArgKind, How, HttpRun, KubernetesRun, ProcessRun, RundeckRun, SshRun,
};
use firebell::core::matcher::whole;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One JSON string a line, so that control characters can be read in a review.
const CORPUS: &str = include_str!("../golden/actions/hostile.jsonl");

/// The corpus, and what is too long to stand in a file.
fn hostile() -> Vec<String> {
    let mut values: Vec<String> = CORPUS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    values.push("a".repeat(1 << 20));
    values.push("../".repeat(300));
    values.push("\u{1f525}".repeat(1000));
    values.push("{a}".repeat(300));
    assert!(values.len() > 200, "the corpus is cut");
    values
}

/// As permissive as a file can be: what is left is what firebell itself refuses.
fn any(name: &str) -> Arg {
    Arg {
        name: name.to_owned(),
        help: String::new(),
        kind: ArgKind::Text {
            regex: whole("(?s).*").unwrap(),
            max_len: 1024,
        },
        default: None,
        from_label: None,
        strip_suffix: None,
    }
}

fn action(how: How) -> Action {
    Action {
        args: vec![any("a"), any("b")],
        how,
        ..Action::of_program("x", &[])
    }
}

fn own(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn given(a: &str, b: &str) -> BTreeMap<String, String> {
    [("a", a), ("b", b)]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into()
}

/// What must never get through, by a list of its own: controls, what turns text around, what cannot
/// be seen, an option, and what is longer than allowed.
fn never(value: &str) -> bool {
    let bad = |c: char| {
        let n = u32::from(c);
        n < 0x20
            || (0x7f..=0x9f).contains(&n)
            || [0xad, 0x61c, 0x180e, 0x3164, 0xfeff].contains(&n)
            || (0x200b..=0x200f).contains(&n)
            || (0x2028..=0x202e).contains(&n)
            || (0x2060..=0x2069).contains(&n)
            || (0xfff9..=0xfffb).contains(&n)
            || (0xe0000..=0xe007f).contains(&n)
    };
    value.chars().any(bad) || value.starts_with('-') || value.chars().count() > 1024
}

/// Element by element what is expected, put together without a template.
fn elements(a: &str, b: &str) -> Vec<String> {
    vec![
        "/bin/x".to_owned(),
        a.to_owned(),
        format!("--a={a}"),
        format!("{a}{b}"),
        format!("{{{b}}}"),
        format!("{a} {b} {a}"),
        "{a}".to_owned(),
        "plain".to_owned(),
    ]
}

fn templates() -> Vec<String> {
    own(&[
        "/bin/x",
        "{a}",
        "--a={a}",
        "{a}{b}",
        "{{{b}}}",
        "{a} {b} {a}",
        "{{a}}",
        "plain",
    ])
}

#[test]
fn one_element_stays_one_element_on_every_executor_with_an_argv() {
    let process = action(How::Process(ProcessRun {
        argv: templates(),
        dry_run: templates(),
        ..ProcessRun::default()
    }));
    let ssh = action(How::Ssh(SshRun {
        server: "s".to_owned(),
        host: "web-1".to_owned(),
        command: "/usr/bin/remote".to_owned(),
        argv: templates(),
        dry_run: templates(),
    }));
    let kubernetes = action(How::Kubernetes(KubernetesRun {
        argv: templates(),
        dry_run: templates(),
        ..KubernetesRun::default()
    }));
    let mut accepted = 0;
    for a in hostile() {
        for b in ["web-1", "{a}", "$(id) '\"", "}}{{"] {
            for action in [&process, &ssh, &kubernetes] {
                let bound = bind(action, &given(&a, b), &Labels::new());
                if never(&a) {
                    let why = bound.expect_err(&a);
                    assert!(why.contains("`a`"), "{why}");
                    // The refusal itself shows nothing that could disguise itself.
                    assert!(!why.chars().any(char::is_control), "{why:?}");
                    continue;
                }
                let plan = bound.unwrap_or_else(|why| panic!("{a:?}: {why}"));
                assert_eq!(plan.argv, elements(&a, b), "{a:?}");
                assert_eq!(plan.dry_run, elements(&a, b), "{a:?}");
                // Where it runs is not for arguments to say.
                let target = bind(action, &given("x", "y"), &Labels::new()).unwrap();
                assert_eq!(plan.target, target.target);
                accepted += 1;
            }
        }
    }
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn what_people_are_shown_of_an_argv_is_plain_and_tells_elements_apart() {
    for a in hostile().into_iter().filter(|a| !never(a)) {
        let one = shown(&own(&["/bin/x", &a]));
        assert!(one.chars().all(|c| (' '..='~').contains(&c)), "{one}");
        // Two elements never read like one: an unescaped quote is always an end.
        let two = shown(&own(&["/bin/x", &a, "y"]));
        assert_ne!(one, two);
        let quotes = |text: &str| {
            let mut chars = text.chars();
            let mut n = 0;
            while let Some(c) = chars.next() {
                match c {
                    '\\' => drop(chars.next()),
                    '"' => n += 1,
                    _ => {}
                }
            }
            n
        };
        assert_eq!((quotes(&one), quotes(&two)), (4, 6), "{one}");
    }
}

fn request(url: &str) -> Action {
    action(How::Http(HttpRun {
        method: "POST".to_owned(),
        url: url.to_owned(),
        body: Some(json!({
            "host": "{a}",
            "deep": [{ "text": "a={a} b={b}", "n": 1, "ok": true, "none": null }],
        })),
        ..HttpRun::default()
    }))
}

/// `%XX` undone, once.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::new(), 0);
    while i < bytes.len() {
        if bytes[i] == b'%' {
            out.push(u8::from_str_radix(&text[i + 1..i + 3], 16).unwrap());
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn a_value_stays_in_its_segment_its_value_of_the_query_and_its_json_string() {
    let action = request("https://api.example.org/v1/{a}/x-{b}/end?n={a}&m=1{b}");
    let mut accepted = 0;
    for a in hostile() {
        let bound = bind(&action, &given(&a, "web-1"), &Labels::new());
        let walks = matches!(a.as_str(), "" | "." | "..");
        if never(&a) || walks {
            assert!(bound.is_err(), "{a:?}");
            continue;
        }
        let plan = bound.unwrap_or_else(|why| panic!("{a:?}: {why}"));
        assert_eq!(plan.target, "HTTP https://api.example.org");
        let [method, url, body] = plan.argv.as_slice() else {
            panic!("{:?}", plan.argv);
        };
        assert_eq!(method, "POST");
        // By the parser the client uses, which also walks `..` and drops what it pleases.
        let url = reqwest::Url::parse(url).unwrap();
        assert_eq!(
            (url.scheme(), url.host_str(), url.port(), url.fragment()),
            ("https", Some("api.example.org"), None, None)
        );
        assert!(url.username().is_empty() && url.password().is_none());
        let segments: Vec<String> = url.path_segments().unwrap().map(decoded).collect();
        assert_eq!(segments, ["v1", &a, "x-web-1", "end"]);
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let expected = [("n", a.as_str()), ("m", "1web-1")];
        assert_eq!(pairs, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
        let body: Value = serde_json::from_str(body).unwrap();
        let text = format!("a={a} b=web-1");
        let deep = json!([{ "text": text, "n": 1, "ok": true, "none": null }]);
        assert_eq!(body, json!({ "host": a, "deep": deep }));
        accepted += 1;
    }
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn two_values_cannot_make_a_way_up_together() {
    for (url, a, b) in [
        ("https://h.example/x/{a}{b}/y", ".", "."),
        ("https://h.example/x/.{a}/y", ".", "b"),
        ("https://h.example/x/%2e{a}/y", ".", "b"),
        ("https://h.example/x/%2E{a}{b}/y", ".", ""),
        ("https://h.example/x/{a}{b}/y", "", ""),
        ("https://h.example/{a}?q={b}", "..", "b"),
    ] {
        let why = bind(&request(url), &given(a, b), &Labels::new()).expect_err(url);
        assert!(why.contains("leads elsewhere"), "{why}");
    }
    // In the query nothing walks.
    let fine = request("https://h.example/x?q={a}&r={b}");
    bind(&fine, &given("..", ""), &Labels::new()).unwrap();
}

#[test]
fn an_option_of_rundeck_keeps_its_name() {
    let action = action(How::Rundeck(RundeckRun {
        options: [("host", "{a}"), ("note", "by {b}={a}")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        ..RundeckRun::default()
    }));
    for a in hostile().into_iter().filter(|a| !never(a)) {
        let plan = bind(&action, &given(&a, "x"), &Labels::new()).unwrap();
        assert_eq!(plan.argv, [format!("host={a}"), format!("note=by x={a}")]);
    }
}

#[test]
fn a_host_of_ssh_is_never_an_option_an_account_or_a_command() {
    let action = action(How::Ssh(SshRun {
        server: "s".to_owned(),
        host: "{a}".to_owned(),
        command: "/usr/bin/remote".to_owned(),
        ..SshRun::default()
    }));
    let mut hosts = Vec::new();
    for a in hostile() {
        match bind(&action, &given(&a, "x"), &Labels::new()) {
            Ok(plan) => {
                assert!(host_name(&a), "{a:?}");
                let safe = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
                assert!(a.chars().all(safe) && !a.starts_with('-'), "{a:?}");
                assert_eq!(plan.target, format!("ssh {a} by s: /usr/bin/remote"));
                hosts.push(a);
            }
            Err(why) => assert!(!why.chars().any(char::is_control), "{why:?}"),
        }
    }
    for good in ["localhost", "127.0.0.1", "::1", "WEB-1"] {
        assert!(hosts.iter().any(|h| h == good), "{good}: {hosts:?}");
    }
    for bad in ["host:80", "a@b", "[::1]", ""] {
        assert!(!hosts.iter().any(|h| h == bad), "{bad}");
    }
}

#[test]
fn a_label_is_no_way_around_the_check() {
    let mut action = action(How::Process(ProcessRun {
        argv: own(&["/bin/x", "{a}"]),
        ..ProcessRun::default()
    }));
    action.args[0].from_label = Some("instance".to_owned());
    action.args.truncate(1);
    for a in hostile() {
        let labels = Labels::from([("instance".to_owned(), a.clone())]);
        match bind(&action, &BTreeMap::new(), &labels) {
            Ok(plan) => {
                assert!(!never(&a), "{a:?}");
                assert_eq!(plan.argv[1..], [a]);
            }
            Err(why) => {
                assert!(never(&a), "{a:?}: {why}");
                assert!(why.starts_with("cannot offer: label `instance`"), "{why}");
            }
        }
        // And no hand can override it.
        let by_hand = [("a".to_owned(), "x".to_owned())].into();
        let other = Labels::from([("instance".to_owned(), "web-1".to_owned())]);
        assert!(bind(&action, &by_hand, &other).is_err());
    }
}

#[test]
fn what_is_no_text_takes_its_own_values_only() {
    let kinds = [
        ArgKind::Enum(own(&["soft", "hard"])),
        ArgKind::Ref {
            list: "web".to_owned(),
            values: own(&["web-1", "web-2"]),
        },
        ArgKind::Bool,
        ArgKind::Int { min: -1, max: 1000 },
        ArgKind::Duration {
            min_secs: 0,
            max_secs: 86_400,
        },
    ];
    let mut taken = Vec::new();
    for kind in kinds {
        let action = Action {
            args: vec![Arg { kind, ..any("a") }],
            how: How::Process(ProcessRun {
                argv: own(&["/bin/x", "{a}"]),
                ..ProcessRun::default()
            }),
            ..Action::of_program("x", &[])
        };
        for a in hostile() {
            let args = [("a".to_owned(), a)].into();
            if let Ok(plan) = bind(&action, &args, &Labels::new()) {
                taken.push(plan.argv[1].clone());
            }
        }
    }
    taken.sort();
    taken.dedup();
    // Whatever was accepted reaches the program in its one canonical form.
    let canonical = |v: &String| {
        matches!(v.as_str(), "true" | "false")
            || v.parse::<i64>().is_ok_and(|n| n.to_string() == *v)
    };
    assert!(taken.iter().all(canonical), "{taken:?}");
    assert!(taken.len() > 3, "{taken:?}");
}

/// Random templates and values, against a rendering that knows no templates.
#[test]
fn rendering_is_putting_side_by_side_whatever_the_template() {
    let seed = std::env::var("FIREBELL_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    let mut rng = fastrand::Rng::with_seed(seed);
    let alphabet: Vec<char> = "ab{}%/.?&='\"$`\\ é\u{1f525}-".chars().collect();
    for round in 0..20_000 {
        let mut word = |longest: usize| -> String {
            let n = rng.usize(0..=longest);
            (0..n)
                .map(|_| alphabet[rng.usize(0..alphabet.len())])
                .collect()
        };
        let (a, b) = (word(12), word(12));
        if a.starts_with('-') || b.starts_with('-') {
            continue;
        }
        let (mut template, mut expected) = (String::new(), String::new());
        for turn in 0..4 {
            let literal = word(4);
            template += &literal.replace('{', "{{").replace('}', "}}");
            expected += &literal;
            match (turn + a.len()) % 3 {
                0 => (template += "{a}", expected += &a),
                1 => (template += "{b}", expected += &b),
                _ => ((), ()),
            };
        }
        let action = action(How::Process(ProcessRun {
            argv: vec!["/bin/x".to_owned(), template.clone()],
            ..ProcessRun::default()
        }));
        let plan = bind(&action, &given(&a, &b), &Labels::new())
            .unwrap_or_else(|why| panic!("FIREBELL_SEED={seed}, round {round}: {why}"));
        assert_eq!(
            plan.argv,
            ["/bin/x".to_owned(), expected],
            "FIREBELL_SEED={seed}, round {round}: {template:?}"
        );
    }
}
