//! What people ask of the switches of automation.

use super::{Engine, Failure, desk};
use crate::core::brakes::Switches;
use crate::core::directory::Directory;
use crate::core::id::Actor;
use std::sync::Arc;

/// Somebody turns off what runs by itself, or on again.
#[derive(Clone, Debug)]
pub struct AutomationAct {
    /// The act; told twice, done once.
    pub cause: String,
    /// Who.
    pub by: Actor,
    /// Id of an action; `None`: everything.
    pub action: Option<String>,
    /// On; else off.
    pub on: bool,
    /// Why, in their words.
    pub why: String,
}

impl Engine {
    /// Readers see from now on what runs by itself.
    pub(super) fn put_switches(&self, switches: &Arc<Switches>) {
        self.0.directory.rcu(|now| Directory {
            switches: switches.clone(),
            ..Directory::clone(now)
        });
    }

    /// Turns off what runs by itself, or on again: everything, or one action. When this returns, it
    /// is durable and in force; the answer says so.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn automate(&self, act: AutomationAct) -> Result<String, Failure> {
        self.ask(|reply| desk::Job::Automate { act, reply }).await
    }
}
