-- What is told to others: updates, who asked to be told, and what became of each telling.

-- One row per update of an incident, written with its event; the status page, feeds and subscribers are
-- made of these. A redaction empties the row.
create table updates (
    incident integer not null,
    seq integer not null,
    at integer not null,
    -- `internal`, `public`
    audience text not null,
    -- what subscriptions go by, as it was then
    service text,
    severity integer not null,
    -- the update as JSON; empty: removed for good
    body text not null,
    -- `waiting`: subscribers are still to be found; `told`; `kept`: nobody is to be told; `removed`
    state text not null,
    primary key (incident, seq)
);
-- whose subscribers are still to be found
create index updates_waiting on updates (at) where state = 'waiting';
-- what a page shows
create index updates_at on updates (at);

-- Who asked to be told beside the files.
create table subscribers (
    id text primary key,
    -- `mail`, `channel`
    kind text not null,
    address text not null,
    audience text not null,
    -- JSON: what they want to hear of
    topics text not null,
    -- `asked`: a code is under way; `on`; `off`
    state text not null,
    -- how often it was asked for: a code is of one asking
    round integer not null,
    -- wrong codes of this round
    tries integer not null,
    -- directory id of who asked; empty: somebody outside
    person text not null,
    asked_at integer not null,
    created_at integer not null,
    updated_at integer not null
);
create unique index subscribers_address on subscribers (audience, kind, address);

-- One row per subscriber and update: what is to be sent, and what became of it. `incident` 0: the code of
-- the round `seq`.
create table bulletins (
    subscriber text not null,
    incident integer not null,
    seq integer not null,
    -- `waiting`, `done`, `failed`, `passed` (a newer one was sent instead)
    state text not null,
    attempts integer not null,
    due_at integer not null,
    error text not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (subscriber, incident, seq)
);
-- what is still to leave
create index bulletins_waiting on bulletins (due_at) where state = 'waiting';
-- what became of an update
create index bulletins_incident on bulletins (incident, seq);

-- A public update its author has read and not yet sent.
create table update_drafts (
    incident integer not null,
    -- who: a directory id, or `platform:account`
    author text not null,
    -- digest of what everybody would read
    digest text not null,
    -- JSON
    body text not null,
    created_at integer not null,
    primary key (incident, author)
);
