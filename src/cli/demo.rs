//! `firebell demo`: the whole product on one machine, with an example organisation.

use super::serve::{House, listen};
use super::{demo_story, log, print, serve};
use crate::{config, engine};
use anyhow::Context;
use std::net::{SocketAddr, TcpListener};
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
    let page = beside(address).context("there is no free port for the status page")?;
    let address = address.to_string();
    config::write_demo(data, &address, &page.to_string())
        .with_context(|| format!("the example could not be written to {}", data.display()))?;
    let config = data.join("firebell.toml");
    // The file is the user's once it is written; the address asked for this time wins over it.
    let mut variables = config::variables();
    variables.insert("FIREBELL__LISTEN".to_owned(), address.clone());
    let Some(mut loaded) = serve::told(config::load_with(&config, &variables)) else {
        return Ok(ExitCode::FAILURE);
    };
    // What changes in the files is told against the files, where the address of this time is not.
    if let Ok(written) = config::load(&config) {
        loaded.at_start = written.at_start;
    }
    let page = &mut loaded.settings.page.listen;
    if let Some(taken) = page.take_if(|at| TcpListener::bind(at.as_str()).is_err()) {
        tracing::warn!(
            "{taken} cannot be listened on, so there is no status page this time; `listen` and `url` of [status_page] in {} are where it is",
            config.display()
        );
    }
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

/// Where the status page is to be: ten ports above the console, or at any port that is free.
fn beside(console: SocketAddr) -> std::io::Result<SocketAddr> {
    let above = console.port().checked_add(10).unwrap_or_default();
    let listener = TcpListener::bind((console.ip(), above));
    listener
        .or_else(|_| TcpListener::bind((console.ip(), 0)))?
        .local_addr()
}
