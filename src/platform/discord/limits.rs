//! Discord's limits, kept before they are hit: buckets as told in headers, the limit over
//! everything, and the count of refusals that leads to a ban.
//!
//! A bucket is known by the name Discord gives it, per major parameter (channel, guild, webhook).
//! Races it knows: calls of one bucket that leave at once take its remaining places one by one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Calls in a second over everything; Discord's limit is 50.
const PER_SECOND: u32 = 45;
/// Of them, those that are left to pages: a flood of cards must not hold one up.
const FOR_PAGES: u32 = 15;
/// So long after an outage nearly all of them are: every page that waited leaves then.
const PAGES_FIRST: Duration = Duration::from_secs(1);
/// Calls in a second that are no pages meanwhile.
const BESIDE_PAGES: u32 = 10;
/// Answers of 401, 403 and 429 are counted over this long.
const REFUSED_WITHIN: Duration = Duration::from_secs(600);
/// So many of them stop all calls until they are older; Discord bans at 10,000.
const REFUSED_MOST: usize = 1000;
/// States kept before those that say nothing any more are forgotten.
const FORGET_ABOVE: usize = 2000;

/// Where a call belongs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// Method and path with `*` for ids.
    pub path: String,
    /// The channel, guild or webhook a bucket is separate for.
    pub major: String,
}

impl Route {
    /// The route of a path below the base, such as `/channels/1/messages/2`.
    pub fn of(method: &str, path: &str) -> Route {
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        let major = match parts.as_slice() {
            [first @ ("channels" | "guilds"), id, ..] => format!("{first}/{id}"),
            [first @ ("webhooks" | "interactions"), id, token, ..] => {
                format!("{first}/{id}/{token}")
            }
            _ => String::new(),
        };
        let kept = |(n, part): (usize, &&str)| {
            let hook = n == 2 && matches!(parts[0], "webhooks" | "interactions");
            let id = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if id || hook { "*" } else { *part }.to_owned()
        };
        let kept: Vec<String> = parts.iter().enumerate().map(kept).collect();
        Route {
            path: format!("{method} {}", kept.join("/")),
            major,
        }
    }

    /// Answers to interactions do not count towards the limit over everything.
    fn exempt(&self) -> bool {
        self.major.starts_with("webhooks") || self.major.starts_with("interactions")
    }
}

/// What an answer said of its bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    pub bucket: Option<String>,
    pub limit: u32,
    pub remaining: Option<u32>,
    pub reset_after: Duration,
}

/// Why a call may not leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Its bucket, or everything, opens after this long.
    For(Duration),
    /// Too many refusals; nothing leaves for this long.
    Refused(Duration),
}

#[derive(Default)]
pub(super) struct Limits(Mutex<State>);

#[derive(Default)]
struct State {
    /// Route to the name of its bucket.
    names: HashMap<String, String>,
    buckets: HashMap<(String, String), Bucket>,
    /// What a 429 closed. By route, not by bucket: renaming a channel is limited to twice in ten
    /// minutes, and must not hold up what else goes there.
    closed: HashMap<Route, Instant>,
    everything_until: Option<Instant>,
    second: Option<(Instant, u32)>,
    pages_first_until: Option<Instant>,
    refused: VecDeque<Instant>,
}

struct Bucket {
    limit: u32,
    remaining: u32,
    resets: Instant,
}

impl Limits {
    /// Takes a place for a call, or says how long there is none. `page`: it wakes somebody.
    pub fn take(&self, route: &Route, page: bool) -> Result<(), Closed> {
        let now = Instant::now();
        let mut state = self.lock();
        while state
            .refused
            .front()
            .is_some_and(|at| *at + REFUSED_WITHIN <= now)
        {
            state.refused.pop_front();
        }
        if state.refused.len() >= REFUSED_MOST
            && let Some(first) = state.refused.front()
        {
            return Err(Closed::Refused(*first + REFUSED_WITHIN - now));
        }
        if !route.exempt() {
            if let Some(until) = state.everything_until.filter(|at| *at > now) {
                return Err(Closed::For(until - now));
            }
            let (began, used) = state
                .second
                .filter(|(at, _)| *at + Duration::from_secs(1) > now)
                .unwrap_or((now, 0));
            let places = match state.pages_first_until {
                _ if page => PER_SECOND,
                Some(until) if until > now => BESIDE_PAGES,
                _ => PER_SECOND - FOR_PAGES,
            };
            if used >= places {
                return Err(Closed::For(began + Duration::from_secs(1) - now));
            }
            state.second = Some((began, used));
        }
        if let Some(until) = state.closed.get(route).copied() {
            if until > now {
                return Err(Closed::For(until - now));
            }
            state.closed.remove(route);
        }
        let key = state.key(route);
        if let Some(bucket) = state.buckets.get_mut(&key) {
            if bucket.resets <= now {
                // A new window: how full it is will be told.
                bucket.remaining = bucket.limit.max(1);
                bucket.resets = now + Duration::from_secs(1);
            }
            if bucket.remaining == 0 {
                return Err(Closed::For(bucket.resets - now));
            }
            bucket.remaining -= 1;
        }
        if let Some((_, used)) = state.second.as_mut().filter(|_| !route.exempt()) {
            *used += 1;
        }
        Ok(())
    }

    /// Learns from an answer's headers.
    pub fn learn(&self, route: &Route, told: &Told) {
        let Some(remaining) = told.remaining else {
            return;
        };
        let now = Instant::now();
        let mut state = self.lock();
        if let Some(name) = &told.bucket {
            state.names.insert(route.path.clone(), name.clone());
        }
        if state.buckets.len() > FORGET_ABOVE {
            state.buckets.retain(|_, b| b.resets > now);
        }
        let key = state.key(route);
        let resets = now + told.reset_after;
        let bucket = state.buckets.entry(key).or_insert(Bucket {
            limit: told.limit,
            remaining,
            resets,
        });
        bucket.limit = told.limit.max(1);
        // Calls still on their way have taken places the answer does not know of; and a late answer
        // must not open what a 429 closed.
        let same_window = bucket.resets > now;
        bucket.remaining = if same_window {
            bucket.remaining.min(remaining)
        } else {
            remaining
        };
        bucket.resets = bucket.resets.max(resets);
    }

    /// A 429: nothing of this route leaves before; of anything, when it is everybody's.
    pub fn close(&self, route: &Route, wait: Duration, everything: bool) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        if everything {
            state.everything_until = Some(state.everything_until.map_or(until, |at| at.max(until)));
            return;
        }
        let closed = state.closed.entry(route.clone()).or_insert(until);
        *closed = until.max(*closed);
    }

    /// An outage has ended: pages catch up before anything else does.
    pub fn pages_first(&self) {
        self.lock().pages_first_until = Some(Instant::now() + PAGES_FIRST);
    }

    /// Counts an answer that leads to a ban when there are too many.
    pub fn refused(&self) {
        self.lock().refused.push_back(Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn key(&self, route: &Route) -> (String, String) {
        let name = self.names.get(&route.path).unwrap_or(&route.path);
        (name.clone(), route.major.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(remaining: u32, ms: u64) -> Told {
        Told {
            bucket: Some("b".to_owned()),
            limit: 5,
            remaining: Some(remaining),
            reset_after: Duration::from_millis(ms),
        }
    }

    #[test]
    fn routes_are_named_without_their_ids() {
        let route = Route::of("PATCH", "/channels/123/messages/456?x=1");
        assert_eq!(route.path, "PATCH channels/*/messages/*");
        assert_eq!(route.major, "channels/123");
        let hook = Route::of("PATCH", "/webhooks/1/tok-en/messages/@original");
        assert_eq!(hook.path, "PATCH webhooks/*/*/messages/@original");
        assert_eq!(hook.major, "webhooks/1/tok-en");
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_bucket_is_waited_for_and_no_other() {
        let limits = Limits::default();
        let (one, two) = (
            Route::of("POST", "/channels/1/messages"),
            Route::of("POST", "/channels/2/messages"),
        );
        limits.take(&one, false).unwrap();
        limits.learn(&one, &told(0, 2000));
        assert_eq!(
            limits.take(&one, false),
            Err(Closed::For(Duration::from_millis(2000)))
        );
        limits.take(&two, false).unwrap();
        tokio::time::advance(Duration::from_millis(2000)).await;
        limits.take(&one, false).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn calls_on_their_way_take_the_places_that_are_left() {
        let limits = Limits::default();
        let route = Route::of("POST", "/channels/1/messages");
        limits.learn(&route, &told(2, 1000));
        limits.take(&route, false).unwrap();
        limits.take(&route, false).unwrap();
        assert!(limits.take(&route, false).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_global_limit_closes_everything_but_answers_to_interactions() {
        let limits = Limits::default();
        let route = Route::of("POST", "/channels/1/messages");
        limits.close(&route, Duration::from_secs(3), true);
        let other = Route::of("GET", "/guilds/9");
        assert_eq!(
            limits.take(&other, false),
            Err(Closed::For(Duration::from_secs(3)))
        );
        limits
            .take(&Route::of("POST", "/interactions/1/t/callback"), false)
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_stop_all_calls_long_before_a_ban() {
        let limits = Limits::default();
        let route = Route::of("GET", "/guilds/9");
        for _ in 0..REFUSED_MOST {
            limits.refused();
        }
        assert!(matches!(
            limits.take(&route, false),
            Err(Closed::Refused(_))
        ));
        tokio::time::advance(REFUSED_WITHIN).await;
        limits.take(&route, false).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_page_leaves_some_of_each_second_to_pages() {
        let limits = Limits::default();
        let card = |n: u32| Route::of("PATCH", &format!("/channels/{n}/messages/1"));
        let page = |n: u32| Route::of("POST", &format!("/channels/{n}/messages"));
        let passed = (0..100).filter(|n| limits.take(&card(*n), false).is_ok());
        assert_eq!(passed.count(), 30);
        let passed = (0..100).filter(|n| limits.take(&page(*n), true).is_ok());
        assert_eq!(passed.count(), 15);
        tokio::time::advance(Duration::from_secs(1)).await;
        limits.take(&card(0), false).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_outage_pages_have_nearly_all_of_the_first_second() {
        let limits = Limits::default();
        let card = |n: u32| Route::of("PATCH", &format!("/channels/{n}/messages/1"));
        let page = |n: u32| Route::of("POST", &format!("/channels/{n}/messages"));
        limits.pages_first();
        let passed = (0..100).filter(|n| limits.take(&card(*n), false).is_ok());
        assert_eq!(passed.count(), 10);
        let passed = (0..100).filter(|n| limits.take(&page(*n), true).is_ok());
        assert_eq!(passed.count(), 35);
        tokio::time::advance(Duration::from_secs(1)).await;
        let passed = (0..100).filter(|n| limits.take(&card(*n), false).is_ok());
        assert_eq!(passed.count(), 30);
    }
}
