//! Contacts: which of them are verified, codes, test pages, and the links by which a page is
//! acknowledged.
//!
//! Promises: a code is sent to the address as configured now, and an address that changes is
//! unverified again; a code is good once, for ten minutes and five guesses; a link says who it was
//! made for and cannot be made up. Nothing here decides about an incident.

use super::{Change, Counter, Engine, Failure};
use crate::chat::{self, Card, Chat, Fault, Retry};
use crate::core::digest;
use crate::core::directory::{Contact, ContactKind, Directory, Person};
use crate::core::id::{IncidentId, Seq};
use crate::core::incident::{Command, Incident, Refusal};
use crate::core::time::Time;
use crate::notify::{self, Message, Notifiers, Receipt, Tried, Try, What};
use crate::store::{AttemptRow, ChangeSet, ContactCodeRow, RINGING, ReceiptChange, VerifiedRow};
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// How long a code is good for.
const CODE_MS: i64 = 10 * 60_000;
/// From one code to a contact to the next.
const CODE_EVERY_MS: i64 = 60_000;
/// Wrong guesses of a code of six digits.
const GUESSES: i64 = 5;
/// How long a link acknowledges: longer than any page is open.
const LINK_MS: i64 = 7 * 86_400_000;
/// What sealed links are for; part of what is signed.
const LINK: &str = "acknowledge";
/// For one try of a test page by webhook.
const PATIENCE: Duration = Duration::from_secs(10);

/// Verified contacts: person and contact name to the digest of the address.
pub(super) type Verified = BTreeMap<(String, String), String>;

/// What a link acknowledges, and for whom it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckLink {
    /// Directory id.
    pub person: String,
    /// The contact it was sent to.
    pub contact: String,
    /// Not after.
    pub expires: Time,
    /// Everything the message was about, with the fact that paged; links of older versions have none.
    pub incidents: Vec<(IncidentId, Option<Seq>)>,
}

impl AckLink {
    /// Whether an incident was over and opened again since the message about it was sent.
    #[must_use]
    pub fn is_past(&self, incident: &Incident) -> bool {
        let Some((seq, at)) = incident.reopened else {
            return false;
        };
        let of = self.incidents.iter().find(|(id, _)| *id == incident.id);
        match of.and_then(|(_, paged)| *paged) {
            Some(paged) => paged < seq,
            None => self.expires.plus_ms(-LINK_MS) < at,
        }
    }
}

/// What came of a test page to one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// Its name.
    pub contact: String,
    /// `sms`, `slack`, …
    pub kind: String,
    /// A code came back from it, or none is needed.
    pub verified: bool,
    /// Every try, and what came of it.
    pub tried: Tried,
}

impl Engine {
    /// Sends through these providers from now on; what is on its way stays with those it left by.
    /// Call before [`Engine::deliver_through`] for the first time.
    pub fn notify_through(&self, notifiers: Notifiers) {
        self.0.notifiers.store(Arc::new(notifiers));
    }

    /// The providers.
    #[must_use]
    pub fn notifiers(&self) -> Arc<Notifiers> {
        self.0.notifiers.load_full()
    }

    /// Marks in a directory what is not verified.
    pub(super) fn overlay(&self, directory: Directory) -> Directory {
        let verified = self.0.verified.read();
        let verified = verified.unwrap_or_else(PoisonError::into_inner);
        overlaid(directory, &verified)
    }

    /// A contact of a person; a refusal names those there are.
    fn contact_of(&self, person: &str, contact: &str) -> Result<(Person, Contact), Refusal> {
        let directory = self.directory();
        let invalid = |why: String| Refusal::Invalid { why };
        let person = directory
            .people
            .get(person)
            .ok_or_else(|| invalid("Only people of the directory have contacts.".to_owned()))?;
        let named = person.contacts.iter().find(|c| c.name == contact);
        let named = named.cloned().ok_or_else(|| {
            let names: Vec<String> = person
                .contacts
                .iter()
                .map(|c| format!("`{}`", c.name))
                .collect();
            let there_are = match names.as_slice() {
                [] => "You have none; add some to your file.".to_owned(),
                names => format!("You have {}.", crate::core::text::list(names)),
            };
            invalid(format!("You have no contact `{contact}`. {there_are}"))
        })?;
        Ok((person.clone(), named))
    }

    /// Sends a code to a contact.
    ///
    /// # Errors
    /// A refusal in words, also when the code could not be sent; `Unavailable` when nothing could be stored.
    pub async fn send_code(&self, person: &str, contact: &str) -> Result<(), Failure> {
        let (person, contact) = self.contact_of(person, contact)?;
        let Some(digest) = digest(&contact.kind) else {
            let what = format!("`{}` needs no code: it works as it is.", contact.name);
            return Err(Refusal::NothingToDo { what }.into());
        };
        let now = self.now();
        let known = self.store().contact_code(&person.id, &contact.name).await;
        let known = known?;
        let lately = |c: &ContactCodeRow| c.expires_at > now.plus_ms(CODE_MS - CODE_EVERY_MS);
        if known.as_ref().is_some_and(lately) {
            let what = "A code was sent less than a minute ago; it is still good.".to_owned();
            return Err(Refusal::NothingToDo { what }.into());
        }
        // Version 4 UUIDs are drawn from the operating system's generator.
        let number = uuid::Uuid::new_v4().as_u128() % 1_000_000;
        let code = format!("{number:06}");
        let row = ContactCodeRow {
            person: person.id.clone(),
            contact: contact.name.clone(),
            digest,
            code: digest::sha256(code.as_bytes()),
            expires_at: now.plus_ms(CODE_MS),
            tries: 0,
        };
        // Stored first: a code nobody can enter is worse than one nobody got.
        self.write(ChangeSet {
            contact_codes: vec![row],
            ..ChangeSet::default()
        })
        .await?;
        let tried = self
            .try_out(&person, &contact, What::Code(code), "code")
            .await;
        tried.outcome.map_err(|fault| {
            let why = format!(
                "The code could not be sent to `{}`: {}.",
                contact.name, fault.why
            );
            Refusal::Invalid { why }.into()
        })
    }

    /// Takes a code that was entered: the contact is verified from now on.
    ///
    /// # Errors
    /// A refusal in words, or `Unavailable` when nothing could be stored.
    pub async fn enter_code(&self, person: &str, contact: &str, code: &str) -> Result<(), Failure> {
        let (person, contact) = self.contact_of(person, contact)?;
        let known = self.store().contact_code(&person.id, &contact.name).await;
        let known = known?;
        let now = self.now();
        let usable = |c: &ContactCodeRow| {
            c.expires_at > now
                && c.tries < GUESSES
                && Some(&c.digest) == digest(&contact.kind).as_ref()
        };
        let Some(row) = known.filter(usable) else {
            let why = format!(
                "There is no code under way to `{0}`: it was used, is older than ten minutes, or was guessed wrong too often. Write `verify {0}` for a new one.",
                contact.name
            );
            return Err(Refusal::Invalid { why }.into());
        };
        let right: bool = digest::sha256(code.trim().as_bytes())
            .as_bytes()
            .ct_eq(row.code.as_bytes())
            .into();
        let spent = ContactCodeRow {
            tries: if right { GUESSES } else { row.tries + 1 },
            ..row.clone()
        };
        let verified = right.then(|| VerifiedRow {
            person: person.id.clone(),
            contact: contact.name.clone(),
            digest: row.digest.clone(),
            at: now,
        });
        self.write(ChangeSet {
            contact_codes: vec![spent],
            verified: verified.into_iter().collect(),
            ..ChangeSet::default()
        })
        .await?;
        if !right {
            let why = "That is not the code. Nothing was changed.".to_owned();
            return Err(Refusal::Invalid { why }.into());
        }
        {
            let verified = self.0.verified.write();
            let mut verified = verified.unwrap_or_else(PoisonError::into_inner);
            verified.insert((person.id, contact.name), row.digest);
        }
        // What is in force stays so; only the marks are drawn anew.
        self.0
            .directory
            .rcu(|now| self.overlay(now.as_ref().clone()));
        self.announce(Change::Directory);
        Ok(())
    }

    /// Sends a test page through every contact of a person, and tells what came of each.
    ///
    /// # Errors
    /// When there is no such person.
    pub async fn test_page(&self, person: &str) -> Result<Vec<Tested>, Failure> {
        let directory = self.directory();
        let found = directory.people.get(person).cloned();
        let person = found.ok_or_else(|| Refusal::Invalid {
            why: "Only people of the directory have contacts.".to_owned(),
        })?;
        let one = async |contact: &Contact| Tested {
            contact: contact.name.clone(),
            kind: contact.kind.word().to_owned(),
            verified: !directory.is_unverified(&person.id, &contact.name),
            tried: self.try_out(&person, contact, What::Test, "test").await,
        };
        Ok(futures_util::future::join_all(person.contacts.iter().map(one)).await)
    }

    /// Sends something that is no page, and writes it to the ledger.
    async fn try_out(
        &self,
        person: &Person,
        contact: &Contact,
        what: What,
        purpose: &str,
    ) -> Tried {
        let began = self.now();
        let key = format!("{purpose}:{}", uuid::Uuid::new_v4().simple());
        let tried = self.carry(person, contact, what, key).await;
        let rows = attempts(
            &tried,
            &AttemptRow {
                at: began,
                person: person.id.clone(),
                contact: contact.name.clone(),
                kind: contact.kind.word().to_owned(),
                purpose: purpose.to_owned(),
                updated_at: self.now(),
                ..blank()
            },
        );
        self.count_tries(contact.kind.word(), &tried);
        let rows = rows.into_iter().map(|row| AttemptRow {
            id: self.next_id(Counter::Attempt),
            ..row
        });
        let changes = ChangeSet {
            attempts: rows.collect(),
            ..ChangeSet::default()
        };
        if let Err(error) = self.write(changes).await {
            tracing::warn!(%error, "a test page or code could not be written to the ledger");
        }
        tried
    }

    /// Sends by the contact's own way.
    async fn carry(&self, person: &Person, contact: &Contact, what: What, key: String) -> Tried {
        match &contact.kind {
            ContactKind::Direct { means, to, via } => {
                let message = Message {
                    key,
                    person: person.name.clone(),
                    what,
                    ack_url: String::new(),
                };
                let notifiers = self.notifiers();
                notifiers
                    .send(*means, via.as_deref(), to.expose_secret(), &message)
                    .await
            }
            ContactKind::Chat { platform } => {
                let chat = self.chat(platform);
                once(platform, test_by_chat(chat, platform, person, key)).await
            }
            ContactKind::Webhook { url, secret } => {
                let page = self.test_page_of(person, key);
                let client = notify::webhook::client();
                let sent = async {
                    let pages = [page];
                    let sent = notify::webhook::send_signed(
                        &client,
                        url,
                        secret.as_ref(),
                        &pages,
                        PATIENCE,
                    );
                    sent.await.map(|()| Receipt::default())
                };
                once("webhook", sent).await
            }
        }
    }

    pub(super) fn count_tries(&self, kind: &str, tried: &Tried) {
        for one in &tried.tries {
            let outcome = if one.outcome.is_ok() {
                "accepted"
            } else {
                "failed"
            };
            self.metrics()
                .tried(kind, &one.provider, outcome, one.latency_ms);
        }
    }

    fn chat(&self, platform: &str) -> Option<Arc<dyn Chat>> {
        let chats = self.0.chats.read().unwrap_or_else(PoisonError::into_inner);
        chats.iter().find(|c| c.platform() == platform).cloned()
    }

    fn test_page_of(&self, person: &Person, key: String) -> notify::Page {
        notify::Page {
            key,
            incident: IncidentId(0),
            title: "Test page from firebell".to_owned(),
            severity: "test".to_owned(),
            status: "test".to_owned(),
            service: None,
            person: person.id.clone(),
            person_name: person.name.clone(),
            why: "asked for by themselves".to_owned(),
            url: self.public_url().to_owned(),
            at: self.now(),
            alerts: Vec::new(),
            waited: false,
        }
    }

    /// A provider tells what became of a message. One that did not arrive is followed by the person's
    /// next step at once.
    ///
    /// # Errors
    /// `Unavailable` when nothing could be stored.
    pub async fn receipt(&self, receipt: &str, arrived: bool, word: &str) -> Result<(), Failure> {
        let rows = self.store().attempts_of_receipt(receipt).await;
        let rows = rows?;
        let lost = rows
            .iter()
            .filter(|r| !arrived && matches!(r.state.as_str(), "accepted" | RINGING));
        for row in lost {
            let (Some(id), Some(seq)) = (row.incident, row.seq) else {
                continue;
            };
            let failed = Command::PageFailed {
                person: row.person.clone(),
                contact: row.contact.clone(),
                why: format!("{} says: {word}", row.provider),
            };
            let cause = format!("receipt:{receipt}:{}:{seq}", id.0);
            match self.submit(&cause, id, failed).await {
                Err(failure @ Failure::Unavailable(_)) => return Err(failure),
                Ok(_) | Err(Failure::Refused(_)) => {}
            }
        }
        let state = if arrived { "delivered" } else { "undelivered" };
        self.write(ChangeSet {
            receipts: vec![ReceiptChange {
                receipt: receipt.to_owned(),
                state: state.to_owned(),
                status: word.to_owned(),
                updated_at: self.now(),
                error: String::new(),
            }],
            ..ChangeSet::default()
        })
        .await
    }

    /// The address behind which a person acknowledges these incidents, each paged by a fact; `since` is
    /// when the page was decided.
    #[must_use]
    pub fn ack_url(
        &self,
        person: &str,
        contact: &str,
        incidents: &[(IncidentId, Seq)],
        since: Time,
    ) -> String {
        let each = incidents.iter();
        let numbers: Vec<String> = each.map(|(id, seq)| format!("{}@{seq}", id.0)).collect();
        let expires = since.plus_ms(LINK_MS);
        let text = format!("{person}\n{contact}\n{}\n{}", expires.0, numbers.join(","));
        let sealed = self.0.key.seal(LINK, &text);
        format!("{}/a/{sealed}", self.public_url())
    }

    /// What a link says; `None`: it was not made here, or is too old.
    #[must_use]
    pub fn read_ack(&self, token: &str) -> Option<AckLink> {
        let text = self.0.key.unseal(LINK, token)?;
        let mut parts = text.split('\n');
        let (person, contact) = (parts.next()?, parts.next()?);
        let expires = Time(parts.next()?.parse().ok()?);
        let incidents = parts.next()?.split(',');
        let read = |text: &str| {
            let (id, seq) = match text.split_once('@') {
                Some((id, seq)) => (id, Some(seq.parse().ok()?)),
                None => (text, None),
            };
            Some((IncidentId(id.parse().ok()?), seq))
        };
        let link = AckLink {
            person: person.to_owned(),
            contact: contact.to_owned(),
            expires,
            incidents: incidents.map(read).collect::<Option<_>>()?,
        };
        (self.now() <= expires).then_some(link)
    }
}

/// A directory with what is not verified marked, for who has no engine.
#[must_use]
pub fn overlay(directory: Directory, verified: Vec<VerifiedRow>) -> Directory {
    let verified = verified.into_iter();
    let verified = verified
        .map(|v| ((v.person, v.contact), v.digest))
        .collect();
    overlaid(directory, &verified)
}

/// Marks what is not verified.
pub(super) fn overlaid(directory: Directory, verified: &Verified) -> Directory {
    let mut unverified = BTreeSet::new();
    for person in directory.people.values() {
        for contact in &person.contacts {
            let Some(digest) = digest(&contact.kind) else {
                continue;
            };
            let key = (person.id.clone(), contact.name.clone());
            if verified.get(&key) != Some(&digest) {
                unverified.insert(key);
            }
        }
    }
    Directory {
        unverified,
        ..directory
    }
}

/// What stands for an address that has to be verified; another address has another digest.
#[must_use]
pub(crate) fn digest(kind: &ContactKind) -> Option<String> {
    match kind {
        ContactKind::Direct { means, to, .. } => {
            let whose = format!("{}\n{}", means.word(), to.expose_secret());
            Some(digest::sha256(whose.as_bytes()))
        }
        _ => None,
    }
}

async fn test_by_chat(
    chat: Option<Arc<dyn Chat>>,
    platform: &str,
    person: &Person,
    key: String,
) -> Result<Receipt, Fault> {
    let chat = chat.ok_or_else(|| Fault {
        why: format!("{platform} is not connected"),
        retry: Retry::Never,
    })?;
    let page = chat::Page {
        key,
        card: Card {
            title: "Test page from firebell".to_owned(),
            status: "resolved".to_owned(),
            severity: "test".to_owned(),
            ..Card::default()
        },
        text: "This is a test: if you read it in time, this contact works.".to_owned(),
    };
    let id = chat.page(&person.id, &[page]).await?;
    Ok(Receipt { id, rings: false })
}

/// Where there is only one way, a message is one try.
pub(super) async fn once(
    provider: &str,
    sent: impl Future<Output = Result<Receipt, Fault>>,
) -> Tried {
    let began = Instant::now();
    let outcome = sent.await;
    Tried {
        outcome: outcome.as_ref().map(|_| ()).map_err(Clone::clone),
        tries: vec![Try {
            provider: provider.to_owned(),
            latency_ms: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
            outcome,
        }],
    }
}

/// One row per try; `like` says everything else.
pub(super) fn attempts(tried: &Tried, like: &AttemptRow) -> Vec<AttemptRow> {
    let row = |one: &Try| {
        let (state, receipt, error) = match &one.outcome {
            Ok(r) if r.rings => (RINGING, r.id.clone(), String::new()),
            Ok(r) => ("accepted", r.id.clone(), String::new()),
            Err(fault) => ("failed", String::new(), fault.why.clone()),
        };
        AttemptRow {
            provider: one.provider.clone(),
            latency_ms: one.latency_ms,
            state: state.to_owned(),
            receipt,
            error,
            ..like.clone()
        }
    };
    tried.tries.iter().map(row).collect()
}

/// A row about nothing yet.
pub(super) fn blank() -> AttemptRow {
    AttemptRow {
        id: 0,
        at: Time(0),
        incident: None,
        seq: None,
        person: String::new(),
        contact: String::new(),
        kind: String::new(),
        provider: String::new(),
        purpose: String::new(),
        pages: 1,
        latency_ms: 0,
        state: String::new(),
        receipt: String::new(),
        status: String::new(),
        error: String::new(),
        updated_at: Time(0),
    }
}
