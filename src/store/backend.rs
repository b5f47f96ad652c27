//! The two databases behind one small trait, so that everything above it is written once.
//!
//! Only what their drivers' types differ in is here. The road not taken: `sqlx::Any`, which refuses
//! some SQLite columns, and code generic over `sqlx::Database`, whose bounds grow with every type.

use super::StoreFault;
use futures_util::TryStreamExt;
use sqlx::error::BoxDynError;
use sqlx::{
    Arguments, Database, Either, Executor, Pool, Postgres, Row, SqlStr, Sqlite, Transaction,
};
use std::borrow::Cow;
use std::future::Future;

/// Takes SQLite's write lock at once: a read lock that is raised later can fail with "database is locked"
/// without waiting, whatever the busy timeout.
pub(super) const IMMEDIATE: &str = "begin immediate";

/// Ends a transaction well, on both.
pub(super) const COMMIT: &str = "commit";

/// A value on its way into a statement.
#[derive(Clone, Debug)]
pub(super) enum Cell<'a> {
    /// Any number, time or truth value.
    Int(i64),
    /// A number or nothing.
    MaybeInt(Option<i64>),
    /// Words.
    Text(&'a str),
    /// Words or nothing.
    MaybeText(Option<&'a str>),
    /// Words made for this statement.
    Owned(String),
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded one.
    Sqlite,
    /// PostgreSQL 15 or newer.
    Postgres,
}

/// What one statement did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Did {
    /// Rows it changed; for a question SQLite tells the number of an earlier statement.
    pub touched: u64,
    /// Rows it answered.
    pub answered: u64,
}

/// PostgreSQL's text cannot hold U+0000, and senders can send it. Both databases keep `␀` in its place.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{2400}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What the store needs of a database driver.
pub(super) trait Backend: Database<Arguments: 'static> {
    const DIALECT: Dialect;

    /// Appends a value to a statement's arguments.
    fn put(arguments: &mut Self::Arguments, cell: Cell<'_>) -> Result<(), BoxDynError>;

    /// Begins a transaction that will write.
    fn begin(
        pool: &Pool<Self>,
    ) -> impl Future<Output = Result<Transaction<'static, Self>, sqlx::Error>> + Send;

    /// Executes a word about transactions.
    fn say(
        connection: &mut Self::Connection,
        word: &'static str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Executes a statement and tells how many rows it touched.
    fn execute(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Executes a text of one statement, or on SQLite of several, whose arguments follow each other, and
    /// tells what each did, until somebody has heard enough.
    fn execute_each(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Self::Arguments,
        each: impl FnMut(Did) -> bool + Send,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// The number in the first column of the first row.
    fn number(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Option<i64>, sqlx::Error>> + Send;

    /// Reads every row of a question as it arrives, so that only the results are held.
    fn scan<T: Send, F>(
        pool: &Pool<Self>,
        sql: SqlStr,
        arguments: Self::Arguments,
        each: F,
    ) -> impl Future<Output = Result<Vec<T>, StoreFault>> + Send
    where
        F: FnMut(Reader<'_, Self>) -> Result<T, StoreFault> + Send;

    fn int(row: &Self::Row, column: usize) -> Result<Option<i64>, sqlx::Error>;

    fn text(row: &Self::Row, column: usize) -> Result<Option<String>, sqlx::Error>;
}

/// Reads a row's columns from left to right.
pub(super) struct Reader<'r, B: Backend> {
    row: &'r B::Row,
    column: usize,
}

impl<'r, B: Backend> Reader<'r, B> {
    fn new(row: &'r B::Row) -> Self {
        Reader { row, column: 0 }
    }

    fn step(&mut self) -> usize {
        self.column += 1;
        self.column - 1
    }

    pub(super) fn maybe_int(&mut self) -> Result<Option<i64>, StoreFault> {
        let column = self.step();
        Ok(B::int(self.row, column)?)
    }

    pub(super) fn maybe_text(&mut self) -> Result<Option<String>, StoreFault> {
        let column = self.step();
        Ok(B::text(self.row, column)?)
    }

    pub(super) fn int(&mut self) -> Result<i64, StoreFault> {
        self.maybe_int()?.ok_or_else(|| self.missing())
    }

    pub(super) fn text(&mut self) -> Result<String, StoreFault> {
        self.maybe_text()?.ok_or_else(|| self.missing())
    }

    pub(super) fn flag(&mut self) -> Result<bool, StoreFault> {
        Ok(self.int()? != 0)
    }

    /// A number of a narrower type.
    pub(super) fn small<N: TryFrom<i64>>(&mut self) -> Result<N, StoreFault> {
        let number = self.int()?;
        N::try_from(number).map_err(|_| {
            StoreFault::Unreadable(format!(
                "the number {number} in column {} is out of range",
                self.column
            ))
        })
    }

    fn missing(&self) -> StoreFault {
        StoreFault::Unreadable(format!("column {} is empty and must not be", self.column))
    }
}

macro_rules! backend {
    ($database:ty, $dialect:expr, |$pool:ident| $begin:expr) => {
        impl Backend for $database {
            const DIALECT: Dialect = $dialect;

            fn put(arguments: &mut Self::Arguments, cell: Cell<'_>) -> Result<(), BoxDynError> {
                match cell {
                    Cell::Int(number) => arguments.add(number),
                    Cell::MaybeInt(number) => arguments.add(number),
                    Cell::Text(text) => arguments.add(storable(text).as_ref()),
                    Cell::MaybeText(text) => arguments.add(text.map(storable).as_deref()),
                    Cell::Owned(text) if text.contains('\0') => {
                        arguments.add(storable(&text).as_ref())
                    }
                    Cell::Owned(text) => arguments.add(text),
                }
            }

            async fn begin($pool: &Pool<Self>) -> Result<Transaction<'static, Self>, sqlx::Error> {
                $begin.await
            }

            async fn say(
                connection: &mut Self::Connection,
                word: &'static str,
            ) -> Result<(), sqlx::Error> {
                connection.execute(word).await.map(drop)
            }

            async fn execute(
                connection: &mut Self::Connection,
                sql: SqlStr,
                arguments: Self::Arguments,
            ) -> Result<u64, sqlx::Error> {
                let done = sqlx::query_with(sql, arguments).execute(connection).await?;
                Ok(done.rows_affected())
            }

            async fn execute_each(
                connection: &mut Self::Connection,
                sql: SqlStr,
                arguments: Self::Arguments,
                mut each: impl FnMut(Did) -> bool + Send,
            ) -> Result<(), sqlx::Error> {
                let query = sqlx::query_with(sql, arguments);
                let mut results = connection.fetch_many(query);
                let mut answered = 0;
                while let Some(result) = results.try_next().await? {
                    match result {
                        Either::Right(_) => answered += 1,
                        Either::Left(done) => {
                            let touched = done.rows_affected();
                            if !each(Did { touched, answered }) {
                                return Ok(());
                            }
                            answered = 0;
                        }
                    }
                }
                Ok(())
            }

            async fn number(
                connection: &mut Self::Connection,
                sql: SqlStr,
                arguments: Self::Arguments,
            ) -> Result<Option<i64>, sqlx::Error> {
                let query = sqlx::query_with(sql, arguments);
                match query.fetch_optional(connection).await? {
                    Some(row) => row.try_get(0),
                    None => Ok(None),
                }
            }

            async fn scan<T: Send, F>(
                pool: &Pool<Self>,
                sql: SqlStr,
                arguments: Self::Arguments,
                mut each: F,
            ) -> Result<Vec<T>, StoreFault>
            where
                F: FnMut(Reader<'_, Self>) -> Result<T, StoreFault> + Send,
            {
                let mut rows = sqlx::query_with(sql, arguments).fetch(pool);
                let mut found = Vec::new();
                while let Some(row) = rows.try_next().await? {
                    found.push(each(Reader::new(&row))?);
                }
                Ok(found)
            }

            fn int(row: &Self::Row, column: usize) -> Result<Option<i64>, sqlx::Error> {
                row.try_get(column)
            }

            fn text(row: &Self::Row, column: usize) -> Result<Option<String>, sqlx::Error> {
                row.try_get(column)
            }
        }
    };
}

backend!(Sqlite, Dialect::Sqlite, |pool| pool.begin_with(IMMEDIATE));
backend!(Postgres, Dialect::Postgres, |pool| pool.begin());
