//! Incidents change hands by forms: given on, merged, several at once; and their alerts are held back.

use super::*;
use firebell::core::incident::Event;

#[tokio::test]
async fn an_incident_is_given_on_by_a_form() {
    let h = House::burning().await;
    let page = h.page("ana", "/incidents/1").await;
    assert!(
        page.contains("action=\"/incidents/1/reassign\"") && page.contains("value=\"person:bo\"")
    );
    let fields = [("whom", "person:bo"), ("click", CLICK)];
    h.post("ana", "/incidents/1/reassign", &fields).await;
    h.post("ana", "/incidents/1/reassign", &fields).await;
    assert_eq!(h.count("reassigned").await, 1, "sent twice, done once");
    let journal = h.journal().await;
    let last = journal.iter().rev().find_map(|r| match &r.event {
        Event::Paged { people, .. } => Some(people[0].id.clone()),
        _ => None,
    });
    assert_eq!(last.as_deref(), Some("bo"));
    let form = h.form(
        "ana",
        "/incidents/1/reassign",
        &[("whom", "nobody"), ("click", CLICK)],
    );
    let answer = form
        .header(ACCEPT, "application/json")
        .send()
        .await
        .unwrap();
    let said: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(said["ok"], false);
    assert!(
        said["text"].as_str().unwrap().contains("`nobody`"),
        "{said}"
    );
}

#[tokio::test]
async fn two_incidents_are_merged_by_a_form_that_offers_the_open_ones() {
    let h = House::burning().await;
    h.fire(
        "Slower",
        &[
            ("service", "checkout"),
            ("severity", "warning"),
            ("zone", "b"),
        ],
    )
    .await;
    let page = h.page("ana", "/incidents/2").await;
    assert!(
        page.contains("<option value=\"1\">#1 Slow: Slow is bad</option>"),
        "{page}"
    );
    assert!(!page.contains("<option value=\"2\">"), "never with itself");
    h.post(
        "ana",
        "/incidents/2/merge",
        &[("into", "1"), ("click", CLICK)],
    )
    .await;
    assert_eq!(h.count("absorbed").await, 1);
    let page = h.page("ana", "/incidents/2").await;
    assert!(!page.contains("/incidents/2/merge"), "it is over");
}

#[tokio::test]
async fn several_are_acknowledged_or_resolved_at_once_with_a_note() {
    let h = House::burning().await;
    assert!(
        !h.page("ana", "/incidents").await.contains("id=\"bulk\""),
        "one has its own buttons"
    );
    h.fire(
        "Slower",
        &[
            ("service", "checkout"),
            ("severity", "warning"),
            ("zone", "b"),
        ],
    )
    .await;
    let page = h.page("ana", "/incidents").await;
    assert!(
        page.contains("id=\"bulk\"") && page.contains("form=\"bulk\" name=\"i2\""),
        "{page}"
    );
    let fields = [
        ("i1", "on"),
        ("i2", "on"),
        ("verb", "ack"),
        ("note", "on it"),
        ("click", CLICK),
    ];
    h.post("ana", "/incidents/bulk", &fields).await;
    for id in [1, 2] {
        let incident = h.engine.incident(IncidentId(id)).await.unwrap().unwrap();
        assert_eq!(incident.acked_by.as_ref().unwrap().person(), Some("ana"));
        let journal = h.engine.store().journal(IncidentId(id)).await.unwrap();
        let noted = |r: &Record| matches!(&r.event, Event::Noted { text, .. } if text == "on it");
        assert_eq!(journal.iter().filter(|r| noted(r)).count(), 1);
    }
    let none = h.form(
        "ana",
        "/incidents/bulk",
        &[("verb", "resolve"), ("click", CLICK)],
    );
    let none = none
        .header(ACCEPT, "application/json")
        .send()
        .await
        .unwrap();
    let said: serde_json::Value = none.json().await.unwrap();
    assert_eq!(
        said["text"],
        "Choose at least one incident; nothing was done."
    );
    let odd = [("i1", "on"), ("verb", "reopen"), ("click", CLICK)];
    let odd = h.post("ana", "/incidents/bulk", &odd).await;
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_card_leads_to_a_silence_of_its_alerts_and_tells_of_one_that_covers_a_part() {
    let h = House::open().await;
    let of = |zone| {
        [
            ("service", "checkout"),
            ("severity", "critical"),
            ("zone", zone),
        ]
    };
    let alerts = ["a", "b"].map(|zone| alert("Slow", &of(zone), AlertKind::Firing, Time::FAR));
    h.engine.take(alerts.to_vec()).await.unwrap();
    h.engine.settle().await;
    assert_eq!(h.engine.open_incidents().len(), 1, "they are one incident");
    let page = h.page("ana", "/incidents/1").await;
    assert!(page.contains("href=\"/incidents/1/silence\""), "{page}");
    let page = h.page("ana", "/incidents/1/silence").await;
    assert!(page.contains("alertname=&quot;Slow&quot;"), "{page}");
    assert!(page.contains("value=\"2h\""), "{page}");
    assert!(!page.contains("zone="), "they differ in it: {page}");
    let part = [
        ("kind", "silence"),
        ("service", "checkout"),
        ("labels", "alertname=\"Slow\" zone=\"a\""),
        ("duration", "2h"),
        ("comment", "known"),
        ("click", CLICK),
    ];
    h.post("ana", "/silences", &part).await;
    let page = h.page("ana", "/incidents/1").await;
    assert!(page.contains("1 of 2 firing alerts silenced by "), "{page}");
    assert!(page.contains("and the others keep it going."), "{page}");
}
