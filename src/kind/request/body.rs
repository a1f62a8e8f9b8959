//! What a request carries: JSON, a form, raw text or several parts.

use std::path::Path;

use bytes::Bytes;

use super::multipart::{self, Part, What};
use crate::base::template::{Scope, Shape, Template, Unbound};
use crate::base::wire::Cause;

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// As JSON, with its content type.
    Json(Shape),
    /// Names and values as a browser's form sends them.
    Form(Vec<(String, Template)>),
    /// As it is; its content type is the plan's.
    Text(Template),
    Multipart(Vec<Part>),
}

/// A body ready to be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Made {
    pub bytes: Option<Bytes>,
    /// What `Content-Type` says of it, unless the plan says it.
    pub content_type: Option<String>,
    /// The JSON it was made of, for a signature over its fields.
    pub json: Option<serde_json::Value>,
}

impl Body {
    /// It for people, without secrets; of files their names.
    pub(super) fn words(&self, scope: &Scope) -> String {
        match self {
            Self::Json(shape) => format!("JSON {}", shape.open(scope)),
            Self::Form(fields) => {
                let field = |(name, value): &(String, Template)| format!("{name}={}", value.open(scope));
                format!("the form {}", fields.iter().map(field).collect::<Vec<_>>().join("&"))
            }
            Self::Text(text) => format!("the text {}", text.open(scope)),
            Self::Multipart(parts) => {
                let part = |part: &Part| match &part.what {
                    What::Value(value) => format!("{}={}", part.name, value.open(scope)),
                    What::File(file) => format!("{} from the file {}", part.name, file.open(scope)),
                };
                format!("the parts {}", parts.iter().map(part).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// # Errors
    /// A name without a value, a file that cannot be read.
    pub(super) async fn made(&self, scope: &Scope, base: &Path) -> Result<Made, Cause> {
        let ours = |unbound: Unbound| Cause::Ours(unbound.to_string());
        Ok(match self {
            Self::Json(shape) => {
                let json = shape.value(scope).map_err(ours)?;
                let bytes = Some(json.to_string().into());
                Made { bytes, content_type: Some("application/json".to_owned()), json: Some(json) }
            }
            Self::Form(fields) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(name, &value.text(scope).map_err(ours)?);
                }
                let content_type = Some("application/x-www-form-urlencoded".to_owned());
                Made { bytes: Some(form.finish().into()), content_type, json: None }
            }
            Self::Text(text) => {
                Made { bytes: Some(text.text(scope).map_err(ours)?.into()), content_type: None, json: None }
            }
            Self::Multipart(parts) => {
                let (bytes, boundary) = multipart::made(parts, scope, base).await?;
                let content_type = Some(format!("multipart/form-data; boundary={boundary}"));
                Made { bytes: Some(bytes), content_type, json: None }
            }
        })
    }
}
