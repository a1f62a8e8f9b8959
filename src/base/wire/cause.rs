//! From what the libraries report to the closed set of causes. The only place that knows their error
//! types; nothing is judged here.

use std::error::Error;
use std::io;

use super::Cause;

/// A name that did not resolve, marked so that it is told from every other I/O error.
#[derive(Debug, thiserror::Error)]
#[error("failed to resolve the name")]
pub(super) struct NotResolved(#[source] pub(super) io::Error);

/// The cause of a request's or a body's failure. `rootless` says that no CA certificate was found on
/// this host, so that an issuer unknown to us is our own lack.
pub(super) fn of(error: &(dyn Error + 'static), rootless: bool) -> Cause {
    let mut fallback = None;
    let mut next = Some(error);
    while let Some(link) = next {
        if let Some(cause) = of_link(link, rootless) {
            // A library's own word for it is only kept where nothing below it says more.
            match cause {
                Found::Surely(cause) => return cause,
                Found::Unless(cause) => fallback = fallback.or(Some(cause)),
            }
        }
        next = link.source();
    }
    fallback.unwrap_or_else(|| Cause::Malformed(innermost(error)))
}

impl Cause {
    /// The cause of a connection's failure, TLS over it included.
    #[must_use]
    pub fn of_io(error: &io::Error) -> Self {
        of(error, false)
    }

    /// The cause of a name's that did not resolve.
    #[must_use]
    pub fn of_lookup(error: &io::Error) -> Self {
        if out_of_files(error) { ours(error) } else { Self::NotResolved }
    }
}

enum Found {
    Surely(Cause),
    Unless(Cause),
}

fn of_link(link: &(dyn Error + 'static), rootless: bool) -> Option<Found> {
    if let Some(NotResolved(why)) = link.downcast_ref::<NotResolved>() {
        return Some(Found::Surely(Cause::of_lookup(why)));
    }
    if let Some(error) = link.downcast_ref::<io::Error>() {
        return of_io(error, rootless);
    }
    if let Some(error) = link.downcast_ref::<rustls::Error>() {
        return Some(Found::Surely(of_tls(error, rootless)));
    }
    if let Some(error) = link.downcast_ref::<hyper::Error>() {
        return of_hyper(error);
    }
    // The library's type is not public. Nothing behind a proxy that gives no tunnel has answered.
    if let Some(why) = link.to_string().strip_prefix("tunnel error: ") {
        return Some(Found::Surely(Cause::Ours(format!("the proxy from the environment gives no tunnel: {why}"))));
    }
    let error = link.downcast_ref::<reqwest::Error>()?;
    if error.is_timeout() {
        return Some(Found::Surely(Cause::TimedOut));
    }
    if error.is_builder() {
        return Some(Found::Surely(Cause::Ours(innermost(error))));
    }
    None
}

fn of_hyper(error: &hyper::Error) -> Option<Found> {
    if error.is_parse_too_large() {
        return Some(Found::Surely(Cause::HeadTooLarge));
    }
    if error.is_parse() {
        return Some(Found::Surely(Cause::Malformed(innermost(error))));
    }
    if error.is_incomplete_message() {
        return Some(Found::Surely(Cause::ClosedEarly));
    }
    if error.is_closed() || error.is_canceled() {
        return Some(Found::Unless(Cause::ClosedEarly));
    }
    None
}

fn of_io(error: &io::Error, rootless: bool) -> Option<Found> {
    // `source()` of an I/O error skips the error it wraps.
    if let Some(inner) = error.get_ref()
        && let Some(Found::Surely(cause)) = of_link(inner, rootless)
    {
        return Some(Found::Surely(cause));
    }
    if out_of_files(error) {
        return Some(Found::Surely(ours(error)));
    }
    Some(Found::Surely(match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => Cause::Reset,
        io::ErrorKind::TimedOut => Cause::TimedOut,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::NotConnected => Cause::ClosedEarly,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkDown => {
            Cause::NoRoute
        }
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => ours(error),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Cause::Malformed(innermost(error)),
        _ => return Some(Found::Unless(Cause::Malformed(innermost(error)))),
    }))
}

fn of_tls(error: &rustls::Error, rootless: bool) -> Cause {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) if rootless => {
            Cause::Ours("this host has no CA certificates to trust".into())
        }
        other => Cause::Tls(other.to_string()),
    }
}

fn ours(error: &io::Error) -> Cause {
    Cause::Ours(error.to_string())
}

/// EMFILE and ENFILE, which have no kind of their own.
fn out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    error.raw_os_error().is_some_and(|code| [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error).contains(&code))
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_are_told_apart() {
        use io::ErrorKind as Kind;
        for (kind, cause) in [
            (Kind::ConnectionRefused, Cause::Refused),
            (Kind::ConnectionReset, Cause::Reset),
            (Kind::BrokenPipe, Cause::Reset),
            (Kind::TimedOut, Cause::TimedOut),
            (Kind::UnexpectedEof, Cause::ClosedEarly),
            (Kind::NetworkUnreachable, Cause::NoRoute),
            (Kind::HostUnreachable, Cause::NoRoute),
        ] {
            assert_eq!(of(&io::Error::from(kind), false), cause, "{kind:?}");
            let wrapped = io::Error::other(io::Error::from(kind));
            assert_eq!(of(&wrapped, false), cause, "wrapped {kind:?}");
        }
    }

    #[test]
    fn a_lack_of_file_descriptors_is_ours() {
        let error = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
        assert!(matches!(of(&error, false), Cause::Ours(_)));
        let named = NotResolved(io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error()));
        assert!(matches!(of(&named, false), Cause::Ours(_)));
        assert_eq!(of(&NotResolved(io::Error::other("no such name")), false), Cause::NotResolved);
    }

    #[test]
    fn an_unknown_issuer_is_ours_only_where_we_trust_nobody() {
        let error = || {
            let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
            io::Error::new(io::ErrorKind::InvalidData, unknown)
        };
        assert!(matches!(of(&error(), false), Cause::Tls(_)));
        assert!(matches!(of(&error(), true), Cause::Ours(_)));
    }
}
