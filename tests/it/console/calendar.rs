//! The calendar of a schedule, one's own page and the fairness page, as a browser gets them.

use super::*;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use firebell::core::directory::Directory;
use firebell::core::schedule::{
    Layer, Listed, Override, Rotation, Schedule, Shift, Source, Temporary, Version, Window,
    parse_handoff,
};
use regex::Regex;

fn wall(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

/// Ana, Bo and Cy by the week from Mondays at nine.
fn weekly(zone: Tz) -> Schedule {
    let handoff = parse_handoff("0 9 * * 1").unwrap();
    let starts = wall("2026-01-05 09:00");
    Schedule::rotation(
        "web",
        "Web & co",
        zone,
        (handoff, starts),
        &["ana", "bo", "cy"],
    )
}

/// Everything a schedule can have: a higher layer in office hours with a shadow, an override, and a
/// temporary schedule with holes.
fn full() -> Schedule {
    let mut s = weekly(Tz::Europe__Berlin);
    let rotation = Rotation {
        starts: wall("2026-01-05 09:00"),
        handoff: parse_handoff("daily").unwrap(),
        turns: vec![vec!["dee".to_owned()], vec!["cy".to_owned()]],
        count: 1,
    };
    let mut version = Version::of(s.zone, Source::Rotation(rotation));
    version.level = 1;
    version.windows = vec![Window::parse("mon-fri 09:00-17:00").unwrap()];
    version.shadows = vec!["bo".to_owned()];
    s.layers.insert(
        0,
        Layer {
            name: "office hours".to_owned(),
            versions: vec![version],
        },
    );
    s.overrides.push(Override {
        id: "o1".to_owned(),
        remove: Some("ana".to_owned()),
        add: Some("dee".to_owned()),
        since: at("2026-11-20T18:00:00Z"),
        until: at("2026-11-21T06:00:00Z"),
        by: "lea".to_owned(),
        created: at("2026-11-01T00:00:00Z"),
        note: "a wedding".to_owned(),
    });
    let shift = Shift {
        since: at("2026-11-21T10:00:00Z"),
        until: at("2026-11-21T20:00:00Z"),
        people: ["bo".to_owned()].into(),
        title: "".into(),
    };
    s.temporary.push(Temporary {
        name: "Move".to_owned(),
        since: at("2026-11-21T09:00:00Z"),
        until: at("2026-11-22T10:00:00Z"),
        shifts: Listed::from_iter([shift]),
    });
    s
}

fn with(schedule: Schedule) -> Directory {
    let mut d = directory();
    for (id, name, zone) in [
        ("ana", "Ana Ruiz", Tz::Europe__Berlin),
        ("bo", "Bo Lindqvist", Tz::Asia__Tokyo),
        ("cy", "Cy Young", Tz::Australia__Lord_Howe),
        ("dee", "Dee", Tz::UTC),
    ] {
        let person = d.people.get_mut(id).unwrap();
        (person.name, person.zone) = (name.to_owned(), zone);
    }
    d.schedules.insert(schedule.id.clone(), schedule);
    d
}

async fn house(schedule: Schedule) -> House {
    let house = House::open().await;
    house.engine.replace_directory(with(schedule));
    house
}

/// Left edge and width of everything a pattern finds, in percent, beside what it captures first.
fn places(page: &str, pattern: &str) -> Vec<(String, f64, f64)> {
    let found = Regex::new(pattern).unwrap();
    let number = |text: &str| text.parse::<f64>().unwrap();
    let one = |c: regex::Captures<'_>| (c["what"].to_owned(), number(&c["x"]), number(&c["width"]));
    found.captures_iter(page).map(one).collect()
}

fn days(page: &str) -> Vec<(String, f64, f64)> {
    places(
        page,
        r#"<svg x="(?<x>[\d.]+)%" y="0" width="(?<width>[\d.]+)%" height="40" class="cal-day[^"]*">(?:<rect[^>]*></rect>)?<text x="7" y="16">(?<what>[^<]+)<"#,
    )
}

/// Told by the whole name in the bar's story: what is written on it depends on the room it has.
fn bars(row: &str) -> Vec<(String, f64, f64)> {
    places(
        row,
        r#"<svg x="(?<x>[\d.]+)%" y="\d+" width="(?<width>[\d.]+)%" height="\d+"><title>(?<what>[^<,]+),"#,
    )
}

/// The first row of a kind.
fn row<'a>(page: &'a str, kind: &str) -> &'a str {
    let begin = format!("<svg class=\"cal-row\" data-kind=\"{kind}\"");
    let from = page.split(begin.as_str()).nth(1);
    let from = from.unwrap_or_else(|| panic!("no row {kind}: {page}"));
    from.split("<div class=\"cal-name").next().unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.002
}

#[tokio::test]
async fn a_day_is_as_wide_as_it_is_long_when_clocks_change() {
    // Zone, a Monday, hours of the Sunday of that week, and what stands there.
    let weeks = [
        (Tz::Europe__Berlin, "2026-03-23", 23.0, "23 h<"),
        (Tz::Europe__Berlin, "2026-10-19", 25.0, "25 h<"),
        (Tz::Australia__Lord_Howe, "2026-03-30", 24.5, "24 h 30 m<"),
        (Tz::Australia__Lord_Howe, "2026-09-28", 23.5, "23 h 30 m<"),
        (Tz::UTC, "2026-03-23", 24.0, ""),
    ];
    for (zone, monday, hours, note) in weeks {
        let h = house(weekly(zone)).await;
        let page = h
            .page(
                "dee",
                &format!("/oncall/web?view=week&on={monday}&zone=schedule"),
            )
            .await;
        let days = days(&page);
        assert_eq!(days.len(), 7, "{zone} {page}");
        let whole = 6.0 * 24.0 + hours;
        let mut left = 0.0;
        for (n, (name, x, width)) in days.iter().enumerate() {
            let long = if n == 6 { hours } else { 24.0 };
            assert!(
                near(*x, left) && near(*width, long * 100.0 / whole),
                "{zone} {name} {x} {width}"
            );
            left += long * 100.0 / whole;
        }
        assert!(
            page.contains(&format!("<text class=\"cal-note\" x=\"7\" y=\"32\">{note}")),
            "{zone} {note}"
        );
        // The hand-off is at nine on the wall clock of that Monday.
        let bars = bars(row(&page, "oncall"));
        assert_eq!(bars.len(), 2, "{bars:?}");
        assert!(
            near(bars[0].2, 9.0 * 100.0 / whole) && near(bars[1].1, bars[0].2),
            "{bars:?}"
        );
        assert!(near(bars[1].1 + bars[1].2, 100.0), "{bars:?}");
    }
}

#[tokio::test]
async fn every_part_of_a_schedule_has_its_row_and_the_last_one_is_the_pagers_answer() {
    let h = house(full()).await;
    let page = h
        .page("dee", "/oncall/web?view=week&on=2026-11-18&zone=schedule")
        .await;
    let names =
        |kind: &str| -> Vec<String> { bars(row(&page, kind)).into_iter().map(|b| b.0).collect() };
    assert_eq!(
        names("layer").len(),
        10,
        "office hours: five people and five shadows"
    );
    assert_eq!(names("override"), ["Dee covers Ana Ruiz"]);
    let nobody = "Move: nobody";
    assert_eq!(names("temporary"), [nobody, "Bo Lindqvist", nobody]);
    // Its holes begin and end with it.
    assert!(page.contains("Move: nobody, Sat 21 Nov 10:00 CET to Sat 21 Nov 11:00 CET: Move"));
    assert!(page.contains(
        "Move: nobody, Sat 21 Nov 21:00 CET to Sun 22 Nov 11:00 CET: Move has a hole here"
    ));
    assert!(names("shadow").iter().all(|n| n == "Bo Lindqvist (shadow)"));
    let on_call = bars(row(&page, "oncall"));
    let schedule = full();
    let turns = schedule.turns(at("2026-11-15T23:00:00Z"), at("2026-11-22T23:00:00Z"));
    assert_eq!(on_call.len(), turns.len());
    let directory = with(full());
    let whole = 7.0 * 86_400_000.0;
    for (bar, turn) in on_call.iter().zip(&turns) {
        let name = turn
            .people
            .first()
            .map_or("nobody".to_owned(), |p| directory.person_name(p));
        assert_eq!(bar.0, name);
        let begin = turn.since.since_ms(at("2026-11-15T23:00:00Z")).max(0) / 1000;
        let begin = f64::from(u32::try_from(begin).unwrap()) * 1000.0;
        assert!(near(bar.1, begin * 100.0 / whole), "{bar:?} {turn:?}");
        for why in &turn.why {
            assert!(
                page.matches(why.as_str()).count() >= 2,
                "on the bar and in the list: {why}"
            );
        }
    }
    assert!(page.contains("override by lea: covers ana, until Sat 21 Nov 07:00 CET"));
    assert!(page.contains("by lea: a wedding"));
    assert!(page.contains("Nobody is on call") && page.contains("Move has a hole here"));
}

#[tokio::test]
async fn every_bar_leads_to_the_turn_that_says_why() {
    let h = house(full()).await;
    let goals = Regex::new(r##"<a class="cal-bar"[^>]* href="#(turn-[-\d]+)""##).unwrap();
    for path in [
        "/oncall/web?on=2026-11-18",
        "/oncall/web?view=month&on=2026-11-18",
    ] {
        let page = h.page("bo", path).await;
        let mut found = 0;
        for goal in goals.captures_iter(&page) {
            let id = format!("<li id=\"{}\"", &goal[1]);
            assert_eq!(page.matches(&id).count(), 1, "{path}: {id}");
            found += 1;
        }
        assert!(found > 10, "{path}: {found}");
    }
}

#[tokio::test]
async fn the_clock_is_the_viewers_with_the_schedules_beside_it_or_the_other_way_round() {
    let h = house(weekly(Tz::Europe__Berlin)).await;
    let mine = h.page("bo", "/oncall/web?on=2026-11-16").await;
    assert!(
        mine.contains("<strong>Asia/Tokyo</strong>, yours."),
        "{mine}"
    );
    assert!(mine.contains("Mon 16 Nov 17:00 JST to Mon 23 Nov 17:00 JST"));
    assert!(mine.contains("Mon 16 Nov 09:00 CET to Mon 23 Nov 09:00 CET"));
    assert!(mine.contains("In Europe/Berlin it is Mon 16 Nov 13:00 CET now."));
    let there = "/oncall/web?view=week&amp;on=2026-11-16&amp;zone=schedule";
    assert!(mine.contains(&format!(
        "<a href=\"{there}\">Show the schedule's clock</a>"
    )));
    let theirs = h.page("bo", &there.replace("&amp;", "&")).await;
    assert!(theirs.contains("<strong>Europe/Berlin</strong>, the schedule's."));
    assert!(theirs.contains("In Asia/Tokyo it is Mon 16 Nov 21:00 JST now."));
    // Of one clock there is nothing to switch.
    let ana = h.page("ana", "/oncall/web?on=2026-11-16").await;
    assert!(!ana.contains("Show the schedule's clock") && !ana.contains("JST"));
}

#[tokio::test]
async fn one_walks_by_weeks_and_months_over_the_ends_of_years() {
    let h = house(weekly(Tz::Europe__Berlin)).await;
    let links = |page: &str| -> Vec<String> {
        let link =
            Regex::new(r#"<a class="button" href="(/oncall/web[^"]*)">(Previous|Today|Next)<"#)
                .unwrap();
        link.captures_iter(page)
            .map(|c| c[1].replace("&amp;", "&"))
            .collect()
    };
    let week = h.page("ana", "/oncall/web?on=2026-12-31").await;
    assert!(week.contains("28 December 2026 to 3 January 2027") && week.contains("Week 53"));
    assert_eq!(
        links(&week),
        [
            "/oncall/web?view=week&on=2026-12-21",
            "/oncall/web?view=week",
            "/oncall/web?view=week&on=2027-01-04"
        ]
    );
    let month = h
        .page("ana", "/oncall/web?view=month&on=2026-12-31&zone=schedule")
        .await;
    assert!(month.contains("December 2026"));
    assert_eq!(
        days(&month).len(),
        35,
        "five weeks have days of December 2026"
    );
    assert_eq!(
        links(&month),
        [
            "/oncall/web?view=month&on=2026-11-01&zone=schedule",
            "/oncall/web?view=month&zone=schedule",
            "/oncall/web?view=month&on=2027-01-01&zone=schedule"
        ]
    );
    // The line of now is in the week it is in, once per row.
    assert!(!week.contains("cal-now"));
    let now = h.page("ana", "/oncall/web").await;
    assert_eq!(now.matches("class=\"cal-now\"").count(), 2);
}

#[tokio::test]
async fn what_cannot_be_shown_is_said_in_words() {
    let h = house(weekly(Tz::Europe__Berlin)).await;
    for (path, status, words) in [
        ("/oncall/nope", 404, "There is no schedule nope."),
        ("/oncall/web?view=year", 400, "week or month"),
        ("/oncall/web?on=tomorrow", 400, "2026-11-30"),
        ("/oncall/web?on=-9999-01-01", 400, "2026-11-30"),
        ("/oncall/web?zone=Europe/Berlin", 400, "mine or schedule"),
        ("/fairness?from=x", 400, "2026-11-30"),
        (
            "/fairness?from=2026-11-02&to=2026-11-01",
            400,
            "exchange them",
        ),
        (
            "/fairness?from=2020-01-01&to=2026-01-01",
            400,
            "ask for fewer",
        ),
        ("/fairness?schedule=nope", 404, "no schedule nope"),
    ] {
        let answer = h.ask("ana", path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(words), "{path}: {text}");
    }
    for path in [
        "/oncall/web?on=1970-01-01&view=month",
        "/oncall/web?on=2399-12-31",
    ] {
        h.page("ana", path).await;
    }
}

#[tokio::test]
async fn the_list_says_who_why_what_will_go_wrong_and_leads_to_each_calendar() {
    let h = house(full()).await;
    let page = h.page("ana", "/oncall").await;
    assert!(
        page.contains("<a href=\"/oncall/web\" data-open>Web &amp; co</a>"),
        "{page}"
    );
    assert!(page.contains("Shadow, never paged: Bo Lindqvist"));
    assert!(page.contains("layer office hours, turn"));
    // The hole of the move, and whoever has no contact, within thirty days.
    assert!(
        page.contains(
            "Web &amp; co: nobody is on call from Sat 21 Nov 21:00 CET until Sun 22 Nov 11:00 CET"
        ),
        "{page}"
    );
    assert!(page.contains("Cy Young is on call on Web &amp; co and has no contact"));
    assert!(page.contains("href=\"/oncall/web?view=week&amp;on=2026-11-21\""));
    assert!(page.contains("href=\"/fairness?schedule=web\""));
}

#[tokio::test]
async fn my_page_has_my_shifts_my_pages_my_contacts_and_nobody_elses() {
    let h = house(weekly(Tz::Europe__Berlin)).await;
    h.fire("Slow", MAJOR).await;
    let ana = h.page("ana", "/me").await;
    // It is Monday noon: ana's own week runs since nine, and the next is three weeks later.
    assert!(
        ana.contains("Mon 16 Nov 09:00 CET to Mon 23 Nov 09:00 CET"),
        "{ana}"
    );
    assert!(ana.contains("Mon 7 Dec 09:00 CET to Mon 14 Dec 09:00 CET"));
    assert!(
        !ana.contains("Mon 23 Nov 09:00 CET to Mon 30 Nov 09:00 CET"),
        "that is Bo's week"
    );
    assert!(
        ana.contains("In the shift that runs, or outside of one") && ana.contains("Slow is bad")
    );
    assert!(ana.contains("<strong>console</strong>") && ana.contains("ready"));
    let bo = h.page("bo", "/me").await;
    assert!(!bo.contains("Slow is bad"), "Bo was not paged");
    assert!(
        bo.contains("Mon 23 Nov 17:00 JST") && bo.contains("turn 47, until Mon 30 Nov 09:00 CET")
    );
    let cy = h.page("cy", "/me").await;
    assert!(cy.contains("nobody can wake you. Add one to people/cy.toml"));
    let guest = h.page("", "/me").await;
    assert!(guest.contains("Say who you are") && !guest.contains("/calendar/"));
}

#[tokio::test]
async fn the_fairness_page_counts_what_the_ledger_counts() {
    let h = house(weekly(Tz::Europe__Berlin)).await;
    h.fire("Slow", MAJOR).await;
    let page = h
        .page(
            "ana",
            "/fairness?from=2026-11-16&to=2026-11-22&schedule=web",
        )
        .await;
    let cells = |name: &str| -> Vec<String> {
        let row = page
            .split("<tr>")
            .find(|r| r.contains(&format!("<span>{name}</span></span></td>")));
        let row = row.unwrap_or_else(|| panic!("{name}: {page}"));
        let cell = Regex::new(r#"<td class="num">([^<]*)<"#).unwrap();
        cell.captures_iter(row).map(|c| c[1].to_owned()).collect()
    };
    // Six days and fifteen hours of the week are ana's, the first nine hours cy's. Ana's nights: from
    // 22:00 to 07:00, six whole ones and two hours of the last.
    assert_eq!(
        cells("Ana Ruiz"),
        ["159 h", "56 h", "48 h", "0 h", "1", "1"]
    );
    assert_eq!(
        cells("Bo Lindqvist"),
        ["0 h", "0 h", "0 h", "0 h", "0", "0"]
    );
    // Nine hours of a Monday morning in Berlin are a Monday from ten to seven in the evening there.
    assert_eq!(cells("Cy Young"), ["9 h", "0 h", "0 h", "0 h", "1", "0"]);
    let order: Vec<usize> = ["Ana Ruiz</span>", "Cy Young</span>", "Bo Lindqvist</span>"]
        .map(|n| page.find(n).unwrap())
        .to_vec();
    assert!(
        order.is_sorted(),
        "whoever carries most is first: {order:?}"
    );
    assert!(
        page.contains("+100%</strong> from 22:00 to 07:00")
            && page.contains("+50%</strong> on Sat, Sun")
    );
}

#[tokio::test]
async fn calendar_pages_hold_nothing_the_policy_forbids() {
    let h = house(full()).await;
    for path in [
        "/oncall",
        "/oncall/web?on=2026-11-18",
        "/oncall/web?view=month&on=2026-11-18",
        "/fairness?from=2026-11-01&to=2026-11-30",
        "/oncall/web/preview?people=ana,bo",
        "/me",
    ] {
        let page = h.page("ana", path).await;
        for inline in [
            " style=",
            "<style",
            " onclick=",
            "<script>",
            "href=\"//",
            "NaN",
        ] {
            assert!(!page.contains(inline), "{path} holds {inline}");
        }
        assert!(!page.contains("Web & co"), "{path}: a name is not escaped");
    }
}

#[tokio::test]
async fn the_command_counts_what_the_page_counts() {
    let h = house(weekly(Tz::Europe__Berlin)).await;
    h.fire("Slow", MAJOR).await;
    let ana = firebell::engine::person(&h.engine.directory(), "ana");
    let line = "fairness web from=2026-11-16 to=2026-11-22";
    let reply = firebell::dispatch::perform(&h.engine, ana, "console", None, line, "t:1").await;
    assert!(reply.ok, "{reply:?}");
    assert!(
        reply.text.contains("Ana Ruiz: weighted ")
            && reply.text.contains(
                "; 159 h on call, of these 56 h at night, 48 h on weekends, 0 h on holidays; 1 shift, 1 page"
            ),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn a_schedule_may_be_called_fairness() {
    let h = house(weekly(Tz::UTC)).await;
    let answer = h
        .ask("ana", "/oncall/fairness?from=2026-11-01")
        .send()
        .await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(location(&answer), "/fairness?from=2026-11-01");
    let named = Schedule {
        id: "fairness".to_owned(),
        name: "Fair trade".to_owned(),
        ..weekly(Tz::UTC)
    };
    let h = house(named).await;
    let page = h.page("ana", "/oncall/fairness").await;
    assert!(page.contains("Calendar to subscribe to"), "{page}");
    let page = h.page("ana", "/fairness?schedule=fairness").await;
    assert!(page.contains("How it is counted"), "{page}");
}

#[tokio::test]
async fn a_change_is_shown_by_what_each_would_carry_and_changes_nothing() {
    let h = house(weekly(Tz::Europe__Berlin)).await;
    h.fire("Slow", MAJOR).await;
    let page = h.page("ana", "/oncall/web/preview").await;
    for part in [
        "value=\"ana, bo, cy\"",
        "value=\"2026-11-23 09:00\"",
        "Nothing is changed here",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let asked = "/oncall/web/preview?layer=rotation&people=bo,+ana&handoff=&starts=2026-11-23+09:00&days=21";
    let page = h.page("ana", asked).await;
    let row = |name: &str| {
        let row = page
            .split("<tr>")
            .find(|r| r.contains(&format!("<span>{name}</span>")));
        row.unwrap_or_else(|| panic!("{name}: {page}")).to_owned()
    };
    // Three weeks from Monday noon: ana's rest, bo, cy and the beginning of ana's; then bo, ana and bo's.
    assert!(
        row("Cy Young").contains("168 h → </span><strong>0 h</strong>"),
        "{}",
        row("Cy Young")
    );
    assert!(
        page.contains("effective-from = &quot;2026-11-23 09:00&quot;")
            && page.contains("people = [&quot;bo&quot;, &quot;ana&quot;]"),
        "{page}"
    );
    assert!(page.contains("Who would be on call instead of whom"));
    for (asked, why) in [
        ("people=ana,zoe", "There is no person `zoe`"),
        ("people=none", "Write 1 to 200 turns"),
        ("people=ana&starts=soon", "is no time on the wall"),
        ("people=ana&handoff=sometimes", "is not a hand-off"),
    ] {
        let page = h.page("ana", &format!("/oncall/web/preview?{asked}")).await;
        assert!(page.contains(why), "{why}: {page}");
        assert!(!page.contains("What each would carry"));
    }
    let now = h.engine.now();
    let then = now.plus_secs(8 * 86_400);
    assert_eq!(
        h.engine.directory().schedules["web"].on_call(then).people,
        ["bo"]
    );
}
