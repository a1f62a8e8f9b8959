//! A store in one SQLite file, in WAL mode. Synced appends end in one fsync of the log.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::DateTime;
use rusqlite::config::DbConfig;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Rows, Transaction, TransactionBehavior, ffi, params,
};

use super::beside;
use super::chain::{Hash, Head, Link};
use super::store::{Beat, Durable, Expected, Store, StoreError};
use crate::base::boundary::reach;
use crate::base::text::printable;
use crate::launch::time::Instant;

/// `tmns`: what `file` shows, and what tells a journal from any other database.
const APPLICATION: i64 = 0x746d_6e73;
const LAYOUT: i64 = 1;
/// How long a reader that is being checkpointed away may make us wait.
const PATIENCE: Duration = Duration::from_secs(2);

const TABLES: &str = "
CREATE TABLE records (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE lease (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL) STRICT;
CREATE TABLE beat (one INTEGER PRIMARY KEY CHECK (one = 1), t INTEGER NOT NULL, at INTEGER NOT NULL,
  wall INTEGER NOT NULL) STRICT;
INSERT INTO lease VALUES (1, 0);
";

#[derive(Debug)]
pub struct Sqlite {
    db: Connection,
    /// What `PRAGMA synchronous` stands at.
    durable: Durable,
    /// A sync failed: what the log holds may be on no disk.
    suspect: bool,
    /// The files that are written, as they were opened: device and number.
    files: Vec<(PathBuf, (u64, u64))>,
}

impl Sqlite {
    /// Opens the journal at `path` for appending; makes it, 0600, where there is none.
    ///
    /// # Errors
    /// It is no journal, of a newer layout, or cannot be written.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        // SQLite's own side files take over the rights of this one.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match made {
            Err(wrong) if wrong.kind() != io::ErrorKind::AlreadyExists => return Err(wrong.into()),
            _ => {}
        }
        reach("journal-made");
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        db.busy_timeout(PATIENCE)?;
        let mut store = Self { db, durable: Durable::Synced, suspect: false, files: Vec::new() };
        if store.is_empty()? {
            store.db.pragma_update(None, "journal_mode", "wal")?;
            store.db.pragma_update(None, "synchronous", "full")?;
            let making = store.begin()?;
            making.execute_batch(TABLES)?;
            making.pragma_update(None, "application_id", APPLICATION)?;
            making.pragma_update(None, "user_version", LAYOUT)?;
            making.commit()?;
            reach("journal-begun");
        } else {
            store.recognise()?;
            store.db.pragma_update(None, "synchronous", "full")?;
        }
        // A log that is only made with the first write cannot be gone before.
        store.epoch()?;
        beside::share(path)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let files = [path.to_owned(), PathBuf::from(log)].into_iter();
        store.files = files.filter_map(|path| numbered(&path).map(|number| (path, number))).collect();
        Ok(store)
    }

    /// Before each write: the files still have their names, and the log is whole on the disk.
    fn ready(&mut self) -> Result<(), StoreError> {
        for (path, opened) in &self.files {
            if numbered(path) != Some(*opened) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                return Err(StoreError::Gone(name.into_owned()));
            }
        }
        if self.suspect {
            // After a sync that failed the system may hold pages for clean that are on no disk: everything is
            // written once more, into the database itself.
            let busy: bool = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
            if busy {
                return Err(StoreError::Failed("a reader is in the way of writing the log once more".into()));
            }
            self.suspect = false;
        }
        Ok(())
    }

    fn noted<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        self.suspect |= matches!(done, Err(StoreError::NotSynced(_)));
        done
    }

    /// Opens the journal at `path` for reading, also while another console appends.
    ///
    /// # Errors
    /// It is no journal, of a newer layout, or cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        if beside::is_needed(path) {
            return if beside::has_log(path) { Self::reading(beside::open(path)?) } else { Self::open_still(path) };
        }
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(PATIENCE)?;
        Self::reading(db)
    }

    fn reading(db: Connection) -> Result<Self, StoreError> {
        let store = Self { db, durable: Durable::Synced, suspect: false, files: Vec::new() };
        store.begun()?;
        store.recognise()?;
        Ok(store)
    }

    /// Takes the lease as [`Store::raise_epoch`] does, if `stands` still says so while nobody else can; none
    /// where it does not.
    ///
    /// # Errors
    /// The store cannot be written, or another process does.
    pub fn raise_epoch_while(&mut self, stands: &dyn Fn() -> bool) -> Result<Option<u64>, StoreError> {
        let raising = self.begin_with(Durable::Synced)?;
        if !stands() {
            return Ok(None);
        }
        raising.execute("UPDATE lease SET epoch = epoch + 1", [])?;
        let raised = epoch(&raising)?;
        raising.commit()?;
        reach("epoch-raised");
        Ok(Some(raised))
    }

    /// Writes and syncs, and leaves everything as it was: whether the store can be written at all.
    ///
    /// # Errors
    /// It cannot, or another process does.
    pub fn prove(&mut self) -> Result<(), StoreError> {
        let proving = self.begin_with(Durable::Synced)?;
        // A value that is set to itself is not written.
        proving.execute("UPDATE lease SET epoch = epoch + 1", [])?;
        proving.execute("UPDATE lease SET epoch = epoch - 1", [])?;
        Ok(proving.commit()?)
    }

    /// The number of the last record; 0 where there is none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn last(&self) -> Result<u64, StoreError> {
        Ok(head(&self.db)?.seq)
    }

    /// Opens a journal that nobody writes, and that no process left half way: not even a side file is made.
    ///
    /// # Errors
    /// It is no journal, of a newer layout, or cannot be read.
    pub fn open_still(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        Self::reading(Connection::open_with_flags(format!("file:{}?immutable=1", escaped(path)), flags)?)
    }

    /// Everything that `look` reads is of one moment.
    ///
    /// # Errors
    /// As `look`, or the store cannot be read.
    pub fn snapshot<T>(&mut self, look: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.db.execute_batch("BEGIN")?;
        let looked = look(self);
        let _ = self.db.execute_batch("COMMIT");
        looked
    }

    /// What SQLite itself finds wrong with the file; empty where it is sound.
    ///
    /// # Errors
    /// It could not look.
    pub fn damage(&self) -> Result<Vec<String>, StoreError> {
        let mut look = self.db.prepare("PRAGMA quick_check(10)")?;
        let found = look.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        Ok(found.into_iter().filter(|found| found != "ok").collect())
    }

    /// Every link after record `seq` in order, until `each` returns false: what was appended since a reader
    /// looked last.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn read_after(&mut self, seq: u64, each: &mut dyn FnMut(Link) -> bool) -> Result<(), StoreError> {
        let mut later = self.db.prepare_cached("SELECT seq, hash, bytes FROM records WHERE seq > ?1 ORDER BY seq")?;
        each_link(later.query([integer(seq)])?, each)
    }

    fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?)
    }

    fn begun(&self) -> Result<(), StoreError> {
        if self.is_empty()? {
            return Err(StoreError::NoJournal("it is empty: its launch never began".into()));
        }
        Ok(())
    }

    fn recognise(&self) -> Result<(), StoreError> {
        let application: i64 = self.db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        if application != APPLICATION {
            return Err(StoreError::NoJournal("the database is another program's".into()));
        }
        match self.db.pragma_query_value(None, "user_version", |row| row.get(0))? {
            LAYOUT => self.plain(),
            newer => Err(StoreError::NewerLayout(newer)),
        }
    }

    /// Refuses a database whose tables are made to do something when they are read or written.
    fn plain(&self) -> Result<(), StoreError> {
        self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        let strange = "SELECT name FROM sqlite_schema WHERE type <> 'table' OR rootpage = 0";
        let strange: Option<String> = self.db.query_row(strange, [], |row| row.get(0)).optional()?;
        match strange {
            None => Ok(()),
            Some(name) => Err(StoreError::NoJournal(format!("it holds `{}`, as no journal does", printable(&name)))),
        }
    }

    fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(self.db.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    fn begin_with(&mut self, durable: Durable) -> Result<Transaction<'_>, StoreError> {
        if self.durable != durable {
            let word = match durable {
                Durable::Written => "normal",
                Durable::Synced => "full",
            };
            self.db.pragma_update(None, "synchronous", word)?;
            self.durable = durable;
        }
        self.begin()
    }

    fn add(&mut self, expected: Expected, links: &[Link], durable: Durable) -> Result<(), StoreError> {
        let appending = self.begin_with(durable)?;
        holds(&appending, expected.epoch)?;
        let found = head(&appending)?;
        if found != expected.head {
            return Err(StoreError::Moved { expected: expected.head.seq, found: found.seq });
        }
        {
            let mut insert = appending.prepare_cached("INSERT INTO records (seq, hash, bytes) VALUES (?1, ?2, ?3)")?;
            for link in links {
                insert.execute(params![integer(link.seq), link.hash.0, link.bytes])?;
            }
        }
        reach("append-in-transaction");
        Ok(appending.commit()?)
    }

    fn put_beat(&mut self, epoch: u64, beat: Beat, durable: Durable) -> Result<(), StoreError> {
        let beating = self.begin_with(durable)?;
        holds(&beating, epoch)?;
        beating
            .prepare_cached("INSERT OR REPLACE INTO beat (one, t, at, wall) VALUES (1, ?1, ?2, ?3)")?
            .execute(params![beat.t, beat.at.0, beat.wall.timestamp_millis()])?;
        Ok(beating.commit()?)
    }
}

impl Store for Sqlite {
    fn read(&mut self, each: &mut dyn FnMut(Link) -> bool) -> Result<(), StoreError> {
        let mut all = self.db.prepare("SELECT seq, hash, bytes FROM records ORDER BY seq")?;
        each_link(all.query([])?, each)
    }

    fn epoch(&mut self) -> Result<u64, StoreError> {
        epoch(&self.db)
    }

    fn raise_epoch(&mut self) -> Result<u64, StoreError> {
        let raised = self.raise_epoch_while(&|| true)?;
        raised.ok_or_else(|| StoreError::Failed("the epoch was not raised".into()))
    }

    fn append(&mut self, expected: Expected, links: &[Link], durable: Durable) -> Result<(), StoreError> {
        self.ready()?;
        let done = self.add(expected, links, durable);
        self.noted(done)
    }

    fn cut(&mut self, epoch: u64, seq: u64) -> Result<(), StoreError> {
        let cutting = self.begin_with(Durable::Synced)?;
        holds(&cutting, epoch)?;
        let found = head(&cutting)?.seq;
        if found != seq {
            return Err(StoreError::Moved { expected: seq, found });
        }
        cutting.execute("DELETE FROM records WHERE seq = ?1", [integer(seq)])?;
        Ok(cutting.commit()?)
    }

    fn beat(&mut self) -> Result<Option<Beat>, StoreError> {
        let beat = self.db.query_row("SELECT t, at, wall FROM beat", [], |row| {
            let wall: i64 = row.get(2)?;
            let (t, at) = (row.get(0)?, Instant(row.get(1)?));
            Ok(DateTime::from_timestamp_millis(wall).map(|wall| Beat { t, at, wall }))
        });
        Ok(beat.optional()?.flatten())
    }

    fn set_beat(&mut self, epoch: u64, beat: Beat, durable: Durable) -> Result<(), StoreError> {
        self.ready()?;
        let done = self.put_beat(epoch, beat, durable);
        self.noted(done)
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        // Busy is no failure: a reader is in the way, and the log itself is whole.
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

fn each_link(mut rows: Rows<'_>, each: &mut dyn FnMut(Link) -> bool) -> Result<(), StoreError> {
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        // A hash of another length than 32 is no hash: the walk will say so.
        let hash = row.get_ref(1)?.as_blob().ok().and_then(|hash| hash.try_into().ok()).unwrap_or_default();
        let bytes = row.get_ref(2)?.as_blob().unwrap_or_default().to_vec();
        // No record has a place below 1.
        let seq = u64::try_from(seq).unwrap_or_default();
        if !each(Link { seq, hash: Hash(hash), bytes }) {
            break;
        }
    }
    Ok(())
}

fn epoch(db: &Connection) -> Result<u64, StoreError> {
    let epoch: i64 = db.query_row("SELECT epoch FROM lease", [], |row| row.get(0))?;
    Ok(epoch.unsigned_abs())
}

fn holds(db: &Connection, ours: u64) -> Result<(), StoreError> {
    let found = epoch(db)?;
    if found == ours { Ok(()) } else { Err(StoreError::LeaseLost { ours, found }) }
}

fn head(db: &Connection) -> Result<Head, StoreError> {
    let mut last = db.prepare_cached("SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1")?;
    let head = last.query_row([], |row| {
        let seq: i64 = row.get(0)?;
        let hash = row.get_ref(1)?.as_blob().ok().and_then(|hash| hash.try_into().ok()).unwrap_or_default();
        Ok(Head { seq: seq.unsigned_abs(), hash: Hash(hash) })
    });
    Ok(head.optional()?.unwrap_or_default())
}

/// A path as it stands in a URI.
fn escaped(path: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte);
    let one = |byte: &u8| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    path.as_os_str().as_bytes().iter().map(one).collect()
}

fn integer(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Device and number of the file at `path`.
fn numbered(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

impl From<rusqlite::Error> for StoreError {
    fn from(wrong: rusqlite::Error) -> Self {
        let extended = wrong.sqlite_error().map(|error| error.extended_code);
        match (wrong.sqlite_error_code(), extended) {
            (Some(ErrorCode::DiskFull), _) => Self::Full,
            (Some(ErrorCode::DatabaseBusy), _) => Self::Busy,
            (Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt), _) => Self::NoJournal(wrong.to_string()),
            (_, Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)) => Self::NotSynced(wrong.to_string()),
            (_, Some(ffi::SQLITE_READONLY_DBMOVED)) => Self::Gone("journal.db".into()),
            // A disk that errs or was remounted for reading, no more descriptors or memory, rights that
            // were taken: each can pass. The code tells which it was.
            (Some(ErrorCode::SystemIoFailure), Some(code)) => Self::Failed(format!("{wrong} (SQLite's code {code})")),
            _ => Self::Failed(wrong.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: i32) -> StoreError {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into()
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_cannot_is_not() {
        for code in [
            ffi::SQLITE_FULL,
            ffi::SQLITE_BUSY,
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_PERM,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_READONLY_DBMOVED,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_READ,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_IOERR_TRUNCATE,
            ffi::SQLITE_IOERR_SHMSIZE,
            ffi::SQLITE_IOERR_SHMMAP,
            ffi::SQLITE_IOERR_LOCK,
        ] {
            assert!(of(code).may_pass(), "{code}: {}", of(code));
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_CORRUPT_INDEX, ffi::SQLITE_NOTADB] {
            assert!(!of(code).may_pass(), "{code}: {}", of(code));
        }
        assert!(matches!(of(ffi::SQLITE_FULL), StoreError::Full));
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC] {
            assert!(matches!(of(code), StoreError::NotSynced(_)), "{code}");
        }
    }

    fn link(seq: u64, before: Head) -> Link {
        let bytes = format!("record {seq}").into_bytes();
        Link { seq, hash: before.then(&bytes).hash, bytes }
    }

    #[test]
    fn a_journal_whose_file_is_gone_takes_nothing_until_it_is_back() {
        for name in ["journal.db", "journal.db-wal"] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("journal.db");
            let mut store = Sqlite::open(&path).expect("opens");
            let epoch = store.raise_epoch().expect("raises");
            let expected = Expected { epoch, head: Head::default() };
            let (file, away) = (folder.path().join(name), folder.path().join("away"));
            std::fs::rename(&file, &away).expect("moved");
            for round in 0..2 {
                let wrong = store.append(expected, &[link(1, expected.head)], Durable::Synced).expect_err(name);
                assert!(matches!(wrong, StoreError::Gone(_)) && wrong.may_pass(), "{name}, {round}: {wrong}");
                assert!(wrong.to_string().starts_with(name), "{wrong}");
            }
            std::fs::rename(&away, &file).expect("moved back");
            store.append(expected, &[link(1, expected.head)], Durable::Synced).expect("it is back");
        }
    }

    #[test]
    fn after_a_sync_that_failed_everything_is_written_once_more_before_anything_is_acknowledged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.db");
        let mut store = Sqlite::open(&path).expect("opens");
        let epoch = store.raise_epoch().expect("raises");
        let first = link(1, Head::default());
        let head = Head { seq: 1, hash: first.hash };
        store.append(Expected { epoch, head: Head::default() }, &[first], Durable::Written).expect("appends");
        let log = folder.path().join("journal.db-wal");
        let before = std::fs::metadata(&log).expect("there").len();
        let failed = store.noted::<()>(Err(of(ffi::SQLITE_IOERR_FSYNC)));
        assert!(matches!(failed, Err(StoreError::NotSynced(_))));

        // A reader of the old log keeps it from being written anew: then nothing is taken.
        let reader = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opens");
        reader.execute_batch("BEGIN; SELECT count(*) FROM records").expect("reads");
        store.db.busy_timeout(Duration::ZERO).expect("set");
        let expected = Expected { epoch, head };
        store.append(expected, &[link(2, head)], Durable::Synced).expect_err("not whole on the disk");
        drop(reader);
        store.append(expected, &[link(2, head)], Durable::Synced).expect("appends");
        assert!(std::fs::metadata(&log).expect("there").len() < before, "the old log is in the database");
    }
}
