//! firebell's own adapters, a real engine on SQLite, and Slack and Discord as others emulate them.
//!
//! Our stand-ins (`slack_world`, `discord_world`) were written by whoever wrote the adapters; a
//! misunderstanding would be in both. These emulators were not: `emulate` (its Slack) and
//! `discord-digital-twin`, from npm. A story ends with their own state, read through their own API, and
//! with the calls they refused, of which there may be none but the gaps below.
//!
//! `.ci/run` shows how they are installed, below `target/emulators`. What they lack, and nothing here
//! asserts:
//!
//! * `emulate` 0.11.2: reads are taken by POST only ([`front`] makes POSTs of our GETs); no Socket
//!   Mode, no commands, buttons or sent forms, and events without a signature, so nothing is heard; no
//!   `x-oauth-scopes` header, so no scope is seen missing; `oldest` and `latest` of a history are
//!   ignored, so no message is looked up; blocks are kept and not checked; no rate limits.
//! * `discord-digital-twin` 0.1.1: no pins, no `GET /gateway` (its address is configured), no list of a
//!   guild's commands ([`front`] says there are none yet), no beginning of a direct conversation
//!   ([`front`] answers with one made beforehand, in which the twin keeps the page); roles without `colors`, so serenity does not understand `GUILD_CREATE`; its `PUT` of commands
//!   forgets all but name, description and options; nonces are kept and not enforced; ephemeral answers
//!   are messages like others; no file uploads, resumes or rate limits.

mod discord;
mod emulator;
mod front;
mod slack;
mod stage;
