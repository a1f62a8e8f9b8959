//! The words of docs/plan.md for what a request says, of a check or a step.

use super::format::{Section, section};

pub const REQUESTS: &[Section] = &[
    section(
        "[http]",
        "A request, compared with what is expected. Exactly one method key, at most one body. It is asked once, unless \
         `repeat`, `until` or `burst` says otherwise: at most one of them. The item's `timeout` is for all of it, redirects \
         too; an answer has at most 100 headers of 400 KiB in all. A proxy is taken from the environment (`HTTP_PROXY`, \
         `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), never for this machine itself.",
        &[
            ("get", "the address: whole, or a path behind the session's base"),
            ("post", "as `get`"),
            ("put", "as `get`"),
            ("patch", "as `get`"),
            ("delete", "as `get`"),
            ("head", "as `get`"),
            ("options", "as `get`"),
            ("headers", "sent with it"),
            ("json", "the body, sent as JSON"),
            ("form", "the body, as a form sends it"),
            ("body", "the body as it is; its `Content-Type` stands in `headers`"),
            ("multipart", "the body in parts: texts and files"),
            ("bearer", "a token for `Authorization`; no literal, as every credential"),
            ("basic", "a user and a password for `Authorization`; not beside `bearer`"),
            ("hmac", "a signature in a header"),
            ("auth", "`none`: without its session's `bearer`, `basic`, `hmac` and `Authorization`"),
            (
                "redirects",
                "`none`: a redirect is the answer (unless said otherwise); `follow`: at most 10, none in a circle, nothing of ours \
                 to another origin but what its cookie jar holds for it; `expect`: the answer must be one",
            ),
            ("http", "the protocol the answer must come by: `1.1` offers nothing else, `2` is asked for by ALPN"),
            ("tls", "whom https trusts, and our certificate; in place of the session's"),
            ("limit", "how large the answer's body may be: `64KiB`; 8MiB unless said"),
            ("expect", "what the answer must be; any 2xx where nothing is said"),
            ("capture", "values taken from the answer, for the items after it"),
            ("repeat", "asked several times, each of which must pass"),
            ("until", "asked until it passes, or its time is up"),
            ("burst", "asked many times, until the service limits it"),
        ],
    ),
    section(
        "[http.expect.redirect]",
        "In place of `status`.",
        &[
            ("status", "a code, or a list of them; 301 or 308 unless said"),
            ("to", "the address it must lead to, whole; required"),
        ],
    ),
    section(
        "[http.basic]",
        "Sent as RFC 7617 says. So for every request and session.",
        &[("user", "required; no colon"), ("password", "required; a secret")],
    ),
    section(
        "[http.hmac]",
        "Hex of HMAC-SHA256.",
        &[
            ("secret", "the key; required; a secret"),
            ("header", "where the signature goes; required"),
            ("prefix", "what stands before the hex: `sha256=`, `v1=`"),
            ("timestamp_header", "where the time goes, in whole seconds of Unix time"),
            (
                "over",
                "what is signed: `body` (the bytes sent; unless said otherwise), `timestamp.body` or `timestamp.sorted-json` \
                 (the time, a point, the JSON with keys sorted at every depth, without spaces, numbers as JavaScript writes \
                 them)",
            ),
        ],
    ),
    section(
        "[http.multipart]",
        "A part of the body. All files of a request have at most 16 MiB.",
        &[
            ("name", "the field's name; required"),
            ("value", "its text; or `file`"),
            ("file", "a file, relative to the plan's folder"),
            ("type", "its `Content-Type`; a file's is `application/octet-stream` otherwise"),
            ("filename", "what the file is called; its own name otherwise"),
        ],
    ),
    section(
        "[http.tls]",
        "PEM files, relative to the plan's folder, read for each request: a renewed one counts. A rehearsal reads none.",
        &[
            ("ca", "certificates that are trusted in place of the host's"),
            ("cert", "our certificate with its chain; beside `key`"),
            ("key", "its private key"),
        ],
    ),
    section(
        "[send]",
        "A request that changes something, sent once, in no session: as in `http`, with every key of its tables. Where \
         no answer came and it may have arrived, it is unknown what it did; where nothing can have arrived it failed. 30 s \
         unless `timeout` says otherwise. In a rehearsal nothing is sent.",
        &[
            ("get", "the address, whole; exactly one method"),
            ("post", "as `get`"),
            ("put", "as `get`"),
            ("patch", "as `get`"),
            ("delete", "as `get`"),
            ("head", "as `get`"),
            ("options", "as `get`"),
            ("headers", "sent with it"),
            ("json", "the body, sent as JSON"),
            ("form", "the body, as a form sends it"),
            ("body", "the body as it is"),
            ("multipart", "the body in parts"),
            ("bearer", "a token"),
            ("basic", "a user and a password"),
            ("hmac", "a signature in a header"),
            ("redirects", "`none`, `follow` or `expect`"),
            ("http", "the protocol the answer must come by"),
            ("tls", "whom https trusts, and our certificate"),
            ("limit", "how large the answer's body may be"),
            ("expect", "what the answer must be; any 2xx where nothing is said"),
        ],
    ),
];
