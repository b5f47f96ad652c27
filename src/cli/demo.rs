//! `firebell demo`: the whole product on one machine, with an example organisation.

use super::serve::{House, listen};
use super::{demo_story, log, print, serve};
use crate::{config, engine};
use anyhow::Context;
use std::path::Path;
use std::process::ExitCode;

/// Writes the example where it is missing, starts firebell on it, prints the console's address and
/// tells the story of an incident unless `quiet`.
///
/// # Errors
/// When it cannot start.
pub async fn demo(address: &str, data: &Path, quiet: bool) -> anyhow::Result<ExitCode> {
    log::start("text", "info,firebell=info,sqlx=warn");
    let listener = listen(address).await?;
    // Port 0 asks for a free one; everything after must name the one that was given.
    let address = listener.local_addr().context("the address is unknown")?;
    let address = address.to_string();
    config::write_demo(data, &address)
        .with_context(|| format!("the example could not be written to {}", data.display()))?;
    let config = data.join("firebell.toml");
    // The file is the user's once it is written; the address asked for this time wins over it.
    let mut variables = config::variables();
    variables.insert("FIREBELL__LISTEN".to_owned(), address.clone());
    let Some(loaded) = serve::told(config::load_with(&config, &variables)) else {
        return Ok(ExitCode::FAILURE);
    };
    let house = House::open(&config, loaded).await?;
    if !quiet {
        let tokens = demo_story::Tokens::read(&data.join("demo.env"))?;
        let story = demo_story::Story::new(&address, tokens, house.app.engine.clone())?;
        // Ends with the process: what it has sent is kept, what it has not is nobody's loss.
        engine::spawn(story.tell());
    }
    print(&format!("console: {}/", house.app.settings.public_url))?;
    house.live(listener).await
}
