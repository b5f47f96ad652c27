-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into postmortems (incident, revision, stage, owner, due_at, body, updated_at) values
    (1, 1, 'draft', 'ana', 1764059280000, '{"stage":"draft","since":1763800080000,"owner":"ana","due":1764059280000,"from":1763800080000,"meets":null,"sections":{"impact":{"base":"","text":"Checkout failed for 12 % of customers.","by":{"Person":{"id":"ana","name":"Ana Alves"}},"at":1763800090000}},"items":[],"last_item":0}', 1763800090000);
insert into postmortem_revisions (incident, revision, at, author, what, body) values
    (1, 1, 1763800090000, '{"Person":{"id":"ana","name":"Ana Alves"}}', 'The section impact was saved.', '{"stage":"draft"}');
insert into exports (incident, target, what, author, state, attempts, due_at, url, error, created_at, updated_at) values
    (1, 'handbook', 'document', 'ana', 'failed', 3, 1763800090000, '', 'GitHub answered 403 (Forbidden)', 1763800090000, 1763800090000);
insert into lessons (incident, seq, revision, at, service, team, stage, alerts, title, words) values
    (1, 2, 1, 1763800080000, 'checkout', 'web', 'draft', 'CheckoutErrors', 'Checkout answers with errors', 'Checkout failed for 12 % of customers.');
