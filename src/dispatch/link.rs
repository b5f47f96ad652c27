//! Linking an account of a chat platform to a person of the directory by a one-time code.
//!
//! The unknown account gets the code; a known one enters it and is shown whose it is before
//! anything is linked, so that nobody can be talked into letting a stranger act as them by typing
//! a code unseen.

use super::{Desk, Reply};
use crate::core::id::Actor;
use crate::store::{ChangeSet, LinkCodeRow, LinkRow};
use sha2::{Digest, Sha256};

/// How long a code is good for: long enough to change windows.
const CODE_MS: i64 = 5 * 60_000;
/// Characters of a code; 40 bits, for five minutes, and only for people who are known already.
const CODE_CHARS: usize = 10;

impl Desk<'_> {
    pub(super) async fn link(&self, code: Option<String>, confirmed: bool) -> Reply {
        match (code, &self.who) {
            (None, Actor::Unlinked { id, name }) => self.give_code(id, name).await,
            (None, Actor::Person { name, .. }) => Reply::yes(
                None,
                format!("You are {name} here. To link another account of yours, write `link` with it and enter its code here."),
            ),
            (Some(code), Actor::Person { id, name }) => {
                self.take_code(&code, id, name, confirmed).await
            }
            (Some(_), _) => Reply::no(
                None,
                "A code is entered where firebell knows you; here it does not. Write `link` alone to get one for this account.".to_owned(),
            ),
            (None, _) => Reply::no(None, "Only people have accounts to link.".to_owned()),
        }
    }

    async fn give_code(&self, id: &str, name: &str) -> Reply {
        let Some((platform, account)) = id.split_once(':') else {
            return Reply::no(None, "This account cannot be linked.".to_owned());
        };
        let mut code = uuid::Uuid::new_v4().simple().to_string().to_uppercase();
        code.truncate(CODE_CHARS);
        let row = LinkCodeRow {
            code: digest(&code),
            platform: platform.to_owned(),
            account: account.to_owned(),
            name: name.to_owned(),
            expires_at: self.now.plus_ms(CODE_MS),
        };
        let changes = ChangeSet {
            link_codes: vec![row],
            link_codes_old: Some(self.now),
            ..ChangeSet::default()
        };
        match self.engine.write(changes).await {
            Ok(()) => Reply::yes(
                None,
                format!(
                    "firebell does not know this account yet. Within five minutes write `link {code}` where it knows you: in the console, or on another chat platform. Or have your id `{account}` added to your file under identities.{platform}."
                ),
            ),
            Err(failure) => Reply::no(None, failure.to_string()),
        }
    }

    async fn take_code(&self, code: &str, person: &str, name: &str, confirmed: bool) -> Reply {
        let hash = digest(&code.to_uppercase());
        let found = match self.engine.store().link_code(&hash).await {
            Ok(found) => found,
            Err(fault) => return super::unreadable(None, &fault),
        };
        let Some(row) = found.filter(|row| row.expires_at > self.now) else {
            return Reply::no(
                None,
                "This code is not known, used, or older than five minutes. Write `link` with the other account to get a new one.".to_owned(),
            );
        };
        let whose = format!(
            "the {} account “{}” ({})",
            row.platform, row.name, row.account
        );
        if !confirmed {
            return Reply::yes(
                None,
                format!(
                    "This code belongs to {whose}. Whoever uses that account will act as {name}. If it is yours, write `link {code} confirm`; if somebody gave you the code, do not."
                ),
            );
        }
        let used = ChangeSet {
            link_codes: vec![LinkCodeRow {
                expires_at: self.now,
                ..row.clone()
            }],
            link_codes_old: Some(self.now),
            ..ChangeSet::default()
        };
        // Used up first: a crash in between costs a new code and not a second use.
        if let Err(failure) = self.engine.write(used).await {
            return Reply::no(None, failure.to_string());
        }
        let link = LinkRow {
            platform: row.platform,
            account: row.account,
            person: person.to_owned(),
            at: self.now,
            how: "code".to_owned(),
        };
        match self.engine.link(link).await {
            Ok(()) => Reply::yes(None, format!("Done: {whose} is {name} from now on.")),
            Err(failure) => Reply::no(None, failure.to_string()),
        }
    }
}

/// Case does not matter: people type it from a screen.
fn digest(code: &str) -> String {
    Sha256::digest(code.trim().as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
