//! Interactions over HTTP: posted to the application's endpoint with an Ed25519 signature over
//! timestamp and body; the answer's body is the first answer.

use super::DiscordWorld;
use super::interactions::FIRST_ANSWER_MS;
use super::replies::Asked;
use ed25519_dalek::{Signer, SigningKey};
use firebell::engine::Clock;
use serde_json::{Value, json};
use std::time::Duration;

/// How a request is signed; Discord itself sends bad ones to try an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    Right,
    /// By somebody else's key.
    WrongKey,
    /// Signed rightly, then changed on the way.
    Tampered,
    /// Rightly, so many seconds ago.
    Aged(i64),
    /// Not at all.
    Missing,
    /// With something that is no signature.
    Garbage,
}

/// A request to an endpoint, ready to go.
struct Signed {
    body: String,
    headers: Vec<(&'static str, String)>,
}

fn sign(key: &SigningKey, payload: &Value, how: Signing) -> Signed {
    let mut body = payload.to_string();
    let age = if let Signing::Aged(secs) = how {
        secs
    } else {
        0
    };
    let stamp = (Clock::Real.now().0 / 1000 - age).to_string();
    let other = SigningKey::from_bytes(&[9; 32]);
    let key = if how == Signing::WrongKey {
        &other
    } else {
        key
    };
    let signature = key.sign(format!("{stamp}{body}").as_bytes());
    let hex: String = signature
        .to_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    if how == Signing::Tampered {
        body = body.replacen('{', "{ ", 1);
    }
    let headers = match how {
        Signing::Missing => Vec::new(),
        Signing::Garbage => vec![
            ("x-signature-ed25519", "zz".to_owned()),
            ("x-signature-timestamp", stamp),
        ],
        _ => vec![
            ("x-signature-ed25519", hex),
            ("x-signature-timestamp", stamp),
        ],
    };
    Signed { body, headers }
}

async fn send(url: &str, signed: Signed) -> Result<(u16, Value), String> {
    let client = reqwest::Client::builder().no_proxy();
    let client = client.timeout(Duration::from_millis(FIRST_ANSWER_MS as u64));
    let mut request = client.build().unwrap().post(url).body(signed.body);
    request = request.header("content-type", "application/json");
    request = request.header(
        "user-agent",
        "Discord-Interactions/1.0 (+https://discord.com)",
    );
    for (name, value) in signed.headers {
        request = request.header(name, value);
    }
    let late = |e: reqwest::Error| format!("the endpoint did not answer: {e}");
    let answer = request.send().await.map_err(late)?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(late)?;
    Ok((
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    ))
}

impl DiscordWorld {
    /// The key an application checks signatures with, in hex.
    pub fn public_key(&self) -> String {
        let key = self.shared.look(|state| state.key.verifying_key());
        key.as_bytes().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// From now on interactions are posted here and not told by the gateway.
    pub fn uses_endpoint(&self, url: &str) {
        self.shared
            .with(|state| state.endpoint = Some(url.to_owned()));
    }

    /// Tries the endpoint as Discord does when it is entered: status and body of the answer.
    pub async fn pings_endpoint(&self, how: Signing) -> (u16, Value) {
        let (app, id) = self.shared.with(|state| (state.app, state.snowflake()));
        let ping = json!({
            "application_id": app.to_string(), "id": id.to_string(), "token": "ping", "type": 1,
            "version": 1, "entitlements": [], "authorizing_integration_owners": {}, "user": null,
        });
        self.posts(&ping, how).await
    }

    /// Posts any payload, signed like this.
    pub async fn posts(&self, payload: &Value, how: Signing) -> (u16, Value) {
        let (url, key) = self
            .shared
            .look(|state| (state.endpoint.clone(), state.key.clone()));
        let url = url.expect("no endpoint is set");
        send(&url, sign(&key, payload, how)).await.unwrap()
    }
}

impl Asked {
    /// Posts it to the endpoint in a task of its own; the answer is taken as the first answer.
    pub(super) fn post(&self, url: String) {
        let (world, id) = (self.world().clone(), self.id());
        let key = world.shared.look(|state| state.key.clone());
        let signed = sign(&key, &self.payload(), Signing::Right);
        tokio::spawn(async move {
            let answer = send(&url, signed).await;
            world.shared.with(|state| {
                let outcome = match answer {
                    // 202: the answer comes by REST.
                    Ok((202, _)) => Ok(()),
                    Ok((200, body)) if state.interactions[&id].initial.is_none() => state
                        .take_initial(id, &body, &[])
                        .map_err(|p| p.body().to_string()),
                    Ok((200, _)) => Err("answered twice".to_owned()),
                    Ok((status, body)) => Err(format!("the endpoint answered {status}: {body}")),
                    Err(why) => Err(why),
                };
                if let Err(why) = outcome {
                    state.interactions.get_mut(&id).unwrap().refused = Some(why);
                }
            });
        });
    }
}
