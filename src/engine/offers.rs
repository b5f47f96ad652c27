//! An edited policy is offered to the incidents that started with the old one.

use super::Engine;
use crate::core::explain::edited;
use crate::core::incident::Command;

impl Engine {
    /// Tells open incidents whose policy is not what it was at their start; call it after
    /// [`Engine::replace_directory`].
    pub async fn offer_policies(&self) {
        let directory = self.directory();
        for incident in self.open_incidents() {
            let Some(policy) = edited(&incident, &directory) else {
                continue;
            };
            // The same edit is offered once, however often the files are read.
            let said = serde_json::to_vec(policy).unwrap_or_default();
            let cause = format!(
                "policy-edited:{:016x}:{}",
                xxhash_rust::xxh3::xxh3_64(&said),
                incident.id.0
            );
            if let Err(failure) = self
                .submit(&cause, incident.id, Command::PolicyEdited)
                .await
            {
                tracing::debug!(incident.id = incident.id.0, %failure, "an edited policy was not offered");
            }
        }
    }
}
