//! What stands for a step's command in a rehearsal: it asks the simulated target what the step comes to,
//! prints what the target says and exits as it says. Nothing else is run.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde::Deserialize;

use crate::kind::check::simulated::encoded;

/// Exit code where the target did not say: unknown, not fail.
const NOT_TOLD: i32 = 126;
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: u64 = 4 << 20;

#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub exit: i32,
    #[serde(default)]
    pub stdout: String,
}

/// `POST URL/__tminus/step/STEP`; answers the exit code the target gave.
#[must_use]
pub fn simulate(url: &str, step: &str) -> i32 {
    let told = ask(url, step).and_then(|answer| {
        io::stdout().write_all(answer.stdout.as_bytes())?;
        io::stdout().flush()?;
        Ok(answer.exit)
    });
    told.unwrap_or_else(|error| {
        eprintln!("failed to ask the simulated target for `{step}`: {error}");
        NOT_TOLD
    })
}

/// What the target says that `step` comes to.
///
/// # Errors
/// The target did not answer, or not so.
pub(super) fn ask(url: &str, step: &str) -> io::Result<Answer> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let host = url.strip_prefix("http://").ok_or_else(|| wrong("its address is no http://HOST:PORT"))?;
    let host = host.trim_end_matches('/');
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // 1.0, so that the answer is plain and ends with the connection.
    let path = encoded(step);
    write!(stream, "POST /__tminus/step/{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_LIMIT).read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(|| wrong("no HTTP answer"))?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(wrong(&format!("it answered {status}")));
    }
    Ok(serde_json::from_slice(&answer[end + 4..])?)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answering(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a request");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a byte");
                request.push(byte[0]);
            }
            stream.write_all(answer.as_bytes()).expect("answered");
            String::from_utf8(request).expect("text")
        });
        (url, served)
    }

    #[test]
    fn the_target_is_asked_for_the_step_and_says_how_it_ends() {
        let (url, served) = answering("HTTP/1.0 200 OK\r\nX: y\r\n\r\n{\"exit\":3,\"stdout\":\"\"}");
        assert_eq!(simulate(&url, "frontend/redeploy[a b]"), 3);
        let request = served.join().expect("served");
        assert!(request.starts_with("POST /__tminus/step/frontend/redeploy%5Ba%20b%5D HTTP/1.0\r\n"), "{request}");
    }

    #[test]
    fn a_target_that_does_not_say_makes_it_unknown() {
        for answer in ["HTTP/1.0 404 Not Found\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n{}", "nonsense", ""] {
            let (url, served) = answering(answer);
            assert_eq!(simulate(&url, "x"), NOT_TOLD, "{answer}");
            served.join().expect("served");
        }
        assert_eq!(simulate("http://127.0.0.1:1", "x"), NOT_TOLD);
        assert_eq!(simulate("ftp://x", "x"), NOT_TOLD);
    }
}
