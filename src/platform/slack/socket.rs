//! Socket Mode: Slack's requests come over a connection firebell opens, so no public address is
//! needed (docs.slack.dev, "Using Socket Mode").
//!
//! Promises: an envelope is acknowledged when its act is kept, and not before; when Slack announces
//! that it closes a connection, the next one is open before the old one goes; a connection that
//! says nothing for a while is given up; attempts are spaced, with a part by chance, and never more
//! than three time limits of a call (half a minute) apart; workspaces with the same app token share
//! a connection, and each gets what is for it; that Socket Mode was switched off is said until it is
//! back, whatever else fails meanwhile.
//!
//! Races it knows: an acknowledgement that finds its connection gone (Slack sends the envelope
//! again, and the ear knows its key), and events of one workspace, which are kept one after the
//! other so that messages keep their order; whatever a person waits for does not wait for them.

mod line;

use super::api::Failed;
use super::hear::Verdict;
use super::{Slack, inbound};
use crate::hear::Ear;
use line::{Ended, Line, Stop};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

/// From one attempt to the next: at first a fiftieth of the time limit of a call, at most three of them;
/// 200 ms and 30 s by default. A connection that lived shorter than one counts as a failed attempt.
const WAITS: (u32, u32) = (50, 3);
/// Why there is no connection when the app's owner wants none.
const OFF: &str =
    "Socket Mode is switched off for the app: switch it on in its settings, under Socket Mode";
/// Events of one workspace that may wait to be kept; further ones Slack sends again.
const QUEUE: usize = 1024;

/// An envelope to be worked off, and where its acknowledgement goes.
struct Job {
    id: String,
    payload: Value,
    acks: mpsc::UnboundedSender<Message>,
}

/// The connection of one app.
struct Hub {
    token: SecretString,
    places: Vec<Arc<Slack>>,
    ear: Ear,
    /// By place.
    events: Vec<mpsc::Sender<Job>>,
}

/// Connects workspaces: looks after their tokens, and opens one socket for each app token. A
/// workspace without one gets its requests through [`super::router`].
pub fn start(places: &[Arc<Slack>], ear: &Ear) {
    let mut hubs: HashMap<String, Vec<Arc<Slack>>> = HashMap::new();
    for place in places {
        crate::engine::spawn(Arc::clone(place).keep());
        if let Some(token) = place.app_token() {
            let token = token.expose_secret().to_owned();
            hubs.entry(token).or_default().push(Arc::clone(place));
        }
    }
    for (token, places) in hubs {
        let mut events = Vec::new();
        for place in &places {
            let (into, out) = mpsc::channel(QUEUE);
            events.push(into);
            crate::engine::spawn(in_order(Arc::clone(place), ear.clone(), out));
        }
        let hub = Hub {
            token: SecretString::from(token),
            places,
            ear: ear.clone(),
            events,
        };
        crate::engine::spawn(Arc::new(hub).run());
    }
}

/// Keeps the events of a workspace in the order they came.
async fn in_order(place: Arc<Slack>, ear: Ear, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.recv().await {
        work(&place, &ear, job).await;
    }
}

async fn work(place: &Arc<Slack>, ear: &Ear, job: Job) {
    match place.hear(ear, &job.payload).await {
        Verdict::Taken(said) => acknowledge(&job.acks, &job.id, said),
        // Without an acknowledgement Slack sends it again, or tells whoever waits.
        Verdict::Busy(why) => {
            tracing::warn!(platform = place.name(), why, "an envelope was not taken");
        }
    }
}

fn acknowledge(acks: &mpsc::UnboundedSender<Message>, id: &str, said: Option<Value>) {
    let mut ack = json!({"envelope_id": id});
    if let Some(said) = said {
        ack["payload"] = said;
    }
    // A connection that is gone takes none; Slack sends the envelope again.
    let _ = acks.send(Message::text(ack.to_string()));
}

/// How the connections stand.
struct Sockets {
    open: HashMap<u64, (Stop, Instant)>,
    /// The one new envelopes come over; `None`: another is needed.
    newest: Option<u64>,
    count: u64,
    wait: Duration,
    /// Slack said that Socket Mode is off; whatever else fails until a connection is open follows from it.
    off: bool,
}

impl Hub {
    /// Opens connections for ever.
    async fn run(self: Arc<Hub>) {
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut sockets = Sockets {
            open: HashMap::new(),
            newest: None,
            count: 0,
            wait: self.shortest(),
            off: false,
        };
        loop {
            // While none can be opened, the old ones end too, and then nothing is heard any more.
            while let Ok((number, ended)) = told.try_recv() {
                self.ended(&mut sockets, number, &ended).await;
            }
            if sockets.newest.is_none() {
                self.open(&mut sockets, &tell).await;
                continue;
            }
            let Some((number, ended)) = told.recv().await else {
                return;
            };
            self.ended(&mut sockets, number, &ended).await;
        }
    }

    /// One attempt; after a failed one, its wait.
    async fn open(
        self: &Arc<Hub>,
        sockets: &mut Sockets,
        tell: &mpsc::UnboundedSender<(u64, Ended)>,
    ) {
        match self.connect().await {
            Ok(line) => {
                sockets.count += 1;
                let number = sockets.count;
                for (stop, _) in sockets.open.values() {
                    stop.notify_one();
                }
                let stop = Stop::default();
                let since = (Arc::clone(&stop), Instant::now());
                sockets.open.insert(number, since);
                sockets.newest = Some(number);
                sockets.off = false;
                self.stands(None);
                let (hub, tell) = (Arc::clone(self), tell.clone());
                crate::engine::spawn(async move { line.serve(&hub, number, stop, tell).await });
            }
            Err(why) => {
                tracing::warn!(platform = self.name(), why, "no socket could be opened");
                if sockets.off {
                    self.stands(Some(OFF));
                } else if sockets.open.is_empty() {
                    self.stands(Some(&why));
                }
                self.pause(sockets).await;
            }
        }
    }

    async fn ended(&self, sockets: &mut Sockets, number: u64, ended: &Ended) {
        let lived = sockets.open.get(&number).map(|(_, since)| since.elapsed());
        let current = sockets.newest == Some(number);
        match ended {
            Ended::Leaving(why) => {
                tracing::info!(
                    platform = self.name(),
                    why,
                    "Slack is going to close the socket"
                );
                if why == "link_disabled" {
                    sockets.off = true;
                    self.stands(Some(OFF));
                }
            }
            Ended::Closed(why) => {
                sockets.open.remove(&number);
                tracing::info!(platform = self.name(), why, "a socket has ended");
            }
        }
        if !current {
            return;
        }
        sockets.newest = None;
        match lived {
            Some(lived) if lived >= self.timeout() => sockets.wait = self.shortest(),
            _ => self.pause(sockets).await,
        }
    }

    /// Waits before the next attempt: up to a half more than the last time, by chance.
    async fn pause(&self, sockets: &mut Sockets) {
        let chance = uuid::Uuid::new_v4().as_u128() % 512;
        let part = u32::try_from(chance).unwrap_or(0);
        let most = self.timeout() * WAITS.1;
        tokio::time::sleep((sockets.wait + sockets.wait * part / 1024).min(most)).await;
        sockets.wait = (sockets.wait * 2).min(most);
    }

    fn timeout(&self) -> Duration {
        self.places[0].net.timeout
    }

    fn shortest(&self) -> Duration {
        self.timeout() / WAITS.0
    }

    async fn connect(&self) -> Result<Line, String> {
        let first = &self.places[0];
        let net = &first.net;
        let opening = async {
            let method = "apps.connections.open";
            let sent = net.post(&self.token, method, &json!({})).await;
            let answer = super::api::outcome(method, sent).map_err(in_words)?;
            let url = answer["url"].as_str().unwrap_or_default();
            line::dial(net, url).await
        };
        // The call, the connection and Slack's hello: three steps of one time limit each.
        match tokio::time::timeout(net.timeout * 3, opening).await {
            Ok(done) => done,
            Err(_) => Err("Slack did not open a socket in time".to_owned()),
        }
    }

    fn stands(&self, why: Option<&str>) {
        for place in &self.places {
            place.stands(|s| s.line = why.map(str::to_owned));
        }
    }

    fn name(&self) -> &str {
        self.places[0].name()
    }

    /// The workspace a payload is for.
    async fn place_of(&self, payload: &Value) -> Result<Option<usize>, String> {
        let teams = inbound::teams(payload);
        let is = |place: &Arc<Slack>| place.own().is_some_and(|own| teams.contains(&own.team));
        if let Some(n) = self.places.iter().position(is) {
            return Ok(Some(n));
        }
        // One that does not know itself yet may be meant.
        let mut unclear = None;
        let unknown = |(_, place): &(usize, &Arc<Slack>)| place.own().is_none();
        for (n, place) in self.places.iter().enumerate().filter(unknown) {
            match place.myself().await {
                Ok(own) if teams.contains(&own.team) => return Ok(Some(n)),
                Ok(_) => {}
                Err(failed) => unclear = Some(failed.fault.why),
            }
        }
        unclear.map_or(Ok(None), Err)
    }

    /// An envelope that came over a connection.
    async fn envelope(self: &Arc<Hub>, envelope: &Value, acks: &mpsc::UnboundedSender<Message>) {
        let job = Job {
            id: envelope["envelope_id"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            payload: envelope["payload"].clone(),
            acks: acks.clone(),
        };
        if job.id.is_empty() {
            return;
        }
        match envelope["type"].as_str().unwrap_or_default() {
            "events_api" => match self.place_of(&job.payload).await {
                Ok(Some(n)) => {
                    // Reading never waits: whoever presses a button is behind this event.
                    if self.events[n].try_send(job).is_err() {
                        tracing::warn!(
                            platform = self.name(),
                            "too many events wait; Slack sends this one again"
                        );
                    }
                }
                Ok(None) => self.nobody(&job),
                Err(why) => tracing::warn!(platform = self.name(), why, "an event was not taken"),
            },
            "slash_commands" | "interactive" => {
                let hub = Arc::clone(self);
                crate::engine::spawn(async move {
                    match hub.place_of(&job.payload).await {
                        Ok(Some(n)) => work(&hub.places[n], &hub.ear, job).await,
                        Ok(None) => hub.nobody(&job),
                        Err(why) => {
                            tracing::warn!(platform = hub.name(), why, "an act was not taken");
                        }
                    }
                });
            }
            kind => {
                let place = &self.places[0];
                place
                    .engine
                    .metrics()
                    .unheard(place.name(), &format!("envelope.{kind}"));
                tracing::info!(
                    platform = self.name(),
                    kind,
                    "an envelope of an unknown kind"
                );
                acknowledge(&job.acks, &job.id, None);
            }
        }
    }

    fn nobody(&self, job: &Job) {
        tracing::warn!(
            platform = self.name(),
            "something came for a workspace that is not configured; it is ignored"
        );
        acknowledge(&job.acks, &job.id, None);
    }
}

fn in_words(failed: Failed) -> String {
    match failed.code.as_str() {
        "" | "ratelimited" => failed.fault.why,
        "missing_scope" => "the app token lacks the scope connections:write".to_owned(),
        code => format!(
            "Slack refuses the app token ({code}); make a new one under Basic Information, with the scope connections:write"
        ),
    }
}
