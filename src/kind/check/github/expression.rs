//! The `if` of a workflow's job, worked out for one event: surely true, surely false, or not to be told from
//! the text alone. What is not known here (secrets, outputs, functions of the world) is not guessed.

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    Truth(bool),
    Number(f64),
    Text(String),
    /// Not to be told from here.
    Open,
}

/// The event a job is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case<'a> {
    pub conclusion: &'a str,
    pub branch: &'a str,
    pub event: &'a str,
}

/// Levels of parentheses and negations.
const DEPTH: usize = 64;

/// Whether `text`, the `if` of a job that waits for none that was skipped, lets it run in `case`; none where
/// it cannot be told.
pub(crate) fn lets_run(text: &str, case: Case<'_>) -> Option<bool> {
    let text = text.trim();
    let inner = match text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")) {
        Some(inner) if !inner.contains("${{") && !inner.contains("}}") => inner,
        // A text around an expression is a text, and a text that is not empty is true.
        _ if text.contains("${{") => return Some(true),
        _ => text,
    };
    let tokens = tokens(inner)?;
    let mut reader = Reader { tokens: &tokens, at: 0, depth: 0, case };
    let value = reader.either()?;
    if reader.at != tokens.len() {
        return None;
    }
    truth(&value)
}

/// True where the text asks for its own word on jobs before it that were skipped or failed.
pub(crate) fn asks_status(text: &str) -> bool {
    let low = text.to_ascii_lowercase();
    ["always", "failure", "cancelled"]
        .iter()
        .any(|name| low.match_indices(name).any(|(at, _)| low[at + name.len()..].trim_start().starts_with('(')))
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

const SIGNS: [&str; 15] = ["&&", "||", "==", "!=", "<=", ">=", "(", ")", "[", "]", ".", ",", "!", "<", ">"];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let taken = if let Some(inner) = rest.strip_prefix('\'') {
            let (text, taken) = quoted(inner)?;
            all.push(Token::Text(text));
            taken + 1
        } else if rest.starts_with(|c: char| c.is_ascii_digit()) {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
            all.push(Token::Number(rest[..end].parse().ok()?));
            end
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(rest.len());
            all.push(Token::Name(rest[..end].to_ascii_lowercase()));
            end
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
            all.push(Token::Sign(sign));
            sign.len()
        };
        rest = rest[taken..].trim_start();
    }
    Some(all)
}

/// The text up to its closing quote, and how many bytes that took; two quotes are one.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut found = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '\'' {
            found.push(c);
        } else if chars.next_if(|(_, next)| *next == '\'').is_some() {
            found.push('\'');
        } else {
            return Some((found, at + 1));
        }
    }
    None
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    case: Case<'a>,
}

/// Each answers none where the text is no expression.
impl Reader<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(there);
        there
    }

    fn either(&mut self) -> Option<Value> {
        let mut left = self.both()?;
        while self.take("||") {
            let right = self.both()?;
            left = match (truth(&left), truth(&right)) {
                (Some(true), _) => left,
                (Some(false), _) => right,
                (None, Some(true)) => Value::Truth(true),
                (None, _) => Value::Open,
            };
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Value> {
        let mut left = self.compared()?;
        while self.take("&&") {
            let right = self.compared()?;
            left = match (truth(&left), truth(&right)) {
                (Some(false), _) => left,
                (Some(true), _) => right,
                (None, Some(false)) => Value::Truth(false),
                (None, _) => Value::Open,
            };
        }
        Some(left)
    }

    fn compared(&mut self) -> Option<Value> {
        let mut left = self.single()?;
        loop {
            let same = self.take("==");
            if same || self.take("!=") {
                let right = self.single()?;
                left = equal(&left, &right).map_or(Value::Open, |equal| Value::Truth(equal == same));
            } else if self.take("<=") || self.take(">=") || self.take("<") || self.take(">") {
                self.single()?;
                left = Value::Open;
            } else {
                return Some(left);
            }
        }
    }

    fn single(&mut self) -> Option<Value> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let value = self.operand();
        self.depth -= 1;
        value
    }

    fn operand(&mut self) -> Option<Value> {
        if self.take("!") {
            let value = self.single()?;
            return Some(truth(&value).map_or(Value::Open, |truth| Value::Truth(!truth)));
        }
        if self.take("(") {
            let value = self.either()?;
            return self.take(")").then_some(value);
        }
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        match token {
            Token::Text(text) => Some(Value::Text(text)),
            Token::Number(number) => Some(Value::Number(number)),
            Token::Name(name) if self.take("(") => self.call(&name),
            Token::Name(name) => self.path(name),
            Token::Sign(_) => None,
        }
    }

    fn path(&mut self, first: String) -> Option<Value> {
        let mut path = vec![first];
        loop {
            if self.take(".") {
                match self.tokens.get(self.at)? {
                    Token::Name(name) => path.push(name.clone()),
                    _ => return None,
                }
                self.at += 1;
            } else if self.take("[") {
                match self.either()? {
                    Value::Text(text) => path.push(text.to_ascii_lowercase()),
                    _ => path.push("?".to_owned()),
                }
                self.take("]").then_some(())?;
            } else {
                break;
            }
        }
        let text = |text: &str| Value::Text(text.to_owned());
        Some(match path.join(".").as_str() {
            "true" => Value::Truth(true),
            "false" => Value::Truth(false),
            "null" => Value::Null,
            "github.event_name" => text("workflow_run"),
            "github.event.action" => text("completed"),
            "github.event.workflow_run.conclusion" => text(self.case.conclusion),
            "github.event.workflow_run.status" => text("completed"),
            "github.event.workflow_run.head_branch" => text(self.case.branch),
            "github.event.workflow_run.event" => text(self.case.event),
            // Nobody gives an event that began by itself any input.
            path if path.starts_with("inputs.") || path.starts_with("github.event.inputs.") => Value::Null,
            _ => Value::Open,
        })
    }

    fn call(&mut self, name: &str) -> Option<Value> {
        let mut given = Vec::new();
        if !self.take(")") {
            loop {
                given.push(self.either()?);
                if self.take(")") {
                    break;
                }
                self.take(",").then_some(())?;
            }
        }
        Some(match (name, given.as_slice()) {
            // Jobs before it are looked at by whoever asks; alone, nothing before it failed.
            ("success" | "always", []) => Value::Truth(true),
            ("cancelled", []) => Value::Truth(false),
            ("contains", [Value::Text(all), Value::Text(part)]) => Value::Truth(low(all).contains(&low(part))),
            ("startswith", [Value::Text(all), Value::Text(part)]) => Value::Truth(low(all).starts_with(&low(part))),
            ("endswith", [Value::Text(all), Value::Text(part)]) => Value::Truth(low(all).ends_with(&low(part))),
            _ => Value::Open,
        })
    }
}

/// GitHub compares texts in any case.
fn low(text: &str) -> String {
    text.to_lowercase()
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(false),
        Value::Truth(truth) => Some(*truth),
        Value::Number(number) => Some(*number != 0.0 && !number.is_nan()),
        Value::Text(text) => Some(!text.is_empty()),
        Value::Open => None,
    }
}

fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Open, _) | (_, Value::Open) => None,
        (Value::Text(left), Value::Text(right)) => Some(low(left) == low(right)),
        (left, right) => Some(number(left) == number(right)),
    }
}

/// What is of two kinds is compared as numbers; a text that is none equals nothing.
fn number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Truth(truth) => f64::from(u8::from(*truth)),
        Value::Number(number) => *number,
        Value::Text(text) if text.trim().is_empty() => 0.0,
        Value::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
        Value::Open => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RIGHT: Case<'_> = Case { conclusion: "success", branch: "main", event: "push" };
    const FAILED: Case<'_> = Case { conclusion: "failure", ..RIGHT };

    #[test]
    fn an_expression_is_worked_out_for_the_event() {
        let guard = "github.event.workflow_run.conclusion == 'success'";
        for (text, right, failed) in [
            (guard.to_owned(), Some(true), Some(false)),
            (format!("${{{{ {guard} }}}}"), Some(true), Some(false)),
            (format!("github.event_name == 'workflow_dispatch' || {guard}"), Some(true), Some(false)),
            (format!("github.event_name != 'workflow_run' || ({guard} && vars.GO == '1')"), None, Some(false)),
            (format!("vars.GO == '1' || {guard}"), Some(true), None),
            ("github.event.workflow_run['conclusion'] == 'SUCCESS'".to_owned(), Some(true), Some(false)),
            ("!(github.event.workflow_run.conclusion != 'success')".to_owned(), Some(true), Some(false)),
            ("contains(github.event.workflow_run.conclusion, 'succ')".to_owned(), Some(true), Some(false)),
            ("always()".to_owned(), Some(true), Some(true)),
            ("inputs.force == 'true'".to_owned(), Some(false), Some(false)),
            ("true == 'x' || null == 0 && 1".to_owned(), Some(true), Some(true)),
            ("".to_owned(), None, None),
            ("a b".to_owned(), None, None),
            ("'it''s' == 'it''s'".to_owned(), Some(true), Some(true)),
        ] {
            assert_eq!((lets_run(&text, RIGHT), lets_run(&text, FAILED)), (right, failed), "{text}");
        }
    }

    #[test]
    fn a_text_around_an_expression_is_always_true() {
        let text = "${{ github.event.workflow_run.conclusion }} == 'success'";
        assert_eq!(lets_run(text, FAILED), Some(true));
        assert_eq!(lets_run("${{ false }} && ${{ false }}", FAILED), Some(true));
    }

    #[test]
    fn the_depth_is_bounded() {
        assert_eq!(lets_run(&"(".repeat(100_000), RIGHT), None);
        assert_eq!(lets_run(&"!".repeat(100_000), RIGHT), None);
    }

    proptest! {
        #[test]
        fn any_text_is_worked_out_or_left_open(text in "[a-z.()!&|='\\[\\]${} 0-9,<>]{0,80}") {
            let _ = lets_run(&text, RIGHT);
        }
    }
}
