-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into outbox (id, incident, seq, n, lane, target, detail, state, attempts, due_at, created_at, updated_at, error) values
    (3, 1, 1, 1, 'page', 'ana', 'console', 'done', 1, 1763800001000, 1763800001000, 1763800002000, ''),
    (4, 1, 1, 2, 'page', 'bo', 'console', 'withdrawn', 1, 1763800001000, 1763800001000, 1763800002000, 'acknowledged');
