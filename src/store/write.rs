//! The half of writing that needs the database: one transaction under this process's epoch.

use super::StoreFault;
use super::backend::{Backend, Dialect, Did};
use super::open::Pools;
use super::plan::{Miss, Part, Step, plan};
use super::rows::ChangeSet;
use sqlx::{Pool, SqlSafeStr, Transaction};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinError;

const TAKE_OVER: &str = "update meta set value = value + 1 where key = 'epoch' returning value";

/// Writes a change-set. The transaction runs beside the caller and to its end: a caller that goes away in
/// the middle of a commit would leave it open whether it happened. It begins while the statements are made.
pub(super) async fn commit<B: Backend>(
    pools: &Pools<B>,
    epoch: i64,
    changes: &ChangeSet,
) -> Result<(), StoreFault> {
    let (give, steps) = oneshot::channel();
    let written = aside::<B, _>(write(pools.write.clone(), steps));
    // One that cannot be made drops its end, and what was begun is rolled back.
    let planned = plan::<B>(&pools.texts, epoch, changes)?;
    // A task that has ended says why.
    let _ = give.send(planned);
    written.await
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
    ended(tokio::spawn(work).await)
}

/// The same, from now on, for what asks the database many things one after the other. What SQLite's driver
/// answers comes from a thread of its own; a thread that does nothing but wait for it is there sooner than
/// the runtime, which wakes two workers for each answer.
fn aside<B: Backend, T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreFault>> + Send + 'static,
) -> impl Future<Output = Result<T, StoreFault>> {
    let task = match B::DIALECT {
        Dialect::Sqlite => {
            let runtime = Handle::current();
            tokio::task::spawn_blocking(move || runtime.block_on(work))
        }
        Dialect::Postgres => tokio::spawn(work),
    };
    async { ended(task.await) }
}

fn ended<T>(task: Result<Result<T, StoreFault>, JoinError>) -> Result<T, StoreFault> {
    task.unwrap_or_else(|stopped| {
        let error = std::io::Error::other(format!("the writing task did not end: {stopped}"));
        Err(StoreFault::Database(sqlx::Error::Io(error)))
    })
}

async fn write<B: Backend>(
    pool: Pool<B>,
    steps: oneshot::Receiver<Vec<Step<B>>>,
) -> Result<(), StoreFault> {
    let mut transaction = B::begin(&pool).await?;
    let done = match steps.await {
        Ok(steps) => fill(&mut transaction, steps).await,
        // Nobody waits for it.
        Err(_) => Err(StoreFault::Unusable(
            "nothing came to be written".to_owned(),
        )),
    };
    match done {
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
