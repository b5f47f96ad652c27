//! The demo's whole story: two people, from the first alert to the finished postmortem.

use super::driver::{Driver, Screen, Tab};
use crate::process::{Firebell, PATIENCE, until};
use firebell::engine::Clock;
use firebell::ingest::fingerprint::fingerprint;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The incident that has a room, once both its alerts are in: its number.
async fn major(firebell: &Firebell) -> i64 {
    until("the outage has both its alerts", PATIENCE, async || {
        let open = firebell.get_json("/api/v1/incidents?status=open").await;
        let items = open["items"].as_array().unwrap().clone();
        let found = items.iter().find(|i| i["service"] == "checkout");
        let alerts = firebell.get_json("/api/v1/alerts?status=firing").await;
        let id = found.and_then(|i| i["id"].as_i64());
        let of = alerts["items"].as_array().unwrap().iter();
        match (id, of.filter(|a| a["incident"].as_i64() == id).count()) {
            (Some(id), 2) => Ok(id),
            _ => Err(open),
        }
    })
    .await
}

/// What Alertmanager sends once everything that fires for the service is over.
async fn all_is_over(firebell: &Firebell, incident: i64) {
    let firing = firebell.get_json("/api/v1/alerts?status=firing").await;
    let alerts = firing["items"].as_array().unwrap().iter();
    let over: Vec<Value> = alerts
        .filter(|a| a["incident"].as_i64() == Some(incident))
        .map(|a| {
            let labels: BTreeMap<String, String> =
                serde_json::from_value(a["labels"].clone()).unwrap();
            json!({
                "status": "resolved",
                "labels": labels,
                "annotations": {},
                "startsAt": a["starts_at"],
                "endsAt": Clock::Real.now().rfc3339(),
                "generatorURL": "http://prometheus.example/graph",
                "fingerprint": fingerprint(&labels),
            })
        })
        .collect();
    assert_eq!(over.len(), 2, "{firing}");
    let body = json!({
        "version": "4",
        "groupKey": "{}:{alertname=\"HighErrorRate\"}",
        "truncatedAlerts": 0,
        "status": "resolved",
        "receiver": "firebell",
        "groupLabels": {"alertname": "HighErrorRate"},
        "commonLabels": {"service": "checkout"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": over,
    });
    firebell.post_ingest("/v1/ingest/alertmanager", &body).await;
}

/// Two people in the room of the outage, each in a browser of their own; Bo is on the phone.
struct Room {
    ana: Tab,
    bo: Tab,
    incident: i64,
    path: String,
}

impl Room {
    async fn enter(driver: &Driver, firebell: &Firebell) -> Room {
        let base = firebell.url();
        let ana = driver.open("ana", Screen::Desktop, &base).await;
        ana.goto("/").await;
        ana.sees(".card", "checkout").await;
        ana.shoot("overview-nobody").await;
        let incident = major(firebell).await;
        ana.pick("ana").await;
        ana.sees(".me", "Ana Ruiz").await;
        ana.goto(&format!("/incidents/{incident}")).await;
        ana.press("Room").await;
        ana.sees(".strip", "triggered").await;
        let path = ana.path().await;
        let bo = driver.open("bo", Screen::Phone, &base).await;
        bo.pick("bo").await;
        bo.goto(&path).await;
        bo.sees(".strip", "triggered").await;
        ana.mark().await;
        bo.mark().await;
        Room {
            ana,
            bo,
            incident,
            path,
        }
    }

    async fn acknowledge(&self) {
        self.bo.shoot("room-triggered").await;
        self.ana.press("Acknowledge").await;
        self.ana.sees(".strip", "acknowledged").await;
        self.bo.sees(".strip", "who has it Ana Ruiz").await;
        self.bo.is_still_marked().await;
    }

    async fn talk(&self) {
        let Room { ana, bo, .. } = self;
        ana.write("#message", "/no").await;
        ana.sees("#completions li", "note").await;
        ana.shoot("room-completion").await;
        ana.write("#message", "\u{E004}").await; // Tab takes the first
        ana.write("#message", "we looked at the load balancer\n")
            .await;
        bo.sees(".posts", "we looked at the load balancer").await;
        ana.write("#message", "/oncall\n").await;
        ana.sees(".post[data-kind=answer]", "Web, primary").await;
        ana.write("#message", "restarting one machine at a time\n")
            .await;
        bo.sees(".said-by", "restarting one machine at a time")
            .await;
        let answers = bo.texts(".post[data-kind=answer]").await;
        let meant_for_ana = answers.iter().any(|a| a.contains("Web, primary"));
        assert!(!meant_for_ana, "{answers:?}");
        bo.is_still_marked().await;
        ana.is_still_marked().await;
    }

    async fn diagnose(&self) {
        let Room { ana, bo, .. } = self;
        self.ask_for(ana, "Show disk usage").await;
        ana.click("select[name='arg.path'] option[value='/tmp']")
            .await;
        ana.shoot("run-form").await;
        ana.press("Show me exactly what runs").await;
        ana.sees("pre.argv", r#"["/bin/df", "-h", "/tmp"]"#).await;
        ana.shoot("run-confirm").await;
        ana.submit("Run it now").await;
        bo.sees(".run .output", "Filesystem").await;
        bo.sees(".run[data-state=good]", "Show disk usage").await;
        bo.sees(".posts .line", "Show disk usage").await;
        bo.is_still_marked().await;
    }

    async fn ask_for(&self, who: &Tab, title: &str) {
        who.goto(&format!("/incidents/{}", self.incident)).await;
        who.press("More…").await;
        who.press(&format!("Run: {title}")).await;
        who.sees("h1", title).await;
    }

    async fn remedy(&self) {
        let Room { ana, bo, path, .. } = self;
        self.ask_for(ana, "Restart a web server").await;
        ana.press("Show me exactly what runs").await;
        ana.sees(
            "pre.argv",
            "restarted the web server on web-3 (graceful, 30 s)",
        )
        .await;
        ana.submit("Ask for approval").await;
        ana.goto(path).await;
        ana.sees(
            ".run[data-state=asked]",
            "Waits for somebody else to approve.",
        )
        .await;
        ana.write("#message", "/approve run-2\n").await;
        ana.sees(".post[data-kind=answer]", "Somebody else has to.")
            .await;
        ana.shoot("room-approval").await;
        bo.sees(".run[data-state=asked]", "Restart a web server")
            .await;
        bo.shoot("room-approval").await;
        ana.mark().await;
        bo.press("Approve").await;
        for tab in [ana, bo] {
            tab.sees(
                ".run[data-state=good] .output",
                "restarted the web server on web-3",
            )
            .await;
            tab.is_still_marked().await;
        }
    }

    async fn resolve(&self, firebell: &Firebell) {
        all_is_over(firebell, self.incident).await;
        for tab in [&self.ana, &self.bo] {
            tab.sees(".strip", "resolved").await;
            tab.is_still_marked().await;
        }
        // The room stays in sight in the side bar though it now is one of the past.
        self.ana
            .sees(".side .rooms a[aria-current=page]", "inc-1")
            .await;
        self.ana.shoot("room-resolved").await;
    }

    async fn look_back(&self, firebell: &Firebell) {
        let Room { ana, incident, .. } = self;
        ana.goto(&format!("/incidents/{incident}/postmortem")).await;
        for words in [
            "we looked at the load balancer",
            "Restart a web server",
            "Show disk usage",
            "Acknowledge",
            "Resolve",
        ] {
            ana.sees("main", words).await;
        }
        for (format, button) in [("md", "Markdown"), ("json", "JSON")] {
            ana.sees("main a[download]", button).await;
            let page = format!("/incidents/{incident}/postmortem.{format}");
            let fetch = format!("return fetch({page:?}).then((a) => a.text())");
            let api = format!("/api/v1/incidents/{incident}/postmortem?format={format}");
            assert_eq!(ana.js(&fetch).await, firebell.get_text(&api).await);
        }
    }

    /// Written by a person, drafted again by firebell, taken along.
    async fn write_it_down(&self) {
        let Room { ana, incident, .. } = self;
        let page = format!("/incidents/{incident}/postmortem");
        ana.goto(&format!("{page}/edit/lucky")).await;
        ana.write("#text", "It was **Monday**, and somebody looked.")
            .await;
        ana.press("Preview").await;
        ana.sees(".pm-document strong", "Monday").await;
        ana.shoot("postmortem-preview").await;
        ana.submit("Save").await;
        ana.sees(".pm-document", "and somebody looked.").await;
        ana.goto(&format!("/incidents/{incident}")).await;
        ana.write("#note", "the cache was cold for an hour").await;
        ana.submit("Add to the timeline").await;
        ana.sees("main", "the cache was cold").await;
        ana.goto(&page).await;
        ana.sees(".pm-document", "the cache was cold for an hour")
            .await;
        ana.sees(".pm-document", "and somebody looked.").await;
        let drawn = "return document.querySelectorAll('svg.chart rect').length";
        assert!(ana.js(drawn).await.as_u64() > Some(0));
        ana.shoot("postmortem").await;
        let fetch = format!(
            "return fetch({:?}).then((a) => a.text())",
            format!("{page}.html")
        );
        let file = ana.js(&fetch).await;
        let file = file.as_str().unwrap();
        assert!(file.contains("<strong>Monday</strong>"), "{file}");
        assert!(file.contains("the cache was cold for an hour"), "{file}");
        assert!(!file.contains("<script"), "{file}");
        ana.goto("/search?q=load+balancer").await;
        ana.sees("mark", "load").await;
        ana.shoot("search").await;
    }
}

#[tokio::test]
async fn two_people_live_the_demos_story_from_the_alert_to_the_postmortem() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    let firebell = Firebell::demo(false).await;
    let room = tokio::time::timeout(Duration::from_secs(240), async {
        let room = Room::enter(&driver, &firebell).await;
        room.acknowledge().await;
        room.talk().await;
        room.diagnose().await;
        room.remedy().await;
        room.resolve(&firebell).await;
        room.look_back(&firebell).await;
        room.write_it_down().await;
        room
    });
    let room = room.await.expect("the story takes no longer than this");
    for tab in [&room.ana, &room.bo] {
        super::pages::are_in_order(tab, room.incident, &room.path).await;
        tab.has_no_complaints().await;
    }
}
