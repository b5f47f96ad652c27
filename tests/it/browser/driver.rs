//! Chromium on a leash: one chromedriver per test, a browser with its own profile per person.

use crate::process::{PATIENCE, free_address, until};
use crate::tools;
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Nothing of a browser's own life: no sandbox (tests may run as root), no other network, no welcome.
const SWITCHES: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A running chromedriver. Ends with its browsers when dropped.
pub struct Driver {
    address: String,
    child: Child,
    chromium: PathBuf,
    profiles: tempfile::TempDir,
}

/// What a person looks at the console with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    Desktop,
    /// 360 by 740, with a touch screen.
    Phone,
}

impl Driver {
    /// A driver; `None` after saying which program is missing.
    pub async fn start() -> Option<Driver> {
        let (chromedriver, chromium) = (tools::need("chromedriver")?, tools::need("chromium")?);
        let address = free_address();
        let (_, port) = address.rsplit_once(':').unwrap();
        let mut command = Command::new(chromedriver);
        command.arg(format!("--port={port}")).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let driver = Driver {
            child: child.unwrap(),
            chromium,
            profiles: tempfile::tempdir().unwrap(),
            address,
        };
        let status = format!("http://{}/status", driver.address);
        let http = http();
        until("chromedriver is ready", PATIENCE, async || {
            http.get(&status).send().await
        })
        .await;
        Some(driver)
    }

    /// A new browser that nobody has used before.
    pub async fn open(&self, name: &'static str, screen: Screen, base: &str) -> Tab {
        let profile = self.profiles.path().join(name);
        let mut switches: Vec<String> = SWITCHES.map(str::to_owned).to_vec();
        switches.push(format!("--user-data-dir={}", profile.display()));
        switches.push("--window-size=1280,900".to_owned());
        let mut chrome = json!({"args": switches, "binary": self.chromium});
        if screen == Screen::Phone {
            let metrics = json!({"width": 360, "height": 740, "pixelRatio": 2.0, "touch": true});
            chrome["mobileEmulation"] = json!({"deviceMetrics": metrics});
        }
        let mut wishes = Map::new();
        wishes.insert("goog:chromeOptions".to_owned(), chrome);
        wishes.insert("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"}));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wishes);
        let address = format!("http://{}", self.address);
        let client = builder.connect(&address).await.unwrap();
        let session = client.session_id().await.unwrap().unwrap();
        Tab {
            log: format!("{address}/session/{session}/se/log"),
            client,
            base: base.to_owned(),
            name,
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Ends every browser too, also after a failure; best effort, the processes are killed next.
        if let Ok(mut stream) = TcpStream::connect(&self.address) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let host = &self.address;
            let _ = write!(
                stream,
                "GET /shutdown HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
    builder.build().unwrap()
}

/// One person's browser.
pub struct Tab {
    client: Client,
    base: String,
    name: &'static str,
    log: String,
}

impl Tab {
    /// Loads a page of the console.
    pub async fn goto(&self, path: &str) {
        self.client
            .goto(&format!("{}{path}", self.base))
            .await
            .unwrap();
    }

    /// The path shown, without host and query.
    pub async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Says who this is, on the page for it.
    pub async fn pick(&self, person: &str) {
        self.goto("/people").await;
        self.click(&format!("button[name=person][value={person}]"))
            .await;
        self.sees(".me", "").await;
    }

    /// Chooses the colours by the form every page has, as a press of its button would.
    pub async fn colours(&self, theme: &str) {
        let choose = format!(
            "return fetch('/theme', {{method: 'POST', body: new URLSearchParams({{theme: {theme:?}, next: '/'}})}}).then((a) => a.ok)"
        );
        assert_eq!(self.js(&choose).await, Value::Bool(true));
    }

    /// Runs a function body in the page.
    pub async fn js(&self, script: &str) -> Value {
        let outcome = self.client.execute(script, Vec::new()).await;
        outcome.unwrap_or_else(|e| panic!("{}: {script}: {e}", self.name))
    }

    /// Waits until an element that can be seen holds the words.
    pub async fn sees(&self, css: &str, words: &str) {
        let what = format!("{} sees “{words}” in {css}", self.name);
        until(&what, PATIENCE, async || {
            let texts = self.look_for(css).await?;
            if texts.iter().any(|t| t.contains(words)) {
                return Ok(());
            }
            Err(format!("{} {texts:?}", self.path().await))
        })
        .await;
    }

    /// The words of all elements that can be seen, white space folded.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let found = self.look_for(css).await;
        found.unwrap_or_else(|e| panic!("{}: {css}: {e}", self.name))
    }

    /// As [`Tab::texts`]; nothing can be asked of a page that is just making room for the next one.
    async fn look_for(&self, css: &str) -> Result<Vec<String>, String> {
        let find = format!(
            "return [...document.querySelectorAll({css:?})].filter((e) => e.checkVisibility())\
             .map((e) => e.innerText.replace(/\\s+/g, ' ').trim())"
        );
        let found = self.client.execute(&find, Vec::new()).await;
        serde_json::from_value(found.map_err(|e| e.to_string())?).map_err(|e| e.to_string())
    }

    /// Clicks the first element that can be seen.
    pub async fn click(&self, css: &str) {
        self.click_on(Locator::Css(css)).await;
    }

    /// Clicks the first button or link with these words that can be seen.
    pub async fn press(&self, words: &str) {
        let path = format!(
            "//main//*[self::button or self::a or self::summary][normalize-space()='{words}']"
        );
        self.click_on(Locator::XPath(&path)).await;
    }

    /// Presses what loads a page, and waits for that page: the old one may show the outcome by itself
    /// before it goes, and what is opened or typed there goes with it.
    pub async fn submit(&self, words: &str) {
        self.mark().await;
        self.press(words).await;
        let what = format!("{} reads the page after “{words}”", self.name);
        until(&what, PATIENCE, async || {
            let ready = "return window.firebellMark !== true && document.readyState === 'complete'";
            match self.client.execute(ready, Vec::new()).await {
                Ok(Value::Bool(true)) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }

    /// A part may be drawn anew between finding and clicking; then it is found again.
    async fn click_on(&self, place: Locator<'_>) {
        until(
            &format!("{} can click {place:?}", self.name),
            PATIENCE,
            async || {
                let found = self
                    .client
                    .find_all(place)
                    .await
                    .map_err(|e| e.to_string())?;
                for element in found {
                    if element.is_displayed().await.unwrap_or(false) {
                        // As a person would: not from under what stands fixed at the top.
                        let middle = "arguments[0].scrollIntoView({block: 'center'})";
                        let at = serde_json::to_value(&element).map_err(|e| e.to_string())?;
                        let moved = self.client.execute(middle, vec![at]).await;
                        moved.map_err(|e| e.to_string())?;
                        return element.click().await.map_err(|e| e.to_string());
                    }
                }
                Err(format!("none to be seen at {}", self.path().await))
            },
        )
        .await;
    }

    /// The first such element.
    pub async fn find(&self, css: &str) -> Element {
        let found = self.client.find(Locator::Css(css)).await;
        found.unwrap_or_else(|e| panic!("{}: {css}: {e}", self.name))
    }

    /// Types into a field, key by key.
    pub async fn write(&self, css: &str, keys: &str) {
        let place = Locator::Css(css);
        until(
            &format!("{} can write into {css}", self.name),
            PATIENCE,
            async || {
                let found = self.client.find_all(place).await;
                for element in found.map_err(|e| e.to_string())? {
                    if element.is_displayed().await.unwrap_or(false) {
                        return element.send_keys(keys).await.map_err(|e| e.to_string());
                    }
                }
                Err("none that can be seen".to_owned())
            },
        )
        .await;
    }

    /// Leaves a mark that a reload would wipe out.
    pub async fn mark(&self) {
        self.js("window.firebellMark = true").await;
    }

    /// Nothing was loaded anew since [`Tab::mark`].
    pub async fn is_still_marked(&self) {
        let mark = self.js("return window.firebellMark === true").await;
        assert_eq!(
            mark,
            Value::Bool(true),
            "{}: the page was reloaded",
            self.name
        );
    }

    /// Nothing reaches over the right edge.
    pub async fn fits_the_screen(&self, path: &str) {
        let wide = self
            .js("const w = document.documentElement, over = [...document.querySelectorAll('body *')]\
                 .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility())\
                 .map((e) => e.outerHTML.slice(0, 120));\
                 return w.scrollWidth <= innerWidth ? null : [w.scrollWidth, innerWidth, over.slice(0, 5)]")
            .await;
        assert_eq!(wide, Value::Null, "{}: {path} scrolls sideways", self.name);
    }

    /// The browser has complained about nothing: no error, no policy violated, nothing missing.
    pub async fn has_no_complaints(&self) {
        let answer = http().post(&self.log).json(&json!({"type": "browser"}));
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        let lines = answer["value"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"));
        let bad: Vec<&Value> = lines.iter().filter(|l| l["level"] == "SEVERE").collect();
        assert!(bad.is_empty(), "{}: {bad:#?}", self.name);
    }

    /// Keeps a picture in the folder that `FIREBELL_SHOTS` names; nothing without it.
    pub async fn shoot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("FIREBELL_SHOTS") {
            let picture = self.client.screenshot().await.unwrap();
            let file = PathBuf::from(folder).join(format!("{name}-{}.png", self.name));
            std::fs::write(file, picture).unwrap();
        }
    }
}
