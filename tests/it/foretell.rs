//! What happens is told before it happens: `simulate`, `explain`, `test`, as a user runs them.

use crate::process::{Firebell, PATIENCE, program, until};
use firebell::config::{load, write_demo};
use firebell::core::duty::Wish;
use firebell::engine::{Clock, Engine, Options, person};
use firebell::metrics::Metrics;
use firebell::store::Store;
use secrecy::ExposeSecret;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// The demo's files, without a running demo.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_demo(folder.path(), "127.0.0.1:8080", "127.0.0.1:8090").unwrap();
    folder
}

/// Whether it went well, and what it said on both ways out.
fn firebell(folder: &Path, args: &[&str]) -> (bool, String, String) {
    let config = folder.join("firebell.toml");
    let done = program()
        .args(args)
        .arg("--config")
        .arg(config)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.success(), text(done.stdout), text(done.stderr))
}

#[test]
fn the_demos_own_tests_of_its_policy_hold() {
    let folder = folder();
    let (good, out, err) = firebell(folder.path(), &["test"]);
    assert!(good, "{out}{err}");
    assert!(out.ends_with("3 tests, 0 failed\n"), "{out}");
}

#[test]
fn a_changed_policy_fails_its_test_with_a_readable_difference() {
    let folder = folder();
    let policy = folder.path().join("policies/standard.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, text.replace("person:dana", "person:bo")).unwrap();
    let (good, out, err) = firebell(folder.path(), &["test"]);
    assert!(!good, "{out}");
    let part = "        1s page ana by console
      - 5m1s page dana by console   (expected)
      + 5m1s page bo by console   (named by the policy; nobody acknowledged in time)
";
    assert!(out.contains(part), "{out}");
    assert!(
        out.contains("FAIL  a critical alert wakes") && out.contains("paging.toml:3)"),
        "{out}"
    );
    assert!(out.ends_with("3 tests, 1 failed\n"), "{out}{err}");
}

#[test]
fn a_wrong_test_is_said_by_line_and_fix() {
    let folder = folder();
    let file = folder.path().join("tests/paging.toml");
    let wrong = "[[test]]\nname = \"x\"\nat = \"half past\"\nlabels = { a = \"b\" }\nacts = [\"5m ack ann\"]\nbroken = [\"ana/phone\"]\nexpect = [\"5m wake ana\"]\nexpects = 1\n";
    std::fs::write(file, wrong).unwrap();
    let (good, out, err) = firebell(folder.path(), &["test"]);
    assert!(!good);
    for part in [
        "paging.toml:3: `at` cannot be",
        "paging.toml:5: `acts` names the person \"ann\"",
        "did you mean `ana`?",
        "paging.toml:6: `broken`: ana has no contact \"phone\"",
        "paging.toml:7: `expect`: \"5m wake ana\" is no line",
        "did you mean `expect`?",
    ] {
        assert!(out.contains(part), "{part}: {out}{err}");
    }
}

#[test]
fn the_whole_future_of_an_alert_is_told_on_paper() {
    let folder = folder();
    let file = folder.path().join("alert.json");
    let alert = r#"[{"labels":{"alertname":"HighErrorRate","service":"checkout","severity":"critical"},"annotations":{"summary":"12% of requests fail"}}]"#;
    std::fs::write(&file, alert).unwrap();
    let args = [
        "simulate",
        "--alert",
        file.to_str().unwrap(),
        "--at",
        "2026-03-29T02:30:00+01:00",
    ];
    let (good, out, err) = firebell(folder.path(), &args);
    assert!(good, "{err}");
    // 02:30 does not exist on that night's clock in Madrid: it is 03:30.
    assert!(
        out.starts_with("HighErrorRate at Sun 2026-03-29 03:30:00 CEST\n"),
        "{out}"
    );
    for part in [
        "service checkout by its labels",
        "+1s       Sun 2026-03-29 03:30:01 CEST  step 1: page Chandra Iyer by console (on call on Web, primary until Mon 30 Mar 09:00 CEST), because it was opened",
        "+5m 1s    Sun 2026-03-29 03:35:01 CEST  step 2: page Dana Brooks",
        "alarm the catch-all, Dana Brooks",
        "from then on the catch-all is alarmed again and again",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let args = [
        "simulate",
        "--label",
        "severity=info",
        "--label",
        "alertname=X",
        "--at",
        "2026-03-29 12:00",
    ];
    let (_, out, _) = firebell(folder.path(), &args);
    assert!(
        out.contains("quiet: route default/quiet pages nobody"),
        "{out}"
    );
    let args = ["simulate", "--label", "a=b", "--broken", "ana/phone"];
    let (good, _, err) = firebell(folder.path(), &args);
    assert!(!good && err.contains("people/ana.toml"), "{err}");
}

#[test]
fn who_is_on_call_is_answered_at_a_terminal_for_any_time() {
    let folder = folder();
    let (good, out, err) = firebell(folder.path(), &["oncall"]);
    assert!(
        good && out.contains("Platform: ") && out.contains("Web, primary: "),
        "{out}{err}"
    );
    let args = ["oncall", "platform", "--at", "2026-12-24 18:00"];
    let (good, out, err) = firebell(folder.path(), &args);
    assert!(good, "{err}");
    assert_eq!(
        out,
        "At Thu 24 Dec 18:00 CET:\nPlatform: Dana Brooks until Fri 25 Dec 21:00 CET, then \
         Bo Lindqvist until Sun 27 Dec 09:00 CET, then Chandra Iyer. Because: Christmas.\n"
    );
    let (good, _, err) = firebell(folder.path(), &["oncall", "nope"]);
    assert!(
        !good && err.contains("there is no schedule nope; there is"),
        "{err}"
    );
    let (good, out, err) = firebell(folder.path(), &["oncall", "--at", "noon"]);
    assert!(
        !good && out.is_empty() && err.contains("`noon` is not a time"),
        "{out}{err}"
    );
}

#[tokio::test]
async fn an_incident_explains_itself() {
    let firebell = Firebell::demo(false).await;
    let id = until("the outage is paged", PATIENCE, async || {
        let open = firebell.get_json("/api/v1/incidents?status=open").await;
        let items = open["items"].as_array().unwrap().clone();
        let outage = items.iter().find(|i| i["service"] == "checkout").cloned();
        let page = match &outage {
            Some(i) => firebell.get_text(&format!("/incidents/{}", i["id"])).await,
            None => String::new(),
        };
        match outage {
            Some(i) if page.contains("(delivered)") => Ok(i["id"].clone()),
            _ => Err(page),
        }
    })
    .await;
    let id = id.as_i64().unwrap().to_string();
    let told = firebell.command(&["explain", &id]);
    let told = String::from_utf8(told.stdout).unwrap();
    for part in [
        "is with nobody yet.",
        "Where it belongs\n",
        "policy standard by the route",
        "Who was paged, and why\n",
        "on call on Web, primary until",
        "By console (delivered).",
        "What happens next unless somebody acts\n",
        "step 2: page Dana Brooks by console (named by the policy), because nobody acknowledged in time",
        "alarm the catch-all, Dana Brooks by console",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let page = firebell.get_text(&format!("/incidents/{id}")).await;
    assert!(
        page.contains("What happens next unless somebody acts"),
        "{page}"
    );
}

#[test]
fn a_plan_tells_what_a_changed_configuration_changes() {
    let (old, new) = (folder(), folder());
    let before = old.path().join("firebell.toml");
    let args = ["plan", before.to_str().unwrap()];
    let (good, out, err) = firebell(new.path(), &args);
    assert!(good, "{err}");
    assert_eq!(
        out,
        "Nothing changes: the same people are paged in the next 90 days.\n"
    );
    let change = |file: &str, from: &str, to: &str| {
        let path = new.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    };
    change("policies/standard.toml", "wait = \"10m\"", "wait = \"20m\"");
    change(
        "services/search.toml",
        "team = \"web\"",
        "team = \"platform\"",
    );
    change("firebell.toml", "\"team:platform\"", "\"person:dana\"");
    let schedule = new.path().join("schedules/web-primary.toml");
    let text = std::fs::read_to_string(&schedule).unwrap();
    std::fs::write(
        &schedule,
        text.replace("\"ana\", \"bo\"", "\"bo\", \"ana\""),
    )
    .unwrap();
    let (good, out, err) = firebell(new.path(), &args);
    assert!(good, "{err}");
    for part in [
        "schedule web-primary: other people for ",
        " instead of ",
        "policy standard\n  - person dana for 10m\n  + person dana for 20m\n",
        "service search\n  - team web, policy standard\n  + team platform, policy standard\n",
        "catch-all\n  - team platform\n  + person dana\n",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
}

#[tokio::test]
async fn covers_people_agreed_on_are_known_at_the_terminal_and_it_is_said_when_they_are_not() {
    let folder = folder();
    let (good, before, err) = firebell(folder.path(), &["oncall", "web-primary"]);
    assert!(good, "{err}");
    assert!(
        err.contains("note: by the files alone, without covers")
            && err.contains("there is no database yet"),
        "{err}"
    );
    let loaded = load(&folder.path().join("firebell.toml")).unwrap();
    std::fs::create_dir_all(&loaded.settings.data_dir).unwrap();
    let url = loaded.settings.database_url.expose_secret().to_owned();
    let options = Options {
        clock: Clock::Real,
        executors: crate::world::executors(&loaded.settings.data_dir),
        public_url: "http://firebell.test".to_owned(),
        metrics: Arc::new(Metrics::new()),
    };
    let store = Store::open(&url).await.unwrap();
    let engine = Engine::start(store, loaded.directory, options)
        .await
        .unwrap();
    let now = engine.now();
    let turn = engine.directory().schedules["web-primary"].on_call(now);
    let off = turn.people[0].clone();
    let on = if off == "dana" { "emi" } else { "dana" };
    let by = person(&engine.directory(), on);
    let wanted = ("web-primary", now, now.plus_secs(7200));
    let wish = Wish::Put {
        on: on.to_owned(),
        off: Some(off),
    };
    engine
        .cover("t:1", &by, wanted, wish, String::new())
        .await
        .unwrap();
    let (good, after, err) = firebell(folder.path(), &["oncall", "web-primary"]);
    assert!(good && err.is_empty(), "{err}");
    let name = by.name();
    assert!(
        !before.starts_with(&format!("Web, primary: {name}")),
        "{before}"
    );
    assert!(
        after.starts_with(&format!("Web, primary: {name}")),
        "{after}"
    );
    let soon = now.plus_secs(60).rfc3339();
    let args = [
        "simulate",
        "--label",
        "service=checkout",
        "--label",
        "severity=critical",
        "--at",
        &soon,
    ];
    let (good, out, err) = firebell(folder.path(), &args);
    assert!(good && err.is_empty(), "{err}");
    // Another turn may begin in that minute; who covers the one that ends is paged all the same.
    let first = out.lines().find(|l| l.contains("step 1: page "));
    assert!(first.is_some_and(|l| l.contains(name)), "{out}");
    // Nobody was disturbed: the running one goes on.
    engine
        .write(firebell::store::ChangeSet::default())
        .await
        .unwrap();
    assert!(!engine.fenced());
}

#[test]
fn fairness_and_the_effect_of_a_change_are_told_at_the_terminal() {
    let folder = folder();
    let args = [
        "fairness",
        "web-primary",
        "--from",
        "2026-10-01",
        "--to",
        "2026-10-31",
    ];
    let (good, out, err) = firebell(folder.path(), &args);
    assert!(good, "{err}");
    assert!(
        out.starts_with("On call, Web, primary, 2026-10-01 to 2026-10-31, "),
        "{out}"
    );
    assert!(out.contains(" h on call, of these "), "{out}");
    assert!(
        !out.contains("page"),
        "pages are not counted without a database: {out}"
    );
    for (args, why) in [
        (
            ["fairness", "nowhere"].as_slice(),
            "There is no schedule nowhere",
        ),
        (&["fairness", "--from", "soon"], "is not a date such as"),
    ] {
        let (good, _, err) = firebell(folder.path(), args);
        assert!(!good && err.contains(why), "{err}");
    }
    let new = tempfile::tempdir().unwrap();
    write_demo(new.path(), "127.0.0.1:8080", "127.0.0.1:8090").unwrap();
    let file = new.path().join("schedules/web-primary.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replacen("\"chandra\"", "\"emi\"", 1);
    assert_ne!(text, changed);
    std::fs::write(&file, changed).unwrap();
    let old = folder.path().join("firebell.toml");
    let (good, out, err) = firebell(new.path(), &["plan", old.to_str().unwrap()]);
    assert!(good, "{err}");
    assert!(
        out.contains("schedule web-primary: other people for"),
        "{out}"
    );
    assert!(out.contains("what each carries, "), "{out}");
    let emi = out
        .lines()
        .find(|l| l.contains("Emi") && l.contains("on call,"));
    assert!(emi.is_some_and(|l| l.contains(": 0 h → ")), "{out}");
}

#[test]
fn a_test_of_a_policy_says_who_was_woken_in_the_night_before() {
    let folder = folder();
    let policy = folder.path().join("policies/standard.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, format!("rest-after-night = \"12:00\"\n{text}")).unwrap();
    // A Tuesday of Ana's week; `minor` is not urgent.
    let test = |woken: &str, expect: &str| {
        format!(
            "[[test]]\nname = \"{woken}\"\nat = \"2026-01-06 08:00\"\nlabels = {{ alertname = \"Slow\", service = \"checkout\", severity = \"minor\" }}\nwoken = [{woken:?}]\nuntil = \"1m\"\nexpect = [{expect:?}]\n"
        )
    };
    let file = folder.path().join("tests/paging.toml");
    let both = test("ana", "1s page dana by console") + &test("bo", "1s page ana by console");
    std::fs::write(&file, both).unwrap();
    let (good, said, err) = firebell(folder.path(), &["test"]);
    assert!(good, "{said}{err}");
    std::fs::write(&file, test("zoe", "quiet")).unwrap();
    let (good, said, err) = firebell(folder.path(), &["test"]);
    assert!(
        !good && said.contains("`woken` names the person \"zoe\""),
        "{said}{err}"
    );
}
