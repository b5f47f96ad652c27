//! Reading a body that may be too large, too slow or broken off.

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use std::time::Duration;

/// A sender that needs longer than this to send its body is not going to finish.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error(
        "the body is larger than {limit} bytes (limits.body_bytes): send smaller batches or raise the limit"
    )]
    TooLarge { limit: usize },
    #[error("the body did not arrive within {} seconds", READ_TIMEOUT.as_secs())]
    TooSlow,
    #[error("the body broke off: {0}")]
    Broken(String),
}

impl Unread {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Unread::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Unread::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Unread::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// The whole body. A declared length above the limit is refused before a byte is read.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Unread> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    let declared: usize = declared.and_then(|v| v.parse().ok()).unwrap_or(0);
    if declared > limit {
        return Err(Unread::TooLarge { limit });
    }
    tokio::time::timeout(READ_TIMEOUT, collect(body, declared, limit))
        .await
        .unwrap_or(Err(Unread::TooSlow))
}

async fn collect(body: Body, declared: usize, limit: usize) -> Result<Bytes, Unread> {
    let mut stream = body.into_data_stream();
    let mut first = Bytes::new();
    let mut whole: Vec<u8> = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|e| Unread::Broken(e.to_string()))?;
        if first.len().max(whole.len()) + piece.len() > limit {
            return Err(Unread::TooLarge { limit });
        }
        if first.is_empty() {
            // Most bodies come in one piece, which then is not copied.
            first = piece;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(declared.max(first.len() + piece.len()));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(if whole.is_empty() {
        first
    } else {
        whole.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn chunked(pieces: &[&'static str]) -> Body {
        let pieces: Vec<_> = pieces.iter().map(|p| Ok::<_, std::io::Error>(*p)).collect();
        Body::from_stream(stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_in_pieces_arrives_whole() {
        let body = chunked(&["", "ab", "c", "", "de"]);
        let read = read(&HeaderMap::new(), body, 5).await.unwrap();
        assert_eq!(&read[..], b"abcde");
    }

    #[tokio::test]
    async fn a_body_above_the_limit_is_refused_with_and_without_a_declared_length() {
        let body = chunked(&["ab", "cd", "ef"]);
        let unread = read(&HeaderMap::new(), body, 5).await.unwrap_err();
        assert_eq!(unread.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, "6".parse().unwrap());
        let unread = read(&headers, chunked(&[]), 5).await.unwrap_err();
        assert!(
            unread.to_string().contains("larger than 5 bytes"),
            "{unread}"
        );
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_said_to() {
        let pieces = vec![Ok("ab"), Err(std::io::Error::other("reset"))];
        let body = Body::from_stream(stream::iter(pieces));
        let unread = read(&HeaderMap::new(), body, 5).await.unwrap_err();
        assert_eq!(unread.status(), StatusCode::BAD_REQUEST);
    }
}
