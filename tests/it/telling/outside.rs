//! People outside: they ask on the page, confirm by mail, and end it with a link.

use super::page::HOSTILE;
use super::{everybody, inside, telling};
use crate::wake::doors;
use crate::world::World;
use axum::body::Body;
use axum::http::Request;
use firebell::config::notify::{Providers, Security, Smtp};
use firebell::core::directory::Directory;
use firebell::core::incident::Audience;
use firebell::core::subscribe::{Subscriber, Topics, Via};
use firebell::engine::Door;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// Recipient and text of each mail.
pub type Mails = Arc<Mutex<Vec<(String, String)>>>;

/// A mail server that takes everything and keeps recipient and mail.
pub async fn post_office() -> (u16, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mails = Mails::default();
    let kept = mails.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                let (mut to, mut data, mut inside) = (String::new(), String::new(), false);
                write.write_all(b"220 here\r\n").await.ok()?;
                while let Some(line) = lines.next_line().await.ok()? {
                    let answer = if inside && line == "." {
                        inside = false;
                        kept.lock()
                            .unwrap()
                            .push((to.clone(), std::mem::take(&mut data)));
                        "250 taken\r\n"
                    } else if inside {
                        data.push_str(line.strip_prefix('.').unwrap_or(&line));
                        data.push('\n');
                        continue;
                    } else if line.starts_with("DATA") {
                        inside = true;
                        "354 go on\r\n"
                    } else {
                        if let Some(found) = line.strip_prefix("RCPT TO:") {
                            found.clone_into(&mut to);
                        }
                        if line.starts_with("QUIT") {
                            "221 bye\r\n"
                        } else {
                            "250 fine\r\n"
                        }
                    };
                    write.write_all(answer.as_bytes()).await.ok()?;
                }
                Some(())
            });
        }
    });
    (port, mails)
}

async fn world() -> (World, Mails) {
    let (w, mails) = mailing(telling()).await;
    w.engine.publish_to(None, true);
    (w, mails)
}

/// With a mail server, and no listener of the page.
async fn mailing(directory: Directory) -> (World, Mails) {
    let (port, mails) = post_office().await;
    let providers = Providers {
        email: vec![Smtp {
            name: "post".to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
            security: Security::None,
            login: None,
            from: "Status <status@example.org>".to_owned(),
            extra_ca: None,
            timeout_ms: 20_000,
            pace_ms: 0,
        }],
        ..Providers::default()
    };
    let w = World::waking("sqlite::memory:", directory, providers).await;
    (w, mails)
}

fn door(email: &str) -> Door {
    Door::Subscribe {
        email: email.to_owned(),
        components: vec![String::new()],
    }
}

/// The mail as it reads: soft line ends of quoted-printable taken out.
fn plain(mail: &str) -> String {
    let whole = mail.replace("=\n", "").replace("=3D", "=");
    whole.replace("\n ", " ")
}

/// The sealed text of a link of this purpose.
pub fn token(mail: &str, purpose: &str) -> String {
    let mail = plain(mail);
    let at = mail.find(&format!("/{purpose}?t=")).expect("no link");
    let rest = &mail[at + purpose.len() + 4..];
    rest.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect()
}

async fn go(w: &World, door: Door) -> u16 {
    let said = w.engine.door(door).await.unwrap();
    w.settle().await;
    said.0
}

#[tokio::test]
async fn an_address_is_told_once_its_reader_says_so_and_no_more_once_they_do_not() {
    let (w, mails) = world().await;
    assert_eq!(go(&w, door("Reader@example.org")).await, 200);
    let first = mails.lock().unwrap()[0].clone();
    assert!(first.0.contains("reader@example.org") && plain(&first.1).contains("press the button"));
    w.fire("A", &[("service", "checkout")]).await;
    everybody(
        &w,
        1,
        "investigating",
        "Payments are slow",
        "We look into it.",
    )
    .await;
    assert_eq!(
        mails.lock().unwrap().len(),
        1,
        "nothing before they confirm"
    );
    let begin = token(&first.1, "confirm");
    assert_eq!(go(&w, Door::AskConfirm(begin.clone())).await, 200);
    w.advance_secs(60).await;
    assert_eq!(go(&w, Door::Confirm(begin.clone())).await, 200);
    assert_eq!(go(&w, Door::Confirm(begin)).await, 404, "it is used");
    everybody(&w, 1, "monitoring", "Payments are slow", "It works again.").await;
    let mail = mails.lock().unwrap()[1].1.clone();
    let text = plain(&mail);
    assert!(
        text.contains("Subject: [Monitoring] Payments are slow"),
        "{text}"
    );
    assert!(
        text.contains("It works again.") && text.contains("Shop: Degraded performance"),
        "{text}"
    );
    assert!(
        text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        "{text}"
    );
    assert!(
        text.contains("List-Unsubscribe: <https://status.example.org/unsubscribe?t="),
        "{text}"
    );
    assert!(
        !text.contains("is bad") && !text.contains("firebell.test/incidents"),
        "{text}"
    );
    let end = token(&mail, "unsubscribe");
    assert_eq!(go(&w, Door::AskUnsubscribe(end.clone())).await, 200);
    everybody(&w, 1, "monitoring", "Payments are slow", "Still good.").await;
    assert_eq!(
        mails.lock().unwrap().len(),
        3,
        "opening a link ends nothing"
    );
    assert_eq!(go(&w, Door::Unsubscribe(end)).await, 200);
    everybody(&w, 1, "resolved", "Payments are slow", "It is over.").await;
    assert_eq!(mails.lock().unwrap().len(), 3);
    assert!(
        w.engine.store().subscribers().await.unwrap().is_empty(),
        "the address is forgotten"
    );
}

#[tokio::test]
async fn strangers_cannot_make_us_write_to_somebody_again_and_again() {
    let (w, mails) = world().await;
    for _ in 0..5 {
        assert_eq!(go(&w, door("victim@example.org")).await, 200);
    }
    assert_eq!(
        mails.lock().unwrap().len(),
        1,
        "one mail, and the same answer each time"
    );
    for bad in [
        "",
        "nobody",
        "a@b",
        "a b@example.org",
        "a@example.org\r\nBcc: x@example.org",
        "a@example.org,b@example.org",
    ] {
        assert_eq!(go(&w, door(bad)).await, 400, "{bad}");
    }
    let unknown = Door::Subscribe {
        email: "x@example.org".to_owned(),
        components: vec!["nothing".to_owned()],
    };
    assert_eq!(go(&w, unknown).await, 400);
    for forged in ["", "x", "ZmlsZTp4.AAAA"] {
        assert_eq!(go(&w, Door::Unsubscribe(forged.to_owned())).await, 404);
        assert_eq!(go(&w, Door::Confirm(forged.to_owned())).await, 404);
    }
    for n in 0..250 {
        go(&w, door(&format!("r{n}@example.org"))).await;
    }
    assert!(
        mails.lock().unwrap().len() <= 200,
        "{}",
        mails.lock().unwrap().len()
    );
}

#[tokio::test]
async fn a_code_is_entered_where_it_was_asked_for_and_not_guessed() {
    let (w, mails) = world().await;
    let topics = firebell::core::subscribe::Topics::default();
    let id = w
        .engine
        .subscribe_mail("team@example.org", topics.clone(), "ana")
        .await
        .unwrap();
    w.settle().await;
    let mail = plain(&mails.lock().unwrap()[0].1);
    let code: String = mail
        .split("enter the code ")
        .nth(1)
        .unwrap()
        .chars()
        .take(6)
        .collect();
    assert!(code.chars().all(|c| c.is_ascii_digit()), "{code}");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert!(!w.engine.confirm_subscription(&id, wrong).await.unwrap());
    assert!(w.engine.confirm_subscription(&id, &code).await.unwrap());
    let other = w
        .engine
        .subscribe_mail("list@example.org", topics, "ana")
        .await
        .unwrap();
    w.settle().await;
    let mail = plain(&mails.lock().unwrap()[1].1);
    let code: String = mail
        .split("enter the code ")
        .nth(1)
        .unwrap()
        .chars()
        .take(6)
        .collect();
    for _ in 0..5 {
        assert!(
            !w.engine
                .confirm_subscription(&other, "nothing")
                .await
                .unwrap()
        );
    }
    assert!(
        !w.engine.confirm_subscription(&other, &code).await.unwrap(),
        "too many tries"
    );
}

#[tokio::test]
async fn nothing_hostile_comes_alive_in_a_mail() {
    let (w, mails) = world().await;
    go(&w, door("reader@example.org")).await;
    let first = mails.lock().unwrap()[0].1.clone();
    go(&w, Door::Confirm(token(&first, "confirm"))).await;
    for (n, text) in (1..).zip(HOSTILE) {
        w.fire(&format!("A{n}"), &[("service", "checkout")]).await;
        everybody(&w, n, "investigating", text, text).await;
        w.advance_secs(1).await;
    }
    let mails = mails.lock().unwrap();
    assert_eq!(mails.len(), 1 + HOSTILE.len());
    for (to, mail) in mails.iter().skip(1) {
        assert!(to.contains("reader@example.org"));
        let head = mail.split("\n\n").next().unwrap().to_lowercase();
        assert!(!head.contains("\nbcc:"), "{head}");
        assert!(head.contains("content-type: text/plain"), "{head}");
        assert_eq!(
            head.matches("\nsubject:").count() + usize::from(head.starts_with("subject:")),
            1,
            "{head}"
        );
    }
}

/// What one of firebell's own addresses answers.
async fn open(w: &World, request: Request<Body>) -> (u16, String) {
    let response = doors(w).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let rules = response.headers()["content-security-policy"].clone();
    assert!(rules.to_str().unwrap().starts_with("default-src 'none'"));
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    w.settle().await;
    (status, String::from_utf8(body.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn links_of_mails_lead_to_firebell_itself_while_the_page_has_no_listener() {
    let mut directory = telling();
    directory.subscribers.push(Arc::new(Subscriber {
        id: "file:support".to_owned(),
        via: Via::Mail("support@example.org".to_owned()),
        audience: Audience::Internal,
        topics: Topics::default(),
        private: false,
    }));
    let (w, mails) = mailing(directory).await;
    w.engine.publish_to(Some(w.scratch().join("public")), false);
    w.fire("A", &[("service", "checkout")]).await;
    inside(&w, 1, None, "we look into it").await;
    let mail = mails.lock().unwrap()[0].1.clone();
    let end = token(&mail, "unsubscribe");
    let home = w.engine.public_url().to_owned();
    assert!(
        plain(&mail).contains(&format!("List-Unsubscribe: <{home}/unsubscribe?t={end}")),
        "{mail}"
    );
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let press = |path: &str, body: String| {
        let form = "application/x-www-form-urlencoded";
        let request = Request::post(path).header("content-type", form);
        request.body(Body::from(body)).unwrap()
    };
    let link = format!("/unsubscribe?t={end}");
    let (status, shown) = open(&w, get(&link)).await;
    assert!(
        status == 200 && shown.contains("End it") && shown.contains(&end),
        "{shown}"
    );
    let sheet = Request::get("/unsubscribe/style.css");
    let sheet = doors(&w).oneshot(sheet.body(Body::empty()).unwrap()).await;
    assert_eq!(
        sheet.unwrap().headers()["content-type"],
        "text/css; charset=utf-8"
    );
    inside(&w, 1, None, "still at it").await;
    assert_eq!(mails.lock().unwrap().len(), 2, "opening it ends nothing");
    assert_eq!(open(&w, get("/unsubscribe?t=made.up")).await.0, 404);
    assert_eq!(
        open(&w, press("/unsubscribe", "t=made.up".to_owned()))
            .await
            .0,
        404
    );
    // As a mail program presses it: the token stays in the address.
    let one_click = press(&link, "List-Unsubscribe=One-Click".to_owned());
    let (status, shown) = open(&w, one_click).await;
    assert!(status == 200 && shown.contains("It has ended"), "{shown}");
    inside(&w, 1, None, "nearly there").await;
    assert_eq!(mails.lock().unwrap().len(), 2);
    // A code's link begins there as well.
    w.engine
        .subscribe_mail("team@example.org", Topics::default(), "ana")
        .await
        .unwrap();
    w.settle().await;
    let begin = token(&mails.lock().unwrap()[2].1.clone(), "confirm");
    let (status, shown) = open(&w, get(&format!("/confirm?t={begin}"))).await;
    assert!(status == 200 && shown.contains("Begin"), "{shown}");
    assert_eq!(
        open(&w, press("/confirm", format!("t={begin}"))).await.0,
        200
    );
    inside(&w, 1, None, "done").await;
    assert_eq!(mails.lock().unwrap().len(), 4);
}
