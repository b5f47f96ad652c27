//! Who somebody is: an immutable account of a platform, a person of the directory, or neither.
//!
//! Only full members act. Whoever cannot be looked up may still page and acknowledge, because
//! paging fails open; asking for actions fails closed.

use crate::chat::heard::{Heard, Profile, Voice};
use crate::core::id::Actor;
use crate::engine::{Engine, person};
use crate::store::LinkRow;

/// Looks people up.
pub(super) struct People {
    engine: Engine,
}

impl People {
    pub(super) fn new(engine: Engine) -> People {
        People { engine }
    }

    /// Who did it. `strict`: refuse when the platform does not tell who that is.
    ///
    /// # Errors
    /// Why this account may not act, in words for its owner.
    pub(super) async fn who(
        &self,
        voice: &dyn Voice,
        heard: &Heard,
        strict: bool,
    ) -> Result<Actor, String> {
        if !heard.room.is_empty()
            && let Ok(channel) = voice.channel(&heard.room).await
            && channel.shared
        {
            return Err(
                "This channel is shared with another organisation, so firebell only shows things here. Use one of your own channels, or a direct message.".to_owned(),
            );
        }
        match voice.profile(&heard.by.id).await {
            Ok(profile) => match &profile.limited {
                Some(why) => Err(format!(
                    "Your account is {why}, so it may look and not act. Ask a full member."
                )),
                None => Ok(self.known(&heard.platform, &profile).await),
            },
            Err(fault) if strict => Err(format!(
                "{} does not tell who you are right now ({fault}), and this needs to know. Try again, or use the console.",
                heard.platform
            )),
            Err(_) => Ok(self.by_account(&heard.platform, &heard.by.id, &heard.by.name)),
        }
    }

    /// Whoever wrote a message: anybody may be quoted.
    pub(super) fn author(&self, heard: &Heard) -> Actor {
        self.by_account(&heard.platform, &heard.by.id, &heard.by.name)
    }

    fn by_account(&self, platform: &str, account: &str, name: &str) -> Actor {
        match self.engine.person_of(platform, account) {
            Some(id) => person(&self.engine.directory(), &id),
            None => Actor::Unlinked {
                id: format!("{platform}:{account}"),
                name: name.to_owned(),
            },
        }
    }

    /// A full member; linked by e-mail where the platform vouches for it.
    async fn known(&self, platform: &str, profile: &Profile) -> Actor {
        let known = self.by_account(platform, &profile.id, &profile.name);
        if known.person().is_some() {
            return known;
        }
        let directory = self.engine.directory();
        let Some(email) = profile.email.as_ref().map(|e| e.to_lowercase()) else {
            return known;
        };
        let mut same = directory
            .people
            .values()
            .filter(|p| p.email.as_ref() == Some(&email));
        let (Some(found), None) = (same.next(), same.next()) else {
            return known;
        };
        // Somebody whose file names another account here is that account.
        if found.identities.contains_key(platform) {
            return known;
        }
        let link = LinkRow {
            platform: platform.to_owned(),
            account: profile.id.clone(),
            person: found.id.clone(),
            at: self.engine.now(),
            how: "email".to_owned(),
        };
        if let Err(failure) = self.engine.link(link).await {
            tracing::warn!(%failure, "an account could not be linked; it will be next time");
        }
        person(&directory, &found.id)
    }
}
