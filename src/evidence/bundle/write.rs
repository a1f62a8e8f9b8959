//! Puts a bundle together: the journal as one moment had it, the files of the launch, the pages made from the journal,
//! the manifest, the signature. Memory is bounded by what one page or small file takes; the launch is not changed.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _};
use std::path::Path;

use super::collect::{self, Found};
use super::key::Secret;
use super::pages::Pages;
use super::statement::{JournalTold, PlanTold, Predicate, ReleaseTold, Statement, Subject, VERSION, word};
use super::{BASELINE, ENVELOPE, ENVIRONMENT, HEAD, JOURNAL, MANIFEST, PLAN, Page, dsse, lines};
use crate::base::boundary::reach;
use crate::base::regular;
use crate::base::secret::Redactor;
use crate::base::zip::{LARGEST_PACKED, Sums, Writer};
use crate::journal::chain::{Head, Link, Walk};
use crate::journal::{LaunchFolder, OpenError, inspect};
use crate::launch::board::Board;

const CHUNK: usize = 256 << 10;
/// Small files that go on with the journal: they must not tell of more than it does.
const BEFORE: [&str; 3] = [BASELINE, HEAD, PLAN];

/// What a bundle is made of.
pub struct Parts<'a> {
    pub folder: &'a LaunchFolder,
    /// Empty, and knows every plan of the launch; without one there are no pages.
    pub board: Option<Board>,
    /// Of the secrets that are known here.
    pub redactor: Redactor,
    /// `environment.json`.
    pub environment: Vec<u8>,
    /// Pages that are made elsewhere, without secrets: the report.
    pub more: Vec<Page>,
    pub key: Option<&'a Secret>,
    pub made_by: String,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub files: usize,
    pub records: u64,
    pub head: Head,
    /// `launch`, `rehearsal` or `gate`.
    pub mode: &'static str,
    /// What lies in the folder and could not be taken: it is no plain file, or may not be read.
    pub left_out: Vec<String>,
    /// The first thing wrong with the journal: it is in the bundle as it is.
    pub broken: Option<String>,
}

/// Why there is no bundle; completes «failed to».
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error(transparent)]
    Journal(#[from] OpenError),
    #[error("bundle the launch: {0}")]
    Io(#[from] io::Error),
    #[error("bundle the launch: {0}: {1}")]
    File(String, io::Error),
    #[error("write the manifest: {0}")]
    Manifest(#[from] serde_json::Error),
    #[error("bundle the launch: its journal has no record yet")]
    Empty,
    #[error("bundle the launch: its first record does not tell what was opened; `tminus verify` says what is wrong")]
    Unopened,
}

/// How the journal stood when it was first read: what is added meanwhile is not in the bundle.
#[derive(Default)]
struct Moment {
    records: u64,
    /// Of its lines.
    bytes: u64,
    head: Head,
    broken: Option<String>,
    opened: Option<Predicate>,
}

/// Something that becomes an entry.
enum Source {
    Page(Vec<u8>),
    File(std::path::PathBuf),
    Journal,
}

/// Writes the bundle of a launch to `out`, an empty file.
///
/// # Errors
/// The launch cannot be read, or the file not be written.
pub fn write(parts: Parts<'_>, out: File) -> Result<Made, BundleError> {
    let Parts { folder, board, redactor, environment, more, key, made_by } = parts;
    let mut pages = board.map(|board| Pages::new(board, redactor));
    // Before the journal, which then tells of all that they hold.
    let before = before(folder)?;
    let moment = moment(folder, pages.as_mut(), &made_by)?;
    reach("bundle-moment");
    let mut predicate = match (&moment.opened, moment.records) {
        (Some(opened), _) => opened.clone(),
        (None, 0) => return Err(BundleError::Empty),
        (None, _) => return Err(BundleError::Unopened),
    };
    if let Some(pages) = &pages {
        let (plan, opened_at) = (&pages.board().plan, pages.board().opened_at);
        predicate.plan.title.clone_from(&plan.title);
        predicate.plan.environment.clone_from(&plan.environment);
        predicate.opened_at = opened_at.map(|at| at.to_rfc3339());
    }
    predicate.journal = JournalTold { records: moment.records, head: moment.head.into() };
    let mode = match predicate.mode.as_str() {
        "launch" => "launch",
        "gate" => "gate",
        _ => "rehearsal",
    };

    let Found { files, mut left_out } = collect::collect(folder.path())?;
    let made = pages.map(Pages::end).unwrap_or_default();
    let made: Vec<Page> = made.into_iter().chain(more).chain([(ENVIRONMENT.to_owned(), environment)]).collect();
    let mut sources: Vec<(String, Source)> =
        before.into_iter().map(|(name, bytes)| (name, Source::Page(bytes))).collect();
    let others = files.into_iter().filter(|file| !BEFORE.contains(&file.name.as_str()));
    sources.extend(others.map(|file| (file.name, Source::File(file.path))));
    sources.extend(made.into_iter().map(|(name, bytes)| (name, Source::Page(bytes))));
    sources.push((JOURNAL.to_owned(), Source::Journal));
    sources.sort_by(|one, other| one.0.cmp(&other.0));
    sources.dedup_by(|next, known| next.0 == known.0);

    let mut zip = Writer::new(BufWriter::with_capacity(CHUNK, out));
    let mut subjects = Vec::with_capacity(sources.len());
    for (name, source) in sources {
        let sums = match source {
            Source::Page(bytes) => Some(zip.whole(&name, &bytes)?),
            Source::File(path) => match file(&mut zip, &name, &path) {
                // A member of the launch's group may not read what carries a lock.
                Err(why) if why.kind() == io::ErrorKind::PermissionDenied => {
                    left_out.push(name.clone());
                    None
                }
                sums => sums.map_err(|why| BundleError::File(name.clone(), why))?,
            },
            Source::Journal => Some(journal(&mut zip, folder, &moment)?),
        };
        subjects.extend(sums.map(|sums| Subject::new(&name, &sums)));
    }
    let files = subjects.len();
    let manifest = Statement::new(subjects, predicate).bytes()?;
    // What nothing else holds a hash of is stored as it is.
    zip.stored(MANIFEST, &manifest)?;
    if let Some(key) = key {
        zip.stored(ENVELOPE, &dsse::sign(&manifest, key)?)?;
    }
    let out = zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    out.sync_all()?;
    let Moment { records, head, broken, .. } = moment;
    Ok(Made { files, records, head, mode, left_out, broken })
}

/// Those of [`BEFORE`] that are there.
fn before(folder: &LaunchFolder) -> Result<Vec<Page>, BundleError> {
    let mut all = Vec::new();
    for name in BEFORE {
        match regular::read(&folder.path().join(name), LARGEST_PACKED) {
            Ok(bytes) => all.push((name.to_owned(), bytes)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(BundleError::File(name.to_owned(), why)),
        }
    }
    Ok(all)
}

/// Reads the journal once: how much of it there is, and what pages it makes as far as it is sound.
fn moment(folder: &LaunchFolder, mut pages: Option<&mut Pages>, made_by: &str) -> Result<Moment, BundleError> {
    let mut moment = Moment::default();
    let mut walk = Walk::new(None);
    inspect::links(folder, &mut |link: Link| {
        moment.records += 1;
        moment.bytes += lines::line(&link).len() as u64;
        moment.head = Head { seq: link.seq, hash: link.hash };
        if moment.broken.is_some() {
            return true;
        }
        match walk.take(&link) {
            Ok(record) => {
                if let Some(pages) = pages.as_deref_mut() {
                    pages.take(&record, walk.head());
                }
                if moment.records == 1 {
                    moment.opened = predicate(&record, made_by);
                }
            }
            Err(wrong) => moment.broken = Some(wrong.to_string()),
        }
        true
    })?;
    Ok(moment)
}

/// What the first record says of the launch.
fn predicate(record: &crate::launch::event::Recorded, made_by: &str) -> Option<Predicate> {
    let crate::launch::event::Event::LaunchOpened { plan, plan_hash, mode, release, .. } = &record.event else {
        return None;
    };
    let release = release.clone();
    Some(Predicate {
        version: VERSION,
        mode: word(*mode).to_owned(),
        plan: PlanTold {
            id: plan.clone(),
            title: String::new(),
            environment: String::new(),
            sha256: plan_hash.clone(),
        },
        release: ReleaseTold { version: release.version, commit: release.commit, artifact: release.artifact },
        opened_at: None,
        journal: JournalTold { records: 0, head: Head::default().into() },
        made_by: made_by.to_owned(),
    })
}

/// As many lines as there were at that moment.
fn journal(zip: &mut Writer<BufWriter<File>>, folder: &LaunchFolder, moment: &Moment) -> Result<Sums, BundleError> {
    let (mut left, mut wrong) = (moment.records, None);
    if moment.bytes <= LARGEST_PACKED {
        let mut all = Vec::new();
        inspect::links(folder, &mut |link| {
            all.extend(lines::line(&link));
            left -= 1;
            left > 0
        })?;
        return Ok(zip.whole(JOURNAL, &all)?);
    }
    zip.begin(JOURNAL, moment.bytes)?;
    inspect::links(folder, &mut |link| {
        wrong = zip.put(&lines::line(&link)).err();
        left -= 1;
        left > 0 && wrong.is_none()
    })?;
    match wrong {
        Some(wrong) => Err(wrong.into()),
        None => Ok(zip.end()?),
    }
}

/// A file of the launch as it is now; none where it has gone since it was found.
fn file(zip: &mut Writer<BufWriter<File>>, name: &str, path: &Path) -> io::Result<Option<Sums>> {
    let file = match regular::open(path) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    // What is added from here on is not in the bundle.
    let bytes = file.metadata()?.len();
    let mut from = BufReader::with_capacity(CHUNK, file).take(bytes);
    if bytes <= LARGEST_PACKED {
        let mut content = Vec::new();
        from.read_to_end(&mut content)?;
        return zip.whole(name, &content).map(Some);
    }
    zip.begin(name, bytes)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk)?;
        match chunk.get(..read) {
            Some(part) if read > 0 => zip.put(part)?,
            _ => return zip.end().map(Some),
        }
    }
}
