-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into change_events (source, key, at, received_at, service, body) values
    ('github', 'deployment:145988746', 1763800080000, 1763800081000, 'checkout', '{"source":"github","key":"deployment:145988746","kind":"deploy","state":"done","summary":"Deploy v2.31","service":"checkout","at":1763800080000,"received_at":1763800081000}');
insert into measures (incident, seq, form, opened_at, body) values (1, 9, 1, 1763800080000, '');
insert into proposals (incident, at, seq, state, body) values (1, 1763800080000, 9, 'rejected', '{}');
