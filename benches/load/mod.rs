//! What a console of a bench has to bear: lines of a stream, and monitors of a server on loopback.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use anyhow::Result;

pub const MONITORS: usize = 100;
/// 50,000 lines a second: a tenth of a second of them each time, for as long as somebody reads.
const LINES: &str = r"while :; do printf '%.0srequest 200 in 12 ms\n' {1..5000}; sleep 0.1; done";

/// The tables of a plan; the server lives as long as the bench.
pub fn tables() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut asked = [0; 4_096];
                while let Ok(1..) = stream.read(&mut asked) {
                    if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
                        return;
                    }
                }
            });
        }
    });
    let mut tables = format!("[[stream]]\nid = \"app\"\nshell = '''{LINES}'''\n\n");
    for number in 0..MONITORS {
        writeln!(tables, "[[monitor]]\nid = \"m{number}\"\nevery = \"1s\"\nhttp = {{ get = \"{url}{number}\" }}\n")?;
    }
    Ok(tables)
}
