//! The gallery of the documentation: what the adapters send of a card, drawn as the platforms draw it.
//!
//! The messages are the golden files of `docs/messages/gallery`. With `UPDATE=1` each becomes a picture beside
//! it; always, every word that is sent has to be seen, and nothing may reach over the edge.

use super::driver::{Driver, Screen};
use serde_json::Value;
use std::path::{Path, PathBuf};

const SLACK: &str = "body{margin:0;background:#fff;font:15px/1.46 Lato,'Helvetica Neue',Arial,sans-serif;color:#1d1c1d}
#message{width:640px;padding:14px 20px;box-sizing:border-box;display:flex;gap:10px}
.face{flex:none;width:36px;height:36px;border-radius:6px;background:#b3261e;color:#fff;text-align:center;font:700 19px/36px Arial}
.who{font-weight:900}.app{background:#e8e8e8;color:#616061;font-size:10px;border-radius:2px;padding:1px 4px;margin:0 6px}
.at{color:#616061;font-size:12px}h1{font-size:18px;margin:4px 0}.fields{display:grid;grid-template-columns:1fr 1fr;gap:2px 16px;margin:6px 0}
p{margin:6px 0;white-space:pre-wrap;overflow-wrap:anywhere}pre{background:#f8f8f8;border:1px solid #ddd;border-radius:4px;padding:8px;font:12px/1.5 Menlo,monospace;white-space:pre-wrap;margin:6px 0}
.row{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}button{border:1px solid #bbb;border-radius:4px;background:#fff;font:700 13px Arial;padding:7px 11px;color:#1d1c1d}
.primary{background:#007a5a;border-color:#007a5a;color:#fff}.danger{background:#fff;border-color:#e01e5a;color:#e01e5a}
.dot{display:inline-block;width:.8em;height:.8em;border-radius:50%;margin-right:.15em}.context{color:#616061;font-size:12px;margin:6px 0}a{color:#1264a3;text-decoration:none}";

const DISCORD: &str = "body{margin:0;background:#313338;font:15px/1.4 'gg sans','Helvetica Neue',Arial,sans-serif;color:#dbdee1}
#message{width:640px;padding:14px 18px;box-sizing:border-box;display:flex;gap:14px}
.face{flex:none;width:40px;height:40px;border-radius:50%;background:#b3261e;color:#fff;text-align:center;font:700 20px/40px Arial}
.body{min-width:0;flex:1}.who{font-weight:600;color:#f2f3f5}.app{background:#5865f2;color:#fff;font-size:10px;border-radius:3px;padding:1px 5px;margin:0 6px}
.at{color:#949ba4;font-size:12px}.text{margin:2px 0 6px;white-space:pre-wrap;overflow-wrap:anywhere}
.embed{background:#2b2d31;border-left:4px solid #202225;border-radius:4px;padding:10px 14px;margin:4px 0}
.title{font-weight:600;color:#00a8fc;margin-bottom:6px}.fields{display:grid;grid-template-columns:1fr 1fr 1fr;gap:8px 12px;font-size:13px}
.wide{grid-column:1/-1}.fields b{display:block;color:#f2f3f5}.about{white-space:pre-wrap;font-size:14px;margin:6px 0;overflow-wrap:anywhere}
.foot{color:#949ba4;font-size:12px;margin-top:8px}.row{display:flex;flex-wrap:wrap;gap:8px;margin:6px 0}
button{border:0;border-radius:3px;background:#4e5058;color:#fff;font:500 13px Arial;padding:8px 12px}
.b1{background:#5865f2}.b3{background:#248046}.b4{background:#da373c}pre{background:#2b2d31;border:1px solid #1e1f22;border-radius:4px;padding:8px;font:12px/1.5 Menlo,monospace;white-space:pre-wrap;margin:4px 0}";

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// Circles the platforms draw in colour, for which few machines have a font.
const DOTS: [(char, &str); 6] = [
    ('🔴', "#dd2e44"),
    ('🟠', "#f4900c"),
    ('🟡', "#fdcb58"),
    ('🟢', "#78b159"),
    ('🔵', "#55acee"),
    ('🟣', "#aa8ed6"),
];

fn dotted(html: String) -> String {
    let dot = |html: String, (sign, colour): (char, &str)| {
        html.replace(
            sign,
            &format!("<i class=dot style='background:{colour}'></i>"),
        )
    };
    DOTS.into_iter().fold(html, dot)
}

/// Slack's `<url|words>` as a link, its own escapes undone.
fn mrkdwn(text: &str) -> String {
    let plain = |text: &str| {
        let text = text.replace("&lt;", "<").replace("&gt;", ">");
        escaped(&text.replace("&amp;", "&"))
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inner, after)) = linked(rest) {
        let words = inner.split_once('|').map_or(inner, |(_, words)| words);
        out += &format!("{}<a>{}</a>", plain(before), plain(words));
        rest = after;
    }
    out + &plain(rest)
}

/// What stands before a link, in it, and after it.
fn linked(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('<')?;
    let (inner, after) = rest.split_once('>')?;
    Some((before, inner, after))
}

/// Text of a message: Slack's own escapes are undone first, code is code, and links are their words.
fn words(text: &Value) -> String {
    let raw = text["text"]
        .as_str()
        .or_else(|| text.as_str())
        .unwrap_or_default();
    let slack = text["type"] == "mrkdwn";
    let mut out = String::new();
    for (n, part) in raw.split("```").enumerate() {
        let html = |part: &str| if slack { mrkdwn(part) } else { escaped(part) };
        if n % 2 == 1 {
            out += &format!("<pre>{}</pre>", html(part.trim_matches('\n')));
        } else {
            out += &html(part);
        }
    }
    dotted(out)
}

fn slack(message: &Value) -> String {
    let mut out = String::new();
    for block in message["blocks"].as_array().unwrap() {
        let elements = || block["elements"].as_array().into_iter().flatten();
        out += &match block["type"].as_str().unwrap() {
            "header" => format!("<h1>{}</h1>", words(&block["text"])),
            "section" => {
                let fields = block["fields"].as_array().into_iter().flatten();
                let fields: Vec<String> =
                    fields.map(|f| format!("<div>{}</div>", words(f))).collect();
                let text = match &block["text"] {
                    Value::Null => String::new(),
                    text => format!("<p>{}</p>", words(text)),
                };
                let fields = match fields.len() {
                    0 => String::new(),
                    _ => format!("<div class=fields>{}</div>", fields.concat()),
                };
                text + &fields
            }
            "actions" => {
                let one = |b: &Value| {
                    let style = b["style"].as_str().unwrap_or_default();
                    format!("<button class='{style}'>{}</button>", words(&b["text"]))
                };
                format!(
                    "<div class=row>{}</div>",
                    elements().map(one).collect::<String>()
                )
            }
            "context" => {
                let one = |e: &Value| format!("<span>{}</span> ", words(e));
                format!(
                    "<div class=context>{}</div>",
                    elements().map(one).collect::<String>()
                )
            }
            "rich_text" => format!("<pre>{}</pre>", escaped(&texts(block).join(""))),
            "divider" => "<hr>".to_owned(),
            other => panic!("a block of type {other} is not drawn yet"),
        };
    }
    format!(
        "<style>{SLACK}</style><div id=message><div class=face>f</div><div><span class=who>firebell</span><span class=app>APP</span><span class=at>14:04</span>{out}</div></div>"
    )
}

fn discord(message: &Value) -> String {
    let mut out = match message["content"].as_str() {
        Some(text) if !text.is_empty() => {
            format!("<div class=text>{}</div>", words(&message["content"]))
        }
        _ => String::new(),
    };
    for embed in message["embeds"].as_array().into_iter().flatten() {
        let colour = embed["color"].as_u64().unwrap_or(0x20_2225);
        let fields = embed["fields"].as_array().into_iter().flatten().map(|f| {
            let wide = if f["inline"] == true { "" } else { "wide" };
            format!(
                "<div class='{wide}'><b>{}</b>{}</div>",
                words(&f["name"]),
                words(&f["value"])
            )
        });
        let fields: String = fields.collect();
        out += &format!(
            "<div class=embed style='border-color:#{colour:06x}'><div class=title>{}</div><div class=about>{}</div><div class=fields>{fields}</div><div class=foot>{}</div></div>",
            words(&embed["title"]),
            words(&embed["description"]),
            words(&embed["footer"]),
        );
    }
    for row in message["components"].as_array().into_iter().flatten() {
        let buttons = row["components"].as_array().into_iter().flatten().map(|b| {
            format!(
                "<button class=b{}>{}</button>",
                b["style"],
                words(&b["label"])
            )
        });
        out += &format!("<div class=row>{}</div>", buttons.collect::<String>());
    }
    format!(
        "<style>{DISCORD}</style><div id=message><div class=face>f</div><div class=body><span class=who>firebell</span><span class=app>APP</span><span class=at>Today at 14:04</span>{out}</div></div>"
    )
}

/// Every text of a message, wherever it stands.
fn texts(value: &Value) -> Vec<String> {
    let own = ["text", "label", "name", "value", "title", "description"];
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => {
            let of = |(key, value): (&String, &Value)| match value {
                Value::String(text) if own.contains(&key.as_str()) => vec![text.clone()],
                Value::String(_) => Vec::new(),
                other => texts(other),
            };
            // What a button carries is not what it says.
            let button = fields.get("action_id").is_some();
            fields
                .iter()
                .filter(|(k, _)| !(button && k.as_str() == "value"))
                .flat_map(of)
                .collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn every_message_of_the_gallery_is_drawn_whole() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/messages/gallery");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&home)
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    let scratch = tempfile::tempdir().unwrap();
    let base = format!("file://{}", scratch.path().display());
    let tab = driver.open("gallery", Screen::Desktop, &base).await;
    for file in files {
        let message: Value =
            serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let body = if name.ends_with("slack") {
            slack(&message)
        } else {
            discord(&message)
        };
        let page = format!("<!doctype html><meta charset=utf-8><title>{name}</title>{body}");
        std::fs::write(scratch.path().join(format!("{name}.html")), page).unwrap();
        tab.goto(&format!("/{name}.html")).await;
        tab.fits_the_screen(&name).await;
        let seen = tab.texts("#message").await.concat();
        let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let parts = match message["blocks"].as_array() {
            Some(_) => texts(&message["blocks"]),
            None => texts(&message),
        };
        for text in parts {
            for line in text.split("```").flat_map(str::lines) {
                let mut line = line.replace(DOTS.map(|d| d.0), "");
                while let Some((before, inner, after)) = linked(&line) {
                    let words = inner.split_once('|').map_or(inner, |(_, words)| words);
                    line = format!("{before}{words}{after}");
                }
                let line = line.replace("&lt;", "<").replace("&gt;", ">");
                let line = line.replace("&amp;", "&");
                assert!(
                    folded(&seen).contains(&folded(&line)),
                    "{name}: “{line}” is not seen in {seen}"
                );
            }
        }
        if std::env::var("UPDATE").is_ok() {
            let picture = tab.find("#message").await.screenshot().await.unwrap();
            std::fs::write(home.join(format!("{name}.png")), picture).unwrap();
        }
    }
}
