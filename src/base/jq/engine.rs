//! jaq itself: compiling, and one evaluation. Run only where dying is allowed; it neither exits nor
//! reads the environment, a module or another input.

use std::collections::HashMap;

use jaq_core::data::JustLut;
use jaq_core::load::parse::Def;
use jaq_core::load::{Arena, Error, File, Loader, import};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::Val;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::library;

type Data = JustLut<Val>;

/// Programs a worker keeps compiled.
const KEPT: usize = 64;

/// One evaluation, as it crosses to the worker.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    program: String,
    names: Vec<String>,
    values: Vec<Val>,
    input: Val,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    program: &'a str,
    names: Vec<&'a str>,
    values: Vec<&'a Value>,
    input: &'a Value,
}

/// What an evaluation came to, as it crosses back.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// As JSON text, which jaq's numbers and byte strings may not be.
    One(String),
    None,
    Several,
    Failed(String),
}

impl Request {
    /// # Errors
    /// What could not be written as JSON.
    pub(super) fn encode(program: &str, bound: &[(&str, &Value)], input: &Value) -> Result<Vec<u8>, String> {
        let (names, values) = bound.iter().copied().unzip();
        serde_json::to_vec(&Outgoing { program, names, values, input }).map_err(|error| error.to_string())
    }
}

impl Outcome {
    pub(super) fn encode(&self) -> Vec<u8> {
        let (tag, text) = match self {
            Self::One(text) => (b'1', text.as_str()),
            Self::None => (b'0', ""),
            Self::Several => (b'2', ""),
            Self::Failed(why) => (b'e', why.as_str()),
        };
        let mut bytes = vec![tag];
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    /// # Errors
    /// Why there is not exactly one value.
    pub(super) fn decode(bytes: &[u8]) -> Result<Value, String> {
        match bytes.split_first() {
            Some((b'1', text)) => serde_json::from_slice(text).map_err(|_| "gave a value that JSON cannot hold".into()),
            Some((b'0', _)) => Err("gave no result".into()),
            Some((b'2', _)) => Err("gave more than one result".into()),
            Some((b'e', why)) => Err(String::from_utf8_lossy(why).into_owned()),
            _ => Err("the worker's answer could not be read".into()),
        }
    }
}

/// `variables` without their `$`.
///
/// # Errors
/// Syntax, or a name that nothing defines.
pub(super) fn compile(text: &str, variables: &[String]) -> Result<Filter<Data>, String> {
    // What does not compile is told by all there is.
    compiled_with(library::of(text), text, variables).or_else(|_| compiled_with(library::all(), text, variables))
}

pub(super) fn compiled_with(
    definitions: impl IntoIterator<Item = Def<&'static str>>,
    text: &str,
    variables: &[String],
) -> Result<Filter<Data>, String> {
    let arena = Arena::default();
    let modules =
        Loader::new(definitions).load(&arena, File { code: text, path: () }).map_err(|errors| {
            match errors.first().map(|(_, error)| error) {
                Some(Error::Io(_)) => "modules are not read".into(),
                _ => String::from("not a jq program"),
            }
        })?;
    import(&modules, |_| Err("modules are not read".into())).map_err(|_| String::from("modules are not read"))?;
    let functions = jaq_core::funs::<Data>().chain(jaq_std::funs()).chain(jaq_json::funs());
    let names: Vec<String> = variables.iter().map(|name| format!("${name}")).collect();
    Compiler::default()
        .with_funs(functions.filter(|(name, ..)| *name != "env"))
        .with_global_vars(names.iter().map(String::as_str))
        .compile(modules)
        .map_err(|errors| match errors.iter().flat_map(|(_, undefined)| undefined).next() {
            Some((name, kind)) => format!("there is no {} `{name}` in jq", kind.as_str()),
            None => "not a jq program".into(),
        })
}

/// An engine with its compiled programs.
#[derive(Default)]
pub(super) struct Engine {
    compiled: HashMap<(String, Vec<String>), Filter<Data>>,
}

impl Engine {
    pub(super) fn answer(&mut self, request: &[u8]) -> Outcome {
        match serde_json::from_slice::<Request>(request) {
            Ok(request) => self.evaluate(request),
            Err(error) => Outcome::Failed(format!("the input could not be read: {error}")),
        }
    }

    fn evaluate(&mut self, request: Request) -> Outcome {
        let key = (request.program, request.names);
        if !self.compiled.contains_key(&key) {
            match compile(&key.0, &key.1) {
                Ok(filter) => {
                    if self.compiled.len() >= KEPT {
                        self.compiled.clear();
                    }
                    self.compiled.insert(key.clone(), filter);
                }
                Err(why) => return Outcome::Failed(why),
            }
        }
        let Some(filter) = self.compiled.get(&key) else { return Outcome::Failed("not compiled".into()) };
        let context = Ctx::<Data>::new(&filter.lut, Vars::new(request.values));
        let mut results = filter.id.run((context, request.input));
        match (results.next(), results.next()) {
            (None, _) => Outcome::None,
            // `unwrap_valr` would leave the process on `halt`.
            (Some(Err(thrown)), _) | (Some(Ok(_)), Some(Err(thrown))) => Outcome::Failed(match thrown.get_err() {
                Ok(error) => format!("failed: {error}"),
                Err(thrown) => thrown.get_halt().map_or("broke off".into(), |code| format!("called halt({code})")),
            }),
            (Some(Ok(_)), Some(Ok(_))) => Outcome::Several,
            (Some(Ok(value)), None) => Outcome::One(value.to_string()),
        }
    }
}
