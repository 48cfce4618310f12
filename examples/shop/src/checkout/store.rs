//! Orders in SQLite.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, params};

use super::lane::{BUSY_TIMEOUT, Lane};
use super::{NewOrder, Order, StoreError};

/// How often a file that another replica is making is tried.
const OPEN_ATTEMPTS: u32 = 40;
/// The pause between two tries.
const OPEN_PAUSE: Duration = Duration::from_millis(25);

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY NOT NULL,
    item TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    total_cents INTEGER NOT NULL
) STRICT, WITHOUT ROWID";

/// All orders, in one file that every replica on this machine opens.
///
/// The journal is a write-ahead log with `synchronous = NORMAL`. An acknowledged order is in the
/// log, in the kernel's hands: it survives the death of any process, by SIGKILL too. It is not
/// forced to the disk at each commit: when the *machine* loses power, the last moments of
/// acknowledged orders may be gone, and the file is whole all the same. Who must survive that too
/// sets `FULL`, and pays one disk flush an order.
///
/// Reads and writes have a connection each. A replica that hangs inside a write holds the file's
/// only write lock; in a write-ahead log, readers do not wait for it, so the others stay ready and
/// only writes are late.
#[derive(Debug)]
pub struct Store {
    reads: Lane,
    writes: Lane,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is new and kept.
    New(Order),
    /// It was kept before; nothing has changed.
    Before(Order),
    /// Its id belongs to another order.
    Conflict,
}

impl Store {
    /// Opens the file, and creates it with its folder where they are missing.
    ///
    /// # Errors
    ///
    /// The folder or the file cannot be made or opened, or is no database.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|why| StoreError::Folder(folder.to_owned(), why))?;
        }
        let writer = open_writer(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(path, flags)?;
        reader.busy_timeout(BUSY_TIMEOUT)?;
        Ok(Self {
            reads: Lane::start("orders-read", reader)?,
            writes: Lane::start("orders-write", writer)?,
        })
    }

    /// The order with this id.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub async fn order(&self, id: String) -> Result<Option<Order>, StoreError> {
        self.reads.run(move |db| find(db, &id)).await
    }

    /// Whether the database can be read.
    ///
    /// # Errors
    ///
    /// It cannot.
    pub async fn check(&self) -> Result<(), StoreError> {
        let read = |db: &mut Connection| {
            db.query_row(
                "SELECT count(*) FROM (SELECT 1 FROM orders LIMIT 1)",
                [],
                |_| Ok(()),
            )
        };
        self.reads.run(read).await
    }

    /// Keeps an order unless its id is known. It is durable, in the sense of [`Store`], when this
    /// returns.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]; then it is not known whether the order is kept, and sending it again is
    /// safe.
    pub async fn place(&self, order: Order) -> Result<Placed, StoreError> {
        self.writes
            .run(move |db| {
                let inserted = db
                    .prepare_cached(
                        "INSERT INTO orders (id, item, quantity, total_cents) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (id) DO NOTHING",
                    )?
                    .execute(params![order.id, order.item, order.quantity, order.total_cents])?;
                if inserted == 1 {
                    return Ok(Placed::New(order));
                }
                // Orders are never changed or deleted, so what stood in the way is still there.
                let asked = NewOrder {
                    id: None,
                    item: order.item,
                    quantity: order.quantity,
                };
                Ok(match find(db, &order.id)? {
                    Some(kept) if kept.is(&asked) => Placed::Before(kept),
                    _ => Placed::Conflict,
                })
            })
            .await
    }
}

/// Opens the file for writing. Replicas start together, and the one that makes the file locks the
/// others out in a way that SQLite's own timeout does not cover; hence the few more attempts.
fn open_writer(path: &Path) -> Result<Connection, rusqlite::Error> {
    let attempt = || {
        let writer = Connection::open(path)?;
        writer.busy_timeout(BUSY_TIMEOUT)?;
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "NORMAL")?;
        writer.execute_batch(SCHEMA)?;
        Ok(writer)
    };
    for _ in 1..OPEN_ATTEMPTS {
        match attempt() {
            Err(rusqlite::Error::SqliteFailure(why, _)) if why.code == ErrorCode::DatabaseBusy => {
                std::thread::sleep(OPEN_PAUSE);
            }
            other => return other,
        }
    }
    attempt()
}

fn find(db: &Connection, id: &str) -> Result<Option<Order>, rusqlite::Error> {
    let read = |row: &Row<'_>| {
        Ok(Order {
            id: row.get(0)?,
            item: row.get(1)?,
            quantity: row.get(2)?,
            total_cents: row.get(3)?,
        })
    };
    db.prepare_cached("SELECT id, item, quantity, total_cents FROM orders WHERE id = ?1")?
        .query_row([id], read)
        .optional()
}
