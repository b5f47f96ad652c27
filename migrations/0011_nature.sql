-- What incidents are: their type, who may see private ones, drills, and what they are a part of.

-- Id of the configured type.
alter table incidents add column type text;
-- Only `viewers` and whom the configuration names may see it.
alter table incidents add column private integer not null default 0;
-- It is practised and counts nowhere.
alter table incidents add column drill integer not null default 0;
-- Who may see it while it is private, one a line, with a line's end before and behind each: people by id,
-- accounts without a person as `platform:id`.
alter table incidents add column viewers text not null default '';
-- The incident it is a part of.
alter table incidents add column parent integer;
-- what is a part of one
create index incidents_parent on incidents (parent) where parent is not null;
-- what must be hidden: few
create index incidents_private on incidents (id) where private = 1;
-- what counts nowhere: few
create index incidents_drill on incidents (id) where drill = 1;
