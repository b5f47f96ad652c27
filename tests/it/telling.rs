//! What is told to others: the status page and nothing else on it, subscribers by every way, and what
//! survives what.

mod look;
pub mod outside;
mod page;
mod subscribers;

use crate::world::{World, directory, person};
use firebell::core::board::{Component, Condition, PageRules};
use firebell::core::directory::Directory;
use firebell::core::incident::{Audience, Command, Standing, UpdateWish, compose, preview};
use std::sync::Arc;

/// Investigating, monitoring, resolved; a shop that `checkout` feeds.
pub fn telling() -> Directory {
    let place = |id: &str, mitigated, last| Standing {
        id: id.to_owned(),
        name: id[..1].to_uppercase() + &id[1..],
        mitigated,
        last,
    };
    let page = PageRules {
        title: "Shop status".to_owned(),
        url: "https://status.example.org".to_owned(),
        days: 90,
        components: vec![Component {
            id: "shop".to_owned(),
            name: "Shop".to_owned(),
            group: "Web".to_owned(),
            services: vec!["checkout".to_owned()],
            ..Component::default()
        }],
        by_severity: vec![Condition::MajorOutage, Condition::PartialOutage],
        mitigated: Condition::Degraded,
        ..PageRules::default()
    };
    Directory {
        statuses: vec![
            place("investigating", false, false),
            place("monitoring", true, false),
            place("resolved", true, true),
        ],
        page: Some(Arc::new(page)),
        ..directory()
    }
}

/// Somebody tells people inside.
pub async fn inside(w: &World, id: i64, status: Option<&str>, text: &str) {
    let wish = UpdateWish {
        status: status.map(str::to_owned),
        ..UpdateWish::internal(person("ana"), text)
    };
    w.tell(id, Command::Update(Box::new(wish))).await;
}

/// Somebody reads what everybody will read, and sends it.
pub async fn everybody(w: &World, id: i64, status: &str, title: &str, text: &str) {
    let mut wish = UpdateWish {
        status: Some(status.to_owned()),
        audience: Audience::Public,
        title: Some(title.to_owned()),
        ..UpdateWish::internal(person("ana"), text)
    };
    let incident = w.incident(id).await;
    let update = compose(&incident, &w.directory, w.clock.now(), &wish).unwrap();
    wish.seen = Some(preview(&incident, &update, w.directory.zone).digest);
    w.tell(id, Command::Update(Box::new(wish))).await;
}
