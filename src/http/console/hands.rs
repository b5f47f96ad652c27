//! Forms by which incidents change hands: given on, merged, several at once; and the form that holds
//! the alerts of one back, with what it proposes.

use super::Console;
use super::act::TEXT_CHARS;
use super::load::{self, Moment};
use super::told::{Asker, cause};
use super::trouble::Trouble;
use super::view::frame::Here;
use super::view::hands as draw;
use super::view::silences::SilenceForm;
use super::viewer::Viewer;
use crate::chat::grammar::{self, Bulk, Context, Invocation};
use crate::core::alert::Labels;
use crate::core::id::IncidentId;
use crate::core::incident::Incident;
use crate::core::silence;
use crate::core::text::{count, deceives};
use crate::dispatch;
use crate::platform::console::PLATFORM;
use crate::store::AlertQuery;
use axum::extract::{Form, Path, State};
use axum::response::Response;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Alerts of an incident that are looked at.
const ALERTS: i64 = 500;
/// Labels a new silence proposes; whoever wants more adds them.
const PROPOSED: usize = 8;
/// Bytes of a label's value that is proposed.
const VALUE_BYTES: usize = 200;

#[derive(Deserialize)]
pub(super) struct ReassignForm {
    whom: String,
    click: String,
}

/// Somebody else is to have it.
pub(super) async fn reassign(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(form): Form<ReassignForm>,
) -> Result<Response, Trouble> {
    let options = BTreeMap::from([("whom".to_owned(), form.whom)]);
    let cause = cause(&form.click, &format!("{id}:reassign"))?;
    typed(&console, &viewer, &asker, "reassign", (id, options), &cause).await
}

#[derive(Deserialize)]
pub(super) struct MergeForm {
    into: String,
    click: String,
}

/// It is the same trouble as another one.
pub(super) async fn merge(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(form): Form<MergeForm>,
) -> Result<Response, Trouble> {
    let options = BTreeMap::from([("into".to_owned(), form.into)]);
    let cause = cause(&form.click, &format!("{id}:merge"))?;
    typed(&console, &viewer, &asker, "merge", (id, options), &cause).await
}

/// What an incident is to be: the verb, and what it needs by the names of its arguments.
pub(super) async fn shape(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(mut form): Form<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    const VERBS: [&str; 9] = [
        "private", "public", "invite", "drill", "real", "type", "relate", "unrelate", "parent",
    ];
    let verb = form.remove("verb").unwrap_or_default();
    if !VERBS.contains(&verb.as_str()) {
        return Err(Trouble::Invalid(format!(
            "`{verb}` is nothing an incident can be made; load the page again."
        )));
    }
    let click = form.remove("click").unwrap_or_default();
    if let Some(other) = form.remove("other") {
        let name = if verb == "parent" { "parent" } else { "to" };
        form.insert(name.to_owned(), other);
    }
    form.retain(|_, value| !value.trim().is_empty());
    let cause = cause(&click, &format!("{id}:{verb}"))?;
    typed(&console, &viewer, &asker, &verb, (id, form), &cause).await
}

/// What a form says, read by the command's own reader, and carried out.
pub(super) async fn typed(
    console: &Console,
    viewer: &Viewer,
    asker: &Asker,
    verb: &str,
    (id, mut options): (i64, BTreeMap<String, String>),
    cause: &str,
) -> Result<Response, Trouble> {
    let who = match asker.actor(console, viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    options.insert("incident".to_owned(), id.to_string());
    let engine = &console.app.engine;
    let directory = engine.directory();
    let context = Context {
        directory: &directory,
        now: engine.now(),
        zone: viewer.zone,
        here: None,
    };
    let invocation = match grammar::typed(verb, &options, &context) {
        Ok(invocation) => invocation,
        Err(usage) => return Ok(asker.tell(false, &usage.what)),
    };
    let reply = dispatch::invoke(engine, who, PLATFORM, invocation, cause).await;
    Ok(asker.tell(reply.ok, &reply.text))
}

/// Several at once, with a note: the fields are `i42` for each that is chosen.
pub(super) async fn bulk(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    let who = match asker.actor(&console, &viewer) {
        Ok(who) => who,
        Err(answer) => return Ok(*answer),
    };
    let said = |name: &str| form.get(name).map_or("", String::as_str).trim();
    let verb = match said("verb") {
        "ack" => Bulk::Acknowledge,
        "resolve" => Bulk::Resolve,
        other => {
            return Err(Trouble::Invalid(format!(
                "`{other}` is nothing that can be done to several incidents; load the page again."
            )));
        }
    };
    let chosen = form.keys().filter_map(|key| key.strip_prefix('i'));
    let ids: BTreeSet<IncidentId> = chosen
        .filter_map(|n| n.parse().ok())
        .map(IncidentId)
        .collect();
    if ids.is_empty() {
        return Ok(asker.tell(false, "Choose at least one incident; nothing was done."));
    }
    let note = said("note");
    if note.chars().count() > TEXT_CHARS {
        return Ok(asker.tell(
            false,
            &format!("A note has at most {TEXT_CHARS} characters; nothing was done."),
        ));
    }
    let several = Invocation::Bulk {
        verb,
        ids: Some(ids.into_iter().collect()),
        note: note.to_owned(),
    };
    let cause = cause(said("click"), &format!("bulk:{}", verb.verb()))?;
    let reply = dispatch::invoke(&console.app.engine, who, PLATFORM, several, &cause).await;
    Ok(asker.tell(reply.ok, &reply.text))
}

/// The form that holds back what this incident is about.
pub(super) async fn silence(
    State(console): State<Console>,
    viewer: Viewer,
    Path(id): Path<i64>,
) -> Result<Response, Trouble> {
    let moment = Moment::new(&console, viewer);
    let incident = load::incident(&console, id).await?;
    let alerts = firing(&console, &incident).await?;
    let given = SilenceForm {
        kind: "silence".to_owned(),
        service: incident.service.clone().unwrap_or_default(),
        labels: proposed(&incident, &alerts),
        duration: "2h".to_owned(),
        ..SilenceForm::default()
    };
    let body = draw::silence(moment.scene(), &incident, alerts.len(), &given);
    let path = format!("/incidents/{id}/silence");
    let title = format!("Silence {}", incident.id);
    load::page(&console, &moment, (Here::Incidents, &path), &title, &body).await
}

/// Labels of the alerts that fire in it.
async fn firing(console: &Console, incident: &Incident) -> Result<Vec<Labels>, Trouble> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Body {
        labels: Labels,
    }
    let query = AlertQuery {
        incident: Some(incident.id),
        firing: Some(true),
        sight: crate::core::sight::Sight::All,
        limit: ALERTS,
        ..AlertQuery::default()
    };
    let rows = console.app.engine.store().alerts(&query).await?;
    // A row another version wrote has what can be read of it.
    let labels = |body: &str| {
        serde_json::from_str::<Body>(body)
            .unwrap_or_default()
            .labels
    };
    Ok(rows.iter().map(|row| labels(&row.body)).collect())
}

/// The labels all of them have in common, as conditions: what is deleted of them widens it.
fn proposed(incident: &Incident, alerts: &[Labels]) -> String {
    let own = incident.labels();
    let first = alerts.first().unwrap_or(&own);
    let common = first.iter().filter(|(name, value)| {
        let plain = !value.is_empty()
            && value.len() <= VALUE_BYTES
            && !value.contains(|c: char| matches!(c, '"' | '\\') || c.is_control() || deceives(c));
        plain && alerts.iter().all(|a| a.get(*name) == Some(value))
    });
    let mut common: Vec<(&String, &String)> = common.collect();
    common.sort_by_key(|(name, _)| (*name != "alertname", (*name).clone()));
    let conditions = common.into_iter().take(PROPOSED);
    let conditions: Vec<String> = conditions.map(|(n, v)| format!("{n}=\"{v}\"")).collect();
    conditions.join(" ")
}

/// `2 of 5 firing alerts are silenced; the others page.`, when a silence covers a part of it.
pub(super) async fn partly(
    console: &Console,
    moment: &Moment,
    incident: &Incident,
) -> Result<Option<String>, Trouble> {
    let (directory, now) = (&moment.directory, moment.now);
    let active = silence::known(directory).any(|s| s.active(now).is_some());
    if !active || !incident.is_open() || incident.muted_at(now).is_some() {
        return Ok(None);
    }
    let alerts = firing(console, incident).await?;
    let service = incident.service.as_deref();
    let held: Vec<_> = alerts
        .iter()
        .filter_map(|labels| silence::hold(directory, labels, service, now))
        .collect();
    let Some(hold) = held.first() else {
        return Ok(None);
    };
    let rest = if held.len() == alerts.len() {
        "and it rests as soon as that is decided"
    } else {
        "and the others keep it going"
    };
    Ok(Some(format!(
        "{} of {} {}, {rest}.",
        held.len(),
        count(alerts.len(), "firing alert"),
        hold.why(directory.zone)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let pairs = pairs.iter();
        pairs
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn a_silence_is_proposed_by_what_the_alerts_have_in_common() {
        let incident = Incident {
            tags: [
                ("alertname".into(), "Slow".into()),
                ("pod".into(), "a-1".into()),
            ]
            .into_iter()
            .collect(),
            ..Incident::default()
        };
        let alerts = [
            labels(&[("alertname", "Slow"), ("env", "eu prod"), ("pod", "a-1")]),
            labels(&[("alertname", "Slow"), ("env", "eu prod"), ("pod", "a-2")]),
        ];
        let said = "alertname=\"Slow\" env=\"eu prod\"";
        assert_eq!(proposed(&incident, &alerts), said);
        assert_eq!(
            proposed(&incident, &[]),
            "alertname=\"Slow\" pod=\"a-1\"",
            "of alerts that are over, those that opened it"
        );
        let odd = [labels(&[
            ("a", "x\" y=\"z"),
            ("b", "x\u{202e}y"),
            ("c", ""),
        ])];
        assert_eq!(
            proposed(&incident, &odd),
            "",
            "nothing that reads as another condition"
        );
    }
}
