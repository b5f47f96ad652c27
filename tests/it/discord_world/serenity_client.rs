//! Judged by serenity: its own gateway client connects, and understands everything it is told. An event
//! it cannot read it calls unknown and drops silently, so none may be.

use super::tests::{bot_intents, plain};
use super::{DiscordWorld, PATIENCE};
use serenity::all::{
    Context, Event, GatewayIntents, Http, HttpBuilder, Interaction, RawEventHandler, ResumedEvent,
};
use serenity::builder::{
    CreateActionRow, CreateButton, CreateInputText, CreateInteractionResponse,
    CreateInteractionResponseMessage, CreateMessage, CreateModal, EditInteractionResponse,
    EditMessage,
};
use serenity::model::application::{ActionRowComponent, InputTextStyle};
use serenity::model::id::ChannelId;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

struct Ears(UnboundedSender<Event>);

#[serenity::async_trait]
impl RawEventHandler for Ears {
    async fn raw_event(&self, _: Context, event: Event) {
        // The test may be over.
        let _ = self.0.send(event);
    }
}

fn http(world: &DiscordWorld) -> Http {
    let http = HttpBuilder::new(world.token())
        .proxy(world.origin())
        .ratelimiter_disabled(true);
    let http = http.application_id(world.app().into());
    http.build()
}

/// A serenity client at the gateway, and what it hears.
struct Listening {
    world: DiscordWorld,
    http: Arc<Http>,
    heard: UnboundedReceiver<Event>,
    manager: Arc<serenity::gateway::ShardManager>,
}

impl Listening {
    async fn start() -> Listening {
        let world = DiscordWorld::start().await;
        plain(&world).registers().await;
        let (ears, heard) = unbounded_channel();
        let intents = GatewayIntents::from_bits(bot_intents()).unwrap();
        let client = serenity::client::ClientBuilder::new_with_http(http(&world), intents);
        let mut client = client.raw_event_handler(Ears(ears)).await.unwrap();
        // As the adapter does it: an address of its own, whatever `GET /gateway` says.
        *client.ws_url.lock().await = world
            .api()
            .replace("http:", "ws:")
            .replace("/api/v10", "/gateway");
        let (http, manager) = (client.http.clone(), client.shard_manager.clone());
        tokio::spawn(async move { client.start().await });
        Listening {
            world,
            http,
            heard,
            manager,
        }
    }

    /// The next event that the test is for.
    async fn next<T>(&mut self, what: &str, pick: impl Fn(Event) -> Option<T>) -> T {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
            let event = next
                .unwrap_or_else(|_| panic!("serenity heard no {what}"))
                .unwrap();
            assert!(
                !matches!(event, Event::Unknown(_)),
                "serenity cannot read {event:?}"
            );
            if let Some(found) = pick(event) {
                return found;
            }
        }
    }

    async fn interaction(&mut self) -> Interaction {
        self.next("interaction", |event| match event {
            Event::InteractionCreate(asked) => Some(asked.interaction),
            _ => None,
        })
        .await
    }

    async fn stop(self) {
        self.manager.shutdown_all().await;
        self.world.assert_clean();
    }
}

fn words(text: &str) -> CreateInteractionResponse {
    let message = CreateInteractionResponseMessage::new()
        .content(text)
        .ephemeral(true);
    CreateInteractionResponse::Message(message)
}

#[tokio::test]
async fn serenity_connects_reads_everything_and_resumes() {
    let mut bot = Listening::start().await;
    let (world, ana) = (bot.world.clone(), bot.world.user("ana"));
    let ready = bot
        .next("READY", |event| match event {
            Event::Ready(ready) => Some(ready.ready),
            _ => None,
        })
        .await;
    assert_eq!(ready.application.id.get(), world.app());
    let guild = bot
        .next("GUILD_CREATE", |event| match event {
            Event::GuildCreate(made) => Some(made.guild),
            _ => None,
        })
        .await;
    assert!(
        guild.roles.len() == 2 && guild.members.len() >= 2 && !guild.channels.is_empty(),
        "{guild:?}"
    );
    let said = ana.says("general", "it is the cache");
    ana.answers(&said, "no");
    ana.edits(&said, "it is not");
    ana.reacts(&said, "📌");
    ana.unreacts(&said, "📌");
    ana.pins(&said);
    ana.deletes(&said);
    ana.says(&ana.dm(), "hello?");
    world.role(world.home(), "on-call", 0);
    let room = world.private_channel(world.home(), "secret", &[&ana]);
    world.removes_channel("general");
    world.kicks_bot(world.guild("Other"));
    bot.next("GUILD_DELETE", |event| {
        matches!(event, Event::GuildDelete(_)).then_some(())
    })
    .await;
    assert!(world.channel_named(&room.to_string()).is_some());
    for break_it in [
        DiscordWorld::asks_reconnect,
        DiscordWorld::drops_connection,
        DiscordWorld::interrupts_session,
        |w: &DiscordWorld| w.closes(4000),
    ] {
        break_it(&world);
        bot.next("RESUMED", |event| {
            matches!(event, Event::Resumed(ResumedEvent { .. })).then_some(())
        })
        .await;
    }
    assert_eq!((world.resumes(), world.identifies()), (4, 1));
    bot.stop().await;
}

#[tokio::test]
async fn serenity_answers_a_command_a_button_a_form_and_choices() {
    let mut bot = Listening::start().await;
    let (world, ana, http) = (bot.world.clone(), bot.world.user("ana"), bot.http.clone());
    world.expect_ready().await;
    let waiting = ana.runs("ack", &[("incident", "7")], "general");
    let Interaction::Command(asked) = bot.interaction().await else {
        panic!("no command")
    };
    assert_eq!(
        (asked.data.name.as_str(), asked.user.id.get()),
        ("fb", ana.id())
    );
    asked
        .create_response(
            &http,
            CreateInteractionResponse::Defer(CreateInteractionResponseMessage::new()),
        )
        .await
        .unwrap();
    asked
        .edit_response(
            &http,
            EditInteractionResponse::new().content("You have it."),
        )
        .await
        .unwrap();
    assert!(waiting.reply().await.has("You have it."));

    let general = ChannelId::new(world.room_id("general"));
    let row = CreateActionRow::Buttons(vec![CreateButton::new("note:1").label("Add a note")]);
    let card = CreateMessage::new()
        .content("Checkout is down")
        .components(vec![row])
        .enforce_nonce(true);
    let card = card.nonce(serenity::model::channel::Nonce::String("n1".into()));
    let mut sent = general.send_message(&http, card).await.unwrap();
    sent.edit(&http, EditMessage::new().content("Checkout is still down"))
        .await
        .unwrap();
    sent.pin(&http).await.unwrap();
    let card = world.expect_message("general", "still down").await;
    let waiting = ana.clicks(&card, "Add a note");
    let Interaction::Component(pressed) = bot.interaction().await else {
        panic!("no button")
    };
    assert_eq!(
        (pressed.data.custom_id.as_str(), pressed.message.id),
        ("note:1", sent.id)
    );
    let input = CreateInputText::new(InputTextStyle::Paragraph, "What", "text");
    let form = CreateModal::new("form", "Note").components(vec![CreateActionRow::InputText(input)]);
    pressed
        .create_response(&http, CreateInteractionResponse::Modal(form))
        .await
        .unwrap();
    let waiting = ana.submits(&waiting.modal().await, &[("What", "it is the cache")]);
    let Interaction::Modal(filled) = bot.interaction().await else {
        panic!("no form")
    };
    let ActionRowComponent::InputText(input) = &filled.data.components[0].components[0] else {
        panic!("no input")
    };
    assert_eq!(input.value.as_deref(), Some("it is the cache"));
    filled
        .create_response(&http, words("Written down."))
        .await
        .unwrap();
    assert!(waiting.reply().await.ephemeral());

    let waiting = ana.completes("run", "action", "res", "general");
    let Interaction::Autocomplete(typed) = bot.interaction().await else {
        panic!("no choices")
    };
    assert_eq!(typed.data.autocomplete().unwrap().value, "res");
    let choices = serenity::builder::CreateAutocompleteResponse::new()
        .add_string_choice("Restart", "restart");
    typed
        .create_response(&http, CreateInteractionResponse::Autocomplete(choices))
        .await
        .unwrap();
    assert_eq!(waiting.choices().await[0].1, "restart");

    let waiting = ana.uses_menu("Add to timeline", &card);
    let Interaction::Command(used) = bot.interaction().await else {
        panic!("no menu")
    };
    assert_eq!(used.data.target_id.unwrap().get(), card.id());
    assert!(
        used.data
            .resolved
            .messages
            .values()
            .all(|m| m.content == card.text())
    );
    used.create_response(&http, words("Noted.")).await.unwrap();
    assert!(waiting.reply().await.has("Noted."));
    bot.stop().await;
}
