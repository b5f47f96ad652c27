//! The half of writing that needs the database: one transaction under this process's epoch.

use super::StoreFault;
use super::backend::{Backend, Cell, Dialect};
use super::open::Pools;
use super::plan::{Miss, Step, plan};
use super::rows::ChangeSet;
use sqlx::{Pool, SqlSafeStr, Transaction};

/// Answers a row only while the epoch is ours, and keeps it ours until the transaction ends: SQLite
/// by the write lock it already holds, PostgreSQL by a lock on the row that commits of one process
/// share and [`TAKE_OVER`] must wait for. An `update` would do the same on both, at the price of a
/// written page and, on PostgreSQL, of one commit at a time.
const FENCE_SQLITE: &str = "select value from meta where key = 'epoch' and value = $1";
const FENCE_POSTGRES: &str = "select value from meta where key = 'epoch' and value = $1 for share";

const TAKE_OVER: &str = "update meta set value = value + 1 where key = 'epoch' returning value";

/// Writes a change-set. The transaction runs in a task of its own and to its end: a caller that goes
/// away in the middle of a commit would leave it open whether it happened.
pub(super) async fn commit<B: Backend>(
    pools: &Pools<B>,
    epoch: i64,
    changes: &ChangeSet,
) -> Result<(), StoreFault> {
    let steps = plan::<B>(&pools.texts, changes)?;
    in_a_task(write(pools.write.clone(), epoch, steps)).await
}

/// Raises the epoch and tells the new one.
pub(super) async fn take_over<B: Backend>(pools: &Pools<B>) -> Result<i64, StoreFault> {
    let pool = pools.write.clone();
    in_a_task(async move {
        let mut transaction = B::begin(&pool).await?;
        let sql = TAKE_OVER.into_sql_str();
        let epoch = B::number(&mut transaction, sql, B::Arguments::default()).await?;
        transaction.commit().await?;
        epoch.ok_or_else(|| StoreFault::Unreadable("its `meta` table has no epoch".to_owned()))
    })
    .await
}

/// Runs to its end whatever becomes of the caller, and beside it.
pub(super) async fn in_a_task<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreFault>> + Send + 'static,
) -> Result<T, StoreFault> {
    tokio::spawn(work).await.unwrap_or_else(|stopped| {
        let error = std::io::Error::other(format!("the writing task did not end: {stopped}"));
        Err(StoreFault::Database(sqlx::Error::Io(error)))
    })
}

async fn write<B: Backend>(
    pool: Pool<B>,
    epoch: i64,
    steps: Vec<Step<B>>,
) -> Result<(), StoreFault> {
    let mut transaction = B::begin(&pool).await?;
    match fill(&mut transaction, epoch, steps).await {
        Ok(()) => Ok(transaction.commit().await?),
        Err(fault) => {
            // the fault is the answer; a connection that cannot even roll back is closed by the pool
            if let Err(error) = transaction.rollback().await {
                tracing::warn!(%error, "a failed transaction could not be rolled back");
            }
            Err(fault)
        }
    }
}

async fn fill<B: Backend>(
    transaction: &mut Transaction<'static, B>,
    epoch: i64,
    steps: Vec<Step<B>>,
) -> Result<(), StoreFault> {
    let fence = match B::DIALECT {
        Dialect::Sqlite => FENCE_SQLITE,
        Dialect::Postgres => FENCE_POSTGRES,
    };
    let mut arguments = B::Arguments::default();
    B::put(&mut arguments, Cell::Int(epoch)).map_err(sqlx::Error::Encode)?;
    let ours = B::number(transaction, fence.into_sql_str(), arguments).await?;
    if ours.is_none() {
        return Err(StoreFault::Fenced);
    }
    for step in steps {
        let (name, rows, miss) = (step.name, step.rows, step.miss);
        let touched = B::execute(transaction, step.sql, step.arguments).await?;
        if touched >= rows as u64 {
            continue;
        }
        match miss {
            Miss::Expected => {}
            Miss::Odd => tracing::error!(
                statement = name,
                rows,
                touched,
                "the database lacks rows that were to be changed"
            ),
            Miss::Fatal => return Err(StoreFault::Database(sqlx::Error::RowNotFound)),
        }
    }
    Ok(())
}
