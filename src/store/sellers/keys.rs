use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sqlx::Row as _;

use super::super::secret::random;
use super::super::{Result, Store, StoreError};
use crate::domain::hex;
use crate::preprocess::Contact;

/// The row of `secrets`.
const NAME: &str = "signs";

/// Makes the keys of this instance: the first 64 bits of an HMAC-SHA-256 under a secret of its own.
///
/// Nobody without the secret can tell whose contact a hash is by trying all telephone numbers, nor
/// find two listings with one key. `Debug` hides the secret.
#[derive(Clone)]
pub(in crate::store) struct Keys(Hmac<Sha256>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    fn new(secret: &[u8]) -> Result<Self> {
        let mac = Hmac::new_from_slice(secret);
        mac.map(Self).map_err(|e| StoreError::corrupt("secret", &e))
    }

    /// Every part but the last is free of NUL, so different parts make different texts.
    fn key(&self, parts: &[&str]) -> i64 {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part.as_bytes());
            mac.update(b"\0");
        }
        let digest = mac.finalize().into_bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        i64::from_be_bytes(first)
    }

    /// Of a listing, by its id as the column holds it.
    pub(super) fn listing(&self, id: &str) -> i64 {
        self.key(&["listing", id])
    }

    /// Of a seller, by his platform as it is compared and his id as the column holds it.
    pub(super) fn seller(&self, platform_key: &str, id: &str) -> i64 {
        self.key(&["seller", platform_key, id])
    }

    pub(super) fn contact(&self, contact: &Contact) -> i64 {
        // 0 stands for no contact.
        self.key(&["contact", contact.kind.as_str(), contact.reveal()]) | 1
    }
}

impl Store {
    /// The keys of this instance, whose secret is made when it is first asked for.
    pub(in crate::store) async fn keys(&self) -> Result<&Keys> {
        self.keys.get_or_try_init(|| self.find_keys()).await
    }

    async fn find_keys(&self) -> Result<Keys> {
        if let Some(secret) = self.secret().await? {
            return Keys::new(secret.as_bytes());
        }
        let made = hex(&random::<32>()?);
        let mut tx = self.begin_write().await?;
        // Of two programs that start at once, the first to write wins.
        sqlx::query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(NAME)
            .bind(made)
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        let missing = || StoreError::Corrupt { what: "secret", why: "it is gone".to_owned() };
        Keys::new(self.secret().await?.ok_or_else(missing)?.as_bytes())
    }

    async fn secret(&self) -> Result<Option<String>> {
        let row = sqlx::query("SELECT value FROM secrets WHERE name = $1")
            .bind(NAME)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|row| row.try_get("value")).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_depend_on_the_secret_and_on_what_they_are_of() {
        let (one, two) = (Keys::new(b"one").unwrap(), Keys::new(b"two").unwrap());
        assert_ne!(one.listing("a"), two.listing("a"));
        assert_ne!(one.listing("a"), one.listing("b"));
        assert_ne!(one.seller("ab", "c"), one.seller("a", "bc"));
        assert_eq!(one.listing("a"), Keys::new(b"one").unwrap().listing("a"));
        assert_eq!(format!("{one:?}"), "Keys(…)");
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // RFC 4231, test case 2.
        let mut mac = Keys::new(b"Jefe").unwrap().0;
        mac.update(b"what do ya want for nothing?");
        assert_eq!(
            hex(&mac.finalize().into_bytes()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
