//! A bundle is whole, whatever is done to it is named, and no bit of it changes unseen.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::base::secret::Redactor;
use crate::base::zip::Writer;
use crate::cli::verify::look::Said;
use crate::evidence::artifacts::Artifacts;
use crate::evidence::bundle::key::Secret;
use crate::evidence::bundle::write::{Parts, write};
use crate::journal::{self, Draft, Durable, Holder, LaunchFolder, Purpose};
use crate::launch::artifact::{Artifact, Whole, name_of};
use crate::launch::board::Board;
use crate::launch::event::Event;
use crate::launch::plan::Release;
use crate::launch::samples::{Flight, plan};
use crate::launch::time::Wall;
use crate::launch::verdict::{Exchange, Outcome, Report, Verdict};

/// A launch of `mode` with a check whose answer is an artifact, and a step with an output; and its bundle.
struct Site {
    place: tempfile::TempDir,
    bundle: PathBuf,
}

fn secret(seed: u8) -> Secret {
    Secret::of([seed; 32]).expect("a key")
}

/// The flight's records as drafts, its first one for this plan.
fn drafts(mode: Mode, simulated: bool, hash: &str, artifact: &Artifact, outputs: &[Artifact; 2]) -> Vec<Draft> {
    let flight = Flight::of(plan());
    let drafts: Vec<Draft> = flight.records.iter().cloned().map(Draft::from).collect();
    let opened = Event::LaunchOpened {
        plan: "sample".into(),
        plan_hash: hash.to_owned(),
        mode,
        start: 0,
        release: Release { version: Some("1.2".into()), ..Release::default() },
        target: None,
    };
    let one = |event| Draft { event, ..drafts[0].clone() };
    let exchange = Exchange { body_cut: true, kept: vec![artifact.clone()], ..Exchange::default() };
    let report =
        Report { exchange: Some(exchange), ..Report::plain(Verdict::Pass, "as expected", std::time::Duration::ZERO) };
    let attempt = crate::launch::id::Attempt(1);
    let deployed = |item: &str, output: &Artifact| Event::StepEnded {
        item: item.into(),
        attempt,
        verdict: Verdict::Pass,
        outcome: Outcome { exit: Some(0), kept: vec![output.clone()], simulated, ..Outcome::default() },
    };
    let more = [
        opened,
        Event::ItemEnded { item: "health".into(), attempt, report },
        deployed("deploy", &outputs[0]),
        Event::noted("fourth"),
        deployed("check", &outputs[1]),
    ]
    .map(one);
    more.to_vec()
}

impl Site {
    async fn new(mode: Mode, key: Option<&Secret>) -> Self {
        Self::flown(mode, mode == Mode::Rehearsal, key).await
    }

    /// Whose steps were `simulated`, or ran.
    async fn flown(mode: Mode, simulated: bool, key: Option<&Secret>) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let launch = place.path().join("launch");
        let folder = LaunchFolder::create(&launch).expect("made");
        fs::write(folder.plan(), "the plan").expect("written");
        let whole = Whole { name: "response body", bytes: vec![b'x'; 20_000].into(), cut: false };
        let artifact = Artifacts::of(&launch).keep(&[whole], &Redactor::default()).remove(0);
        let outputs = [("deploy", "deployed\n"), ("check", "checked\n")].map(|(item, text)| {
            let dir = launch.join("steps").join(item).join("1");
            folder.make(&dir).expect("made");
            fs::write(dir.join("stdout"), text).expect("written");
            fs::write(dir.join("stderr"), "").expect("written");
            Artifact { name: "stdout".into(), sha256: name_of(text.as_bytes()), bytes: text.len() as u64, cut: false }
        });
        let ann = Purpose::Act(Holder::here("ann", Wall::default()));
        let journal = journal::open(&folder, ann).expect("opens").journal.expect("to act");
        let drafts = drafts(mode, simulated, &name_of(b"the plan"), &artifact, &outputs);
        journal.append(drafts, Durable::Synced).await.expect("appends");
        journal.close().await;
        let site = Self { bundle: place.path().join("bundle.zip"), place };
        site.make(key, &site.bundle);
        site
    }

    fn make(&self, key: Option<&Secret>, path: &Path) {
        let folder = LaunchFolder::open(self.place.path().join("launch")).expect("there");
        let parts = Parts {
            folder: &folder,
            board: Some(Board::new(Arc::new(plan()))),
            redactor: Redactor::default(),
            environment: b"{}\n".to_vec(),
            more: vec![("report.md".to_owned(), b"# A report\n".to_vec())],
            key,
            made_by: "a test".to_owned(),
        };
        write(parts, File::create_new(path).expect("made")).expect("bundled");
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.bundle).expect("read")
    }

    fn look(&self, bytes: &[u8], wanted: Wanted) -> Bundle {
        let path = self.place.path().join("looked.zip");
        fs::write(&path, bytes).expect("written");
        look(&path, wanted).expect("read")
    }

    /// Every file of the bundle.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut archive = Archive::open(File::open(&self.bundle).expect("there")).expect("sound");
        let names: Vec<String> = archive.entries().iter().map(|entry| entry.name.clone()).collect();
        let content = |(place, name): (usize, String)| (name, archive.content(place, u64::MAX).expect("sound").0);
        names.into_iter().enumerate().map(content).collect()
    }
}

fn packed(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = Writer::new(io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let own = [MANIFEST, ENVELOPE].contains(&name.as_str());
        if own { zip.stored(name, content) } else { zip.whole(name, content) }.expect("written");
    }
    zip.finish().expect("finished").into_inner()
}

/// The same with a manifest that tells of the files as they are: what somebody without the key can do.
fn forged(mut files: Vec<(String, Vec<u8>)>) -> Vec<u8> {
    let place = files.iter().position(|(name, _)| name == MANIFEST).expect("a manifest");
    let mut statement = Statement::read(&files.remove(place).1).expect("sound");
    files.truncate(place);
    let mut zip = Writer::new(io::Cursor::new(Vec::new()));
    let sums = files.iter().map(|(name, content)| Subject::new(name, &zip.whole(name, content).expect("written")));
    statement.subject = sums.collect();
    let journal = &files.iter().find(|(name, _)| name == JOURNAL).expect("a journal").1;
    let links: Vec<Link> = journal.split(|byte| *byte == b'\n').filter_map(lines::link).collect();
    let last = links.last().map_or(Head::default(), |link| Head { seq: link.seq, hash: link.hash });
    statement.predicate.journal.records = links.len() as u64;
    statement.predicate.journal.head = last.into();
    files.push((MANIFEST.to_owned(), statement.bytes().expect("written")));
    packed(&files)
}

fn told(seen: &Bundle) -> String {
    let said = |said: &Said| format!("{}: {}\n", said.file, said.what);
    seen.looked.findings.iter().map(said).collect()
}

fn is_whole(seen: &Bundle) -> bool {
    seen.looked.findings.is_empty() && seen.looked.doubts.is_empty()
}

#[tokio::test]
async fn the_same_launch_is_the_same_bytes_and_they_verify() {
    let site = Site::new(Mode::Launch, Some(&secret(7))).await;
    let again = site.place.path().join("again.zip");
    site.make(Some(&secret(7)), &again);
    assert_eq!(fs::read(&again).expect("read"), site.bytes());
    let seen = site.look(&site.bytes(), Wanted { key: Some(secret(7).public()), rehearsal: false });
    assert!(is_whole(&seen), "{}", told(&seen));
    assert_eq!((seen.told.count, seen.mode, seen.signer), (5, Some(Mode::Launch), Some(secret(7).public())));
    for wanted in ["the frozen plan", "every artifact that a record names", "the synced head"] {
        assert!(seen.looked.checked.contains(&wanted), "{wanted}: {:?}", seen.looked.checked);
    }
    let names: Vec<String> = site.files().into_iter().map(|(name, _)| name).collect();
    for name in ["gates.md", "poll.md", "environment.json", "head", "journal.jsonl", "steps/deploy/1/stdout"] {
        assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
    }
}

#[tokio::test]
async fn whoever_signed_it_is_told_from_anybody_else() {
    let site = Site::new(Mode::Launch, Some(&secret(7))).await;
    let other = Wanted { key: Some(secret(8).public()), rehearsal: false };
    assert!(told(&site.look(&site.bytes(), other)).contains("signed with another key"));
    let mut files = site.files();
    files.retain(|(name, _)| name != ENVELOPE);
    let own = Wanted { key: Some(secret(7).public()), rehearsal: false };
    assert!(told(&site.look(&packed(&files), own)).contains("it is not signed"));
    // Without a key nobody can tell that it was.
    assert!(is_whole(&site.look(&packed(&files), Wanted::default())));
    let mut files = site.files();
    let forged = forged(files.clone());
    let envelope = files.pop().expect("an envelope");
    let mut again = Archive::open(io::Cursor::new(forged)).expect("sound");
    let place = again.find(MANIFEST).expect("a manifest");
    let mut manifest = again.content(place, u64::MAX).expect("read").0;
    let text = String::from_utf8(manifest).expect("text").replace("1.2", "1.3");
    manifest = text.into_bytes();
    files.pop();
    files.push((MANIFEST.to_owned(), manifest));
    files.push(envelope);
    assert!(told(&site.look(&packed(&files), own)).contains("signed over another manifest"));
}

#[tokio::test]
async fn a_rehearsal_never_verifies_as_a_launch() {
    let site = Site::new(Mode::Rehearsal, None).await;
    let seen = site.look(&site.bytes(), Wanted::default());
    assert!(told(&seen).contains("this is a REHEARSAL, and no launch"), "{}", told(&seen));
    let asked = Wanted { key: None, rehearsal: true };
    assert!(is_whole(&site.look(&site.bytes(), asked)));
    // Whatever its manifest claims.
    let mut files = site.files();
    let manifest = files.last_mut().expect("a manifest");
    let text = String::from_utf8(manifest.1.clone()).expect("text");
    manifest.1 = text.replace("\"rehearsal\"", "\"launch\"").replace("tminus:rehearsal", "tminus:launch").into_bytes();
    let seen = site.look(&packed(&files), Wanted::default());
    assert!(told(&seen).contains("claims to be of a launch, and its journal is of a rehearsal"), "{}", told(&seen));
    assert!(told(&seen).contains("this is a REHEARSAL"));
    let launch = Site::new(Mode::Launch, None).await;
    assert!(told(&launch.look(&launch.bytes(), asked)).contains("this is no rehearsal"));
    // Nor whatever its first record claims, in a journal that was chained anew.
    let claims = Site::flown(Mode::Launch, true, None).await;
    let seen = claims.look(&claims.bytes(), Wanted::default());
    assert!(!is_whole(&seen) && told(&seen).contains("record 3 says that a step was simulated"), "{}", told(&seen));
}

#[tokio::test]
async fn whatever_is_done_to_one_is_named() {
    let site = Site::new(Mode::Launch, None).await;
    let files = site.files();
    let artifact = files.iter().find(|(name, _)| name.starts_with("artifacts/")).expect("one").0.clone();
    let with = |name: &str, change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut files = files.clone();
        let file = files.iter_mut().find(|(known, _)| known == name).expect("there");
        file.1 = change(&file.1);
        files
    };
    let without = |name: &str| files.iter().filter(|(known, _)| known != name).cloned().collect::<Vec<_>>();
    let lines_of = |order: &'static [usize]| {
        move |journal: &[u8]| {
            let all: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
            order.iter().flat_map(|at| all[*at].to_vec()).collect::<Vec<u8>>()
        }
    };
    let renamed = |from: &str, to: &str| {
        let mut files = files.clone();
        files.iter_mut().filter(|(name, _)| name == from).for_each(|file| file.0 = to.to_owned());
        files
    };
    let exchanged = || {
        let (mut files, outputs) = (files.clone(), ["steps/check/1/stdout", "steps/deploy/1/stdout"]);
        let [one, other] = outputs.map(|name| files.iter().position(|(known, _)| known == name).expect("there"));
        let text = files[one].1.clone();
        files[one].1 = std::mem::replace(&mut files[other].1, text);
        files
    };
    let put_aside = || {
        let (mut files, name) = (files.clone(), "rollback/1-back/log.broken".to_owned());
        let place = files.partition_point(|(known, _)| *known < name);
        files.insert(place, (name, b"x".to_vec()));
        files
    };
    let added = || {
        let mut files = files.clone();
        files.insert(0, ("added".to_owned(), b"x".to_vec()));
        files
    };
    let moved = || {
        let mut files = files.clone();
        files.swap(0, 1);
        files
    };
    let text = |from: &'static str, to: &'static str| {
        move |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text").replacen(from, to, 1).into_bytes()
    };
    let (swapped, gone) =
        (format!("{artifact}: it is not the file that was bundled"), format!("{artifact}: the manifest lists"));
    // The manifest as it was.
    for (files, wanted) in [
        (with(&artifact, &|_| b"swapped".to_vec()), swapped.as_str()),
        (without(&artifact), &gone),
        (with("steps/deploy/1/stdout", &|_| b"failed\n".to_vec()), "steps/deploy/1/stdout: it is not the file"),
        (with(JOURNAL, &text("fourth", "fo0rth")), "journal.jsonl: record 4 was altered"),
        (with(JOURNAL, &lines_of(&[0, 1, 3, 4])), "journal.jsonl: record 3 is missing"),
        (with(JOURNAL, &lines_of(&[0, 2, 1, 3, 4])), "journal.jsonl: record 2 stands behind record 3"),
        (with(JOURNAL, &lines_of(&[0, 1, 2, 3])), "the tail after record 4 was cut: the head says 5"),
        (with(JOURNAL, &lines_of(&[0, 1, 2, 2, 3, 4])), "record 3 is there twice"),
        (with(JOURNAL, &|bytes| bytes[..bytes.len() - 1].to_vec()), "its last line does not end"),
        (with(HEAD, &text("5 ", "4 ")), "head: it is not the file"),
        (with(PLAN, &|_| b"another".to_vec()), "plan.toml: it is not the file"),
        (without(JOURNAL), "journal.jsonl: the manifest lists it, and it is not there"),
        (without(MANIFEST), "manifest.json: it is missing"),
        (with(MANIFEST, &|bytes| bytes[..bytes.len() - 2].to_vec()), "manifest.json: it is no statement"),
        (with(MANIFEST, &text("\"version\":1", "\"version\": 1")), "not in the form that tminus writes"),
        (with(MANIFEST, &text("\"records\":5", "\"records\":6")), "the manifest tells of 6 records"),
        (added(), "added: it is there, and the manifest does not list it"),
        (moved(), "its files are not in the order"),
    ] {
        let seen = site.look(&packed(&files), Wanted::default());
        assert!(told(&seen).contains(wanted), "{wanted}\n{}", told(&seen));
    }
    // A manifest made anew, so that it agrees.
    for (files, wanted) in [
        (with(&artifact, &|_| b"swapped".to_vec()), "it is another file than the one whose hash is its name"),
        (without(&artifact), "record 2 names the response body of it"),
        (renamed(&artifact, "artifacts/00"), "record 2 names the response body of it"),
        (exchanged(), "steps/check/1/stdout: record 5 names the stdout of it"),
        (put_aside(), "rollback/1-back/log.broken: a runner found this log broken"),
        (with("steps/deploy/1/stdout", &|_| b"failed\n".to_vec()), "record 3 names the stdout of it"),
        (with(JOURNAL, &text("fourth", "fo0rth")), "record 4 was altered"),
        (with(JOURNAL, &lines_of(&[0, 1, 3, 4])), "record 3 is missing"),
        (with(JOURNAL, &lines_of(&[0, 1, 2, 3])), "the tail after record 4 was cut"),
        (with(HEAD, &text("5 ", "4 ")), "record 4"),
        (with(PLAN, &|_| b"another".to_vec()), "it is none of the plans that this launch went by"),
        (without(PLAN), "plan.toml: it is missing"),
    ] {
        let seen = site.look(&forged(files), Wanted::default());
        assert!(told(&seen).contains(wanted), "{wanted}\n{}", told(&seen));
        assert!(!is_whole(&seen), "{wanted}: {}", told(&seen));
    }
    // What no record speaks of is no proof of anything, and is said.
    let seen = site.look(&forged(with("steps/deploy/1/stderr", &|_| b"all is well".to_vec())), Wanted::default());
    assert!(is_whole(&seen), "{}", told(&seen));
    let said = seen.looked.notices.iter().any(|said| said.what.contains("no record vouches for what is in it"));
    assert!(said, "{:?}", seen.looked.notices);
}

#[tokio::test]
async fn what_is_no_bundle_is_told_in_words() {
    let site = Site::new(Mode::Launch, None).await;
    let bytes = site.bytes();
    for (bytes, wanted) in [
        (Vec::new(), "no ZIP archive, or its end was cut off"),
        (bytes[..bytes.len() - 1].to_vec(), "cut off"),
        (bytes[..bytes.len() / 2].to_vec(), "cut off"),
        ([bytes.clone(), vec![0]].concat(), "cut off"),
        ([vec![0], bytes.clone()].concat(), "does not stand where it says"),
        (packed(&[("a".to_owned(), b"x".to_vec())]), "this is no bundle of tminus"),
    ] {
        let seen = site.look(&bytes, Wanted::default());
        assert!(told(&seen).contains(wanted), "{wanted}: {}", told(&seen));
    }
}

#[tokio::test]
async fn no_bit_of_a_signed_bundle_changes_unseen() {
    let site = Site::new(Mode::Launch, Some(&secret(7))).await;
    let bytes = site.bytes();
    assert!(is_whole(&site.look(&bytes, Wanted::default())));
    let flip = |at: usize, bit: u8| {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        let seen = site.look(&flipped, Wanted::default());
        assert!(!is_whole(&seen), "bit {bit} of byte {at} of {}", bytes.len());
    };
    proptest!(ProptestConfig::with_cases(300), |(at in any::<prop::sample::Index>(), bit in 0..8u8)| {
        flip(at.index(bytes.len()), bit);
    });
    // The last bits of a packed file may mean nothing to whoever unpacks it.
    let archive = Archive::open(io::Cursor::new(&bytes)).expect("sound");
    let ends: Vec<usize> =
        archive.entries().iter().skip(1).map(|entry| usize::try_from(entry.at).expect("small") - 1).collect();
    for at in ends {
        (0..8).for_each(|bit| flip(at, bit));
    }
}
