-- What was changed, what past incidents measure, and summaries a model proposes.

-- Changes as they were told: deploys, pushes, releases. Told again under its key, one goes on.
create table change_events (
    source text not null,
    key text not null,
    -- when it happened, and when it was told
    at integer not null,
    received_at integer not null,
    service text,
    body text not null,
    primary key (source, key)
);
-- the newest, of all and of one service
create index change_events_at on change_events (at);
create index change_events_service on change_events (service, at);

-- One compact row per incident that is over, read from its journal up to `seq`; empty: it counts for
-- nothing. `form` is the version of the body: rows of an older one are read again.
create table measures (
    incident integer primary key,
    seq integer not null,
    form integer not null,
    opened_at integer not null,
    body text not null
);
-- the incidents of a span
create index measures_opened on measures (opened_at);

-- The newest summary a model proposed for an incident, and what people made of it.
create table proposals (
    incident integer primary key,
    at integer not null,
    -- of the journal it was made from
    seq integer not null,
    state text not null,
    body text not null
);
