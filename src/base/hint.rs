//! How a value is written: what a message about one of the wrong type offers.

use super::known::Wanted;

/// `key` as it may be written where `wanted` is read.
#[must_use]
pub fn written(key: &str, wanted: &Wanted) -> String {
    let value = match wanted {
        Wanted::There | Wanted::Any | Wanted::Shape | Wanted::Refused => "…",
        Wanted::Text | Wanted::Template => "\"…\"",
        Wanted::Mark => "\"T-10m\"",
        Wanted::Duration => "\"90s\"",
        Wanted::Words(words) => {
            let each = words.iter().map(|word| format!("`{key} = \"{word}\"`")).collect::<Vec<_>>();
            return format!("write {}", each.join(", or "));
        }
        Wanted::Flag => "true",
        Wanted::Integer => "1",
        Wanted::Texts | Wanted::Templates => "[\"…\"]",
        Wanted::Table | Wanted::Named => "{ … }",
        Wanted::Tables => "[{ … }]",
        Wanted::NamedTemplates => "{ name = \"…\" }",
    };
    format!("write `{key} = {value}`")
}

/// What a value must be.
#[must_use]
pub fn what(wanted: &Wanted) -> &'static str {
    match wanted {
        Wanted::Flag => "true or false",
        Wanted::Integer => "a whole number",
        Wanted::Texts | Wanted::Templates => "a list of strings",
        Wanted::Table | Wanted::Tables | Wanted::Named | Wanted::NamedTemplates => "a table",
        _ => "a string",
    }
}

/// `an integer`, `a boolean`.
#[must_use]
pub fn article(kind: &str) -> String {
    let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_how_it_is_read() {
        for (wanted, told) in [
            (Wanted::Duration, "write `x = \"90s\"`"),
            (Wanted::Words(vec!["a", "b"]), "write `x = \"a\"`, or `x = \"b\"`"),
            (Wanted::Table, "write `x = { … }`"),
        ] {
            assert_eq!(written("x", &wanted), told);
        }
    }
}
