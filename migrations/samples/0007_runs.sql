-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into runs (id, incident, action, state, started_at, ended_at, output, bytes, handle, digest, told) values
    (2, 2, 'show-logs', 'succeeded', 1763800001000, 1763800002000, 'line', 4, 'n/fb-2', 'ab', '{"slack":"C1 1.2"}');
insert into artifacts (run, n, name, sha256, bytes) values (2, 0, 'heap.txt', 'cd', 12);
