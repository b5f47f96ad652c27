//! Discord's own OpenAPI document as a judge: what the bot sends, and what the stand-in answers.

use crate::tools;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

/// The document, and the validators made from it so far.
pub struct Spec {
    document: Value,
    validators: Mutex<BTreeMap<String, Option<Arc<Validator>>>>,
}

/// The document, read once; None when it is not on this machine, which is said aloud.
pub fn spec() -> Option<&'static Spec> {
    static SPEC: OnceLock<Option<Spec>> = OnceLock::new();
    let spec = SPEC.get_or_init(|| Spec::read(&file()));
    if spec.is_none() {
        tools::skip(
            "discord_openapi.json not found: requests to Discord are not checked against it",
        );
    }
    spec.as_ref()
}

fn file() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs");
    let folder = std::env::var_os("FIREBELL_SPECS").map_or(beside, PathBuf::from);
    folder.join("discord_openapi.json")
}

impl Spec {
    fn read(file: &Path) -> Option<Spec> {
        let text = std::fs::read_to_string(file).ok()?;
        Some(Spec {
            document: serde_json::from_str(&text).unwrap(),
            validators: Mutex::default(),
        })
    }

    /// The faults of a request's body; also when the document has no such request.
    pub fn request(&self, method: &str, path: &str, body: &Value) -> Vec<String> {
        let Some(template) = self.template(method, path) else {
            return vec![format!(
                "{method} {path}: not in Discord's OpenAPI document"
            )];
        };
        let pointer = format!(
            "{}/requestBody/content/application~1json/schema",
            at(&template, method)
        );
        let mut body = body.clone();
        bits_as_numbers(&mut body);
        self.judge(&format!("{method} {path}"), &pointer, &body)
    }

    /// The faults of an answer's body.
    pub fn response(&self, method: &str, path: &str, status: u16, body: &Value) -> Vec<String> {
        let Some(template) = self.template(method, path) else {
            return Vec::new();
        };
        let place = at(&template, method);
        let pointer = format!("{place}/responses/{status}/content/application~1json/schema");
        self.judge(&format!("answer to {method} {path}"), &pointer, body)
    }

    /// The path of the document that means this request: words before placeholders.
    fn template(&self, method: &str, path: &str) -> Option<String> {
        let have: Vec<&str> = path.split('/').collect();
        let fits = |template: &&String| {
            let want: Vec<&str> = template.split('/').collect();
            let word = |(w, h): (&&str, &&str)| w == h || w.starts_with('{');
            want.len() == have.len() && want.iter().zip(&have).all(word)
        };
        let paths = self.document["paths"].as_object().unwrap();
        let mut found: Vec<&String> = paths.keys().filter(fits).collect();
        found.retain(|t| paths[*t].get(method.to_lowercase()).is_some());
        found.sort_by_key(|template| template.matches('{').count());
        found.first().map(|template| (*template).clone())
    }

    fn judge(&self, what: &str, pointer: &str, body: &Value) -> Vec<String> {
        let Some(validator) = self.validator(pointer) else {
            return Vec::new();
        };
        let fault = |e: jsonschema::ValidationError<'_>| {
            format!("{what}: {} at {:?}", e, e.instance_path().to_string())
        };
        validator.iter_errors(body).map(fault).collect()
    }

    fn validator(&self, pointer: &str) -> Option<Arc<Validator>> {
        let mut validators = self.validators.lock().unwrap();
        if let Some(made) = validators.get(pointer) {
            return made.clone();
        }
        let made = self.document.pointer(pointer).map(|schema| {
            let mut whole = json!({"allOf": [schema]});
            whole["components"] = self.document["components"].clone();
            Arc::new(jsonschema::validator_for(&whole).unwrap())
        });
        validators.insert(pointer.to_owned(), made.clone());
        made
    }
}

/// Discord's prose, and its clients, write permissions as text, for they outgrew a JavaScript number;
/// the document wants integers.
fn bits_as_numbers(value: &mut Value) {
    match value {
        Value::Array(parts) => parts.iter_mut().for_each(bits_as_numbers),
        Value::Object(map) => {
            for (key, part) in map {
                let bits = matches!(
                    key.as_str(),
                    "allow" | "deny" | "default_member_permissions"
                );
                match part.as_str().and_then(|text| text.parse::<u64>().ok()) {
                    Some(number) if bits => *part = json!(number),
                    _ => bits_as_numbers(part),
                }
            }
        }
        _ => {}
    }
}

fn at(template: &str, method: &str) -> String {
    let escaped = template.replace('~', "~0").replace('/', "~1");
    format!("/paths/{escaped}/{}", method.to_lowercase())
}
