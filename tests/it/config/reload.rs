//! Hot reload: a good file is in force at once, a faulty one is refused.

use super::{ACTION, Folder, demo, good, said};
use firebell::config::{Fault, Loaded, changed, load, watch};
use firebell::core::directory::Directory;
use std::path::Path;

/// What a program that follows the files has in force.
struct Followed {
    outcomes: tokio::sync::mpsc::UnboundedReceiver<Result<Loaded, Vec<Fault>>>,
    ask: tokio::sync::mpsc::Sender<()>,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
    in_force: Loaded,
}

impl Followed {
    async fn start(config: &Path) -> Followed {
        let in_force = good(load(config));
        let (tell, outcomes) = tokio::sync::mpsc::unbounded_channel();
        let (ask, asked) = tokio::sync::mpsc::channel(1);
        let files = in_force.files.clone();
        let task = tokio::spawn(watch(config.to_path_buf(), files, asked, move |outcome| {
            let _ = tell.send(outcome);
        }));
        let mut followed = Followed {
            outcomes,
            ask,
            task,
            in_force,
        };
        // The first answer shows that the folders are watched.
        followed.ask.send(()).await.unwrap();
        followed.next().await.unwrap();
        followed
    }

    /// The next outcome, put in force as `serve` does it.
    async fn next(&mut self) -> Result<(), Vec<Fault>> {
        let wait = std::time::Duration::from_secs(20);
        let outcome = tokio::time::timeout(wait, self.outcomes.recv()).await;
        self.in_force = outcome
            .expect("a reload within 20 seconds")
            .expect("watch runs")?;
        Ok(())
    }

    /// Reloads until the right thing is in force; a reload may also come from another test's SIGHUP.
    async fn until(&mut self, right: impl Fn(&Directory) -> bool) {
        while !right(&self.in_force.directory) {
            let _ = self.next().await;
        }
    }

    /// The faults of the next reload that is refused.
    async fn refusal(&mut self) -> Vec<Fault> {
        loop {
            if let Err(faults) = self.next().await {
                return faults;
            }
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// As editors save: a new file takes the old one's name.
fn save(path: &Path, text: &str) {
    let next = path.with_extension("toml~");
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, path).unwrap();
}

fn named(name: &str) -> impl Fn(&Directory) -> bool {
    move |d| d.people["ana"].name == name
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_file_is_in_force_and_a_faulty_one_is_refused() {
    let (dir, config) = demo();
    let ana = dir.path().join("people/ana.toml");
    let before = std::fs::read_to_string(&ana).unwrap();
    let mut followed = Followed::start(&config).await;

    save(&ana, &before.replace("Ana Ruiz", "Ana R."));
    followed.until(named("Ana R.")).await;

    save(&ana, &before.replace("zone", "zoen"));
    let faults = followed.refusal().await;
    said(
        &faults,
        "people/ana.toml",
        2,
        "has no key `zoen`",
        "did you mean `zone`?",
    );
    assert!(named("Ana R.")(&followed.in_force.directory));

    save(&ana, &before);
    followed.until(named("Ana Ruiz")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_comes_later_is_followed_too() {
    let folder = Folder::new();
    let mut followed = Followed::start(&folder.path("firebell.toml")).await;
    std::fs::remove_dir_all(folder.path("actions")).unwrap();
    followed.until(|d| d.actions.is_empty()).await;
    folder.put("actions/look.toml", ACTION);
    followed.until(|d| d.actions.contains_key("look")).await;
    folder.put("actions/look.toml", &ACTION.replace("Look", "Look again"));
    let again = |d: &Directory| {
        d.actions
            .get("look")
            .is_some_and(|a| a.title == "Look again")
    };
    followed.until(again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reloads_what_no_event_tells_of() {
    let folder = Folder::new();
    // Outside every watched folder, as a file on a network share is.
    let elsewhere = tempfile::tempdir().unwrap();
    let ana = elsewhere.path().join("ana");
    let person = |name: &str| {
        format!("name = \"{name}\"\nzone = \"UTC\"\ncontacts = [{{ kind = \"console\" }}]\n")
    };
    std::fs::write(&ana, person("Ana")).unwrap();
    std::fs::remove_file(folder.path("people/ana.toml")).unwrap();
    std::os::unix::fs::symlink(&ana, folder.path("people/ana.toml")).unwrap();
    let mut followed = Followed::start(&folder.path("firebell.toml")).await;
    std::fs::write(&ana, person("Ana R.")).unwrap();
    let me = rustix::process::getpid();
    rustix::process::kill_process(me, rustix::process::Signal::HUP).unwrap();
    followed.until(named("Ana R.")).await;
}

#[test]
fn what_only_a_start_puts_in_force_is_known_by_what_it_says_and_not_by_where() {
    let folder = Folder::new();
    let first = good(folder.load(&[])).at_start;
    let text = std::fs::read_to_string(folder.path("firebell.toml")).unwrap();
    // Another line and another policy: nothing that waits for a restart.
    folder.put(
        "firebell.toml",
        &format!("\n# a remark\n{text}\n[fairness]\nnight-extra = 50\n"),
    );
    let second = good(folder.load(&[])).at_start;
    assert_eq!(changed(&first, &second), [""; 0]);
    folder.put("token", "one\n");
    let more = "[limits]\ndepth = 8\n[[tokens]]\nname = \"later\"\ntoken = \"file:token\"\n";
    folder.put("firebell.toml", &format!("{text}\n{more}"));
    let third = good(folder.load(&[])).at_start;
    assert_eq!(changed(&second, &third), ["limits", "tokens"]);
    folder.put("token", "two\n");
    let fourth = good(folder.load(&[])).at_start;
    assert_eq!(
        changed(&third, &fourth),
        ["tokens"],
        "the secret behind a reference counts"
    );
}
