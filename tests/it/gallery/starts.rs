//! What an example starts gets each argument whole: its program is replaced by one that writes down
//! what it was called with.

use super::{
    INSTALLED, RECORDER, from_source, gallery, installed, output, plans, process, program, recorded,
};
use std::path::Path;
use std::process::Command;

/// The text of an example with its programs taken from `stubs`.
fn stubbed(text: &str, stubs: &Path) -> String {
    let mut out = text.to_owned();
    for folder in [INSTALLED, "/usr/sbin/", "/usr/bin/", "/bin/"] {
        for key in [
            "argv = [\"",
            "dry-run = [\"",
            "argv = [\n  \"",
            "dry-run = [\n  \"",
        ] {
            let from = format!("{key}{folder}");
            while let Some(at) = out.find(&from) {
                let name_at = at + from.len();
                let name = out[name_at..].split('"').next().unwrap().to_owned();
                let stub = stubs.join(&name);
                program(&stub, RECORDER);
                let to = format!("{key}{}", stub.display());
                out.replace_range(at..name_at + name.len(), &to);
            }
        }
    }
    out
}

#[test]
fn what_an_example_starts_gets_each_argument_whole() {
    let stubs = tempfile::tempdir().unwrap();
    let (_dir, loaded) = gallery(&|_, text| stubbed(&text, stubs.path()));
    let mut started = 0;
    for file in &loaded.actions {
        // With its program there, every example is on: kubectl, certbot and dig too.
        assert!(
            file.is_on(),
            "{}: {:?} {:?}",
            file.id,
            file.faults,
            file.absent
        );
        let action = file.action.as_ref().unwrap();
        for plan in plans(file) {
            for argv in [&plan.argv, &plan.dry_run] {
                if argv.is_empty() {
                    continue;
                }
                assert!(
                    argv[0].starts_with(stubs.path().to_str().unwrap()),
                    "{}",
                    file.id
                );
                let record = stubs.path().join("record");
                let _ = std::fs::remove_file(&record);
                let done = output(
                    Command::new(&argv[0])
                        .args(&argv[1..])
                        .env_clear()
                        .envs(&process(action).env)
                        .env("RECORD", &record),
                );
                assert!(done.status.success(), "{}", file.id);
                assert_eq!(recorded(&record), [argv[1..].to_vec()], "{}", file.id);
                started += 1;
            }
        }
    }
    assert!(started > 40, "{started}");
}

#[test]
fn the_scripts_hand_arguments_on_whole_and_refuse_what_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let bin = installed();
    let call = |script: &str, args: &[&str]| {
        output(
            Command::new(bin.join(script))
                .args(args)
                .env_clear()
                .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        )
    };
    let file = dir.path().join("c.servers");
    std::fs::write(&file, "server web-1;\nserver web-2;\n").unwrap();
    let file = file.to_str().unwrap();
    for (script, args) in [
        ("largest-dirs", vec![]),
        ("largest-dirs", vec!["relative", "1", "1"]),
        ("largest-dirs", vec!["/tmp", "1; id", "1"]),
        ("largest-dirs", vec!["/tmp", "1", "$(id)"]),
        ("largest-dirs", vec!["--files0-from=/etc/passwd", "1", "1"]),
        ("top-processes", vec!["memory", "1\n2"]),
        ("top-processes", vec!["--help", "1"]),
        ("tls-expiry", vec!["-help", "443", "1"]),
        ("tls-expiry", vec!["a b", "443", "1"]),
        ("tls-expiry", vec!["host", "443 -x", "1"]),
        ("tls-expiry", vec!["host\nother", "443", "1"]),
        ("port-check", vec!["host", "0", "1"]),
        ("port-check", vec!["-h", "1", "1"]),
        ("port-check", vec!["ho\u{202e}st", "1", "1"]),
        ("nginx-upstream", vec!["drain", file, "web-1;"]),
        ("nginx-upstream", vec!["drain", file, "web-1 down"]),
        ("nginx-upstream", vec!["stop", file, "web-1"]),
        ("nginx-upstream", vec!["drain", "c.servers", "web-1"]),
        ("nginx-upstream", vec!["drain", "/etc", "web-1"]),
        ("haproxy-server", vec!["drain", "/etc/passwd", "a/b"]),
        ("haproxy-server", vec!["kill", "/run/x", "a/b"]),
    ] {
        let done = call(script, &args);
        assert_eq!(done.status.code(), Some(2), "{script} {args:?}");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.starts_with("usage: "), "{script} {args:?}: {said}");
    }
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        "server web-1;\nserver web-2;\n"
    );
}

#[test]
fn nginx_is_told_only_what_was_tested_and_a_refusal_leaves_the_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (record, stub) = (dir.path().join("record"), dir.path().join("bin/nginx"));
    let servers = dir.path().join("c.servers");
    let before =
        "# checkout\nserver web-1:8080 weight=2; # big\nserver web-2:8080;\nserver web-20:8080;\n";
    std::fs::write(&servers, before).unwrap();
    let call = |args: &[&str]| {
        let mut path = std::ffi::OsString::from(dir.path().join("bin"));
        path.push(":/usr/bin:/bin");
        output(
            Command::new(installed().join("nginx-upstream"))
                .args(args)
                .arg(&servers)
                .arg("web-2")
                .env_clear()
                .env("PATH", path)
                .env("RECORD", &record),
        )
    };
    program(&stub, RECORDER);
    let now = || std::fs::read_to_string(&servers).unwrap();

    let plan = call(&["--plan", "drain"]);
    assert!(plan.status.success());
    let said = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(said.contains("+ server web-2:8080 down;"), "{said}");
    assert_eq!((now().as_str(), recorded(&record).len()), (before, 0));

    assert!(call(&["drain"]).status.success());
    let drained = before.replace("web-2:8080;", "web-2:8080 down;");
    assert_eq!(now(), drained);
    let told = [
        vec!["-t".to_owned()],
        vec!["-s".to_owned(), "reload".to_owned()],
    ];
    assert_eq!(recorded(&record), told);

    // Twice is once: nothing is left to change, and nginx is not asked again.
    assert!(call(&["drain"]).status.success());
    assert_eq!((now(), recorded(&record).len()), (drained.clone(), 2));

    program(&stub, "#!/bin/sh\necho 'nginx: [emerg] no'\nexit 1\n");
    let refused = call(&["undrain"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("is as before"));
    assert_eq!(now(), drained);

    program(&stub, RECORDER);
    assert!(call(&["undrain"]).status.success());
    assert_eq!(now(), before);
}

#[test]
fn the_examples_of_this_machine_are_those_whose_programs_are_here() {
    let (_dir, loaded) = gallery(&from_source);
    for file in &loaded.actions {
        let run = process(file.action.as_ref().unwrap());
        let here = Path::new(&run.argv[0]).is_file();
        assert_eq!(file.is_on(), here, "{}", file.id);
        assert_eq!(loaded.directory.actions.contains_key(&file.id), here);
        if !here {
            assert!(loaded.directory.disabled[&file.id].lacking, "{}", file.id);
        }
    }
    for everywhere in ["disk-usage", "inode-usage", "dns-lookup", "log-grep"] {
        assert!(loaded.directory.actions.contains_key(everywhere));
    }
}
