//! What `firebell doctor` asks of the database. Nothing here disturbs a running firebell.

use super::backend::Backend;
use super::{Db, Store, StoreFault};
use crate::core::time::Time;
use sqlx::{Pool, SqlSafeStr};

/// What the database says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Version of the newest migration.
    pub schema: i64,
    /// Its clock; SQLite's is this machine's.
    pub now: Time,
}

const SCHEMA: &str = "select max(version) from _sqlx_migrations";
const NOW_SQLITE: &str = "select cast(unixepoch('subsec') * 1000 as integer)";
const NOW_POSTGRES: &str = "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";
/// Says again what is there: a real write with a real commit that changes nothing.
const SAME_AGAIN: &str = "update meta set value = value where key = 'epoch'";

impl Store {
    /// Schema and clock.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn probe(&self) -> Result<Probe, StoreFault> {
        match &*self.db {
            Db::Sqlite(pools) => probe(&pools.write, NOW_SQLITE).await,
            Db::Postgres(pools) => probe(&pools.write, NOW_POSTGRES).await,
        }
    }

    /// Commits a write that changes nothing; the epoch is not raised, so nobody is fenced.
    ///
    /// # Errors
    /// When the database refuses: read-only, full, locked.
    pub async fn try_write(&self) -> Result<(), StoreFault> {
        match &*self.db {
            Db::Sqlite(pools) => try_write(&pools.write).await,
            Db::Postgres(pools) => try_write(&pools.write).await,
        }
    }
}

async fn probe<B: Backend>(pool: &Pool<B>, now: &'static str) -> Result<Probe, StoreFault> {
    let mut connection = pool.acquire().await?;
    let mut ask = async |sql: &'static str, what: &str| {
        B::number(
            &mut *connection,
            sql.into_sql_str(),
            B::Arguments::default(),
        )
        .await?
        .ok_or_else(|| StoreFault::Unreadable(format!("it tells no {what}")))
    };
    Ok(Probe {
        schema: ask(SCHEMA, "schema").await?,
        now: Time(ask(now, "time").await?),
    })
}

async fn try_write<B: Backend>(pool: &Pool<B>) -> Result<(), StoreFault> {
    let mut transaction = B::begin(pool).await?;
    let touched = B::execute(
        &mut *transaction,
        SAME_AGAIN.into_sql_str(),
        B::Arguments::default(),
    )
    .await?;
    transaction.commit().await?;
    if touched == 1 {
        return Ok(());
    }
    Err(StoreFault::Unreadable(
        "its `meta` table has no epoch".to_owned(),
    ))
}
