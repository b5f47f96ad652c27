-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into attempts (id, at, incident, seq, person, contact, kind, provider, purpose, pages, latency, state, receipt, status, error, updated_at) values
    (1, 1763800080000, 1, 2, 'ana', 'phone', 'sms', 'twilio', 'page', 1, 210, 'delivered', 'SM1', 'delivered', '', 1763800090000),
    (2, 1763800080000, 1, 2, 'ana', 'push', 'pushover', 'pushover', 'page', 1, 190, 'ringing', 'r1', '', '', 1763800080000),
    (3, 1763800070000, null, null, 'ana', 'phone', 'sms', 'twilio', 'code', 1, 300, 'failed', '', '', 'twilio answered 503', 1763800070000);
insert into verified (person, contact, digest, at) values ('ana', 'phone', '0f3a', 1763800000000);
insert into contact_codes (person, contact, digest, code, expires_at, tries) values ('ana', 'push', '0f3b', '0f3c', 1763800600000, 1);
