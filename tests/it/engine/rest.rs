//! Who was paged in the night is known after it, also to a new process and to the foretelling.

use super::person;
use super::{CHECKOUT, World, on_both};
use firebell::core::directory::{Directory, Urgency};
use firebell::core::explain::explain;
use firebell::core::id::IncidentId;
use firebell::core::incident::{Command, Incident};

/// Ana, then Bo, and whoever slept badly rests until noon. `sev2` is not urgent.
fn calm(directory: &mut Directory) {
    directory.policies.get_mut("web").unwrap().rest_until = Some(12 * 60);
    directory.severities[1].urgency = Urgency::Low;
}

const URGENT: &[(&str, &str)] = &[("service", "checkout"), ("severity", "critical")];

#[tokio::test]
async fn a_page_of_the_night_spares_its_person_in_the_morning_also_after_a_restart() {
    on_both(async |database| {
        let mut w = World::on(&database.url).await;
        w.configure(calm).await;
        // From Monday noon to three at night.
        w.advance_secs(15 * 3600).await;
        w.fire("Down", URGENT).await;
        w.tell(1, Command::Acknowledge { by: person("ana") }).await;
        assert_eq!(w.platform.pages(), ["ana"]);
        // Eight in the morning.
        w.advance_secs(5 * 3600).await;
        w.fire("Slow", CHECKOUT).await;
        assert_eq!(w.platform.pages(), ["ana", "bo"]);
        let incident = w.incident(2).await;
        let journal = w.journal(2).await;
        let told = explain(&Incident::replay(IncidentId(2), &journal), &journal, &w.engine.directory(), w.clock.now());
        let told = told.text(None);
        assert!(
            told.contains("person ana: was paged in the night, at Tue 17 Nov 03:00 UTC, and is spared what is not urgent until Tue 17 Nov 12:00 UTC."),
            "{told}"
        );
        assert!(told.contains("is passed over until 12:00"), "{told}");
        assert_eq!(incident.ladder.rest_until, Some(720), "frozen");
        w.tell(2, Command::Resolve { by: person("bo") }).await;
        // The process dies, and the next one knows.
        w.kill_and_restart().await;
        w.fire("Slower", CHECKOUT).await;
        assert_eq!(w.platform.pages(), ["ana", "bo", "bo"]);
        w.tell(3, Command::Resolve { by: person("bo") }).await;
        w.configure(|_| {}).await;
        w.fire("Slowest", CHECKOUT).await;
        assert_eq!(w.platform.pages(), ["ana", "bo", "bo", "bo"], "a reload forgets nothing");
        w.tell(4, Command::Resolve { by: person("bo") }).await;
        w.advance_secs(4 * 3600).await;
        w.fire("Still slow", CHECKOUT).await;
        assert_eq!(w.platform.pages().last().map(String::as_str), Some("ana"), "noon");
    })
    .await;
}
