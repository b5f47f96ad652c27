//! What the app may do: the scopes firebell asks for, and what each one is for.
//!
//! The manifest asks for exactly these, the check at start names what is missing and what that
//! costs, so the two cannot drift apart.

/// A scope of the bot token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// As Slack calls it.
    pub name: &'static str,
    /// What does not work without it, as the end of "without it …".
    pub costs: &'static str,
}

/// Every scope firebell uses, in the order of the manifest.
pub const SCOPES: [Scope; 22] = [
    scope("app_mentions:read", "mentioning firebell does nothing"),
    scope(
        "bookmarks:read",
        "no links hang in rooms, because it could not see which hang there",
    ),
    scope("bookmarks:write", "no links hang in rooms"),
    scope(
        "channels:history",
        "what is said in rooms does not get on the timeline, and a message whose fate is unclear is sent again unseen",
    ),
    scope(
        "channels:join",
        "it must be invited to every channel by hand",
    ),
    scope("channels:manage", "it cannot make rooms"),
    scope("channels:read", "it cannot find channels by name"),
    scope("chat:write", "it cannot say anything"),
    scope("commands", "slash commands and shortcuts do not reach it"),
    scope("files:read", "files people share in rooms are not kept"),
    scope("files:write", "a postmortem comes as a link, not as a file"),
    scope(
        "groups:history",
        "what is said in private rooms does not get on the timeline",
    ),
    scope("groups:read", "it does not see private channels"),
    scope("groups:write", "it cannot make private rooms"),
    scope(
        "im:history",
        "it does not hear what is written to it directly",
    ),
    scope("im:read", "it knows nothing of direct messages"),
    scope("im:write", "pages to people come without buttons"),
    scope(
        "pins:read",
        "pinning a message does not put it on the timeline",
    ),
    scope("pins:write", "cards are not pinned in rooms"),
    scope(
        "reactions:read",
        "reactions do not put messages on the timeline",
    ),
    scope(
        "users:read",
        "it cannot tell members from guests, so nobody may run actions",
    ),
    scope(
        "users:read.email",
        "people are not known by their e-mail and must be linked by id",
    ),
];

const fn scope(name: &'static str, costs: &'static str) -> Scope {
    Scope { name, costs }
}

/// One sentence for each scope that was not granted. `granted` is the header `x-oauth-scopes` of
/// any answer: names separated by commas.
#[must_use]
pub fn missing(granted: &str) -> Vec<String> {
    let granted: Vec<&str> = granted.split(',').map(str::trim).collect();
    SCOPES
        .iter()
        .filter(|s| !granted.contains(&s.name))
        .map(|s| {
            format!(
                "the scope {} was not granted; without it {}",
                s.name, s.costs
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_in_order_and_named_with_what_they_cost() {
        assert!(SCOPES.is_sorted_by_key(|s| s.name));
        let all: Vec<&str> = SCOPES.iter().map(|s| s.name).collect();
        assert_eq!(missing(&all.join(", ")), Vec::<String>::new());
        let some: Vec<&str> = all.iter().copied().filter(|s| *s != "pins:write").collect();
        assert_eq!(
            missing(&some.join(",")),
            ["the scope pins:write was not granted; without it cards are not pinned in rooms"]
        );
        assert_eq!(missing("").len(), SCOPES.len());
    }
}
