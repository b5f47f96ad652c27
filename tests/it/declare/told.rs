//! What is told of drills, private incidents and all others: the page outside, the page inside, subscribers,
//! and who asks by a command.

use super::*;
use crate::telling::{everybody, inside, telling};
use firebell::core::incident::{Audience, Shape, UpdateWish};
use firebell::core::subscribe::{Subscriber, Topics, Via};

/// In every word of what nobody outside may hear of.
const SECRET: &str = "zebra";

/// A town with a status page, whose files tell two channels of every update: one of everything that is not
/// private, one of private ones too.
async fn telling_town() -> Town {
    let mut directory = telling();
    for (name, private) in [("support", false), ("security", true)] {
        directory.subscribers.push(Arc::new(Subscriber {
            id: format!("file:{name}"),
            via: Via::Channel(name.to_owned()),
            audience: Audience::Internal,
            topics: Topics::default(),
            private,
        }));
    }
    let town = Town::with(directory).await;
    town.world.engine.publish_to(None, true);
    town
}

/// An incident of this nature, an update of it for people inside, and one for everybody that is refused.
async fn hushed(town: &Town, shape: Shape) -> IncidentId {
    let said = Declaration {
        service: Some("checkout".to_owned()),
        ..Declaration::of(format!("the {SECRET} is out"))
    };
    let id = town.declared(said).await;
    let by = person("ana");
    town.tells(
        id,
        Command::Shape {
            by,
            shape: Box::new(shape),
        },
    )
    .await;
    inside(
        &town.world,
        id.0,
        Some("investigating"),
        &format!("{SECRET} inside"),
    )
    .await;
    let wish = UpdateWish {
        audience: Audience::Public,
        title: Some(format!("{SECRET} title")),
        ..UpdateWish::internal(person("ana"), &format!("{SECRET} for all"))
    };
    let command = Command::Update(Box::new(wish));
    let engine = &town.world.engine;
    let refused = engine
        .submit(&format!("public:{}", id.0), id, command)
        .await;
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("nothing of it becomes public"), "{why}");
    town.world.settle().await;
    id
}

fn public_bytes(town: &Town) -> String {
    let site = town.world.engine.site().load_full();
    let texts = site.files.values();
    texts
        .map(|f| String::from_utf8(f.body.to_vec()).unwrap())
        .collect()
}

#[tokio::test]
async fn nothing_of_a_drill_is_told_outside_its_room_and_it_changes_no_component() {
    let town = telling_town().await;
    let id = hushed(&town, Shape::Drill { drill: true }).await;
    assert!(!public_bytes(&town).contains(SECRET));
    assert!(public_bytes(&town).contains("All systems operational"));
    for channel in ["support", "security"] {
        let (lines, _) = town.in_channel(channel);
        assert!(lines.iter().all(|l| !l.contains("inside")), "{lines:?}");
    }
    let rows = town.world.engine.tellings(Some(id), 50).await.unwrap();
    assert!(rows.is_empty(), "{rows:?}");
    // Inside it stands there, marked, and the component is as it is.
    let (status, page) = town.page("bo", "/status").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("DRILL: the zebra is out") && page.contains("zebra inside"));
    assert!(page.contains("no component changes"));
    assert!(
        !page.contains("data-condition=\"partial\"") && !page.contains("data-condition=\"major\"")
    );
    // Real after all: from now on it is told and counts.
    town.tells(
        id,
        Command::Shape {
            by: person("ana"),
            shape: Box::new(Shape::Drill { drill: false }),
        },
    )
    .await;
    inside(&town.world, id.0, None, "it is real").await;
    let (lines, _) = town.in_channel("support");
    assert!(lines.iter().any(|l| l.contains("it is real")), "{lines:?}");
    let (_, page) = town.page("bo", "/status").await;
    assert!(page.contains("because of"), "{page}");
}

#[tokio::test]
async fn of_a_private_incident_hears_who_is_named_for_it_and_sees_whom_it_concerns() {
    let town = telling_town().await;
    let shape = Shape::Private {
        private: true,
        why: String::new(),
    };
    let id = hushed(&town, shape).await;
    assert!(!public_bytes(&town).contains(SECRET));
    let (lines, _) = town.in_channel("support");
    assert!(lines.iter().all(|l| !l.contains(SECRET)), "{lines:?}");
    let (lines, _) = town.in_channel("security");
    assert!(
        lines.iter().any(|l| l.contains("zebra inside")),
        "{lines:?}"
    );
    let link = format!("/incidents/{}\"", id.0);
    let (_, hers) = town.page("ana", "/status").await;
    assert!(hers.contains("zebra inside") && hers.contains("because of"));
    assert!(hers.contains("Private: only whom it concerns"));
    // For everybody else there is no incident: no title, no condition, no telling, no number.
    let (status, others) = town.page("cy", "/status").await;
    assert_eq!(status, StatusCode::OK);
    for words in [
        SECRET,
        "because of",
        link.as_str(),
        "file:security (#security)",
    ] {
        assert!(!others.contains(words), "{words}");
    }
    assert!(others.contains("Nothing is open."));
}

#[tokio::test]
async fn the_page_inside_has_every_component_with_what_is_and_what_everybody_reads() {
    let mut directory = telling();
    let mut vault = directory.services["checkout"].clone();
    (vault.id, vault.name) = ("vault".to_owned(), "Vault".to_owned());
    directory.services.insert("vault".to_owned(), vault);
    let town = Town::with(directory).await;
    town.world.engine.publish_to(None, true);
    let part = |page: &str, id: &str| {
        let at = page
            .find(&format!("data-part=\"{id}\""))
            .unwrap_or_else(|| panic!("no {id}: {page}"));
        page[at..].split("</li>").next().unwrap().to_owned()
    };
    let (_, quiet) = town.page("bo", "/status").await;
    assert!(part(&quiet, "shop").contains("everybody reads “Operational”"));
    assert!(
        !quiet.contains("data-part=\"vault\""),
        "it is one of those that are fine"
    );
    assert!(quiet.contains("/services#vault"));
    let said = |service: &str, title: &str| Declaration {
        service: Some(service.to_owned()),
        ..Declaration::of(title)
    };
    let shop = town.declared(said("checkout", "checkout is slow")).await;
    let own = town.declared(said("vault", "vault is sealed")).await;
    inside(&town.world, shop.0, Some("investigating"), "first words").await;
    inside(&town.world, shop.0, None, "second words").await;
    let (_, page) = town.page("bo", "/status").await;
    let seen = part(&page, "shop");
    assert!(
        seen.contains(&format!("/incidents/{}\"", shop.0)) && seen.contains("data-differs"),
        "{seen}"
    );
    assert!(part(&page, "vault").contains(&format!("/incidents/{}\"", own.0)));
    assert!(page.contains("first words") && page.contains("second words"));
    everybody(
        &town.world,
        shop.0,
        "investigating",
        "Slow",
        "Public words.",
    )
    .await;
    let (_, page) = town.page("bo", "/status").await;
    let seen = part(&page, "shop");
    assert!(
        !seen.contains("data-differs"),
        "both read the same now: {seen}"
    );
    assert!(page.contains("Public words."));
    inside(&town.world, shop.0, Some("monitoring"), "it is better").await;
    let (_, page) = town.page("bo", "/status").await;
    assert!(part(&page, "shop").contains("data-condition=\"degraded\""));
}

#[tokio::test]
async fn updates_are_told_to_who_asks_in_chat_and_where_they_ask() {
    let town = telling_town().await;
    let id = town.declared(Declaration::of("the queue is long")).await;
    let direct = |town: &Town, who: &str, words: &str| {
        let lines = town.world.platform.lines(&format!("@{who}")).into_iter();
        lines.filter(|l| l.contains(words)).count()
    };
    let asks = async |who: &str, room: &str, line: &str| {
        let at = dispatch::At {
            platform: "console",
            here: None,
            room,
        };
        let cause = uuid::Uuid::new_v4().to_string();
        let engine = &town.world.engine;
        let reply = dispatch::perform_at(engine, person(who), at, line, &cause).await;
        town.world.settle().await;
        reply
    };
    let yes = asks("bo", "", "subscribe #1").await;
    assert!(
        yes.ok && yes.text.contains("by direct message"),
        "{}",
        yes.text
    );
    let again = asks("bo", "", "subscribe #1").await;
    assert!(
        !again.ok && again.text.contains("already"),
        "{}",
        again.text
    );
    let nowhere = asks("bo", "", "subscribe #1 here").await;
    assert!(
        !nowhere.ok && nowhere.text.contains("no channel here"),
        "{}",
        nowhere.text
    );
    let here = asks("cy", "C77", "subscribe #1 here").await;
    assert!(
        here.ok && here.room,
        "everybody there may know: {}",
        here.text
    );
    inside(&town.world, id.0, None, "we drain it").await;
    assert_eq!(direct(&town, "bo", "we drain it"), 1);
    assert_eq!(direct(&town, "cy", "we drain it"), 0);
    let posted = |town: &Town, words: &str| {
        let lines = town.world.platform.lines("C77").into_iter();
        lines.filter(|l| l.contains(words)).count()
    };
    assert_eq!(posted(&town, "we drain it"), 1);
    // Of another incident they hear nothing.
    let other = town.declared(Declaration::of("something else")).await;
    inside(&town.world, other.0, None, "not for them").await;
    assert_eq!(
        direct(&town, "bo", "not for them") + posted(&town, "not for them"),
        0
    );
    let end = asks("bo", "", "unsubscribe #1").await;
    assert!(end.ok, "{}", end.text);
    inside(&town.world, id.0, None, "it is drained").await;
    assert_eq!(
        (
            direct(&town, "bo", "it is drained"),
            posted(&town, "it is drained")
        ),
        (0, 1)
    );
    let twice = asks("bo", "", "unsubscribe #1").await;
    assert!(
        !twice.ok && twice.text.contains("not told there"),
        "{}",
        twice.text
    );
    assert!(asks("ana", "C77", "unsubscribe #1 here").await.ok);
    let rows = town.world.engine.store().subscribers().await.unwrap();
    assert!(rows.is_empty(), "what nobody wants is forgotten: {rows:?}");
}

#[tokio::test]
async fn a_private_incident_is_followed_by_whom_it_concerns_and_in_no_channel_and_a_drill_by_nobody()
 {
    let town = telling_town().await;
    let private = Shape::Private {
        private: true,
        why: String::new(),
    };
    let secret = hushed(&town, private.clone()).await;
    let drill = hushed(&town, Shape::Drill { drill: true }).await;
    let plain = town.declared(Declaration::of("the queue is long")).await;
    let says = |who: &'static str, line: String| {
        let at = dispatch::At {
            platform: "console",
            here: None,
            room: "C77",
        };
        let town = &town;
        async move {
            let cause = uuid::Uuid::new_v4().to_string();
            let engine = &town.world.engine;
            dispatch::perform_at(engine, person(who), at, &line, &cause).await
        }
    };
    let none = says("cy", format!("subscribe {secret}")).await;
    assert!(
        !none.ok && none.text.contains("no such incident"),
        "{}",
        none.text
    );
    let aloud = says("ana", format!("subscribe {secret} here")).await;
    assert!(
        !aloud.ok && aloud.text.contains("is private"),
        "{}",
        aloud.text
    );
    let practised = says("ana", format!("subscribe {drill}")).await;
    assert!(
        !practised.ok && practised.text.contains("is a drill"),
        "{}",
        practised.text
    );
    assert!(says("ana", format!("subscribe {secret}")).await.ok);
    inside(&town.world, secret.0, None, "the stripes are ours").await;
    let hers = town.world.platform.lines("@ana");
    assert!(
        hers.iter().any(|l| l.contains("the stripes are ours")),
        "{hers:?}"
    );
    // That she follows it is on the page for her, and not for whom it does not concern.
    let (_, page) = town.page("ana", "/status").await;
    assert!(page.contains("ana on console"), "{page}");
    let (_, page) = town.page("cy", "/status").await;
    assert!(!page.contains("ana on console"), "{page}");
    // What becomes private later is told to nobody whom it does not concern.
    assert!(says("cy", format!("subscribe {plain}")).await.ok);
    assert!(says("cy", format!("subscribe {plain} here")).await.ok);
    let by = person("ana");
    town.tells(
        plain,
        Command::Shape {
            by,
            shape: Box::new(private),
        },
    )
    .await;
    inside(&town.world, plain.0, None, "hush now").await;
    for place in ["@cy", "C77"] {
        let lines = town.world.platform.lines(place);
        assert!(
            lines.iter().all(|l| !l.contains("hush now")),
            "{place}: {lines:?}"
        );
    }
}
