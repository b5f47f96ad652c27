-- What a database of this schema looks like in use; every later migration must apply on top of it.
insert into alerts (id, source, fingerprint, digest, starts_at, received_at, incident, why, body) values
    (1, 'prometheus', 'a1b2', 77, 1763800000000, 1763800001000, 1, 'it pages: severity is critical', '{"labels":{"alertname":"Down"},"annotations":{},"generatorURL":""}'),
    (2, 'prometheus', 'c3d4', -5, 1763800000000, 1763800001000, null, 'no route pages for it', '{"labels":{"alertname":"Info"},"annotations":{},"generatorURL":""}');
insert into alert_states (id, firing, ends_at, updated_at) values
    (1, 1, 9223372036854775807, 1763800001000),
    (2, 0, 1763800100000, 1763800100000);
insert into incidents (id, seq, status, severity, major, title, title_search, service, team, group_key, opened_at, began_at, acked_at, acked_by, resolved_at, updated_at, wake_at, alerts, firing, lead) values
    (1, 2, 'acknowledged', 0, 1, 'Checkout is down', 'checkout is down', 'checkout', 'shop', 'alertname=Down', 1763800001000, 1763800000000, 1763800060000, 'Ana', null, 1763800060000, null, 1, 1, null);
insert into events (pos, incident, seq, at, cause, kind, run, body) values
    (1, 1, 1, 1763800001000, 'api:x', 'noted', null, '{"noted":{"by":"Firebell","text":"first","happened_at":null}}'),
    (2, 1, 2, 1763800060000, 'click:1', 'acknowledged', null, '{"acknowledged":{"by":{"Person":{"id":"ana","name":"Ana"}}}}');
insert into inbox (cause, at, incident, seq) values ('click:1', 1763800060000, 1, 2);
insert into outbox (id, incident, seq, n, lane, target, detail, state, attempts, due_at, created_at, updated_at, error) values
    (1, 1, 1, 0, 'page', 'ana', 'phone', 'done', 1, 1763800001000, 1763800001000, 1763800002000, ''),
    (2, 1, 2, 0, 'say', 'console', 'room', 'waiting', 0, 1763800060000, 1763800060000, 1763800060000, '');
insert into shows (incident, platform, surface, want, have, remote, attempts, due_at, error) values
    (1, 'console', 'card', 2, 1, 'post-1', 0, 1763800060000, '');
insert into rooms (id, name, kind, incident, created_at) values (1, 'inc-1-checkout', 'incident', 1, 1763800001000);
insert into posts (id, room, at, author, author_name, kind, incident, seq, text, key) values
    (1, 1, 1763800001000, '', 'firebell', 'card', 1, null, '', 'card:1');
insert into runs (id, incident, action, state, started_at, ended_at, output, bytes) values
    (1, 1, 'restart', 'succeeded', 1763800070000, 1763800071000, 'ok', 2);
insert into quarantine (id, at, source, path, reason, body) values
    (1, 1763800000000, 'prometheus', '/api/v2/alerts', 'not JSON', '{');
update meta set value = 3 where key = 'epoch';
