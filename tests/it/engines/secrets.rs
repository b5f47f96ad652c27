//! What engines are given to sign in with: sent where it belongs, seen nowhere, masked where it comes back.

use super::{SECRET, http_world, kubernetes_world, ran, rundeck_world, way};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use firebell::config::engines::{Access, Cluster};
use firebell::core::directory::How;
use firebell::run::Output;
use firebell::run::kubernetes::KubernetesExecutor;
use firebell::run::port::{Executor, Job};
use secrecy::ExposeSecret;

/// The forms in which programs like to print a secret.
fn forms() -> Vec<(&'static str, String)> {
    let hex: String = SECRET.bytes().map(|b| format!("{b:02x}")).collect();
    let percent: String = SECRET.bytes().map(|b| format!("%{b:02X}")).collect();
    vec![
        ("as it is", SECRET.to_owned()),
        ("as a header", format!("Authorization: Bearer {SECRET}")),
        ("in base64", STANDARD.encode(SECRET)),
        (
            "in base64 behind a byte",
            STANDARD.encode(format!("x{SECRET}y")),
        ),
        (
            "in base64 behind two",
            URL_SAFE_NO_PAD.encode(format!("xx{SECRET}")),
        ),
        ("in hexadecimal", hex.clone()),
        ("in capitals", hex.to_uppercase()),
        ("percent-encoded", percent),
        ("in JSON", serde_json::to_string(SECRET).unwrap()),
    ]
}

/// Whether a text holds the secret, or as much of it as would help somebody, in any of its forms.
fn shows(text: &str) -> Option<&'static str> {
    let core = &SECRET[4..SECRET.len() - 4];
    let decoded = |word: &str| {
        let word = word.trim_end_matches('=');
        (0..word.len().min(4)).any(|from| {
            let bytes = URL_SAFE_NO_PAD.decode(word[from..].replace('+', "-").replace('/', "_"));
            bytes.is_ok_and(|b| String::from_utf8_lossy(&b).contains(core))
        })
    };
    if text.contains(core) {
        return Some("as it is");
    }
    text.split(|c: char| c.is_whitespace() || c == '"')
        .any(decoded)
        .then_some("in base64")
}

/// What the driver keeps of an output, whatever the engine writes of its secrets.
fn is_masked_in_every_form(executor: &dyn Executor, job: &Job) {
    let secrets = executor.secrets(job);
    assert!(
        !secrets.is_empty(),
        "{}: none is known",
        job.action.how.word()
    );
    for (how, text) in forms() {
        // Cut at every place, as networks cut.
        for cut in [0, 1, text.len() / 2, text.len() - 1] {
            let mut output = Output::new(64 * 1024).without(&secrets);
            output.push(b"before ");
            output.push(&text.as_bytes()[..cut]);
            output.push(&text.as_bytes()[cut..]);
            output.push(b" after\n");
            output.finish();
            let kept = output.text();
            assert!(
                kept.starts_with("before ") && kept.contains("after"),
                "{how}: {kept}"
            );
            assert!(kept.contains("[masked]"), "{how}, cut at {cut}: {kept}");
            assert_eq!(shows(&kept), None, "{how}, cut at {cut}: {kept}");
        }
    }
}

/// What is stored of a run, and shown to approvers: it names the secret's place at most.
fn stands_in_no_plan(job: &Job) {
    let told = format!("{:?} {:?} {:?}", job.argv, job.args, job);
    assert_eq!(shows(&told), None, "{told}");
}

#[tokio::test]
async fn a_header_by_reference_is_sent_and_seen_nowhere_else() {
    let world = http_world::up().await.unwrap();
    let executor = firebell::run::http::HttpExecutor::new(&[]).unwrap();
    let job = world.to("GET", "mirror");
    stands_in_no_plan(&job);
    is_masked_in_every_form(&executor, &job);
    let done = ran(&executor, &job).await;
    assert_eq!(shows(&done.text), None, "{}", done.text);
    let asked = world.asked();
    let sent = asked.iter().find(|a| a.path.contains("mirror")).unwrap();
    let headers = format!("{:?}", sent.headers);
    assert!(
        !sent.path.contains(SECRET) && !sent.body.contains(SECRET),
        "{sent:?}"
    );
    assert!(headers.contains("authorization"), "{headers}");
}

#[tokio::test]
async fn the_token_of_rundeck_is_in_a_header_alone_and_masked_when_a_job_prints_it() {
    let world = rundeck_world::up().await.unwrap();
    let executor = world.with(|_| {});
    let job = world.run("lines", &["host=web-1"]);
    stands_in_no_plan(&job);
    is_masked_in_every_form(&executor, &job);
    ran(&executor, &job).await;
    let asked = world.inner().asked.join("\n");
    assert_eq!(shows(&asked), None, "no address holds it: {asked}");
    let bodies = format!("{:?}", world.inner().bodies);
    assert_eq!(shows(&bodies), None, "no options hold it: {bodies}");
}

#[tokio::test]
async fn the_token_of_a_cluster_is_in_no_job_and_masked_when_a_container_prints_it() {
    let world = kubernetes_world::up().await.unwrap();
    let executor = world.with(SECRET);
    let job = world.run("lines", &["/bin/act", "web-1"]);
    stands_in_no_plan(&job);
    is_masked_in_every_form(&executor, &job);
    ran(&executor, &job).await;
    let object = world.inner().jobs[0].object.to_string();
    assert_eq!(shows(&object), None, "{object}");
}

/// A kubeconfig with two users; one names its token, the other a file with it.
fn kubeconfig(folder: &std::path::Path, url: &str) -> std::path::PathBuf {
    std::fs::write(folder.join("token"), format!("{SECRET}\n")).unwrap();
    let file = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: main\n\
         clusters: [{{name: main, cluster: {{server: \"{url}\"}}}}]\n\
         contexts: [{{name: main, context: {{cluster: main, user: firebell}}}}]\n\
         users:\n\
         - name: firebell\n  user: {{tokenFile: token}}\n\
         - name: another\n  user: {{username: ops, password: of-somebody-else}}\n"
    );
    std::fs::write(&file, text).unwrap();
    file
}

#[tokio::test]
async fn what_stands_in_a_kubeconfig_is_masked_when_a_container_prints_it() {
    let world = kubernetes_world::up().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let access = Access::Kubeconfig {
        path: kubeconfig(folder.path(), &world.url()),
        context: None,
    };
    let cluster = Cluster {
        name: "main".to_owned(),
        access,
        way: way(),
    };
    let executor = KubernetesExecutor::new([("main".to_owned(), cluster)].into());
    let job = world.run("lines", &["/bin/act", "web-1"]);
    stands_in_no_plan(&job);
    is_masked_in_every_form(&executor, &job);
    let known = executor.secrets(&job);
    let known: Vec<&str> = known.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(known, [SECRET, "of-somebody-else"]);
    ran(&executor, &job).await;
    let object = world.inner().jobs[0].object.to_string();
    assert_eq!(shows(&object), None, "{object}");
}

#[test]
fn an_engine_knows_only_the_secrets_of_its_own_actions() {
    let executor = kubernetes_world::cluster("http://127.0.0.1:1", SECRET);
    let mut job = super::job(
        How::Http(firebell::core::directory::HttpRun::default()),
        &[],
    );
    assert!(executor.secrets(&job).is_empty());
    job.action = std::sync::Arc::new(firebell::core::directory::Action::of_program("x", &[]));
    assert!(executor.secrets(&job).is_empty());
}
