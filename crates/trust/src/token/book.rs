//! What the server knows of its tokens.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ninefold_core::time::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::text::{Secret, Token};
use crate::authority::{Authority, fingerprint};
use crate::folder::{FolderError, SecretsFolder};
use crate::random::{self, NoRandom};

const FILE: &str = "tokens.json";

const VERSION: u32 = 1;

/// Tokens that are remembered. Those that are over or used up make room.
pub const TOKENS_MAX: usize = 64;

/// How long a token is good for at most.
pub const TTL_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Admissions that a token is good for at most.
pub const USES_MAX: u32 = 1_000;

/// So long it is remembered that a token is over, so that whoever shows it is told so.
const REMEMBER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// No token was made.
#[derive(Debug, thiserror::Error)]
pub enum TokenBookError {
    /// The files.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// There are too many.
    #[error("{TOKENS_MAX} join tokens are good at this moment; wait until one is used or over")]
    Full,
    /// It would live too long, or not at all.
    #[error("a join token is good for a second to {days} days", days = TTL_MAX.as_secs() / 86_400)]
    Ttl,
    /// It would be good for nothing, or for too much.
    #[error("a join token is good for 1 to {USES_MAX} admissions")]
    Uses,
}

/// A token admits nobody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenRefusal<E> {
    #[error("the token is not known")]
    Unknown,
    #[error("the token is over")]
    Expired,
    #[error("the token is used up")]
    UsedUp,
    /// For another reason; it is as good as before.
    #[error("{0}")]
    Other(E),
    /// It may be good, but that cannot be written down.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// The tokens of a folder.
#[derive(Clone, Debug)]
pub(crate) struct TokenBook {
    folder: SecretsFolder,
}

#[derive(Debug, Serialize, Deserialize)]
struct Page {
    version: u32,
    tokens: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// SHA-256 of the secret, in base64.
    hash: String,
    expires: u64,
    uses_left: u32,
}

/// Makes a token, good for `uses` admissions within `ttl`.
///
/// # Errors
/// When there are too many, a figure is out of its range, or the files cannot be read or written.
pub fn issue(
    folder: &SecretsFolder,
    authority: &Authority,
    ttl: Duration,
    uses: u32,
    now: Timestamp,
) -> Result<Token, TokenBookError> {
    if ttl < Duration::from_secs(1) || ttl > TTL_MAX {
        return Err(TokenBookError::Ttl);
    }
    if uses == 0 || uses > USES_MAX {
        return Err(TokenBookError::Uses);
    }
    let hash = fingerprint(authority.certificate()).ok_or_else(|| FolderError::Broken {
        path: folder.path().to_owned(),
        detail: "the authority has no certificate".to_owned(),
    })?;
    let token = Token {
        cluster: authority.cluster().clone(),
        authority: hash,
        secret: random::bytes()?,
        expires: Timestamp::from_secs((now + ttl).as_secs()),
    };
    TokenBook::new(folder.clone()).add(&token, uses, now)?;
    Ok(token)
}

impl TokenBook {
    pub(crate) const fn new(folder: SecretsFolder) -> Self {
        Self { folder }
    }

    /// Those that are good admit nobody any more.
    pub(crate) fn void(&self) -> Result<(), FolderError> {
        let _lock = self.folder.lock()?;
        let mut page = self.read()?;
        for entry in &mut page.tokens {
            entry.uses_left = 0;
        }
        self.folder.write_json(FILE, &page)
    }

    fn add(&self, token: &Token, uses: u32, now: Timestamp) -> Result<(), TokenBookError> {
        let _lock = self.folder.lock()?;
        let mut page = self.read()?;
        page.tokens.retain(|entry| entry.is_remembered(now));
        if page.tokens.len() >= TOKENS_MAX {
            let gone = page.tokens.iter().position(|entry| !entry.is_good(now));
            page.tokens.remove(gone.ok_or(TokenBookError::Full)?);
        }
        page.tokens.push(Entry {
            hash: STANDARD.encode(hash(&token.secret)),
            expires: token.expires.as_secs(),
            uses_left: uses,
        });
        Ok(self.folder.write_json(FILE, &page)?)
    }

    /// Uses a token for an admission. It is used only if the admission succeeds, and that is on the disk before the
    /// admission is given out: no crash makes more of it.
    pub(crate) fn admit<T, E>(
        &self,
        secret: &Secret,
        now: Timestamp,
        admission: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, TokenRefusal<E>> {
        let _lock = self.folder.lock()?;
        let mut page = self.read()?;
        let entry = page.find(secret).ok_or(TokenRefusal::Unknown)?;
        if now.as_secs() >= entry.expires {
            return Err(TokenRefusal::Expired);
        }
        entry.uses_left = entry.uses_left.checked_sub(1).ok_or(TokenRefusal::UsedUp)?;
        let admitted = admission().map_err(TokenRefusal::Other)?;
        self.folder.write_json(FILE, &page)?;
        Ok(admitted)
    }

    fn read(&self) -> Result<Page, FolderError> {
        let page = self.folder.read_json::<Page>(FILE)?;
        let page = page.unwrap_or(Page {
            version: VERSION,
            tokens: Vec::new(),
        });
        if page.version != VERSION || page.tokens.len() > TOKENS_MAX {
            let detail = format!("it is not of version {VERSION}, or has too many tokens");
            let path = self.folder.file(FILE);
            return Err(FolderError::Broken { path, detail });
        }
        Ok(page)
    }
}

impl Page {
    /// All are compared, each whole, so that the time it takes says nothing.
    fn find(&mut self, secret: &Secret) -> Option<&mut Entry> {
        let hash = STANDARD.encode(hash(secret));
        let mut found = None;
        for entry in &mut self.tokens {
            if is_same(entry.hash.as_bytes(), hash.as_bytes()) {
                found = Some(entry);
            }
        }
        found
    }
}

impl Entry {
    const fn is_good(&self, now: Timestamp) -> bool {
        self.uses_left > 0 && now.as_secs() < self.expires
    }

    fn is_remembered(&self, now: Timestamp) -> bool {
        now.as_secs() < self.expires.saturating_add(REMEMBER.as_secs())
    }
}

fn hash(secret: &Secret) -> Vec<u8> {
    digest(&SHA256, secret).as_ref().to_vec()
}

/// In a time that depends on the lengths only.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    let differ = a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b));
    std::hint::black_box(differ) == 0 && a.len() == b.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3_600);

    struct Setup {
        _state: tempfile::TempDir,
        folder: SecretsFolder,
        authority: Authority,
        book: TokenBook,
    }

    fn setup() -> Setup {
        let state = tempfile::tempdir().unwrap();
        let folder = SecretsFolder::of_state(state.path());
        folder.make().unwrap();
        Setup {
            book: TokenBook::new(folder.clone()),
            authority: Authority::make(&"shop".parse().unwrap(), NOW).unwrap(),
            folder,
            _state: state,
        }
    }

    impl Setup {
        fn issue(&self, uses: u32, now: Timestamp) -> Result<Token, TokenBookError> {
            issue(&self.folder, &self.authority, HOUR, uses, now)
        }

        fn admit(&self, token: &Token, now: Timestamp) -> Result<(), TokenRefusal<()>> {
            self.book.admit(&token.secret, now, || Ok(()))
        }
    }

    #[test]
    fn a_token_is_good_for_so_many_and_for_so_long() {
        let setup = setup();
        let token = setup.issue(2, NOW).unwrap();
        let other = setup.issue(1, NOW).unwrap();
        assert!(setup.admit(&token, NOW).is_ok());
        // What fails for another reason uses nothing.
        let failed = setup.book.admit(&token.secret, NOW, || Err::<(), u8>(7));
        assert!(matches!(failed, Err(TokenRefusal::Other(7))));
        assert!(setup.admit(&token, NOW + HOUR / 2).is_ok());
        let refused = setup.admit(&token, NOW);
        assert!(matches!(refused, Err(TokenRefusal::UsedUp)));
        let refused = setup.admit(&other, NOW + HOUR);
        assert!(matches!(refused, Err(TokenRefusal::Expired)));
        let guessed = Token {
            secret: [0; 16],
            ..token
        };
        let refused = setup.admit(&guessed, NOW);
        assert!(matches!(refused, Err(TokenRefusal::Unknown)));
    }

    #[test]
    fn the_file_does_not_give_a_secret_away() {
        let setup = setup();
        let token = setup.issue(1, NOW).unwrap();
        let text = setup.folder.need(FILE).unwrap();
        for shown in [STANDARD.encode(token.secret), token.to_string()] {
            assert!(!text.contains(&shown), "{text}");
        }
    }

    #[test]
    fn one_after_the_other_however_many_come_at_once() {
        let setup = setup();
        let token = setup.issue(3, NOW).unwrap();
        let admitted = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    if setup.admit(&token, NOW).is_ok() {
                        admitted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 3);
    }

    #[test]
    fn there_are_so_many_and_those_that_are_over_make_room() {
        let setup = setup();
        let first = setup.issue(1, NOW).unwrap();
        for _ in 1..TOKENS_MAX {
            setup.issue(1, NOW).unwrap();
        }
        assert!(matches!(setup.issue(1, NOW), Err(TokenBookError::Full)));
        assert!(setup.admit(&first, NOW).is_ok());
        assert!(setup.issue(1, NOW).is_ok());
        assert!(setup.issue(1, NOW + HOUR).is_ok());
        let wrong = issue(&setup.folder, &setup.authority, TTL_MAX * 2, 1, NOW);
        assert!(matches!(wrong, Err(TokenBookError::Ttl)));
        for uses in [0, USES_MAX + 1] {
            assert!(matches!(setup.issue(uses, NOW), Err(TokenBookError::Uses)));
        }
    }
}
