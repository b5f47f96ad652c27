//! Analytics and changes on the console: what they say, and that hostile words stay words.

use super::*;
use firebell::core::change::{ChangeEvent, ChangeKind, Told};
use firebell::core::id::Actor;
use firebell::core::incident::Command;

fn change(key: &str, summary: &str, before_ms: i64) -> Told {
    Told {
        event: ChangeEvent {
            source: "ci".to_owned(),
            key: key.to_owned(),
            kind: ChangeKind::Deploy,
            summary: summary.to_owned(),
            service: Some("checkout".to_owned()),
            url: "https://ci.example/7".to_owned(),
            at: START.plus_ms(-before_ms),
            received_at: START,
            ..ChangeEvent::default()
        },
        again_within_ms: None,
    }
}

/// The page once it says so: counting has a task of its own.
async fn once(h: &House, path: &str, part: &str) -> String {
    for _ in 0..2000 {
        let page = h.page("ana", path).await;
        if page.contains(part) {
            return page;
        }
        tokio::task::yield_now().await;
    }
    panic!("{path} never says {part}");
}

async fn over(h: &House) {
    h.fire("Slow", MAJOR).await;
    let by = Actor::Person {
        id: "ana".to_owned(),
        name: "Ana".to_owned(),
    };
    let resolve = Command::Resolve { by };
    let done = h.engine.submit("test:over", IncidentId(1), resolve).await;
    done.unwrap();
}

#[tokio::test]
async fn analytics_count_what_is_over_and_say_when_it_is_few() {
    let h = House::open().await;
    assert!(
        h.page("ana", "/analytics")
            .await
            .contains("No incident that is over was opened in these days")
    );
    over(&h).await;
    let page = once(&h, "/analytics", "1 measured").await;
    for part in [
        "which are few",
        "By service",
        "Pager load",
        "Noise by rule",
        "never taken from the end",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let sheet = h.page("ana", "/analytics/rules.csv").await;
    assert!(sheet.starts_with("\"rule\",\"fired\""), "{sheet}");
    assert!(sheet.contains("\"Slow\",\"1\",\"1\""), "{sheet}");
    let none = h
        .ask("ana", "/analytics/salaries.csv")
        .send()
        .await
        .unwrap();
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    let wrong = h.ask("ana", "/analytics?from=soon").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn changes_are_listed_and_stand_beside_the_incident_they_came_before() {
    let h = House::open().await;
    let nasty = "<script>alert(1)</script> \u{202e}";
    let told = vec![change("1", "v31", 600_000), change("2", nasty, 5_400_000)];
    h.engine.record_changes(told).await.unwrap();
    let page = h.page("ana", "/changes?service=checkout").await;
    assert!(page.contains("v31") && page.contains("2 told"), "{page}");
    assert!(
        !page.contains("<script>alert") && !page.contains('\u{202e}'),
        "{page}"
    );
    assert!(
        h.page("ana", "/changes?service=search")
            .await
            .contains("No change was told")
    );
    h.fire("Slow", MAJOR).await;
    let page = h.page("ana", "/incidents/1").await;
    for part in [
        "What was changed before it began",
        "deploy of checkout “v31”",
        "Context, not causes",
        "Context, not a cause",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script>alert"), "{page}");
}
