//! Ids in the forms that AWS gives them.

/// A UUID of version 4, as request ids and revision ids are.
pub(crate) fn uuid() -> String {
    let bits = (fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// `length` lower-case letters and digits, as API Gateway's ids are.
pub(crate) fn lower(length: usize) -> String {
    of(b"0123456789abcdefghijklmnopqrstuvwxyz", length)
}

/// `length` capital letters and digits of base 32, as IAM's unique ids are.
pub(crate) fn upper(length: usize) -> String {
    of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length)
}

/// `length` letters and digits, as secrets and API keys are.
pub(crate) fn mixed(length: usize) -> String {
    of(
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        length,
    )
}

/// `length` hexadecimal digits.
pub(crate) fn hex(length: usize) -> String {
    of(b"0123456789abcdef", length)
}

fn of(alphabet: &[u8], length: usize) -> String {
    (0..length)
        .map(|_| char::from(alphabet[fastrand::usize(..alphabet.len())]))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn uuids_say_that_they_are_random() {
        for _ in 0..100 {
            let id = super::uuid();
            assert_eq!(id.len(), 36);
            assert_eq!(&id[14..15], "4");
            assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
        }
    }
}
