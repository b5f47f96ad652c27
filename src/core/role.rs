//! Who may. Paging is open to everybody who can reach firebell; actions fail closed.

use super::directory::{Action, Directory, Person};
use super::id::Actor;
use super::incident::Refusal;

/// Whether this actor may ask for, confirm, approve or reject a run of the action.
/// Needs a linked person who is still in the directory and holds one of the action's roles.
///
/// # Errors
/// `Refusal::Forbidden` with the remedy.
pub fn may_run(by: &Actor, action: &Action, directory: &Directory) -> Result<(), Refusal> {
    let person = linked(by, directory)?;
    if action.roles.is_empty() || action.roles.iter().any(|r| person.roles.contains(r)) {
        return Ok(());
    }
    Err(Refusal::Forbidden {
        why: format!(
            "{} needs the role {} for `{}`.",
            person.name,
            action.roles.join(" or "),
            action.id
        ),
    })
}

/// The person of the directory an actor is.
///
/// # Errors
/// `Refusal::Forbidden` with the remedy.
pub fn linked<'d>(by: &Actor, directory: &'d Directory) -> Result<&'d Person, Refusal> {
    let forbidden = |why: String| Err(Refusal::Forbidden { why });
    let Some(id) = by.person() else {
        return forbidden(format!(
            "{} is not linked to a person of the directory; runbook actions need one. Add the id to a file in people/.",
            by.name()
        ));
    };
    match directory.people.get(id) {
        Some(person) => Ok(person),
        None => forbidden(format!("{id} is no longer in the directory.")),
    }
}
