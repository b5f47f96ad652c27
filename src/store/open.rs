//! Opening a database: its connections, its schema, and what is set on each connection and why.

use super::backend::{Backend, Dialect};
use super::bulk::Texts;
use super::{Db, StoreFault};
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Pool, Postgres, SqlSafeStr, Sqlite, SqlitePool,
};
use std::str::FromStr;
use std::time::Duration;

/// The migrations as they are written: for SQLite.
static WRITTEN: Migrator = sqlx::migrate!("./migrations");

/// A database's connections and the statements in its dialect.
#[derive(Debug)]
pub(super) struct Pools<B: Backend> {
    pub write: Pool<B>,
    pub read: Pool<B>,
    /// SQLite files only: connections that read a whole database once and go again.
    pub restore: Option<Pool<B>>,
    /// SQLite files only: the connection that checkpoints, apart from the writer.
    pub checkpoint: Option<Pool<B>>,
    pub texts: Texts,
}

/// How long a question waits for a free connection.
const ACQUIRE: Duration = Duration::from_secs(3);
/// How long a commit waits for SQLite's one writer; longer, because giving up loses the work.
const ACQUIRE_WRITER: Duration = Duration::from_secs(30);
/// Readers of an SQLite file: enough for a page that asks several things at once on a small machine.
const READERS: u32 = 4;
/// Readers of a start: one for each part of it that `restore.rs` reads beside the others.
const RESTORERS: u32 = 3;
/// How much of a file a start reads through a memory map; SQLite caps it at 2 GiB by default.
const MAPPED: &str = "2147418112";
/// Pages of an SQLite file the writer keeps for itself, KiB: what it lacks is in the system's cache. With four times as
/// much it was no faster (docs/benchmarks.md).
const CACHE: &str = "-2048";
/// Connections to PostgreSQL.
const CONNECTIONS: u32 = 8;

/// The migrations as a database of this kind runs them.
///
/// One folder for both: `integer` in it is 64 bits wide, which PostgreSQL calls `bigint`.
#[must_use]
pub fn schema(dialect: Dialect) -> Migrator {
    let read_by_postgres = |m: &Migration| {
        let sql = for_postgres(m.sql.as_str());
        let sql = AssertSqlSafe(sql).into_sql_str();
        Migration::new(
            m.version,
            m.description.clone(),
            m.migration_type,
            sql,
            m.no_tx,
        )
    };
    Migrator::with_migrations(match dialect {
        Dialect::Sqlite => WRITTEN.iter().cloned().collect(),
        Dialect::Postgres => WRITTEN.iter().map(read_by_postgres).collect(),
    })
}

/// `integer` becomes `bigint`; what stands between `-- sqlite:` and `-- :sqlite` is left out, and what
/// follows `-- postgres: ` is read: the two index words in ways of their own.
fn for_postgres(written: &str) -> String {
    if !written.contains("-- sqlite:") {
        return written.replace("integer", "bigint");
    }
    let (mut sql, mut theirs) = (String::with_capacity(written.len()), true);
    for line in written.lines() {
        match line.trim_end() {
            "-- sqlite:" => theirs = false,
            "-- :sqlite" => theirs = true,
            _ if !theirs => {}
            line => {
                sql.push_str(line.strip_prefix("-- postgres: ").unwrap_or(line));
                sql.push('\n');
            }
        }
    }
    sql.replace("integer", "bigint")
}

pub(super) async fn open(url: &str) -> Result<Db, StoreFault> {
    if url.starts_with("sqlite:") {
        Ok(Db::Sqlite(sqlite(url).await?))
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Ok(Db::Postgres(postgres(url).await?))
    } else {
        // the address itself may hold a password and is not repeated
        Err(StoreFault::Unusable(
            "database.url must begin with `sqlite:` or `postgres://`".to_owned(),
        ))
    }
}

/// What is there, for reading; `None`: nothing is.
pub(super) async fn look(url: &str) -> Result<Option<Db>, StoreFault> {
    let db = if url.starts_with("sqlite:") {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|e| StoreFault::Unusable(format!("database.url cannot be understood: {e}")))?
            .busy_timeout(Duration::from_secs(5))
            .disable_statement_logging();
        let memory = url.contains(":memory:") || url.contains("mode=memory");
        if memory || !options.get_filename().exists() {
            return Ok(None);
        }
        let read = one(ACQUIRE)
            .connect_with(options.create_if_missing(false).read_only(true))
            .await?;
        Db::Sqlite(pools(read.clone(), read))
    } else {
        let options = PgConnectOptions::from_str(url)
            .map_err(|e| StoreFault::Unusable(format!("database.url cannot be understood: {e}")))?
            .application_name("firebell")
            .disable_statement_logging()
            .options([
                ("statement_timeout", "30s"),
                ("default_transaction_read_only", "on"),
            ]);
        let read = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE)
            .connect_with(options)
            .await?;
        Db::Postgres(Pools {
            write: read.clone(),
            read,
            restore: None,
            checkpoint: None,
            texts: Texts::new(Dialect::Postgres),
        })
    };
    let known = WRITTEN.iter().map(|m| m.version).max().unwrap_or(0);
    let store = super::Store { db: db.into() };
    let schema = store.probe().await?.schema;
    if schema != known {
        return Err(StoreFault::Unusable(format!(
            "the database has schema {schema}, and this firebell reads schema {known}; `firebell serve` of this version brings an older one up to date"
        )));
    }
    Ok(std::sync::Arc::into_inner(store.db))
}

async fn sqlite(url: &str) -> Result<Pools<Sqlite>, StoreFault> {
    let base = SqliteConnectOptions::from_str(url)
        .map_err(|e| StoreFault::Unusable(format!("database.url cannot be understood: {e}")))?
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging();
    if url.contains(":memory:") || url.contains("mode=memory") {
        return memory(base).await;
    }
    let path = base.get_filename().display().to_string();
    let writing = base
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // After a checkpoint the file is written again from its start, and overwriting syncs twice as
        // fast as growing; only what a storm grew beyond 64 MiB is given back.
        .pragma("journal_size_limit", "67108864")
        // What is removed for good is overwritten, not only let go.
        .pragma("secure_delete", "on");
    let write = one(ACQUIRE_WRITER)
        .connect_with(
            // Checkpoints own the slowest commits, so they are left to `checkpoint`. Should nobody call
            // it, the writer does it itself at 65,536 pages (256 MiB).
            (writing.clone())
                .pragma("wal_autocheckpoint", "65536")
                .pragma("cache_size", CACHE),
        )
        .await
        .map_err(|e| {
            StoreFault::Unusable(format!(
                "the SQLite file `{path}` cannot be opened ({e}): its folder must exist and be writable"
            ))
        })?;
    migrate(&mut *write.acquire().await?, Dialect::Sqlite).await?;
    let read = lasting(SqlitePoolOptions::new().max_connections(READERS), ACQUIRE)
        .connect_lazy_with(base.clone().read_only(true));
    let restore = restoring(base.read_only(true));
    let checkpoint = one(ACQUIRE).connect_lazy_with(writing.pragma("wal_autocheckpoint", "0"));
    Ok(Pools {
        restore: Some(restore),
        checkpoint: Some(checkpoint),
        ..pools(write, read)
    })
}

/// Everything on one connection, which must never be closed: the data would be gone.
async fn memory(options: SqliteConnectOptions) -> Result<Pools<Sqlite>, StoreFault> {
    let only = one(ACQUIRE_WRITER)
        .connect_with(options.shared_cache(false))
        .await?;
    migrate(&mut *only.acquire().await?, Dialect::Sqlite).await?;
    Ok(pools(only.clone(), only))
}

fn one(acquire: Duration) -> SqlitePoolOptions {
    lasting(SqlitePoolOptions::new().max_connections(1), acquire)
}

/// A map of the file spares a start a system call for every page; only a start, because an I/O error
/// under a map ends the process, where elsewhere it is an answer. So its connections do not stay.
fn restoring(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(RESTORERS)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(Duration::from_secs(1))
        .test_before_acquire(false)
        .connect_lazy_with(options.pragma("mmap_size", MAPPED))
}

/// Connections to a file do not go stale.
fn lasting(options: SqlitePoolOptions, acquire: Duration) -> SqlitePoolOptions {
    options
        .acquire_timeout(acquire)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

fn pools(write: SqlitePool, read: SqlitePool) -> Pools<Sqlite> {
    let texts = Texts::new(Dialect::Sqlite);
    Pools {
        write,
        read,
        restore: None,
        checkpoint: None,
        texts,
    }
}

async fn postgres(url: &str) -> Result<Pools<Postgres>, StoreFault> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|e| StoreFault::Unusable(format!("database.url cannot be understood: {e}")))?
        .application_name("firebell")
        .disable_statement_logging();
    // A migration may take longer than a question, so it gets a connection without a limit; closing it
    // releases the lock against other migrating processes in every case.
    let mut connection = options.connect().await?;
    let migrated = migrate(&mut connection, Dialect::Postgres).await;
    connection.close().await?;
    migrated?;
    // A question nobody waits for any more goes on in PostgreSQL until it ends; these end it.
    let limited = options.options([
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "60s"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE)
        .connect_with(limited)
        .await?;
    Ok(Pools {
        write: pool.clone(),
        read: pool,
        restore: None,
        checkpoint: None,
        texts: Texts::new(Dialect::Postgres),
    })
}

async fn migrate<C: Migrate>(connection: &mut C, dialect: Dialect) -> Result<(), StoreFault> {
    let known = WRITTEN.iter().map(|m| m.version).max().unwrap_or(0);
    match schema(dialect).run_direct(None, connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::Execute(error)) => Err(error.into()),
        Err(MigrateError::VersionMissing(version)) => Err(StoreFault::Unusable(format!(
            "the database has schema {version}, and this firebell knows schemas up to {known}: it was \
             written by a newer version; run that version or a newer one, or restore a backup from before"
        ))),
        Err(MigrateError::VersionMismatch(version)) => Err(StoreFault::Unusable(format!(
            "the database's schema {version} differs from the one this firebell knows: it was written by \
             an unreleased version; restore a backup or begin with an empty database"
        ))),
        Err(other) => Err(StoreFault::Unusable(format!(
            "the database could not be brought to schema {known}: {other}"
        ))),
    }
}
