-- What holds runs back, whether things run by themselves, and what past incidents teach.

-- One row per run that holds keys, waits for them, or was released: which, until when. The body is
-- JSON; `epoch` is the process that wrote it.
create table locks (
    run integer primary key,
    incident integer not null,
    state text not null,
    -- when it was released, or else since when it waits
    at integer not null,
    until_at integer,
    epoch integer not null,
    body text not null
);
-- what holds, waits or rests now
create index locks_live on locks (run) where state <> 'free';
-- the starts of the last hour
create index locks_at on locks (at);

-- Whether things run by themselves: `all`, and one per action that was turned off or failed.
create table switches (
    name text primary key,
    body text not null,
    updated_at integer not null
);

-- Who turned what off and on, and why; only ever added to.
create table switch_log (
    cause text not null,
    name text not null,
    at integer not null,
    body text not null,
    primary key (cause, name)
);
create index switch_log_at on switch_log (at);

-- What each past incident teaches, read from its journal up to `seq`; empty: nothing.
create table teachings (
    incident integer primary key,
    seq integer not null,
    pattern text not null,
    at integer not null,
    body text not null
);
create index teachings_at on teachings (at);
