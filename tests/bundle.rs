//! `tminus bundle`: one file of everything a launch leaves, the same bytes for the same launch, which verifies where
//! nothing of the launch is, and holds no value of the environment; what a record names by hash is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::anywhere::{Launch, stopped};
use crate::binary::{Place, Ran, ended, signal};
use crate::told::records;
use rustix::process::Signal;
use tminus::launch::artifact::name_of;
use tminus::launch::event::Event;

const PLACE: &str = "the-place-it-is-flown-to";
const TOKEN: &str = "hunter22-very-long";

/// A large answer, an output of two MiB, checks by origin, variables and a secret of the environment.
const PLAN: &str = r#"
[plan]
schema = 1
id = "shop"
title = "Shop"
environment = "test"
release = { version = "1.2" }

[clock]
start = "T-1s"

[vars]
place = { env = "SHOP_PLACE" }
origins = ["https://a.example", "https://b.example"]

[secrets]
token = { env = "SHOP_TOKEN" }

[[phase]]
id = "ready"
title = "Ready"
at = "T-1s"

[[phase.item]]
id = "wide"
title = "A large answer"
[phase.item.command]
shell = "seq 1 20000; echo $TOKEN"
env = { TOKEN = "{{ token }}" }
expect = { stdout = '20000' }

[[phase.item]]
id = "smoke"
title = "Smoke"
for_each = { origin = "origins" }
[phase.item.command]
command = ["echo", "{{ origin }}"]
expect = { stdout = 'https' }

[[phase]]
id = "late"
title = "Late"
at = "T+1s"

[[phase.item]]
id = "deploy"
title = "Deploy"
class = "once"
auto = true
[phase.item.run]
command = ["bash", "-c", "seq 1 300000; echo to {{ place }}; echo done >&2"]

[[evidence]]
id = "wide-answer"
title = "The large answer"
items = ["wide"]
"#;

struct Site {
    place: Place,
    launch: PathBuf,
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl Site {
    async fn flown() -> Self {
        let place = Place::new(&[("SHOP_PLACE", PLACE), ("SHOP_TOKEN", TOKEN)]);
        let (plan, launch) = (place.path("shop.toml"), place.path("launch"));
        fs::write(&plan, PLAN).expect("written");
        let ran = place.run(&["run", &shown(&plan), "--headless", "--launch", &shown(&launch)]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        Self { place, launch }
    }

    async fn bundle(&self, name: &str, more: &[&str]) -> PathBuf {
        let path = self.place.path(name);
        let arguments = ["bundle", &shown(&self.launch), "-o", &shown(&path)];
        let ran = self.place.run(&[&arguments, more].concat()).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        path
    }

    async fn verify(&self, bundle: &Path, more: &[&str]) -> Ran {
        self.place.run(&[&["verify", &shown(bundle)], more].concat()).await
    }
}

/// Each file of a bundle as another program reads it; none where there is no Python.
fn unpacked(bundle: &Path, to: &Path) -> Option<Vec<String>> {
    let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                  z.extractall(sys.argv[2])\nprint('\\n'.join(z.namelist()))";
    let Ok(ran) = Command::new("python3").args(["-c", script]).arg(bundle).arg(to).output() else {
        assert!(std::env::var_os("CI").is_none(), "python3 is not installed");
        return None;
    };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(String::from_utf8_lossy(&ran.stdout).lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn a_launch_is_one_file_that_verifies_where_nothing_of_it_is() {
    let site = Site::flown().await;
    let bundle = site.bundle("shop.zip", &[]).await;
    let again = site.bundle("again.zip", &[]).await;
    assert_eq!(fs::read(&bundle).expect("read"), fs::read(&again).expect("read"), "the same bytes");
    let whole = site.place.run(&["verify", &shown(&site.launch)]).await;
    assert_eq!(whole.code, Some(0), "bundling changed nothing: {whole:?}");

    // Records name what they stand on, and the launch has it.
    let records = records(&site.launch);
    let kept = records.iter().find_map(|record| match &record.event {
        Event::ItemEnded { item, report, .. } if item.as_str() == "wide" => report.exchange.clone(),
        _ => None,
    });
    let kept = kept.expect("it was looked at");
    let [artifact] = kept.kept.as_slice() else { panic!("one body is cut: {:?}", kept.kept) };
    assert!(kept.body_cut && artifact.name == "stdout" && artifact.bytes > 100_000, "{artifact:?}");
    let body = fs::read(site.launch.join(artifact.place())).expect("kept");
    assert_eq!(name_of(&body), artifact.sha256);
    assert!(!String::from_utf8_lossy(&body).contains(TOKEN));
    let outputs = records.iter().find_map(|record| match &record.event {
        Event::StepEnded { outcome, .. } => Some(outcome.kept.clone()),
        _ => None,
    });
    let outputs = outputs.expect("it ran");
    assert_eq!(outputs.iter().map(|kept| kept.name.as_str()).collect::<Vec<_>>(), ["stdout", "stderr"]);
    let stdout = fs::read(site.launch.join("steps/deploy/1/stdout")).expect("there");
    assert_eq!(name_of(&stdout), outputs[0].sha256);

    fs::rename(&site.launch, site.place.path("away")).expect("moved");
    let seen = site.verify(&bundle, &[]).await;
    assert_eq!(seen.code, Some(0), "{seen:?}");
    for wanted in ["bundle of Shop, 1.2, test", "not signed", "whole: every file", "every artifact that a record names"]
    {
        assert!(seen.out.contains(wanted), "{wanted}: {}", seen.out);
    }
    let json: serde_json::Value =
        serde_json::from_str(&site.verify(&bundle, &["--json"]).await.out).expect("one document");
    assert_eq!((&json["verdict"], &json["mode"]), (&"whole".into(), &"launch".into()), "{json:#}");

    let to = site.place.path("unpacked");
    let Some(names) = unpacked(&bundle, &to) else { return };
    let a = "logs/https%3a%2f%2fa.example.log";
    let made = ["gates.md", "environment.json", "report.html", "report.md"];
    for name in made.into_iter().chain(["plan.toml", "journal.jsonl", "steps/deploy/1/stdout", a, &artifact.place()]) {
        assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
    }
    assert_eq!(names.last().map(String::as_str), Some("manifest.json"));
    let read = |name: &str| fs::read_to_string(to.join(name)).expect(name);
    let manifest: serde_json::Value = serde_json::from_str(&read("manifest.json")).expect("JSON");
    assert_eq!(manifest["_type"], "https://in-toto.io/Statement/v1");
    for subject in manifest["subject"].as_array().expect("subjects") {
        let bytes = fs::read(to.join(subject["name"].as_str().expect("a name"))).expect("there");
        assert_eq!(subject["digest"]["sha256"], name_of(&bytes));
    }
    assert!(read("gates.md").contains("| smoke |  | pass | pass |"), "{}", read("gates.md"));
    assert!(read(a).contains("smoke[https://a.example]") && !read(a).contains("b.example"), "{}", read(a));
    let environment: serde_json::Value = serde_json::from_str(&read("environment.json")).expect("JSON");
    assert_eq!(environment["variables"]["SHOP_PLACE"]["sha256"], name_of(PLACE.as_bytes()));
    assert_eq!(environment["secrets"], serde_json::json!(["SHOP_TOKEN"]));
    for name in names {
        let text = String::from_utf8_lossy(&fs::read(to.join(&name)).expect("read")).into_owned();
        assert!(!text.contains(TOKEN), "{name} has the secret");
        // What the command printed is what it printed: the environment is told by no file of ours.
        assert!(name.starts_with("steps/") || !text.contains(PLACE), "{name} has a value of the environment");
    }
}

#[tokio::test]
async fn a_key_vouches_for_a_bundle_and_any_other_tool_can_tell() {
    let site = Site::flown().await;
    let at = |name: &str| shown(&site.place.path(name));
    for (name, code) in [("key", Some(0)), ("key", Some(3)), ("other", Some(0))] {
        let made = site.place.run(&["keygen", &at(name)]).await;
        assert_eq!(made.code, code, "{made:?}");
    }
    let bundle = site.bundle("shop.zip", &["--key", &at("key")]).await;
    let own = site.verify(&bundle, &["--key", &at("key.pub")]).await;
    assert_eq!(own.code, Some(0), "{own:?}");
    assert!(own.out.contains("the signature of the key given"), "{}", own.out);
    let others = site.verify(&bundle, &["--key", &at("other.pub")]).await;
    assert_eq!(others.code, Some(1), "{others:?}");
    let plain = site.bundle("plain.zip", &[]).await;
    assert_eq!(site.verify(&plain, &["--key", &at("key.pub")]).await.code, Some(1), "not signed");
    assert_eq!(site.verify(&plain, &["--key", &at("shop.toml")]).await.code, Some(3), "no key");
    assert_eq!(site.verify(&site.launch, &["--key", &at("key.pub")]).await.code, Some(3), "a folder is not signed");

    let to = site.place.path("unpacked");
    if unpacked(&bundle, &to).is_none() || Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "openssl is not installed");
        return;
    }
    let script = "import sys, json, base64\ne = json.load(open(sys.argv[1] + '/manifest.dsse.json'))\n\
                  p = base64.b64decode(e['payload']); t = e['payloadType'].encode()\n\
                  assert p == open(sys.argv[1] + '/manifest.json', 'rb').read()\n\
                  open(sys.argv[1] + '/pae', 'wb').write(b'DSSEv1 %d %s %d %s' % (len(t), t, len(p), p))\n\
                  open(sys.argv[1] + '/sig', 'wb').write(base64.b64decode(e['signatures'][0]['sig']))";
    let ran = Command::new("python3").args(["-c", script]).arg(&to).output().expect("ran");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let proves = |key: &str| {
        let (said, sig) = (shown(&to.join("pae")), shown(&to.join("sig")));
        let words = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", &said, "-sigfile", &sig];
        Command::new("openssl").args(words).output().expect("ran").status.success()
    };
    assert!(proves(&at("key.pub")) && !proves(&at("other.pub")));
}

#[tokio::test]
async fn a_rehearsal_is_bundled_as_what_it_is_and_verifies_as_nothing_else() {
    let place = Place::new(&[]);
    let launch = place.path("rehearsal");
    let ran = place.run(&["rehearse", "--headless", "--launch", &shown(&launch)]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let site = Site { place, launch };
    let bundle = site.bundle("rehearsal.zip", &[]).await;
    let taken = site.verify(&bundle, &[]).await;
    assert_eq!(taken.code, Some(1), "{taken:?}");
    assert!(taken.out.contains("REHEARSAL of") && taken.out.contains("no launch"), "{}", taken.out);
    let asked = site.verify(&bundle, &["--rehearsal"]).await;
    assert_eq!(asked.code, Some(0), "{asked:?}");
    assert!(asked.out.ends_with("REHEARSAL: it proves nothing of a launch\n"), "{}", asked.out);
    for wanted in ["rollback 1-", "every block of samples", "the rollbacks' logs"] {
        assert!(asked.out.contains(wanted), "{wanted}: {}", asked.out);
    }
    let to = site.place.path("unpacked");
    let Some(names) = unpacked(&bundle, &to) else { return };
    let decisions = names.iter().filter(|name| name.starts_with("decisions/")).count();
    assert!(decisions >= 2, "{names:?}");
}

#[tokio::test]
async fn what_was_taken_from_a_launch_is_named_by_its_folder_and_by_its_bundle() {
    let site = Site::flown().await;
    let artifact =
        fs::read_dir(site.launch.join("artifacts")).expect("there").next().expect("one").expect("one").path();
    let name = artifact.file_name().expect("a name").to_string_lossy().into_owned();
    let whole = fs::read(&artifact).expect("read");
    type Damage<'a> = Box<dyn Fn() + 'a>;
    let damages: [(Damage<'_>, String); 3] = [
        (
            Box::new(|| fs::write(&artifact, b"swapped").expect("written")),
            format!("artifacts/{name}: it is another file than the one whose hash is its name"),
        ),
        (Box::new(|| fs::remove_file(&artifact).expect("removed")), format!("artifacts/{name}: record")),
        (
            Box::new(|| fs::write(site.launch.join("steps/deploy/1/stderr"), b"fine\n").expect("written")),
            "steps/deploy/1/stderr: record".to_owned(),
        ),
    ];
    for (at, (damage, wanted)) in damages.iter().enumerate() {
        fs::write(&artifact, &whole).expect("restored");
        damage();
        let folder = site.place.run(&["verify", &shown(&site.launch)]).await;
        assert_eq!(folder.code, Some(1), "{folder:?}");
        assert!(folder.out.contains(wanted), "{wanted}: {}", folder.out);
        let bundle = site.bundle(&format!("{at}.zip"), &[]).await;
        let bundled = site.verify(&bundle, &[]).await;
        assert_eq!(bundled.code, Some(1), "{bundled:?}");
        assert!(bundled.out.contains(wanted), "{wanted}: {}", bundled.out);
    }
}

#[tokio::test]
async fn nothing_is_written_over_and_nothing_half_is_left() {
    let site = Site::flown().await;
    let bundle = site.bundle("shop.zip", &[]).await;
    let before = fs::read(&bundle).expect("read");
    let again = site.place.run(&["bundle", &shown(&site.launch), "-o", &shown(&bundle)]).await;
    assert_eq!(again.code, Some(3), "{again:?}");
    assert!(again.err.contains("is there already"), "{again:?}");
    assert_eq!(fs::read(&bundle).expect("read"), before);
    let nowhere = site.place.path("none/shop.zip");
    assert_eq!(site.place.run(&["bundle", &shown(&site.launch), "-o", &shown(&nowhere)]).await.code, Some(3));
    let junk = site.place.path("junk.zip");
    fs::write(&junk, b"no zip").expect("written");
    let seen = site.verify(&junk, &[]).await;
    assert_eq!(seen.code, Some(1), "{seen:?}");
    assert!(seen.out.contains("no ZIP archive"), "{}", seen.out);
    let left = fs::read_dir(site.place.path(".")).expect("read").flatten();
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().ends_with(".new")));
}

#[tokio::test]
async fn a_launch_that_goes_on_is_bundled_as_it_was_at_one_moment() {
    let launch = Launch::new("true").await;
    let holder = launch.holder().await;
    let at = launch.at();
    let path = launch.place.path("moment.zip").display().to_string();
    // It has read the journal, and what goes with it; the files come now.
    let making = launch.start(&["bundle", &at, "-o", &path], &[("TMINUS_BOUNDARY", "bundle-moment=stop")]);
    stopped(&making).await;
    let before = records(&launch.folder).len();
    let noted = ended(launch.start(&["note", &at, "one more", "--name", "bob"], &[])).await;
    assert_eq!(noted.code, Some(0), "{noted:?}");
    assert!(records(&launch.folder).len() > before);
    signal(&making, Signal::CONT);
    let made = ended(making).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let verified = ended(launch.start(&["verify", &path], &[])).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    signal(&holder, Signal::KILL);
}
