//! The real program, killed before each thing that a removal for good writes: the next start finishes what
//! was promised, and the words are in no file any more. On both databases.

use crate::house::{Sink, organisation, write};
use crate::postgres;
use crate::process::{Firebell, PATIENCE, until};
use crate::store::{Scratch, on_both};
use firebell::core::id::IncidentId;
use firebell::store::Store;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// What nobody may find again.
const SECRET: &str = "hunter2-correct-horse-battery";

/// A moment of a removal: just before a row of a table is written so.
struct Cut {
    write: &'static str,
    table: &'static str,
    row: &'static str,
    /// From here on the line is gone from the journal, and the start finishes the rest.
    promised: bool,
}

const fn cut(write: &'static str, table: &'static str, promised: bool) -> Cut {
    Cut {
        write,
        table,
        row: "true",
        promised,
    }
}

const BEGINS: Cut = Cut {
    row: "new.key like 'scour:%'",
    ..cut("insert", "told", false)
};
const ENDS: Cut = Cut {
    row: "new.key like 'scoured:%'",
    ..cut("insert", "told", true)
};

/// In the order in which they come when words are removed.
const OF_WORDS: [Cut; 6] = [
    BEGINS,
    cut("update", "postmortem_revisions", false),
    cut("update", "events", false),
    cut("update", "posts", true),
    cut("insert", "lessons", true),
    ENDS,
];

/// And when what a run wrote and left is.
const OF_A_RUN: [Cut; 5] = [
    BEGINS,
    cut("update", "events", false),
    cut("update", "runs", true),
    cut("delete", "artifacts", true),
    ENDS,
];

impl Cut {
    /// From now on this is not written.
    async fn set(&self, database: &Scratch) {
        let Cut {
            write, table, row, ..
        } = self;
        let sql = if database.name == "sqlite" {
            format!(
                "create trigger cut before {write} on {table} when {row} \
                 begin select raise(abort, 'cut'); end"
            )
        } else {
            format!(
                "create or replace function cut() returns trigger language plpgsql as \
                 $$ begin raise exception 'cut'; end $$; \
                 create trigger cut before {write} on {table} for each row when ({row}) \
                 execute function cut()"
            )
        };
        database.raw(&sql).await;
    }

    async fn lift(&self, database: &Scratch) {
        if database.name == "sqlite" {
            database.raw("drop trigger cut").await;
        } else {
            let sql = format!("drop trigger cut on {}", self.table);
            database.raw(&sql).await;
        }
    }
}

/// A program that says and leaves something, which is put together while it runs: it stands nowhere before.
const LEAKS: &str = "half=correct-horse-battery\n\
    printf 'token hunter2-%s\\n' $half\n\
    printf 'hunter2-%s' $half > \"$FIREBELL_ARTIFACTS/found.txt\"\n";

/// Ana's token may remove what others wrote.
fn config(sink: &Sink, database: &Scratch) -> TempDir {
    let folder = organisation(sink, "[]", Some(&database.url));
    let file = folder.path().join("firebell.toml");
    let main = std::fs::read_to_string(&file).unwrap();
    let token = "token = \"file:secrets/api-token\"\n";
    let main = main.replace(token, &format!("{token}person = \"ana\"\n"));
    let main = format!(
        "{main}[rooms]\nredactors = [\"responder\"]\n\
         [[subscribers]]\nname = \"support\"\nchannel = \"web\"\n"
    );
    write(folder.path(), "firebell.toml", &main);
    write(folder.path(), "leaks.sh", LEAKS);
    let action = format!(
        "schema = 1\ntitle = \"Leak\"\nclass = \"diagnostic\"\nservices = [\"*\"]\n\
         [run]\nargv = [\"/bin/true\"]\ndry-run = [\"/bin/sh\", \"{}\"]\n",
        folder.path().join("leaks.sh").display()
    );
    write(folder.path(), "actions/leak.toml", &action);
    folder
}

async fn redact(firebell: &Firebell, line: u64) -> (StatusCode, String) {
    let path = format!("/api/v1/incidents/1/timeline/{line}/redact");
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}{path}", firebell.url()));
    let request = request.bearer_auth(firebell.api_token());
    let answer = request.json(&json!({"why": "a password"})).send().await;
    let answer = answer.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// The newest line of a kind.
async fn line(firebell: &Firebell, kind: &str) -> Option<u64> {
    let path = "/api/v1/incidents/1/timeline?limit=500";
    let timeline = firebell.get_json(path).await;
    let items = timeline["items"].as_array().unwrap().iter();
    let of_kind = items.filter(|e| e["kind"] == kind);
    of_kind.map(|e| e["seq"].as_u64().unwrap()).max()
}

fn holding(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            holding(&path, found);
        } else if std::fs::read(&path).is_ok_and(|content| has(&content)) {
            found.push(path);
        }
    }
}

fn has(content: &[u8]) -> bool {
    content
        .windows(SECRET.len())
        .any(|w| w == SECRET.as_bytes())
}

/// Every file of firebell's and of the database that has the words.
async fn on_disk(firebell: &Firebell, database: &Scratch) -> Vec<PathBuf> {
    let mut found = Vec::new();
    holding(firebell.folder(), &mut found);
    if let Some(file) = database.url.strip_prefix("sqlite:") {
        holding(Path::new(file).parent().unwrap(), &mut found);
    } else {
        let files = postgres::cluster().unwrap().files(&database.url).await;
        let files = files.into_iter().filter(|(_, content)| has(content));
        found.extend(files.map(|(name, _)| PathBuf::from(name)));
    }
    found
}

/// Whether the journal has the words.
async fn in_journal(database: &Scratch) -> bool {
    let store = Store::look(&database.url).await.unwrap().unwrap();
    let journal = store.journal(IncidentId(1)).await.unwrap();
    journal.iter().any(|r| format!("{r:?}").contains(SECRET))
}

/// The line is removed, firebell is killed in the middle, and a start later the words are nowhere.
async fn is_removed(firebell: &mut Firebell, database: &Scratch, line: u64, cut: &Cut) {
    let moment = format!("before {} {} on {}", cut.write, cut.table, database.name);
    assert!(!on_disk(firebell, database).await.is_empty(), "{moment}");
    cut.set(database).await;
    let (status, told) = redact(firebell, line).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{moment}: {told}");
    firebell.kill();
    cut.lift(database).await;
    // What was cut may also have been somebody else's write in the same commit: then nothing was promised.
    let gone = !in_journal(database).await;
    assert!(cut.promised || !gone, "{moment}");
    firebell.restart().await;
    let left = on_disk(firebell, database).await;
    if gone {
        assert!(left.is_empty(), "{moment}: {left:?}");
    } else {
        assert!(
            !left.is_empty(),
            "{moment}: nobody was told that it is gone"
        );
    }
    let (status, told) = redact(firebell, line).await;
    if gone {
        assert!(told.contains("removed already"), "{moment}: {told}");
    } else {
        assert_eq!(status, StatusCode::OK, "{moment}: {told}");
    }
    let left = on_disk(firebell, database).await;
    assert!(left.is_empty(), "{moment}: {left:?}");
    assert!(!firebell.log().contains(SECRET), "{moment}");
    for path in [
        "/incidents/1",
        "/incidents/1/postmortem",
        "/api/v1/incidents/1/timeline?limit=500",
        "/api/v1/incidents/1/runs",
        "/api/v1/incidents/1/postmortem?format=json",
    ] {
        let page = firebell.get_text(path).await;
        assert!(!page.contains(SECRET), "{moment}: {path}");
    }
    let found = firebell.get_json("/api/v1/search?q=hunter2").await;
    assert_eq!(found["items"], json!([]), "{moment}");
}

/// Somebody notes the words, tells them to others, and repeats them in the postmortem.
async fn writes(firebell: &Firebell, store: &Store) -> u64 {
    let text = format!("the password is {SECRET}");
    for path in ["notes", "updates"] {
        let path = format!("/api/v1/incidents/1/{path}");
        firebell.post_api(&path, &json!({"text": text})).await;
    }
    let postmortem = "/api/v1/incidents/1/postmortem";
    let now = firebell
        .get_json(&format!("{postmortem}?format=json"))
        .await;
    let sections = now["sections"].as_array().unwrap().iter();
    let impact = sections.clone().find(|s| s["anchor"] == "impact");
    let was = impact.unwrap()["text"].as_str().unwrap();
    let more = format!("{was}\nThey tried:\n{text}");
    let section = json!({"anchor": "impact", "was": was, "text": more});
    firebell
        .post_api(postmortem, &json!({"section": section}))
        .await;
    let line = line(firebell, "noted").await.unwrap();
    // The note and the update in the incident's room, the update in the channel that asked for it.
    until("it is said and searched", PATIENCE, async || {
        let found = firebell.get_json("/api/v1/search?q=hunter2").await;
        let mut said = 0;
        for room in store.rooms(100).await.unwrap() {
            let posts = store.posts(room.id, i64::MAX, 1000).await.unwrap();
            said += posts.iter().filter(|p| p.text.contains(SECRET)).count();
        }
        let searched = found["items"].as_array().is_some_and(|i| !i.is_empty());
        // The search is through with it: nobody but the removal writes there from now on.
        let behind = store.unread(10).await.unwrap();
        let all = said == 3 && searched && behind.is_empty();
        all.then_some(()).ok_or((said, found, behind))
    })
    .await;
    line
}

/// A run has written and left the words.
async fn runs(firebell: &Firebell) -> u64 {
    let before = line(firebell, "run_ended").await;
    let wish = json!({"action": "leak", "dry_run": true});
    let run: Value = firebell.post_api("/api/v1/incidents/1/runs", &wish).await;
    until("the run is over", PATIENCE, async || {
        let now = line(firebell, "run_ended").await;
        now.filter(|_| now > before).ok_or(&run)
    })
    .await
}

async fn major(firebell: &Firebell) {
    let labels = json!({"alertname": "Down", "service": "checkout", "severity": "critical"});
    let alert = json!([{ "labels": labels, "annotations": {"summary": "it is down"} }]);
    firebell.post_ingest("/api/v2/alerts", &alert).await;
}

/// Somebody else who reads the database as it is now until this is dropped, such as a backup.
enum Reader {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Reader {
    async fn of(database: &Scratch) -> Reader {
        let looks = "select count(*) from events";
        if database.name == "sqlite" {
            let mut c = SqliteConnection::connect(&database.url).await.unwrap();
            let sql = AssertSqlSafe(format!("begin; {looks}"));
            sqlx::raw_sql(sql).execute(&mut c).await.unwrap();
            return Reader::Sqlite(c);
        }
        let mut c = PgConnection::connect(&database.url).await.unwrap();
        let sql = AssertSqlSafe(format!("begin isolation level repeatable read; {looks}"));
        c.execute(sqlx::raw_sql(sql)).await.unwrap();
        Reader::Postgres(c)
    }

    async fn ends(self) {
        match self {
            Reader::Sqlite(c) => c.close().await.unwrap(),
            Reader::Postgres(c) => c.close().await.unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_is_through_once_nobody_reads_the_database_of_before() {
    on_both(async |database| {
        let sink = Sink::open().await;
        let folder = config(&sink, database);
        let firebell = Arc::new(Firebell::serve(folder.path()).await);
        major(&firebell).await;
        firebell
            .post_api("/api/v1/incidents/1/resolve", &json!({}))
            .await;
        let store = Store::look(&database.url).await.unwrap().unwrap();
        let noted = writes(&firebell, &store).await;
        drop(store);
        let reader = Reader::of(database).await;
        let asked = firebell.clone();
        let removal = tokio::spawn(async move { redact(&asked, noted).await });
        until("the line is gone", PATIENCE, async || {
            let gone = line(&firebell, "noted").await.is_none();
            gone.then_some(()).ok_or("not yet")
        })
        .await;
        assert!(!removal.is_finished(), "{}", database.name);
        reader.ends().await;
        let (status, told) = removal.await.unwrap();
        assert_eq!(status, StatusCode::OK, "{told}");
        let left = on_disk(&firebell, database).await;
        assert!(left.is_empty(), "{left:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_is_finished_by_the_next_start_wherever_firebell_was_killed() {
    on_both(async |database| {
        let sink = Sink::open().await;
        let folder = config(&sink, database);
        let mut firebell = Firebell::serve(folder.path()).await;
        major(&firebell).await;
        for cut in &OF_A_RUN {
            let line = runs(&firebell).await;
            is_removed(&mut firebell, database, line, cut).await;
        }
        firebell
            .post_api("/api/v1/incidents/1/resolve", &json!({}))
            .await;
        for cut in &OF_WORDS {
            let store = Store::look(&database.url).await.unwrap().unwrap();
            let line = writes(&firebell, &store).await;
            drop(store);
            is_removed(&mut firebell, database, line, cut).await;
        }
    })
    .await;
}
