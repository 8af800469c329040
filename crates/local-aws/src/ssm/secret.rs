//! Encryption of `SecureString` values, in the place of KMS.
//!
//! The key of an account and region is kept beside the parameters, so this protects nobody who can read the state. It keeps
//! values out of everything that is shown without `WithDecryption`, and gives them the form of ciphertexts of KMS.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::answer::Refusal;
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

/// The first bytes of a ciphertext of KMS, `AQICAHg` in base64.
const MARK: [u8; 5] = [1, 2, 2, 0, 0x78];
const NONCE: usize = 16;

#[derive(Serialize, Deserialize)]
struct Key {
    secret: String,
}

impl Record for Key {
    const KIND: &'static str = "ssm-key";

    fn key(&self) -> String {
        String::new()
    }
}

fn key(tx: &Tx, place: &Place) -> Result<Key, Refusal> {
    if let Some(key) = tx.get::<Key>(place, "")? {
        return Ok(key);
    }
    let key = Key {
        secret: ids::mixed(43),
    };
    tx.put(place, &key)?;
    Ok(key)
}

pub(super) fn seal(tx: &Tx, place: &Place, value: &str) -> Result<String, Refusal> {
    let key = key(tx, place)?;
    let nonce = ids::mixed(NONCE).into_bytes();
    let mut sealed = MARK.to_vec();
    sealed.extend_from_slice(&nonce);
    sealed.extend(masked(&key, &nonce, value.as_bytes()));
    Ok(STANDARD.encode(sealed))
}

pub(super) fn open(tx: &Tx, place: &Place, sealed: &str) -> Result<String, Refusal> {
    let unreadable = || Refusal::new(500, "InternalServerError", "");
    let sealed = STANDARD.decode(sealed).map_err(|_| unreadable())?;
    let (nonce, rest) = sealed
        .strip_prefix(&MARK)
        .and_then(|sealed| sealed.split_at_checked(NONCE))
        .ok_or_else(unreadable)?;
    let key = key(tx, place)?;
    String::from_utf8(masked(&key, nonce, rest)).map_err(|_| unreadable())
}

/// Combines the bytes with a stream made of the key and the nonce; twice gives the bytes back.
fn masked(key: &Key, nonce: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (block, chunk) in (0_u64..).zip(bytes.chunks(32)) {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.secret.as_bytes())
            .expect("a key of any length fits");
        mac.update(nonce);
        mac.update(&block.to_be_bytes());
        let stream = mac.finalize().into_bytes();
        out.extend(chunk.iter().zip(stream).map(|(byte, mask)| byte ^ mask));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_value_is_sealed_and_opened_again() {
        let store = Store::open(None).expect("a store in memory");
        let place = Place {
            account: "0".into(),
            region: "r".into(),
        };
        let value = "päss ".repeat(30);
        let (first, second, opened) = store
            .transact(|tx| {
                let first = seal(tx, &place, &value)?;
                let second = seal(tx, &place, &value)?;
                let opened = open(tx, &place, &first)?;
                Ok((first, second, opened))
            })
            .expect("a key");
        assert_eq!(opened, value);
        assert!(first.starts_with("AQICAH"), "{first}");
        assert_ne!(first, second, "each has a nonce of its own");
    }
}
