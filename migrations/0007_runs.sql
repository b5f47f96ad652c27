-- What is needed to find a run again, and what it left.
-- handle: the executor's own words; told: the message on each platform that shows its output, JSON
alter table runs add column handle text not null default '';
alter table runs add column digest text not null default '';
alter table runs add column told text not null default '';
-- files a run left, kept by content in the data folder
create table artifacts (
    run integer not null,
    n integer not null,
    name text not null,
    sha256 text not null,
    bytes integer not null,
    primary key (run, n)
);
