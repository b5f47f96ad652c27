-- Pages by time: what the fairness page counts and what a person is shown as theirs. Partial, so that
-- nothing but a page pays for it.
create index outbox_pages on outbox (created_at, target) where lane = 'page';
