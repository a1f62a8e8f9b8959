//! Where redirects lead, and what goes along.

use std::path::Path;

use tminus::kind::session::{Session, SessionPlan};

use super::{Fail, KEY, Pass, finding, run, run_in};
use crate::request_server::{Got, Says, Server};

#[tokio::test]
async fn a_redirect_is_the_answer_unless_the_plan_says_otherwise() {
    let server = Server::plain(|asked: &Got| match asked.path() {
        "/old" => Says::moved(302, "/new"),
        _ => Says::ok("new"),
    })
    .await;
    let none = run(&format!("get = '{}'", server.url("/old"))).await;
    assert_eq!((none.verdict, none.summary.as_str()), (Fail, "status expected 2xx, seen 302 to /new"));
    assert_eq!(server.got().len(), 1, "nothing is followed");
    let followed =
        run(&format!("get = '{}'\nredirects = 'follow'\nexpect = {{ body = 'new' }}", server.url("/old"))).await;
    assert_eq!(finding(&followed, "redirects"), (format!("302 to {}", server.url("/new")).as_str(), Pass));
    assert_eq!(followed.verdict, Pass);
}

#[tokio::test]
async fn methods_and_bodies_change_as_browsers_change_them() {
    let server = Server::plain(|asked: &Got| match asked.path().strip_prefix('/').and_then(|path| path.parse().ok()) {
        Some(status) => Says::moved(status, "/end"),
        None => Says::ok("end"),
    })
    .await;
    for (method, status, then, body) in [
        ("post", 301, "GET", ""),
        ("post", 302, "GET", ""),
        ("post", 303, "GET", ""),
        ("post", 307, "POST", "x"),
        ("post", 308, "POST", "x"),
        ("put", 301, "PUT", "x"),
        ("put", 302, "PUT", "x"),
        ("put", 303, "GET", ""),
        ("head", 303, "HEAD", "x"),
    ] {
        let before = server.got().len();
        let url = server.url(&format!("/{status}"));
        let text = format!(
            "{method} = '{url}'\nbody = 'x'\nheaders = {{ Content-Type = 'text/csv' }}\nredirects = 'follow'\n\
             hmac = {{ secret = '{{{{ key }}}}', header = 'x-signature' }}"
        );
        let report = run(&text).await;
        let got = server.got()[before..].to_vec();
        assert_eq!(got.len(), 2, "{method} {status}: {report:#?}");
        assert_eq!((got[1].method(), got[1].body.as_slice()), (then, body.as_bytes()), "{method} {status}");
        let kept = !body.is_empty();
        assert_eq!(got[1].header("content-type").is_some(), kept, "{method} {status}");
        assert_eq!(got[1].header("x-signature").is_some(), kept, "a signature belongs to its body: {method} {status}");
    }
}

#[tokio::test]
async fn nothing_of_ours_goes_to_another_origin_but_what_its_jar_holds_for_it() {
    let other = Server::plain(|_: &Got| Says::ok("other")).await;
    let to = other.url("/landed");
    let first = Server::plain(move |asked: &Got| match asked.path() {
        "/away" => Says::moved(302, &to),
        "/away-with-body" => Says::moved(307, &to),
        "/set" => Says::whole(200, &["set-cookie: jar=from-the-jar; Path=/"], ""),
        _ => Says::ok(""),
    })
    .await;
    let session = Session::new(SessionPlan { cookies: true, ..SessionPlan::default() });
    let in_session = async |text: String| run_in(&text, Some(session.clone()), Path::new("/nowhere")).await;
    in_session(format!("get = '{}'", first.url("/set"))).await;
    let own =
        "bearer = '{{ token }}'\nheaders = { X-Admin-Token = '{{ key }}', Cookie = 'own=1', Accept = 'text/html' }";
    let report = in_session(format!("get = '{}'\nredirects = 'follow'\n{own}", first.url("/away"))).await;
    assert_eq!(report.verdict, Pass, "{report:#?}");
    let landed = &other.got()[0];
    for name in ["authorization", "x-admin-token"] {
        assert_eq!(landed.header(name), None, "{name}");
    }
    // The jar knows hosts, not ports: what a browser would send to this host goes, what the plan wrote does not.
    assert_eq!(landed.header("cookie"), Some("jar=from-the-jar"));
    assert_eq!(landed.header("accept"), Some("text/html"));
    let first_asked = first.got()[1].clone();
    assert_eq!((first_asked.header("cookie"), first_asked.header("x-admin-token")), (Some("own=1"), Some(KEY)));

    let text = format!("post = '{}'\nbody = 'secret'\nredirects = 'follow'", first.url("/away-with-body"));
    let report = run(&text).await;
    let (seen, verdict) = finding(&report, "redirects");
    assert!(seen.contains("would carry the body to another origin") && verdict == Fail, "{seen}");
    assert_eq!(other.got().len(), 1, "it never went there");
}

#[tokio::test]
async fn circles_long_ways_and_places_that_are_none_end_in_words() {
    let server = Server::plain(|asked: &Got| {
        let path = asked.path().to_owned();
        match path.as_str() {
            "/a" => Says::moved(302, "/b"),
            "/b" => Says::moved(302, "/a"),
            "/file" => Says::moved(302, "file:///etc/passwd"),
            "/user" => Says::moved(302, "http://user:hidden@127.0.0.1/"),
            "/nowhere" => Says::whole(302, &[], ""),
            "/end" => Says::ok(""),
            "/turn" if asked.header("cookie").is_some() => Says::moved(302, "/end"),
            "/turn" => Says::whole(302, &["location: /turn", "set-cookie: seen=1"], ""),
            long => {
                let at: usize = long.trim_start_matches("/n").parse().unwrap_or(0);
                Says::moved(302, &format!("/n{}", at + 1))
            }
        }
    })
    .await;
    for (path, why) in [
        ("/a", "a circle"),
        ("/n0", "more than 10 redirects"),
        ("/file", "no http or https address"),
        ("/user", "a user or password"),
        ("/nowhere", "names no place"),
    ] {
        let before = server.got().len();
        let report = run(&format!("get = '{}'\nredirects = 'follow'", server.url(path))).await;
        let (seen, verdict) = finding(&report, "redirects");
        assert!(seen.contains(why) && verdict == Fail && !seen.contains("hidden"), "{path}: {seen}");
        assert!(server.got().len() - before <= 11, "{path}");
    }
    let session = Session::new(SessionPlan { cookies: true, ..SessionPlan::default() });
    let text = format!("get = '{}'\nredirects = 'follow'", server.url("/turn"));
    assert_eq!(run_in(&text, Some(session), Path::new("/")).await.verdict, Pass, "a cookie ends this circle");
}

#[tokio::test]
async fn an_expected_redirect_is_held_to_its_status_and_its_place() {
    let server = Server::plain(|asked: &Got| match asked.path() {
        "/good" => Says::moved(308, "https://app.example.com/good?x=1"),
        "/relative" => Says::moved(301, "/good"),
        "/temporary" => Says::moved(302, "https://app.example.com/good?x=1"),
        "/plain" => Says::moved(301, "http://app.example.com/good?x=1"),
        _ => Says::ok(""),
    })
    .await;
    let expect = "expect = { redirect = { to = 'https://app.example.com/good?x=1' } }";
    for (path, verdict) in [("/good", Pass), ("/temporary", Fail), ("/plain", Fail), ("/served", Fail)] {
        let report = run(&format!("get = '{}'\n{expect}", server.url(path))).await;
        assert_eq!(report.verdict, verdict, "{path}: {report:#?}");
    }
    let to = server.url("/good");
    let relative =
        run(&format!("get = '{}'\nexpect = {{ redirect = {{ to = '{to}' }} }}", server.url("/relative"))).await;
    assert_eq!(relative.verdict, Pass, "{relative:#?}");
}
