//! Discord's brakes: one bucket per route and major parameter (channel, server, webhook), one over
//! everything; told in the headers a client paces itself by.

use super::faults::of_route;
use super::state::Call;
use std::collections::BTreeMap;

/// So many requests in so long a window, which begins with its first request.
#[derive(Clone, Debug)]
pub struct Rule {
    /// As in `faults::of_route`.
    pub route: String,
    pub limit: usize,
    pub window_ms: i64,
}

impl Rule {
    pub fn new(route: &str, limit: usize, window_ms: i64) -> Rule {
        Rule {
            route: route.to_owned(),
            limit,
            window_ms,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began_ms: i64,
    used: usize,
}

/// What the headers of an answer say.
#[derive(Clone, Debug)]
pub struct Told {
    pub limit: usize,
    pub remaining: usize,
    pub reset_ms: i64,
    pub reset_after_ms: i64,
    pub bucket: String,
}

/// Why a request has to wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    pub retry_after_ms: i64,
    pub scope: Option<&'static str>,
    pub global: bool,
}

/// All buckets, and how full they are.
pub struct Buckets {
    /// The first that fits counts.
    pub rules: Vec<Rule>,
    pub global: Rule,
    windows: BTreeMap<(String, String), Window>,
}

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets {
            rules: vec![
                Rule::new("POST /channels/*/messages", 5, 5_000),
                Rule::new("PATCH /channels/*/messages/*", 5, 5_000),
                Rule::new("DELETE /channels/*/messages/*", 5, 1_000),
                Rule::new("* /channels/*/messages/*/reactions/**", 1, 250),
                Rule::new("* /webhooks/**", 5, 2_000),
                Rule::new("* /**", 100, 1_000),
            ],
            global: Rule::new("*", 50, 1_000),
            windows: BTreeMap::new(),
        }
    }
}

/// What a bucket is separate for.
fn major(call: &Call) -> String {
    match call.segments().as_slice() {
        [first @ ("channels" | "guilds"), id, ..] => format!("{first}/{id}"),
        ["webhooks", id, token, ..] => format!("webhooks/{id}/{token}"),
        // every other route is one bucket by itself
        other => other.join("/"),
    }
}

impl Buckets {
    /// Puts this rule before the others.
    pub fn set(&mut self, rule: Rule) {
        self.rules.insert(0, rule);
    }

    /// Counts the request; says how full its bucket is, or how long it has to wait.
    pub fn pass(&mut self, call: &Call, now_ms: i64) -> Result<Told, (Wait, Told)> {
        let rule = self.rules.iter().find(|r| of_route(&r.route, call));
        let rule = rule.cloned().unwrap_or_else(|| Rule::new("", 100, 1_000));
        let key = (rule.route.clone(), major(call));
        let name = format!("{:016x}", xxhash_rust::xxh3::xxh3_64(rule.route.as_bytes()));
        // Answers to interactions do not count towards the limit over everything.
        let answer = matches!(
            call.segments().first(),
            Some(&("interactions" | "webhooks"))
        );
        let global = self.global.clone();
        let everything = ("global".to_owned(), String::new());
        let overall = (!answer).then(|| self.count(everything, &global, now_ms));
        let told = |used: usize, reset_ms: i64| Told {
            limit: rule.limit,
            remaining: rule.limit.saturating_sub(used),
            reset_ms,
            reset_after_ms: reset_ms - now_ms,
            bucket: name.clone(),
        };
        if let Some((used, reset_ms)) = overall
            && used > global.limit
        {
            let wait = wait(reset_ms - now_ms, "global");
            return Err((wait, told(0, reset_ms)));
        }
        let (used, reset_ms) = self.count(key, &rule, now_ms);
        let told = told(used, reset_ms);
        if used > rule.limit {
            return Err((wait(reset_ms - now_ms, "user"), told));
        }
        Ok(told)
    }

    fn count(&mut self, key: (String, String), rule: &Rule, now_ms: i64) -> (usize, i64) {
        let fresh = Window {
            began_ms: now_ms,
            used: 0,
        };
        let window = self.windows.entry(key).or_insert(fresh);
        if now_ms >= window.began_ms + rule.window_ms {
            *window = fresh;
        }
        window.used += 1;
        (window.used, window.began_ms + rule.window_ms)
    }
}

fn wait(retry_after_ms: i64, scope: &'static str) -> Wait {
    Wait {
        retry_after_ms,
        scope: Some(scope),
        global: scope == "global",
    }
}
