//! The words of docs/plan.md for the tables of the checks that ask somebody.

use super::format::{Section, section};

pub const KINDS: &[Section] = &[
    section(
        "[http.repeat]",
        "How many of how many passed is told. An item's.",
        &[("times", "2 to 100; required"), ("every", "from one to the next, at least 100ms; 1s unless said")],
    ),
    section(
        "[http.until]",
        "The last answer is the verdict. Values are captured from it. An item's.",
        &[
            ("within", "no request begins later; at most 1h; required"),
            ("every", "from one request to the next, at least 100ms; 1s unless said"),
            ("stop", "jq programs: where one is true of an answer, no later one will pass, and it fails at once"),
        ],
    ),
    section(
        "[http.burst]",
        "Requests one after the other, until one is limited. All before it must have the status that `expect` says; a \
         burst without a limited answer fails. An item's.",
        &[
            ("requests", "2 to 300: the last of them at the latest is limited; required"),
            (
                "free",
                "so many are let through before the first that is limited; 0 unless said, and still one must be: a \
                 service that limits the first shows no limit, and that is unknown",
            ),
            ("a_second", "1 to 100; 10 unless said, and fewer where the service is slow"),
            ("expect", "what the limited answer must be, as under `expect`; status 429 unless said"),
            ("hold", "answers stay open until the last: for a limit on what is open at once; at most 32 requests"),
            ("cool_down", "waited after the limit, so that what follows is not limited too"),
        ],
    ),
    section("[http.expect.security]", "Headers that protect a browser, judged by what they mean.", SECURITY),
    section(
        "[http.expect.security.hsts]",
        "As a text it is `max_age` alone. A max-age of 0 fails.",
        &[
            ("max_age", "at least this; required"),
            ("include_subdomains", "`true`: it says `includeSubDomains`"),
            ("preload", "`true`: it says `preload`"),
        ],
    ),
    section(
        "[http.expect.fresh_within]",
        "An older document is stale, one without a time unknown, one from the future fails. In an example `{{ now }}` is \
         the present, `{{ now_s }}` and `{{ now_ms }}` are it in seconds and milliseconds since 1970.",
        &[
            ("json", "where its timestamp stands: RFC 3339, or seconds or milliseconds since 1970"),
            ("header", "or the header that is its timestamp: `last-modified`"),
            ("within", "how old it may be; required"),
            ("skew", "how far in the future it may lie; 1m unless said"),
            ("utc", "`true`: a timestamp without an offset is in UTC; unknown otherwise"),
        ],
    ),
    section("[http.expect]", "What is not written is not looked at, but for the status.", EXPECT),
    section(
        "[http.expect.header.NAME]",
        "Exactly one form.",
        &[
            ("equals", "the value is this"),
            ("contains", "the value holds this"),
            ("absent", "`true`: there is no such header"),
            ("list", "the comma-separated value has these members, in any case"),
            ("set", "it has these members and no other, in any order and case"),
        ],
    ),
    section(
        "[http.capture.NAME]",
        "A jq program as a text, or one of these. A captured value is kept out of what is shown.",
        &[("jq", "a jq program on the JSON body"), ("header", "a header's value"), ("cookie", "a cookie's value")],
    ),
    section(
        "[cors]",
        "One preflight for each origin and method, and simple requests beside them where asked for: 200 requests at \
         most. A kept-out origin passes only while the service answers the others.",
        &[
            ("url", "whole, or a path behind the session's base; required"),
            ("method", "the methods asked for; `GET` unless said"),
            ("request_headers", "the header names asked for"),
            (
                "allow",
                "origins that must get exactly their own name back, and `Vary: Origin`; required. A list variable gives \
                 them all",
            ),
            (
                "deny",
                "origins that must not be let in: the preflight of each is answered by no 2xx and without \
                 `Access-Control-Allow-Origin`, which must not name another either. A browser goes by that header \
                 alone; a service that decides refuses in so many words",
            ),
            ("lookalikes", "`true`: origins that look like the allowed ones, and `null`, must not be let in either"),
            ("deny_methods", "methods that those let in must not get: refused by status, or not listed"),
            ("simple", "this request too, without a preflight: those let in may read its answer, the others get one"),
            ("expose", "headers of that answer that those let in may read"),
            ("max_age", "how long a preflight's answer may be kept, at least"),
            ("credentials", "`true`: those let in may send cookies; `false`: they may not; not looked at unless said"),
        ],
    ),
    section(
        "[sse]",
        "A stream of server-sent events, read to its terminal event; the socket may stay open after it.",
        &[
            ("get", "the address; or `post`, one of them"),
            ("post", "as `get`"),
            ("headers", "sent with it"),
            ("json", "the body, sent as JSON"),
            ("form", "as in `http`, and so the keys to `tls`"),
            ("body", "the body as it is"),
            ("multipart", "the body in parts"),
            ("bearer", "a token"),
            ("basic", "a user and a password"),
            ("hmac", "a signature in a header"),
            ("auth", "`none`: without its session's"),
            ("tls", "whom https trusts, and our certificate"),
            ("expect", "what the stream must be"),
            ("until", "the terminal event; without it reading stops once `at_least` holds"),
            ("deadline", "for the whole stream, connecting included; the item's timeout otherwise"),
            ("meanwhile", "a request sent while the stream is read: a cancel, say"),
            ("resume", "the connection is dropped and opened again: what comes must go on where it was left"),
        ],
    ),
    section(
        "[sse.resume]",
        "Ids that are numbers must count up by one across the break; of others none may come again.",
        &[
            ("after", "so many events with an id come first, 1 to 1000; required"),
            ("query", "the parameter that says the last id: `after`; the header `Last-Event-ID` otherwise"),
        ],
    ),
    section(
        "[sse.expect]",
        "What is not written is not looked at, but for the status and the content type.",
        &[
            ("status", "200 unless said"),
            ("first_event", "from the request to the first event"),
            ("max_gap", "between two events, and to the end; comments are no events"),
            ("at_least", "events that must come, each `count` times"),
            ("order", "events that must come in this order, others between them or not"),
            ("never", "events that must not come"),
        ],
    ),
    section("[sse.expect.at_least]", "A pattern and how often.", COUNTED),
    section("[sse.expect.order]", "A pattern: an event fits if all that is written fits.", PATTERN),
    section("[sse.expect.never]", "A pattern.", PATTERN),
    section(
        "[sse.until]",
        "What ends the stream.",
        &[("any", "the stream is over at the first event that fits one of these; required")],
    ),
    section("[sse.until.any]", "A pattern.", PATTERN),
    section(
        "[sse.meanwhile]",
        "Sent once, when `after` has come.",
        &[
            ("after", "the event that sets it off; required"),
            ("get", "the address; or `post`, one of them"),
            ("post", "as `get`"),
            ("headers", "sent with it"),
            ("json", "the body, sent as JSON"),
            ("form", "as in `http`, and so the keys to `tls`"),
            ("body", "the body as it is"),
            ("multipart", "the body in parts"),
            ("bearer", "a token"),
            ("basic", "a user and a password"),
            ("hmac", "a signature in a header"),
            ("auth", "`none`: without its session's"),
            ("tls", "whom https trusts, and our certificate"),
            ("expect", "what its answer must be"),
        ],
    ),
    section("[sse.meanwhile.after]", "A pattern and how often.", COUNTED),
    section(
        "[sse.meanwhile.expect]",
        "What the answer must be.",
        &[("status", "200 unless said"), ("json", "jq programs; each must come to one `true`")],
    ),
    section(
        "[tls]",
        "One handshake of today with the endpoint itself, past any proxy, and one of each version named. The certificate \
         is read also where nothing trusts it. An example is a JSON document: `days_left`, `names`, `verified`, and \
         `versions = { \"1.0\" = false }`.",
        &[
            ("host", "a name or an IP address; or an https address, whose host and port are taken; required"),
            ("port", "over that of `host`; 443 otherwise"),
            ("server_name", "the name asked for, where it is not `host`"),
            ("names", "names that the certificate must cover besides the one asked for"),
            ("warn", "less than this left is a warning; `30d` unless said"),
            ("fail", "less than this left is a fail; `7d` unless said"),
            ("ca", "a PEM file, relative to the plan; what it holds is trusted instead of what the system trusts"),
            ("offer", "versions that must be accepted: `1.0`, `1.1`, `1.2`, `1.3`"),
            (
                "refuse",
                "versions that must be refused, by an alert or by closing; a server that keeps silent is unknown",
            ),
        ],
    ),
    section(
        "[dns]",
        "Each resolver is asked anew, over UDP, and over TCP where the answer was cut; no search domain is tried. One that \
         keeps silent or fails is unknown. An example is a JSON document: `records`, `ttl`, `exists`, `rcode`.",
        &[
            ("name", "the whole name; required"),
            ("type", "`A` unless said"),
            ("resolvers", "IP addresses, with a port where it is not 53; the system's otherwise"),
            ("agree", "`false`: they may differ, as they do for a name that is answered by place"),
            ("expect", "what the records must be; any where nothing is said"),
        ],
    ),
    section(
        "[dns.expect]",
        "Records are compared in one form: names in lower case without their last dot, `0 issue ca.example.net` for CAA, \
         `10 mail.example.net` for MX.",
        &[
            ("equals", "these and no others, in any order"),
            ("contains", "these, and others may be there"),
            ("absent", "`true`: a resolver proves that there are none; stands alone"),
            ("ttl_max", "the least time to live, of aliases too, is at most this"),
        ],
    ),
    section(
        "[signal]",
        "One number, or a share of samples, held to a threshold. Exactly one source. Too few samples, none that is new \
         enough, no number or several are unknown or stale. An example tells what was read: of Prometheus `{ value, \
         samples, age }`, of a monitor `{ samples, against, age }`, of a document the document itself (with a `Date` \
         header where its age is looked at).",
        &[
            ("promql", "a query to Prometheus: exactly one series with one finite number"),
            ("json", "a number in a JSON document"),
            ("command", "a program and its arguments, whose standard output is the number; it must exit with 0"),
            ("shell", "a script for bash, instead of `command`"),
            ("jq", "of a command: a jq program for the number in the JSON of its output"),
            ("regex", "of a command: a pattern that matches once, with one group around the number"),
            ("samples", "of a command: a jq program for how many samples it is made of"),
            ("cwd", "of a command: where it runs, from the plan's own folder"),
            ("env", "of a command: its environment, on top of ours; the place for secrets"),
            ("stdin", "of a command: what it reads; secrets may stand here"),
            ("from", "a monitor of this launch: `monitor.api`"),
            (
                "that",
                "what it must be; required. `<= 5%`, `> 1.5s`; of a monitor `error_rate <= 5%`, `up >= 99.9%`, `p95 <= 1.5s` \
                 (counted exactly: at most 5% of the samples are slower), `max < 2s`. Units: %, us, ms, s, min, h, d, B, kB, \
                 MB, GB, TB, KiB, MiB, GiB, TiB",
            ),
            ("unit", "what the source's number is a number of, `ms` say; a ratio, seconds or bytes unless said"),
            ("window", "how far back the samples of a monitor are looked at"),
            (
                "min_samples",
                "fewer tell nothing; of a monitor as many as one failure alone cannot breach it with, unless said",
            ),
            ("stale_after", "older data tells nothing; 2m for Prometheus, the window for a monitor, unless said"),
        ],
    ),
    section(
        "[signal.promql]",
        "Asked for one instant, each query encoded. An instant query answers with the time it was asked for: how old the \
         data is follows from the query's own series, by a second query.",
        &[
            ("server", "the address of Prometheus; required"),
            ("headers", "sent with it"),
            ("query", "gives one number; required"),
            ("samples", "a query for how many samples that is made of: what `min_samples` counts"),
            (
                "age",
                "a query for the age of the data in seconds, where the query's series do not tell it: behind a recording rule",
            ),
        ],
    ),
    section(
        "[signal.json]",
        "A document that is asked for with GET.",
        &[
            ("get", "the address: whole, or a path behind the session's base; required"),
            ("headers", "sent with it"),
            ("jq", "a jq program for the number; required"),
            ("samples", "a jq program for how many samples it is made of"),
            ("at", "a jq program for when it was made: RFC 3339, or seconds or milliseconds since 1970"),
        ],
    ),
    section(
        "[alerts]",
        "What rings at Prometheus, and what Alertmanager makes of it. Silence passes only where rules are loaded, healthy \
         and evaluated lately; what is silenced, inhibited or pending is a warning. An example tells counts: `{ severities \
         = { critical = { rules, firing, pending, silenced, inhibited, unhealthy = [] } }, rules = { NAME = { … } }, \
         alertmanagers }`.",
        &[
            ("prometheus", "the address of Prometheus, whose rules are looked at; only `firing` goes without it"),
            ("alertmanager", "the address of Alertmanager: what is silenced or inhibited, and what others sent it"),
            ("headers", "sent to both"),
            ("none", "severities of which nothing may ring"),
            ("severity_label", "the label that tells the severity; `severity` unless said"),
            ("not_firing", "names of alerts that must not ring"),
            ("firing", "names of alerts that must ring: a watchdog"),
            ("rules", "names of rules that must be loaded and healthy"),
            ("delivers", "whether Prometheus must know an active Alertmanager"),
            ("stale_after", "a rule evaluated longer ago tells nothing; three intervals of its group unless said"),
            (
                "matchers",
                "only alerts with these labels are looked at: `team=\"api\"`, with `=`, `!=`, `=~` or `!~`; that none \
                 rings counts only for rules whose own labels they fit, or an alert of theirs",
            ),
        ],
    ),
    section(
        "[phase.item.poll]",
        "A poll of its own, for the second GO: it opens when it is due, passes on GO and fails on NO-GO, once all of its \
         roles have voted. Running it again polls again.",
        &[
            ("stage", "whose criteria stand beside the votes; `observed` unless said"),
            ("roles", "who votes, in order; the plan's poll otherwise"),
        ],
    ),
];

const PATTERN: &[(&str, &str)] = &[
    ("event", "its name; an event without one is `message`"),
    ("data", "its data, whole"),
    ("json", "a jq program on its data that must come to `true`"),
];

const COUNTED: &[(&str, &str)] = &[PATTERN[0], PATTERN[1], PATTERN[2], ("count", "how often; once unless said")];

const EXPECT: &[(&str, &str)] = &[
    ("status", "a code, a class as `\"2xx\"`, a range as `\"500-504\"`, or a list of them; any 2xx otherwise"),
    ("header", "headers by name, each a value or a form below"),
    ("json", "jq programs; each must come to one `true`. Values are `$name`"),
    ("body", "regular expressions that the body must match"),
    ("body_absent", "regular expressions that it must not match"),
    ("latency", "the answer is complete within this"),
    ("cookie", "names of cookies the answer must set"),
    ("redirect", "the redirect it must be"),
    ("security", "headers that protect a browser"),
    ("fresh_within", "how old the document may be, by a time that it carries"),
    (
        "skipped",
        "jq programs: where one is true, the answer says that something was skipped, and so is the item. A path \
         alone may be absent",
    ),
];

const SECURITY: &[(&str, &str)] = &[
    ("hsts", "`Strict-Transport-Security` for at least this: `\"365d\"`, or a table"),
    ("csp", "`true`: a policy is enforced; or directives that it must have, by name or with exactly these sources"),
    ("nosniff", "`true`: `X-Content-Type-Options` is `nosniff`"),
    ("frame", "`X-Frame-Options`: `sameorigin` is met by DENY too"),
    ("referrer", "`Referrer-Policy` comes to one of these"),
    ("permissions", "`Permissions-Policy` has each of these: `camera=()`"),
];
