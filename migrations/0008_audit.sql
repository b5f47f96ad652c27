-- The audit of runbook actions. Nothing changes or removes a row: each has the digest of the one before
-- it in its own (`core/audit.rs`), so that `firebell audit verify` finds whatever was done to it.
create table audit (
    -- without gaps
    n integer primary key,
    at integer not null,
    kind text not null,
    -- the immutable id of who did it
    who text not null,
    name text not null,
    incident integer,
    run integer,
    action text not null,
    text text not null,
    detail text not null,
    prev text not null,
    hash text not null
);
create index audit_incident on audit (incident, n) where incident is not null;
create index audit_who on audit (who, n);
create index audit_action on audit (action, n) where action <> '';
create index audit_kind on audit (kind, n);

-- Ends of the chain that were signed. They are kept in a file beside the database too.
create table audit_checkpoints (
    n integer not null,
    at integer not null,
    hash text not null,
    key text not null,
    signature text not null,
    primary key (n, at)
);
