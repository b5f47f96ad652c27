//! Every format of an incident in which every kind of event happens and people have written: golden,
//! well formed, and dead whatever the texts hold.

use crate::words::{hostile, journal};
use chrono_tz::Tz;
use firebell::core::id::{Actor, IncidentId};
use firebell::core::incident::Event;
use firebell::core::postmortem::{
    self, Act, Earlier, External, Format, ISSUE_BYTES, Known, Postmortem, Priority, Prose, STYLE,
    STYLE_SHA256, Stage, Template, Written, anonymous, export, issue_body,
};
use firebell::core::time::Time;
use regex::Regex;
use std::path::{Path, PathBuf};

const ID: IncidentId = IncidentId(42);

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/postmortem")
        .join(name)
}

/// The document of the golden files: edited, in conflict, in review, with things to do.
fn rich() -> Postmortem {
    let journal = journal::rich();
    let (at, ana) = (Time(1_794_900_000_000), journal::ana());
    let draft = postmortem::build(ID, &journal, Some(Tz::Europe__Berlin));
    let mut written = Written {
        stage: Stage::InReview,
        owner: Some("ana".to_owned()),
        due: Some(at),
        meets: Some(at.plus_secs(3600)),
        ..Written::default()
    };
    let prose = |base: &str, text: &str| Prose {
        base: base.to_owned(),
        text: text.to_owned(),
        by: ana.clone(),
        at,
    };
    let lucky = "It was a **Monday**.\n\n- [dashboards](https://grafana.example/d/1)\n- `pool_size` and *patience*\n\n1. first\n2. second\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> said Bo Berg\n\n```\nselect 1;\n```\n";
    let impact = format!(
        "{}\n\nAbout 12 % of customers could not pay.",
        draft.section("impact").unwrap().base
    );
    let sections = [
        ("lucky", prose("", lucky)),
        (
            "impact",
            prose(&draft.section("impact").unwrap().base, &impact),
        ),
        (
            "summary",
            prose("An older draft.", "Our own summary, by Ana Alves."),
        ),
    ];
    written
        .sections
        .extend(sections.map(|(a, p)| (a.to_owned(), p)));
    let item = |what: &str, link: &str| Act::Item {
        id: None,
        what: what.to_owned(),
        owner: Some("bo".to_owned()),
        due: Some("2026-12-01".parse().unwrap()),
        priority: Priority::High,
        link: link.to_owned(),
    };
    let acts = [
        item(
            "Alert on the pool before it is empty",
            "https://github.example/acme/web/issues/7",
        ),
        item("Write the runbook down | really", ""),
        Act::Tracked {
            id: 1,
            external: External {
                tracker: "web".to_owned(),
                url: "https://github.example/acme/web/issues/7".to_owned(),
                state: "open".to_owned(),
                at,
            },
        },
        Act::Done { id: 2, done: true },
    ];
    for act in acts {
        (written, _) = written.after(act, &ana, at).unwrap();
    }
    let name = |id: &str| match id {
        "ana" => "Ana Alves".to_owned(),
        "bo" => "Bo Berg".to_owned(),
        other => other.to_owned(),
    };
    draft.with(&written, &name)
}

/// A document whose every text is hostile, people's own words and the names of things too.
fn wicked() -> Postmortem {
    let bad = hostile::TEXT;
    let villain = Actor::Unlinked {
        id: bad.to_owned(),
        name: bad.to_owned(),
    };
    let mut written = Written {
        owner: Some(bad.to_owned()),
        ..Written::default()
    };
    for (anchor, ..) in postmortem::SECTIONS {
        let text = format!(
            "{bad}\n\n<img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) [b](https://evil.example/\"onclick=x) ]]> `@everyone` <https://evil.example/<script>>\n\n| {bad} |\n|---|\n| =1+1 |\n"
        );
        let prose = Prose {
            base: "x".to_owned(),
            text,
            by: villain.clone(),
            at: Time(0),
        };
        written.sections.insert(anchor.to_owned(), prose);
    }
    let act = Act::Item {
        id: None,
        what: bad.to_owned(),
        owner: Some(bad.to_owned()),
        due: None,
        priority: Priority::Low,
        link: String::new(),
    };
    let (written, _) = written.after(act, &villain, Time(0)).unwrap();
    postmortem::build(ID, &hostile::journal(), None).with(&written, &str::to_owned)
}

#[test]
fn every_format_is_the_same_to_the_byte_for_the_same_document() {
    let template = Template::default();
    for format in Format::ALL {
        let once = export(&rich(), &template, format);
        assert_eq!(once, export(&rich(), &template, format));
        let name = format!("written.{}", format.ending());
        crate::words::same_as_golden(&golden(&name), &once);
    }
}

#[test]
fn the_json_comes_back_as_the_same_document_and_fits_its_schema() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../docs/postmortem.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for document in [rich(), wicked(), postmortem::build(ID, &[], None)] {
        let json = postmortem::json(&document);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let faults: Vec<String> = schema
            .iter_errors(&value)
            .map(|e| format!("{e} at {}", e.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:?}");
        let back = postmortem::import(&json).unwrap();
        assert_eq!(back, document);
        assert_eq!(postmortem::json(&back), json);
    }
    let json = postmortem::json(&rich());
    let mut value: serde_json::Value = serde_json::from_str(&json).unwrap();
    value["review"]["stage"] = "done".into();
    assert!(!schema.is_valid(&value), "an unknown stage is no stage");
    let old = json.replacen("\"schema\": 2", "\"schema\": 1", 1);
    let why = postmortem::import(&old).unwrap_err();
    assert!(why.contains("schema 1"), "{why}");
    assert!(postmortem::import("[]").is_err());
}

#[test]
fn the_html_file_loads_and_runs_nothing_and_its_policy_allows_its_style_alone() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let sum = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE));
    assert_eq!(STYLE_SHA256, format!("sha256-{sum}"));
    let known = "html|head|meta|title|style|body|main|h[1-6]|p|ul|ol|li|pre|code|blockquote|div|table|thead|tbody|tr|th|td|hr|br|a|strong|em|del|figure|svg|g|rect|circle|line|text|title";
    let tag = Regex::new(&format!(
        "^<(?:/(?:{known})|(?:{known})((?: [a-zA-Z0-9-]+=\"[^\"<>]*\")*)/?|!doctype html)>"
    ))
    .unwrap();
    let allowed = Regex::new("^(?:lang|charset|http-equiv|content|name|class|id|href|rel|start|xmlns|viewBox|role|aria-label|font-family|font-size|x|y|x1|x2|y1|y2|cx|cy|r|rx|width|height|fill|stroke|text-anchor)$").unwrap();
    let attribute = Regex::new(" ([a-zA-Z0-9-]+)=\"([^\"]*)\"").unwrap();
    for document in [rich(), wicked()] {
        let html = export(&document, &Template::default(), Format::Html);
        let (head, body) = html.split_once("<body>").unwrap();
        assert!(head.contains(&format!("style-src '{STYLE_SHA256}'")));
        for (at, _) in body.match_indices('<') {
            let rest = &body[at..];
            let found = tag
                .find(rest)
                .unwrap_or_else(|| panic!("{}", &rest[..rest.len().min(200)]));
            for a in attribute.captures_iter(found.as_str()) {
                assert!(allowed.is_match(&a[1]), "{}", found.as_str());
                let address = &a[1] == "href";
                let safe = a[2].starts_with("https://")
                    || a[2].starts_with("http://")
                    || a[2].starts_with("mailto:");
                assert!(!address || safe, "{}", found.as_str());
            }
        }
        for word in ["<script", "javascript:alert(1)\"", "\u{202E}"] {
            assert!(!body.contains(word), "{word}");
        }
    }
}

#[test]
fn the_confluence_text_is_well_formed_xml() {
    for document in [rich(), wicked()] {
        let text = export(&document, &Template::default(), Format::Confluence);
        let whole = format!("<root xmlns:ac=\"urn:ac\">{text}</root>");
        let parsed = roxmltree::Document::parse(&whole).unwrap_or_else(|e| panic!("{e}"));
        let names: std::collections::BTreeSet<&str> = parsed
            .descendants()
            .filter(roxmltree::Node::is_element)
            .map(|n| n.tag_name().name())
            .collect();
        assert!(
            !names.contains("script") && !names.contains("img"),
            "{names:?}"
        );
        assert!(names.contains("plain-text-body"), "{names:?}");
    }
}

#[test]
fn no_cell_of_the_sheet_is_a_formula_and_every_row_has_its_columns() {
    for document in [rich(), wicked()] {
        let csv = export(&document, &Template::default(), Format::Csv);
        // Every field is quoted: outside of quotes only commas and ends of lines are left.
        let mut fields: Vec<Vec<String>> = vec![vec![]];
        let mut chars = csv.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' => {
                    let mut field = String::new();
                    loop {
                        match chars.next().expect("an open field") {
                            '"' if chars.peek() == Some(&'"') => field.extend(chars.next()),
                            '"' => break,
                            c => field.push(c),
                        }
                    }
                    fields.last_mut().unwrap().push(field);
                }
                ',' => {}
                '\r' => assert_eq!(chars.peek(), Some(&'\n')),
                '\n' => fields.push(vec![]),
                c => panic!("{c:?} stands outside of a field"),
            }
        }
        assert_eq!(fields.pop(), Some(vec![]));
        assert!(fields.len() > 5);
        for row in &fields {
            assert_eq!(row.len(), 8, "{row:?}");
            for field in row {
                let first = field.trim_start().chars().next();
                assert!(!matches!(first, Some('=' | '+' | '-' | '@')), "{field}");
            }
        }
    }
}

#[test]
fn no_mention_and_no_html_comes_out_of_the_markdown_or_an_issue() {
    let markdown = export(&wicked(), &Template::default(), Format::Markdown);
    let issue = issue_body(
        &markdown,
        "https://firebell.example/incidents/42/postmortem",
        ISSUE_BYTES,
    );
    let mention = Regex::new("@[A-Za-z]").unwrap();
    let html = Regex::new(r"(^|[^\\])<[A-Za-z/!]").unwrap();
    let script = Regex::new(r"\]\((?i:javascript)").unwrap();
    let mut fence: Option<String> = None;
    for line in issue.lines() {
        // A fence ends at a line that is as long; shorter ones are text.
        if let Some(open) = &fence {
            if line == open {
                fence = None;
            }
            continue;
        }
        if line.starts_with("```") {
            fence = Some(line.trim_end_matches("text").to_owned());
            continue;
        }
        if line.starts_with("<!-- firebell:") {
            continue;
        }
        assert!(!mention.is_match(line), "{line}");
        assert!(!html.is_match(line), "{line}");
        assert!(!script.is_match(&line.replace("\\]", "")), "{line}");
    }
    assert!(fence.is_none());
    // Another reader sees no HTML and no foreign link in it either.
    let events = pulldown_cmark::Parser::new_ext(&markdown, pulldown_cmark::Options::all());
    for (event, at) in events.into_offset_iter() {
        use pulldown_cmark::{Event, Tag};
        match event {
            Event::Html(h) | Event::InlineHtml(h) => {
                let before: String = markdown[..at.start].chars().rev().take(300).collect();
                let before: String = before.chars().rev().collect();
                assert!(h.starts_with("<!-- firebell:"), "{h} after {before}");
            }
            Event::Start(Tag::Image { dest_url, .. }) => panic!("an image: {dest_url}"),
            Event::Start(Tag::Link { dest_url, .. }) => {
                assert!(dest_url.starts_with("https://"), "{dest_url}");
            }
            _ => {}
        }
    }
}

#[test]
fn nobody_is_left_in_the_anonymous_variant() {
    let known = |id: &str, name: &str, addresses: &[&str]| Known {
        id: id.to_owned(),
        name: name.to_owned(),
        addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
        team: Some("Web".to_owned()),
    };
    let people = [
        known(
            "ana",
            "Ana Alves",
            &["U1ANA", "ana.alves@example.org", "+4915112345678"],
        ),
        known("bo", "Bo Berg", &["U2BO", "bo@example.org"]),
        known("cy", "Cy Young", &["U3CY"]),
    ];
    let mut document = rich();
    document.sections[1].text.push_str(
        "\n\nana.alves@example.org called +4915112345678, then @ana and <@U2BO>; Alves agreed, ANA too. Anatomy and bonus stay.",
    );
    document.sections[1].edited = true;
    let before = "Bo Berg said so, ask <@U1ANA> or bo@example.org";
    let earlier = Earlier {
        until: document.conversation[0].at.clone(),
        text: before.to_owned(),
    };
    document.conversation[0].earlier.push(earlier);
    let without = anonymous(&document, &people).unwrap();
    // What was said before an edit is there as what was said last: nothing is left out, and nobody in it.
    let kept = |d: &Postmortem| {
        let all = d.conversation.iter().map(|s| s.earlier.len());
        all.collect::<Vec<_>>()
    };
    assert_eq!(kept(&without), kept(&document));
    let said = &without.conversation[0].earlier.last().unwrap().text;
    let expected = "engineer 2 of the team Web said so, ask <engineer 1 of the team Web> or engineer 2 of the team Web";
    assert_eq!(said, expected);
    assert_eq!(without, anonymous(&document, &people).unwrap());
    let template = Template::default();
    // `cy` is an attribute of a circle too.
    let tags = Regex::new("<[^>]*>").unwrap();
    for format in Format::ALL {
        let text = export(&without, &template, format);
        let text = tags.replace_all(&text, " ");
        for p in &people {
            for word in [&p.id, &p.name]
                .into_iter()
                .chain(&p.addresses)
                .map(String::as_str)
                .chain(p.name.split(' '))
            {
                let whole = Regex::new(&format!(
                    r"(?i)(^|[^\pL\pN]){}($|[^\pL\pN])",
                    regex::escape(word)
                ))
                .unwrap();
                let found = whole.find(&text).map(|m| &text[m.start()..m.end()]);
                assert_eq!(found, None, "{word} in {}", format.word());
            }
        }
        assert!(!text.contains("@example.org"), "{}", format.word());
    }
    let text = export(&without, &template, Format::Markdown);
    assert!(text.contains("engineer 1 of the team Web"), "{text}");
    assert!(text.contains("Anatomy and bonus stay."), "{text}");
    // An unlinked guest is nobody's colleague and a person all the same.
    assert!(!text.contains("Kim"), "{text}");
}

#[test]
fn an_edit_keeps_the_original_in_every_export_and_a_deletion_only_its_mark() {
    let mut journal = journal::rich();
    let kept = journal
        .iter()
        .position(|r| matches!(&r.event, Event::Spoke { text, .. } if text == "never mind"));
    // Somebody corrects a message and then deletes it: it was there, and no more.
    let kept = kept.unwrap();
    let mut edit = journal[kept].clone();
    edit.event = Event::Reworded {
        by: journal::bo(),
        text: "never mind at all".to_owned(),
        platform: "discord".to_owned(),
        message: "99".to_owned(),
    };
    journal.insert(kept + 1, edit);
    let document = postmortem::build(ID, &journal, None);
    for format in Format::ALL {
        let text = export(&document, &Template::default(), format);
        let word = format.word();
        assert!(text.contains("since about 13:55"), "{word}: before");
        assert!(text.contains("payments since 13:56"), "{word}: after");
        assert!(text.contains("(deleted by its author)"), "{word}: its mark");
        // That it was changed before stands on the timeline, which the conversation alone does not have.
        let alone = format == Format::Transcript;
        assert!(!alone || !text.contains("never mind"), "{word}: deleted");
    }
}

#[test]
fn a_chart_is_drawn_of_whole_numbers_and_without_a_style_attribute() {
    let svg = postmortem::chart::svg(&rich().chart);
    for class in ["band", "page", "ack", "run", "note"] {
        assert!(svg.contains(&format!("<g class=\"{class}\">")), "{class}");
    }
    assert!(!svg.contains("style="));
    assert!(!Regex::new(r#"="\d+\.\d"#).unwrap().is_match(&svg), "{svg}");
    assert!(roxmltree::Document::parse(&svg).is_ok());
}
