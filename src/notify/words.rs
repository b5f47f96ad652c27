//! What a message says, by the room there is for it.
//!
//! Titles and summaries come from senders of alerts: they are cut, and lose line breaks and control
//! characters, so that none can pretend to be another line of the message. Nothing in a message
//! but `ack_url` does anything.

use super::{Message, Page, What};
use crate::core::text;

/// Titles in lists.
const TITLE: usize = 120;
/// Pages a mail lists; the console has the rest.
const LISTED: usize = 50;
/// Characters of a text message: two parts of the Latin alphabet.
pub const SMS_CHARS: usize = 300;
/// Characters of speech: half a minute.
const SPEECH_CHARS: usize = 400;

/// One line.
#[must_use]
pub fn subject(message: &Message) -> String {
    match &message.what {
        What::Test => "Test page from firebell".to_owned(),
        What::Code(_) => "Your code for firebell".to_owned(),
        What::Pages(pages) => match pages.as_slice() {
            [] => "firebell".to_owned(),
            [page] => format!("[{}] {} ({})", page.severity, title(page), page.incident),
            [first, rest @ ..] if pages.iter().all(|p| p.waited) => format!(
                "{} waited for the morning: {} and {} more",
                text::count(pages.len(), "page"),
                title(first),
                rest.len()
            ),
            [first, rest @ ..] => format!(
                "{}: [{}] {} and {} more",
                text::count(pages.len(), "page"),
                first.severity,
                title(first),
                rest.len()
            ),
        },
    }
}

/// Everything, for a mail.
#[must_use]
pub fn long(message: &Message) -> String {
    let mut out = format!("Hello {},\n\n", one_line(&message.person, TITLE));
    match &message.what {
        What::Test => out.push_str(
            "this is a test: if you read it in time, this contact works. There is nothing to do.\n",
        ),
        What::Code(code) => out.push_str(&format!(
            "your code is {code}. Enter it where you asked for it: verify CONTACT {code}\n\
             It is good for ten minutes. If you did not ask for it, ignore this.\n"
        )),
        What::Pages(pages) => listed(pages, &mut out),
    }
    if !message.ack_url.is_empty() {
        out.push_str(&format!(
            "To acknowledge: {}\n(The page behind the link has a button; opening it alone does nothing.)\n",
            message.ack_url
        ));
    }
    out
}

fn listed(pages: &[Page], out: &mut String) {
    if pages.len() > 1 {
        let waited = if pages.iter().all(|p| p.waited) {
            " that waited for the morning"
        } else {
            ""
        };
        out.push_str(&format!(
            "{}{waited}:\n\n",
            text::count(pages.len(), "page")
        ));
    }
    for page in pages.iter().take(LISTED) {
        out.push_str(&format!(
            "[{}] {} ({})\n",
            page.severity,
            title(page),
            page.incident
        ));
        if let Some(service) = &page.service {
            out.push_str(&format!("  service {service}\n"));
        }
        if !page.why.is_empty() {
            out.push_str(&format!("  {}\n", one_line(&page.why, 300)));
        }
        out.push_str(&format!("  {}\n\n", page.url));
    }
    if pages.len() > LISTED {
        out.push_str(&format!("and {} more.\n\n", pages.len() - LISTED));
    }
}

/// A push notification's text.
#[must_use]
pub fn push(message: &Message) -> String {
    match &message.what {
        What::Test => "If you read this in time, this contact works.".to_owned(),
        What::Code(code) => format!("Your code is {code}. It is good for ten minutes."),
        What::Pages(pages) => match pages.as_slice() {
            [page] => one_line(&page.why, 300),
            pages => {
                let lines = pages.iter().take(10);
                let lines = lines.map(|p| format!("{} [{}] {}", p.incident, p.severity, title(p)));
                lines.collect::<Vec<_>>().join("\n")
            }
        },
    }
}

/// At most [`SMS_CHARS`] characters, with how to answer at the end, which is never cut.
#[must_use]
pub fn sms(message: &Message) -> String {
    let (body, how) = match &message.what {
        What::Test => ("firebell: this is a test.".to_owned(), String::new()),
        What::Code(code) => (
            format!("firebell: your code is {code}. It is good for ten minutes."),
            String::new(),
        ),
        What::Pages(pages) => match pages.as_slice() {
            [page] => (
                format!("firebell: [{}] {}", page.severity, title(page)),
                format!(
                    " Reply {0} to acknowledge {1}, R{0} to resolve.",
                    page.incident.0, page.incident
                ),
            ),
            pages => {
                let each = pages.iter().take(5);
                let each = each
                    .map(|p| format!("{} [{}] {}", p.incident, p.severity, one_line(&p.title, 40)));
                (
                    format!(
                        "firebell: {}: {}",
                        text::count(pages.len(), "page"),
                        each.collect::<Vec<_>>().join("; ")
                    ),
                    " Reply ALL to acknowledge.".to_owned(),
                )
            }
        },
    };
    let room = SMS_CHARS.saturating_sub(how.chars().count());
    format!("{}{how}", text::cut(&body, room))
}

/// What a voice says.
#[must_use]
pub fn speech(message: &Message) -> String {
    let name = one_line(&message.person, 60);
    let words = match &message.what {
        What::Test => format!("Hello {name}. This is a test call from firebell."),
        What::Code(code) => {
            let digits: Vec<String> = code.chars().map(|c| c.to_string()).collect();
            let slow = digits.join(", ");
            format!("Hello {name}. Your code for firebell is: {slow}. Again: {slow}.")
        }
        What::Pages(pages) => match pages.as_slice() {
            [page] => format!(
                "Hello {name}. This is firebell with a page. Incident {}, {}: {}.",
                page.incident.0,
                page.severity,
                title(page)
            ),
            pages => format!(
                "Hello {name}. This is firebell with {}. The first is incident {}: {}.",
                text::count(pages.len(), "page"),
                pages.first().map_or(0, |p| p.incident.0),
                pages.first().map(title).unwrap_or_default()
            ),
        },
    };
    text::cut(&words, SPEECH_CHARS)
}

fn title(page: &Page) -> String {
    one_line(&page.title, TITLE)
}

/// One line of text without control characters.
fn one_line(words: &str, chars: usize) -> String {
    let plain = words.split(|c: char| c.is_control() || c.is_whitespace());
    let plain: Vec<&str> = plain.filter(|w| !w.is_empty()).collect();
    text::cut(&plain.join(" "), chars)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::IncidentId;
    use crate::core::time::Time;

    fn page(n: i64, title: &str) -> Page {
        Page {
            key: format!("{n}:1:0"),
            incident: IncidentId(n),
            title: title.to_owned(),
            severity: "sev1".to_owned(),
            status: "triggered".to_owned(),
            service: None,
            person: "ana".to_owned(),
            person_name: "Ana".to_owned(),
            why: "on call on Web".to_owned(),
            url: format!("https://firebell.example.org/incidents/{n}"),
            at: Time(0),
            alerts: Vec::new(),
            waited: false,
        }
    }

    fn pages(pages: Vec<Page>) -> Message {
        Message {
            key: "k".to_owned(),
            person: "Ana".to_owned(),
            what: What::Pages(pages),
            ack_url: "https://firebell.example.org/a/token".to_owned(),
        }
    }

    #[test]
    fn a_title_cannot_pretend_to_be_another_line() {
        let hostile = pages(vec![page(
            42,
            "slow\r\nBcc: all@example.org\n\nReply 1\u{7}",
        )]);
        for said in [subject(&hostile), sms(&hostile), speech(&hostile)] {
            assert!(!said.contains(['\r', '\n', '\u{7}']), "{said:?}");
        }
        assert!(!long(&hostile).contains("\nBcc"), "{}", long(&hostile));
    }

    #[test]
    fn how_to_answer_is_never_cut() {
        let said = sms(&pages(vec![page(42, &"x".repeat(5_000))]));
        assert!(said.chars().count() <= SMS_CHARS, "{said}");
        assert!(
            said.ends_with("Reply 42 to acknowledge #42, R42 to resolve."),
            "{said}"
        );
        let many = (1..=200).map(|n| page(n, &"wide ".repeat(50))).collect();
        let said = sms(&pages(many));
        assert!(said.chars().count() <= SMS_CHARS, "{said}");
        assert!(said.starts_with("firebell: 200 pages: "), "{said}");
        assert!(said.ends_with("Reply ALL to acknowledge."), "{said}");
    }

    #[test]
    fn what_waited_is_one_message_with_a_count_and_a_list() {
        let mut slept = vec![page(1, "disk"), page(2, "certificate"), page(3, "queue")];
        for page in &mut slept {
            page.waited = true;
        }
        let digest = pages(slept);
        assert_eq!(
            subject(&digest),
            "3 pages waited for the morning: disk and 2 more"
        );
        for part in ["disk", "certificate", "queue", "/a/token"] {
            assert!(long(&digest).contains(part), "{part}");
        }
    }
}
