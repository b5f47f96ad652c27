//! Asking a language model through the chat-completions API that `OpenAI` published and others speak.
//!
//! Promises: one question, one answer, no tools, nothing it says is carried out; a time limit and a
//! limit on the answer; the key travels in a header and stands in no error.

use super::http::{Client, never};
use crate::chat::Fault;
use crate::config::summary::Model;
use crate::core::summary::Prompt;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::json;

/// A model that can be asked.
#[derive(Clone, Debug)]
pub struct Oracle {
    client: Client,
    /// As configured.
    pub settings: Model,
}

impl Oracle {
    /// From the configuration.
    ///
    /// # Errors
    /// In words, when a proxy, a certificate or the key cannot be used.
    pub fn new(settings: &Model) -> Result<Oracle, String> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(key) = &settings.key {
            let bearer = format!("Bearer {}", key.expose_secret());
            let mut value = HeaderValue::from_str(&bearer)
                .map_err(|_| "the key of [summary] has a character no header can hold")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Oracle {
            client: Client::with(&settings.net, "summary", "the model", headers)?,
            settings: settings.clone(),
        })
    }

    /// Asks, and answers what the model wrote.
    ///
    /// # Errors
    /// In words.
    pub async fn ask(&self, prompt: &Prompt) -> Result<String, Fault> {
        let body = json!({
            "model": self.settings.model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "temperature": 0,
            "max_tokens": self.settings.tokens,
            "stream": false,
        });
        let path = "/chat/completions";
        let answer = self
            .client
            .ask(Method::POST, path, &[], Some(&body))
            .await?;
        let content = answer.pointer("/choices/0/message/content");
        content
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| {
                never("the model's answer has no `choices[0].message.content`".to_owned())
            })
    }
}
