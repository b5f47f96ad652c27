//! The small things all pages are made of: times, badges, icons, words with links.

use super::Scene;
use crate::core::schedule::clock;
use crate::core::text::deceives;
use crate::core::time::{Time, human_ms};
use chrono::TimeZone;
use chrono_tz::Tz;
use maud::{Markup, html};

/// An instant: the clock in the viewer's zone, with the date unless it is today; UTC on hover.
pub(in super::super) fn when(scene: Scene<'_>, at: Time) -> Markup {
    html! {
        time datetime=(at.rfc3339()) title=(utc(at)) { (short(at, scene.viewer.zone, scene.now)) }
    }
}

/// How long ago, counting on: `12m`.
pub(in super::super) fn age(scene: Scene<'_>, at: Time) -> Markup {
    html! {
        time datetime=(at.rfc3339()) title=(utc(at)) data-age=(at.0) { (coarse(scene.now.since_ms(at))) }
    }
}

fn utc(at: Time) -> String {
    at.utc().format("%a %-d %b %Y %H:%M:%S UTC").to_string()
}

/// `14:03` today, `Sat 21 Nov 14:03` otherwise.
pub(in super::super) fn short(at: Time, zone: Tz, now: Time) -> String {
    if at == Time::FAR {
        return "further notice".to_owned();
    }
    let local = |t: Time| zone.from_utc_datetime(&t.utc().naive_utc());
    if local(at).date_naive() == local(now).date_naive() {
        clock(at, zone)
    } else {
        local(at).format("%a %-d %b %H:%M").to_string()
    }
}

/// A length of time in at most two units, without seconds from a minute on.
pub(in super::super) fn coarse(ms: i64) -> String {
    if ms >= 60_000 {
        human_ms(ms - ms % 60_000)
    } else {
        human_ms(ms)
    }
}

/// How bad, by word and by the number of bars; colour only repeats it.
pub(in super::super) fn severity(name: &str, index: u8) -> Markup {
    let bars = 4u8.saturating_sub(index.min(3));
    html! {
        span.sev data-sev=(index.min(super::scale::LEVELS - 1)) {
            svg.bars viewBox="0 0 14 12" aria-hidden="true" {
                @for n in 0..4u8 {
                    rect x=(n * 4) y=(9 - n * 3) width="2.6" height=(3 + n * 3) class=(if n < bars { "on" } else { "off" }) {}
                }
            }
            (name.to_uppercase())
        }
    }
}

/// Where an incident stands, by word and shape.
pub(in super::super) fn status(word: &str) -> Markup {
    let shape = match word {
        "triggered" => "bell",
        "acknowledged" => "hand",
        _ => "check",
    };
    html! { span.status data-status=(word) { (icon(shape)) (word) } }
}

/// A drawn sign; decoration, the word beside it carries the meaning.
pub(in super::super) fn icon(name: &str) -> Markup {
    let path = match name {
        "bell" => {
            "M12 3a6 6 0 0 0-6 6v4l-2 3h16l-2-3V9a6 6 0 0 0-6-6zM9.500 19a2.500 2.500 0 0 0 5 0"
        }
        "hand" => "M4 12a8 8 0 1 0 16 0 8 8 0 1 0-16 0M12 7v5l3 2",
        "check" => "M4 12.500l5 5L20 6.500",
        "hash" => "M9 4L7 20M17 4l-2 16M4 9h16M4 15h16",
        "fire" => {
            "M12 3c1 4 6 6 6 11a6 6 0 0 1-12 0c0-2 1-3.500 2-4.500 0 2 1 3 2 3 0-3 0-6 2-9.500z"
        }
        "list" => "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
        "people" => {
            "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 20a6.500 6.500 0 0 1 13 0M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500a6.500 6.500 0 0 1 3.500 5.500"
        }
        "clock" => "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.500 2",
        "box" => "M4 7.500l8-4 8 4v9l-8 4-8-4zM4 7.500l8 4 8-4M12 11.500v9",
        "siren" => {
            "M6 18v-5a6 6 0 0 1 12 0v5M4 21h16v-3H4zM12 2v2M4 5l1.500 1.500M20 5l-1.500 1.500"
        }
        "jar" => {
            "M7 3h10M8 3v3a4 4 0 0 0-2 3.500V19a2 2 0 0 0 2 2h8a2 2 0 0 0 2-2V9.500A4 4 0 0 0 16 6V3M6 13h12"
        }
        "mute" => {
            "M12 3a6 6 0 0 0-6 6v4l-2 3h16l-2-3V9a6 6 0 0 0-6-6zM9.500 19a2.500 2.500 0 0 0 5 0M3 3l18 18"
        }
        "book" => "M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11M9 8h6",
        "glass" => "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500L20 20",
        "mail" => "M3 6h18v12H3zM3 7l9 6 9-6",
        "menu" => "M4 6h16M4 12h16M4 18h16",
        "send" => "M4 12L20 4l-5 16-4-6.500z",
        "plus" => "M12 5v14M5 12h14",
        "play" => "M7 4.500v15l12-7.500z",
        "sun" => {
            "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500L19 19M5 19l1.500-1.500M17.500 6.500L19 5"
        }
        "moon" => "M20 14.500A8 8 0 0 1 9.500 4a8 8 0 1 0 10.500 10.500z",
        "lock" => "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
        _ => "M5 12h14M13 6l6 6-6 6",
    };
    html! { svg.icon viewBox="0 0 24 24" aria-hidden="true" { path d=(path) {} } }
}

/// Whether a link may be offered: http and https only.
pub(in super::super) fn safe(url: &str) -> bool {
    let lower = url.trim_start().to_ascii_lowercase();
    lower.starts_with("https://") || lower.starts_with("http://")
}

/// A link to the outside, or its words alone when the address is not one to follow.
pub(in super::super) fn outside(url: &str, words: &str) -> Markup {
    html! {
        @if safe(url) {
            a.outside href=(url) rel="noopener noreferrer nofollow" target="_blank" { (words) }
        } @else {
            span { (words) }
        }
    }
}

/// Words of senders, without the characters that would turn them, or what stands beside them, around.
pub(in super::super) fn plain(text: &str) -> String {
    text.replace(deceives, "")
}

/// Words of people, with bare http links made to follow.
pub(in super::super) fn words(text: &str) -> Markup {
    let text = plain(text);
    html! {
        @for piece in text.split_inclusive(char::is_whitespace) {
            @let word = piece.trim_end();
            @if safe(word) && word.len() > 8 {
                (outside(word, word)) (&piece[word.len()..])
            } @else {
                (piece)
            }
        }
    }
}

/// The fields every form carries.
pub(in super::super) fn hidden(scene: Scene<'_>) -> Markup {
    html! {
        input type="hidden" name="token" value=(scene.viewer.token);
        input type="hidden" name="click" value=(scene.viewer.click);
    }
}

/// Initials in a coloured disc; the colour follows the id.
pub(in super::super) fn face(id: &str, name: &str) -> Markup {
    html! { span.face data-hue=(hue(id)) aria-hidden="true" { (initials(name)) } }
}

/// The first letters of the first two words.
pub(in super::super) fn initials(name: &str) -> String {
    let first = name.split_whitespace().filter_map(|w| w.chars().next());
    first.take(2).collect()
}

/// Colours there are for people.
const HUES: u32 = 12;

/// The colour of a person: the same on every page and for ever, by the id alone.
pub(in super::super) fn hue(id: &str) -> u32 {
    id.bytes()
        .fold(0u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(b)))
        % HUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_links_are_links() {
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            " JAVASCRIPT:x",
            "//evil.example",
            "ftp://x",
        ] {
            assert!(!outside(bad, "x").into_string().contains("href"), "{bad}");
        }
        assert!(
            outside("https://ok.example/a?b=1&c=\"", "x")
                .into_string()
                .contains("c=&quot;")
        );
    }

    #[test]
    fn markup_in_words_stays_words() {
        let drawn = words("<script>alert(1)</script> see https://x.example/<b> now").into_string();
        assert!(
            !drawn.contains("<script") && !drawn.contains("<b>"),
            "{drawn}"
        );
        assert!(
            drawn.contains("href=\"https://x.example/&lt;b&gt;\""),
            "{drawn}"
        );
    }

    #[test]
    fn a_time_names_its_day_unless_it_is_today() {
        let now = Time::parse_rfc3339("2026-11-22T23:30:00Z").unwrap();
        let at = Time::parse_rfc3339("2026-11-22T22:15:00Z").unwrap();
        assert_eq!(short(at, Tz::UTC, now), "22:15");
        assert_eq!(short(at, Tz::Europe__Berlin, now), "Sun 22 Nov 23:15");
    }
}
