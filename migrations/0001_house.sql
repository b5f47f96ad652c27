-- The first schema. One text for both databases: times are milliseconds since 1970 UTC, truth values
-- are 0 and 1. `integer` is 64 bits wide everywhere: SQLite's is, and for PostgreSQL the store reads
-- `bigint` in its place (src/store/open.rs), because only `integer primary key` is SQLite's own row
-- number, which spares every table a second index.
--
-- Numbers are given out by firebell and ascend, so a storm appends to the end of each table.
-- There are few indexes, each for one read named beside it, and no foreign keys: one writer writes
-- whole change-sets, and a key check per row is what ingest would pay for.

create table meta (
    key text primary key,
    value integer not null
);
insert into meta (key, value) values ('epoch', 0);

-- What was said about an alert. Written once; changed only when the sender says something else.
create table alerts (
    id integer primary key,
    source text not null,
    fingerprint text not null,
    digest integer not null,
    starts_at integer not null,
    received_at integer not null,
    incident integer,
    why text not null,
    body text not null
);
-- the alerts of one incident
create index alerts_incident on alerts (incident, id) where incident is not null;

-- What changes with every repeat, apart from the wide row: a page holds a hundred of these, so a
-- thousand repeats dirty ten pages instead of two hundred.
create table alert_states (
    id integer primary key,
    firing integer not null,
    ends_at integer not null,
    updated_at integer not null
);
-- what fires now
create index alert_states_firing on alert_states (id) where firing = 1;

create table incidents (
    id integer primary key,
    seq integer not null,
    status text not null,
    severity integer not null,
    major integer not null,
    title text not null,
    -- the title in lower case by Unicode's rules, which the databases do not agree on
    title_search text not null,
    service text,
    team text,
    group_key text not null,
    opened_at integer not null,
    began_at integer not null,
    acked_at integer,
    acked_by text,
    resolved_at integer,
    updated_at integer not null,
    wake_at integer,
    alerts integer not null,
    firing integer not null,
    lead text
);
-- what a starting process must hold in memory
create index incidents_live on incidents (id) where status <> 'resolved' or wake_at is not null;

create table events (
    pos integer primary key,
    incident integer not null,
    seq integer not null,
    at integer not null,
    cause text not null,
    kind text not null,
    -- the number a `run_asked` gave its run, which stays when the body is redacted
    run integer,
    body text not null
);
-- one journal in order; two writers cannot both append the same line
create unique index events_journal on events (incident, seq);
-- the highest run number given out
create index events_run on events (run) where run is not null;

create table inbox (
    cause text primary key,
    at integer not null,
    incident integer not null,
    seq integer not null
);

create table outbox (
    id integer primary key,
    incident integer not null,
    seq integer not null,
    n integer not null,
    lane text not null,
    target text not null,
    detail text not null,
    state text not null,
    attempts integer not null,
    due_at integer not null,
    created_at integer not null,
    updated_at integer not null,
    error text not null
);
-- what is still to be sent
create index outbox_pending on outbox (id) where state in ('waiting', 'sending');
-- the delivery ledger of one incident
create index outbox_incident on outbox (incident, id);

create table shows (
    incident integer not null,
    platform text not null,
    surface text not null,
    want integer not null,
    have integer not null,
    remote text not null,
    attempts integer not null,
    due_at integer not null,
    error text not null,
    primary key (incident, platform, surface)
);
-- what is shown out of date
create index shows_behind on shows (incident, platform, surface) where want > have;

create table rooms (
    id integer primary key,
    name text not null,
    kind text not null,
    incident integer,
    created_at integer not null,
    unique (kind, name)
);

create table posts (
    id integer primary key,
    room integer not null,
    at integer not null,
    author text not null,
    author_name text not null,
    kind text not null,
    incident integer,
    seq integer,
    text text not null,
    key text not null unique
);
-- one room's messages
create index posts_room on posts (room, id);

create table runs (
    id integer primary key,
    incident integer not null,
    action text not null,
    state text not null,
    started_at integer not null,
    ended_at integer,
    output text not null,
    bytes integer not null
);
-- the runs of one incident
create index runs_incident on runs (incident, id);

create table quarantine (
    id integer primary key,
    at integer not null,
    source text not null,
    path text not null,
    reason text not null,
    body text not null
);
