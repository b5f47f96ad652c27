//! `firebell generate`: what a chat platform wants to have pasted or opened, made from the command tree.

use super::print;
use crate::chat::surface::tree;
use crate::config::chat::ALIASES;
use crate::platform::{discord, slack};
use clap::{Args, Subcommand};

/// What to make.
#[derive(Debug, Subcommand)]
pub(super) enum What {
    /// Print the manifest of the Slack app
    Slack {
        /// Address of this firebell as Slack reaches it: signed HTTP instead of Socket Mode
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// Name of the workspace's block in firebell.toml; part of the address with --url
        #[arg(long, default_value = "slack")]
        name: String,
        #[command(flatten)]
        words: Words,
    },
    /// Print the invite link, permission number and commands of the Discord application
    Discord {
        /// Application id, from the page General Information
        #[arg(long, value_name = "ID", default_value = "YOUR-APPLICATION-ID")]
        application: String,
        #[command(flatten)]
        words: Words,
    },
}

/// Command words besides `firebell`.
#[derive(Debug, Args)]
pub(super) struct Words {
    /// A command word to switch on besides `firebell`; may be given several times
    #[arg(long = "alias", value_name = "WORD", value_parser = ALIASES)]
    aliases: Vec<String>,
}

/// Makes and prints it.
///
/// # Errors
/// When nothing can be printed.
pub(super) fn generate(what: &What) -> anyhow::Result<()> {
    match what {
        What::Slack { url, name, words } => {
            let base = url
                .as_ref()
                .map(|url| format!("{}/slack/{name}", url.trim_end_matches('/')));
            print(&slack::manifest::manifest(
                tree(),
                base.is_none(),
                base.as_deref(),
                &words.aliases,
            ))
        }
        What::Discord { application, words } => {
            let commands = discord::commands(tree(), &words.aliases);
            let commands = serde_json::to_string_pretty(&commands)?;
            print(&format!(
                "Invite firebell (permission number {}):\n{}\n\n\
                 The commands below are registered by firebell itself when it starts. To do it by hand: \
                 PUT them to\n/applications/{application}/guilds/YOUR-SERVER-ID/commands\n\n{commands}",
                discord::permissions(),
                discord::invite_link(application),
            ))
        }
    }
}
