//! What the database keeps beside the files, for commands that ask who is on call: covers people
//! agreed on, contacts they verified, silences, pages. Read beside a running firebell; nothing is written.

use crate::config::{Loaded, Settings};
use crate::core::directory::Directory;
use crate::core::time::Time;
use crate::engine;
use crate::store::{Store, StoreFault};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

/// The database of a configuration, if it is there and can be read.
pub(super) struct Kept(Option<Store>);

/// What a question about coming times is put to: the directory as a running firebell has it.
pub(super) async fn in_force(loaded: &Loaded, now: Time) -> Directory {
    let kept = Kept::of(&loaded.settings).await;
    kept.over(loaded.directory.clone(), now).await
}

impl Kept {
    /// Looks for it; when there is none, says on stderr what the answer does not know.
    pub(super) async fn of(settings: &Settings) -> Kept {
        let why = match Store::look(settings.database_url.expose_secret()).await {
            Ok(Some(store)) => return Kept(Some(store)),
            Ok(None) => "there is no database yet".to_owned(),
            Err(fault) => fault.to_string(),
        };
        missing(&why);
        Kept(None)
    }

    /// The store, for more questions.
    pub(super) fn store(&self) -> Option<&Store> {
        self.0.as_ref()
    }

    /// The directory with what people did put over the files, as a running firebell has it.
    pub(super) async fn over(&self, directory: Directory, now: Time) -> Directory {
        let Some(store) = &self.0 else {
            return directory;
        };
        match read(store, now).await {
            Ok(kept) => {
                let directory = kept.over(directory, now);
                let rested = engine::restored(store, directory.clone(), now).await;
                rested.unwrap_or(directory)
            }
            Err(fault) => {
                missing(&fault.to_string());
                directory
            }
        }
    }
}

/// Stderr that is gone cannot be helped.
fn missing(why: &str) {
    let _ = writeln!(
        std::io::stderr(),
        "note: by the files alone, without covers, silences and verified contacts: {why}"
    );
}

struct Read {
    covers: Vec<crate::store::CoverRow>,
    verified: Vec<crate::store::VerifiedRow>,
    silences: Vec<crate::core::silence::Silence>,
}

async fn read(store: &Store, now: Time) -> Result<Read, StoreFault> {
    Ok(Read {
        covers: store.covers().await?,
        verified: store.verified().await?,
        silences: store.live_silences(now).await?,
    })
}

impl Read {
    fn over(self, directory: Directory, now: Time) -> Directory {
        let silences: BTreeMap<_, _> = self
            .silences
            .into_iter()
            .map(|s| (s.id.clone(), Arc::new(s)))
            .collect();
        let directory = Directory {
            silences: Arc::new(silences),
            ..engine::overlay(directory, self.verified)
        };
        engine::covered(directory, self.covers, now)
    }
}
