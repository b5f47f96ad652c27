-- This migration has no rows of its own; every later migration must apply on top of those of before.
update events set body = body;
