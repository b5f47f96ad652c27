//! `[status_page]` and `[[subscribers]]`: what everybody sees, and who is told beside the page.

use super::folders::{Entry, Reading, check_id};
use super::reader::{Said, Table};
use super::settings::{check_channel, parse_zone, web_address};
use crate::core::board::{Component, Condition, PageRules};
use crate::core::incident::Audience;
use crate::core::subscribe::{FILE, Subscriber, Topics, Via, is_mail};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Components of a page: what people still find something on.
const COMPONENTS: usize = 200;

/// Where the page is served, beside what stands on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageServing {
    /// Address and port of the public listener; `None`: none.
    pub listen: Option<String>,
    /// The folder that files are written to after every change; `None`: none.
    pub folder: Option<PathBuf>,
}

/// `[status_page]`; `None`: there is none.
pub(super) fn page(
    top: &Table<'_>,
    reading: &Reading<'_>,
    base: &Path,
) -> Option<(PageRules, PageServing)> {
    let table = top.table("status_page", "[status_page]")?;
    let listen = table.text("listen");
    if let Some(said) = &listen
        && said.value.parse::<SocketAddr>().is_err()
    {
        let what = format!(
            "`listen` cannot be {:?}: it is not an address with a port",
            said.value
        );
        table
            .sink
            .fault(&said.place, what, "write listen = \"0.0.0.0:8090\"");
    }
    let folder = table.text("folder").map(|s| base.join(s.value));
    let url = table.need_text("url", "\"https://status.example.org\"");
    if let Some(said) = url.as_ref().filter(|s| web_address(&s.value).is_none()) {
        let what = format!(
            "`url` cannot be {:?}: it is not an http or https address",
            said.value
        );
        table.sink.fault(
            &said.place,
            what,
            "write url = \"https://status.example.org\"",
        );
    }
    let zone = match table.text("zone") {
        Some(said) => parse_zone(&table, &said),
        None => reading.zone,
    };
    let names: Vec<&str> = reading.severities.iter().map(|s| s.name.as_str()).collect();
    let rules = PageRules {
        title: table
            .need_text("title", "\"Example status\"")
            .map_or_else(String::new, |s| s.value),
        about: table.text("about").map_or_else(String::new, |s| s.value),
        url: url.map_or_else(String::new, |s| s.value.trim_end_matches('/').to_owned()),
        zone,
        days: table
            .int("days", 1..=366)
            .and_then(|n| u16::try_from(n).ok())
            .unwrap_or(90),
        planned: std::collections::BTreeMap::new(),
        components: components(&table, reading),
        by_severity: by_severity(&table, &names),
        publishers: table.words("publishers"),
        mitigated: table
            .text("mitigated")
            .and_then(|said| condition(&table, "mitigated", &said))
            .unwrap_or(Condition::Degraded),
    };
    if listen.is_none() && folder.is_none() {
        let what = "[status_page] is neither served nor written: nobody will see it";
        let fix = "add listen = \"0.0.0.0:8090\", folder = \"/var/lib/firebell/status\", or both";
        table.sink.warn(&table.place, what, fix);
    }
    table.done();
    let serving = PageServing {
        listen: listen.map(|s| s.value),
        folder,
    };
    Some((rules, serving))
}

fn condition(table: &Table<'_>, key: &str, said: &Said<String>) -> Option<Condition> {
    let found = Condition::parse(&said.value);
    if found.is_none() {
        let words = Condition::ALL.map(Condition::word).join(", ");
        let what = format!("`{key}` cannot be {:?}", said.value);
        table
            .sink
            .fault(&said.place, what, format!("write one of {words}"));
    }
    found
}

/// The worst severity is a major outage, the next a partial one, what is below is degraded.
fn by_severity(table: &Table<'_>, names: &[&str]) -> Vec<Condition> {
    let usual = [Condition::MajorOutage, Condition::PartialOutage];
    let usual = |n: usize| usual.get(n).copied().unwrap_or(Condition::Degraded);
    let mut found: Vec<Condition> = (0..names.len()).map(usual).collect();
    for (name, said) in table.map("severities") {
        let Some(at) = names.iter().position(|n| *n == name) else {
            let what = format!("`severities` names the severity {name:?}, which does not exist");
            let fix = format!("the scale is {}", names.join(", "));
            table.sink.fault(&said.place, what, fix);
            continue;
        };
        if let Some(c) = condition(table, "severities", &said) {
            found[at] = c;
        }
    }
    found
}

fn components(page: &Table<'_>, reading: &Reading<'_>) -> Vec<Component> {
    let mut found: Vec<Component> = Vec::new();
    let mut seen = BTreeSet::new();
    for table in page.tables("components", "[[status_page.components]]") {
        let id = table.need_text("id", "\"shop\"");
        let name = table.need_text("name", "\"Online shop\"");
        let component = Component {
            id: id.as_ref().map_or_else(String::new, |s| s.value.clone()),
            name: name.map_or_else(String::new, |s| s.value),
            about: table.text("about").map_or_else(String::new, |s| s.value),
            group: table.text("group").map_or_else(String::new, |s| s.value),
            services: reading.many(Entry::Service, &table, "services"),
        };
        table.done();
        let Some(id) = id else { continue };
        if let Err(why) = check_id(&id.value) {
            let what = format!("`id` cannot be {:?}: {why}", id.value);
            page.sink
                .fault(&id.place, what, "write it such as \"online-shop\"");
        }
        if !seen.insert(id.value.clone()) {
            let what = format!("the component {:?} is given twice", id.value);
            page.sink.fault(&id.place, what, "keep one of them");
        }
        found.push(component);
    }
    if found.len() > COMPONENTS {
        let what = format!("the page has {} components", found.len());
        let fix = format!("name at most {COMPONENTS}: what people outside know by name");
        page.sink.fault(&page.place_of("components"), what, fix);
    }
    found
}

/// `[[subscribers]]`.
pub(super) fn subscribers(
    top: &Table<'_>,
    reading: &Reading<'_>,
    page: Option<&PageRules>,
) -> Vec<Arc<Subscriber>> {
    let mut found: Vec<Arc<Subscriber>> = Vec::new();
    for table in top.tables("subscribers", "[[subscribers]]") {
        let name = table.need_text("name", "\"support\"");
        let via = via(&table, reading);
        let audience = table.text("audience").and_then(|said| {
            let found = Audience::parse(&said.value);
            if found.is_none() {
                let what = format!("`audience` cannot be {:?}", said.value);
                table.sink.fault(
                    &said.place,
                    what,
                    "write audience = \"internal\" or \"public\"",
                );
            }
            found
        });
        let topics = topics(&table, reading, page);
        let private = table.flag("private").unwrap_or(false);
        table.done();
        let (Some(name), Some(via)) = (name, via) else {
            continue;
        };
        let id = format!("{FILE}{}", name.value);
        if found.iter().any(|s| s.id == id) {
            let what = format!("two subscribers are called {:?}", name.value);
            top.sink.fault(&name.place, what, "give each its own name");
        }
        found.push(Arc::new(Subscriber {
            id,
            via,
            audience: audience.unwrap_or_default(),
            topics,
            private,
        }));
    }
    found
}

fn via(table: &Table<'_>, reading: &Reading<'_>) -> Option<Via> {
    let (mail, channel, webhook) = (
        table.text("mail"),
        table.text("channel"),
        table.text("webhook"),
    );
    let ways = [&mail, &channel, &webhook].into_iter().flatten().count();
    if ways != 1 {
        let what = format!("a subscriber is told by exactly one way, and this one has {ways}");
        let fix = "write mail = \"team@example.org\", channel = \"support\" or webhook = \"NAME\"";
        table.sink.fault(&table.place, what, fix);
        return None;
    }
    if let Some(said) = mail {
        if !is_mail(&said.value) {
            let what = format!("`mail` cannot be {:?}: it is no mail address", said.value);
            table
                .sink
                .fault(&said.place, what, "write mail = \"team@example.org\"");
        }
        return Some(Via::Mail(said.value));
    }
    if let Some(said) = channel {
        check_channel(table, "channel", &said);
        return Some(Via::Channel(said.value));
    }
    let said = webhook?;
    if !reading.webhooks.contains_key(&said.value) {
        let what = format!(
            "`webhook` names {:?}, which is none of [[webhooks]]",
            said.value
        );
        table.sink.fault(
            &said.place,
            what,
            "add [[webhooks]] with this name and its url",
        );
    }
    Some(Via::Webhook(said.value))
}

fn topics(table: &Table<'_>, reading: &Reading<'_>, page: Option<&PageRules>) -> Topics {
    let services = reading.many(Entry::Service, table, "services");
    let known = |said: &Said<String>, key: &str, names: &[&str]| {
        if !names.contains(&said.value.as_str()) {
            let what = format!("`{key}` names {:?}, which does not exist", said.value);
            let fix = format!("there is {}", names.join(", "));
            table.sink.fault(&said.place, what, fix);
        }
    };
    let ids: Vec<&str> = page
        .iter()
        .flat_map(|p| &p.components)
        .map(|c| c.id.as_str())
        .collect();
    let components = table.texts("components").unwrap_or_default();
    for said in &components {
        known(said, "components", &ids);
    }
    let names: Vec<&str> = reading.severities.iter().map(|s| s.name.as_str()).collect();
    let severities = table.texts("severities").unwrap_or_default();
    for said in &severities {
        known(said, "severities", &names);
    }
    let words = |said: Vec<Said<String>>| said.into_iter().map(|s| s.value).collect();
    Topics {
        services,
        components: words(components),
        severities: words(severities),
        incidents: Vec::new(),
    }
}
