//! What a run writes, shown in the rooms while it writes: one message on each platform, edited in place,
//! never faster than people read or platforms allow.
//!
//! Nothing depends on it: how a run ended is a line of its own, and the whole output is in the console.

use super::Hand;
use crate::chat::{Budget, Chat, Fault, Live, Retry, RoomRef, card};
use crate::core::directory::Directory;
use crate::core::id::RunId;
use crate::core::incident::{GONE, Incident, RunState};
use crate::engine::Engine;
use crate::store::{ChangeSet, RunRow};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// From one edit to the next.
const EVERY: Duration = Duration::from_secs(3);
/// The last edit may wait this long for its turn at the platform.
const LAST: Duration = Duration::from_secs(60);
/// Lines shown.
const LINES: usize = 15;
/// Characters of them.
const CHARS: usize = 1500;

/// Runs that are being shown.
#[derive(Debug, Default)]
pub(in crate::engine) struct Shown(Mutex<HashMap<RunId, Message>>);

#[derive(Debug, Default)]
struct Message {
    last: Option<Instant>,
    /// An edit is under way.
    busy: bool,
    /// The message on each platform.
    told: BTreeMap<String, String>,
}

impl Shown {
    fn with<T>(&self, run: RunId, how: impl FnOnce(&mut Message) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        how(all.entry(run).or_default())
    }

    /// Whether it is time for the next edit; if so it has begun.
    fn begin(&self, run: RunId) -> bool {
        self.with(run, |message| {
            let rests = message.last.is_some_and(|at| at.elapsed() < EVERY);
            let go = !message.busy && !rests;
            message.busy |= go;
            go
        })
    }

    fn done(&self, run: RunId, told: BTreeMap<String, String>) {
        self.with(run, |message| {
            (message.last, message.busy) = (Some(Instant::now()), false);
            message.told.extend(told);
        });
    }

    /// Where it is shown, as the run's row keeps it.
    pub(super) fn told(&self, run: RunId) -> String {
        self.with(run, |message| {
            if message.told.is_empty() {
                return String::new();
            }
            serde_json::to_string(&message.told).unwrap_or_default()
        })
    }

    /// Where it was shown before a restart.
    pub(super) fn remember(&self, run: RunId, told: &str) {
        let told = serde_json::from_str(told).unwrap_or_default();
        self.with(run, |message| message.told = told);
    }

    fn forget(&self, run: RunId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&run);
    }
}

impl Hand {
    /// Shows it beside what goes on; what comes while an edit is under way is in the next one.
    pub(super) fn stream(&self) {
        let engine = &self.engine;
        if self.record.output.is_empty() || !engine.0.shown.begin(self.run) {
            return;
        }
        let (engine, record) = (engine.clone(), self.record.clone());
        crate::engine::spawn(async move {
            let told = match engine.incident(record.incident).await {
                Ok(Some(incident)) => show(&engine, &incident, &record, false).await,
                _ => BTreeMap::new(),
            };
            engine.0.shown.done(record.id, told);
        });
    }

    /// Shows how it stands at the end, and waits until that is seen or given up.
    pub(super) async fn tell_rooms(&mut self, incident: &Incident) {
        let shown = show(&self.engine, incident, &self.record, true);
        match timeout(LAST, shown).await {
            Ok(told) => self.engine.0.shown.done(self.run, told),
            Err(_) => {
                tracing::warn!(
                    run = self.run.0,
                    "the end of a run could not be shown in its room"
                );
            }
        }
        let told = self.engine.0.shown.told(self.run);
        if told != self.record.told {
            self.record.told = told;
            // It may have been removed for good while it was shown.
            if let Ok(Some(now)) = self.engine.store().run(self.run).await {
                (self.record.output, self.record.digest) = (now.output, now.digest);
            }
            let mut changes = ChangeSet::default();
            changes.runs.insert(self.run, self.record.clone());
            let _ = self.engine.write(changes).await;
        }
        self.engine.0.shown.forget(self.run);
    }
}

/// Posts or edits the message on every platform; answers the messages there are now.
async fn show(
    engine: &Engine,
    incident: &Incident,
    record: &RunRow,
    last: bool,
) -> BTreeMap<String, String> {
    let before = engine
        .0
        .shown
        .with(record.id, |message| message.told.clone());
    let mut now = BTreeMap::new();
    let directory = engine.directory();
    let private = (directory.actions.get(&record.action)).is_some_and(|a| a.private_output);
    if private || (record.output.is_empty() && before.is_empty()) {
        return now;
    }
    let chats = engine
        .0
        .chats
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    for chat in chats {
        let here = directory.platforms_of(incident.team.as_deref());
        let (true, Some(place), Some(live)) = (
            here.into_iter().any(|p| p == chat.platform()),
            place(incident, chat.as_ref()),
            live(incident, record, &directory),
        ) else {
            continue;
        };
        let budget = if last { Budget::Line } else { Budget::Card };
        chat.turn(Some(&place), budget).await;
        let message = before.get(chat.platform()).map_or("", String::as_str);
        match chat.live(&place, &live, message, true).await {
            Ok(message) if !message.is_empty() => {
                now.insert(chat.platform().to_owned(), message);
            }
            Ok(_) => {}
            Err(fault) => {
                tracing::debug!(
                    run = record.id.0,
                    why = fault.why,
                    "a run's output is not shown"
                );
            }
        }
    }
    now
}

/// Puts words in the place of a run's output where it was shown on this platform: it was removed for good.
///
/// # Errors
/// When the platform does not take it.
pub(in crate::engine) async fn unshow(
    engine: &Engine,
    chat: &dyn Chat,
    incident: &Incident,
    run: RunId,
) -> Result<(), Fault> {
    let row = engine.store().run(run).await.map_err(|fault| Fault {
        why: fault.to_string(),
        retry: Retry::Backoff,
    })?;
    let Some(mut row) = row else {
        return Ok(());
    };
    let told: BTreeMap<String, String> = serde_json::from_str(&row.told).unwrap_or_default();
    GONE.clone_into(&mut row.output);
    let (Some(message), Some(place), Some(live)) = (
        told.get(chat.platform()),
        place(incident, chat),
        live(incident, &row, &engine.directory()),
    ) else {
        return Ok(());
    };
    match chat.live(&place, &live, message, true).await {
        Err(fault) if fault.retry == Retry::Gone => Ok(()),
        done => done.map(drop),
    }
}

fn place(incident: &Incident, chat: &dyn Chat) -> Option<RoomRef> {
    match incident.rooms.get(chat.platform()) {
        Some(room) => Some(RoomRef::Room(room.clone())),
        // Its room is on its way, or it has none.
        None if incident.major => None,
        // Where everybody reads nothing of a private incident is shown.
        None if incident.nature.private => None,
        None => incident.channel.clone().map(RoomRef::Channel),
    }
}

fn live(incident: &Incident, record: &RunRow, directory: &Directory) -> Option<Live> {
    let run = incident.runs.get(&record.id)?;
    let how = match &run.state {
        RunState::Ended(outcome) => crate::core::timeline::outcome(outcome),
        _ => "is running".to_owned(),
    };
    let mut buttons = card::run_buttons(record.id, run, directory);
    // What a check saw stands beside the buttons that settle what it looked for.
    if let Some(checked) = run.terms.checks
        && let Some(unknown) = incident.runs.get(&checked)
    {
        buttons.extend(card::run_buttons(checked, unknown, directory));
    }
    Some(Live {
        key: format!("{}:run:{}", incident.id.0, record.id.0),
        incident: incident.id,
        seq: incident.seq,
        title: format!("{} “{}” {how}", record.id, run.title),
        tail: last_lines(&record.output),
        buttons,
    })
}

/// The last lines, from a whole one on.
fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let mut shown = lines[lines.len().saturating_sub(LINES)..].join("\n");
    let chars = shown.chars().count();
    if chars > CHARS {
        shown = format!("…{}", shown.chars().skip(chars - CHARS).collect::<String>());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_fit_a_message() {
        let many: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let shown = last_lines(&many);
        assert_eq!(shown.lines().count(), LINES);
        assert!(
            shown.starts_with("line 85\n") && shown.ends_with("line 99"),
            "{shown}"
        );
        assert_eq!(last_lines(&"ž".repeat(5000)).chars().count(), CHARS + 1);
        assert_eq!(last_lines(""), "");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_edited_at_most_every_three_seconds_and_never_twice_at_once() {
        let shown = Shown::default();
        let run = RunId(7);
        assert!(shown.begin(run));
        assert!(!shown.begin(run), "while one is under way");
        shown.done(run, BTreeMap::new());
        assert!(!shown.begin(run), "at once");
        tokio::time::advance(EVERY).await;
        assert!(shown.begin(run));
        assert!(shown.begin(RunId(8)), "each for itself");
    }
}
