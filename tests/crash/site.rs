//! What a flight flies: a plan with real steps after T-0, the script they run, the server its checks ask.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use super::chance::Chance;

/// Steps of a launch.
const STEPS: u32 = 36;
/// The rollback of every plan.
pub const ROLLBACK: &str = "back";
/// A mark has this many steps: most consoles die and are followed between two marks, and what came due while
/// nobody watched waits for somebody.
const TOGETHER: u32 = 6;
/// From one step to the next, on average.
const APART_MS: u32 = 70;

/// Appends a line when it begins and one just before it ends: `ITEM ATTEMPT begin|end CODE PID`. Its attempt
/// stands in the arguments of its shim; where the shim died before it could look, it says `?`.
const ACT: &str = r#"
item=$1 code=$2 pause=$3 how=$4
attempt='?'
if { mapfile -d '' -t shim < /proc/$PPID/cmdline; } 2>/dev/null && [[ ${shim[1]} == __shim ]]; then
    attempt=${shim[2]##*/}
    attempt=${attempt##*.}
fi
echo "$item $attempt begin - $$" >> "$LOG"
[[ $how == child ]] && { sleep 0.06 & }
[[ $pause == 0 ]] || sleep "$pause"
echo "printed by $item"
echo "$item $attempt end $code $$" >> "$LOG"
exit "$code"
"#;

/// What steps exit with: 3 is mapped to a warning.
const CODES: [i32; 4] = [0, 0, 3, 7];
const CLASSES: [&str; 3] = ["once", "idempotent", "readonly"];

/// Writes plan and script into `home`; the plan's path. With a `countdown` it begins 1.8 s before T-0, with
/// a gate, a hold and a baseline on the way; else at T-0.
pub fn plan(home: &Path, chance: &mut Chance, server: &str, countdown: bool) -> std::path::PathBuf {
    std::fs::write(home.join("act.sh"), ACT).expect("written");
    let mut text = String::from(
        "[plan]\nschema = 1\nid = \"crash\"\ntitle = \"A launch to be killed\"\nenvironment = \"test\"\n\n",
    );
    let mut items = Items { home, chance, server };
    if countdown {
        let _ = write!(
            text,
            "[clock]\nstart = \"T-1800ms\"\nholds = [{{ at = \"T-900ms\", for = \"30ms\" }}]\n\n\
             [baseline]\nprevious = {{ http = \"{server}/previous\", jq = \".version\" }}\n\n\
             [[phase]]\nid = \"gate\"\ntitle = \"Gate\"\nat = \"T-1700ms\"\ngate = true\n\n\
             [[phase.item]]\nid = \"good-gate\"\n[phase.item.http]\nget = \"{server}/gate\"\n\
             expect = {{ status = 200 }}\n\n\
             [[phase]]\nid = \"before\"\ntitle = \"Before\"\nat = \"T-1600ms\"\n\n"
        );
        (1..=15).for_each(|number| items.step(&mut text, number, &format!("T-{}ms", 1600 - number * 100)));
    }
    text.push_str("[[phase]]\nid = \"act\"\ntitle = \"Act\"\nat = \"T-0\"\n\n");
    let first = if countdown { 20 } else { 0 };
    for number in first..STEPS {
        let at = format!("T+{}ms", (number - first) / TOGETHER * TOGETHER * APART_MS);
        items.step(&mut text, number, &at);
        items.more(&mut text, number, &at);
    }
    let log = home.join("log").display().to_string();
    let _ = write!(text, "[[rollback]]\nid = \"{ROLLBACK}\"\nkey = \"1\"\n\n");
    for step in ["once-back", "idempotent-back", "readonly-back"] {
        let class = step.trim_end_matches("-back");
        let _ = write!(
            text,
            "[[rollback.step]]\nid = \"{step}\"\nclass = \"{class}\"\ntimeout = \"30s\"\n[rollback.step.run]\n\
             command = [\"bash\", \"act.sh\", \"{step}\", \"0\", \"0.05\", \"alone\"]\nenv = {{ LOG = \"{log}\" }}\n\n"
        );
    }
    let _ = write!(
        text,
        "[[rollback.verify]]\nid = \"looked\"\n[rollback.verify.http]\nget = \"{server}/back\"\n\
         expect = {{ status = 200 }}\n"
    );
    let path = home.join("plan.toml");
    std::fs::write(&path, text).expect("written");
    path
}

/// Writes items of a plan.
struct Items<'a> {
    home: &'a Path,
    chance: &'a mut Chance,
    server: &'a str,
}

impl Items<'_> {
    fn step(&mut self, text: &mut String, number: u32, at: &str) {
        let (class, code) = (*self.chance.of_slice(&CLASSES), *self.chance.of_slice(&CODES));
        let how = if self.chance.one_in(8) { "child" } else { "alone" };
        let pause = self.chance.below(6);
        let pause = if pause == 0 { "0".to_owned() } else { format!("0.0{}", pause - 1) };
        let _ = write!(
            text,
            "[[phase.item]]\nid = \"{class}-{number}\"\nclass = \"{class}\"\nauto = true\nat = \"{at}\"\n\
             timeout = \"30s\"\n[phase.item.run]\ncommand = [\"bash\", \"act.sh\", \"{class}-{number}\", \"{code}\", \
             \"{pause}\", \"{how}\"]\nenv = {{ LOG = \"{}\" }}\nexit = {{ 3 = \"warn\" }}\n\n",
            self.home.join("log").display(),
        );
    }

    /// Now and then a check, or a wait.
    fn more(&mut self, text: &mut String, number: u32, at: &str) {
        if number % 6 == 2 {
            let (name, wanted) = if self.chance.one_in(2) { ("good", 200) } else { ("bad", 201) };
            let _ = write!(
                text,
                "[[phase.item]]\nid = \"{name}-{number}\"\nat = \"{at}\"\n[phase.item.http]\n\
                 get = \"{}/{number}\"\nexpect = {{ status = {wanted} }}\n\n",
                self.server,
            );
        }
        if number % 12 == 5 {
            let _ = write!(text, "[[phase.item]]\nid = \"wait-{number}\"\nat = \"{at}\"\nwait.for = \"150ms\"\n\n");
        }
    }
}

/// A server that answers 200 to everything, after a while; ends with the process.
pub fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            std::thread::spawn(move || {
                let mut request = [0; 2048];
                let _ = stream.read(&mut request);
                // It has said all: this read ends with its time.
                let wait = std::time::Duration::from_millis(1 + u64::from(request[8] % 4) * 10);
                let _ = stream.set_read_timeout(Some(wait)).and_then(|()| stream.read(&mut [0]));
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"version\":\"1\"}");
            });
        }
    });
    format!("http://{address}")
}

/// A rehearsal in small: a hold, a poll, a rollback.
pub fn rehearsal(home: &Path) -> std::path::PathBuf {
    let path = home.join("plan.toml");
    std::fs::write(&path, include_str!("../rehearsal_plan/plan.toml")).expect("written");
    path
}

/// Boundaries that a launch comes to while it is opened.
pub const OPENING: [&str; 7] =
    ["folder-made", "journal-made", "journal-begun", "epoch-raised", "plan-frozen", "reserve-kept", "launch-filed"];

/// Boundaries on its way.
pub const FLYING: [&str; 20] = [
    "append",
    "append-in-transaction",
    "append-kept",
    "head-filed",
    "beat-kept",
    "intent-kept",
    "intent-written",
    "shim-spawned",
    "shim-started",
    "outcome-learnt",
    "shim-begun",
    "claim-locked",
    "shim-claimed",
    "command-started",
    "command-ended",
    "outcome-written",
    "claim-released",
    "request-taken",
    "request-decided",
    "baseline-kept",
];
