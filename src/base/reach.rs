//! Where something is sent, and with what key: whoever knows an address of this kind may post there. None of it is
//! ever shown.

use std::fmt;

/// A text that is not shown, neither by itself nor within what holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

/// A place to post to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    pub address: Hidden,
    /// Signs what is sent, or names whom it is for.
    pub key: Option<Hidden>,
    /// Sent along.
    pub headers: Vec<Header>,
}

/// A header that is sent along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: Hidden,
    /// Whether a secret stands in its value. Where none does, it is a word that anybody may read elsewhere.
    pub secret: bool,
}

impl Hidden {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the wire and the redactor alone.
    #[must_use]
    pub fn told(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hidden")
    }
}

impl Reach {
    /// What of it a redactor must know: the address, and its parts that tell it by themselves.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let mut all = vec![self.address.0.clone()];
        if let Ok(url) = url::Url::parse(&self.address.0) {
            // A path of a few letters is anybody's.
            all.extend(
                [url.path(), url.query().unwrap_or_default()]
                    .into_iter()
                    .filter(|part| part.len() > 8)
                    .map(str::to_owned),
            );
        }
        all.extend(self.key.iter().map(|key| key.0.clone()));
        all.extend(self.headers.iter().filter(|header| header.secret).map(|header| header.value.0.clone()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_an_address() {
        let reach = Reach {
            address: Hidden::new("https://hooks.example.com/services/T000/B000/secret?token=abcdefghi"),
            key: Some(Hidden::new("signing-key")),
            headers: [("Authorization", "Bearer hunter22", true), ("X-Team", "launch-crew", false)]
                .map(|(name, value, secret)| Header { name: name.to_owned(), value: Hidden::new(value), secret })
                .into(),
        };
        let shown = format!("{reach:?}");
        let secrets = reach.secrets();
        assert!(secrets.iter().all(|secret| !shown.contains(secret.as_str())), "{shown}");
        for part in ["/services/T000/B000/secret", "token=abcdefghi", "signing-key", "Bearer hunter22"] {
            assert!(secrets.iter().any(|secret| secret == part), "{part}: {secrets:?}");
        }
        assert!(!secrets.iter().any(|secret| secret == "launch-crew"), "a plain word is nobody's secret: {secrets:?}");
    }
}
