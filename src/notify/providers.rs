//! The list of providers, and whom to try next.
//!
//! Promises: a message goes to the providers of its kind in the order of the file, the preferred one
//! first; one that fails is followed by the next at once. One that failed lately, or asked for
//! patience, is tried last, so its trouble is paid for once and not with every page. Each try is
//! told, whatever came of it.
//!
//! What is known about who failed is kept in memory only: after a restart each is tried again.

use super::email::Email;
use super::ntfy::Ntfy;
use super::pushover::Pushover;
use super::sms::Sms;
use super::voice::Voice;
use super::{Letter, Message, Notifier, Receipt};
use crate::chat::{Fault, Retry};
use crate::config::notify::Providers;
use crate::core::directory::Means;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A provider that failed is tried last for this long.
const SHY: Duration = Duration::from_secs(30);

/// Every provider there is.
#[derive(Default)]
pub struct Notifiers {
    list: Vec<Arc<dyn Notifier>>,
    paces: HashMap<Means, i64>,
    /// Until when a provider is tried last.
    shy: Mutex<HashMap<(Means, String), Instant>>,
}

/// One try with one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// Its name.
    pub provider: String,
    /// From the begin to the answer, milliseconds.
    pub latency_ms: i64,
    /// What came of it.
    pub outcome: Result<Receipt, Fault>,
}

/// What came of a message, with every try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// In the order they were made.
    pub tries: Vec<Try>,
    /// Taken by somebody, or the fault that says whether it is worth trying again.
    pub outcome: Result<(), Fault>,
}

impl std::fmt::Debug for Notifiers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.list.iter().map(|n| (n.means(), n.name()));
        f.debug_list().entries(names).finish()
    }
}

impl Notifiers {
    /// Every provider as configured. `public_url` is where people and providers reach firebell.
    ///
    /// # Errors
    /// In words, when one cannot be used as configured: a certificate that is no file, for instance.
    pub fn new(providers: &Providers, public_url: &str) -> Result<Notifiers, String> {
        let mut list: Vec<Arc<dyn Notifier>> = Vec::new();
        for one in &providers.email {
            list.push(Arc::new(Email::new(one, public_url)?));
        }
        for one in &providers.ntfy {
            list.push(Arc::new(Ntfy::new(one)?));
        }
        for one in &providers.pushover {
            list.push(Arc::new(Pushover::new(one)?));
        }
        for one in &providers.sms {
            list.push(Arc::new(Sms::new(one, public_url)?));
        }
        for one in &providers.voice {
            list.push(Arc::new(Voice::new(one, public_url)?));
        }
        let paces = Means::ALL.map(|means| (means, providers.pace_ms(means)));
        Ok(Notifiers {
            list,
            paces: paces.into_iter().collect(),
            shy: Mutex::default(),
        })
    }

    /// From one message to a contact to the next, milliseconds.
    #[must_use]
    pub fn pace_ms(&self, means: Means) -> i64 {
        self.paces.get(&means).copied().unwrap_or(0)
    }

    /// The provider of this name.
    #[must_use]
    pub fn named(&self, means: Means, name: &str) -> Option<Arc<dyn Notifier>> {
        let is = |n: &&Arc<dyn Notifier>| n.means() == means && n.name() == name;
        self.list.iter().find(is).cloned()
    }

    /// Sends by the first that takes it.
    pub async fn send(
        &self,
        means: Means,
        via: Option<&str>,
        to: &str,
        message: &Message,
    ) -> Tried {
        let mut tries = Vec::new();
        for notifier in self.in_order(means, via) {
            let began = Instant::now();
            let outcome = notifier.send(to, message).await;
            let latency_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
            self.learn(notifier.as_ref(), outcome.as_ref().err());
            let taken = outcome.is_ok();
            tries.push(Try {
                provider: notifier.name().to_owned(),
                latency_ms,
                outcome,
            });
            if taken {
                return Tried {
                    tries,
                    outcome: Ok(()),
                };
            }
        }
        let fault = worst(means, &tries);
        Tried {
            tries,
            outcome: Err(fault),
        }
    }

    /// Whether there is a provider of a kind.
    #[must_use]
    pub fn has(&self, means: Means) -> bool {
        self.list.iter().any(|n| n.means() == means)
    }

    /// Sends a letter by the first mail server that takes it. What is learned of its troubles is not
    /// held against pages.
    ///
    /// # Errors
    /// The fault that says whether it is worth trying again.
    pub async fn letter(&self, to: &str, letter: &Letter) -> Result<(), Fault> {
        let mut fault = Fault {
            why: "there is no mail server; [[notify.email]] in firebell.toml names one".to_owned(),
            retry: Retry::Never,
        };
        for notifier in self.list.iter().filter(|n| n.means() == Means::Email) {
            match notifier.letter(to, letter).await {
                Ok(_) => return Ok(()),
                Err(found) => fault = found,
            }
        }
        Err(fault)
    }

    /// The preferred one first, then as in the file; who failed lately comes last.
    fn in_order(&self, means: Means, via: Option<&str>) -> Vec<Arc<dyn Notifier>> {
        let now = Instant::now();
        let shy = self.shy.lock().unwrap_or_else(PoisonError::into_inner);
        let of_means = self.list.iter().filter(|n| n.means() == means);
        let mut order: Vec<_> = of_means.cloned().collect();
        // Stable: the file's order stays among equals.
        order.sort_by_key(|n| {
            let until = shy.get(&(means, n.name().to_owned()));
            (
                until.is_some_and(|until| *until > now),
                via.is_some_and(|v| v != n.name()),
            )
        });
        order
    }

    fn learn(&self, notifier: &dyn Notifier, fault: Option<&Fault>) {
        let mut shy = self.shy.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (notifier.means(), notifier.name().to_owned());
        let patience = match fault.map(|f| f.retry) {
            None => {
                shy.remove(&key);
                return;
            }
            // It may be about this address only.
            Some(Retry::Never | Retry::Gone) => return,
            Some(Retry::Backoff) => SHY,
            Some(Retry::AfterMs(ms)) => Duration::from_millis(ms.unsigned_abs()),
        };
        // A wait beyond the clock's range is for ever.
        if let Some(until) = Instant::now().checked_add(patience) {
            shy.insert(key, until);
        }
    }
}

/// What all faults together mean: worth trying again when one of them is, at the soonest of them.
fn worst(means: Means, tries: &[Try]) -> Fault {
    let faults = || {
        tries
            .iter()
            .filter_map(|t| Some((t, t.outcome.as_ref().err()?)))
    };
    let several = tries.len() > 1;
    let words: Vec<String> = faults()
        .map(|(t, f)| {
            if several {
                format!("{}: {}", t.provider, f.why)
            } else {
                f.why.clone()
            }
        })
        .collect();
    if words.is_empty() {
        return Fault {
            why: format!(
                "no provider of kind {} is configured any more",
                means.word()
            ),
            retry: Retry::Never,
        };
    }
    let soonest = faults().filter_map(|(_, f)| match f.retry {
        Retry::Never | Retry::Gone => None,
        Retry::Backoff => Some(0),
        Retry::AfterMs(ms) => Some(ms),
    });
    Fault {
        why: words.join("; "),
        retry: match soonest.min() {
            None => Retry::Never,
            Some(0) => Retry::Backoff,
            Some(ms) => Retry::AfterMs(ms),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Answer;

    struct Stand {
        name: &'static str,
        answers: Mutex<Vec<Result<Receipt, Fault>>>,
    }

    impl Notifier for Stand {
        fn means(&self) -> Means {
            Means::Sms
        }

        fn name(&self) -> &str {
            self.name
        }

        fn send<'a>(&'a self, _to: &'a str, _message: &'a Message) -> Answer<'a, Receipt> {
            let answer = self.answers.lock().unwrap().pop();
            Box::pin(async move { answer.unwrap_or_else(|| Ok(Receipt::default())) })
        }
    }

    fn fault(retry: Retry) -> Result<Receipt, Fault> {
        Err(Fault {
            why: "503".to_owned(),
            retry,
        })
    }

    fn of(stands: Vec<(&'static str, Vec<Result<Receipt, Fault>>)>) -> Notifiers {
        let stand = |(name, answers)| {
            Arc::new(Stand {
                name,
                answers: Mutex::new(answers),
            }) as Arc<dyn Notifier>
        };
        Notifiers {
            list: stands.into_iter().map(stand).collect(),
            ..Notifiers::default()
        }
    }

    async fn through(notifiers: &Notifiers, via: Option<&str>) -> Vec<String> {
        let message = Message::default();
        let tried = notifiers.send(Means::Sms, via, "+49", &message).await;
        tried.tries.into_iter().map(|t| t.provider).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_is_followed_at_once_and_tried_last_for_a_while() {
        let all = of(vec![("a", vec![fault(Retry::Backoff)]), ("b", vec![])]);
        assert_eq!(through(&all, None).await, ["a", "b"]);
        assert_eq!(through(&all, None).await, ["b"], "a is shy");
        tokio::time::advance(SHY).await;
        assert_eq!(through(&all, None).await, ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_preferred_one_comes_first_unless_it_asked_for_patience() {
        let all = of(vec![
            ("a", vec![]),
            ("b", vec![fault(Retry::AfterMs(120_000))]),
        ]);
        assert_eq!(through(&all, Some("b")).await, ["b", "a"]);
        tokio::time::advance(Duration::from_secs(119)).await;
        assert_eq!(through(&all, Some("b")).await, ["a"]);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(through(&all, Some("b")).await, ["b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_the_soonest_patience_counts_and_a_number_that_is_wrong_is_no_outage() {
        let message = Message::default();
        let never = || vec![fault(Retry::Never)];
        let all = of(vec![
            ("a", vec![fault(Retry::AfterMs(9_000))]),
            ("b", never()),
        ]);
        let tried = all.send(Means::Sms, None, "+49", &message).await;
        let fault = tried.outcome.unwrap_err();
        assert_eq!(fault.retry, Retry::AfterMs(9_000));
        assert_eq!(fault.why, "a: 503; b: 503");
        let wrong = of(vec![("a", never()), ("b", never())]);
        let tried = wrong.send(Means::Sms, None, "+49", &message).await;
        assert_eq!(tried.outcome.unwrap_err().retry, Retry::Never);
        assert_eq!(through(&wrong, None).await, ["a"], "neither is shy");
    }
}
