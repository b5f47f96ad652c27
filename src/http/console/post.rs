//! Messages with what their live kinds show: cards and runs, drawn from state as it is now.

use super::Console;
use super::load::Moment;
use super::trouble::Trouble;
use super::view::card::CardView;
use super::view::room::PostView;
use super::view::run::RunView;
use crate::chat;
use crate::core::id::{IncidentId, RunId, Seq};
use crate::core::incident::{Event, Incident};
use crate::core::text::cut;
use crate::platform::console::PLATFORM;
use crate::store::{FileRow, PostRow};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The card of an incident as it is now.
pub(super) async fn card_of(
    console: &Console,
    moment: &Moment,
    incident: &Incident,
) -> Result<CardView, Trouble> {
    let home = console.app.settings.public_url.trim_end_matches('/');
    let url = format!("{home}/incidents/{}", incident.id.0);
    Ok(CardView {
        card: chat::card::card(incident, &moment.directory, moment.now, &url),
        began_at: incident.began_at,
        resolved_at: incident.resolved_at,
        partly: super::hands::partly(console, moment, incident).await?,
        of_alerts: incident.is_open() && incident.alerts > 0,
    })
}

/// One run of an incident, with its output.
pub(super) async fn run_of(
    console: &Console,
    incident: &Incident,
    id: RunId,
) -> Result<Option<RunView>, Trouble> {
    let Some(run) = incident.runs.get(&id) else {
        return Ok(None);
    };
    Ok(Some(RunView {
        incident: incident.id,
        seq: incident.seq,
        id,
        run: run.clone(),
        row: console.app.engine.store().run(id).await?,
        wants: crate::core::verdict::wanting(
            incident,
            run,
            &console.app.engine.directory(),
            console.app.engine.now(),
        ),
        files: console.app.engine.store().artifacts(id).await?,
    }))
}

/// Characters of a message that is answered.
const QUOTED: usize = 80;

/// What an incident's messages are besides their words.
struct Spoken {
    files: BTreeMap<i64, FileRow>,
    /// Event by platform and message.
    seqs: BTreeMap<(String, String), Seq>,
    /// Those that are on the timeline.
    marked: BTreeSet<Seq>,
}

impl Spoken {
    async fn read(console: &Console, id: IncidentId) -> Result<Spoken, Trouble> {
        let store = console.app.engine.store();
        let journal = store.journal(id).await?;
        let incident = Incident::replay(id, &journal);
        let seqs: BTreeMap<_, _> = (journal.iter())
            .filter_map(|r| match &r.event {
                Event::Spoke {
                    platform, message, ..
                } => Some(((platform.clone(), message.clone()), r.seq)),
                _ => None,
            })
            .collect();
        let kept = incident.talk.kept.keys();
        let files = store.files(id).await?;
        Ok(Spoken {
            marked: kept.filter_map(|place| seqs.get(place).copied()).collect(),
            files: files.into_iter().map(|f| (i64::from(f.seq), f)).collect(),
            seqs,
        })
    }

    fn show(&self, view: &mut PostView) {
        let row = &view.row;
        view.seq = match row.seq {
            Some(seq) => Seq::try_from(seq).ok(),
            None => {
                let place = (PLATFORM.to_owned(), row.id.to_string());
                self.seqs.get(&place).copied()
            }
        };
        view.marked = view.seq.is_some_and(|s| self.marked.contains(&s));
        view.file = row.seq.and_then(|s| self.files.get(&s)).cloned();
    }
}

/// Adds the live parts. Each incident is read once, however many messages show it.
pub(super) async fn live(
    console: &Console,
    moment: &Moment,
    rows: Vec<PostRow>,
) -> Result<Vec<PostView>, Trouble> {
    let mut known: BTreeMap<IncidentId, Option<Arc<Incident>>> = BTreeMap::new();
    let mut talks: BTreeMap<IncidentId, Spoken> = BTreeMap::new();
    let mut views = Vec::with_capacity(rows.len());
    let sight = &moment.viewer.sight;
    let hidden = console.app.engine.store().hidden(sight).await?;
    // What was said of an incident before it became private is not shown to others any more.
    let shown = |r: &PostRow| !r.incident.is_some_and(|i| hidden.contains(&i));
    for row in rows.into_iter().filter(shown) {
        let mut view = PostView {
            card: None,
            run: None,
            file: None,
            marked: false,
            seq: None,
            answers: None,
            board: None,
            row,
        };
        if let Some(id) = (view.row.incident)
            .filter(|_| matches!(view.row.kind.as_str(), "text" | "file" | "line"))
        {
            if let std::collections::btree_map::Entry::Vacant(e) = talks.entry(id) {
                e.insert(Spoken::read(console, id).await?);
            }
            talks[&id].show(&mut view);
        }
        if let Some(to) = view.row.answers {
            let to = console.app.engine.store().post(to).await?;
            view.answers = to.map(|p| (p.id, p.author_name, cut(&p.text, QUOTED)));
        }
        if let Some(id) = view
            .row
            .incident
            .filter(|_| matches!(view.row.kind.as_str(), "card" | "page" | "run" | "board"))
        {
            let incident = match known.get(&id) {
                Some(incident) => incident.clone(),
                None => {
                    let found = console.app.engine.incident(id).await?;
                    known.insert(id, found.clone());
                    found
                }
            };
            if let Some(incident) = incident.as_deref() {
                match (view.row.kind.as_str(), view.row.seq) {
                    ("run", Some(n)) => view.run = run_of(console, incident, RunId(n)).await?,
                    ("run", None) => {}
                    ("board", _) => view.board = known.get(&id).cloned().flatten(),
                    _ => view.card = Some(card_of(console, moment, incident).await?),
                }
            }
        }
        views.push(view);
    }
    Ok(views)
}
