-- What the tables of this migration look like in use; every later migration must apply on top of it.
update outbox set remote = 'C0ROOM 1763800090.000100' where lane = 'say';
insert into files (incident, seq, at, name, kind, bytes, sha256, state) values
    (1, 2, 1763800090000, 'chart.png', 'image/png', 5120, '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', 'kept'),
    (1, 3, 1763800091000, '', '', 0, '', 'removed');
