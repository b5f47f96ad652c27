//! An account of a chat platform becomes a person of the directory.

use super::Stage;
use sha2::{Digest, Sha256};

#[tokio::test]
async fn an_account_is_linked_by_an_address_the_platform_vouches_for() {
    let s = Stage::set().await;
    s.thin
        .profiles
        .lock()
        .unwrap()
        .get_mut("U-bo")
        .unwrap()
        .email = Some("Bo@Example.org".to_owned());
    assert!(s.line("U-bo", "1", "ack").await.ok);
    let by = s.world.incident(1).await.acked_by.clone().unwrap();
    assert_eq!(by.person(), Some("bo"));
    assert_eq!(
        s.world.engine.account_of("slack", "bo").as_deref(),
        Some("U-bo"),
        "and is paged there from now on"
    );
}

#[tokio::test]
async fn an_account_is_linked_by_a_code_its_owner_confirms() {
    let s = Stage::set().await;
    let given = s.line("U-kim", "1", "link").await.text;
    let code = given
        .split('`')
        .find_map(|part| part.strip_prefix("link "))
        .unwrap()
        .to_owned();
    let shown = s.line("U-ana", "2", &format!("link {code}")).await;
    assert!(shown.ok && shown.text.contains("Kim") && shown.text.contains("U-kim"));
    assert_eq!(
        s.world.engine.person_of("slack", "U-kim"),
        None,
        "only shown"
    );
    let done = s
        .line(
            "U-ana",
            "3",
            &format!("link {} confirm", code.to_lowercase()),
        )
        .await;
    assert!(done.ok, "{}", done.text);
    assert_eq!(
        s.world.engine.person_of("slack", "U-kim").as_deref(),
        Some("ana")
    );
    let again = s.line("U-ana", "4", &format!("link {code} confirm")).await;
    assert!(!again.ok, "a code is used once");
    assert!(!is_kept(&s, &code).await, "nothing of it is kept");
    s.world.clock.advance_ms(1);
    let mine = s.line("U-ghost", "5", "link").await;
    assert!(mine.text.contains("does not tell"), "strict: {}", mine.text);
}

#[tokio::test]
async fn a_code_is_good_for_five_minutes() {
    let s = Stage::set().await;
    let given = s.line("U-kim", "1", "link").await.text;
    let code = given
        .split('`')
        .find_map(|part| part.strip_prefix("link "))
        .unwrap()
        .to_owned();
    s.world.clock.advance_ms(5 * 60_000);
    let late = s.line("U-ana", "2", &format!("link {code} confirm")).await;
    assert!(!late.ok, "{}", late.text);
    assert_eq!(s.world.engine.person_of("slack", "U-kim"), None);
    // The next code takes away those that are over.
    assert!(is_kept(&s, &code).await);
    s.line("U-kim", "3", "link").await;
    assert!(!is_kept(&s, &code).await);
}

/// Whether the database still knows a code, which it keeps as a digest.
async fn is_kept(s: &Stage, code: &str) -> bool {
    let hash = Sha256::digest(code.as_bytes());
    let hash: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    let found = s.world.engine.store().link_code(&hash).await;
    found.unwrap().is_some()
}
