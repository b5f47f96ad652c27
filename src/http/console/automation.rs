//! What starts by itself, the switch that stops it, what has earned more, and what past incidents say.

use super::Console;
use super::load::{self, Moment};
use super::told::{Asker, cause};
use super::trouble::Trouble;
use super::view::automation::{self as draw, AutomationView, EvidenceView, Worked};
use super::view::frame::Here;
use super::viewer::Viewer;
use crate::chat::grammar::Invocation;
use crate::core::directory::AutoLevel;
use crate::core::incident::RunState;
use crate::core::learn::{Learned, Pattern};
use crate::dispatch;
use crate::platform::console::PLATFORM;
use axum::extract::{Form, Query, State};
use axum::response::Response;
use serde::Deserialize;

/// Acts on the switches that are shown.
const LOGGED: i64 = 30;

/// The page of what starts by itself.
pub(super) async fn page(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let directory = &moment.directory;
    let mut armed = Vec::new();
    let sight = &moment.viewer.sight;
    let open = console.app.engine.open_incidents().into_iter();
    for incident in open.filter(|i| sight.sees(i)) {
        for (id, run) in &incident.runs {
            if let RunState::Armed { start } = run.state {
                armed.push((start, incident.clone(), *id));
            }
        }
    }
    armed.sort_by_key(|(start, _, id)| (*start, *id));
    let wants = |a: &&std::sync::Arc<crate::core::directory::Action>| {
        a.auto.level > AutoLevel::Suggest || directory.switches.own_off(&a.id).is_some()
    };
    let shown = AutomationView {
        armed,
        actions: directory.actions.values().filter(wants).cloned().collect(),
        proposals: directory.learned.proposals(directory),
        log: console.app.engine.store().switch_log(LOGGED).await?,
        known: known(&directory.learned),
    };
    let body = draw::automation(moment.scene(), &shown);
    let at = (Here::Automation, "/automation");
    load::page(&console, &moment, at, "Automation", &body).await
}

/// Every pattern with the actions that ran in it.
fn known(learned: &Learned) -> Vec<(Pattern, Vec<Worked>)> {
    let each = learned.patterns().map(|(pattern, lessons)| {
        let mut ids: Vec<&str> = lessons
            .iter()
            .flat_map(|l| l.runs.iter().map(|r| r.action.as_str()))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let worked = ids.into_iter().map(|id| Worked {
            action: id.to_owned(),
            pattern: pattern.clone(),
            evidence: learned.evidence(pattern, id),
        });
        let worked: Vec<Worked> = worked.collect();
        (pattern.clone(), worked)
    });
    each.filter(|(_, worked)| !worked.is_empty()).collect()
}

#[derive(Deserialize)]
pub(super) struct SwitchForm {
    on: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    why: String,
    click: String,
}

/// Turns it off, or on again.
pub(super) async fn switch(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Form(form): Form<SwitchForm>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let cause = cause(
        &form.click,
        &format!("automation:{}:{}", form.on, form.action),
    )?;
    let invocation = Invocation::Automation {
        on: Some(form.on == "on"),
        action: Some(form.action).filter(|a| !a.is_empty()),
        why: form.why.trim().to_owned(),
    };
    let reply = dispatch::invoke(&console.app.engine, who, PLATFORM, invocation, &cause).await;
    Ok(asker.send("/automation", reply.ok, &reply.text))
}

#[derive(Deserialize)]
pub(super) struct Asked {
    action: String,
    pattern: String,
}

/// The incidents and runs behind a sentence.
pub(super) async fn evidence(
    State(console): State<Console>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let pattern: Pattern = serde_json::from_str(&asked.pattern).map_err(|_| {
        Trouble::Invalid("This link is not whole; go back and follow it again.".to_owned())
    })?;
    let learned = &moment.directory.learned;
    let mut lessons = learned.like(&pattern).to_vec();
    let hidden = console
        .app
        .engine
        .store()
        .hidden(&moment.viewer.sight)
        .await?;
    lessons.retain(|l| !hidden.contains(&l.incident));
    if lessons.is_empty() {
        return Err(Trouble::NotFound(format!(
            "Nothing is known of {}.",
            pattern.words()
        )));
    }
    let shown = EvidenceView {
        worked: Worked {
            evidence: learned.evidence(&pattern, &asked.action),
            action: asked.action,
            pattern,
        },
        lessons,
    };
    let body = draw::evidence(moment.scene(), &shown);
    let title = format!("What is known of {}", shown.worked.action);
    let at = (Here::Automation, "/automation");
    load::page(&console, &moment, at, &title, &body).await
}
