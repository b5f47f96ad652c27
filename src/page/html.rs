//! The pages people look at: without script, light and dark, on a phone and on a wall.

use crate::core::board::{Board, Condition, Day, Line, Notice, Story};
use crate::core::text::count;
use crate::core::time::{Time, human_ms};
use crate::core::timeline;
use maud::{DOCTYPE, Markup, html};

/// Which small page it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words alone.
    Said,
    /// A button that sends this form field to this path.
    Asks {
        /// Where the form goes, relative.
        action: String,
        /// Name and value of its field.
        field: (String, String),
        /// What the button says.
        button: String,
    },
}

fn class(condition: Condition) -> &'static str {
    condition.word()
}

/// `99.95`: rounded down, so that nothing short of all of it reads as 100.
pub(super) fn percent(uptime: i64) -> String {
    let uptime = uptime.clamp(0, 100_000);
    match uptime {
        100_000 => "100".to_owned(),
        n => format!("{}.{:02}", n / 1000, n % 1000 / 10),
    }
}

/// The sentence at the top.
pub(super) fn overall(board: &Board) -> String {
    let bad = board
        .lines
        .iter()
        .filter(|l| l.condition > Condition::Maintenance)
        .count();
    match board.overall {
        Condition::Operational if board.open.is_empty() => "All systems operational".to_owned(),
        Condition::Operational => "All systems operational, something is being watched".to_owned(),
        Condition::Maintenance => "Maintenance is under way".to_owned(),
        worst => format!("{} on {}", worst.words(), count(bad, "component")),
    }
}

fn frame(board: &Board, title: &str, up: &str, body: &Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href={ (up) "style.css" };
                link rel="icon" href="data:,";
                link rel="alternate" type="application/rss+xml" title=(board.title) href={ (up) "feed.rss" };
                link rel="alternate" type="application/atom+xml" title=(board.title) href={ (up) "feed.atom" };
            }
            body {
                a.skip href="#main" { "To the content" }
                header.top {
                    div.wide {
                        a.name href={ (up) "./" } { (board.title) }
                        nav { a href={ (up) "./" } { "Now" } " " a href={ (up) "history.html" } { "History" } }
                    }
                }
                main #main.wide { (body) }
                footer.wide {
                    p { "Times are in " (board.zone.name()) ". "
                        a href={ (up) "feed.rss" } { "RSS" } " · " a href={ (up) "feed.atom" } { "Atom" } " · "
                        a href={ (up) "api/v2/summary.json" } { "JSON" } }
                }
            }
        }
    };
    markup.into_string()
}

/// The first page.
pub(super) fn home(board: &Board, subscribe: bool) -> String {
    let body = html! {
        h1.overall.(class(board.overall)) role="status" { span.dot aria-hidden="true" {} (overall(board)) }
        @if !board.about.is_empty() { p.about { (board.about) } }
        @if !board.open.is_empty() {
            section aria-labelledby="now" {
                h2 #now { "Going on" }
                @for story in &board.open { (card(board, story, true)) }
            }
        }
        @if !board.windows.is_empty() {
            section aria-labelledby="planned" {
                h2 #planned { "Planned work" }
                @for w in &board.windows {
                    article.story.maintenance {
                        h3 { (w.text) }
                        p.when { (span(board, w.starts, w.ends)) }
                        p.touched { (names(board, &w.components).join(", ")) }
                    }
                }
            }
        }
        section aria-labelledby="components" {
            h2 #components { "Components" }
            (components(board))
        }
        @if subscribe { (subscription(board)) }
        section aria-labelledby="past" {
            h2 #past { "Lately" }
            @if board.past.is_empty() { p.none { "Nothing in the last " (count(board.lines.first().map_or(0, |l| l.days.len()), "day")) "." } }
            @for story in board.past.iter().take(5) { (card(board, story, false)) }
            @if board.past.len() > 5 { p { a href="history.html" { "All of it" } } }
        }
    };
    frame(board, &board.title, "", &body)
}

fn names(board: &Board, ids: &[String]) -> Vec<String> {
    let known = board.lines.iter().filter(|l| ids.contains(&l.id));
    known.map(|l| l.name.clone()).collect()
}

fn when(board: &Board, at: Time) -> String {
    timeline::format(at, Some(board.zone), "%-d %b %Y, %H:%M %Z")
}

fn span(board: &Board, from: Time, until: Time) -> String {
    let day = |t| timeline::format(t, Some(board.zone), "%-d %b %Y");
    let end = if day(from) == day(until) {
        "%H:%M %Z"
    } else {
        "%-d %b %Y, %H:%M %Z"
    };
    format!(
        "{} to {}",
        when(board, from),
        timeline::format(until, Some(board.zone), end)
    )
}

fn components(board: &Board) -> Markup {
    let mut groups: Vec<(&str, Vec<&Line>)> = Vec::new();
    for line in &board.lines {
        match groups.iter_mut().find(|(g, _)| *g == line.group) {
            Some((_, lines)) => lines.push(line),
            None => groups.push((&line.group, vec![line])),
        }
    }
    html! {
        @for (group, lines) in groups {
            @if !group.is_empty() { h3.group { (group) } }
            ul.components { @for line in lines { (component(line)) } }
        }
        @if board.lines.is_empty() { p.none { "No components are named." } }
    }
}

fn component(line: &Line) -> Markup {
    html! {
        li.component {
            div.head {
                span.title { (line.name) }
                span.state.(class(line.condition)) { span.dot aria-hidden="true" {} (line.condition.words()) }
            }
            @if !line.about.is_empty() { p.about { (line.about) } }
            (bars(line))
            div.legend aria-hidden="true" {
                span { (count(line.days.len(), "day")) " ago" } span { (percent(line.uptime)) " % up" } span { "Today" }
            }
        }
    }
}

/// One bar per day: SVG without styles of its own.
fn bars(line: &Line) -> Markup {
    let n = line.days.len();
    let bad = line
        .days
        .iter()
        .filter(|d| d.worst > Condition::Maintenance)
        .count();
    let label = format!(
        "{}: {} % up in {}, {} with trouble",
        line.name,
        percent(line.uptime),
        count(n, "day"),
        count(bad, "day")
    );
    html! {
        svg.bars role="img" aria-label=(label) viewBox={ "0 0 " (n * 4) " 20" } preserveAspectRatio="none" {
            @for (x, day) in line.days.iter().enumerate() {
                rect.(class(day.worst)) x=(x * 4) y="0" width="3" height="20" { title { (day_words(day)) } }
            }
        }
    }
}

fn day_words(day: &Day) -> String {
    let date = day.date.format("%-d %b %Y");
    match day.down_ms {
        0 => format!("{date}: {}", day.worst.words()),
        ms => format!("{date}: {}, down for {}", day.worst.words(), human_ms(ms)),
    }
}

fn card(board: &Board, story: &Story, open: bool) -> Markup {
    html! {
        article.story.(class(if open { story.newest().map_or(Condition::Degraded, worst_of) } else { Condition::Operational })) {
            h3 { a href={ "incidents/" (story.key) ".html" } { (story.title) } }
            @if let Some(notice) = story.newest() { (entry(board, notice)) }
        }
    }
}

fn worst_of(notice: &Notice) -> Condition {
    notice
        .components
        .iter()
        .map(|c| c.condition)
        .max()
        .unwrap_or_default()
}

fn entry(board: &Board, notice: &Notice) -> Markup {
    html! {
        div.entry {
            p.when {
                @if let Some(s) = &notice.standing { strong { (s.name) } " · " }
                time datetime=(notice.at.rfc3339()) { (when(board, notice.at)) }
            }
            p.words { (notice.text) }
            @if !notice.components.is_empty() {
                ul.affected {
                    @for c in &notice.components { li { (c.name) ": " span.state.(class(c.condition)) { (c.condition.words()) } } }
                }
            }
            @if let Some(next) = notice.next { p.next { "Next update by " (when(board, next)) } }
        }
    }
}

fn subscription(board: &Board) -> Markup {
    html! {
        section aria-labelledby="subscribe" {
            h2 #subscribe { "Hear of it" }
            form.subscribe method="post" action="subscribe" {
                p { label for="email" { "Mail address" } }
                p.row { input #email type="email" name="email" required maxlength="254" autocomplete="email"; button { "Subscribe" } }
                fieldset {
                    legend { "About" }
                    label { input type="checkbox" name="component" value="" checked; " everything" }
                    @for line in &board.lines { " " label { input type="checkbox" name="component" value=(line.id); " " (line.name) } }
                }
                p.hint { "You get a mail with a link first; nothing is sent before you follow it, and each mail has a link that ends it." }
            }
        }
    }
}

/// Everything by month.
pub(super) fn history(board: &Board) -> String {
    let mut months: Vec<(String, Vec<&Story>)> = Vec::new();
    for story in board.open.iter().chain(&board.past) {
        let month = timeline::format(story.began, Some(board.zone), "%B %Y");
        match months.last_mut().filter(|(m, _)| *m == month) {
            Some((_, stories)) => stories.push(story),
            None => months.push((month, vec![story])),
        }
    }
    let body = html! {
        h1 { "History" }
        p.about { "Since " (board.since.format("%-d %b %Y")) "." }
        @if months.is_empty() { p.none { "Nothing happened that was worth telling." } }
        @for (month, stories) in months {
            h2 { (month) }
            @for story in stories { (card(board, story, story.ended.is_none())) }
        }
    };
    frame(board, &format!("History · {}", board.title), "", &body)
}

/// One incident.
pub(super) fn story(board: &Board, story: &Story) -> String {
    let body = html! {
        h1 { (story.title) }
        p.about {
            @match story.ended {
                Some(end) => { "Over since " (when(board, end)) ", after " (human_ms(end.since_ms(story.began))) "." },
                None => { "Going on since " (when(board, story.began)) "." },
            }
            @if !story.touched().is_empty() { " About " (crate::core::text::list(&story.touched())) "." }
        }
        @for notice in &story.notices { article.story { (entry(board, notice)) } }
    };
    frame(
        board,
        &format!("{} · {}", story.title, board.title),
        "../",
        &body,
    )
}

/// A small page of its own: an answer to a form. `sheet` is where its style sheet is, `home` the page it
/// leads back to; `None`: there is none.
#[must_use]
pub fn message(title: &str, words: &str, kind: &Kind, sheet: &str, home: Option<&str>) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                meta name="referrer" content="no-referrer";
                title { (title) }
                link rel="stylesheet" href=(sheet);
                link rel="icon" href="data:,";
            }
            body {
                main.wide {
                    h1 { (title) }
                    p.words { (words) }
                    @if let Kind::Asks { action, field, button } = kind {
                        form method="post" action=(action) {
                            input type="hidden" name=(field.0) value=(field.1);
                            button { (button) }
                        }
                    }
                    @if let Some(home) = home { p { a href=(home) { "To the page" } } }
                }
            }
        }
    };
    markup.into_string()
}
