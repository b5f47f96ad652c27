//! The HTML file printed by a browser of this machine. Where there is none, that is said.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// What the browser is called, in the order it is looked for.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// A document of ten thousand lines takes seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// Whether there is a browser.
#[must_use]
pub fn browser() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    BROWSERS
        .iter()
        .flat_map(|name| folders.iter().map(move |f| f.join(name)))
        .find(|file| file.is_file())
}

/// Prints a file of [`html`](crate::core::postmortem::html).
///
/// # Errors
/// In words: no browser, no room, or what the browser could not do.
pub async fn pdf(html: &str, scratch: &Path) -> Result<Vec<u8>, String> {
    let browser = browser().ok_or(
        "A PDF is printed by Chromium, and none is installed here. Take the HTML file and print it, or install chromium.",
    )?;
    let said = |what: &str, e: std::io::Error| format!("The PDF could not be made: {what}: {e}.");
    let folder = scratch.join(format!("pdf-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir_all(&folder).map_err(|e| said("no folder to work in", e))?;
    let printed = print(&browser, html, &folder).await;
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::warn!(%error, "the working folder of a PDF could not be removed");
    }
    printed
}

async fn print(browser: &Path, html: &str, folder: &Path) -> Result<Vec<u8>, String> {
    let said = |what: &str, e: std::io::Error| format!("The PDF could not be made: {what}: {e}.");
    let folder = folder
        .canonicalize()
        .map_err(|e| said("no folder to work in", e))?;
    let (page, out) = (folder.join("page.html"), folder.join("page.pdf"));
    std::fs::write(&page, html).map_err(|e| said("the page could not be written", e))?;
    let mut command = Command::new(browser);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &folder)
        .args([
            "--headless=new",
            "--disable-gpu",
            "--no-first-run",
            "--disable-extensions",
        ])
        // Nothing is loaded, and nothing could be.
        .args([
            "--proxy-server=127.0.0.1:9",
            "--disable-background-networking",
        ])
        .args(["--disable-dev-shm-usage", "--no-pdf-header-footer"])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!("--print-to-pdf={}", out.display()));
    if rustix::process::getuid().is_root() {
        // Chromium refuses to run as root with its sandbox.
        command.arg("--no-sandbox");
    }
    command
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let done = tokio::time::timeout(PATIENCE, command.output())
        .await
        .map_err(|_| "The PDF could not be made: the browser did not end in time.".to_owned())?
        .map_err(|e| said("the browser could not be started", e))?;
    match std::fs::read(&out) {
        Ok(bytes) if bytes.starts_with(b"%PDF-") => Ok(bytes),
        _ => {
            let words = String::from_utf8_lossy(&done.stderr);
            let last = words.lines().last().unwrap_or("it said nothing");
            Err(format!(
                "The PDF could not be made: {}.",
                crate::core::text::cut(last, 200)
            ))
        }
    }
}
