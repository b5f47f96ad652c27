-- What waking people needs: every try there was, which contacts are verified, and codes under way.

-- The delivery ledger: one row per page and try, and one for each test page and code. It is never an
-- input of a decision; it is what proves one.
create table attempts (
    id integer primary key,
    -- when the try began
    at integer not null,
    -- absent: a test page or a code
    incident integer,
    seq integer,
    person text not null,
    contact text not null,
    kind text not null,
    provider text not null,
    -- `page`, `test` or `code`
    purpose text not null,
    -- pages that shared the message
    pages integer not null,
    -- from the begin to the answer, milliseconds
    latency integer not null,
    -- `failed`, `accepted`, `ringing`, and what a receipt says later: `delivered`, `undelivered`,
    -- `cancelled`
    state text not null,
    -- the provider's name for it; empty: none
    receipt text not null,
    -- the provider's own word
    status text not null,
    error text not null,
    updated_at integer not null
);
-- the ledger of one incident
create index attempts_incident on attempts (incident, id) where incident is not null;
-- the ledger and the nights of one person
create index attempts_person on attempts (person, id);
-- what a provider tells later
create index attempts_receipt on attempts (receipt) where receipt <> '';
-- what goes on ringing until it is cancelled
create index attempts_ringing on attempts (id) where state = 'ringing';

-- Contacts of which a code came back. The digest is that of the address: another address under the
-- same name is another contact.
create table verified (
    person text not null,
    contact text not null,
    digest text not null,
    at integer not null,
    primary key (person, contact)
);

-- Codes under way, one per contact; hashed, so that who reads the table cannot use them.
create table contact_codes (
    person text not null,
    contact text not null,
    digest text not null,
    code text not null,
    expires_at integer not null,
    -- wrong guesses
    tries integer not null,
    primary key (person, contact)
);
