//! Telling those who asked: subscribers are found after an update is committed, each telling is a row
//! with its outcome, and is sent with a budget of its own.
//!
//! Promises: an update in the journal is told, whatever crashed, because its row waits until its
//! subscribers are found; a telling is sent again until it is taken or given up, with the reason shown.
//! After an outage a subscriber gets the newest update of an incident, and the older ones are marked as
//! passed over. None of it is in the way of a page: it has its own task and its own connections, and
//! sends at most [`AT_ONCE`] a second.

use super::board::told_something;
use super::{Change, Engine, Failure};
use crate::chat::{Fault, Retry};
use crate::core::directory::{ContactKind, Directory};
use crate::core::id::{IncidentId, Severity};
use crate::core::incident::{Audience, Incident, Update};
use crate::core::subscribe::{About, FILE, Subscriber, Topics, Values, Via};
use crate::core::text::cut;
use crate::core::time::Time;
use crate::core::timeline;
use crate::notify::{self, Letter};
use crate::store::{
    BulletinRow, ChangeSet, NoticeRow, PERSON, ROOM, SubscriberRow, UpdateChanges, UpdateRow,
    line_key,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Updates whose subscribers are found in one go.
const AT_ONE_LOOK: i64 = 50;
/// Tellings in a second: a page is one request, and must not wait behind a thousand mails.
const AT_ONCE: i64 = 20;
const SECOND_MS: i64 = 1000;
/// A telling that failed this often is given up.
const TRIES: u32 = 20;
/// After something could not be read or stored.
const AGAIN_MS: i64 = 10_000;
/// What links in mails are sealed for.
pub(super) const UNSUBSCRIBE: &str = "unsubscribe";
/// What links that confirm an address are sealed for.
pub(super) const CONFIRM: &str = "confirm";

/// What the tasks share.
#[derive(Default)]
pub(super) struct Shared {
    /// Held by whoever tells.
    tell: tokio::sync::Mutex<()>,
    /// Held by whoever changes a subscription.
    pub change: tokio::sync::Mutex<()>,
    /// Connections of its own.
    client: std::sync::OnceLock<reqwest::Client>,
}

impl Engine {
    /// Everybody who is told: of the files, and who asked, less who does not want to be.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn subscribers(&self) -> Result<Vec<Arc<Subscriber>>, Failure> {
        let rows = self.store().subscribers().await?;
        let off = |id: &str| rows.iter().any(|r| r.id == id && r.state == "off");
        let directory = self.directory();
        let files = directory
            .subscribers
            .iter()
            .filter(|s| !off(&s.id))
            .cloned();
        let asked = rows
            .iter()
            .filter(|r| r.state == "on")
            .filter_map(subscriber)
            .map(Arc::new);
        Ok(files.chain(asked).collect())
    }

    /// Finds subscribers and sends what is due; answers with how much that was.
    pub(super) async fn tell_subscribers(&self) -> Result<usize, Failure> {
        let _one = self.0.board.bulletins.tell.lock().await;
        let found = self.find_subscribers().await?;
        let due = self.store().waiting_bulletins(self.now(), AT_ONCE).await?;
        let mut done = found;
        // Few at a time, so that none of them waits for a slow one for long.
        for some in due.chunks(4) {
            let sent = some.iter().map(|row| self.send_bulletin(row.clone()));
            for outcome in futures_util::future::join_all(sent).await {
                self.bulletin_done(outcome?).await?;
                done += 1;
            }
        }
        Ok(done)
    }

    async fn find_subscribers(&self) -> Result<usize, Failure> {
        let waiting = self.store().waiting_updates(AT_ONE_LOOK).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let subscribers = self.subscribers().await?;
        let (directory, now) = (self.directory(), self.now());
        let mut changes = UpdateChanges::default();
        let found = waiting.len();
        for row in waiting {
            // A drill is practised among those who take part.
            let incident = self.incident(row.incident).await?;
            let nature = incident
                .as_ref()
                .map(|i| i.nature.clone())
                .unwrap_or_default();
            if let Some(update) = row.update.as_ref().filter(|_| !nature.drill) {
                let sees =
                    |s: &Subscriber| incident.as_ref().is_some_and(|i| s.sees(i, &directory));
                let about = About {
                    incident: row.incident,
                    update,
                    service: row.service.as_deref(),
                    severity: Severity(row.severity),
                };
                let wanting = subscribers
                    .iter()
                    .filter(|s| s.wants(&about, &directory) && sees(s));
                changes.bulletins.extend(wanting.map(|s| BulletinRow {
                    subscriber: s.id.clone(),
                    incident: row.incident,
                    seq: row.seq,
                    state: "waiting".to_owned(),
                    attempts: 0,
                    due_at: now,
                    error: String::new(),
                    created_at: now,
                    updated_at: now,
                }));
            }
            changes.updates.push(UpdateRow {
                state: "told".to_owned(),
                ..row
            });
        }
        self.change_updates(changes, BTreeMap::new()).await?;
        Ok(found)
    }

    /// Writes what changes of subscriptions and tellings.
    pub(super) async fn change_updates(
        &self,
        updates: UpdateChanges,
        notices: BTreeMap<String, NoticeRow>,
    ) -> Result<(), Failure> {
        let changes = ChangeSet {
            updates: Box::new(updates),
            notices,
            ..ChangeSet::default()
        };
        self.write(changes).await
    }

    /// Tries one; answers with the row as it is then, and the lines for channels that are to be said.
    async fn send_bulletin(&self, row: BulletinRow) -> Result<Outcome, Failure> {
        let passed = |why: &str| Outcome {
            state: "passed",
            error: why.to_owned(),
            ..Outcome::of(&row)
        };
        let Some(to) = self.addressee(&row).await? else {
            return Ok(passed("the subscription ended before it was sent"));
        };
        if row.incident.0 == 0 {
            return Ok(self.mail_code(&row, &to).await);
        }
        let beside = self.store().bulletins_beside(&row).await?;
        if beside.last().is_some_and(|newest| newest.seq > row.seq) {
            return Ok(passed("a newer update was sent instead"));
        }
        let updates = self.store().updates_of(row.incident).await?;
        let found = updates.into_iter().find(|u| u.seq == row.seq);
        let Some((at, update)) = found.and_then(|u| Some((u.at, u.update?))) else {
            return Ok(passed("the update was removed"));
        };
        let Some(incident) = self.incident(row.incident).await? else {
            return Ok(passed("there is no such incident any more"));
        };
        let directory = self.directory();
        if !to.sees(&incident, &directory) {
            return Ok(passed("it is private, and does not concern them"));
        }
        let values = self.values(&incident, &update, to.audience, &directory);
        Ok(self
            .carry_bulletin(&row, &to, (at, &update), &values, &directory)
            .await)
    }

    /// Who a telling is for; a code goes to who is not confirmed yet.
    async fn addressee(&self, row: &BulletinRow) -> Result<Option<Subscriber>, Failure> {
        let known = self.store().subscriber(&row.subscriber).await?;
        if row.subscriber.starts_with(FILE) {
            let off = known.is_some_and(|r| r.state == "off");
            let directory = self.directory();
            let mut files = directory.subscribers.iter();
            let found = files.find(|s| s.id == row.subscriber && !off);
            return Ok(found.map(|s| Subscriber::clone(s)));
        }
        let wanted = if row.incident.0 == 0 { "asked" } else { "on" };
        let found = known.filter(|r| r.state == wanted);
        let found = found.filter(|r| row.incident.0 != 0 || r.round == i64::from(row.seq));
        Ok(found.as_ref().and_then(subscriber))
    }

    async fn carry_bulletin(
        &self,
        row: &BulletinRow,
        to: &Subscriber,
        (at, update): (Time, &Update),
        values: &Values,
        directory: &Directory,
    ) -> Outcome {
        let wordings = &directory.updates.wordings;
        let key = line_key(row.incident, row.seq) + &row.subscriber;
        let result = match &to.via {
            Via::Mail(address) => {
                let unsubscribe = self.door_link(UNSUBSCRIBE, &row.subscriber);
                let letter = Letter {
                    key,
                    subject: cut(&wordings.subject.line(values), 200),
                    text: format!(
                        "{}\n\n-- \nYou get this because you asked for it. To end it: {unsubscribe}\n",
                        wordings.mail.fill(values)
                    ),
                    unsubscribe,
                };
                self.0.notifiers.load_full().letter(address, &letter).await
            }
            Via::Channel(channel) => {
                let text = wordings.line.line(values);
                let platforms = directory.platforms.iter();
                let places = platforms.map(|p| (p.clone(), channel.clone()));
                return self.lines(row, &key, &text, places.collect());
            }
            Via::Person { platform, person } => {
                let place = (platform.clone(), format!("{PERSON}{person}"));
                let text = wordings.line.line(values);
                return self.lines(row, &key, &text, vec![place]);
            }
            Via::Room { platform, room } => {
                let place = (platform.clone(), format!("{ROOM}{room}"));
                let text = wordings.line.line(values);
                return self.lines(row, &key, &text, vec![place]);
            }
            Via::Webhook(name) => {
                let body = document(&key, at, row, update, values);
                match directory.webhooks.get(name) {
                    Some(ContactKind::Webhook { url, secret }) => {
                        let client = self
                            .0
                            .board
                            .bulletins
                            .client
                            .get_or_init(notify::webhook::client);
                        notify::webhook::post(client, (url, secret.as_ref()), (&key, at), body)
                            .await
                    }
                    _ => Err(Fault {
                        why: format!("there is no webhook {name} any more"),
                        retry: Retry::Never,
                    }),
                }
            }
        };
        Outcome::of(row).after(result, self.now())
    }

    /// A line for each place, by platform and channel; they are delivered as every line is.
    fn lines(
        &self,
        row: &BulletinRow,
        key: &str,
        text: &str,
        places: Vec<(String, String)>,
    ) -> Outcome {
        let mut outcome = Outcome::of(row).taken();
        for (platform, channel) in places {
            let key = format!("{key}:{platform}");
            let notice = NoticeRow {
                key: key.clone(),
                platform,
                channel,
                text: text.to_owned(),
                state: "waiting".to_owned(),
                attempts: 0,
                due_at: self.now(),
                created_at: self.now(),
                error: String::new(),
            };
            outcome.notices.insert(key, notice);
        }
        outcome
    }

    async fn mail_code(&self, row: &BulletinRow, to: &Subscriber) -> Outcome {
        let Via::Mail(address) = &to.via else {
            return Outcome::of(row).taken();
        };
        let text = format!("{} {}", row.subscriber, row.seq);
        let link = self.door_link(CONFIRM, &text);
        let code = self.code(&row.subscriber, i64::from(row.seq));
        let title = self
            .directory()
            .page
            .as_ref()
            .map_or_else(|| "firebell".to_owned(), |p| p.title.clone());
        let letter = Letter {
            key: format!("code:{}:{}", row.subscriber, row.seq),
            subject: cut(&format!("Please confirm: updates of {title}"), 200),
            text: format!(
                "Somebody, probably you, asked to be told of updates of {title} ({}).\n\n\
                 To begin, open this and press the button: {link}\nOr enter the code {code} where you asked.\n\n\
                 If it was not you, ignore this: nothing else is sent.\n",
                to.topics.words()
            ),
            unsubscribe: String::new(),
        };
        let result = self.0.notifiers.load_full().letter(address, &letter).await;
        Outcome::of(row).after(result, self.now())
    }

    /// An address of the page's doors with a sealed text.
    pub(super) fn door_link(&self, purpose: &'static str, text: &str) -> String {
        let served = self.0.board.serving.load().1;
        let page = self.directory().page.clone().filter(|_| served);
        let base = page.map_or_else(|| self.public_url().to_owned(), |p| p.url.clone());
        format!(
            "{base}/{purpose}?t={}",
            self.button_key().seal(purpose, text)
        )
    }

    /// Six digits that are the same for one round of asking, and known to nobody without our key.
    pub(super) fn code(&self, subscriber: &str, round: i64) -> String {
        let sealed = self
            .button_key()
            .seal("subscriber code", &format!("{subscriber} {round}"));
        let digest = xxhash_rust::xxh3::xxh3_64(sealed.as_bytes());
        format!("{:06}", digest % 1_000_000)
    }

    /// What placeholders stand for; somebody outside gets nothing that is not public.
    fn values(
        &self,
        incident: &Incident,
        update: &Update,
        audience: Audience,
        directory: &Directory,
    ) -> Values {
        let inside = audience == Audience::Internal;
        let public = incident.told.public.as_ref();
        let before = if inside {
            incident.told.standing.as_ref()
        } else {
            public.and_then(|p| p.standing.as_ref())
        };
        let standing = update.status.as_ref().or(before);
        let title = match &update.announced {
            Some(announced) => announced.title.clone(),
            None if inside => format!("{} {}", incident.id, incident.title),
            None => String::new(),
        };
        let touched = update.announced.iter().flat_map(|a| &a.components);
        let components: Vec<String> = touched
            .map(|c| format!("{}: {}", c.name, c.condition.words()))
            .collect();
        let next = update
            .next_due
            .filter(|_| update.promised)
            .map_or_else(String::new, |at| {
                format!(
                    "Next update by {}",
                    timeline::format(at, directory.zone, "%H:%M %Z")
                )
            });
        let page = directory.page.as_ref();
        let link = match page {
            _ if inside => format!("{}/incidents/{}", self.public_url(), incident.id.0),
            Some(page) => page.url.clone(),
            None => String::new(),
        };
        let only_inside = |text: String| if inside { text } else { String::new() };
        Values(vec![
            ("title", cut(&title, 300)),
            (
                "status",
                standing.map_or_else(String::new, |s| s.name.clone()),
            ),
            ("text", cut_lines(&update.text)),
            (
                "severity",
                only_inside(directory.severity_name(incident.severity)),
            ),
            (
                "service",
                only_inside(incident.service.clone().unwrap_or_default()),
            ),
            ("components", components.join("\n")),
            ("next", next),
            ("link", link),
            ("page", page.map_or_else(String::new, |p| p.title.clone())),
        ])
    }

    async fn bulletin_done(&self, outcome: Outcome) -> Result<(), Failure> {
        let row = BulletinRow {
            state: outcome.state.to_owned(),
            attempts: outcome.row.attempts + u32::from(outcome.tried),
            due_at: outcome.due_at,
            error: outcome.error,
            updated_at: self.now(),
            ..outcome.row
        };
        if row.state == "failed" {
            tracing::warn!(
                subscriber = row.subscriber,
                error = row.error,
                "an update could not be sent and is given up"
            );
        }
        let changes = UpdateChanges {
            bulletin_changes: vec![row],
            ..UpdateChanges::default()
        };
        self.change_updates(changes, outcome.notices).await
    }
}

/// Line breaks stay, what deceives goes.
fn cut_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|l| cut(l, 3000)).collect();
    lines.join("\n")
}

/// What came of a try.
struct Outcome {
    row: BulletinRow,
    state: &'static str,
    tried: bool,
    due_at: Time,
    error: String,
    notices: BTreeMap<String, NoticeRow>,
}

impl Outcome {
    fn of(row: &BulletinRow) -> Outcome {
        Outcome {
            row: row.clone(),
            state: "waiting",
            tried: false,
            due_at: row.due_at,
            error: String::new(),
            notices: BTreeMap::new(),
        }
    }

    fn taken(self) -> Outcome {
        Outcome {
            state: "done",
            tried: true,
            ..self
        }
    }

    fn after(self, result: Result<(), Fault>, now: Time) -> Outcome {
        let Err(fault) = result else {
            return self.taken();
        };
        let attempts = self.row.attempts + 1;
        let seed = xxhash_rust::xxh3::xxh3_64(self.row.subscriber.as_bytes());
        let wait = match fault.retry {
            Retry::Never | Retry::Gone => None,
            Retry::AfterMs(ms) => Some(ms),
            Retry::Backoff => Some(notify::backoff_ms(attempts, seed)),
        };
        let wait = wait.filter(|_| attempts < TRIES);
        Outcome {
            state: if wait.is_some() { "waiting" } else { "failed" },
            tried: true,
            due_at: wait.map_or(self.due_at, |ms| now.plus_ms(ms)),
            error: cut(&fault.why, 500),
            ..self
        }
    }
}

/// The JSON of a webhook, version 1; docs/status-page.md has its fields.
fn document(key: &str, at: Time, row: &BulletinRow, update: &Update, values: &Values) -> Vec<u8> {
    let value = |name: &str| {
        values
            .0
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v.as_str())
    };
    let announced = update.announced.iter().flat_map(|a| &a.components);
    let components: Vec<serde_json::Value> = announced
        .map(|c| serde_json::json!({"id": c.id, "name": c.name, "status": c.condition.known_as()}))
        .collect();
    let body = serde_json::json!({
        "version": 1, "event": "update", "key": key, "at": at.rfc3339(),
        "audience": update.audience.word(), "title": value("title"), "text": update.text,
        "status": update.status.as_ref().map(|s| s.id.as_str()),
        "status_name": value("status"), "severity": value("severity").filter(|v| !v.is_empty()),
        "service": value("service").filter(|v| !v.is_empty()), "components": components,
        "next_update_by": update.next_due.filter(|_| update.promised).map(Time::rfc3339),
        "incident": value("severity").filter(|v| !v.is_empty()).map(|_| row.incident.0),
        "url": value("link"),
    });
    body.to_string().into_bytes()
}

/// A row as somebody who is told; `None`: it is of a later version.
pub(super) fn subscriber(row: &SubscriberRow) -> Option<Subscriber> {
    let via = Via::read(&row.kind, &row.address)?;
    let topics: Topics = serde_json::from_str(&row.topics).ok()?;
    Some(Subscriber {
        id: row.id.clone(),
        via,
        audience: row.audience,
        topics,
        private: false,
    })
}

/// Tells until the process ends.
pub(super) async fn keep(engine: Engine) {
    let clock = engine.0.options.clock.clone();
    // Before the first look, so that nothing that changes meanwhile is missed.
    let mut changes = engine.changes();
    loop {
        let next = match engine.tell_subscribers().await {
            // What more is due goes in the next second.
            Ok(done) if done > 0 => Some(engine.now().plus_ms(SECOND_MS)),
            Ok(_) => match engine.store().next_bulletin().await {
                Ok(next) => next.map(|at| at.max(engine.now().plus_ms(SECOND_MS / 4))),
                Err(_) => Some(engine.now().plus_ms(AGAIN_MS)),
            },
            Err(failure) => {
                tracing::warn!(%failure, "subscribers could not be told; tried again");
                Some(engine.now().plus_ms(AGAIN_MS))
            }
        };
        tokio::select! {
            () = clock.sleep_until(next) => {}
            () = told_something(&mut changes) => {}
        }
    }
}

impl Engine {
    /// Tells readers that something about updates is another.
    pub(super) fn updates_changed(&self) {
        self.announce(Change::Updates);
    }

    /// What became of the updates of an incident: who, in words, and the row.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tellings(
        &self,
        id: Option<IncidentId>,
        limit: i64,
    ) -> Result<Vec<(String, BulletinRow)>, Failure> {
        let rows = match id {
            Some(id) => self.store().bulletins_of(id).await?,
            None => self.store().newest_bulletins(limit).await?,
        };
        let asked = self.store().subscribers().await?;
        let directory = self.directory();
        let name = |id: &str| {
            let file = directory.subscribers.iter().find(|s| s.id == id);
            let asked = asked.iter().find(|r| r.id == id).and_then(subscriber);
            match (file, asked) {
                (Some(s), _) => format!("{} ({})", id.trim_start_matches(FILE), s.via.shown()),
                (None, Some(s)) => s.via.shown(),
                (None, None) => "somebody who has left".to_owned(),
            }
        };
        let mut all: Vec<(String, BulletinRow)> = rows
            .into_iter()
            .map(|row| (name(&row.subscriber), row))
            .collect();
        all.truncate(usize::try_from(limit).unwrap_or(0));
        Ok(all)
    }
}
