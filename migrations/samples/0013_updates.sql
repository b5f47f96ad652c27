-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into updates (incident, seq, at, audience, service, severity, body, state) values
    (1, 5, 1763800090000, 'public', 'checkout', 1, '{"by":{"Person":{"id":"ana","name":"Ana Alves"}},"status":{"id":"investigating","name":"Investigating"},"text":"We are looking into slow payments.","audience":"public","announced":{"title":"Payments are slow","components":[{"id":"shop","name":"Shop","condition":"partial_outage"}]}}', 'told');
insert into subscribers (id, kind, address, audience, topics, state, round, tries, person, asked_at, created_at, updated_at) values
    ('8f14e45f', 'mail', 'reader@example.org', 'public', '{"everything":true}', 'on', 1, 0, '', 1763800000000, 1763800000000, 1763800001000);
insert into bulletins (subscriber, incident, seq, state, attempts, due_at, error, created_at, updated_at) values
    ('8f14e45f', 1, 5, 'done', 1, 1763800090000, '', 1763800090000, 1763800091000);
insert into update_drafts (incident, author, digest, body, created_at) values
    (1, 'ana', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '{"text":"It is over."}', 1763800095000);
