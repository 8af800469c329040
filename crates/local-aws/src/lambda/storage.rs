//! The code that an account keeps in a region, of functions and of layers.

use rusqlite::params;

use super::function::Function;
use super::layer::Version;
use crate::answer::Refusal;
use crate::place::Place;
use crate::store::{Record, Tx};

/// Bytes (AWS: "Lambda quotas", storage for uploaded functions and layers).
pub(super) const MOST: u64 = 80_530_636_800;

/// Bytes of all versions' zips.
pub(super) fn used(tx: &Tx, place: &Place) -> Result<u64, Refusal> {
    let mut statement = tx.sql().prepare_cached(
        "SELECT coalesce(sum(json_extract(body, '$.code_size')), 0) FROM record
         WHERE kind IN (?1, ?2) AND account = ?3 AND region = ?4",
    )?;
    let kinds = (Function::KIND, Version::KIND);
    let place = (&place.account, &place.region);
    Ok(
        statement.query_row(params![kinds.0, kinds.1, place.0, place.1], |row| {
            row.get(0)
        })?,
    )
}

/// Refuses a zip of `size` bytes that no longer fits.
pub(super) fn check(tx: &Tx, place: &Place, size: u64) -> Result<(), Refusal> {
    check_total(used(tx, place)?.saturating_add(size))
}

fn check_total(total: u64) -> Result<(), Refusal> {
    if total <= MOST {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "CodeStorageExceededException",
        "Code storage limit exceeded.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_still_fits() {
        assert_eq!(check_total(MOST), Ok(()));
        let refusal = check_total(MOST + 1).expect_err("a byte too much");
        assert_eq!(refusal.code, "CodeStorageExceededException");
    }
}
