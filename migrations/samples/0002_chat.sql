-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into heard (id, platform, key, at, state, body) values
    (1, 'slack', 'Ev1', 1763800080000, 'done', ''),
    (2, 'slack', 'Ev2', 1763800081000, 'waiting', '{"platform":"slack","key":"Ev2","at":1763800081000,"by":{"id":"U1","name":"ana"},"room":"C1","deed":{"line":{"text":"ack"}}}');
insert into links (platform, account, person, at, how) values ('slack', 'U1', 'ana', 1763800000000, 'email');
insert into link_codes (code, platform, account, name, expires_at) values ('0f3a', 'discord', '17', 'ana#1', 1763800300000);
insert into keys (name, value) values ('buttons', '00112233');
