//! The half of writing that needs the database: one transaction under this process's epoch.

use super::StoreFault;
use super::backend::{Backend, COMMIT, Dialect, Did};
use super::open::Pools;
use super::plan::{Miss, Part, Step, plan};
use super::rows::ChangeSet;
use sqlx::pool::PoolConnection;
use sqlx::{Pool, SqlSafeStr};

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
    let mut open = Open {
        connection: pool.acquire().await?,
        over: true,
    };
    if B::DIALECT == Dialect::Postgres {
        open.say("begin").await?;
        open.over = false;
    }
    let committed = steps.last().is_some_and(|step| step.commits);
    let mut done = fill(&mut open, steps).await;
    if done.is_ok() && !committed {
        done = open.say(COMMIT).await.map_err(StoreFault::from);
    }
    // What a commit that failed has left is ended as well.
    open.over |= done.is_ok();
    if !open.over {
        match open.say("rollback").await {
            Ok(()) => open.over = true,
            Err(error) => {
                tracing::warn!(%error, "a failed transaction could not be rolled back");
            }
        }
    }
    done
}

/// A connection with a transaction in it. The driver's own type sends `begin` and `commit` on ways of their own, and
/// lets SQLite's thread wait until it has heard the answer; here they are among the statements.
struct Open<B: Backend> {
    connection: PoolConnection<B>,
    /// None has begun, or it has ended.
    over: bool,
}

impl<B: Backend> Open<B> {
    async fn say(&mut self, word: &'static str) -> Result<(), sqlx::Error> {
        B::say(&mut self.connection, word).await
    }
}

impl<B: Backend> Drop for Open<B> {
    /// Nobody gets a connection with half of a transaction in it.
    fn drop(&mut self) {
        if !self.over {
            self.connection.close_on_drop();
        }
    }
}

async fn fill<B: Backend>(open: &mut Open<B>, steps: Vec<Step<B>>) -> Result<(), StoreFault> {
    for step in steps {
        let (sql, parts) = (step.sql(), step.parts);
        let (mut fault, mut begun) = (None, false);
        let mut next = parts.iter();
        let done = B::execute_each(&mut open.connection, sql, step.arguments, |did| {
            begun = true;
            fault = next.next().and_then(|part| short::<B>(part, did));
            fault.is_none()
        });
        let done = done.await;
        open.over &= !begun;
        // What the fence says counts, whatever failed behind it.
        if let Some(fault) = fault {
            return Err(fault);
        }
        let failed = next.next();
        done.map_err(|error| match failed {
            Some(part) if part.miss == Miss::Fenced && is_taken(&error) => StoreFault::Fenced,
            _ => StoreFault::from(error),
        })?;
    }
    Ok(())
}

/// Whether a key was taken.
fn is_taken(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// What it means that a statement touched fewer rows than it names, if it did.
fn short<B: Backend>(part: &Part, did: Did) -> Option<StoreFault> {
    let touched = match (part.miss, B::DIALECT) {
        // It fails when it must not go on.
        (Miss::Fenced, Dialect::Sqlite) => return None,
        (Miss::Fenced, Dialect::Postgres) => did.answered,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::IncidentId;
    use crate::core::incident::Event;
    use crate::core::time::Time;
    use crate::store::InboxRow;
    use crate::store::backend::IMMEDIATE;
    use crate::store::bulk::Texts;
    use sqlx::{Postgres, Sqlite};

    /// Names of what travels together.
    fn ways<B: Backend>(changes: &ChangeSet) -> Vec<Vec<&'static str>> {
        let steps = plan::<B>(&Texts::new(B::DIALECT), 1, changes).unwrap();
        let names = |step: &Step<B>| step.parts.iter().map(|p| p.name).collect();
        steps.iter().map(names).collect()
    }

    #[test]
    fn a_small_set_is_one_way_on_sqlite_unless_it_must_be_looked_at_before_it_is_committed() {
        let answer = |n: i64| InboxRow {
            cause: format!("click:{n}"),
            at: Time(0),
            incident: IncidentId(1),
            seq: 1,
        };
        let mut changes = ChangeSet {
            inbox: vec![answer(1)],
            ..ChangeSet::default()
        };
        let all = vec![vec![IMMEDIATE, "fence", "insert inbox", COMMIT]];
        assert_eq!(ways::<Sqlite>(&changes), all);
        let each = [vec!["fence"], vec!["insert inbox"]];
        assert_eq!(ways::<Postgres>(&changes), each);
        let left = Event::Unmuted { why: String::new() };
        changes.redactions = vec![(IncidentId(1), 1, left)];
        let ways_of = ways::<Sqlite>(&changes).concat();
        assert!(ways_of.contains(&"redact events") && !ways_of.contains(&COMMIT));
        changes = ChangeSet {
            inbox: (0..3).map(answer).collect(),
            ..ChangeSet::default()
        };
        let large = ways::<Sqlite>(&changes);
        assert_eq!(large[0], [IMMEDIATE, "fence"]);
        assert!(!large.concat().contains(&COMMIT));
    }
}
