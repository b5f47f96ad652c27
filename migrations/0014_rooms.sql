-- What rooms need: which message a line became, what became of messages, and the files that came along.

-- the room and message a line became, as its platform knows them; empty: not yet said, or not a message
alter table outbox add column remote text not null default '';

-- when its words were last changed
alter table posts add column changed_at integer;
-- `deleted` by its author, `removed` for good; empty: it stands
alter table posts add column state text not null default '';
-- the message it answers
alter table posts add column answers integer;

-- the room of an incident
create index rooms_incident on rooms (incident) where incident is not null;
-- since when it is put away
alter table rooms add column archived_at integer;

-- Files that came with messages, by the event that tells of them. Their content is in the data folder
-- under its SHA-256.
create table files (
    incident integer not null,
    seq integer not null,
    at integer not null,
    name text not null,
    kind text not null,
    bytes integer not null,
    sha256 text not null,
    -- `kept`, or `removed` for good
    state text not null,
    primary key (incident, seq)
);
-- whether a content is still needed
create index files_content on files (sha256) where state = 'kept';

-- What is removed leaves the search index too, not only its answers.
-- sqlite:
insert into lessons_words (lessons_words, rank) values ('secure-delete', 1);
-- :sqlite
