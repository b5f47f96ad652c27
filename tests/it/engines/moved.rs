//! An action that moves to another engine stays the same action: its button, its approval and its
//! history. And a run elsewhere outlives firebell, and answers that are lost.

use super::conformance::Engine as _;
use super::{SECRET, kubernetes_world, patient, rundeck_world};
use crate::world::{World, directory, person};
use firebell::config::engines::Engines;
use firebell::core::directory::{Directory, How, KubernetesRun, RundeckRun};
use firebell::core::id::{IncidentId, RunId};
use firebell::core::incident::{Ask, Command, Event, Outcome};
use firebell::engine::Failure;
use std::collections::BTreeMap;
use std::sync::Arc;

const MAJOR: &[(&str, &str)] = &[("service", "checkout"), ("severity", "critical")];

fn rundeck(job: &str) -> How {
    How::Rundeck(RundeckRun {
        server: "main".to_owned(),
        job: job.to_owned(),
        project: "ops".to_owned(),
        options: BTreeMap::from([("mode".to_owned(), "soft".to_owned())]),
    })
}

fn kubernetes(image: &str) -> How {
    How::Kubernetes(KubernetesRun {
        cluster: "main".to_owned(),
        namespace: "runbooks".to_owned(),
        image: image.to_owned(),
        argv: vec!["/bin/restart".to_owned()],
        ..KubernetesRun::default()
    })
}

/// `restart` needs the approval of somebody else; only its `[run]` table changes.
fn moves(directory: &mut Directory, how: How) {
    let restart = directory.actions.get_mut("restart").unwrap();
    Arc::make_mut(restart).how = how;
}

async fn asks(w: &World, run: i64) {
    let ask = Command::AskRun {
        by: person("ana"),
        run: RunId(run),
        action: w.directory.actions["restart"].clone(),
        args: BTreeMap::new(),
        ask: Ask::default(),
    };
    w.tell(1, ask).await;
}

fn approval(by: &str, run: i64) -> Command {
    Command::ApproveRun {
        by: person(by),
        run: RunId(run),
    }
}

/// Asked by Ana, approved by Bo.
async fn runs(w: &World, run: i64) {
    asks(w, run).await;
    w.tell(1, approval("bo", run)).await;
}

async fn ended(w: &World, run: i64) -> Outcome {
    patient("the run ends", async {
        loop {
            let journal = w.journal(1).await;
            let found = journal.iter().find_map(|record| match &record.event {
                Event::RunEnded {
                    run: r, outcome, ..
                } if *r == RunId(run) => Some(outcome.clone()),
                _ => None,
            });
            if let Some(outcome) = found {
                return outcome;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

async fn output(w: &World, run: i64) -> String {
    let row = w.engine.store().run(RunId(run)).await.unwrap();
    row.unwrap().output
}

#[tokio::test]
async fn an_action_moves_by_its_run_table_and_its_approval_stays() {
    let rundeck_side = rundeck_world::up().await.unwrap();
    let kubernetes_side = kubernetes_world::up().await.unwrap();
    let engines = Engines {
        rundeck: rundeck_side.servers(),
        kubernetes: kubernetes_world::clusters(&kubernetes_side.proxy.url(), SECRET),
        ..Engines::default()
    };
    let mut w = World::reaching("sqlite::memory:", directory(), engines).await;
    w.fire("Down", MAJOR).await;
    runs(&w, 1).await;
    assert_eq!(ended(&w, 1).await, Outcome::Succeeded { exit: 0 });

    w.configure(|d| moves(d, rundeck("lines"))).await;
    asks(&w, 2).await;
    // Her own approval counts there as little as here.
    let own = w
        .engine
        .submit("own", IncidentId(1), approval("ana", 2))
        .await;
    assert!(matches!(own, Err(Failure::Refused(_))));
    assert_eq!(
        rundeck_side.inner().bodies.len(),
        0,
        "nothing ran before it was approved"
    );
    w.tell(1, approval("bo", 2)).await;
    let said = ended(&w, 2).await;
    let what = "Rundeck says succeeded".to_owned();
    assert_eq!(said, Outcome::Reported { good: true, what });
    assert_eq!(output(&w, 2).await, "line 1\nline 2\nline 3\nline 4\n");
    assert_eq!(rundeck_side.inner().bodies[0]["options"]["mode"], "soft");

    w.configure(|d| moves(d, kubernetes("lines"))).await;
    runs(&w, 3).await;
    assert_eq!(ended(&w, 3).await, Outcome::Succeeded { exit: 0 });
    assert_eq!(output(&w, 3).await, "line 1\nline 2\nline 3\nline 4\n");
    let object = kubernetes_side.inner().jobs[0].object.clone();
    let subject = object["metadata"]["annotations"]["firebell.dev/subject-hash"].clone();
    let incident = w.incident(1).await;
    assert_eq!(
        subject,
        incident.runs[&RunId(3)].terms.subject,
        "what was approved is what ran"
    );
}

#[tokio::test]
async fn a_run_elsewhere_goes_on_through_a_crash_of_firebell() {
    let side = rundeck_world::up().await.unwrap();
    let cluster = kubernetes_world::up().await.unwrap();
    let engines = Engines {
        rundeck: side.servers(),
        kubernetes: kubernetes_world::clusters(&cluster.proxy.url(), SECRET),
        ..Engines::default()
    };
    let mut directory = directory();
    moves(&mut directory, rundeck("long"));
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("firebell.db").display());
    let mut w = World::reaching(&url, directory, engines).await;
    w.fire("Down", MAJOR).await;
    runs(&w, 1).await;
    super::until("Rundeck runs it", || side.inner().bodies.len() == 1).await;
    w.configure(|d| moves(d, kubernetes("long"))).await;
    runs(&w, 2).await;
    super::until("the cluster runs it", || cluster.inner().jobs.len() == 1).await;
    w.kill_and_restart().await;
    side.release();
    cluster.release();
    // The file names another engine by now, which cannot say what became of the first one.
    let Outcome::Unknown { why } = ended(&w, 1).await else {
        panic!("nobody can know");
    };
    assert!(why.contains("it was started on rundeck"), "{why}");
    let outcome = ended(&w, 2).await;
    assert_eq!(outcome.word(), "succeeded", "{outcome:?}");
    assert_eq!(output(&w, 2).await, "begun\ndone\n");
    assert_eq!(
        (side.inner().bodies.len(), cluster.inner().jobs.len()),
        (1, 1)
    );
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_found_and_followed() {
    let side = rundeck_world::up().await.unwrap();
    let engines = Engines {
        rundeck: side.servers(),
        ..Engines::default()
    };
    let mut directory = directory();
    moves(&mut directory, rundeck("lines"));
    let w = World::reaching("sqlite::memory:", directory, engines).await;
    w.fire("Down", MAJOR).await;
    side.lose_the_next_answer();
    runs(&w, 1).await;
    assert_eq!(ended(&w, 1).await.word(), "succeeded");
    assert_eq!(output(&w, 1).await, "line 1\nline 2\nline 3\nline 4\n");
    assert_eq!(side.inner().bodies.len(), 1);
}
