//! Contacts from the command line: `verify` a contact by a code, and `page me` to try them all.

use super::{Desk, Reply};
use crate::core::text::{count, list};
use crate::engine::Tested;
use crate::notify::Try;

impl Desk<'_> {
    pub(super) async fn verify(&self, contact: String, code: Option<String>) -> Reply {
        let Some(who) = self.who.person() else {
            return stranger();
        };
        match code {
            None => match self.engine.send_code(who, &contact).await {
                Ok(()) => Reply::yes(
                    None,
                    format!(
                        "A code is on its way to `{contact}`. Within ten minutes write `verify {contact} CODE` here."
                    ),
                ),
                Err(failure) => Reply::no(None, failure.to_string()),
            },
            Some(code) => match self.engine.enter_code(who, &contact, &code).await {
                Ok(()) => Reply::yes(
                    None,
                    format!("Done: `{contact}` is verified and will be used to wake you."),
                ),
                Err(failure) => Reply::no(None, failure.to_string()),
            },
        }
    }

    pub(super) async fn test_page(&self) -> Reply {
        let Some(who) = self.who.person() else {
            return stranger();
        };
        let tested = match self.engine.test_page(who).await {
            Ok(tested) if tested.is_empty() => {
                let none = "You have no contacts, so you cannot be woken. Add some to your file.";
                return Reply::no(None, none.to_owned());
            }
            Ok(tested) => tested,
            Err(failure) => return Reply::no(None, failure.to_string()),
        };
        let good = tested.iter().filter(|t| t.tried.outcome.is_ok()).count();
        let mut lines = vec![format!(
            "A test page was sent: {good} of {} took it. Look whether it arrives.",
            count(tested.len(), "contact")
        )];
        lines.extend(tested.iter().map(line));
        let text = lines.join("\n");
        if good == tested.len() {
            Reply::yes(None, text)
        } else {
            Reply::no(None, text)
        }
    }
}

fn stranger() -> Reply {
    let how =
        "firebell does not know who you are, so it cannot know your contacts. Write `link` first.";
    Reply::no(None, how.to_owned())
}

/// `phone (sms): taken by twilio in 210 ms`, and how to verify it when it is not.
fn line(tested: &Tested) -> String {
    let one = |t: &Try| match &t.outcome {
        Ok(_) => format!("taken by {} in {} ms", t.provider, t.latency_ms),
        Err(fault) => format!(
            "{} failed after {} ms: {}",
            t.provider, t.latency_ms, fault.why
        ),
    };
    let mut parts: Vec<String> = tested.tried.tries.iter().map(one).collect();
    if parts.is_empty()
        && let Err(fault) = &tested.tried.outcome
    {
        parts.push(fault.why.clone());
    }
    let name = &tested.contact;
    let verify = if tested.verified {
        String::new()
    } else {
        format!("; not verified: write `verify {name}`")
    };
    format!("{name} ({}): {}{verify}", tested.kind, list(&parts))
}
