//! Calendars to subscribe to: a schedule's shifts, or a person's across schedules, at a secret address.
//!
//! Promises: whoever has the address reads this calendar and nothing else, without signing in, because
//! calendar programs cannot. An address is firebell's own seal on whose calendar it is and on a random
//! generation; a new generation ends every older address. Whatever is wrong with an address gets the
//! same 404. The calendar is computed when it is asked for: an override is in it at once.
//!
//! Road not taken: storing an address per feed. Everybody would need a row before they ask for one,
//! and who reads the table could read the calendars.

use super::App;
use crate::calendar::{Feed, of_person, of_schedule};
use crate::core::directory::Directory;
use crate::core::time::Time;
use crate::engine::{Engine, Failure};
use crate::store::{ChangeSet, StoreFault};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use xxhash_rust::xxh3::xxh3_128;

/// What seals are for here.
const PURPOSE: &str = "calendar";
const DAY_MS: i64 = 86_400_000;
/// Days of the past in a calendar, so that last week does not vanish from somebody's own.
const BACK_DAYS: i64 = 31;
/// Days to come: half a year is what holidays are planned by.
const AHEAD_DAYS: i64 = 184;
/// How long a program may show what it has before it asks again, in words of HTTP.
const CACHE: &str = "private, max-age=300";

/// Whose calendar it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of a schedule, by id.
    Schedule(String),
    /// Of a person, by id.
    Person(String),
}

impl Whose {
    fn word(&self) -> String {
        match self {
            Whose::Schedule(id) => format!("schedule {id}"),
            Whose::Person(id) => format!("person {id}"),
        }
    }

    /// The id alone, for the name of a file.
    fn id(&self) -> &str {
        match self {
            Whose::Schedule(id) | Whose::Person(id) => id,
        }
    }

    /// Name of its generation among the keys.
    fn key(&self) -> String {
        format!("feed {}", self.word())
    }

    /// Reads `schedule web-primary GENERATION`.
    fn read(text: &str) -> Option<(Whose, &str)> {
        let mut words = text.split(' ');
        let whose = match (words.next()?, words.next()?) {
            ("schedule", id) => Whose::Schedule(id.to_owned()),
            ("person", id) => Whose::Person(id.to_owned()),
            _ => return None,
        };
        let generation = words.next()?;
        words.next().is_none().then_some((whose, generation))
    }

    async fn generation(&self, engine: &Engine) -> Result<String, StoreFault> {
        let stored = engine.store().key(&self.key()).await?;
        // Nothing is stored until somebody asks for another address.
        Ok(stored.unwrap_or_else(|| "first".to_owned()))
    }
}

/// The secret address of a calendar, absolute.
///
/// # Errors
/// When the store does not answer.
pub async fn address(engine: &Engine, whose: &Whose) -> Result<String, StoreFault> {
    let generation = whose.generation(engine).await?;
    let text = format!("{} {generation}", whose.word());
    let sealed = engine.button_key().seal(PURPOSE, &text);
    Ok(format!("{}/calendar/{sealed}.ics", engine.public_url()))
}

/// Ends every address of a calendar there was; the next one that is asked for is new.
///
/// # Errors
/// When it could not be stored; then the old address still works.
pub async fn rotate(engine: &Engine, whose: &Whose) -> Result<(), Failure> {
    let generation = uuid::Uuid::new_v4().simple().to_string();
    let changes = ChangeSet {
        keys: vec![(whose.key(), generation)],
        ..ChangeSet::default()
    };
    engine.write(changes).await
}

/// The door.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/calendar/{file}", get(serve))
        .with_state(app)
}

/// Why an address is not answered with a calendar.
enum No {
    /// Whatever is wrong with it.
    Gone,
    /// The store does not answer.
    Fault(StoreFault),
}

impl From<StoreFault> for No {
    fn from(fault: StoreFault) -> No {
        No::Fault(fault)
    }
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        match self {
            No::Gone => {
                let words =
                    "There is no calendar here; ask for its address again on the console.\n";
                (StatusCode::NOT_FOUND, words).into_response()
            }
            No::Fault(fault) => {
                tracing::warn!(error = %fault, "a calendar could not be read");
                let retry = [(header::RETRY_AFTER, "5")];
                let words = "firebell cannot answer right now; try again.\n";
                (StatusCode::SERVICE_UNAVAILABLE, retry, words).into_response()
            }
        }
    }
}

async fn serve(
    State(app): State<App>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, No> {
    let engine = &app.engine;
    let whose = whose(engine, &file).await?.ok_or(No::Gone)?;
    let now = engine.now();
    let text = text(&engine.directory(), &whose, now).ok_or(No::Gone)?;
    let tag = format!("\"{:032x}\"", xxh3_128(text.as_bytes()));
    let mut response = if knows(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let stamped = text.replace(&stamp(Time(0)), &stamp(now));
        let kind = (header::CONTENT_TYPE, "text/calendar; charset=utf-8");
        ([kind], stamped).into_response()
    };
    let set = response.headers_mut();
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    let name = format!("inline; filename=\"{}.ics\"", whose.id());
    for (header, value) in [(header::ETAG, tag), (header::CONTENT_DISPOSITION, name)] {
        // Ids and hashes are plain ASCII; what is not, is left out.
        if let Ok(value) = HeaderValue::from_str(&value) {
            set.insert(header, value);
        }
    }
    Ok(response)
}

/// Whether a program has this version already (RFC 9110 §13.1.2).
fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH);
    let known = known.and_then(|v| v.to_str().ok()).unwrap_or_default();
    known
        .split(',')
        .map(str::trim)
        .any(|k| k == "*" || k.strip_prefix("W/").unwrap_or(k) == tag)
}

/// Whose calendar an address is for; `None`: nobody's, or no longer.
async fn whose(engine: &Engine, file: &str) -> Result<Option<Whose>, StoreFault> {
    let unsealed = file
        .strip_suffix(".ics")
        .and_then(|sealed| engine.button_key().unseal(PURPOSE, sealed));
    let Some((whose, generation)) = unsealed.as_deref().and_then(Whose::read) else {
        return Ok(None);
    };
    // Nothing secret is compared here: the seal has proved that we wrote both words.
    let current = whose.generation(engine).await?;
    Ok((current == generation).then_some(whose))
}

/// The calendar, stamped with the beginning of time and from whole days on, so that it is the same text
/// all day while nothing changes.
fn text(directory: &Directory, whose: &Whose, now: Time) -> Option<String> {
    let today = Time(now.0 - now.0.rem_euclid(DAY_MS));
    let name = |id: &str| directory.person_name(id);
    let feed = Feed {
        from: today.plus_ms(-BACK_DAYS * DAY_MS),
        until: today.plus_ms(AHEAD_DAYS * DAY_MS),
        stamp: Time(0),
        name: &name,
    };
    match whose {
        Whose::Schedule(id) => {
            let schedule = directory.schedules.get(id)?;
            Some(of_schedule(schedule, &feed))
        }
        Whose::Person(id) => {
            directory.people.get(id)?;
            Some(of_person(id, directory.schedules.values(), &feed))
        }
    }
}

fn stamp(at: Time) -> String {
    format!("DTSTAMP:{}", at.utc().format("%Y%m%dT%H%M%SZ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_whose_calendar_it_is_and_nothing_longer() {
        let web = Whose::Schedule("web-primary".to_owned());
        let text = format!("{} 0a", web.word());
        assert_eq!(Whose::read(&text), Some((web, "0a")));
        for bad in [
            "",
            "schedule",
            "schedule web",
            "team web 0a",
            "person ana 0a more",
        ] {
            assert_eq!(Whose::read(bad), None, "{bad}");
        }
    }
}
