//! `[summary]`: a language model that may propose a summary. Off unless it is written down.

use super::chat::{self, Net};
use super::reader::Table;
use super::secret::Secrets;
use secrecy::SecretString;

/// A model on a small machine takes its time.
const TIMEOUT_MS: i64 = 60_000;
/// Characters of a timeline that are sent, when nothing is said.
const INPUT_CHARS: usize = 60_000;
/// Tokens of an answer.
const TOKENS: i64 = 1_000;

/// What is asked, and how.
#[derive(Clone, Debug)]
pub struct Model {
    /// How its API is reached: `/chat/completions` below it.
    pub net: Net,
    /// What it is asked with; none: a model of one's own.
    pub key: Option<SecretString>,
    /// Its name.
    pub model: String,
    /// Characters of a timeline that are sent.
    pub input_chars: usize,
    /// Tokens of an answer.
    pub tokens: i64,
    /// Timelines of private incidents may be sent too.
    pub private: bool,
}

impl Model {
    /// The machine it is on, for people.
    #[must_use]
    pub fn host(&self) -> String {
        super::settings::web_address(&self.net.api_url).unwrap_or_default()
    }
}

/// `[summary]`.
pub(super) fn summary(root: &Table<'_>, secrets: &Secrets<'_>) -> Option<Model> {
    let table = root.table("summary", "[summary]")?;
    if !table.has("api-url") {
        table.missing("api-url", "\"http://127.0.0.1:11434/v1\"");
    }
    let mut net = chat::net(&table, secrets, "https://api.openai.com/v1", 1000);
    if !table.has("timeout") {
        net.timeout_ms = TIMEOUT_MS;
    }
    let key = chat::secret(&table, secrets, "key", false);
    let model = table.need_text("model", "\"llama3.1:8b\"");
    let input = table.bytes("input-chars", 1_000..=1_000_000);
    let tokens = table.int("max-tokens", 50..=8_000);
    let private = table.flag("private").unwrap_or(false);
    table.done();
    Some(Model {
        net,
        key,
        model: model?.value,
        input_chars: input.unwrap_or(INPUT_CHARS),
        tokens: tokens.unwrap_or(TOKENS),
        private,
    })
}
