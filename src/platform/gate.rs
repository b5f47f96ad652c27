//! Turns: messages of one channel leave one after the other at its pace, who is more urgent first.
//!
//! A platform limits each channel by itself, so each has a gate of its own and one hot channel
//! delays no other. Waiting costs nothing but memory: what is sent is drawn after the wait.

use crate::chat::Budget;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// All gates of a platform. Cheap to clone.
#[derive(Clone)]
pub struct Gates {
    pace: Duration,
    gates: Arc<Mutex<HashMap<String, Gate>>>,
}

#[derive(Default)]
struct Gate {
    /// Nothing passes before.
    opens: Option<Instant>,
    /// Given out in order, so that equals keep theirs.
    tickets: u64,
    waiting: BinaryHeap<Reverse<(Budget, u64)>>,
    calls: HashMap<u64, oneshot::Sender<()>>,
    /// A task lets the waiting ones pass.
    kept: bool,
}

impl Gates {
    /// Gates that let one message pass per `pace`.
    #[must_use]
    pub fn new(pace: Duration) -> Gates {
        Gates {
            pace,
            gates: Arc::default(),
        }
    }

    /// Waits for the channel's turn. The first one passes at once.
    pub async fn turn(&self, channel: &str, budget: Budget) {
        let (pass, passed) = oneshot::channel();
        let keep = {
            let mut gates = self.lock();
            let now = Instant::now();
            // Gates nobody waits at and that are open again are forgotten.
            if gates.len() > FORGET_ABOVE {
                gates.retain(|_, g| g.kept || g.opens.is_some_and(|at| at > now));
            }
            let gate = gates.entry(channel.to_owned()).or_default();
            if !gate.kept && gate.opens.is_none_or(|at| at <= now) {
                gate.opens = Some(now + self.pace);
                return;
            }
            gate.tickets += 1;
            gate.waiting.push(Reverse((budget, gate.tickets)));
            gate.calls.insert(gate.tickets, pass);
            !std::mem::replace(&mut gate.kept, true)
        };
        if keep {
            let (gates, channel) = (self.clone(), channel.to_owned());
            crate::engine::spawn(async move { gates.keep(&channel).await });
        }
        // A gate that is gone lets everybody pass.
        let _ = passed.await;
    }

    /// Closes a channel's gate for as long as the platform asked.
    pub fn close_for(&self, channel: &str, wait: Duration) {
        let mut gates = self.lock();
        let gate = gates.entry(channel.to_owned()).or_default();
        let until = Instant::now() + wait;
        gate.opens = Some(gate.opens.map_or(until, |at| at.max(until)));
    }

    /// Lets the waiting pass, one per pace, until nobody waits.
    async fn keep(&self, channel: &str) {
        loop {
            let opens = self.lock().get(channel).and_then(|g| g.opens);
            if let Some(opens) = opens.filter(|at| *at > Instant::now()) {
                tokio::time::sleep_until(opens).await;
                // It may have been closed for longer meanwhile.
                continue;
            }
            let mut gates = self.lock();
            let Some(gate) = gates.get_mut(channel) else {
                return;
            };
            let next = loop {
                let Some(Reverse((_, ticket))) = gate.waiting.pop() else {
                    break None;
                };
                // Who has gone away takes no turn.
                match gate.calls.remove(&ticket) {
                    Some(pass) if !pass.is_closed() => break Some(pass),
                    _ => {}
                }
            };
            let Some(pass) = next else {
                gate.kept = false;
                return;
            };
            gate.opens = Some(Instant::now() + self.pace);
            let _ = pass.send(());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Gate>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gates kept before idle ones are looked for.
const FORGET_ABOVE: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hot_channel_keeps_its_pace_and_delays_no_other() {
        let gates = Gates::new(Duration::from_secs(1));
        let begin = Instant::now();
        for _ in 0..4 {
            gates.turn("hot", Budget::Line).await;
        }
        assert_eq!(begin.elapsed().as_secs(), 3);
        gates.turn("cool", Budget::Card).await;
        assert_eq!(begin.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn pages_pass_lines_and_lines_pass_cards() {
        let gates = Gates::new(Duration::from_secs(1));
        gates.turn("c", Budget::Card).await;
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        for budget in [Budget::Card, Budget::Line, Budget::Page, Budget::Line] {
            let (gates, told) = (gates.clone(), told.clone());
            tokio::spawn(async move {
                gates.turn("c", budget).await;
                let _ = told.send(budget);
            });
        }
        drop(told);
        let mut passed = Vec::new();
        while let Some(budget) = order.recv().await {
            passed.push(budget);
        }
        let wanted = [Budget::Page, Budget::Line, Budget::Line, Budget::Card];
        assert_eq!(passed, wanted);
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_kept_to() {
        let gates = Gates::new(Duration::from_millis(10));
        let begin = Instant::now();
        gates.close_for("c", Duration::from_secs(30));
        gates.turn("c", Budget::Page).await;
        assert_eq!(begin.elapsed().as_secs(), 30);
    }
}
