//! Query parameters, read strictly: an unknown name or value is answered with the allowed ones.
//!
//! A misspelt filter that is silently ignored shows the wrong list at the worst time.

use crate::core::text::list;
use crate::core::time::Time;
use crate::http::error::Problem;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

/// Rows of a page when the request does not say.
pub const LIMIT_DEFAULT: i64 = 50;
/// Rows of a page at most.
pub const LIMIT_MAX: i64 = 500;
/// Pages at most: `page × limit` stays far inside what a database counts with.
const PAGE_MAX: i64 = 1_000_000_000;
/// Characters of a filter's text at most.
const TEXT_MAX: usize = 200;

/// A set of parameters a route understands.
pub trait FromParams: Sized {
    /// Reads them by name; what is not asked for here does not exist.
    ///
    /// # Errors
    /// 400 naming the parameter and what is allowed.
    fn from_params(params: &mut Params) -> Result<Self, Problem>;
}

/// Extracts a [`FromParams`].
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<T: FromParams, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Asked<T>, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|e| bad(format!("The query cannot be read: {}.", e.body_text())))?;
        let mut params = Params::new(pairs);
        let asked = T::from_params(&mut params)?;
        params.finish()?;
        Ok(Asked(asked))
    }
}

/// The parameters of one request, and the names that were asked for.
#[derive(Debug)]
pub struct Params {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Params {
    /// Of decoded pairs.
    #[must_use]
    pub fn new(pairs: Vec<(String, String)>) -> Params {
        Params {
            pairs,
            known: Vec::new(),
        }
    }

    /// Free text; empty is the same as absent.
    ///
    /// # Errors
    /// 400 when it is given twice or too long.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        self.known.push(name);
        let mut found = self.pairs.iter().filter(|(n, _)| n == name);
        let Some((_, value)) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err(bad(format!("`{name}` is given twice; give it once.")));
        }
        if value.chars().count() > TEXT_MAX {
            return Err(bad(format!(
                "`{name}` is longer than {TEXT_MAX} characters."
            )));
        }
        Ok(Some(value.clone()).filter(|v| !v.is_empty()))
    }

    /// One of a fixed set of words.
    ///
    /// # Errors
    /// 400 naming the allowed ones.
    pub fn choice(
        &mut self,
        name: &'static str,
        allowed: &[&'static str],
    ) -> Result<Option<&'static str>, Problem> {
        let Some(value) = self.text(name)? else {
            return Ok(None);
        };
        match allowed.iter().find(|a| **a == value) {
            Some(word) => Ok(Some(word)),
            None => Err(not_allowed(name, &value, allowed)),
        }
    }

    /// A whole number in a range, both ends included.
    ///
    /// # Errors
    /// 400 naming the range.
    pub fn number(
        &mut self,
        name: &'static str,
        min: i64,
        max: i64,
    ) -> Result<Option<i64>, Problem> {
        let Some(value) = self.text(name)? else {
            return Ok(None);
        };
        match value.parse::<i64>() {
            Ok(n) if (min..=max).contains(&n) => Ok(Some(n)),
            _ => Err(bad(format!(
                "`{name}` is a whole number from {min} to {max}, not `{value}`."
            ))),
        }
    }

    /// An RFC 3339 time.
    ///
    /// # Errors
    /// 400 with an example.
    pub fn time(&mut self, name: &'static str) -> Result<Option<Time>, Problem> {
        let Some(value) = self.text(name)? else {
            return Ok(None);
        };
        // A `+` of an offset that was not escaped arrives as a space; nobody means a space here.
        Time::parse_rfc3339(&value.replace(' ', "+")).map_or_else(
            || {
                Err(bad(format!(
                    "`{name}` is an RFC 3339 time such as 2026-11-22T14:03:00Z, not `{value}`."
                )))
            },
            |t| Ok(Some(t)),
        )
    }

    /// `page` and `limit`.
    ///
    /// # Errors
    /// 400 naming the range.
    pub fn paging(&mut self) -> Result<Paging, Problem> {
        Ok(Paging {
            page: self.number("page", 1, PAGE_MAX)?.unwrap_or(1),
            limit: self.number("limit", 1, LIMIT_MAX)?.unwrap_or(LIMIT_DEFAULT),
        })
    }

    fn finish(&self) -> Result<(), Problem> {
        let unknown = self
            .pairs
            .iter()
            .find(|(n, _)| !self.known.contains(&n.as_str()));
        let Some((name, _)) = unknown else {
            return Ok(());
        };
        let names: Vec<String> = self.known.iter().map(|n| format!("`{n}`")).collect();
        Err(bad(format!(
            "There is no parameter `{name}` here; {}.",
            if names.is_empty() {
                "this takes none".to_owned()
            } else {
                format!("there is {}", list(&names))
            }
        )))
    }
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: i64,
    /// Rows at most.
    pub limit: i64,
}

impl Paging {
    /// Rows before this page.
    #[must_use]
    pub fn offset(self) -> i64 {
        (self.page - 1).saturating_mul(self.limit)
    }
}

/// 400 for a value that is none of the allowed ones.
#[must_use]
pub fn not_allowed<S: AsRef<str>>(name: &str, value: &str, allowed: &[S]) -> Problem {
    let words: Vec<String> = allowed
        .iter()
        .map(|a| format!("`{}`", a.as_ref()))
        .collect();
    bad(format!(
        "`{name}` cannot be `{value}`; allowed is {}.",
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            list(&words)
        }
    ))
}

pub(super) fn bad(message: String) -> Problem {
    Problem::bad("bad_parameter", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        let uri = format!("/x?{query}").parse().unwrap();
        Params::new(
            Query::<Vec<(String, String)>>::try_from_uri(&uri)
                .unwrap()
                .0,
        )
    }

    #[test]
    fn a_wrong_value_is_answered_with_the_parameter_and_the_allowed_ones() {
        let problem = params("status=closed")
            .choice("status", &["open", "all"])
            .unwrap_err();
        assert_eq!(
            problem.message,
            "`status` cannot be `closed`; allowed is `open` and `all`."
        );
    }

    #[test]
    fn an_unknown_or_doubled_parameter_is_refused() {
        let mut p = params("statsu=open");
        p.choice("status", &["open"]).unwrap();
        p.paging().unwrap();
        assert_eq!(
            p.finish().unwrap_err().message,
            "There is no parameter `statsu` here; there is `status`, `page` and `limit`."
        );
        assert!(params("q=a&q=b").text("q").is_err());
    }

    #[test]
    fn pages_count_from_one_and_have_a_ceiling() {
        let page = |q: &str| params(q).paging();
        assert_eq!(page("").unwrap().offset(), 0);
        assert_eq!(page("page=3&limit=20").unwrap().offset(), 40);
        for wrong in ["page=0", "limit=0", "limit=501", "page=-1", "limit=ten"] {
            assert!(page(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unescaped_offset_is_still_read() {
        let at = params("at=2026-11-22T14:03:00+01:00").time("at").unwrap();
        assert_eq!(at, Time::parse_rfc3339("2026-11-22T13:03:00Z"));
        assert!(params("at=noon").time("at").is_err());
    }
}
