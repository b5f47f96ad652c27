//! Which addresses an HTTP action may reach.
//!
//! The host of an action's address is fixed in its file, but names move: whoever controls the
//! name's records could point it at this machine, at the cloud's metadata service or into the
//! private network. So the name is resolved once, every address it has is judged, and the
//! connection is made to the address that was judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not reached; `None`: it may be. `private` allows loopback and private
/// networks, and nothing else: metadata services hand out credentials, and link-local, multicast
/// and reserved addresses are no server of a runbook.
#[must_use]
pub fn refused(ip: IpAddr, private: bool) -> Option<&'static str> {
    let why = match ip {
        IpAddr::V4(v4) => of_v4(v4),
        IpAddr::V6(v6) => of_v6(v6),
    }?;
    let allowed = private && matches!(why, Why::Loopback | Why::Private);
    (!allowed).then(|| why.words())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Loopback,
    Private,
    LinkLocal,
    Metadata,
    Other,
}

impl Why {
    fn words(self) -> &'static str {
        match self {
            Why::Loopback => "this machine itself",
            Why::Private => "an address of a private network",
            Why::LinkLocal => "a link-local address",
            Why::Metadata => "a cloud's metadata service",
            Why::Other => "not an address of a single public machine",
        }
    }
}

/// By the registry of special-purpose addresses (RFC 6890 and its updates).
fn of_v4(ip: Ipv4Addr) -> Option<Why> {
    let [a, b, c, d] = ip.octets();
    Some(match (a, b, c, d) {
        (169, 254, 169, 254) | (100, 100, 100, 200) | (192, 0, 0, 192) => Why::Metadata,
        (127, ..) => Why::Loopback,
        // The last one lies between a provider and its customers; clusters use it too.
        (10, ..) | (192, 168, ..) | (172, 16..=31, ..) | (100, 64..=127, ..) => Why::Private,
        (169, 254, ..) => Why::LinkLocal,
        // The rest: protocol assignments, documentation, benchmarks, 6to4 relays.
        (0 | 224..=255, ..)
        | (192, 0, 0 | 2, _)
        | (198, 51, 100, _)
        | (203, 0, 113, _)
        | (192, 88, 99, _)
        | (198, 18..=19, ..) => Why::Other,
        _ => return None,
    })
}

fn of_v6(ip: Ipv6Addr) -> Option<Why> {
    let s = ip.segments();
    let v4 = |hi: u16, lo: u16| Ipv4Addr::from(u32::from(hi) << 16 | u32::from(lo));
    Some(match s {
        [0, 0, 0, 0, 0, 0, 0, 1] => Why::Loopback,
        // An IPv4 address in other clothes.
        [0, 0, 0, 0, 0, 0xffff, hi, lo] => return of_v4(v4(hi, lo)),
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Why::Metadata,
        // Unique local.
        [0xfc00..=0xfdff, ..] => Why::Private,
        [0xfe80..=0xfebf, ..] => Why::LinkLocal,
        // Global unicast is 2000::/3; within it 6to4, Teredo and documentation are not one machine.
        [0x2002, ..] | [0x2001, 0 | 0x0db8, ..] => Why::Other,
        [0x2000..=0x3fff, ..] => return None,
        // Also 64:ff9b::/96, which would carry any IPv4 address through a translator.
        _ => Why::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_machines_are_reached_unless_private_ones_are_allowed() {
        let cases: &[(&str, bool, bool)] = &[
            // address, by default, with `private`
            ("1.1.1.1", true, true),
            ("2606:4700::1111", true, true),
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("::ffff:1.1.1.1", true, true),
            ("10.0.0.5", false, true),
            ("172.16.0.1", false, true),
            ("172.32.0.1", true, true),
            ("192.168.1.1", false, true),
            ("100.64.0.1", false, true),
            ("fd12::1", false, true),
            ("169.254.1.1", false, false),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("100.100.100.200", false, false),
            ("fd00:ec2::254", false, false),
            ("fe80::1", false, false),
            ("0.0.0.0", false, false),
            ("::", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("ff02::1", false, false),
            ("64:ff9b::7f00:1", false, false),
            ("2002:7f00:1::", false, false),
            ("::127.0.0.1", false, false),
            ("198.18.0.1", false, false),
            ("203.0.113.9", false, false),
            ("2001:db8::1", false, false),
        ];
        for (address, public, private) in cases {
            let ip: IpAddr = address.parse().unwrap();
            assert_eq!(refused(ip, false).is_none(), *public, "{address}");
            assert_eq!(refused(ip, true).is_none(), *private, "{address}, private");
        }
    }
}
