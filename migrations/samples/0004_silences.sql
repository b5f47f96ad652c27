-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into silences (id, kind, matchers, service, starts_at, ends_at, created_by, owner, comment, recurrence, updated_at) values
    ('7dd5dcac-b361-45b4-b196-0596446fb23c', 'silence', '["job=\"api\""]', null, 1763800000000, 1763803600000, 'Ana', 'ana', 'deploy', '', 1763800000000),
    ('29036047-a1e0-4677-a192-c9c1a92cb259', 'maintenance', '[]', 'checkout', 1763800000000, 9000000000000, 'bo', null, 'patches', '{"cron":"0 22 * * SUN","zone":"Europe/Berlin","duration_ms":7200000}', 1763800000000);
insert into silence_marks (id, ending, forgotten, digest) values ('maintenance/db-weekly', 0, 0, 1763800000000);
insert into held (silence, alert, at) values ('7dd5dcac-b361-45b4-b196-0596446fb23c', 2, 1763800001000);
insert into notices (key, platform, channel, text, state, attempts, due_at, created_at, error) values
    ('silence:7dd5dcac:digest:1763803600000', 'console', 'web', 'It held back 1 alert.', 'waiting', 0, 1763803600000, 1763803600000, '');
