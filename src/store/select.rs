//! A question under construction: fixed texts, with values only ever as parameters.

use super::StoreFault;
use super::backend::{Backend, Cell, Reader};
use sqlx::error::BoxDynError;
use sqlx::{Arguments, AssertSqlSafe, Pool, SqlSafeStr};
use std::fmt::Write;

pub(super) struct Select<B: Backend> {
    sql: String,
    arguments: B::Arguments,
    fault: Option<BoxDynError>,
    filtered: bool,
}

impl<B: Backend> Select<B> {
    pub(super) fn new(head: &'static str) -> Self {
        Select {
            sql: head.to_owned(),
            arguments: B::Arguments::default(),
            fault: None,
            filtered: false,
        }
    }

    /// Appends text.
    pub(super) fn then(mut self, text: &'static str) -> Self {
        self.sql.push_str(text);
        self
    }

    /// Appends a parameter.
    pub(super) fn bind(mut self, cell: Cell<'_>) -> Self {
        if let Err(error) = B::put(&mut self.arguments, cell) {
            self.fault.get_or_insert(error);
        }
        // writing to a String cannot fail
        let _ = write!(self.sql, "${}", self.arguments.len());
        self
    }

    /// Appends a condition.
    pub(super) fn only(mut self, condition: &'static str) -> Self {
        self.sql
            .push_str(if self.filtered { " and " } else { " where " });
        self.filtered = true;
        self.then(condition)
    }

    /// Appends a condition that ends with a number, if there is one.
    pub(super) fn number(self, condition: &'static str, number: Option<i64>) -> Self {
        match number {
            Some(number) => self.only(condition).bind(Cell::Int(number)),
            None => self,
        }
    }

    /// Appends a condition that ends with a text, if there is one.
    pub(super) fn text(self, condition: &'static str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.only(condition).bind(Cell::Text(text)),
            None => self,
        }
    }

    /// Appends how much of the answer is wanted. Negative numbers are 0: SQLite would take them as "all".
    pub(super) fn page(self, limit: i64, offset: i64) -> Self {
        self.then(" limit ")
            .bind(Cell::Int(limit.max(0)))
            .then(" offset ")
            .bind(Cell::Int(offset.max(0)))
    }

    pub(super) async fn all<T: Send>(
        self,
        pool: &Pool<B>,
        each: impl FnMut(Reader<'_, B>) -> Result<T, StoreFault> + Send,
    ) -> Result<Vec<T>, StoreFault> {
        if let Some(error) = self.fault {
            return Err(StoreFault::Database(sqlx::Error::Encode(error)));
        }
        let sql = AssertSqlSafe(self.sql).into_sql_str();
        B::scan(pool, sql, self.arguments, each).await
    }

    /// The first row, when there is one.
    pub(super) async fn first<T: Send>(
        self,
        pool: &Pool<B>,
        each: impl FnMut(Reader<'_, B>) -> Result<T, StoreFault> + Send,
    ) -> Result<Option<T>, StoreFault> {
        Ok(self.all(pool, each).await?.into_iter().next())
    }

    /// The number a `select count(*)` answers.
    pub(super) async fn count(self, pool: &Pool<B>) -> Result<i64, StoreFault> {
        let counted = self.first(pool, |mut row| row.int()).await?;
        Ok(counted.unwrap_or(0))
    }
}
