-- What the tables of this migration look like in use; every later migration must apply on top of it.
insert into covers (id, cause, schedule, state, until_at, body, updated_at) values
    (1, 'slack:Ev9', 'web-primary', 'agreed', 1763900000000, '{"id":1,"schedule":"web-primary","off":"ana","on":"bo","since":"2025-11-22T12:00:00Z","until":"2025-11-23T12:00:00Z","by":{"person":{"id":"bo","name":"Bo"}},"created":"2025-11-22T11:00:00Z","note":"dentist","state":"agreed","reminded":0}', 1763800080000),
    (2, 'slack:Ev10', 'web-primary', 'asked', 1763900000000, '{"id":2,"schedule":"web-primary","off":"ana","on":null,"since":"2025-11-22T12:00:00Z","until":"2025-11-23T12:00:00Z","by":{"person":{"id":"ana","name":"Ana"}},"created":"2025-11-22T11:00:00Z","note":"","state":"asked"}', 1763800081000);
insert into told (key, at) values ('web-primary nobody 490000', 1763800080000);
