//! The arguments of a call, which come as JSON, as a form or in the address, and how a method fails.

use serde_json::{Map, Value, json};

/// The answer of a method: what stands beside `"ok": true`, or why not.
pub type Answer = Result<Map<String, Value>, Fail>;

/// `"ok": false` and what stands beside it.
#[derive(Clone, Debug)]
pub struct Fail {
    pub error: String,
    pub extra: Map<String, Value>,
}

impl Fail {
    /// With the sentences Slack adds about what is wrong with the arguments.
    pub fn explained(error: &str, messages: &[String]) -> Fail {
        Fail {
            error: error.to_owned(),
            extra: object(json!({"response_metadata": {"messages": messages}})),
        }
    }

    pub fn with(error: &str, extra: Value) -> Fail {
        Fail {
            error: error.to_owned(),
            extra: object(extra),
        }
    }
}

impl From<&str> for Fail {
    fn from(error: &str) -> Fail {
        Fail::with(error, json!({}))
    }
}

/// The map of a JSON object; anything else is empty.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

pub fn fail<T>(error: &str) -> Result<T, Fail> {
    Err(Fail::from(error))
}

#[derive(Clone, Copy)]
pub struct Args<'a>(pub &'a Map<String, Value>);

impl<'a> Args<'a> {
    /// The text of an argument; empty when it is missing.
    pub fn str(self, name: &str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// An argument that has to be there.
    pub fn need(self, name: &str) -> Result<&'a str, Fail> {
        let text = self.str(name);
        if text.is_empty() {
            let message = format!("[ERROR] missing required field: {name}");
            return Err(Fail::explained("invalid_arguments", &[message]));
        }
        Ok(text)
    }

    pub fn flag(self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(b)) => *b,
            Some(Value::String(s)) => s == "true" || s == "1",
            Some(Value::Number(n)) => n.as_u64() == Some(1),
            _ => false,
        }
    }

    pub fn number(self, name: &str) -> Option<u64> {
        match self.0.get(name)? {
            Value::Number(n) => n.as_u64(),
            Value::String(s) => s.parse().ok(),
            _ => None,
        }
    }

    /// A list, as JSON or with commas.
    pub fn list(self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::Array(all)) => (all.iter().filter_map(Value::as_str))
                .map(str::to_owned)
                .collect(),
            Some(Value::String(text)) => (text.split(',').map(str::trim))
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A structure; a form carries it as text. `Err` when the text is no JSON.
    pub fn structure(self, name: &str) -> Result<Option<Value>, ()> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| ()),
            Some(other) => Ok(Some(other.clone())),
        }
    }
}
