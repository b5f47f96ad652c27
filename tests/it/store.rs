//! The store's contract, every sentence of it on both databases.

mod duty;
mod journals;
mod lists;
pub mod rows;
mod schema;
mod writing;

use crate::postgres;
use firebell::store::{ChangeSet, Store};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// An empty database that lives as long as this value.
pub struct Scratch {
    /// `sqlite` or `postgres`.
    pub name: &'static str,
    /// As in `database.url`.
    pub url: String,
    _folder: Option<TempDir>,
}

impl Scratch {
    pub async fn open(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// Opens it and takes it over.
    pub async fn mine(&self) -> Mine {
        let store = self.open().await;
        let epoch = store.take_over().await.unwrap();
        Mine { store, epoch }
    }

    /// Does what firebell never would, with any SQL.
    pub async fn raw(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.name == "sqlite" {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            connection.execute(sqlx::raw_sql(sql)).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// Another process that has taken the database over and not committed that yet: every other writer waits.
pub enum Usurper {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Usurper {
    pub async fn on(database: &Scratch) -> Usurper {
        const RAISE: &str = "update meta set value = value + 1 where key = 'epoch'";
        if database.name == "sqlite" {
            let mut connection = SqliteConnection::connect(&database.url).await.unwrap();
            let sql = AssertSqlSafe(format!("begin immediate; {RAISE}"));
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            Usurper::Sqlite(connection)
        } else {
            let mut connection = PgConnection::connect(&database.url).await.unwrap();
            let sql = AssertSqlSafe(format!("begin; {RAISE}"));
            connection.execute(sqlx::raw_sql(sql)).await.unwrap();
            Usurper::Postgres(connection)
        }
    }

    pub async fn commit(self) {
        let sql = sqlx::raw_sql("commit");
        match self {
            Usurper::Sqlite(mut connection) => {
                sql.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Usurper::Postgres(mut connection) => {
                connection.execute(sql).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }
}

/// A store this test has taken over.
pub struct Mine {
    pub store: Store,
    pub epoch: i64,
}

impl Mine {
    /// Commits what is filled into an empty change-set.
    pub async fn write(&self, fill: impl FnOnce(&mut ChangeSet)) {
        let mut changes = ChangeSet::default();
        fill(&mut changes);
        self.store.commit(self.epoch, &changes).await.unwrap();
    }
}

/// One empty database of each kind that can be had here.
pub async fn databases() -> Vec<Scratch> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("firebell.db");
    let mut all = vec![Scratch {
        name: "sqlite",
        url: format!("sqlite:{}", file.display()),
        _folder: Some(folder),
    }];
    if let Some(cluster) = postgres::cluster() {
        all.push(Scratch {
            name: "postgres",
            url: cluster.fresh().await,
            _folder: None,
        });
    }
    all
}

/// Runs a test on each; a failure is preceded by the database's name.
pub async fn on_both(test: impl AsyncFn(&Scratch)) {
    for database in databases().await {
        eprintln!("on {}:", database.name);
        test(&database).await;
    }
}
