//! The stage on the console: pages as a browser reads them, forms as a browser sends them.

use super::house::House;
use super::on_slack::typed;
use super::stage::{At, Pressable, Seen, Spot, Stage, Told};
use regex::Regex;
use reqwest::header::{ACCEPT, COOKIE, LOCATION, ORIGIN};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use std::sync::Arc;

pub struct OnConsole {
    house: Arc<House>,
    browser: Client,
}

/// The first group of every match.
fn all<'a>(pattern: &str, text: &'a str) -> Vec<&'a str> {
    let pattern = Regex::new(pattern).unwrap();
    let found = pattern.captures_iter(text);
    found.map(|c| c.get(1).unwrap().as_str()).collect()
}

/// What a reader sees of a piece of a page.
fn words(html: &str) -> String {
    let text = Regex::new("<[^>]*>").unwrap().replace_all(html, " ");
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A field of a form.
fn field(html: &str, name: &str) -> Option<String> {
    let pattern = format!("name=\"{name}\" value=\"([^\"]*)\"");
    all(&pattern, html).first().map(|v| words(v))
}

/// The buttons of a message: forms, and links that look like them.
fn pressables(html: &str) -> Vec<Pressable> {
    let mut found = Vec::new();
    for form in all("(?s)<form class=\"press\"(.*?)</form>", html) {
        let label = all("(?s)<button[^>]*>(.*?)</button>", form)[0];
        let names = [
            "token", "click", "incident", "as_of", "press", "verb", "line", "task", "role", "who",
        ];
        let value = |name: &&str| Some(((*name).to_owned(), field(form, name)?));
        found.push(Pressable {
            label: words(label),
            to: all("action=\"([^\"]*)\"", form)[0].to_owned(),
            fields: names.iter().filter_map(value).collect(),
        });
    }
    for link in all("(?s)<a class=\"button[^\"]*\" (href=.*?)</a>", html) {
        let (to, label) = link.split_once('>').unwrap();
        found.push(Pressable {
            label: words(label),
            to: to.trim_start_matches("href=").trim_matches('"').to_owned(),
            fields: Vec::new(),
        });
    }
    found
}

fn read(item: &str) -> (Seen, String) {
    let kind = all("data-kind=\"([^\"]*)\"", item)[0].to_owned();
    let (_, inside) = item.split_once('>').unwrap();
    let drawn = pressables(inside);
    let seen = Seen {
        words: words(inside),
        buttons: drawn.iter().map(|p| p.label.clone()).collect(),
        ours: kind != "text",
        card: kind == "card",
        at: At::Console(drawn),
        place: Some(place(item)),
    };
    (seen, kind)
}

/// The room and number of a message, as its deeds name them.
fn place(item: &str) -> (String, String) {
    let id = all("data-id=\"([^\"]*)\"", item)[0].to_owned();
    let room = all("/rooms/([0-9]+)/posts/", item);
    (
        room.first().map_or_else(String::new, |r| (*r).to_owned()),
        id,
    )
}

fn drawn<'a>(seen: &'a Seen, label: &str) -> &'a Pressable {
    let At::Console(all) = &seen.at else {
        panic!("not on the console: {seen:?}");
    };
    let found = all.iter().find(|p| p.label == label);
    found.unwrap_or_else(|| panic!("no button {label:?}; there are {all:?}"))
}

/// A one-time id as a page would carry it.
fn click() -> String {
    format!("{:032x}", fastrand::u128(..))
}

impl OnConsole {
    fn get(&self, who: &str, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.house.process().base);
        let asked = self.browser.get(url);
        asked.header(COOKIE, format!("firebell_who={who}"))
    }

    async fn page(&self, who: &str, path: &str) -> String {
        let answer = self.get(who, path).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }

    fn form(&self, who: &str, path: &str, fields: &[(String, String)]) -> RequestBuilder {
        let base = self.house.process().base.clone();
        let sent = self.browser.post(format!("{base}{path}")).form(fields);
        sent.header(COOKIE, format!("firebell_who={who}"))
            .header(ORIGIN, base)
    }

    /// Sends a form by the script, which reads one JSON object.
    async fn sends(&self, who: &str, path: &str, fields: &[(String, String)]) -> Value {
        let form = self.form(who, path, fields);
        let answer = form.header(ACCEPT, "application/json").send().await;
        answer.unwrap().json().await.unwrap()
    }

    /// The path of a place; `None`: it is not there yet.
    async fn path(&self, spot: &Spot) -> Option<String> {
        let (kind, name) = match spot {
            Spot::Room(id) => return Some(format!("/rooms/{id}")),
            Spot::Channel(name) => ("channel", name),
            Spot::Direct(who) => ("direct", who),
        };
        let engine = self.house.engine();
        let room = engine.store().room_named(kind, name).await.unwrap();
        room.map(|r| format!("/rooms/{}", r.id.0))
    }

    async fn items(&self, who: &str, spot: &Spot) -> Vec<(Seen, String)> {
        let Some(path) = self.path(spot).await else {
            return Vec::new();
        };
        let page = self.page(who, &path).await;
        let items = page.split("<li class=\"post\"").skip(1);
        items.map(read).collect()
    }
}

fn told(answer: &Value) -> Told {
    Told {
        text: answer["text"].as_str().unwrap_or_default().to_owned(),
        alone: true,
    }
}

impl Stage for OnConsole {
    const NAME: &'static str = "console";
    const STRANGERS_ACT: bool = false;
    const EDITS: bool = true;
    const CARDS_ARE_EDITED: bool = false;

    fn of(house: Arc<House>) -> OnConsole {
        let browser = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        OnConsole {
            house,
            browser: browser.unwrap(),
        }
    }

    fn house(&self) -> &House {
        &self.house
    }

    async fn seen(&self, who: &str, spot: &Spot) -> Vec<Seen> {
        let items = self.items(who, spot).await.into_iter();
        let items = items.filter(|(_, kind)| kind != "answer");
        items.map(|(seen, _)| seen).collect()
    }

    fn stranger(&self, _name: &str) {}

    async fn press(&self, who: &str, seen: &Seen, label: &str) -> Told {
        let button = drawn(seen, label);
        told(&self.sends(who, &button.to, &button.fields).await)
    }

    async fn press_twice(&self, who: &str, seen: &Seen, label: &str) {
        self.press(who, seen, label).await;
        self.press(who, seen, label).await;
    }

    /// A link to the form, what exactly would run, and the form that asks for it.
    async fn ask_run(&self, who: &str, card: &Seen, action: &str) -> Told {
        let link = drawn(card, &format!("Run: {action}")).to.clone();
        self.page(who, &link).await;
        let preview = self.page(who, &format!("{link}/confirm")).await;
        let click = field(&preview, "click").unwrap();
        let fields = [("click".to_owned(), click)];
        told(&self.sends(who, &link, &fields).await)
    }

    async fn note_by_form(&self, who: &str, card: &Seen, at: &str, text: &str) {
        let link = drawn(card, "Note").to.clone();
        let (incident, _) = link.split_once('#').unwrap();
        let page = self.page(who, incident).await;
        let fields = [
            ("click", field(&page, "click").unwrap()),
            ("at", at.to_owned()),
            ("text", text.to_owned()),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let path = format!("{incident}/notes");
        let answer = self.sends(who, &path, &fields).await;
        assert_eq!(answer["ok"], true, "{answer}");
    }

    async fn command(&self, who: &str, spot: &Spot, verb: &str, values: &[(&str, &str)]) -> Told {
        self.types(who, spot, &typed(verb, values)).await
    }

    async fn types(&self, who: &str, spot: &Spot, line: &str) -> Told {
        self.posts(who, spot, &format!("/{line}")).await;
        let items = self.items(who, spot).await;
        let answer = items.into_iter().rfind(|(_, kind)| kind == "answer");
        let (seen, _) = answer.expect("an answer in the room");
        Told {
            alone: seen.words.contains("only you see this"),
            text: seen.words,
        }
    }

    async fn says(&self, who: &str, spot: &Spot, text: &str) -> Seen {
        self.posts(who, spot, text).await;
        let items = self.items(who, spot).await;
        let said = items.into_iter().rfind(|(seen, _)| !seen.ours);
        said.expect("it stands in the room").0
    }

    async fn edits(&self, who: &str, said: &Seen, text: &str) {
        let fields = [("text", text.to_owned()), ("click", click())];
        self.deed(who, said, "edit", &fields).await;
    }

    async fn deletes(&self, who: &str, said: &Seen) {
        self.deed(who, said, "delete", &[("click", click())]).await;
    }

    /// What a browser has drawn stays as it is.
    fn freezes_cards(&self) {}

    /// The console has no network of its own to lose: here the process lives on without it.
    async fn goes_down(&self) {
        self.house.restarts_mute().await;
    }

    async fn comes_back(&self) {
        self.house.delivers();
    }

    fn redraws(&self, _card: &Seen) -> usize {
        0
    }

    async fn assert_harmless(&self) {
        let pages = ["/", "/incidents", "/alerts?show=all"];
        let mut paths: Vec<String> = pages.map(str::to_owned).into();
        for id in (1..).take_while(|id| *id < 10) {
            if self.house.incident(id).await.is_some() {
                paths.push(format!("/incidents/{id}"));
                paths.push(format!("/incidents/{id}/postmortem"));
            }
        }
        for room in self.house.engine().store().rooms(50).await.unwrap() {
            if room.kind != "direct" || room.name == "ana" {
                paths.push(format!("/rooms/{}", room.id.0));
            }
        }
        for path in paths {
            let page = self.page("ana", &path).await;
            for trap in ["<script>", "<img", "<b>[", "href=\"javascript", "<!channel"] {
                assert!(!page.contains(trap), "{path}: {trap}");
            }
            assert!(!super::stories::turns_around(&page), "{path}");
        }
    }
}

impl OnConsole {
    /// Does something with a message that stands in a room: `edit`, `delete`, `mark`.
    pub async fn deed(
        &self,
        who: &str,
        seen: &Seen,
        what: &str,
        fields: &[(&str, String)],
    ) -> Value {
        let fields: Vec<(String, String)> = (fields.iter())
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let path = format!("/rooms/{}/posts/{}/{what}", seen.room(), seen.post());
        self.sends(who, &path, &fields).await
    }

    /// A page as somebody sees it.
    pub async fn reads(&self, who: &str, path: &str) -> String {
        self.page(who, path).await
    }

    /// Sends a file with words through the form of a room.
    pub async fn shares(
        &self,
        who: &str,
        spot: &Spot,
        (name, content): (&str, &[u8]),
        text: &str,
    ) -> Value {
        let path = self.path(spot).await.expect("the place is there");
        let mut body = Vec::new();
        for (field, value) in [("text", text.to_owned()), ("click", click())] {
            let part = format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
            );
            body.extend(part.into_bytes());
        }
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/html\r\n\r\n"
        );
        body.extend(head.into_bytes());
        body.extend(content);
        body.extend(b"\r\n--edge--\r\n");
        let base = self.house.process().base.clone();
        let sent = self.browser.post(format!("{base}{path}/files"));
        let sent = sent
            .header(COOKIE, format!("firebell_who={who}"))
            .header(ORIGIN, base)
            .header(ACCEPT, "application/json")
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(body);
        sent.send().await.unwrap().json().await.unwrap()
    }

    /// An answer of the console with its headers.
    pub async fn answer(&self, who: &str, path: &str) -> reqwest::Response {
        self.get(who, path).send().await.unwrap()
    }

    /// Marks a message, or takes that back.
    pub async fn marks(&self, who: &str, seen: &Seen) -> Value {
        self.deed(who, seen, "mark", &[("click", click())]).await
    }

    /// Removes a line for good through its form.
    pub async fn redacts(&self, who: &str, id: i64, seq: u32, why: &str) -> Value {
        let fields = [("why", why.to_owned()), ("click", click())];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        self.sends(who, &format!("/incidents/{id}/redact/{seq}"), &fields)
            .await
    }

    /// Removes what people wrote into a section of the postmortem for good through its form.
    pub async fn removes_section(&self, who: &str, id: i64, anchor: &str, why: &str) -> Value {
        let fields = [("why", why.to_owned()), ("click", click())];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let path = format!("/incidents/{id}/postmortem/redact/{anchor}");
        self.sends(who, &path, &fields).await
    }

    async fn posts(&self, who: &str, spot: &Spot, text: &str) {
        let path = self.path(spot).await.expect("the place is there");
        let fields = [("text", text.to_owned()), ("click", click())];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let posted = self.form(who, &format!("{path}/posts"), &fields);
        let answer = posted.send().await.unwrap();
        let back = answer.headers().get(LOCATION);
        assert_eq!(back.unwrap(), path.as_str(), "{}", answer.status());
    }
}
