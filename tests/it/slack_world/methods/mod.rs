//! The methods of the Web API, one file per family.

pub mod channels;
pub mod chat;
pub mod files;
mod moderate;
mod people;
mod pins;
mod reading;
mod views;

use super::args::{Answer, Args, Fail, fail};
use super::model::{Call, Channel, Kind};
use super::state::State;

/// Where a call is made: the workspace, and the app's bot user in it.
pub struct Seat<'a> {
    pub state: &'a mut State,
    pub team: String,
    pub bot: String,
    pub args: Args<'a>,
}

pub fn run(state: &mut State, team: &str, call: &Call) -> Answer {
    let bot = state.team(team).bot_user.clone();
    let mut seat = Seat {
        state,
        team: team.to_owned(),
        bot,
        args: Args(&call.args),
    };
    seat.run(&call.method)
}

impl Seat<'_> {
    fn run(&mut self, method: &str) -> Answer {
        match method {
            "auth.test" => Ok(self.auth_test()),
            "apps.connections.open" => Ok(self.connections_open()),
            "chat.postMessage" => self.post_message(),
            "chat.update" => self.update_message(),
            "chat.delete" => self.delete_message(),
            "chat.postEphemeral" => self.post_ephemeral(),
            "chat.getPermalink" => self.permalink(),
            "conversations.create" => self.create(),
            "conversations.open" => self.open(),
            "conversations.close" => self.close(),
            "conversations.join" => self.join(),
            "conversations.leave" => self.leave(),
            "conversations.invite" => self.invite(),
            "conversations.kick" => self.kick(),
            "conversations.archive" => self.archive(),
            "conversations.unarchive" => self.unarchive(),
            "conversations.rename" => self.rename(),
            "conversations.setTopic" => self.describe("topic"),
            "conversations.setPurpose" => self.describe("purpose"),
            "conversations.list" | "users.conversations" => self.list(method),
            "conversations.info" => self.info(),
            "conversations.members" => self.members(),
            "conversations.history" => self.history(),
            "conversations.replies" => self.replies(),
            "pins.add" | "pins.remove" | "pins.list" => self.pins(method),
            "bookmarks.add" => self.bookmark(),
            "bookmarks.edit" | "bookmarks.remove" | "bookmarks.list" => self.bookmarks(method),
            "reactions.add" => self.react(),
            "views.open" | "views.push" => self.open_view(method),
            "views.update" => self.update_view(),
            "views.publish" => self.publish_view(),
            "users.list" => self.users(),
            "users.info" => self.user(),
            "users.lookupByEmail" => self.lookup(),
            "bots.info" => self.bot_info(),
            "usergroups.list" => Ok(self.usergroups()),
            "files.getUploadURLExternal" => self.upload_url(),
            "files.completeUploadExternal" => self.complete_upload(),
            _ => fail("unknown_method"),
        }
    }

    /// The conversation an argument names. A private one without the bot does not exist for it.
    pub fn channel(&self, argument: &str) -> Result<Channel, Fail> {
        let id = self.args.need(argument)?;
        let found = self.state.channel(id).filter(|c| c.team == self.team);
        let seen = found.filter(|c| c.kind == Kind::Public || c.members.contains(&self.bot));
        seen.cloned().ok_or(Fail::from("channel_not_found"))
    }

    /// A conversation the bot may act in.
    pub fn own_channel(&self, argument: &str) -> Result<Channel, Fail> {
        let channel = self.channel(argument)?;
        if channel.archived {
            return fail("is_archived");
        }
        if !channel.members.contains(&self.bot) {
            return fail("not_in_channel");
        }
        Ok(channel)
    }
}

/// The id of the channel a call is about; empty when it is about none.
pub fn channel_of(state: &State, call: &Call) -> String {
    let named = ["channel", "channel_id"].map(|name| call.arg(name));
    let name = named.into_iter().find(|n| !n.is_empty()).unwrap_or("");
    let team = call.token.as_ref().and_then(|t| state.tokens.all.get(t));
    let by_name = team.and_then(|t| state.channel_named(&t.team, name.trim_start_matches('#')));
    by_name.map_or_else(|| name.to_owned(), |c| c.id.clone())
}

/// The answer to a call whose scope was not granted.
pub fn refused_scope(state: &State, call: &Call, channel: &str) -> Option<Fail> {
    let kind = state.channel(channel).map_or(Kind::Public, |c| c.kind);
    let lacking = state.lacking(&call.method, kind, Args(&call.args))?;
    Some(state.missing_scope(&lacking))
}
