//! A postmortem as a file in a channel of Discord: a message with one attachment, made once and edited
//! after that (discord.com/developers, "Create Message", "Edit Message", "Uploading Files").
//!
//! Promise: one message per incident, that mentions nobody. The file's name is our mark; an answer that
//! was lost on its way is found again by it.

use super::http::{Client, never};
use super::{Document, Landed};
use crate::chat::Fault;
use crate::core::digest::sha256;
use crate::core::text::cut;
use reqwest::Method;
use serde_json::{Value, json};

/// Messages of the channel that are looked through for ours.
const LOOKED_AT: &str = "100";
/// Bytes of a file every channel takes.
const FILE_BYTES: usize = 10 << 20;

/// Posts the file, or replaces it.
pub(super) async fn file(
    client: &Client,
    channel: &str,
    document: &Document,
) -> Result<Landed, Fault> {
    let name = format!("firebell-incident-{:05}.md", document.incident);
    if document.markdown.len() > FILE_BYTES {
        return Err(never(format!(
            "the document has {} bytes, and Discord takes {FILE_BYTES}; it is at {}",
            document.markdown.len(),
            document.url
        )));
    }
    let messages = format!("/channels/{channel}/messages");
    let known = match message_of(&document.known, channel) {
        Some(id) => Some(id),
        None => found(client, &messages, &name).await?,
    };
    let payload = json!({
        "content": format!("Postmortem of incident {}: {}\n<{}>", document.incident, plain(&document.title), document.url),
        "allowed_mentions": {"parse": []},
        "attachments": [{"id": 0, "filename": name}],
    });
    let form = form(&payload, &name, document.markdown.as_bytes());
    let message = match known {
        Some(id) => {
            client
                .put(Method::PATCH, &format!("{messages}/{id}"), form)
                .await?
        }
        None => client.put(Method::POST, &messages, form).await?,
    };
    let id = message["id"]
        .as_str()
        .filter(|id| id.chars().all(|c| c.is_ascii_digit()))
        .ok_or_else(|| never("Discord's answer has no `id`".to_owned()))?;
    // A message of a guild is found by its channel and id; the guild's id is not in the answer of a bot.
    let guild = message["guild_id"].as_str().unwrap_or("@me");
    Ok(Landed {
        url: format!("https://discord.com/channels/{guild}/{channel}/{id}"),
        state: "posted".to_owned(),
        closed: false,
    })
}

async fn found(client: &Client, messages: &str, name: &str) -> Result<Option<String>, Fault> {
    let query = [("limit", LOOKED_AT)];
    let listed = client.ask(Method::GET, messages, &query, None).await?;
    let ours = |m: &&Value| {
        let mut files = m["attachments"].as_array().into_iter().flatten();
        m["author"]["bot"] == true && files.any(|f| f["filename"] == name)
    };
    let mut all = listed.as_array().into_iter().flatten();
    Ok(all
        .find(ours)
        .and_then(|m| m["id"].as_str())
        .map(str::to_owned))
}

/// The id at the end of a message's address in this channel.
fn message_of(url: &str, channel: &str) -> Option<String> {
    let (_, id) = url.split_once(&format!("/{channel}/"))?;
    let good = !id.is_empty() && id.chars().all(|c| c.is_ascii_digit());
    good.then(|| id.to_owned())
}

/// Text that Discord reads as text: a title comes from an alert.
fn plain(title: &str) -> String {
    cut(title, 200).chars().fold(String::new(), |mut out, c| {
        if "\\*_~`|<>@#[]()-".contains(c) {
            out.push('\\');
        }
        out.push(c);
        out
    })
}

/// `multipart/form-data` (RFC 7578) of the two parts Discord wants.
fn form(payload: &Value, name: &str, file: &[u8]) -> (String, Vec<u8>) {
    // In no file whose digest it is.
    let boundary = format!("firebell-{}", &sha256(file)[..32]);
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{payload}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"{name}\"\r\nContent-Type: text/markdown; charset=utf-8\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_by_the_end_of_its_address_in_its_channel() {
        let url = "https://discord.com/channels/1/234/567";
        assert_eq!(message_of(url, "234").as_deref(), Some("567"));
        assert_eq!(message_of(url, "235"), None);
        assert_eq!(
            message_of("https://discord.com/channels/1/234/x", "234"),
            None
        );
    }

    #[test]
    fn no_title_mentions_or_marks_up_anything() {
        assert_eq!(
            plain("@everyone **x** <@1> [a](b)"),
            "\\@everyone \\*\\*x\\*\\* \\<\\@1\\> \\[a\\]\\(b\\)"
        );
    }
}
