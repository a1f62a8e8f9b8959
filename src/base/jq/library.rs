//! jq's own definitions, of which a program is given those it can come to: reading and compiling all 150 of them
//! takes ten times as long as most programs of a plan.

use std::collections::HashMap;
use std::sync::LazyLock;

use jaq_core::load::parse::Def;

type Definition = Def<&'static str>;

struct Library {
    /// In their order: a later one may call an earlier, or stand before it.
    definitions: Vec<Definition>,
    /// The places of those of a name, whatever they take.
    named: HashMap<&'static str, Vec<usize>>,
    /// For each definition, the names of others in it.
    within: Vec<Vec<&'static str>>,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let definitions: Vec<Definition> = all().collect();
    let mut named: HashMap<&'static str, Vec<usize>> = HashMap::new();
    for (place, definition) in definitions.iter().enumerate() {
        named.entry(definition.name).or_default().push(place);
    }
    // Every name that a term holds stands in what it prints.
    let within = definitions.iter().map(|definition| names(&format!("{:?}", definition.body), &named)).collect();
    Library { definitions, named, within }
});

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Definition> {
    jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs())
}

/// Those that a program with this text may call, and those that these may.
pub(super) fn of(text: &str) -> Vec<Definition> {
    let library = &*LIBRARY;
    let mut wanted = vec![false; library.definitions.len()];
    let mut open = names(text, &library.named);
    while let Some(name) = open.pop() {
        for place in library.named.get(name).into_iter().flatten() {
            if !std::mem::replace(&mut wanted[*place], true) {
                open.extend(&library.within[*place]);
            }
        }
    }
    let of = |(definition, wanted): (&Definition, bool)| wanted.then(|| definition.clone());
    library.definitions.iter().zip(wanted).filter_map(of).collect()
}

/// The names of definitions that stand in `text`, as words: more than are called, never fewer.
fn names(text: &str, named: &HashMap<&'static str, Vec<usize>>) -> Vec<&'static str> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@');
    let words = text.split(|c| !is_word(c)).flat_map(|word| [Some(word), word.strip_prefix('@')]).flatten();
    words.filter_map(|word| named.get_key_value(word).map(|(name, _)| *name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::jq::engine::compiled_with;

    #[test]
    fn every_definition_compiles_with_those_it_comes_to_alone() {
        let all: Vec<Definition> = all().collect();
        assert!(all.len() > 100, "{}", all.len());
        for definition in &all {
            let arguments: Vec<&str> = definition.args.iter().map(|_| ".").collect();
            let call = match arguments.as_slice() {
                [] => definition.name.to_owned(),
                arguments => format!("{}({})", definition.name, arguments.join("; ")),
            };
            let wanted = of(&call);
            assert!(wanted.len() < all.len() / 2, "{call}: {}", wanted.len());
            if let Err(why) = compiled_with(wanted, &call, &[]) {
                panic!("{call}: {why}");
            }
        }
    }

    #[test]
    fn a_name_is_found_whatever_stands_beside_it() {
        for text in ["add", "add!=3", "[.[]|add]", ".a//add", "-add", "@base64d|add", "\"\\(add)\""] {
            assert!(of(text).iter().any(|definition| definition.name == "add"), "{text}");
        }
    }

    #[test]
    fn a_program_is_given_what_it_names_and_no_more() {
        let given = |text: &str| of(text).iter().map(|definition| definition.name).collect::<Vec<_>>();
        assert_eq!(given(".status == \"ok\""), [""; 0]);
        assert_eq!(given("map(.a)"), ["map"]);
        assert!(given("@base64").contains(&"tostring"));
        assert_eq!(given("[.[] | ascii]"), [""; 0], "a part of a name is none");
    }
}
