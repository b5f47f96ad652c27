//! The audit: in the transaction of what it tells of, and tampering with the real database is seen.

use super::*;
use crate::store::Scratch;
use firebell::core::audit::Fact;
use firebell::core::id::Actor;
use firebell::engine::{Sealer, verify_audit};
use firebell::store::Store;

fn fact(n: usize) -> Fact {
    Fact {
        kind: "automation".to_owned(),
        by: Actor::Firebell,
        incident: None,
        run: None,
        action: String::new(),
        text: format!("fact {n}"),
        detail: "{}".to_owned(),
    }
}

/// Seven entries, signed after the fifth; the engine is stopped, so that the database is only a file.
async fn chain(database: &Scratch, folder: &tempfile::TempDir) -> Sealer {
    let w = World::on(&database.url).await;
    let sealer = Sealer::open(folder.path(), None).unwrap();
    for n in 0..5 {
        w.engine.audit(fact(n)).await.unwrap();
    }
    let made = w.engine.seal_audit(&sealer, 5).await.unwrap();
    assert_eq!(made.map(|c| c.n), Some(5));
    assert_eq!(w.engine.seal_audit(&sealer, 5).await.unwrap(), None);
    for n in 5..7 {
        w.engine.audit(fact(n)).await.unwrap();
    }
    w.engine.stop().await;
    sealer
}

async fn verdict(database: &Scratch, sealer: &Sealer) -> Result<i64, String> {
    let store: Store = database.open().await;
    let key = sealer.public();
    let found = verify_audit(&store, Vec::new(), Some(&key)).await.unwrap();
    found.map(|whole| whole.head.n)
}

#[tokio::test]
async fn a_chain_that_nobody_touched_is_whole() {
    on_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let sealer = chain(database, &folder).await;
        assert_eq!(verdict(database, &sealer).await, Ok(7));
    })
    .await;
}

/// What is done to the database, and what is said of it.
const TAMPERING: &[(&str, &str)] = &[
    (
        "update audit set text = 'nothing happened' where n = 3",
        "entry 3 was changed",
    ),
    (
        "update audit set who = 'person:bo' where n = 1",
        "entry 1 was changed",
    ),
    (
        "update audit set at = at + 1 where n = 7",
        "entry 7 was changed",
    ),
    (
        "update audit set hash = prev where n = 4",
        "entry 4 was changed",
    ),
    (
        "update audit set incident = 9 where n = 2",
        "entry 2 was changed",
    ),
    ("delete from audit where n = 4", "entry 4 is missing"),
    ("delete from audit where n = 1", "entry 1 is missing"),
    // Cut off behind and before what was signed.
    (
        "delete from audit where n > 3",
        "entry 4 is missing at the end",
    ),
    ("delete from audit", "entry 1 is missing at the end"),
    // Moved: two change places, contents and all.
    (
        "update audit set n = 100 where n = 2; update audit set n = 2 where n = 3; update audit set n = 3 where n = 100",
        "entry 2 was changed",
    ),
    // Put in.
    (
        "update audit set n = n + 1000 where n > 3; \
         insert into audit (n, at, kind, who, name, action, text, detail, prev, hash) \
         values (4, 0, 'run_asked', 'person:bo', 'Bo', '', 'forged', '{}', '00', '00'); \
         update audit set n = n - 999 where n > 1000",
        "entry 4 was changed",
    ),
    (
        "insert into audit (n, at, kind, who, name, action, text, detail, prev, hash) \
         values (0, 0, 'run_asked', 'person:bo', 'Bo', '', 'forged', '{}', '00', '00')",
        "entry 0 is out of order or was put in",
    ),
    (
        "insert into audit (n, at, kind, who, name, action, text, detail, prev, hash) \
         values (9, 0, 'run_asked', 'person:bo', 'Bo', '', 'forged', '{}', '00', '00')",
        "entry 8 is missing",
    ),
    (
        "update audit_checkpoints set n = 6",
        "has a signature that is not its key's",
    ),
    (
        "update audit_checkpoints set hash = 'x'",
        "has a signature that is not its key's",
    ),
    (
        "update audit_checkpoints set key = 'aa'",
        "was signed with the key aa",
    ),
];

#[tokio::test]
async fn whatever_is_done_to_the_database_the_first_bad_entry_is_named() {
    for (sql, said) in TAMPERING {
        on_both(async |database| {
            let folder = tempfile::tempdir().unwrap();
            let sealer = chain(database, &folder).await;
            for statement in sql.split("; ") {
                database.raw(statement).await;
            }
            let why = verdict(database, &sealer).await.unwrap_err();
            assert!(why.contains(said), "{sql}\n{why}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_chain_written_anew_with_its_checkpoints_removed_is_seen_by_the_file_beside_it() {
    on_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let sealer = chain(database, &folder).await;
        database.raw("delete from audit where n > 3").await;
        database.raw("delete from audit_checkpoints").await;
        assert_eq!(
            verdict(database, &sealer).await,
            Ok(3),
            "the database alone cannot tell"
        );
        let kept = std::fs::read_to_string(folder.path().join("audit-checkpoints.jsonl")).unwrap();
        let kept = kept
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        let store = database.open().await;
        let found = verify_audit(&store, kept, Some(&sealer.public()))
            .await
            .unwrap();
        assert!(found.unwrap_err().contains("entry 4 is missing at the end"));
    })
    .await;
}

#[tokio::test]
async fn the_chain_goes_on_after_a_restart_and_a_failed_commit_leaves_no_gap() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.engine.audit(fact(0)).await.unwrap();
        w.kill_and_restart().await;
        w.engine.audit(fact(1)).await.unwrap();
        let other = World::on(&database.url).await;
        assert!(
            w.engine.audit(fact(2)).await.is_err(),
            "another process has the database"
        );
        other.engine.audit(fact(3)).await.unwrap();
        let entries = other.engine.store().audit_after(0, 10).await.unwrap();
        let told: Vec<&str> = entries.iter().map(|e| e.text.as_str()).collect();
        assert_eq!(told, ["fact 0", "fact 1", "fact 3"]);
        let key = None;
        let found = verify_audit(other.engine.store(), Vec::new(), key)
            .await
            .unwrap();
        assert_eq!(found.map(|whole| whole.head.n), Ok(3));
    })
    .await;
}

#[tokio::test]
async fn what_of_the_files_changed_is_noted_once() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        let noted = async |w: &World| {
            w.engine.note_files().await.unwrap();
            let entries = w.engine.store().audit_after(0, 100).await.unwrap();
            let found = entries.iter().filter(|e| e.kind == "files_changed");
            found.map(|e| e.text.clone()).collect::<Vec<_>>()
        };
        assert_eq!(noted(&w).await.len(), 1);
        assert_eq!(noted(&w).await.len(), 1, "nothing changed");
        w.configure(|directory| {
            let mut echo = (*directory.actions["echo"]).clone();
            echo.digest = "another".to_owned();
            directory.actions.insert("echo".to_owned(), std::sync::Arc::new(echo));
            directory.actions.remove("restart");
        })
        .await;
        let told = noted(&w).await;
        assert_eq!(
            told.last().map(String::as_str),
            Some("Rules or actions are not as they were: actions/echo.toml and actions/restart.toml (gone).")
        );
    })
    .await;
}
