//! `[approval]`, `[rollback]` and `[auto]`: who must agree, what undoes it, and how far it runs by
//! itself.

use super::super::reader::Table;
use super::super::settings::check_channel;
use super::how::Run;
use super::{Ground, check_templates, choice};
use crate::core::directory::{
    Action, ActionClass, Approval, Arg, Auto, AutoLevel, BreakGlass, How, Need, Rollback,
};
use crate::core::id::Severity;
use std::collections::BTreeMap;

/// People who must agree, at most.
const PEOPLE_MAX: i64 = 5;

/// What `[approval]` says.
pub(super) struct Agreed {
    pub approval: Approval,
    /// Roles of which a requester needs one.
    pub roles: Vec<String>,
}

pub(super) fn approval(action: &Table<'_>, ground: &Ground<'_>, run: Option<&Run<'_>>) -> Agreed {
    let mut agreed = Agreed {
        approval: Approval::default(),
        roles: Vec::new(),
    };
    // Without the table the requester's own confirmation is enough, for a quarter of an hour.
    let Some(table) = action.table("approval", "[approval]") else {
        return agreed;
    };
    agreed.roles = table.words("roles");
    let approval = &mut agreed.approval;
    let count = table.int("count", 0..=PEOPLE_MAX);
    let slots = required(&table);
    if table.has("count") && table.has("required") {
        let what = "`count` and [[approval.required]] say the same twice";
        let fix = "keep [[approval.required]], each with roles and count";
        table.sink.fault(&table.place_of("count"), what, fix);
    }
    approval.required = if table.has("required") {
        slots
    } else {
        let count = count.and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
        Approval::by_others(count).required
    };
    approval.four_eyes = table.flag("four-eyes").unwrap_or(true);
    request_ttl(&table, approval);
    if let Some(ms) = table.duration_ms("valid-for", 60_000..=86_400_000) {
        approval.valid_for_ms = ms;
    }
    approval.dry_run_first = table.flag("dry-run-first").unwrap_or(false);
    if approval.dry_run_first && run.is_some_and(|r| !r.rehearses) {
        let what = "`dry-run-first` has no dry run to show";
        let fix = "add dry-run = [\"/usr/bin/program\", \"--plan\", …] to [run], or remove it";
        table
            .sink
            .fault(&table.place_of("dry-run-first"), what, fix);
    }
    approval.break_glass = break_glass(&table, ground);
    enough(&table, &agreed, ground);
    table.done();
    agreed
}

/// `request-ttl`, which used to be called `ttl`.
fn request_ttl(table: &Table<'_>, approval: &mut Approval) {
    const RANGE: std::ops::RangeInclusive<i64> = 60_000..=86_400_000;
    let (new, old) = (
        table.duration_ms("request-ttl", RANGE),
        table.duration_ms("ttl", RANGE),
    );
    if table.has("request-ttl") && table.has("ttl") {
        let what = "`ttl` is the old word for `request-ttl`, and both are there";
        table
            .sink
            .fault(&table.place_of("ttl"), what, "remove `ttl`");
    }
    if let Some(ms) = new.or(old) {
        approval.request_ttl_ms = ms;
    }
}

fn required(table: &Table<'_>) -> Vec<Need> {
    let mut slots = Vec::new();
    for slot in table.tables("required", "[[approval.required]]") {
        let roles = slot.words("roles");
        let count = slot.int("count", 1..=PEOPLE_MAX).unwrap_or(1);
        slot.done();
        slots.push(Need {
            roles,
            count: u8::try_from(count).unwrap_or(1),
        });
    }
    let all: i64 = slots.iter().map(|s| i64::from(s.count)).sum();
    if all > PEOPLE_MAX {
        let what = format!("{all} people would have to agree");
        let fix = format!("ask at most {PEOPLE_MAX}: they are woken for it");
        table.sink.fault(&table.place_of("required"), what, fix);
    }
    slots
}

fn break_glass(table: &Table<'_>, ground: &Ground<'_>) -> Option<BreakGlass> {
    let own = table.table("break-glass", "[approval.break-glass]")?;
    let roles = own.words("roles");
    if own.no_items("roles") {
        own.missing("roles", "[\"incident-commander\"]");
    }
    let min_severity = severity(&own, ground);
    let notify = own.texts("notify").unwrap_or_default();
    for channel in &notify {
        check_channel(&own, "notify", channel);
    }
    if !own.no_items("roles") && ground.known.complete && ground.known.holders(&roles) == 0 {
        let what = "nobody of the directory may break the glass";
        let fix = "give somebody one of the `roles`, or remove the table";
        own.sink.warn(&own.place_of("roles"), what, fix);
    }
    own.done();
    Some(BreakGlass {
        roles,
        min_severity,
        notify: notify.into_iter().map(|n| n.value).collect(),
    })
}

/// A level of the scale, with faults in the action's own list.
fn severity(own: &Table<'_>, ground: &Ground<'_>) -> Option<Severity> {
    let reading = super::super::folders::Reading {
        sink: own.sink,
        ..*ground.reading
    };
    reading.severity(own, "min-severity")
}

/// A warning when the directory cannot fill the slots beside a requester.
fn enough(table: &Table<'_>, agreed: &Agreed, ground: &Ground<'_>) {
    let approval = &agreed.approval;
    if approval.required.is_empty() || !ground.known.complete {
        return;
    }
    for slot in &approval.required {
        // A slot without roles is filled by whoever may ask.
        let roles = if slot.roles.is_empty() {
            &agreed.roles
        } else {
            &slot.roles
        };
        let requester = usize::from(slot.roles.is_empty() && approval.four_eyes);
        let (need, able) = (
            usize::from(slot.count) + requester,
            ground.known.holders(roles),
        );
        if able >= need {
            continue;
        }
        let what = format!(
            "the action needs {need} people who may ask or approve, and the directory has {able}"
        );
        let fix = "give the role to more people, or lower `count`";
        table.sink.warn(&table.place, what, fix);
    }
}

pub(super) fn rollback(action: &Table<'_>, args: &[Arg]) -> Option<Rollback> {
    let table = action.table("rollback", "[rollback]")?;
    let named = table.need_text("action", "\"web-restore\"");
    let mut templates = BTreeMap::new();
    for (name, said) in table.map("args") {
        check_templates([&said], args, table.sink);
        templates.insert(name, said.value);
    }
    table.done();
    Some(Rollback {
        action: named?.value,
        args: templates,
    })
}

pub(super) fn auto(action: &Table<'_>, so_far: &Action) -> Auto {
    let mut auto = Auto::default();
    let Some(table) = action.table("auto", "[auto]") else {
        return auto;
    };
    let levels = [
        ("suggest", AutoLevel::Suggest),
        ("one-click", AutoLevel::OneClick),
        ("delayed", AutoLevel::Delayed),
        ("before-page", AutoLevel::BeforePage),
    ];
    auto.level = choice(&table, "level", &levels).unwrap_or_default();
    if !table.has("level") {
        table.missing("level", "\"suggest\"");
    }
    if let Some(ms) = table.duration_ms("delay", 0..=3_600_000) {
        auto.delay_ms = ms;
    }
    if let Some(ms) = table.duration_ms("clear-within", 10_000..=1_800_000) {
        auto.clear_within_ms = ms;
    }
    let set = |slot: &mut u32, key| {
        let said = table.int(key, 1..=1000);
        *slot = said.and_then(|n| u32::try_from(n).ok()).unwrap_or(*slot);
    };
    set(&mut auto.max_per_hour, "max-per-hour");
    set(&mut auto.failures, "failures");
    set(&mut auto.storm, "storm");
    for (key, least) in [
        ("delay", AutoLevel::Delayed),
        ("clear-within", AutoLevel::BeforePage),
    ] {
        if table.has(key) && auto.level < least {
            let what = format!("`{key}` says nothing at this level");
            let fix = "remove it, or raise `level`";
            table.sink.fault(&table.place_of(key), what, fix);
        }
    }
    may_run_itself(&table, &auto, so_far);
    table.done();
    auto
}

/// What must hold before an action may do more than be suggested.
fn may_run_itself(table: &Table<'_>, auto: &Auto, action: &Action) {
    if auto.level == AutoLevel::Suggest {
        return;
    }
    let place = table.place_of("level");
    let harmless = action.class == ActionClass::Diagnostic;
    let undone = action.idempotent && action.reversible;
    if !(harmless || undone) {
        let what = "an action that changes something may run by itself only when it is idempotent and reversible";
        let fix = "write level = \"suggest\", or idempotent = true and reversible = true if both are true";
        table.sink.fault(&place, what, fix);
    }
    // Nobody is there to fill the rest in.
    let open = |a: &&Arg| a.default.is_none() && a.from_label.is_none();
    if let Some(arg) = action.args.iter().find(open) {
        let what = format!(
            "`{}` has neither a default nor a label, so somebody has to fill it in",
            arg.name
        );
        let fix = "add default or from-label to it, or write level = \"suggest\"";
        table.sink.fault(&place, what, fix);
    }
    if auto.level >= AutoLevel::Delayed && !action.approval.required.is_empty() {
        let what = "an action that somebody must approve cannot start by itself";
        let fix = "write level = \"one-click\", or remove the approval";
        table.sink.fault(&place, what, fix);
    }
}

/// A Kubernetes Job may be started twice by Kubernetes itself.
pub(super) fn twice(action: &Action) -> bool {
    let changes = action.class == ActionClass::Remediation && !action.idempotent;
    changes && matches!(action.how, How::Kubernetes(_))
}
