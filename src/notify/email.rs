//! Mail over SMTP: STARTTLS, TLS from the first byte, or neither; with or without a login.
//!
//! A repeat carries the same `Message-ID`, so mail programs show it once. Mails say of themselves
//! that a machine wrote them (RFC 3834), so no absence assistant answers. A mail that was taken may
//! still be lost further on: SMTP promises no more, and so does the receipt.

use super::{Letter, Message, Notifier, Receipt, words};
use crate::chat::{Answer, Fault, Retry};
use crate::config::notify::{Security, Smtp};
use crate::core::directory::Means;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{Error, extension::ClientId};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;
use std::error::Error as _;
use std::time::Duration;

/// A mail server.
pub struct Email {
    name: String,
    from: Mailbox,
    /// Of `Message-ID`s.
    host: String,
    timeout: Duration,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Email {
    /// As configured.
    ///
    /// # Errors
    /// When its certificate cannot be used.
    pub fn new(settings: &Smtp, public_url: &str) -> Result<Email, String> {
        let name = &settings.name;
        let timeout = Duration::from_millis(settings.timeout_ms.unsigned_abs());
        let tls = match settings.security {
            Security::None => Tls::None,
            Security::StartTls => Tls::Required(parameters(settings)?),
            Security::Tls => Tls::Wrapper(parameters(settings)?),
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
                .port(settings.port)
                .tls(tls)
                .timeout(Some(timeout));
        let host = host_of(public_url);
        if host.contains('.') && !host.starts_with(|c: char| c.is_ascii_digit()) {
            builder = builder.hello_name(ClientId::Domain(host.clone()));
        }
        if let Some((user, password)) = &settings.login {
            let password = password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let from = settings.from.parse();
        Ok(Email {
            name: name.clone(),
            from: from.map_err(|e| format!("`from` of {name} is no mail address: {e}"))?,
            host,
            timeout,
            transport: builder.build(),
        })
    }

    fn mail(&self, to: &str, message: &Message) -> Result<lettre::Message, String> {
        let to: Mailbox = to.parse().map_err(|_| "it is no mail address".to_owned())?;
        let id = format!("<{}@{}>", digest(&message.key), self.host);
        let builder: MessageBuilder = lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(words::subject(message))
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            .header(Automatic);
        let mail = builder.body(words::long(message));
        mail.map_err(|e| format!("the mail cannot be written: {e}"))
    }
}

impl Email {
    fn posted(&self, to: &str, letter: &Letter) -> Result<lettre::Message, String> {
        let to: Mailbox = to.parse().map_err(|_| "it is no mail address".to_owned())?;
        let id = format!("<{}@{}>", digest(&letter.key), self.host);
        let mut builder: MessageBuilder = lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject.clone())
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            .header(Automatic);
        if !letter.unsubscribe.is_empty() {
            builder = builder
                .header(Unsubscribe(format!("<{}>", letter.unsubscribe)))
                .header(OneClick);
        }
        let mail = builder.body(letter.text.clone());
        mail.map_err(|e| format!("the mail cannot be written: {e}"))
    }

    async fn carry(&self, mail: lettre::Message, key: &str) -> Result<Receipt, Fault> {
        // Its own limit is per step; a server that answers each step slowly must not hold a page.
        let sent = tokio::time::timeout(self.timeout, self.transport.send(mail)).await;
        match sent {
            Ok(Ok(_)) => Ok(Receipt {
                id: format!("{}@{}", digest(key), self.host),
                rings: false,
            }),
            Ok(Err(error)) => Err(fault(&error)),
            Err(_) => Err(Fault {
                why: "the mail server did not answer in time".to_owned(),
                retry: Retry::Backoff,
            }),
        }
    }
}

/// `List-Unsubscribe` (RFC 2369).
#[derive(Clone)]
struct Unsubscribe(String);

impl lettre::message::header::Header for Unsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Unsubscribe(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        // An address is plain ASCII and must not be folded into an encoded word.
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
    }
}

/// `List-Unsubscribe-Post: List-Unsubscribe=One-Click` (RFC 8058).
#[derive(Clone)]
struct OneClick;

impl lettre::message::header::Header for OneClick {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(OneClick)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".to_owned())
    }
}

/// `Auto-Submitted: auto-generated` (RFC 3834).
#[derive(Clone)]
struct Automatic;

impl lettre::message::header::Header for Automatic {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Automatic)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

fn parameters(settings: &Smtp) -> Result<TlsParameters, String> {
    let name = &settings.name;
    let what = |e: &dyn std::fmt::Display| format!("TLS of {name} cannot be set up: {e}");
    let mut tls = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.extra_ca {
        let pem = std::fs::read(path).map_err(|e| {
            format!(
                "`extra-ca` of {name}, {}, cannot be read: {e}",
                path.display()
            )
        })?;
        tls = tls.add_root_certificate(Certificate::from_pem(&pem).map_err(|e| what(&e))?);
    }
    tls.build_rustls().map_err(|e| what(&e))
}

/// The host of an address, without its port.
fn host_of(url: &str) -> String {
    let host = reqwest::Url::parse(url).ok();
    let host = host.and_then(|u| u.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "firebell.invalid".to_owned())
}

fn digest(key: &str) -> String {
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(key.as_bytes()))
}

/// Whether it was the encryption that failed, such as a certificate nobody here knows. The library
/// counts that as a broken connection.
fn of_tls(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        let inside = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if cause.is::<rustls::Error>()
            || inside.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
        {
            return true;
        }
        source = cause.source();
    }
    false
}

/// What a failed try means. A server's words may repeat the address, so only its code is told.
fn fault(error: &Error) -> Fault {
    let (why, retry) = if let Some(code) = error.status() {
        let code: u16 = code.into();
        // 535 and its like: the configuration has to be changed first. 4xx: later, says the server.
        let retry = if error.is_permanent() {
            Retry::Never
        } else {
            Retry::Backoff
        };
        (format!("the mail server answered {code}"), retry)
    } else if error.is_timeout() {
        (
            "the mail server did not answer in time".to_owned(),
            Retry::Backoff,
        )
    } else if error.is_tls() || of_tls(error) {
        (
            "no encrypted connection to the mail server; is its certificate known (`extra-ca`)?"
                .to_owned(),
            Retry::Backoff,
        )
    } else if error.is_client() {
        (
            "the mail server does not offer what is configured: `security` or the way to log in"
                .to_owned(),
            Retry::Never,
        )
    } else if error.is_response() {
        (
            "the mail server did not speak SMTP".to_owned(),
            Retry::Backoff,
        )
    } else {
        (
            "the mail server cannot be reached".to_owned(),
            Retry::Backoff,
        )
    };
    Fault { why, retry }
}

impl Notifier for Email {
    fn means(&self) -> Means {
        Means::Email
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn send<'a>(&'a self, to: &'a str, message: &'a Message) -> Answer<'a, Receipt> {
        Box::pin(async move {
            let mail = self.mail(to, message).map_err(super::http::never)?;
            self.carry(mail, &message.key).await
        })
    }

    fn letter<'a>(&'a self, to: &'a str, letter: &'a Letter) -> Answer<'a, Receipt> {
        Box::pin(async move {
            let mail = self.posted(to, letter).map_err(super::http::never)?;
            self.carry(mail, &letter.key).await
        })
    }
}
