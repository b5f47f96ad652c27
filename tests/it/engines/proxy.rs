//! A TCP proxy that fails as networks do: refuses, cuts, and swallows the answer to one request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Default)]
struct Mood {
    lost: bool,
    /// The answer to a request that contains this is never delivered.
    swallow: Option<Vec<u8>>,
}

pub struct Proxy {
    pub addr: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    /// Each change cuts every connection.
    cuts: Arc<watch::Sender<u32>>,
}

impl Proxy {
    pub async fn before(upstream: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy {
            addr: listener.local_addr().unwrap(),
            mood: Arc::default(),
            cuts: Arc::new(watch::Sender::new(0)),
        };
        let (mood, cuts) = (proxy.mood.clone(), proxy.cuts.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if mood.lock().unwrap().lost {
                    continue;
                }
                let (mood, mut cut) = (mood.clone(), cuts.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        () = carry(client, upstream, mood) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Cuts what is open.
    pub fn cut(&self) {
        self.cuts.send_modify(|n| *n += 1);
    }

    /// Cuts what is open and lets nothing through.
    pub fn lose(&self) {
        self.mood.lock().unwrap().lost = true;
        self.cut();
    }

    pub fn find_again(&self) {
        self.mood.lock().unwrap().lost = false;
    }

    /// The next request that contains this arrives, and its answer does not.
    pub fn swallow(&self, request: &str) {
        self.mood.lock().unwrap().swallow = Some(request.as_bytes().to_vec());
    }
}

async fn carry(mut client: TcpStream, upstream: SocketAddr, mood: Arc<Mutex<Mood>>) {
    let Ok(mut server) = TcpStream::connect(upstream).await else {
        return;
    };
    let (mut there, mut back) = (vec![0; 65_536], vec![0; 65_536]);
    let mut deaf = false;
    loop {
        tokio::select! {
            n = client.read(&mut there) => {
                let Ok(n @ 1..) = n else { return };
                let asked = &there[..n];
                {
                    let mut mood = mood.lock().unwrap();
                    // The cut may come to a connection that is just being made, or a moment later.
                    if mood.lost { return }
                    let hit = mood.swallow.as_ref().is_some_and(|want| {
                        asked.windows(want.len()).any(|piece| piece == want)
                    });
                    if hit {
                        mood.swallow = None;
                        deaf = true;
                    }
                }
                if server.write_all(asked).await.is_err() { return }
            }
            n = server.read(&mut back) => {
                let Ok(n @ 1..) = n else { return };
                if deaf || client.write_all(&back[..n]).await.is_err() { return }
            }
        }
    }
}
