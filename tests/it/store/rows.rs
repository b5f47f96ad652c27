//! Rows for tests: number `n` of each kind, every field set and different from its neighbours.

use firebell::core::id::{Actor, AlertId, IncidentId, RoomId, RunId, Seq};
use firebell::core::incident::{Event, Record};
use firebell::core::time::Time;
use firebell::store::{
    AlertChange, AlertRow, ChangeSet, Delivery, EventRow, FileRow, InboxRow, IncidentRow, Lane,
    OutboxChange, OutboxRow, PostRow, QuarantineRow, RoomRow, RunRow, ShowRow,
};

pub const T0: Time = Time(1_763_800_000_000);

pub fn at(n: i64) -> Time {
    T0.plus_ms(n * 1000)
}

pub fn alert(n: i64) -> AlertRow {
    AlertRow {
        id: AlertId(n),
        source: if n % 2 == 0 { "even" } else { "odd" }.to_owned(),
        fingerprint: format!("f{n}"),
        digest: i64::MIN + n,
        firing: true,
        starts_at: at(n),
        ends_at: Time::FAR,
        received_at: at(n + 1),
        updated_at: at(n + 2),
        incident: (n % 3 == 0).then_some(IncidentId(n)),
        why: format!("because of ünïcode №{n} '\"; --"),
        body: format!(r#"{{"labels":{{"n":"{n}"}},"annotations":{{}},"generatorURL":""}}"#),
    }
}

pub fn alert_change(n: i64) -> AlertChange {
    AlertChange {
        id: AlertId(n),
        firing: false,
        ends_at: at(n + 100),
        updated_at: at(n + 101),
        body: None,
    }
}

pub fn incident(n: i64) -> IncidentRow {
    IncidentRow {
        id: IncidentId(n),
        seq: 3,
        status: "triggered".to_owned(),
        severity: u8::try_from(n % 4).unwrap(),
        major: n % 2 == 0,
        title: format!("Checkout {n} is down"),
        service: Some(format!("service-{}", n % 5)),
        team: (n % 2 == 0).then(|| "shop".to_owned()),
        group_key: format!("group-{n}"),
        opened_at: at(n),
        began_at: at(n - 1),
        acked_at: Some(at(n + 1)),
        acked_by: Some("Ana".to_owned()),
        resolved_at: None,
        updated_at: at(n + 2),
        wake_at: Some(at(n + 3)),
        alerts: 7,
        firing: u32::MAX,
        lead: Some("Bo".to_owned()),
        type_id: (n % 3 == 0).then(|| "security".to_owned()),
        private: false,
        drill: n % 7 == 0,
        viewers: if n % 3 == 0 {
            "\nana\n".to_owned()
        } else {
            String::new()
        },
        parent: (n % 11 == 0).then_some(IncidentId(1)),
    }
}

pub fn resolved(n: i64) -> IncidentRow {
    IncidentRow {
        status: "resolved".to_owned(),
        resolved_at: Some(at(n + 9)),
        wake_at: None,
        ..incident(n)
    }
}

pub fn noted(text: &str) -> Event {
    Event::Noted {
        by: Actor::Person {
            id: "ana".to_owned(),
            name: "Ana".to_owned(),
        },
        text: text.to_owned(),
        happened_at: Some(T0),
    }
}

pub fn event(pos: i64, incident: i64, seq: Seq) -> EventRow {
    let record = Record {
        seq,
        at: at(pos),
        cause: format!("click:{pos}"),
        event: noted(&format!("note {pos} of #{incident}\nwith a second line")),
    };
    EventRow {
        pos,
        incident: IncidentId(incident),
        record,
    }
}

pub fn inbox(n: i64) -> InboxRow {
    InboxRow {
        cause: format!("click:{n}"),
        at: at(n),
        incident: IncidentId(n),
        seq: 2,
    }
}

pub fn outbox(n: i64) -> OutboxRow {
    OutboxRow {
        id: n,
        incident: IncidentId(n % 10),
        seq: 4,
        n: 2,
        lane: [Lane::Page, Lane::Say, Lane::Run][usize::try_from(n % 3).unwrap()],
        target: format!("person-{n}"),
        detail: "phone".to_owned(),
        state: Delivery::Waiting,
        attempts: 1,
        due_at: at(n),
        created_at: at(n + 1),
        updated_at: at(n + 2),
        error: String::new(),
        remote: String::new(),
    }
}

pub fn outbox_change(n: i64, state: Delivery) -> OutboxChange {
    OutboxChange {
        id: n,
        state,
        attempts: 5,
        due_at: at(n + 50),
        updated_at: at(n + 51),
        error: format!("the other end said no to {n}"),
        remote: format!("C0ROOM {n}"),
    }
}

pub fn show(n: i64) -> ShowRow {
    ShowRow {
        incident: IncidentId(n),
        platform: "console".to_owned(),
        surface: "card".to_owned(),
        want: 5,
        have: 4,
        remote: format!("message-{n}"),
        attempts: 2,
        due_at: at(n),
        error: "slow down".to_owned(),
    }
}

pub fn room(n: i64) -> RoomRow {
    RoomRow {
        id: RoomId(n),
        name: format!("inc-{n}"),
        kind: "incident".to_owned(),
        incident: Some(IncidentId(n)),
        created_at: at(n),
        archived_at: None,
    }
}

pub fn post(n: i64, room: i64) -> PostRow {
    PostRow {
        id: n,
        room: RoomId(room),
        at: at(n),
        author: "ana".to_owned(),
        author_name: "Ana".to_owned(),
        kind: "text".to_owned(),
        incident: Some(IncidentId(n)),
        seq: Some(n),
        text: format!("message {n} 🔔"),
        key: format!("key-{n}"),
        state: String::new(),
        changed_at: None,
        answers: (n % 2 == 0).then_some(n - 1),
    }
}

pub fn file(n: i64) -> FileRow {
    FileRow {
        incident: IncidentId(1),
        seq: u32::try_from(n).unwrap(),
        at: at(n),
        name: format!("chart-{n}.png"),
        kind: "image/png".to_owned(),
        bytes: n,
        sha256: format!("{:064x}", n % 3),
        removed: false,
    }
}

pub fn run(n: i64) -> RunRow {
    RunRow {
        id: RunId(n),
        incident: IncidentId(n % 10),
        action: "restart".to_owned(),
        state: "running".to_owned(),
        started_at: at(n),
        ended_at: Some(at(n + 1)),
        output: format!("line {n}\n"),
        bytes: 1 << 40,
        handle: format!("node/fb-{n}"),
        digest: "d1".to_owned(),
        told: String::new(),
    }
}

pub fn quarantine(n: i64) -> QuarantineRow {
    QuarantineRow {
        id: n,
        at: at(n),
        source: "prometheus".to_owned(),
        path: "/api/v2/alerts".to_owned(),
        reason: "not JSON".to_owned(),
        body: format!("{{ {n}"),
    }
}

/// `n` rows of every kind, numbered from 1.
pub fn of_everything(n: i64) -> ChangeSet {
    let all = || 1..=n;
    ChangeSet {
        alerts: all().map(alert).collect(),
        incidents: all().map(|n| (IncidentId(n), incident(n))).collect(),
        events: all().map(|n| event(n, n, 1)).collect(),
        inbox: all().map(inbox).collect(),
        outbox: all().map(outbox).collect(),
        shows: all()
            .map(show)
            .map(|s| ((s.incident, s.platform.clone(), s.surface.clone()), s))
            .collect(),
        rooms: all().map(room).collect(),
        posts: all().map(|n| post(n, n)).collect(),
        runs: all().map(|n| (RunId(n), run(n))).collect(),
        quarantine: all().map(quarantine).collect(),
        files: all().map(file).collect(),
        ..ChangeSet::default()
    }
}
