//! `firebell serve`, and the house both it and the demo put up: store, engine, chat, doors.

use super::log;
use super::platforms::{self, Platforms};
use crate::config::{self, Fault, Loaded};
use crate::engine::{self, Clock, Engine, Options, Sealer};
use crate::http::{App, server};
use crate::metrics::Metrics;
use crate::notify::Notifiers;
use crate::run::Executors;
use crate::run::process::cgroup;
use crate::share::{Oracle, Places};
use crate::store::Store;
use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// How often SQLite's write-ahead log is copied into its file, see [`Store::checkpoint`]: seldom while
/// little is written, and so often in a storm that a round copies about `CHECKPOINT_PAGES` of 4 KiB. A
/// commit waits for the disk behind the round, so many short rounds are better than a long one.
const CHECKPOINT_EVERY: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(2);
const CHECKPOINT_PAGES: i64 = 512;
/// How often is looked whether the audit's end is to be signed.
const SEAL_LOOK: Duration = Duration::from_secs(10);
/// A run's folder stays this long after its end, for whoever wants to look.
const RUN_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// And is looked for this often.
const RUN_LOOK: Duration = Duration::from_secs(3600);
/// How often a process asks whether another one has taken its database.
const FENCE_LOOK: Duration = Duration::from_secs(1);

/// Runs firebell until it is told to stop.
///
/// # Errors
/// When it cannot start, or another process takes the database over.
pub async fn serve(path: &Path) -> anyhow::Result<ExitCode> {
    let Some(mut loaded) = load(path) else {
        return Ok(ExitCode::FAILURE);
    };
    log::start(&loaded.settings.log_format, &loaded.settings.log_filter);
    if engine::first_copies(&loaded.feeds, Clock::Real.now()).await {
        match load(path) {
            Some(with_copies) => loaded = with_copies,
            None => return Ok(ExitCode::FAILURE),
        }
    }
    let listener = listen(&loaded.settings.listen).await?;
    let house = House::open(path, loaded).await?;
    tracing::info!(
        listen = %house.app.settings.listen,
        "firebell {} is ready: {}",
        env!("CARGO_PKG_VERSION"),
        house.app.settings.public_url
    );
    house.live(listener).await
}

/// Loads the configuration; `None`: its faults have been told on stderr.
pub fn load(path: &Path) -> Option<Loaded> {
    told(config::load(path))
}

/// Tells the faults of a load on stderr.
pub fn told(outcome: Result<Loaded, Vec<Fault>>) -> Option<Loaded> {
    match outcome {
        Ok(loaded) => Some(loaded),
        Err(faults) => {
            // Stderr that is gone cannot be helped.
            let _ = writeln!(
                std::io::stderr(),
                "{}error: {} in the configuration; nothing was started",
                config::fix_report(&faults),
                crate::core::text::count(faults.len(), "fault")
            );
            None
        }
    }
}

/// `services/web.toml:12: what is wrong. Fix: what to do.`
#[must_use]
pub fn fault_line(fault: &Fault) -> String {
    let place = match fault.line {
        0 => fault.path.display().to_string(),
        line => format!("{}:{line}", fault.path.display()),
    };
    format!("{place}: {}. Fix: {}", fault.what, fault.fix)
}

/// Takes the address before anything else is touched: a second start must not fence the first.
///
/// # Errors
/// In words, with the fix.
pub async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(e) if e.kind() == ErrorKind::AddrInUse => bail!(
            "{address} is in use by another program (perhaps another firebell); stop it or choose another address with --listen or `listen` in firebell.toml"
        ),
        Err(e) => {
            bail!("{address} cannot be listened on: {e}; an address is written 127.0.0.1:8080")
        }
    }
}

/// A started firebell: everything but the listener.
pub struct House {
    /// What the doors use.
    pub app: App,
    config: PathBuf,
    files: Vec<PathBuf>,
    at_start: BTreeMap<String, [u8; 32]>,
    sealer: Sealer,
}

impl House {
    /// Opens the store, starts the engine and its chat platforms.
    ///
    /// # Errors
    /// When the data folder or the database cannot be used.
    pub async fn open(config: &Path, loaded: Loaded) -> anyhow::Result<House> {
        for warning in &loaded.warnings {
            tracing::warn!("{}", fault_line(warning));
        }
        let settings = Arc::new(loaded.settings);
        data_dir(&settings.data_dir)?;
        let store = Store::open(settings.database_url.expose_secret())
            .await
            .context("the database could not be opened")?;
        let metrics = Arc::new(Metrics::new());
        // Before the first shim, which is born where this process is.
        match cgroup::settle() {
            Ok(()) => tracing::info!("memory and processes of runs are bound by cgroup"),
            Err(why) => {
                tracing::info!(why, "memory and processes of runs are bound by rlimit only");
            }
        }
        let executors = Executors::here(&settings.data_dir, None)
            .context("the folder of runs could not be made")?
            .and_elsewhere(&settings.engines, &settings.data_dir)
            .map_err(|why| anyhow::anyhow!(why))?;
        let options = Options {
            clock: Clock::Real,
            executors: executors.clone(),
            public_url: settings.public_url.trim_end_matches('/').to_owned(),
            metrics: Arc::clone(&metrics),
        };
        let engine = Engine::start(store, loaded.directory, options).await?;
        let key = settings.audit.key.as_ref().map(ExposeSecret::expose_secret);
        let sealer = Sealer::open(&settings.data_dir, key)?;
        tracing::info!(
            key = sealer.public(),
            "the audit's checkpoints are signed with this key"
        );
        engine.note_files().await?;
        engine.keep_files_in(settings.data_dir.join("files"));
        engine.finish_removals().await?;
        let notifiers = Notifiers::new(&settings.notify, engine.public_url())
            .map_err(|why| anyhow::anyhow!(why))?;
        engine.notify_through(notifiers);
        let places = Places::new(&settings.exports, &settings.data_dir.join("exports"))
            .map_err(|why| anyhow::anyhow!(why))?;
        engine.share_through(places);
        engine.keep_changes(settings.insight.keep_ms);
        let oracle = settings.insight.summary.as_ref().map(Oracle::new);
        engine.summarise_with(oracle.transpose().map_err(|why| anyhow::anyhow!(why))?);
        data_dir(&settings.data_dir.join("calendars"))?;
        engine.follow_calendars(loaded.feeds).await;
        let platforms = Platforms::put_up(&engine, &settings)?;
        let app = App {
            engine,
            settings,
            metrics,
            chat: platforms.doors.clone(),
        };
        platforms.open(&app.engine, &app.settings).await?;
        open_page(&app)?;
        executors.ready();
        engine::spawn(clear_old_runs(executors));
        Ok(House {
            app,
            config: config.to_owned(),
            files: loaded.files,
            at_start: loaded.at_start,
            sealer,
        })
    }

    /// Serves until a signal or the loss of the database, then stops in order: doors, engine.
    ///
    /// # Errors
    /// When another process has taken the database over.
    pub async fn live(self, listener: TcpListener) -> anyhow::Result<ExitCode> {
        let engine = self.app.engine.clone();
        let asked = asked_to_stop()?;
        let watched = watch(self.config, self.files, self.at_start, self.app.clone());
        let kept = Box::pin(keep_log_short(engine.clone()));
        let every = self.app.settings.audit.every;
        let sealed = Box::pin(seal(engine.clone(), self.sealer.clone(), every));
        let ended = ended(engine.clone());
        let stop = async {
            tokio::select! {
                name = asked => tracing::info!("{name}: stopping"),
                () = ended => tracing::error!("the engine has ended; this process stops"),
                () = watched => {}
                () = kept => {}
                () = sealed => {}
            }
        };
        server::serve(self.app, listener, stop).await;
        let ended_early = !engine.alive();
        if !engine.fenced()
            && let Err(e) = engine.seal_audit(&self.sealer, 1).await
        {
            tracing::warn!("the audit's end could not be signed: {e:#}");
        }
        engine.stop().await;
        tracing::info!("stopped");
        if engine.fenced() {
            bail!("another firebell process has taken over this database");
        }
        if ended_early {
            bail!("the engine has ended by a fault of its own; the log says where");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The status page: its folder, and its own listener.
fn open_page(app: &App) -> anyhow::Result<()> {
    let page = &app.settings.page;
    app.engine
        .publish_to(page.folder.clone(), page.listen.is_some());
    let Some(address) = &page.listen else {
        return Ok(());
    };
    let listener = std::net::TcpListener::bind(address)
        .with_context(|| format!("the status page cannot be served at {address}; another program may use it, or `listen` of [status_page] is not of this machine"))?;
    crate::http::page::serve(listener, &app.engine).context("the status page cannot be served")?;
    tracing::info!(listen = %address, "the status page is served");
    Ok(())
}

/// Removes folders of runs that ended long ago: their output is in the database, what they left among the
/// artefacts.
async fn clear_old_runs(executors: Executors) {
    loop {
        executors.clear(RUN_KEPT);
        tokio::time::sleep(RUN_LOOK).await;
    }
}

/// Makes the data folder, for this user alone: it holds the database and run outputs.
fn data_dir(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("the data folder {} could not be made", path.display()))
}

/// Completes at the first SIGINT or SIGTERM. Registered before it is waited for, so none is missed;
/// a second one ends the process at once.
fn asked_to_stop() -> anyhow::Result<impl Future<Output = &'static str>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be received")?;
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be received")?;
    Ok(async move {
        let first = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        engine::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::warn!("a second signal: ending without waiting");
            // 130: ended by a signal, by the shell's convention.
            std::process::exit(130);
        });
        first
    })
}

/// Waits until the engine cannot go on: fenced by another process, or one of its tasks has ended.
/// A supervisor then starts it anew, which is better than a process that answers and does nothing.
async fn ended(engine: Engine) {
    let mut look = tokio::time::interval(FENCE_LOOK);
    while engine.alive() && !engine.fenced() {
        look.tick().await;
    }
}

/// Copies SQLite's log into its file, for ever. A checkpoint that fails is tried again; the log grows meanwhile.
async fn keep_log_short(engine: Engine) {
    let (mut every, mut log, mut failing) = (*CHECKPOINT_EVERY.end(), 0, false);
    loop {
        tokio::time::sleep(every).await;
        let outcome = engine.store().checkpoint().await;
        match &outcome {
            Ok(pages) => {
                // A log that was copied whole begins again at its first page.
                let more = if *pages < log { *pages } else { pages - log };
                log = *pages;
                every = pace(every, more);
            }
            Err(e) if !failing => {
                tracing::warn!("the database's log could not be shortened: {e}");
            }
            Err(_) => {}
        }
        failing = outcome.is_err();
    }
}

/// Signs the end of the audit again and again, for ever.
async fn seal(engine: Engine, sealer: Sealer, every: i64) {
    let mut failing = false;
    loop {
        tokio::time::sleep(SEAL_LOOK).await;
        match engine.seal_audit(&sealer, every).await {
            Ok(Some(checkpoint)) => {
                let (n, hash) = (checkpoint.n, checkpoint.hash);
                tracing::info!(n, hash, "the audit's end was signed");
                failing = false;
            }
            Ok(None) => failing = false,
            Err(e) if !failing => {
                tracing::warn!("the audit's end could not be signed: {e:#}");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

/// The wait before the next round, after one that had `pages` to copy.
fn pace(every: Duration, pages: i64) -> Duration {
    let next = match pages {
        CHECKPOINT_PAGES.. => every / 2,
        0..CHECKPOINT_PAGES if pages > CHECKPOINT_PAGES / 4 => every,
        _ => every * 2,
    };
    next.clamp(*CHECKPOINT_EVERY.start(), *CHECKPOINT_EVERY.end())
}

/// Puts changed files in force until the process ends; a wrong file is refused and said by `config`.
/// `at_start` is what this process started with, as [`Loaded::at_start`] has it.
async fn watch(
    config: PathBuf,
    files: Vec<PathBuf>,
    at_start: BTreeMap<String, [u8; 32]>,
    app: App,
) {
    // Nobody asks for a reload by hand here: SIGHUP does. One is asked for at once: what changed
    // between the reading of the files and the first look at them would be missed for ever.
    let (requests, asked) = mpsc::channel(1);
    let _ = requests.try_send(());
    let put = |outcome: Result<Loaded, Vec<Fault>>| {
        let Ok(loaded) = outcome else {
            return;
        };
        for_a_restart(&app.engine, &config::changed(&at_start, &loaded.at_start));
        providers(&app.engine, &loaded.settings.notify);
        app.engine.replace_directory(loaded.directory);
        let app = app.clone();
        engine::spawn(async move {
            if let Err(e) = app.engine.note_files().await {
                tracing::warn!("changed files could not be put into the audit: {e}");
            }
            app.engine.follow_calendars(loaded.feeds).await;
            app.engine.offer_policies().await;
            // A new team or service may bring a new channel.
            if !app.settings.console.enabled {
                return;
            }
            if let Err(e) = platforms::console(&app.engine, &app.settings).await {
                tracing::warn!("{e:#}");
            }
        });
    };
    if let Err(e) = config::watch(config, files, asked, put).await {
        tracing::warn!(
            "changed files are not noticed ({e:#}); restart firebell to put them in force"
        );
    }
    std::future::pending::<()>().await;
}

/// Says, in the log and on the console, which changed sections wait for a restart.
fn for_a_restart(engine: &Engine, changed: &[String]) {
    let mut sentences = Vec::new();
    if !changed.is_empty() {
        let words = format!(
            "firebell.toml has changed where only a restart puts it in force: {}.",
            crate::core::text::list(changed)
        );
        tracing::warn!("{words}");
        sentences.push(words);
    }
    engine.trouble_with("restart", &sentences);
}

/// Mail servers, push services and phones as they are configured now. What cannot be used leaves those
/// there were in place.
fn providers(engine: &Engine, settings: &config::notify::Providers) {
    let mut sentences = Vec::new();
    match Notifiers::new(settings, engine.public_url()) {
        Ok(notifiers) => engine.notify_through(notifiers),
        Err(why) => {
            let words = format!("The changed providers are not in force, those before are: {why}.");
            tracing::error!("{words}");
            sentences.push(words);
        }
    }
    engine.trouble_with("providers", &sentences);
}
