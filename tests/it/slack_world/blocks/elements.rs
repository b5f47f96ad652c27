//! Buttons, menus, pickers and fields.

use super::Faults;
use serde_json::Value;

/// Where an element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Actions,
    Accessory,
    Input,
}

const MENUS: [&str; 5] = ["static", "external", "users", "conversations", "channels"];

pub fn check(f: &mut Faults, element: &Value, place: Place, path: &str) {
    let kind = element["type"].as_str().unwrap_or("");
    if !allowed(kind, place) {
        f.add(
            &format!("unsupported type: {kind}"),
            &format!("{path}/type"),
        );
        return;
    }
    f.short(&element["action_id"], 255, &format!("{path}/action_id"));
    if !element["confirm"].is_null() {
        confirm(f, &element["confirm"], &format!("{path}/confirm"));
    }
    if !element["placeholder"].is_null() {
        f.text_object(
            &element["placeholder"],
            150,
            true,
            &format!("{path}/placeholder"),
        );
    }
    match kind {
        "button" => button(f, element, path),
        "overflow" => options(f, element, 5, path),
        "checkboxes" | "radio_buttons" => options(f, element, 10, path),
        "static_select" | "multi_static_select" if element["option_groups"].is_null() => {
            options(f, element, 100, path);
        }
        "static_select" | "multi_static_select" => groups(f, element, path),
        "plain_text_input" => {
            let bound = |name: &str| element[name].as_u64().unwrap_or(0);
            if bound("min_length") > 3000 || bound("max_length") > 3000 {
                f.add("must be at most 3000", path);
            }
            f.short(
                &element["initial_value"],
                3000,
                &format!("{path}/initial_value"),
            );
        }
        _ => {}
    }
}

fn allowed(kind: &str, place: Place) -> bool {
    let select = kind.strip_suffix("_select").unwrap_or("");
    let multi = select.strip_prefix("multi_");
    match kind {
        "button" | "overflow" => place != Place::Input,
        "image" => place == Place::Accessory,
        "plain_text_input" | "email_text_input" | "url_text_input" | "number_input"
        | "rich_text_input" | "file_input" => place == Place::Input,
        "datepicker" | "timepicker" | "checkboxes" | "radio_buttons" => true,
        "datetimepicker" => place != Place::Accessory,
        _ => match multi {
            // an actions block takes no menu of several choices
            Some(of) => MENUS.contains(&of) && place != Place::Actions,
            None => MENUS.contains(&select),
        },
    }
}

fn button(f: &mut Faults, element: &Value, path: &str) {
    let known = [
        "type",
        "text",
        "action_id",
        "url",
        "value",
        "style",
        "confirm",
        "accessibility_label",
    ];
    f.unknown(element, &known, path);
    f.text_object(&element["text"], 75, true, &format!("{path}/text"));
    f.short(&element["value"], 2000, &format!("{path}/value"));
    f.short(&element["url"], 3000, &format!("{path}/url"));
    f.short(
        &element["accessibility_label"],
        75,
        &format!("{path}/accessibility_label"),
    );
    if !matches!(element["style"].as_str(), None | Some("primary" | "danger")) {
        f.add("must be primary or danger", &format!("{path}/style"));
    }
}

fn confirm(f: &mut Faults, confirm: &Value, path: &str) {
    f.text_object(&confirm["title"], 100, true, &format!("{path}/title"));
    f.text_object(&confirm["text"], 300, false, &format!("{path}/text"));
    f.text_object(&confirm["confirm"], 30, true, &format!("{path}/confirm"));
    f.text_object(&confirm["deny"], 30, true, &format!("{path}/deny"));
}

fn options(f: &mut Faults, element: &Value, most: usize, path: &str) {
    let path = format!("{path}/options");
    let plain = !matches!(
        element["type"].as_str(),
        Some("checkboxes" | "radio_buttons")
    );
    for (at, option) in f
        .list(&element["options"], 1, most, &path)
        .iter()
        .enumerate()
    {
        let path = format!("{path}/{at}");
        f.text_object(&option["text"], 75, plain, &format!("{path}/text"));
        f.text(option["value"].as_str(), 150, &format!("{path}/value"));
        if !option["description"].is_null() {
            f.text_object(
                &option["description"],
                75,
                plain,
                &format!("{path}/description"),
            );
        }
    }
    initial(f, element, &path);
}

/// What is chosen at first is one of the options, letter by letter.
fn initial(f: &mut Faults, element: &Value, path: &str) {
    let one = element["initial_option"]
        .is_object()
        .then_some(&element["initial_option"]);
    let several = element["initial_options"].as_array().into_iter().flatten();
    let known = element["options"].as_array().map_or(&[][..], Vec::as_slice);
    for chosen in one.into_iter().chain(several) {
        if !known.contains(chosen) {
            f.add("initial option is none of the options", path);
        }
    }
}

fn groups(f: &mut Faults, element: &Value, path: &str) {
    let path = format!("{path}/option_groups");
    for (at, group) in f
        .list(&element["option_groups"], 1, 100, &path)
        .iter()
        .enumerate()
    {
        let path = format!("{path}/{at}");
        f.text_object(&group["label"], 75, true, &format!("{path}/label"));
        options(f, group, 100, &path);
    }
}
