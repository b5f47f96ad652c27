//! Forms by which an incident is led: each is a command of the `crew` family, read by its own reader.

use super::Console;
use super::hands::typed;
use super::told::{Asker, cause};
use super::trouble::Trouble;
use super::viewer::Viewer;
use crate::chat::surface::tree;
use axum::extract::{Form, Path, State};
use axum::response::Response;
use std::collections::BTreeMap;

/// The family of commands these forms stand for.
const FAMILY: &str = "crew";

/// Carries out the command a form names with its fields as arguments.
pub(super) async fn act(
    State(console): State<Console>,
    viewer: Viewer,
    asker: Asker,
    Path(id): Path<i64>,
    Form(mut form): Form<BTreeMap<String, String>>,
) -> Result<Response, Trouble> {
    let click = form.remove("click").unwrap_or_default();
    let verb = form.remove("verb").unwrap_or_default();
    form.remove("token");
    let known = tree().find(&verb);
    if known.is_none_or(|leaf| leaf.group.as_deref() != Some(FAMILY)) {
        return Err(Trouble::Invalid(format!(
            "`{verb}` is nothing this form can do; load the page again."
        )));
    }
    form.retain(|_, value| !value.trim().is_empty());
    // Several buttons of one page carry the same id: what they are about tells them apart.
    let about: Vec<&str> = ["role", "who", "line", "task", "owner"]
        .iter()
        .filter_map(|name| form.get(*name).map(String::as_str))
        .collect();
    let cause = cause(&click, &format!("{id}:{verb}:{}", about.join(":")))?;
    typed(&console, &viewer, &asker, &verb, (id, form), &cause).await
}
