//! One firebell, whatever people talk to it through: the same stories on Slack, Discord and the
//! console, and those of a company that uses all of them at once.
//!
//! A story says what a person does and sees ([`stage::Stage`]) and never how a platform does it. Each
//! runs on a real engine with the real adapter ([`house::House`]); Slack and Discord are the
//! stand-ins, the console is its own router.

mod burst;
mod company;
mod house;
mod killed;
mod leading;
mod mirror;
mod on_console;
mod on_discord;
mod on_slack;
mod quick;
mod redaction;
mod removal;
mod rooms;
mod slow_files;
mod stage;
mod stories;

/// Every story on every platform, each a test of its own.
macro_rules! on_every_platform {
    ($($story:ident,)*) => {
        on_every_platform!(slack on_slack::OnSlack { $($story,)* });
        on_every_platform!(discord on_discord::OnDiscord { $($story,)* });
        on_every_platform!(console on_console::OnConsole { $($story,)* });
    };
    ($platform:ident $of:ident::$stage:ident { $($story:ident,)* }) => {
        mod $platform {
            use super::{$of::$stage, stage, stories};
            $(
                #[tokio::test]
                async fn $story() {
                    let stage = stage::set::<$stage>().await;
                    Box::pin(stories::$story(stage)).await;
                }
            )*
        }
    };
}

on_every_platform! {
    a_major_incident_gets_a_room_its_first_lines_and_a_page,
    acknowledge_by_button,
    acknowledge_by_a_command_without_a_number,
    an_unknown_verb_is_answered_with_the_nearest,
    a_note_tells_when_it_happened,
    severity_lead_snooze_and_resolve,
    a_postmortem_is_drafted,
    an_action_needs_another_person_and_tells_its_outcome,
    an_action_without_approval_runs_after_one_confirmation,
    the_glass_is_broken_with_a_reason_and_everybody_is_told,
    the_same_press_twice_has_one_effect,
    a_stale_escalate_is_answered_and_not_obeyed,
    a_minor_incident_is_promoted,
    somebody_unknown_may_acknowledge_and_not_run_actions,
    words_of_an_attacker_harm_nothing,
    what_is_said_in_the_room_is_on_the_timeline,
    a_restart_neither_loses_nor_doubles_a_line,
    after_an_outage_the_card_is_drawn_once_and_the_lines_are_in_order,
    a_role_is_given_and_taken_over_and_whoever_it_concerns_is_told,
    a_checklist_is_ticked_on_a_board_that_is_there_once,
    a_task_has_an_owner_who_is_told_and_a_report_stands_on_the_board,
    a_decision_has_its_own_time_and_who_leaves_hands_over,
    a_channel_is_told_of_an_incident_from_when_it_asks_until_it_has_enough,
}
