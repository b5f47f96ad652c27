-- What chat platforms need: what was heard and not yet worked off, who is who, and secrets of our own.

-- Acts of people, kept before the platform gets its answer. A row whose work is done loses its body
-- and stays for its key: platforms repeat themselves for minutes.
create table heard (
    id integer primary key,
    platform text not null,
    key text not null,
    at integer not null,
    state text not null,
    body text not null,
    unique (platform, key)
);
-- what a starting process has to work off
create index heard_waiting on heard (id) where state = 'waiting';
-- what is old enough to be forgotten
create index heard_at on heard (at);

-- Accounts of chat platforms that stand for people of the directory, beside those the files name.
create table links (
    platform text not null,
    account text not null,
    person text not null,
    at integer not null,
    how text not null,
    primary key (platform, account)
);

-- One-time codes: whoever enters one says that this account is theirs.
create table link_codes (
    code text primary key,
    platform text not null,
    account text not null,
    name text not null,
    expires_at integer not null
);

-- Secrets firebell makes or is given at run time: what buttons are signed with, rotated tokens.
create table keys (
    name text primary key,
    value text not null
);

-- Which incident a room of a platform belongs to.
create index shows_remote on shows (platform, remote) where surface = 'room';
