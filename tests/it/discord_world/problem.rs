//! Discord's error answers: status, JSON code, message, and for forms the path of every fault.

use super::limits::Wait;
use serde_json::{Map, Value, json};

/// An answer that says no.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub status: u16,
    pub code: u64,
    pub message: String,
    pub errors: Value,
    /// For a 429: how long to wait.
    pub wait: Option<Wait>,
}

impl Problem {
    pub fn new(status: u16, code: u64, message: &str) -> Problem {
        Problem {
            status,
            code,
            message: message.to_owned(),
            errors: Value::Null,
            wait: None,
        }
    }

    pub fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "code": self.code});
        if !self.errors.is_null() {
            body["errors"] = self.errors.clone();
        }
        body
    }
}

pub fn unauthorized() -> Problem {
    Problem::new(401, 0, "401: Unauthorized")
}

pub fn no_route() -> Problem {
    Problem::new(404, 0, "404: Not Found")
}

pub fn unknown_channel() -> Problem {
    Problem::new(404, 10003, "Unknown Channel")
}

pub fn unknown_guild() -> Problem {
    Problem::new(404, 10004, "Unknown Guild")
}

pub fn unknown_member() -> Problem {
    Problem::new(404, 10007, "Unknown Member")
}

pub fn unknown_message() -> Problem {
    Problem::new(404, 10008, "Unknown Message")
}

pub fn unknown_overwrite() -> Problem {
    Problem::new(404, 10009, "Unknown Permission Overwrite")
}

pub fn unknown_user() -> Problem {
    Problem::new(404, 10013, "Unknown User")
}

pub fn unknown_webhook() -> Problem {
    Problem::new(404, 10015, "Unknown Webhook")
}

pub fn unknown_interaction() -> Problem {
    Problem::new(404, 10062, "Unknown interaction")
}

pub fn unknown_command() -> Problem {
    Problem::new(404, 10063, "Unknown application command")
}

pub fn already_acknowledged() -> Problem {
    let message = "Interaction has already been acknowledged.";
    Problem::new(400, 40060, message)
}

pub fn expired_token() -> Problem {
    Problem::new(401, 50027, "Invalid Webhook Token")
}

pub fn missing_access() -> Problem {
    Problem::new(403, 50001, "Missing Access")
}

pub fn missing_permissions() -> Problem {
    Problem::new(403, 50013, "Missing Permissions")
}

pub fn archived() -> Problem {
    Problem::new(400, 50083, "Thread is archived")
}

/// Collects the faults of a form; each is told at its path, as Discord does.
#[derive(Default)]
pub struct Form {
    faults: Vec<(String, &'static str, String)>,
}

impl Form {
    /// `path` is dotted: `embeds.0.title`.
    pub fn fault(&mut self, path: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push((path.to_owned(), code, message.into()));
    }

    pub fn required(&mut self, path: &str) {
        self.fault(path, "BASE_TYPE_REQUIRED", "This field is required");
    }

    /// A text's length is counted in characters.
    pub fn length(&mut self, path: &str, text: &str, least: usize, most: usize) {
        let length = text.chars().count();
        if (least..=most).contains(&length) {
            return;
        }
        if length > most && least == 0 {
            let message = format!("Must be {most} or fewer in length.");
            self.fault(path, "BASE_TYPE_MAX_LENGTH", message);
        } else {
            let message = format!("Must be between {least} and {most} in length.");
            self.fault(path, "BASE_TYPE_BAD_LENGTH", message);
        }
    }

    pub fn count(&mut self, path: &str, count: usize, least: usize, most: usize) {
        if !(least..=most).contains(&count) {
            let message = format!("Must be between {least} and {most} in length.");
            self.fault(path, "BASE_TYPE_BAD_LENGTH", message);
        }
    }

    pub fn done(self) -> Result<(), Problem> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let mut errors = Value::Object(Map::new());
        for (path, code, message) in self.faults {
            let mut place = &mut errors;
            for step in path.split('.').filter(|step| !step.is_empty()) {
                place = &mut place[step];
            }
            if place["_errors"].is_null() {
                place["_errors"] = json!([]);
            }
            let fault = json!({"code": code, "message": message});
            place["_errors"].as_array_mut().unwrap().push(fault);
        }
        let mut problem = Problem::new(400, 50035, "Invalid Form Body");
        problem.errors = errors;
        Err(problem)
    }
}

/// A form with one fault.
pub fn invalid(path: &str, code: &'static str, message: &str) -> Problem {
    let mut form = Form::default();
    form.fault(path, code, message);
    form.done().unwrap_err()
}
