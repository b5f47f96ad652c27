//! The severity scale's own colours and signs, as a style sheet: the content policy allows no other way.
//!
//! Promises: whatever colour is configured, its words read at a contrast of at least 4.5 to 1 on every ground
//! of both themes; a sign is text that can end nothing, and no screen reader speaks it beside the name.

use crate::core::directory::SeverityName;
use std::fmt::Write as _;

/// Levels that have a colour of their own; a scale has at most nine.
pub(in super::super) const LEVELS: u8 = 9;
/// What text must have against its ground (WCAG 2.1, AA).
const CONTRAST: f64 = 4.5;
/// The ground of the light theme that is hardest to read on.
const LIGHT: u32 = 0x00ec_eef2;
/// The same of the dark one.
const DARK: u32 = 0x001a_2740;
/// Steps from a colour to black or white.
const STEPS: u32 = 40;

/// The rules of a scale; empty: everything is as usual.
pub(in super::super) fn sheet(scale: &[SeverityName]) -> String {
    let mut text = String::new();
    let coloured: Vec<(usize, u32)> = (scale.iter().enumerate())
        .filter_map(|(n, s)| Some((n, s.colour?)))
        .collect();
    if !coloured.is_empty() {
        let of = |ground: u32, toward: u32| {
            let one =
                |(n, c): &(usize, u32)| format!("--s{n}:#{:06x};", readable(*c, ground, toward));
            coloured.iter().map(one).collect::<String>()
        };
        let (light, dark) = (of(LIGHT, 0), of(DARK, 0x00ff_ffff));
        let _ = writeln!(text, ":root{{{light}}}");
        let _ = writeln!(
            text,
            "@media (prefers-color-scheme: dark){{:root:not([data-theme=light]){{{dark}}}}}"
        );
        let _ = writeln!(text, ":root[data-theme=dark]{{{dark}}}");
    }
    for (n, level) in scale.iter().enumerate() {
        let sign = sign(&level.emoji);
        if !sign.is_empty() {
            let _ = writeln!(
                text,
                ".sev[data-sev=\"{n}\"]::before{{content:\"{sign}\";content:\"{sign}\" / \"\"}}"
            );
        }
    }
    text
}

/// A sign as characters of a style sheet's string, each by its number. What is a platform's word for one
/// (`:fire:`) is no sign here.
fn sign(emoji: &str) -> String {
    let emoji = emoji.trim();
    if emoji.is_ascii() {
        return String::new();
    }
    let some = emoji.chars().take(8).filter(|c| !c.is_control());
    some.map(|c| format!("\\{:x} ", u32::from(c))).collect()
}

/// The colour, as far towards black or white as it takes to be read.
fn readable(colour: u32, ground: u32, toward: u32) -> u32 {
    let mut mixed = (0..=STEPS).map(|k| mix(colour, toward, k));
    mixed
        .find(|c| contrast(*c, ground) >= CONTRAST)
        .unwrap_or(toward)
}

fn part(colour: u32, shift: u32) -> u32 {
    (colour >> shift) & 0xff
}

/// `k` of [`STEPS`] steps from one colour to another.
fn mix(from: u32, to: u32, k: u32) -> u32 {
    [16, 8, 0].iter().fold(0, |all, shift| {
        let (a, b) = (part(from, *shift), part(to, *shift));
        all | ((a * (STEPS - k) + b * k) / STEPS) << shift
    })
}

/// From 1 to 21, as WCAG 2.1 counts it.
fn contrast(one: u32, other: u32) -> f64 {
    let (a, b) = (luminance(one) + 0.05, luminance(other) + 0.05);
    if a > b { a / b } else { b / a }
}

fn luminance(colour: u32) -> f64 {
    let linear = |shift: u32| {
        let c = f64::from(part(colour, shift)) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(colour: Option<u32>, emoji: &str) -> SeverityName {
        SeverityName {
            colour,
            emoji: emoji.to_owned(),
            ..SeverityName::default()
        }
    }

    #[test]
    fn every_colour_is_read_on_every_ground_and_what_is_good_already_stays() {
        for ground in [LIGHT, 0x00ff_ffff, 0x00f5_f6f8] {
            for colour in [
                0,
                0x00ff_ff00,
                0x00ff_ffff,
                0x00b9_1c1c,
                0x0000_ff7f,
                0x0080_8080,
            ] {
                let found = readable(colour, LIGHT, 0);
                assert!(
                    contrast(found, ground) >= CONTRAST,
                    "{found:06x} on {ground:06x}"
                );
            }
        }
        for ground in [DARK, 0x0017_1b22, 0x000e_1116] {
            for colour in [0, 0x0000_0080, 0x00ff_ffff, 0x00b9_1c1c, 0x0040_0040] {
                let found = readable(colour, DARK, 0x00ff_ffff);
                assert!(
                    contrast(found, ground) >= CONTRAST,
                    "{found:06x} on {ground:06x}"
                );
            }
        }
        assert_eq!(readable(0x007f_1d1d, LIGHT, 0), 0x007f_1d1d);
        assert!((contrast(0, 0x00ff_ffff) - 21.0).abs() < 0.01);
    }

    #[test]
    fn a_sheet_has_what_is_configured_and_nothing_that_ends_it() {
        assert_eq!(sheet(&[level(None, ""), level(None, ":fire:")]), "");
        let drawn = sheet(&[level(Some(0x00ff_ff00), "🔥"), level(None, "é\"}</style>")]);
        assert!(
            drawn.contains(".sev[data-sev=\"0\"]::before{content:\"\\1f525 \";"),
            "{drawn}"
        );
        assert!(
            drawn.starts_with(":root{--s0:#6c6c00;}\n")
                && drawn.contains(":root[data-theme=dark]{--s0:#ffff00;}"),
            "{drawn}"
        );
        assert!(!drawn.contains("--s1") && !drawn.contains('<'), "{drawn}");
        assert!(
            drawn.contains("content:\"\\e9 \\22 \\7d \\3c \\2f "),
            "{drawn}"
        );
    }
}
