-- Silences, what they held back, and words to channels that belong to no incident.

-- What people made. Recurrence and matchers are JSON; an empty recurrence: one window.
create table silences (
    id text primary key,
    kind text not null,
    matchers text not null,
    service text,
    starts_at integer not null,
    ends_at integer not null,
    created_by text not null,
    owner text,
    comment text not null,
    recurrence text not null,
    updated_at integer not null
);
-- those that may still hold something, and the newest of the others
create index silences_ends on silences (ends_at);

-- What was said about a silence already; those of the files have one too.
create table silence_marks (
    id text primary key,
    ending integer not null,
    forgotten integer not null,
    digest integer not null
);

-- Which alerts a silence held back. Written once for each of the two.
create table held (
    silence text not null,
    alert integer not null,
    at integer not null,
    primary key (silence, alert)
);
-- whether a firing alert without an incident waits for a silence to end
create index held_alert on held (alert);

-- Lines for a channel, said at least once: the platforms know their key.
create table notices (
    key text primary key,
    platform text not null,
    channel text not null,
    text text not null,
    state text not null,
    attempts integer not null,
    due_at integer not null,
    created_at integer not null,
    error text not null
);
-- what is still to be said
create index notices_waiting on notices (key) where state = 'waiting';
