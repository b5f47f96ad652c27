-- What the tables of this migration look like in use; every later migration must apply on top of it.
update incidents set type = 'security', private = 1, viewers = '
ana
slack:U0EXAMPLE
' where id = 1;
update incidents set drill = 1, parent = 1 where id = 2;
