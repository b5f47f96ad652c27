//! A company that uses Slack, Discord and the console at once.

use super::house::{House, Plan, linked};
use super::on_console::OnConsole;
use super::on_discord::OnDiscord;
use super::on_slack::OnSlack;
use super::stage::{Play, Seen, Spot, Stage, TEAM};
use crate::slack_world::{Fault, Trouble};
use firebell::chat::heard::Voice;
use firebell::core::incident::{Status, wake_at};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub struct Company {
    pub house: Arc<House>,
    pub slack: OnSlack,
    pub discord: OnDiscord,
    pub console: OnConsole,
}

/// The rooms of one incident.
pub struct Rooms {
    pub slack: Spot,
    pub discord: Spot,
    pub console: Spot,
}

impl Company {
    pub async fn open(plan: Plan) -> Company {
        let house = Arc::new(House::open(plan).await);
        Company {
            slack: OnSlack::of(house.clone()),
            discord: OnDiscord::of(house.clone()),
            console: OnConsole::of(house.clone()),
            house,
        }
    }

    pub async fn rooms(&self, id: i64) -> Rooms {
        Rooms {
            slack: self.slack.room(id).await,
            discord: self.discord.room(id).await,
            console: self.console.room(id).await,
        }
    }

    /// The card of #1 in every room and channel, once it says this.
    pub async fn cards(&self, rooms: &Rooms, words: &str) {
        for own in [&rooms.slack, &TEAM] {
            self.slack.card("bo", own, 1, words).await;
        }
        for own in [&rooms.discord, &TEAM] {
            self.discord.card("bo", own, 1, words).await;
        }
        for own in [&rooms.console, &TEAM] {
            self.console.card("bo", own, 1, words).await;
        }
    }

    /// What stands in each room.
    async fn talk(&self, rooms: &Rooms) -> [(&'static str, Vec<Seen>); 3] {
        [
            ("slack", self.slack.seen("bo", &rooms.slack).await),
            ("discord", self.discord.seen("bo", &rooms.discord).await),
            ("console", self.console.seen("bo", &rooms.console).await),
        ]
    }
}

#[tokio::test]
async fn what_is_said_in_one_room_is_once_in_each_with_who_and_where() {
    let c = Company::open(Plan::all()).await;
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    c.slack.says("ana", &rooms.slack, "the cache is cold").await;
    c.discord
        .says("bo", &rooms.discord, "the disk is full")
        .await;
    c.console
        .says("dee", &rooms.console, "the cable is out")
        .await;
    let said = [
        ("ana", "slack", "the cache is cold"),
        ("bo", "discord", "the disk is full"),
        ("dee", "console", "the cable is out"),
    ];
    for (_, _, words) in said {
        c.house.until_told(1, words).await;
    }
    // Lines keep their order: where this is, everything before it is.
    c.house.notes(1, "that was all").await;
    c.slack.line("bo", &rooms.slack, "that was all").await;
    c.discord.line("bo", &rooms.discord, "that was all").await;
    c.console.line("bo", &rooms.console, "that was all").await;
    for (here, seen) in c.talk(&rooms).await {
        for (who, from, words) in said {
            let hits: Vec<&Seen> = seen.iter().filter(|m| m.words.contains(words)).collect();
            assert_eq!(hits.len(), 1, "`{words}` on {here}: {hits:?}");
            let mirrored = here == from || hits[0].words.contains(who);
            assert!(mirrored, "who said it, on {here}: {hits:?}");
            let placed = here == from || hits[0].words.contains(from);
            assert!(placed, "where it was said, on {here}: {hits:?}");
        }
    }
    assert_eq!(c.house.count(1, "spoke").await, 3, "no echo is heard");
}

#[tokio::test]
async fn an_acknowledgement_on_slack_is_seen_everywhere() {
    let c = Company::open(Plan::all()).await;
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    let page = c.slack.page("ana", 1).await;
    c.slack.press("ana", &page, "Acknowledge").await;
    c.cards(&rooms, "ana, first acknowledged").await;
    let line = "ana acknowledged it. Paging stopped.";
    c.slack.line("bo", &rooms.slack, line).await;
    c.discord.line("bo", &rooms.discord, line).await;
    c.console.line("bo", &rooms.console, line).await;
}

/// Everything of an incident that Discord shows and delivers.
async fn on_discord(c: &Company, id: i64) -> Duration {
    let begin = Instant::now();
    c.house.fires(&format!("Down{id}"), "critical").await;
    let room = c.discord.room(id).await;
    c.discord.card("bo", &room, id, "paged ana").await;
    c.discord.line("bo", &room, "Paged ana").await;
    c.discord.card("bo", &TEAM, id, "paged ana").await;
    c.discord.page("ana", id).await;
    begin.elapsed()
}

async fn slack_in_trouble(trouble: Trouble) {
    // Longer than any test waits: whoever waits for Slack waits in vain.
    let plan = Plan {
        slack_timeout_ms: 600_000,
        ..Plan::all()
    };
    let c = Company::open(plan).await;
    let well = on_discord(&c, 1).await;
    c.slack.room(1).await;
    c.slack.page("ana", 1).await;
    c.slack.world().meets(Fault::everywhere().is(trouble));
    let ill = on_discord(&c, 2).await;
    let incident = c.house.incident(2).await.unwrap();
    assert!(!incident.rooms.contains_key("slack"), "Slack is in trouble");
    let moment = well.max(Duration::from_secs(1)) * 10;
    assert!(ill < moment, "{ill:?} instead of {well:?}");
    let room = c.discord.room(2).await;
    c.discord.command("bo", &room, "ack", &[]).await;
    c.discord
        .card("bo", &room, 2, "bo, first acknowledged")
        .await;
    c.console
        .card("bo", &TEAM, 2, "bo, first acknowledged")
        .await;
    c.slack.world().is_well();
}

#[tokio::test]
async fn slack_that_never_answers_delays_nothing_on_discord() {
    slack_in_trouble(Trouble::Hang).await;
}

#[tokio::test]
async fn slack_that_refuses_everything_delays_nothing_on_discord() {
    slack_in_trouble(Trouble::Status(503)).await;
}

#[tokio::test]
async fn a_revoked_token_is_told_elsewhere_and_so_is_its_return() {
    let c = Company::open(Plan::all()).await;
    c.house.watches_slack(Duration::from_millis(50));
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    c.slack.world().refuses_tokens(Some("token_revoked"));
    c.house.notes(1, "is anybody there").await;
    let slack = c.house.process().slack.clone().unwrap();
    let revoked = |t: &Option<String>| t.as_ref().is_some_and(|t| t.contains("token_revoked"));
    linked(Voice::link(slack.as_ref()), "refused", revoked).await;
    let general = Spot::Channel("general");
    let lost = "slack has not been connected";
    c.discord.line("bo", &general, lost).await;
    c.console.line("bo", &general, lost).await;
    c.slack.world().refuses_tokens(None);
    let back = "slack is connected again";
    c.discord.line("bo", &general, back).await;
    c.console.line("bo", &general, back).await;
    c.slack.line("bo", &rooms.slack, "is anybody there").await;
    for seen in [
        c.discord.seen("bo", &general).await,
        c.console.seen("bo", &general).await,
    ] {
        for words in [lost, back] {
            let hits = seen.iter().filter(|m| m.words.contains(words)).count();
            assert_eq!(hits, 1, "`{words}` in {seen:#?}");
        }
    }
}

async fn acknowledged_while_slack(trouble: Trouble) {
    let c = Company::open(Plan::all()).await;
    let direct = c.slack.world().user("ana").direct();
    let fault = Fault::on("chat.postMessage").is(trouble);
    c.slack.world().meets(fault.in_channel(&direct));
    c.house.fires("Slow", "warning").await;
    c.slack
        .world()
        .expect_calls_begun("chat.postMessage", &direct)
        .await;
    let page = c.console.page("ana", 1).await;
    c.console.press("ana", &page, "Acknowledge").await;
    c.discord
        .card("ana", &TEAM, 1, "ana, first acknowledged")
        .await;
    c.slack.world().is_well();
    let incident = c.house.incident(1).await.unwrap();
    assert_eq!(
        (incident.status, wake_at(&incident)),
        (Status::Acknowledged, None)
    );
    // The next page waits for the end of what was under way for this one, and for no more.
    c.house.fires("Other", "warning").await;
    c.slack.page("ana", 2).await;
    let delivered = r#""page_delivered":{"person":"ana","contact":"slack""#;
    c.house.until_told(2, delivered).await;
    let rows = c.house.engine().store().deliveries(incident.id).await;
    let rows = rows.unwrap().into_iter();
    let own: Vec<_> = rows
        .filter(|r| r.target == "ana" && r.detail == "slack")
        .map(|r| r.state.word())
        .collect();
    assert_eq!(own, ["withdrawn"], "nothing is left to be sent");
    let seen = c.slack.seen("ana", &Spot::Direct("ana")).await;
    assert!(!seen.iter().any(|m| m.words.contains("#1 ")), "{seen:#?}");
}

#[tokio::test]
async fn a_page_acknowledged_on_the_console_leaves_by_no_other_contact() {
    acknowledged_while_slack(Trouble::Status(503)).await;
}

#[tokio::test]
async fn a_page_that_hung_when_it_was_acknowledged_is_not_sent_again() {
    acknowledged_while_slack(Trouble::Hang).await;
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_until_the_look_succeeds() {
    let plan = Plan::only("slack");
    let slack = OnSlack::of(Arc::new(House::open(plan).await));
    let room = slack.major("Down").await;
    slack.card("ana", &room, 1, "paged ana").await;
    slack.line("ana", &room, "Paged ana").await;
    let Spot::Room(id) = &room else {
        panic!("a room: {room:?}");
    };
    let lost = Fault::on("chat.postMessage").is(Trouble::DoThenDrop);
    slack.world().meets(lost.in_channel(id).times(1));
    let limited = Fault::on("conversations.history").is(Trouble::RateLimited(1));
    slack.world().meets(limited.times(1));
    slack.house().notes(1, "only once").await;
    slack.house().notes(1, "the end").await;
    slack.line("ana", &room, "the end").await;
    let looks = slack.world().calls("conversations.history");
    assert!(looks.iter().any(|c| c.status == 429), "{looks:?}");
    let lines = ["only once", "the end"].map(str::to_owned);
    slack.assert_once_in_order("ana", &room, &lines).await;
}

#[tokio::test]
async fn of_two_who_acknowledge_at_once_one_has_it_and_the_other_is_told_who() {
    let c = Company::open(Plan::all()).await;
    c.house.fires("Down", "critical").await;
    let rooms = c.rooms(1).await;
    c.cards(&rooms, "paged ana").await;
    let on_slack = c.slack.card("ana", &rooms.slack, 1, "").await;
    let on_discord = c.discord.card("bo", &rooms.discord, 1, "").await;
    let (ana, bo) = tokio::join!(
        c.slack.press("ana", &on_slack, "Acknowledge"),
        c.discord.press("bo", &on_discord, "Acknowledge"),
    );
    let incident = c.house.incident(1).await.unwrap();
    let winner = incident.acked_by.clone().unwrap().name().to_owned();
    let (won, lost) = match winner.as_str() {
        "ana" => (ana, bo),
        _ => (bo, ana),
    };
    assert!(won.text.contains("is yours"), "{won:?}");
    let told = format!("{winner} has already acknowledged this");
    assert!(lost.text.contains(&told), "{lost:?}");
    assert_eq!(c.house.count(1, "acknowledged").await, 1);
    c.cards(&rooms, &format!("{winner}, first acknowledged"))
        .await;
}
