//! The page for programs: the shape known from hosted status pages (`/api/v2/…`).

use crate::core::board::{Board, Condition, Line, Notice, Story, Window};
use crate::core::time::Time;
use serde_json::{Value, json};

/// Every document, by path.
pub(super) fn all(board: &Board) -> [(&'static str, Value); 6] {
    let open: Vec<Value> = board.open.iter().map(|s| incident(board, s)).collect();
    let every: Vec<Value> = board
        .open
        .iter()
        .chain(&board.past)
        .map(|s| incident(board, s))
        .collect();
    let components: Vec<Value> = (0..)
        .zip(&board.lines)
        .map(|(n, l)| component(board, n, l))
        .collect();
    let windows: Vec<Value> = board.windows.iter().map(|w| window(board, w)).collect();
    let (page, status) = (page(board), status(board));
    [
        (
            "api/v2/summary.json",
            json!({"page": page, "status": status, "components": components, "incidents": open,
                "scheduled_maintenances": windows}),
        ),
        (
            "api/v2/status.json",
            json!({"page": page, "status": status}),
        ),
        (
            "api/v2/components.json",
            json!({"page": page, "components": components}),
        ),
        (
            "api/v2/incidents.json",
            json!({"page": page, "incidents": every}),
        ),
        (
            "api/v2/incidents/unresolved.json",
            json!({"page": page, "incidents": open}),
        ),
        (
            "api/v2/scheduled-maintenances.json",
            json!({"page": page, "scheduled_maintenances": windows}),
        ),
    ]
}

/// The newest thing that is told, so that the same page is the same bytes.
pub(super) fn changed(board: &Board) -> Time {
    let stories = board.open.iter().chain(&board.past);
    let newest = stories.flat_map(|s| &s.notices).map(|n| n.at).max();
    newest.unwrap_or(Time(0))
}

fn page(board: &Board) -> Value {
    json!({"id": "firebell", "name": board.title, "url": board.url, "time_zone": board.zone.name(),
        "updated_at": changed(board).rfc3339()})
}

fn status(board: &Board) -> Value {
    let indicator = match board.overall {
        Condition::Operational => "none",
        Condition::Maintenance => "maintenance",
        Condition::Degraded => "minor",
        Condition::PartialOutage => "major",
        Condition::MajorOutage => "critical",
    };
    json!({"indicator": indicator, "description": super::html::overall(board)})
}

fn component(board: &Board, position: usize, line: &Line) -> Value {
    let group = Some(&line.group).filter(|g| !g.is_empty());
    json!({"id": line.id, "name": line.name, "description": line.about,
        "status": line.condition.known_as(), "position": position + 1, "group": false,
        "group_id": null, "group_name": group, "page_id": "firebell", "showcase": true,
        "only_show_if_degraded": false, "uptime_percent": super::html::percent(line.uptime),
        "uptime_days": line.days.len(), "updated_at": changed(board).rfc3339()})
}

fn word(notice: &Notice) -> &str {
    notice
        .standing
        .as_ref()
        .map_or("investigating", |s| s.id.as_str())
}

fn incident(board: &Board, story: &Story) -> Value {
    let impact = match story.worst() {
        Condition::MajorOutage => "critical",
        Condition::PartialOutage => "major",
        Condition::Degraded => "minor",
        Condition::Maintenance => "maintenance",
        Condition::Operational => "none",
    };
    let updates: Vec<Value> = story.notices.iter().map(|n| update(story, n)).collect();
    let first_of = |status: &str| {
        let mut oldest = story.notices.iter().rev();
        oldest.find(|n| word(n) == status).map(|n| n.at.rfc3339())
    };
    json!({"id": story.key, "name": story.title, "impact": impact, "page_id": "firebell",
        "status": story.newest().map_or("investigating", word),
        "created_at": story.began.rfc3339(), "started_at": story.began.rfc3339(),
        "updated_at": story.newest().map_or(story.began, |n| n.at).rfc3339(),
        "monitoring_at": first_of("monitoring"), "resolved_at": story.ended.map(Time::rfc3339),
        "shortlink": format!("{}/incidents/{}.html", board.url, story.key),
        "components": story.newest().map(affected).unwrap_or_default(),
        "incident_updates": updates})
}

fn update(story: &Story, notice: &Notice) -> Value {
    json!({"id": format!("{}-{}", story.key, notice.seq), "incident_id": story.key,
        "status": word(notice), "body": notice.text, "created_at": notice.at.rfc3339(),
        "updated_at": notice.at.rfc3339(), "display_at": notice.at.rfc3339(),
        "affected_components": affected(notice)})
}

fn affected(notice: &Notice) -> Vec<Value> {
    let one = |c: &crate::core::incident::Affected| {
        json!({"code": c.id, "id": c.id, "name": c.name, "new_status": c.condition.known_as(),
            "status": c.condition.known_as()})
    };
    notice.components.iter().map(one).collect()
}

fn window(board: &Board, window: &Window) -> Value {
    let goes_on = window.starts <= board.now;
    json!({"id": window.key, "name": window.text, "impact": "maintenance", "page_id": "firebell",
        "status": if goes_on { "in_progress" } else { "scheduled" },
        "scheduled_for": window.starts.rfc3339(), "scheduled_until": window.ends.rfc3339(),
        "components": window.components})
}
