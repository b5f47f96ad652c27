//! A stand-in of Twilio, ntfy and Pushover on the loopback: it remembers what it was asked, and fails
//! as it is told. Written on bare sockets, because taking a request and cutting the line is one of
//! the ways.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is done with the next request.
#[derive(Clone, Copy, Debug)]
pub enum Mood {
    /// It is answered with this status.
    Status(u16),
    /// 429 with this `Retry-After`, seconds.
    Patience(u32),
    /// It is taken and never answered.
    Hang,
    /// It is taken and the line is cut.
    Drop,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub head: String,
    pub body: String,
}

impl Asked {
    /// A field of the form.
    pub fn field(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(&format!("http://x/?{}", self.body)).unwrap();
        let mut pairs = url.query_pairs();
        pairs.find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Inner {
    got: Mutex<Vec<Asked>>,
    script: Mutex<VecDeque<Mood>>,
}

/// A provider's server.
#[derive(Clone)]
pub struct Stand {
    inner: Arc<Inner>,
    addr: SocketAddr,
}

impl Stand {
    pub async fn up() -> Stand {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stand = Stand {
            inner: Arc::default(),
            addr: listener.local_addr().unwrap(),
        };
        let inner = stand.inner.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, inner.clone()));
            }
        });
        stand
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What it does with the next requests; after them it is well.
    pub fn will(&self, moods: &[Mood]) {
        self.inner.script.lock().unwrap().extend(moods);
    }

    pub fn got(&self) -> Vec<Asked> {
        self.inner.got.lock().unwrap().clone()
    }

    pub fn last(&self) -> Asked {
        self.got().pop().expect("nothing was asked")
    }
}

async fn answer(mut stream: TcpStream, inner: Arc<Inner>) -> Option<()> {
    loop {
        let asked = read(&mut stream).await?;
        let n = {
            let mut got = inner.got.lock().unwrap();
            got.push(asked.clone());
            got.len()
        };
        let mood = inner.script.lock().unwrap().pop_front();
        let (status, extra) = match mood {
            None => (200, String::new()),
            Some(Mood::Status(code)) => (code, String::new()),
            Some(Mood::Patience(secs)) => (429, format!("retry-after: {secs}\r\n")),
            Some(Mood::Hang) => std::future::pending().await,
            Some(Mood::Drop) => return None,
        };
        let body = match status {
            200 => taken(&asked.path, n),
            _ => r#"{"code":20003,"message":"no"}"#.to_owned(),
        };
        let head = format!(
            "HTTP/1.1 {status} x\r\n{extra}content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(body.as_bytes()).await.ok()?;
    }
}

fn taken(path: &str, n: usize) -> String {
    match path {
        p if p.ends_with("/Messages.json") => format!(r#"{{"sid":"SM{n}","status":"queued"}}"#),
        p if p.ends_with("/Calls.json") => format!(r#"{{"sid":"CA{n}","status":"queued"}}"#),
        "/1/messages.json" => format!(r#"{{"status":1,"receipt":"r{n}"}}"#),
        p if p.starts_with("/1/receipts/") => r#"{"status":1}"#.to_owned(),
        _ => format!(r#"{{"id":"n{n}"}}"#),
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        let at = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        if let Some(at) = at {
            break at + 4;
        }
        more(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..end].to_vec())
        .unwrap()
        .to_lowercase();
    let length = head.lines().find_map(|l| l.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |l| l.trim().parse().unwrap());
    while bytes.len() < end + length {
        more(stream, &mut bytes).await?;
    }
    let first = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let path = first.split(' ').nth(1).unwrap().to_owned();
    Some(Asked {
        path,
        head,
        body: String::from_utf8(bytes[end..].to_vec()).unwrap(),
    })
}

async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 8192];
    let n = stream.read(&mut piece).await.ok()?;
    bytes.extend_from_slice(&piece[..n]);
    (n > 0).then_some(())
}
