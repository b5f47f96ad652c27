//! Mail through a server written by others: aiosmtpd, with TLS on and off and logins on and off.
//!
//! Needs a Python that has `tests/judges/requirements.txt`, as `slack_judged` does, and `openssl` for a
//! certificate.

use crate::tools;
use firebell::chat::Retry;
use firebell::config::notify::{Security, Smtp};
use firebell::core::id::IncidentId;
use firebell::core::time::Time;
use firebell::notify::email::Email;
use firebell::notify::{Message, Notifier, Page, What};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// For one step of the judge, on a busy machine.
const STEP: Duration = Duration::from_secs(60);

fn python() -> Option<PathBuf> {
    let own = std::env::var_os("FIREBELL_JUDGE_PYTHON").map(PathBuf::from);
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges/bin/python");
    let python = own.unwrap_or_else(usual);
    let asked = std::process::Command::new(&python)
        .args(["-c", "import aiosmtpd"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if asked.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    tools::skip("no Python with aiosmtpd (FIREBELL_JUDGE_PYTHON)");
    None
}

/// A certificate of this machine, and its key.
fn certificate(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let openssl = tools::need("openssl")?;
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let made = std::process::Command::new(openssl)
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "30", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-out")
        .arg(&cert)
        .arg("-keyout")
        .arg(&key)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    Some((cert, key))
}

struct Judge {
    /// Ends with it.
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    cert: PathBuf,
    _folder: tempfile::TempDir,
}

impl Judge {
    async fn up(mode: &str, auth: &str) -> Option<Judge> {
        let python = python()?;
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = certificate(folder.path())?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judges/smtp.py");
        let mut child = Command::new(python)
            .arg(script)
            .args([mode, auth])
            .args([&cert, &key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = tokio::time::timeout(STEP, lines.next_line()).await;
        let first = first.unwrap().unwrap().expect("the judge says its port");
        Some(Judge {
            _child: child,
            lines,
            port: first.strip_prefix("port ").unwrap().parse().unwrap(),
            cert,
            _folder: folder,
        })
    }

    fn settings(&self, security: Security, login: Option<(&str, &str)>) -> Smtp {
        Smtp {
            name: "email".to_owned(),
            host: "localhost".to_owned(),
            port: self.port,
            security,
            login: login.map(|(user, word)| (user.to_owned(), word.to_owned().into())),
            from: "firebell <firebell@example.org>".to_owned(),
            extra_ca: Some(self.cert.clone()),
            timeout_ms: 20_000,
            pace_ms: 60_000,
        }
    }

    async fn mail(&mut self) -> serde_json::Value {
        let line = tokio::time::timeout(STEP, self.lines.next_line()).await;
        serde_json::from_str(&line.unwrap().unwrap().expect("the judge has a mail")).unwrap()
    }
}

fn message() -> Message {
    let page = Page {
        key: "42:3:0".to_owned(),
        incident: IncidentId(42),
        title: "checkout is slow – größer als sonst".to_owned(),
        severity: "sev1".to_owned(),
        status: "triggered".to_owned(),
        service: Some("checkout".to_owned()),
        person: "ana".to_owned(),
        person_name: "Ana".to_owned(),
        why: "on call on Web".to_owned(),
        url: "https://firebell.example.org/incidents/42".to_owned(),
        at: Time(0),
        alerts: Vec::new(),
        waited: false,
    };
    Message {
        key: page.key.clone(),
        person: "Ana".to_owned(),
        what: What::Pages(vec![page]),
        ack_url: "https://firebell.example.org/a/token.tag".to_owned(),
    }
}

fn email(settings: &Smtp) -> Email {
    Email::new(settings, "https://firebell.example.org").unwrap()
}

const LOGIN: Option<(&str, &str)> = Some(("firebell", "hunter2"));

#[tokio::test]
async fn a_mail_arrives_with_each_kind_of_encryption_and_with_and_without_a_login() {
    for (mode, security) in [
        ("none", Security::None),
        ("starttls", Security::StartTls),
        ("tls", Security::Tls),
    ] {
        for (auth, login) in [("open", None), ("auth", LOGIN)] {
            let Some(mut judge) = Judge::up(mode, auth).await else {
                return;
            };
            let email = email(&judge.settings(security, login));
            let taken = email.send("ana@example.org", &message()).await;
            let receipt = taken.unwrap_or_else(|e| panic!("{mode} {auth}: {e}"));
            let mail = judge.mail().await;
            let text = |name: &str| mail[name].as_str().unwrap_or_default().to_owned();
            assert_eq!(text("to"), "ana@example.org");
            assert_eq!(text("from"), "firebell@example.org");
            assert_eq!(
                text("subject"),
                "[sev1] checkout is slow – größer als sonst (#42)"
            );
            assert_eq!(text("id"), format!("<{}>", receipt.id));
            assert_eq!(text("auto"), "auto-generated");
            assert!(
                text("body").contains("https://firebell.example.org/a/token.tag"),
                "{mail}"
            );
            assert_eq!(mail["tls"], mode != "none", "{mode} {auth}");
            assert_eq!(mail["user"].is_string(), auth == "auth", "{mode} {auth}");
        }
    }
}

#[tokio::test]
async fn a_repeat_has_the_same_id_so_that_mail_programs_show_it_once() {
    let Some(mut judge) = Judge::up("none", "open").await else {
        return;
    };
    let email = email(&judge.settings(Security::None, None));
    let mut ids = Vec::new();
    for _ in 0..2 {
        email.send("ana@example.org", &message()).await.unwrap();
        ids.push(judge.mail().await["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn each_fault_says_whether_another_try_can_help_and_never_the_password() {
    let Some(judge) = Judge::up("starttls", "auth").await else {
        return;
    };
    let good = judge.settings(Security::StartTls, LOGIN);
    for (to, retry) in [
        ("busy@example.org", Retry::Backoff),
        ("nobody@example.org", Retry::Never),
        ("drop@example.org", Retry::Backoff),
    ] {
        let fault = email(&good).send(to, &message()).await.unwrap_err();
        assert_eq!(fault.retry, retry, "{to}: {fault}");
        assert!(!fault.why.contains(to), "{fault}");
    }
    let impatient = Smtp {
        timeout_ms: 1_000,
        ..good.clone()
    };
    let fault = email(&impatient)
        .send("hang@example.org", &message())
        .await
        .unwrap_err();
    assert_eq!(fault.retry, Retry::Backoff);
    assert!(fault.why.contains("in time"), "{fault}");
    let wrong = judge.settings(Security::StartTls, Some(("firebell", "not-the-password")));
    let fault = email(&wrong)
        .send("ana@example.org", &message())
        .await
        .unwrap_err();
    assert_eq!(fault.retry, Retry::Never, "{fault}");
    assert!(
        fault.why.contains("535") && !fault.why.contains("not-the-password"),
        "{fault}"
    );
    let stranger = Smtp {
        extra_ca: None,
        ..good
    };
    let fault = email(&stranger)
        .send("ana@example.org", &message())
        .await
        .unwrap_err();
    assert_eq!(fault.retry, Retry::Backoff, "{fault}");
    assert!(fault.why.contains("certificate"), "{fault}");
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_not_given_the_mail() {
    let Some(judge) = Judge::up("none", "open").await else {
        return;
    };
    let fault = email(&judge.settings(Security::StartTls, None))
        .send("ana@example.org", &message())
        .await
        .unwrap_err();
    assert_eq!(fault.retry, Retry::Never, "{fault}");
}
