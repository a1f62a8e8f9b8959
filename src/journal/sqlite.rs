//! A store in one SQLite file, in WAL mode. Synced appends end in one fsync of the log.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Rows, Transaction, TransactionBehavior, params};

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
        let mut store = Self { db, durable: Durable::Synced };
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
        Ok(store)
    }

    /// Opens the journal at `path` for reading, also while another console appends.
    ///
    /// # Errors
    /// It is no journal, of a newer layout, or cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(PATIENCE)?;
        let store = Self { db, durable: Durable::Synced };
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
        let db = Connection::open_with_flags(format!("file:{}?immutable=1", escaped(path)), flags)?;
        let store = Self { db, durable: Durable::Synced };
        store.begun()?;
        store.recognise()?;
        Ok(store)
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
        let beating = self.begin_with(durable)?;
        holds(&beating, epoch)?;
        beating
            .prepare_cached("INSERT OR REPLACE INTO beat (one, t, at, wall) VALUES (1, ?1, ?2, ?3)")?
            .execute(params![beat.t, beat.at.0, beat.wall.timestamp_millis()])?;
        Ok(beating.commit()?)
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

impl From<rusqlite::Error> for StoreError {
    fn from(wrong: rusqlite::Error) -> Self {
        match wrong.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy) => Self::Busy,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::NoJournal(wrong.to_string()),
            _ => Self::Failed(wrong.to_string()),
        }
    }
}
