-- Who takes over whose turn, agreed or asked for; and what people were told about their turns.

-- One row per cover; the body is JSON. `cause` is the act that made it: told twice, made once.
create table covers (
    id integer primary key,
    cause text not null unique,
    schedule text not null,
    state text not null,
    until_at integer not null,
    body text not null,
    updated_at integer not null
);
-- those that still count, and those of the last months
create index covers_until on covers (until_at);

-- News of turns that is not told again: gaps ahead, people who cannot be reached.
create table told (
    key text primary key,
    at integer not null
);
