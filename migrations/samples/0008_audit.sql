insert into audit (n, at, kind, who, name, incident, run, action, text, detail, prev, hash) values
    (1, 1000, 'run_asked', 'person:ana', 'Ana', 1, 1, 'restart', 'Ana asked for run-1.', '{}', '00', '01');
insert into audit_checkpoints (n, at, hash, key, signature) values (1, 2000, '01', 'aa', 'bb');
