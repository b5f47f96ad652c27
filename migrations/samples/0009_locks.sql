-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into locks (run, incident, state, at, until_at, epoch, body) values
    (1, 1, 'resting', 1763800080000, 1763800680000, 3, '{"run":1,"incident":1,"action":"restart","title":"Restart","keys":["host:web-1"],"auto":false,"since":1763800080000,"released":1763800080000,"state":{"resting":{"until":1763800680000}}}');
insert into switches (name, body, updated_at) values
    ('all', '{"off":{"by":{"Person":{"id":"ana","name":"Ana"}},"at":1763800080000,"why":"deploy"},"failures":0}', 1763800080000);
insert into switch_log (cause, name, at, body) values
    ('slack:Ev11', 'all', 1763800080000, '{"off":{"by":{"Person":{"id":"ana","name":"Ana"}},"at":1763800080000,"why":"deploy"},"failures":0}');
insert into teachings (incident, seq, pattern, at, body) values (1, 9, '', 1763800080000, '');
