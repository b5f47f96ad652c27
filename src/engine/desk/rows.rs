//! Plain rows somebody wants written: they join the batch and decide nothing.

use crate::engine::draft::Draft;
use crate::store::ChangeSet;

/// Puts rows into the batch. Every field of the set is named here, so that none can be left behind: what
/// the desk alone decides must be empty.
#[expect(clippy::too_many_lines, reason = "every field of a set has its lines")]
pub(super) fn write(draft: &mut Draft, changes: ChangeSet) {
    let ChangeSet {
        rooms,
        room_changes,
        posts,
        post_changes,
        files,
        files_removed,
        runs,
        artifacts,
        artifacts_removed,
        quarantine,
        heard,
        heard_done,
        heard_old,
        links,
        link_codes,
        link_codes_old,
        keys,
        covers,
        attempts,
        receipts,
        verified,
        contact_codes,
        notices,
        told,
        looked,
        postmortems,
        revisions,
        revisions_rewritten,
        exports,
        lessons,
        updates,
        facts,
        checkpoints,
        teachings,
        insight,
        // What follows is decided, not asked for.
        alerts,
        alert_changes,
        incidents,
        events,
        redactions,
        inbox,
        outbox,
        outbox_changes,
        shows,
        places,
        moves,
        silences,
        marks,
        held,
        turns,
        audit,
        latches,
        switches,
        switch_log,
    } = changes;
    let decided = ChangeSet {
        alerts,
        alert_changes,
        incidents,
        events,
        redactions,
        inbox,
        outbox,
        outbox_changes,
        shows,
        places,
        moves,
        silences,
        marks,
        held,
        turns,
        audit,
        latches,
        switches,
        switch_log,
        ..ChangeSet::default()
    };
    if !decided.is_empty() {
        tracing::error!("rows that only the desk may decide were asked for and are not written");
        debug_assert!(false, "rows that only the desk may decide: {decided:?}");
    }
    draft.rooms.extend(posts.iter().map(|p| p.room));
    let of_runs = runs.values().map(|r| (r.id, r.incident));
    draft.runs.extend(of_runs);
    draft.rooms.extend(room_changes.keys());
    draft.notices.extend(notices.values().cloned());
    draft.informed |= updates.wakes();
    let into = &mut draft.changes;
    into.rooms.extend(rooms);
    into.room_changes.extend(room_changes);
    into.posts.extend(posts);
    into.post_changes.extend(post_changes);
    into.files.extend(files);
    into.files_removed.extend(files_removed);
    into.runs.extend(runs);
    into.artifacts.extend(artifacts);
    into.artifacts_removed.extend(artifacts_removed);
    into.quarantine.extend(quarantine);
    into.heard.extend(heard);
    into.heard_done.extend(heard_done);
    into.heard_old = into.heard_old.max(heard_old);
    into.links.extend(links);
    into.link_codes.extend(link_codes);
    into.link_codes_old = into.link_codes_old.max(link_codes_old);
    into.keys.extend(keys);
    into.covers.extend(covers);
    into.told.extend(told);
    into.teachings.extend(teachings);
    into.insight.extend(insight);
    into.looked = into.looked.max(looked);
    into.notices.extend(notices);
    into.attempts.extend(attempts);
    into.receipts.extend(receipts);
    into.verified.extend(verified);
    into.contact_codes.extend(contact_codes);
    into.facts.extend(facts);
    into.checkpoints.extend(checkpoints);
    into.postmortems.extend(postmortems);
    into.revisions.extend(revisions);
    into.revisions_rewritten.extend(revisions_rewritten);
    into.exports.extend(exports);
    into.lessons.extend(lessons);
    into.updates.extend(*updates);
}
