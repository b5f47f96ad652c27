//! firebell's own adapters, a real engine on SQLite, and Slack and Discord as others emulate them.
//!
//! Our stand-ins (`slack_world`, `discord_world`) were written by whoever wrote the adapters; a
//! misunderstanding would be in both. These emulators were not: `emulate` (its Slack) and
//! `discord-digital-twin`, from npm. A story ends with their own state, read through their own API, and
//! with the calls they refused, of which there may be none but the gaps below.
//!
//! `.ci/run` shows how they are installed, below `target/emulators`; the drivers are in
//! `tests/emulators`. What they lack, and nothing here asserts:
//!
//! * `emulate` 0.11.2: most reads are taken by POST only ([`front`] makes POSTs of our GETs); no Socket
//!   Mode, no commands, buttons or sent forms, and events without a signature, so nothing is heard; no
//!   `x-oauth-scopes` header, so no scope is seen missing (they are enforced, though); `oldest` and
//!   `latest` of a history are ignored, so no message is looked up; blocks are kept and not checked; no
//!   rate limits.
//! * `discord-digital-twin` 0.1.1: no pins, and so no links below a card; no `GET /gateway` (its address
//!   is configured); no list of a guild's commands ([`front`] says there are none yet), and of those it
//!   is given it keeps name, type, description and options; no beginning of a direct conversation
//!   ([`front`] answers with one made beforehand, in which the twin keeps the page); roles without
//!   `colors`, so serenity does not understand `GUILD_CREATE`; nonces are kept and not enforced; answers
//!   for one pair of eyes are messages like others; no menus, completions, files or resumes; the same
//!   rate-limit headers everywhere and never a 429.

mod discord;
mod emulator;
mod front;
mod slack;
mod stage;
