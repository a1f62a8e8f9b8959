//! Hostile until parsed: plans that are none, and servers that answer without end, without sense or with
//! what is not theirs to say. Each ends by itself, in words, with the right verdict and exit code.

#![expect(clippy::expect_used, reason = "a helper of tests fails by panicking")]

#[expect(dead_code, reason = "each test file uses a part of this")]
mod binary;
mod crude;

use std::path::Path;

use binary::{PATIENCE, Place, Ran};
use crude::{Answer, Crude};
use serde_json::Value;
use tokio::io::AsyncReadExt;

/// Every secret a plan of these tests has.
const SECRET: &str = "hunter2-of-the-smoke-account";

/// A plan whose one gate holds `items`.
fn plan(items: &str) -> String {
    format!(
        "[plan]\nschema = 1\nid = \"hostile\"\ntitle = \"Hostile\"\nenvironment = \"test\"\n\n\
         [vars]\napi = {{ env = \"API\", required = true }}\n\n\
         [[phase]]\nid = \"gate\"\ntitle = \"Gate\"\nat = \"T-1h\"\ngate = true\n\n{items}"
    )
}

/// An item that reads JSON of `path`.
fn reads(id: &str, path: &str) -> String {
    format!(
        "[[phase.item]]\nid = \"{id}\"\ntitle = \"{id}\"\ntimeout = \"20s\"\n[phase.item.http]\n\
         get = \"{{{{ api }}}}{path}\"\nexpect = {{ status = 200, json = ['.status == \"ok\"'] }}\n\n"
    )
}

fn write(place: &Place, text: impl AsRef<[u8]>) -> String {
    let path = place.path("plan.toml");
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// Runs `plan` as a gate against `server`.
async fn gate(server: &Crude, items: &str, more: &[&str]) -> (Ran, Value) {
    let place = Place::new(&[("API", &format!("http://{}", server.address))]);
    let plan = write(&place, plan(items));
    let ran = place.run(&[&["gate", &plan, "--json"], more].concat()).await;
    let document = serde_json::from_str(&ran.out).unwrap_or_default();
    (ran, document)
}

/// What a command said of a plan that is wrong: nothing on standard output, 3.
async fn refused(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(arguments).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    assert!(!ran.err.contains("panicked") && !ran.err.trim().is_empty(), "{ran:?}");
    ran.err
}

#[tokio::test]
async fn a_plan_that_is_wrong_is_told_where() {
    let item = reads("one", "/");
    for (text, told) in [
        ("[plan\nid = 1".to_owned(), vec!["plan.toml:1"]),
        (plan(&item).replace("[phase.item.http]", "[phase.item.htpp]"), vec!["htpp", "http"]),
        (
            plan(&format!("{}needs = [\"gatr\"]\n", item.split("[phase.item.http]").next().expect("a head"))),
            vec!["gatr"],
        ),
        (
            plan(&[reads("a", "/"), reads("b", "/")].concat())
                .replace("title = \"a\"", "title = \"a\"\nneeds = [\"b\"]")
                .replace("title = \"b\"", "title = \"b\"\nneeds = [\"a\"]"),
            vec!["a", "b", "needs"],
        ),
        (plan(&item), vec!["API", "not set"]),
    ] {
        let place = Place::new(&[]);
        let path = write(&place, &text);
        for command in [["gate", &path].as_slice(), &["run", "--headless", &path]] {
            let said = refused(&place, command).await;
            assert!(told.iter().all(|word| said.contains(word)), "{told:?} in {said}");
        }
    }
}

#[tokio::test]
async fn what_is_no_plan_at_all_is_told_in_a_sentence() {
    let place = Place::new(&[("API", "http://127.0.0.1:9")]);
    let binary = write(&place, b"[plan]\nid = \"\xff\xfe\"\n");
    assert!(refused(&place, &["gate", &binary]).await.contains("UTF-8"));
    let folder = place.path("").display().to_string();
    assert!(refused(&place, &["gate", &folder]).await.contains("directory"));
    let long = write(&place, plan(&reads("one", "/")) + &"# a comment that never ends\n".repeat(200_000));
    assert!(refused(&place, &["gate", &long]).await.contains("MiB"));
    assert!(refused(&place, &["gate", "/dev/zero"]).await.contains("MiB"));
    for command in ["check", "run", "rehearse"] {
        assert!(refused(&place, &[command, "nowhere.toml"]).await.contains("nowhere.toml"));
    }
}

#[tokio::test]
async fn no_escape_sequence_of_a_server_reaches_the_terminal_or_the_journal() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m";
    let body = format!("{{\"status\":\"{}\",\"error\":{{\"code\":\"{0}\"}}}}", evil.escape_default());
    let raw = format!("{{\"status\":\"{evil}\"}}");
    let mut header = Answer::whole("application/json", "{}");
    header.head =
        [b"HTTP/1.1 403 \x1b]0;owned\x07\r\nx-evil: \x1b[2J\r\n", &header.head[b"HTTP/1.1 200 OK\r\n".len()..]]
            .concat();
    let json = serde_json::json!({ "status": evil, "error": { "code": evil, "message": evil } }).to_string();
    let server = Crude::start([
        ("/body", Answer::whole("application/json", body)),
        ("/raw", Answer::whole("application/json", raw)),
        ("/json", Answer::whole("application/json", json)),
        ("/header", header),
    ])
    .await;
    let items = ["body", "raw", "json", "header"].map(|name| reads(name, &format!("/{name}"))).concat();
    let place = Place::new(&[("API", &format!("http://{}", server.address))]);
    let plan = write(&place, plan(&items));
    let kept = place.path("kept");
    let ran = place.run(&["gate", &plan, "--journal", &kept.display().to_string()]).await;
    assert!(matches!(ran.code, Some(1 | 2)), "{ran:?}");
    let json = place.run(&["gate", &plan, "--json"]).await;
    for text in [&ran.out, &ran.err, &json.out, &json.err] {
        assert!(text.chars().all(|char| char == '\n' || !char.is_control()), "{text:?}");
    }
    for (path, bytes) in files(&kept) {
        let escapes = bytes.windows(4).any(|four| four == b"\x1b]0;" || four == b"\x1b[2J");
        assert!(!escapes, "{} holds an escape sequence", path.display());
    }
}

#[tokio::test]
async fn a_body_of_a_hundred_megabytes_is_not_kept_in_memory() {
    let mut endless = Answer::whole("application/json", "");
    endless.head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\"".to_vec();
    (endless.piece, endless.times) = (vec![b'x'; 1 << 20], 100);
    let server = Crude::start([("/large", endless)]).await;
    let place = Place::new(&[("API", &format!("http://{}", server.address))]);
    let path = write(&place, plan(&reads("large", "/large")));
    let mut child = place.start(&["gate", &path, "--json"]);
    let mut out = String::new();
    let mut told = child.stdout.take().expect("its output");
    // Read before it is waited for, a child that has ended still shows the most it ever held.
    let most = tokio::time::timeout(PATIENCE, async {
        told.read_to_string(&mut out).await.expect("text");
        let id = child.id().expect("not reaped");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(str::trim);
        line.and_then(|line| line.strip_suffix(" kB")?.trim().parse::<u64>().ok())
    });
    let most = most.await.expect("it ends");
    let code = child.wait().await.expect("it ran").code();
    let document: Value = serde_json::from_str(&out).expect("one document");
    assert!(matches!(code, Some(1 | 2)), "{document}");
    assert!(document["items"][0].to_string().contains("MiB"), "{document}");
    if let Some(most) = most {
        assert!(most < 100 * 1024, "{most} kB");
    }
}

#[tokio::test]
async fn an_answer_without_end_or_sense_has_an_end_and_a_verdict() {
    let endless = |head: &str, piece: &str| Answer {
        head: head.as_bytes().to_vec(),
        piece: piece.repeat(64 * 1024 / piece.len()).into_bytes(),
        times: 4_096,
    };
    let stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let server = Crude::start([
        ("/header", endless("HTTP/1.1 200 OK\r\nx-long: ", "x")),
        ("/headers", endless("HTTP/1.1 200 OK\r\n", "x-more: and more\r\n")),
        ("/line", endless(&format!("{stream}data: "), "x")),
        ("/event", endless(stream, "data: and more\n")),
        ("/utf-8", Answer::whole("application/json", b"{\"status\":\"\xff\xfe\"}")),
        ("/nonsense", Answer { head: b"\x00\x01\x02 not http at all\r\n\r\n".to_vec(), piece: Vec::new(), times: 0 }),
    ])
    .await;
    let sse = |id: &str| {
        format!(
            "[[phase.item]]\nid = \"{id}\"\ntitle = \"{id}\"\n[phase.item.sse]\nget = \"{{{{ api }}}}/{id}\"\n\
             deadline = \"20s\"\nuntil = {{ any = [{{ event = \"done\" }}] }}\n\n"
        )
    };
    let json = ["header", "headers", "utf-8", "nonsense"].map(|name| reads(name, &format!("/{name}"))).concat();
    let (ran, document) = gate(&server, &(json + &sse("line") + &sse("event")), &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let items = document["items"].as_array().expect("items");
    assert_eq!(items.len(), 6);
    for item in items {
        let expected = if item["id"] == "utf-8" { ["fail", "unknown"] } else { ["fail", "fail"] };
        assert!(expected.contains(&item["verdict"].as_str().expect("a verdict")), "{item}");
        assert!(item["took_ms"].as_u64() < Some(15_000), "{item}");
        assert!(item["summary"].as_str().is_some_and(|why| why.len() < 2_000 && !why.is_empty()), "{item}");
    }
}

#[tokio::test]
async fn a_secret_that_comes_back_is_shown_and_kept_nowhere() {
    let said = serde_json::json!({ "status": SECRET, "error": { "code": SECRET, "message": SECRET } }).to_string();
    let mut answer = Answer::whole("application/json", &said);
    let rest = answer.head.split_off(b"HTTP/1.1 200 OK\r\n".len());
    answer.head = [format!("HTTP/1.1 403 Forbidden\r\nx-token: {SECRET}\r\n").as_bytes(), &rest].concat();
    let server = Crude::start([("/echo", answer.clone()), ("/ok", Answer::whole("application/json", &said))]).await;
    let place = Place::new(&[("API", &format!("http://{}", server.address)), ("TOKEN", SECRET)]);
    let items = ["echo", "ok"].map(|id| {
        reads(id, &format!("/{id}")).replace(
            "expect = {",
            "headers = { Authorization = \"Bearer {{ token }}\" }\nexpect = { header = { x-token = \"other\" },",
        )
    });
    let text = plan(&items.concat()).replace("[[phase]]", "[secrets]\ntoken = { env = \"TOKEN\" }\n\n[[phase]]");
    let path = write(&place, text);
    let kept = place.path("kept");
    let ran = place.run(&["gate", &path, "--json", "--journal", &kept.display().to_string()]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let lines = place.run(&["gate", &path]).await;
    for text in [&ran.out, &ran.err, &lines.out, &lines.err] {
        assert!(!text.contains(SECRET), "{text}");
    }
    let found = files(&kept);
    assert!(found.iter().any(|(path, _)| path.ends_with("journal.db")), "the journal is kept");
    for (path, bytes) in found {
        let holds = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!holds, "{} holds the secret", path.display());
    }
}

/// Every file under `folder` with what is in it.
fn files(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                found.push((path, bytes));
            }
        }
    }
    found
}
