//! What firebell asks of a guild: the invite link, and a check at start that names what is missing.

/// May see channels at all.
pub(super) const VIEW: u64 = 1 << 10;

/// A permission: its bit, its name in Discord's settings, what it is for.
type Permission = (u64, &'static str, &'static str);

/// Everything firebell asks for, and why. Never Administrator or Mention Everyone: an on-call role
/// is made mentionable instead.
const WANTED: [Permission; 9] = [
    (
        1 << 4,
        "Manage Channels",
        "rooms and their topics cannot be made",
    ),
    (VIEW, "View Channels", "nothing can be read or posted"),
    (
        1 << 11,
        "Send Messages",
        "no card, line or answer can be posted",
    ),
    (
        1 << 13,
        "Manage Messages",
        "what people wrote cannot be deleted when it is removed for good",
    ),
    (1 << 14, "Embed Links", "cards cannot be shown"),
    (1 << 15, "Attach Files", "postmortems cannot be handed out"),
    (
        1 << 16,
        "Read Message History",
        "what was missed or already posted cannot be looked up, so a line may come twice",
    ),
    (
        1 << 28,
        "Manage Roles",
        "the rooms of private incidents and other private rooms cannot be opened to their crew, and archived ones are not locked",
    ),
    (
        1 << 51,
        "Pin Messages",
        "a room's card and links cannot be pinned",
    ),
];

/// The bit that allows everything.
const ADMINISTRATOR: u64 = 1 << 3;

/// All permissions as one number, as an invite link carries them.
#[must_use]
pub fn number() -> u64 {
    WANTED.iter().fold(0, |sum, (bit, ..)| sum | bit)
}

/// The link with which somebody who may manage a server invites firebell.
#[must_use]
pub fn link(application: &str) -> String {
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands&permissions={}",
        number()
    )
}

/// What of it is missing, one sentence each with what it costs. All of it is needed whatever is configured: an
/// incident that is private has a private room, also where rooms are public.
#[must_use]
pub fn missing(have: u64) -> Vec<String> {
    if have & ADMINISTRATOR != 0 {
        return Vec::new();
    }
    let needed = |(bit, ..): &&Permission| have & bit == 0;
    let told = |(_, name, cost): &Permission| format!("The permission {name} is missing: {cost}.");
    WANTED.iter().filter(needed).map(told).collect()
}

/// The name of a permission in Discord's settings.
pub(super) fn named(bit: u64) -> &'static str {
    WANTED
        .iter()
        .find(|(b, ..)| *b == bit)
        .map_or("the permission", |(_, name, _)| name)
}

/// What a missing permission costs, for a refused call that needs it.
pub(super) fn lacking(bit: u64) -> String {
    let found = WANTED.iter().find(|(b, ..)| *b == bit);
    found.map_or_else(String::new, |(_, name, cost)| {
        format!("firebell lacks the permission {name} there: {cost}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_asks_for_exactly_what_is_used() {
        assert!(link("1").ends_with(&format!("permissions={}", number())));
        assert_eq!(number() & (ADMINISTRATOR | 1 << 17), 0);
        assert!(missing(number()).is_empty());
        assert!(missing(ADMINISTRATOR).is_empty());
    }

    #[test]
    fn what_is_missing_is_named_with_its_cost() {
        let lacks = missing(number() & !(1 << 51) & !(1 << 28));
        assert_eq!(
            lacks,
            [
                "The permission Manage Roles is missing: the rooms of private incidents and other private rooms \
                 cannot be opened to their crew, and archived ones are not locked.",
                "The permission Pin Messages is missing: a room's card and links cannot be pinned."
            ]
        );
        assert_eq!(missing(0).len(), WANTED.len());
    }
}
