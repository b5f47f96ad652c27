//! The example actions of `commands/actions/`: each loads, its samples bind, what it starts gets
//! each argument whole, and the programs do what the files say.

mod programs;
mod starts;

use firebell::config::{ActionFile, Loaded, fix_report, load_with};
use firebell::core::action::{Plan, bind};
use firebell::core::directory::{Action, ActionClass, AutoLevel, How, ProcessRun};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Where the examples look for the scripts of `commands/actions/bin/`.
const INSTALLED: &str = "/usr/local/libexec/firebell/";

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("commands/actions")
}

/// A configuration of one person with the examples as its actions, changed by `edit`.
fn gallery(edit: &dyn Fn(&str, String) -> String) -> (TempDir, Loaded) {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put(
        "firebell.toml",
        "zone = \"UTC\"\n[paging]\ncatch-all = [\"person:ana\"]\n",
    );
    for name in ["ana", "bo"] {
        put(
            &format!("people/{name}.toml"),
            "name = \"X\"\nroles = [\"responder\"]\ncontacts = [{ kind = \"console\" }]\n",
        );
    }
    for service in ["checkout", "search"] {
        put(
            &format!("services/{service}.toml"),
            "team = \"web\"\npolicy = \"p\"\n",
        );
    }
    put("teams/web.toml", "members = [\"ana\"]\n");
    put(
        "policies/p.toml",
        "[[rungs]]\ntargets = [\"person:ana\"]\nwait = \"5m\"\n",
    );
    for item in std::fs::read_dir(shipped()).unwrap() {
        let path = item.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let id = path.file_stem().unwrap().to_str().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            put(&format!("actions/{id}.toml"), &edit(id, text));
        }
    }
    let loaded = load_with(&dir.path().join("firebell.toml"), &BTreeMap::new())
        .unwrap_or_else(|faults| panic!("{}", fix_report(&faults)));
    (dir, loaded)
}

/// The scripts as an operator installs them: in the source tree a group may be allowed to write.
fn installed() -> &'static Path {
    static ONCE: OnceLock<PathBuf> = OnceLock::new();
    ONCE.get_or_init(|| {
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libexec");
        for item in std::fs::read_dir(shipped().join("bin")).unwrap() {
            let from = item.unwrap().path();
            let text = std::fs::read_to_string(&from).unwrap();
            program(&to.join(from.file_name().unwrap()), &text);
        }
        to
    })
}

/// The scripts where this test has put them.
#[expect(clippy::needless_pass_by_value, reason = "called as an edit of a file")]
fn from_source(_: &str, text: String) -> String {
    text.replace(INSTALLED, &format!("{}/", installed().display()))
}

/// Runs a program that may have been written a moment ago: another test's child can hold the
/// file open until it is a program of its own.
fn output(command: &mut Command) -> Output {
    loop {
        match command.output() {
            Err(e) if e.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
}

fn process(action: &Action) -> &ProcessRun {
    let How::Process(run) = &action.how else {
        panic!("{} does not run here", action.id);
    };
    run
}

/// What each sample of an example would start.
fn plans(file: &ActionFile) -> Vec<Plan> {
    let action = file.action.as_ref().unwrap();
    file.samples
        .iter()
        .map(|s| bind(action, &s.args, &s.labels).unwrap_or_else(|why| panic!("{why}")))
        .collect()
}

#[test]
fn every_example_loads_and_binds_and_is_careful() {
    let (_dir, loaded) = gallery(&from_source);
    assert!(loaded.actions.len() >= 24, "{}", loaded.actions.len());
    for file in &loaded.actions {
        let id = &file.id;
        assert!(file.faults.is_empty(), "{}", fix_report(&file.faults));
        assert!(file.warnings.is_empty(), "{}", fix_report(&file.warnings));
        // What is missing here is a program, and it is named with the remedy.
        for absent in &file.absent {
            assert!(absent.what.contains("on this machine"), "{absent:?}");
            assert!(absent.fix.contains("install it") || absent.fix.contains("install its"));
        }
        let action = file.action.as_ref().unwrap();
        assert!(!action.about.is_empty(), "{id} says what it does");
        assert!(!file.samples.is_empty(), "{id} has a sample");
        assert_eq!(plans(file).len(), file.samples.len());
        assert!(action.limits.timeout_ms <= 300_000, "{id}");
        assert_eq!(action.auto.level, AutoLevel::Suggest, "{id}");
        let run = process(action);
        for argv in [&run.argv, &run.dry_run] {
            // A shell would read arguments again, and so would whatever looks for a program.
            let name = argv.first().map_or("", |p| p.rsplit('/').next().unwrap());
            let shells = [
                "sh", "bash", "dash", "env", "sudo", "xargs", "python3", "perl",
            ];
            assert!(!shells.contains(&name), "{id} starts {name}");
        }
        if action.class == ActionClass::Remediation {
            assert!(action.approvals() > 0, "{id}: somebody else looks first");
            assert!(id == "restart-web" || !action.lock.keys.is_empty(), "{id}");
        } else {
            assert_eq!(action.approvals(), 0, "{id} only looks");
        }
        // What may be done twice is asked for its dry run before.
        assert!(!action.approval.dry_run_first || !run.dry_run.is_empty());
    }
}

#[test]
fn what_undoes_an_example_is_an_example_and_takes_its_arguments() {
    let (_dir, loaded) = gallery(&from_source);
    let mut pairs = 0;
    for file in &loaded.actions {
        let action = file.action.as_ref().unwrap();
        let Some(rollback) = &action.rollback else {
            continue;
        };
        let other = loaded.actions.iter().find(|f| f.id == rollback.action);
        let other = other.unwrap().action.as_ref().unwrap();
        for (plan, sample) in plans(file).iter().zip(&file.samples) {
            let given = firebell::core::action::undo(rollback, &plan.args).unwrap();
            bind(other, &given, &sample.labels).unwrap();
            pairs += 1;
        }
    }
    assert!(pairs >= 6, "{pairs}");
}

#[test]
fn the_check_of_the_examples_has_no_fault_and_shows_what_would_run() {
    let (_dir, loaded) = gallery(&from_source);
    let (text, faults) = firebell::cli::actions::checked(&loaded, &[]);
    assert_eq!(faults, 0, "{text}");
    assert!(
        text.contains(r#"runs     ["/bin/df", "-h", "/"]"#) || text.contains("disk-usage"),
        "{text}"
    );
    for line in [
        "nginx-drain",
        "sample, line",
        "holds    [\"nginx\", \"host:web-1\"]",
        "dry run  [",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
}

/// Makes a program that can be started.
fn program(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // In place of the old one, which may be running.
    let new = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&new, text).unwrap();
    std::fs::set_permissions(&new, PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::rename(&new, path).unwrap();
}

/// A program that appends what it was called with to `$RECORD`: each element ended by a NUL, each
/// call by a line feed behind it.
const RECORDER: &str =
    "#!/bin/sh\nprintf '%s\\0' \"$0\" \"$@\" >>\"$RECORD\"\nprintf '\\n' >>\"$RECORD\"\n";

/// The calls of a record, without the program.
fn recorded(path: &Path) -> Vec<Vec<String>> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap();
    text.split("\0\n")
        .filter(|call| !call.is_empty())
        .map(|call| call.split('\0').skip(1).map(str::to_owned).collect())
        .collect()
}

/// The actions that docs/runbooks.md spells out, as a reader would save them.
#[test]
fn the_actions_of_the_tutorial_load() {
    let page = include_str!("../../docs/runbooks.md");
    let mut blocks: Vec<String> = Vec::new();
    for line in page.lines() {
        match line.strip_prefix("    ") {
            Some("schema = 1") => blocks.push("schema = 1\n".to_owned()),
            Some(code) => {
                if let Some(block) = blocks.last_mut().filter(|b| !b.ends_with("#end\n")) {
                    block.push_str(code);
                    block.push('\n');
                }
            }
            None if line.is_empty() => {}
            None => {
                if let Some(block) = blocks.last_mut().filter(|b| !b.ends_with("#end\n")) {
                    block.push_str("#end\n");
                }
            }
        }
    }
    assert_eq!(blocks.len(), 2, "{blocks:?}");
    let undrain = blocks[1]
        .replace(
            "[rollback]\naction = \"web-undrain\"",
            "[rollback]\naction = \"dns-lookup\"",
        )
        .replace(
            "args = { host = \"{host}\" }",
            "args = { name = \"{host}\" }",
        );
    let texts = [blocks[0].clone(), undrain];
    let (_dir, loaded) = gallery(&|id, text| {
        let text = match id {
            "journal-tail" => texts[0].clone(),
            "nginx-drain" => texts[1].clone(),
            _ => text,
        };
        from_source(id, text)
    });
    for id in ["journal-tail", "nginx-drain"] {
        let file = loaded.actions.iter().find(|f| f.id == id).unwrap();
        assert!(file.faults.is_empty(), "{}", fix_report(&file.faults));
        assert!(file.action.is_some());
    }
}
