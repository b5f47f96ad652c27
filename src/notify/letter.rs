//! Letters: what those who asked to be told get by mail. Never a page, and never in the way of one.

/// One mail to one subscriber.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// The same for every try of it.
    pub key: String,
    /// One line; the mail library encodes what is not plain.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// Where a click, or the mail program by itself (RFC 8058), ends the subscription; empty: a letter
    /// somebody asked for just now.
    pub unsubscribe: String,
}
