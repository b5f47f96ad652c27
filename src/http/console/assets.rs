//! Style sheet, script and icons, compiled in; their address carries a hash of their content, so
//! that browsers may keep them for ever and a new version is a new address.

use super::Console;
use super::view::scale;
use crate::core::directory::SeverityName;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64;

struct Asset {
    stem: &'static str,
    ending: &'static str,
    kind: &'static str,
    body: &'static str,
}

static CSS: Asset = Asset {
    stem: "console",
    ending: "css",
    kind: "text/css; charset=utf-8",
    body: include_str!("assets/console.css"),
};
static JS: Asset = Asset {
    stem: "console",
    ending: "js",
    kind: "text/javascript; charset=utf-8",
    body: concat!(
        include_str!("assets/live.js"),
        include_str!("assets/compose.js"),
        include_str!("assets/keys.js"),
    ),
};
static ICON: Asset = Asset {
    stem: "bell",
    ending: "svg",
    kind: "image/svg+xml",
    body: include_str!("assets/bell.svg"),
};

impl Asset {
    fn name(&self) -> String {
        format!(
            "{}.{:016x}.{}",
            self.stem,
            xxh3_64(self.body.as_bytes()),
            self.ending
        )
    }

    fn address(&self) -> String {
        format!("/assets/{}", self.name())
    }
}

/// Address of the style sheet.
pub(super) static CSS_ADDRESS: LazyLock<String> = LazyLock::new(|| CSS.address());
/// Address of the script.
pub(super) static JS_ADDRESS: LazyLock<String> = LazyLock::new(|| JS.address());
/// Address of the icon.
pub(super) static ICON_ADDRESS: LazyLock<String> = LazyLock::new(|| ICON.address());

/// Address of the style sheet of the severity scale; `None`: it has no colours or signs of its own.
pub(super) fn scale_address(scale: &[SeverityName]) -> Option<String> {
    let sheet = scale::sheet(scale);
    let hash = xxh3_64(sheet.as_bytes());
    (!sheet.is_empty()).then(|| format!("/severities.css?v={hash:016x}"))
}

/// That style sheet.
pub(super) async fn severities(State(console): State<Console>) -> Response {
    let directory = console.app.engine.directory();
    let rules = [
        (header::CONTENT_TYPE, CSS.kind),
        // Its address changes with the configuration, and one of before means what is in force now.
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    (rules, scale::sheet(&directory.severities)).into_response()
}

/// One asset by its hashed name.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = [&CSS, &JS, &ICON].into_iter().find(|a| a.name() == name) else {
        return (StatusCode::NOT_FOUND, "no such asset").into_response();
    };
    (
        [
            (header::CONTENT_TYPE, asset.kind),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ],
        asset.body,
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_changes_with_its_content() {
        let other = Asset {
            body: "something else",
            ..CSS
        };
        assert_ne!(other.name(), CSS.name());
        assert_eq!(CSS.name().rsplit('.').next(), Some("css"));
    }

    #[test]
    fn assets_load_nothing_from_elsewhere() {
        for asset in [&CSS, &JS, &ICON] {
            let body = asset.body.replace("http://www.w3.org/2000/svg", "");
            for outside in ["http://", "https://", "@import", "url(//"] {
                assert!(!body.contains(outside), "{}: {outside}", asset.name());
            }
        }
    }
}
