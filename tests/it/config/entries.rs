//! Faults of people, teams, services, schedules and policies, each by line and fix.

use super::{Folder, Row, each_is_said, said};

#[test]
fn faults_of_people_and_teams_name_line_and_fix() {
    each_is_said(&[
        (
            "people/bo.toml",
            "zone = \"UTC\"\nrole = [\"x\"]\n",
            2,
            "a person has no key `role`",
            "did you mean `roles`?",
        ),
        (
            "people/bo.toml",
            "name = \"Bo\"\n",
            1,
            "has no `zone`",
            "Europe/Berlin",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\ncontacts = [{ kind = \"konsole\" }]\n",
            2,
            "`kind` cannot be",
            "did you mean `console`?",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\ncontacts = [\n  { kind = \"webhook\" },\n]\n",
            3,
            "has no `url`",
            "env:NAME",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\n[[contacts]]\nkind = \"webhook\"\nurl = \"https://hooks.example.org/s3cret\"\n",
            4,
            "in the open",
            "env:NAME",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\ncontacts = [{ kind = \"console\" }, { kind = \"console\" }]\n",
            2,
            "no name to tell them apart",
            "name = ",
        ),
        (
            "people/bo.toml",
            "zone = \"UTC\"\nidentities = { console = \"ana\" }\n",
            1,
            "same console identity",
            "their own",
        ),
        (
            "people/Bo.toml",
            "zone = \"UTC\"\n",
            0,
            "is no id",
            "rename the file",
        ),
        (
            "teams/web.toml",
            "members = [\"anna\"]\n",
            1,
            "the person \"anna\", which does not exist",
            "did you mean `ana`?",
        ),
        (
            "teams/web.toml",
            "members = \"ana\"\n",
            1,
            "`members` must be a list, not text",
            "[\"…\"",
        ),
        (
            "teams/web.toml",
            "members = [\"ana\"]\npolicy = \"other-one\"\n",
            2,
            "the policy \"other-one\"",
            "create policies/other-one.toml",
        ),
    ]);
    let folder = Folder::new();
    folder.put(
        "firebell.toml",
        "[console]\nenabled = false\n[paging]\ncatch-all = [\"person:ana\"]\n",
    );
    said(
        &folder.load(&[]).unwrap_err(),
        "people/ana.toml",
        4,
        "the console, which is switched off",
        "enabled = true",
    );
}

const ROWS: &[Row] = &[
    (
        "services/checkout.toml",
        "tier = 1\n",
        1,
        "a service has no `team`",
        "team = \"web\"",
    ),
    (
        "services/checkout.toml",
        "team = \"wb\"\n",
        1,
        "the team \"wb\"",
        "did you mean `web`?",
    ),
    (
        "services/checkout.toml",
        "team = \"web\"\ntier = 9\n",
        2,
        "from 1 to 5, not 9",
        "tier = 5",
    ),
    (
        "services/checkout.toml",
        "team = \"web\"\ndepends-on = [\n  \"chekout\",\n]\n",
        3,
        "the service \"chekout\"",
        "did you mean `checkout`?",
    ),
    (
        "services/checkout.toml",
        "team = \"web\"\nmajor-at = \"sev\"\n",
        2,
        "not on the scale",
        "did you mean `sev1`?",
    ),
    (
        "services/checkout.toml",
        "team = \"web\"\n[links]\nwiki = \"javascript:alert(1)\"\n",
        3,
        "not an http or https address",
        "https://",
    ),
    (
        "schedules/primary.toml",
        "zone = \"UTC\"\nhandoff = \"often\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\"]\n",
        2,
        "not a hand-off",
        "0 9 * * MON",
    ),
    (
        "schedules/primary.toml",
        "zone = \"UTC\"\nhandoff = \"*/5 * * * *\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\"]\n",
        2,
        "shorter than an hour",
        "0 9 * * MON",
    ),
    (
        "schedules/primary.toml",
        "zone = \"UTC\"\nhandoff = \"0 9 * * MON\"\nstarts = \"monday\"\npeople = [\"ana\"]\n",
        3,
        "not a wall time",
        "2026-01-05 09:00",
    ),
    (
        "schedules/primary.toml",
        "zone = \"UTC\"\nhandoff = \"0 9 * * MON\"\nstarts = \"2026-01-05 09:00\"\npeople = []\n",
        4,
        "nobody would ever be on call",
        "people = ",
    ),
    (
        "schedules/primary.toml",
        "zone = \"UTC\"\nhandoff = \"0 9 * * MON\"\nstarts = \"2026-01-05 09:00\"\npeople = [\"ana\",\n \"bob\"]\n",
        5,
        "the person \"bob\"",
        "did you mean `bo`?",
    ),
    (
        "policies/standard.toml",
        "repeat = 2\n",
        1,
        "has 0 rungs",
        "[[rungs]]",
    ),
    (
        "policies/standard.toml",
        "[[rung]]\ntargets = [\"person:ana\"]\n",
        1,
        "has no key `rung`",
        "did you mean `rungs`?",
    ),
    (
        "policies/standard.toml",
        "[[rungs]]\nwait = \"5m\"\n",
        1,
        "pages nobody",
        "targets = ",
    ),
    (
        "policies/standard.toml",
        "[[rungs]]\ntargets = [\"schedule:primry\"]\n",
        2,
        "the schedule \"primry\"",
        "did you mean `primary`?",
    ),
    (
        "policies/standard.toml",
        "[[rungs]]\ntargets = [\"person:ana\"]\nwait = \"0s\"\n",
        3,
        "must be from 1s to 7d",
        "between",
    ),
    (
        "policies/standard.toml",
        "[[rungs]]\ntargets = [\"round-robin:wbe\"]\n",
        2,
        "the team \"wbe\"",
        "did you mean `web`?",
    ),
    (
        "policies/standard.toml",
        "[[rungs]]\ntargets = [\"person:ana\",\n \"channel:#Web\"]\n",
        3,
        "`targets` cannot be \"#Web\"",
        "channel:web-alerts",
    ),
    (
        "policies/standard.toml",
        "[[rungs]]\ntargets = [\"webhook:bridge\"]\n",
        2,
        "the webhook \"bridge\", which does not exist",
        "add [[webhooks]]",
    ),
    (
        "policies/standard.toml",
        "[[rungs]]\ntargets = [\"person:ana\"]\nacks = 0\n",
        3,
        "`acks` must be",
        "",
    ),
    (
        "policies/standard.toml",
        "remind-after = \"5s\"\n[[rungs]]\ntargets = [\"person:ana\"]\n",
        1,
        "`remind-after` must be from 1m to 7d",
        "between",
    ),
];

#[test]
fn faults_of_services_schedules_and_policies_name_line_and_fix() {
    each_is_said(ROWS);
}
