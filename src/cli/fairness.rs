//! `firebell fairness`: what being on call has cost whom, as the console's page counts it.

use super::kept::Kept;
use super::{print, serve};
use crate::core::directory::Directory;
use crate::core::fairness::{book, days, span, today, told};
use crate::engine::Clock;
use anyhow::bail;
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// Which schedule, and when.
#[derive(Debug, clap::Args)]
pub(super) struct Question {
    /// Only this schedule, such as web-primary
    #[arg(value_name = "SCHEDULE")]
    schedule: Option<String>,
    /// First day, such as 2026-10-01 [default: ninety days with the last]
    #[arg(
        long,
        value_name = "DATE",
        default_value = "",
        hide_default_value = true
    )]
    from: String,
    /// Last day [default: today]
    #[arg(
        long,
        value_name = "DATE",
        default_value = "",
        hide_default_value = true
    )]
    to: String,
    /// Whose days: a time zone such as Europe/Madrid [default: the configuration's `zone`]
    #[arg(long, value_name = "ZONE", conflicts_with = "person")]
    zone: Option<chrono_tz::Tz>,
    /// Whose days: those of this person of the directory, as the console and chat count for them
    #[arg(long = "as", value_name = "PERSON")]
    person: Option<String>,
}

/// Prints the ledger.
///
/// # Errors
/// When there is no such schedule, a date cannot be read, or the database fails.
pub(super) async fn fairness(config: &Path, question: &Question) -> anyhow::Result<ExitCode> {
    let Some(loaded) = serve::load(config) else {
        return Ok(ExitCode::FAILURE);
    };
    let now = Clock::Real.now();
    let kept = Kept::of(&loaded.settings).await;
    let directory = kept.over(loaded.directory, now).await;
    let zone = zone(question, &directory)?;
    let asked = days(&question.from, &question.to, today(zone, now)).map_err(anyhow::Error::msg)?;
    let (since, until) = span(zone, asked.0, asked.1);
    let pages = match kept.store() {
        Some(store) => Some(store.pages_by_person(since, until).await?),
        None => None,
    };
    let counted = pages.is_some();
    let pages: BTreeMap<String, i64> = pages.unwrap_or_default();
    let schedule = question.schedule.as_deref();
    let book = book(&directory, schedule, asked, zone, &pages).map_err(anyhow::Error::msg)?;
    print(&told(&directory, &book, counted, usize::MAX))?;
    print(&format!("Days are those of {zone}."))?;
    Ok(ExitCode::SUCCESS)
}

/// Whose midnight a day begins at.
fn zone(question: &Question, directory: &Directory) -> anyhow::Result<Tz> {
    let Some(id) = &question.person else {
        return Ok(question.zone.or(directory.zone).unwrap_or(Tz::UTC));
    };
    match directory.people.get(id) {
        Some(person) => Ok(person.zone),
        None => bail!("there is no person {id} in the directory; name one of people/, or a --zone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::directory::{Person, Waking};

    #[test]
    fn days_are_those_of_whom_or_where_was_asked_and_else_of_the_configuration() {
        let ana = Person {
            id: "ana".to_owned(),
            name: "Ana".to_owned(),
            email: None,
            zone: Tz::Europe__Madrid,
            identities: BTreeMap::new(),
            roles: Vec::new(),
            contacts: Vec::new(),
            waking: Waking::default(),
        };
        let directory = Directory {
            zone: Some(Tz::Asia__Tokyo),
            people: [("ana".to_owned(), ana)].into(),
            ..Directory::default()
        };
        let (id, person) = directory.people.first_key_value().unwrap();
        let asked = |zone, person: Option<&String>| Question {
            schedule: None,
            from: String::new(),
            to: String::new(),
            zone,
            person: person.cloned(),
        };
        let of = |q: Question| zone(&q, &directory);
        assert_eq!(of(asked(None, None)).unwrap(), Tz::Asia__Tokyo);
        assert_eq!(of(asked(Some(Tz::UTC), None)).unwrap(), Tz::UTC);
        assert_eq!(of(asked(None, Some(id))).unwrap(), person.zone);
        let why = of(asked(None, Some(&"nobody".to_owned()))).unwrap_err();
        assert!(why.to_string().contains("no person nobody"), "{why}");
    }
}
