-- Postmortems: what people add to a draft, what leaves firebell of them, and what can be searched.

-- The newest state of each; the body is JSON.
create table postmortems (
    incident integer primary key,
    revision integer not null,
    stage text not null,
    owner text,
    due_at integer,
    body text not null,
    updated_at integer not null
);
-- what somebody still owes a review
create index postmortems_due on postmortems (due_at) where stage in ('draft', 'in_review');

-- Every state there ever was: who changed what, and when.
create table postmortem_revisions (
    incident integer not null,
    revision integer not null,
    at integer not null,
    author text not null,
    what text not null,
    body text not null,
    primary key (incident, revision)
);

-- What is to be somewhere else: one row per incident, place and thing. A failure stays with its reason.
create table exports (
    incident integer not null,
    target text not null,
    -- `document`, or `item:3`
    what text not null,
    -- who asked
    author text not null,
    state text not null,
    attempts integer not null,
    due_at integer not null,
    -- where it is now
    url text not null,
    error text not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (incident, target, what)
);
-- what is still to leave
create index exports_waiting on exports (due_at) where state = 'waiting';

-- One row per incident: the words that are searched.
create table lessons (
    incident integer primary key,
    -- of the journal, and of what people wrote
    seq integer not null,
    revision integer not null,
    at integer not null,
    service text,
    team text,
    stage text not null,
    -- names of its alerts, one a line
    alerts text not null,
    title text not null,
    words text not null
);
-- what was learned about a service
create index lessons_service on lessons (service, at);

-- sqlite:
create virtual table lessons_words using fts5(title, words, content='lessons', content_rowid='incident', tokenize='unicode61 remove_diacritics 2');
create trigger lessons_put after insert on lessons begin
    insert into lessons_words (rowid, title, words) values (new.incident, new.title, new.words);
end;
create trigger lessons_change after update on lessons begin
    insert into lessons_words (lessons_words, rowid, title, words) values ('delete', old.incident, old.title, old.words);
    insert into lessons_words (rowid, title, words) values (new.incident, new.title, new.words);
end;
create trigger lessons_drop after delete on lessons begin
    insert into lessons_words (lessons_words, rowid, title, words) values ('delete', old.incident, old.title, old.words);
end;
-- :sqlite
-- postgres: alter table lessons add column found tsvector generated always as (setweight(to_tsvector('simple', title), 'A') || to_tsvector('simple', words)) stored;
-- postgres: create index lessons_words on lessons using gin (found);
