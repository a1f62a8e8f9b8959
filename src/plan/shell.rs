//! A script as far as lint must understand it: its plain commands, each as words. It follows quotes, lists,
//! pipes and substitutions; what it does not follow is passed over, never run.

/// Substitutions inside substitutions that are followed.
const DEEPEST: usize = 8;

/// The plain commands of a script.
pub(super) fn commands(script: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    read(script, 0, &mut found);
    found
}

/// What `program` is given, where this command is a call of it: behind assignments, `sudo` and words of the
/// shell.
pub(super) fn arguments_of<'w>(words: &'w [String], program: &str) -> Option<&'w [String]> {
    const BEFORE: [&str; 15] = [
        "sudo", "exec", "time", "nohup", "command", "env", "if", "then", "else", "elif", "while", "until", "do", "!",
        "{",
    ];
    let is_assignment = |word: &str| {
        word.split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    };
    let at = words.iter().position(|word| !BEFORE.contains(&word.as_str()) && !is_assignment(word))?;
    let called = words[at].rsplit('/').next()?;
    (called == program).then(|| &words[at + 1..])
}

fn read(script: &str, depth: usize, found: &mut Vec<Vec<String>>) {
    if depth > DEEPEST {
        return;
    }
    let chars: Vec<char> = script.chars().collect();
    let (mut words, mut word, mut begun) = (Vec::new(), String::new(), false);
    let mut quote = None;
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied();
        at += 1;
        match (quote, c) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('\''), c) => word.push(c),
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (_, '\\') => {
                at += 1;
                match next {
                    // A line that goes on.
                    Some('\n') | None => {}
                    Some(c) => {
                        word.push(c);
                        begun = true;
                    }
                }
            }
            (_, '$') if next == Some('(') => {
                let end = closing(&chars, at + 1);
                read(&chars[at + 1..end].iter().collect::<String>(), depth + 1, found);
                word.push_str("$(…)");
                (at, begun) = (end + 1, true);
            }
            (_, '`') => {
                let end = chars[at..].iter().position(|c| *c == '`').map_or(chars.len(), |more| at + more);
                read(&chars[at..end].iter().collect::<String>(), depth + 1, found);
                word.push_str("$(…)");
                (at, begun) = (end + 1, true);
            }
            (Some(_), c) => word.push(c),
            (None, '#') if !begun => {
                while chars.get(at).is_some_and(|c| *c != '\n') {
                    at += 1;
                }
            }
            (None, ';' | '|' | '&' | '\n' | '(' | ')') => {
                ended(&mut words, &mut word, &mut begun);
                found.extend((!words.is_empty()).then(|| std::mem::take(&mut words)));
            }
            (None, c) if c.is_whitespace() => ended(&mut words, &mut word, &mut begun),
            (None, c) => {
                word.push(c);
                begun = true;
            }
        }
    }
    ended(&mut words, &mut word, &mut begun);
    found.extend((!words.is_empty()).then_some(words));
}

fn ended(words: &mut Vec<String>, word: &mut String, begun: &mut bool) {
    if std::mem::take(begun) {
        words.push(std::mem::take(word));
    }
}

/// Where the parenthesis closes whose inside begins at `from`; the end where it does not.
fn closing(chars: &[char], from: usize) -> usize {
    let mut open = 1_usize;
    for (at, c) in chars.iter().enumerate().skip(from) {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return at;
        }
    }
    chars.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_are_found_behind_quotes_pipes_and_substitutions() {
        for (script, found) in [
            ("a b; c 'd e' && f", vec!["a b", "c d e", "f"]),
            ("a \\\n  b # c; d\ne", vec!["a b", "e"]),
            ("x=\"$(kubectl get pods | head)\"; y", vec!["kubectl get pods", "head", "x=$(…)", "y"]),
            ("a '$(b)' `c`", vec!["c", "a $(b) $(…)"]),
            ("for w in 1; do kubectl x; done", vec!["for w in 1", "do kubectl x", "done"]),
            ("", vec![]),
            ("a $(b", vec!["b", "a $(…)"]),
        ] {
            let joined: Vec<String> = commands(script).iter().map(|words| words.join(" ")).collect();
            assert_eq!(joined, found, "{script}");
        }
    }

    #[test]
    fn a_call_is_known_behind_what_stands_before_it() {
        let given = |script: &str| {
            let all = commands(script);
            all.iter().find_map(|words| arguments_of(words, "kubectl").map(|words| words.join(" ")))
        };
        assert_eq!(given("A=b sudo /usr/bin/kubectl get pods").as_deref(), Some("get pods"));
        assert_eq!(given("if ! kubectl x; then y; fi").as_deref(), Some("x"));
        assert_eq!(given("echo kubectl get pods"), None);
    }

    proptest! {
        #[test]
        fn no_script_panics(script in "[a-z$()`'\"\\\\ ;#\\n|é]{0,60}") {
            prop_assert!(commands(&script).iter().all(|words| !words.is_empty()));
        }
    }
}
