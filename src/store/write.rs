//! The half of writing that needs the database: one transaction under this process's epoch.

use super::StoreFault;
use super::backend::{Backend, Did};
use super::open::Pools;
use super::plan::{Miss, Part, Step, plan};
use super::rows::ChangeSet;
use sqlx::{Pool, SqlSafeStr, Transaction};

const TAKE_OVER: &str = "update meta set value = value + 1 where key = 'epoch' returning value";

/// Writes a change-set. The transaction runs in a task of its own and to its end: a caller that goes
/// away in the middle of a commit would leave it open whether it happened.
pub(super) async fn commit<B: Backend>(
    pools: &Pools<B>,
    epoch: i64,
    changes: &ChangeSet,
) -> Result<(), StoreFault> {
    let steps = plan::<B>(&pools.texts, epoch, changes)?;
    in_a_task(write(pools.write.clone(), steps)).await
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

async fn write<B: Backend>(pool: Pool<B>, steps: Vec<Step<B>>) -> Result<(), StoreFault> {
    let mut transaction = B::begin(&pool).await?;
    match fill(&mut transaction, steps).await {
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
    steps: Vec<Step<B>>,
) -> Result<(), StoreFault> {
    for step in steps {
        let (sql, parts) = (step.sql(), step.parts);
        let mut fault = None;
        let mut next = parts.iter();
        let done = B::execute_each(transaction, sql, step.arguments, |did| {
            fault = next.next().and_then(|part| short(part, did));
            fault.is_none()
        });
        let done = done.await;
        // What the fence says counts, whatever failed behind it.
        if let Some(fault) = fault {
            return Err(fault);
        }
        done?;
    }
    Ok(())
}

/// What it means that a statement touched fewer rows than it names, if it did.
fn short(part: &Part, did: Did) -> Option<StoreFault> {
    let touched = match part.miss {
        Miss::Fenced => did.answered,
        _ => did.touched,
    };
    if touched >= part.rows as u64 {
        return None;
    }
    match part.miss {
        Miss::Expected => None,
        Miss::Odd => {
            tracing::error!(
                statement = part.name,
                rows = part.rows,
                touched,
                "the database lacks rows that were to be changed"
            );
            None
        }
        Miss::Fatal => Some(StoreFault::Database(sqlx::Error::RowNotFound)),
        Miss::Fenced => Some(StoreFault::Fenced),
    }
}
