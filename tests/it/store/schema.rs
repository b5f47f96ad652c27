//! The schema: opening, refusing, and every migration on a database in use.

use super::{Scratch, on_both};
use firebell::core::id::IncidentId;
use firebell::store::{AlertQuery, Dialect, Store, StoreFault, schema};
use sqlx::{Connection, PgConnection, SqliteConnection};

async fn refusal(url: &str) -> String {
    match Store::open(url).await {
        Err(StoreFault::Unusable(words)) => words,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_database_of_a_newer_firebell_is_refused_in_words() {
    on_both(async |database| {
        drop(database.open().await);
        database
            .raw(
                "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
                 select 9999, 'of the future', success, checksum, 0 from _sqlx_migrations where version = 1",
            )
            .await;
        for _ in 0..2 {
            let words = refusal(&database.url).await;
            assert!(words.contains("schema 9999"), "{words}");
            assert!(words.contains("newer version"), "{words}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_schema_that_was_changed_behind_our_back_is_refused_in_words() {
    on_both(async |database| {
        drop(database.open().await);
        let checksum = match database.name {
            "sqlite" => "x'00'",
            _ => "'\\x00'::bytea",
        };
        database
            .raw(&format!(
                "update _sqlx_migrations set checksum = {checksum} where version = 1"
            ))
            .await;
        let words = refusal(&database.url).await;
        assert!(words.contains("schema 1 differs"), "{words}");
    })
    .await;
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_refused_without_repeating_a_password() {
    let words = refusal("mysql://root:hunter2@localhost/x").await;
    assert!(words.contains("`sqlite:` or `postgres://`"), "{words}");
    assert!(!words.contains("hunter2"), "{words}");
    let words = refusal("sqlite:/no/such/folder/firebell.db").await;
    assert!(words.contains("/no/such/folder/firebell.db"), "{words}");
    assert!(words.contains("folder must exist"), "{words}");
    let unreachable = Store::open("postgres://postgres:hunter2@127.0.0.1:1/x").await;
    let words = unreachable.unwrap_err().to_string();
    assert!(!words.contains("hunter2"), "{words}");
}

/// Brings the schema to a version with the migrations alone.
async fn migrate_to(database: &Scratch, version: i64) {
    if database.name == "sqlite" {
        let url = format!("{}?mode=rwc", database.url);
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let migrator = schema(Dialect::Sqlite);
        migrator.run_to(version, &mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        let migrator = schema(Dialect::Postgres);
        migrator.run_to(version, &mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// The sample beside a migration has the migration's own file name.
fn sample(version: i64) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/samples");
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let prefix = format!("{version:04}_");
    let mut samples = files.map(|file| file.path()).filter(|path| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with(&prefix)
    });
    let sample = samples.next();
    let sample = sample.unwrap_or_else(|| panic!("migration {version} has no sample data"));
    std::fs::read_to_string(sample).unwrap()
}

#[tokio::test]
async fn every_migration_applies_to_a_database_in_use() {
    on_both(async |database| {
        for migration in schema(Dialect::Sqlite).iter() {
            migrate_to(database, migration.version).await;
            database.raw(&sample(migration.version)).await;
        }
        let store = database.open().await;
        assert_eq!(store.take_over().await.unwrap(), 4);
        let query = AlertQuery {
            limit: 10,
            sight: firebell::core::sight::Sight::All,
            ..AlertQuery::default()
        };
        assert_eq!(store.alerts(&query).await.unwrap().len(), 2);
        let mut live = 0;
        store.live_alerts(|_| live += 1).await.unwrap();
        assert_eq!(live, 1);
        let incidents = store.open_incidents().await.unwrap();
        assert_eq!(incidents.len(), 1);
        assert_eq!(incidents[0].seq, 2);
        let incident = store.incident(IncidentId(1)).await.unwrap().unwrap();
        assert_eq!(incident.status, "acknowledged");
        assert_eq!(store.pending_outbox().await.unwrap().len(), 1);
        assert_eq!(store.pending_shows().await.unwrap().len(), 1);
        assert_eq!(store.runs(IncidentId(1)).await.unwrap().len(), 1);
        assert_eq!(store.quarantine(10).await.unwrap().1, 1);
        assert_eq!(store.newest_posts().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn two_processes_may_open_a_database_at_once() {
    on_both(async |database| {
        // PostgreSQL lets them race for the schema too; an SQLite file is made by one
        if database.name == "sqlite" {
            drop(database.open().await);
        }
        let (one, other) = tokio::join!(Store::open(&database.url), Store::open(&database.url));
        one.unwrap().ping().await.unwrap();
        other.unwrap().ping().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn doctor_is_told_what_the_database_is() {
    on_both(async |database| {
        let store = database.open().await;
        store.ping().await.unwrap();
        let version = store.version().await;
        let expected = match database.name {
            "sqlite" => "SQLite 3.",
            _ => "PostgreSQL 1",
        };
        assert!(version.starts_with(expected), "{version}");
        assert_eq!(store.is_sqlite(), database.name == "sqlite");
    })
    .await;
}
