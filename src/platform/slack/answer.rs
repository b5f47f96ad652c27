//! Answers to whoever did something, files, forms and the Home tab.
//!
//! A `response_url` is taken first: it works in channels firebell is not in. It is good five times
//! within thirty minutes, and an act is answered once; after that, and where there is none, the
//! answer is a message only its reader sees, or a direct one. Addresses that come in payloads lead
//! only to Slack: what is posted there must not go anywhere else.

use super::Slack;
use super::api::Failed;
use super::post::message;
use super::render::{self, Drawn};
use super::view;
use crate::chat::Retry;
use crate::chat::form::Form;
use crate::chat::heard::{Heard, Home, Said};
use serde_json::{Value, json};

/// How long a `response_url` is good, milliseconds; a minute less than Slack says.
const GOOD_MS: i64 = 29 * 60_000;
/// The person or the channel cannot be reached that way; a direct message still can.
const ELSEWHERE: [&str; 6] = [
    "user_not_in_channel",
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "user_not_found",
    "restricted_action",
];

impl Slack {
    /// Answers whoever did it.
    pub(super) async fn reply(&self, heard: &Heard, said: &Said) -> Result<(), Failed> {
        let mut said = said.clone();
        if let Some((name, content)) = said.document.take() {
            said.text = match self
                .hand_over(&heard.by.id, &name, &content, &said.text)
                .await
            {
                Ok(()) => format!("{} {name} is in your messages with firebell.", said.text),
                Err(failed) => {
                    let why = failed.fault.why;
                    tracing::warn!(
                        platform = self.name(),
                        why,
                        "a file could not be handed over"
                    );
                    format!(
                        "{} The file could not be sent ({why}); the link has it.",
                        said.text
                    )
                }
            };
        }
        if let Some(url) = heard.reply_to.get("url")
            && self.engine.now().since_ms(heard.at) < GOOD_MS
        {
            let drawn = render::said(&said, &self.signer(&heard.room));
            match self.respond(url, &drawn, said.aloud).await {
                Ok(()) => return Ok(()),
                // Somebody may read it twice; everybody should not.
                Err(failed) if said.aloud && failed.fault.retry == Retry::Backoff => {
                    return Err(failed);
                }
                Err(failed) => {
                    let why = failed.fault.why;
                    tracing::info!(platform = self.name(), why, "an answer goes another way");
                }
            }
        }
        self.reply_in_room(heard, &said).await
    }

    async fn reply_in_room(&self, heard: &Heard, said: &Said) -> Result<(), Failed> {
        let (room, user) = (heard.room.as_str(), heard.by.id.as_str());
        if room.is_empty() || room.starts_with('D') {
            return self.reply_directly(user, said).await;
        }
        let drawn = render::said(said, &self.signer(room));
        let mut body = message(room, &drawn);
        if let Some(thread) = heard.reply_to.get("thread") {
            body["thread_ts"] = json!(thread);
        }
        let done = if said.aloud {
            self.call_in(room, "chat.postMessage", &body).await
        } else {
            if let Some(body) = body.as_object_mut() {
                body.retain(|name, _| !name.starts_with("unfurl_"));
            }
            body["user"] = json!(user);
            self.call_in(room, "chat.postEphemeral", &body).await
        };
        match done {
            Err(f) if ELSEWHERE.contains(&f.code.as_str()) => self.reply_directly(user, said).await,
            done => done.map(drop),
        }
    }

    async fn reply_directly(&self, user: &str, said: &Said) -> Result<(), Failed> {
        let channel = self.direct(user).await?;
        let drawn = render::said(said, &self.signer(&channel));
        let body = message(&channel, &drawn);
        self.call_in(&channel, "chat.postMessage", &body)
            .await
            .map(drop)
    }

    async fn respond(&self, url: &str, drawn: &Drawn, aloud: bool) -> Result<(), Failed> {
        if !self.is_slacks(url) {
            return Err(Failed::own(
                "the address to answer to is not Slack's",
                Retry::Never,
            ));
        }
        let kind = if aloud { "in_channel" } else { "ephemeral" };
        let body = json!({
            "response_type": kind,
            "replace_original": false,
            "text": drawn.text,
            "blocks": drawn.blocks,
        });
        let sent = self.net.http.post(url).json(&body).send().await;
        let answer = sent.map_err(|_| Failed::unclear("response_url", "no answer in time"))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        if status.is_server_error() {
            return Err(Failed::unclear("response_url", &format!("HTTP {status}")));
        }
        let why = format!("Slack's response_url: HTTP {}", status.as_u16());
        Err(Failed::own(why, Retry::Never))
    }

    /// Whether an address leads to Slack, or to what stands for it in the configuration.
    fn is_slacks(&self, url: &str) -> bool {
        leads_to_slack(url, &self.net.api_url)
    }

    /// Sends a file to somebody directly.
    async fn hand_over(
        &self,
        user: &str,
        name: &str,
        content: &str,
        comment: &str,
    ) -> Result<(), Failed> {
        let channel = self.direct(user).await?;
        let params = [
            ("filename", name.to_owned()),
            ("length", content.len().to_string()),
        ];
        let place = self.read("files.getUploadURLExternal", &params).await?;
        let url = place["upload_url"].as_str().unwrap_or_default();
        if !self.is_slacks(url) {
            return Err(Failed::own(
                "the address to upload to is not Slack's",
                Retry::Never,
            ));
        }
        let sent = self.net.http.post(url).body(content.to_owned());
        let sent = sent
            .header("content-type", "application/octet-stream")
            .send()
            .await
            .map_err(|_| Failed::unclear("upload", "no answer in time"))?;
        if !sent.status().is_success() {
            let status = sent.status().as_u16();
            return Err(Failed::unclear("upload", &format!("HTTP {status}")));
        }
        let body = json!({
            "files": [{"id": place["file_id"], "title": name}],
            "channel_id": channel,
            "initial_comment": super::text::fit(comment, 1000, super::text::escape),
        });
        self.call("files.completeUploadExternal", &body)
            .await
            .map(drop)
    }

    /// Opens a form in front of whoever did it.
    pub(super) async fn open_form(&self, heard: &Heard, form: &Form) -> Result<(), Failed> {
        let Some(trigger) = heard.reply_to.get("trigger") else {
            return Err(Failed::own(
                "Slack opens a form only at a command or a button",
                Retry::Never,
            ));
        };
        let key = self.engine.button_key();
        let Some(token) = form.token(&key, self.name(), &heard.by.id) else {
            return Err(Failed::own("the form's names are too long", Retry::Never));
        };
        let view = view::modal(form, &token, &heard.room);
        let body = json!({"trigger_id": trigger, "view": view});
        self.call("views.open", &body).await.map(drop)
    }

    /// Draws somebody's Home tab.
    pub(super) async fn publish_home(&self, user: &str, home: &Home) -> Result<(), Failed> {
        let body: Value = json!({"user_id": user, "view": view::home(home)});
        self.call("views.publish", &body).await.map(drop)
    }
}

/// Whether an address leads to Slack, or to the host `api_url` names, in the same way as it does.
fn leads_to_slack(url: &str, api_url: &str) -> bool {
    let parse = |text: &str| text.parse::<reqwest::Url>().ok();
    let (Some(url), Some(api)) = (parse(url), parse(api_url)) else {
        return false;
    };
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let host = url.host_str().unwrap_or_default();
    let same = url.scheme() == api.scheme()
        && url.host_str() == api.host_str()
        && url.port_or_known_default() == api.port_or_known_default();
    let slack = url.scheme() == "https"
        && url.port().is_none()
        && (host == "slack.com" || host.ends_with(".slack.com"));
    same || slack
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_to_slack_and_nowhere_else() {
        let real = "https://slack.com/api";
        for good in [
            "https://hooks.slack.com/commands/T1/2/x",
            "https://files.slack.com/upload/v1/x",
            "https://slack.com/x",
        ] {
            assert!(leads_to_slack(good, real), "{good}");
        }
        for bad in [
            "http://hooks.slack.com/x",
            "https://hooks.slack.com.evil.example/x",
            "https://evilslack.com/x",
            "https://a@hooks.slack.com/x",
            "https://hooks.slack.com:8443/x",
            "https://169.254.169.254/latest",
            "file:///etc/passwd",
            "",
        ] {
            assert!(!leads_to_slack(bad, real), "{bad}");
        }
        let local = "http://127.0.0.1:4100/api";
        assert!(leads_to_slack("http://127.0.0.1:4100/hooks/x", local));
        assert!(!leads_to_slack("http://127.0.0.1:22/hooks/x", local));
    }
}
