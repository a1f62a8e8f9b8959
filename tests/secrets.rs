//! No secret leaves by any way: a plan that uses secrets in every place it can, against a world that gives
//! them back in every way it can, flown by the program itself on a real terminal. Afterwards every file, the
//! process list and the screen are searched for every secret in every form.

#[path = "secrets/forms.rs"]
mod forms;
#[path = "secrets/seat.rs"]
mod seat;
#[path = "secrets/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use forms::{Wanted, carriers};
use seat::Seat;
use server::{Echo, IN_COOKIE, IN_HEADER, IN_JSON};
use tminus::base::zip::Archive;

const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\nAgEAAoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4R4\n-----END PRIVATE KEY-----";

/// What the environment and the file of the plan hold.
const PLANNED: [(&str, &str); 6] = [
    ("TM_ENV", "p4ß/w\"r+d é<&>!\\9Q"),
    ("TM_PREFIX", "prefix-9f31"),
    ("TM_LONGER", "prefix-9f31-and-more"),
    ("TM_HEADER", "hdr/7f3K+x=Zq\"1 ~"),
    ("TM_QUERY", "query?secret&with=every/thing %41"),
    ("TM_PEM", PEM),
];

/// Everything a test plants, with the folders it is planted in.
struct Planted {
    place: tempfile::TempDir,
    all: Vec<(String, String)>,
    server: Echo,
}

impl Planted {
    async fn new() -> Self {
        let mut all: Vec<(String, String)> =
            PLANNED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (name, value) in
            [("captured json", IN_JSON), ("captured header", IN_HEADER), ("captured cookie", IN_COOKIE)]
        {
            all.push((name.to_owned(), value.to_owned()));
        }
        let place = tempfile::tempdir().expect("a folder");
        let server = Echo::start(&all).await;
        for folder in ["plan", "home", "temp"] {
            fs::create_dir(place.path().join(folder)).expect("made");
        }
        let planted = Self { place, all, server };
        fs::write(planted.at("plan/key.pem"), format!("{PEM}\n")).expect("written");
        let loot: Vec<String> = planted.all.iter().flat_map(|(_, secret)| carriers(secret)).collect();
        fs::write(planted.at("plan/loot"), loot.join("\n")).expect("written");
        fs::write(planted.at("plan/captured"), format!("{IN_JSON} {IN_HEADER} {IN_COOKIE}")).expect("written");
        let text = include_str!("secrets/plan.toml")
            .replace("SERVER", &planted.server.address.to_string())
            .replace("LOOTFILE", &planted.at("plan/loot").display().to_string())
            .replace("CAPTUREDFILE", &planted.at("plan/captured").display().to_string());
        fs::write(planted.at("plan/plan.toml"), text).expect("written");
        planted
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn wanted(&self) -> Wanted {
        Wanted::of(&self.all)
    }

    /// The program on a terminal, with the secrets in its environment and folders of its own.
    fn seat(&self, arguments: &[&str], more: &[(&str, &str)]) -> Seat {
        let mut env: Vec<(String, String)> = PLANNED[..5].iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        env.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        env.push(("TMPDIR".to_owned(), self.at("temp").display().to_string()));
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Seat::start(arguments, &env, &self.at("home"), self.wanted())
    }

    fn launch(&self) -> Vec<String> {
        let (plan, launch) = (self.at("plan/plan.toml"), self.at("launch"));
        ["run", &plan.display().to_string(), "--launch", &launch.display().to_string(), "--as", "ops", "--name", "ana"]
            .map(str::to_owned)
            .to_vec()
    }

    /// Bundles the launch, and lays every file of the bundle where it is searched. How many there are.
    async fn bundled(&self) -> usize {
        let (launch, bundle) = (self.at("launch").display().to_string(), self.at("home/launch.zip"));
        let arguments = ["bundle".to_owned(), launch, "-o".to_owned(), bundle.display().to_string()];
        let mut seat = self.seat(&strings(&arguments), &[]);
        let made = tokio::task::spawn_blocking(move || (seat.until_over(), seat));
        let (code, seat) = made.await.expect("made");
        assert!(code == 0 && seat.leaks().is_empty(), "{code}: {}", seat.told());
        let mut archive = Archive::open(fs::File::open(&bundle).expect("there")).expect("sound");
        let count = archive.entries().len();
        for place in 0..count {
            let (content, _) = archive.content(place, u64::MAX).expect("sound");
            fs::write(self.at(&format!("temp/{place}")), content).expect("written");
        }
        count
    }

    /// Every file the program wrote, and what of the secrets is in it.
    fn leaks(&self) -> BTreeSet<String> {
        let wanted = self.wanted();
        let mut leaks = BTreeSet::new();
        for folder in ["launch", "home", "temp"] {
            for file in files(&self.at(folder)) {
                let name = file.strip_prefix(self.place.path()).expect("below it").display().to_string();
                for found in
                    wanted.found(name.as_bytes()).into_iter().chain(wanted.found(&fs::read(&file).expect("read")))
                {
                    leaks.insert(format!("{name}: {found}"));
                }
            }
        }
        leaks
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            folder if folder.is_dir() => found.extend(files(&folder)),
            file if file.is_file() => found.push(file),
            _ => {}
        }
    }
    found
}

fn strings(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_reaches_a_file_the_process_list_or_the_screen() {
    let planted = Planted::new().await;
    let all = planted.all.clone();
    let launch = planted.launch();
    let mut seat = planted.seat(&strings(&launch), &[]);
    let flown = tokio::task::spawn_blocking(move || {
        seat.sees("Checklist");
        // Every check and both steps have ended.
        for item in ["error-page", "json-seen", "redirect", "refused", "tls", "events", "command"] {
            seat.sees(&format!("✗ {item} "));
        }
        seat.sees("? no-command");
        // What people type: pasted, since a hand shows each letter before it knows the last.
        for (key, what) in [("n", "Note"), ("p", "Hold the countdown")] {
            seat.press(key);
            seat.sees(what);
            for (_, secret) in all.iter().filter(|(_, secret)| !secret.contains('\n')) {
                seat.press(&format!("\x1b[200~{secret} \x1b[201~"));
            }
            seat.press("\r");
            seat.until("the dialog gone", |shown| !shown.contains(what));
        }
        // Through the details of every line, and every pane.
        for _ in 0..16 {
            seat.press("j");
            seat.press("\r");
            seat.press("\x1b");
        }
        for _ in 0..8 {
            seat.press("\t");
            seat.press("z");
            seat.press("z");
        }
        for rollback in ["1", "2"] {
            seat.press("!");
            seat.sees("ROLLBACK: choose");
            seat.press(rollback);
            seat.sees("START IT");
            seat.press("\r");
            seat.sees(if rollback == "1" { "FAILED" } else { "NOT VERIFIED" });
            seat.press("\x1b");
            seat.until("the sheet gone", |shown| !shown.contains("START IT"));
        }
        seat.press("q");
        seat.until_over();
        seat
    });
    let seat = flown.await.expect("flown");
    let bundled = planted.bundled().await;
    let mut leaks = seat.leaks();
    leaks.extend(planted.leaks());
    assert!(leaks.is_empty(), "secrets came through:\n{}", Vec::from_iter(leaks).join("\n"));
    assert!(bundled > 40, "the bundle is of the whole launch: {bundled} files");

    // And it was all there to come through: nothing here is empty by mistake.
    let sent = planted.server.asked();
    for part in ["POST /login", "POST /error", "/json", "/redirect", "/events?tail", "/monitor", "/proof", "Bearer hdr"]
    {
        assert!(sent.contains(part), "{part} was not asked for");
    }
    let launch = planted.at("launch");
    for (file, least) in
        [("steps/command/1/stdout", 1_000), ("steps/command/1/stderr", 1_000), ("streams/tail.sse", 1_000)]
    {
        let text = fs::read_to_string(launch.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.len() > least && text.matches("«redacted»").count() > 50, "{file}: {text}");
    }
    let undone = files(&launch.join("rollback")).into_iter().filter(|file| file.ends_with("stdout")).count();
    assert!(undone >= 2, "both rollbacks ran their steps");
    assert!(seat.processes() > 3, "the process list was looked at");
}

/// What a panic is made to say: every secret in every way, and an escape sequence.
fn last_words(planted: &Planted) -> String {
    let loot: Vec<String> = planted.all.iter().flat_map(|(_, secret)| carriers(secret)).collect();
    format!("it broke at \u{1b}[31m{}", loot.join(" | "))
}

const PANICKED: &str = "a mistake of its own, at src/base/boundary.rs";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_beside_the_screen_is_in_the_log_without_secrets_and_the_console_goes_on() {
    let planted = Planted::new().await;
    let (launch, words) = (planted.launch(), last_words(&planted));
    let mut seat = planted.seat(
        &strings(&launch),
        &[("TMINUS_BOUNDARY", "intent-kept=panic"), ("TMINUS_BOUNDARY_WORDS", &words), ("RUST_BACKTRACE", "1")],
    );
    let flown = tokio::task::spawn_blocking(move || {
        seat.sees("✗ error-page ");
        seat.press("?");
        seat.sees("Choose and start a rollback");
        seat.press("\x1b");
        seat.press("q");
        seat.press("y");
        seat.until_over();
        seat
    });
    let seat = flown.await.expect("flown");
    let told = fs::read_to_string(planted.at("launch/console.log")).expect("a log");
    assert!(told.contains(PANICKED) && told.contains("it broke at") && told.contains("«redacted»"), "{told}");
    assert!(!seat.told().contains(PANICKED), "the screen is left alone");
    let mut leaks = seat.leaks();
    leaks.extend(planted.leaks());
    assert!(leaks.is_empty(), "secrets came through:\n{}", Vec::from_iter(leaks).join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_a_shim_or_a_runner_is_in_its_log_without_secrets() {
    for (boundary, rolls_back, log) in
        [("command-started=panic", false, "shim.log"), ("shim-spawned=panic", true, "runner.log")]
    {
        let planted = Planted::new().await;
        let (launch, words) = (planted.launch(), last_words(&planted));
        if rolls_back {
            // No step of the console's own: the runner is the first to start a shim.
            let plan = planted.at("plan/plan.toml");
            let text = fs::read_to_string(&plan).expect("read").replace("auto = true", "auto = false");
            fs::write(plan, text).expect("written");
        }
        let mut seat = planted.seat(
            &strings(&launch),
            &[("TMINUS_BOUNDARY", boundary), ("TMINUS_BOUNDARY_WORDS", &words), ("RUST_BACKTRACE", "0")],
        );
        let flown = tokio::task::spawn_blocking(move || {
            seat.sees("✗ error-page ");
            if rolls_back {
                seat.press("!");
                seat.sees("ROLLBACK: choose");
                seat.press("1");
                seat.sees("START IT");
                seat.press("\r");
                seat.sees("FAILED");
                seat.press("\x1b");
            } else {
                seat.sees("? command ");
            }
            seat.press("q");
            seat.press("y");
            seat.until_over();
            seat
        });
        let seat = flown.await.expect("flown");
        let logs = files(&planted.at("launch")).into_iter().filter(|file| file.ends_with(log));
        let told: String = logs.map(|file| fs::read_to_string(file).expect("read")).collect();
        assert!(told.contains(PANICKED) && told.contains("«redacted»"), "{log}: {told}");
        assert!(!told.contains('\u{1b}'), "{log}: {told}");
        let mut leaks = seat.leaks();
        leaks.extend(planted.leaks());
        assert!(leaks.is_empty(), "secrets came through:\n{}", Vec::from_iter(leaks).join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_run_tells_no_secret() {
    let planted = Planted::new().await;
    let (plan, kept) = (planted.at("plan/plan.toml").display().to_string(), planted.at("launch").display().to_string());
    let mut seat = planted.seat(&["gate", &plan, "looks", "--json", "--journal", &kept], &[]);
    let flown = tokio::task::spawn_blocking(move || {
        seat.until_over();
        seat
    });
    let seat = flown.await.expect("flown");
    assert!(seat.told().contains("json-seen") && seat.told().contains("«redacted»"), "{}", seat.told());
    let mut leaks = seat.leaks();
    leaks.extend(planted.leaks());
    assert!(leaks.is_empty(), "secrets came through:\n{}", Vec::from_iter(leaks).join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_among_the_arguments_is_refused_by_name_and_by_value_and_not_told() {
    for (from, to) in [
        ("test -n \"$A\"", "deploy --token=prefix-9f31"),
        ("command = [\"/no/such/program\"]", "command = [\"sh\", \"-c\", \"login {{ prefix }}\"]"),
        ("command = [\"/no/such/program\"]", "command = [\"sh\", \"-c\", \"login {{ same }}\"]"),
        ("command = [\"true\"]", "command = [\"undo\", \"--key={{ same }}\"]"),
        ("command = [\"true\"]", "command = [\"undo\"]\ncwd = \"/srv/{{ longer }}\""),
    ] {
        let planted = Planted::new().await;
        let plan = planted.at("plan/plan.toml");
        let text = fs::read_to_string(&plan).expect("read");
        assert!(text.contains(from), "{from}");
        let text = text.replace(from, to).replace("[secrets]", "[vars]\nsame = { env = \"TM_LONGER\" }\n\n[secrets]");
        fs::write(plan, text).expect("written");
        let launch = planted.launch();
        let mut seat = planted.seat(&strings(&launch), &[]);
        let flown = tokio::task::spawn_blocking(move || (seat.until_over(), seat));
        let (code, seat) = flown.await.expect("flown");
        assert!(code == 3 && seat.told().contains("secret-in-argv"), "{to}: {}", seat.told());
        assert!(!planted.at("launch").exists(), "nothing was opened");
        // What the plan's own text holds is shown where it stands; a value out of the environment is not.
        assert!(to.contains("prefix-9f31") || seat.leaks().is_empty(), "{:?}", seat.leaks());
    }
}
