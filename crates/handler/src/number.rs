//! Spellings of numbers. `DynamoDB` can hold 38 significant digits from 1E-130 to 9.99…E+125, positive, negative, and zero.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::failure::Failure;
use crate::python;

/// Largest number of significant digits.
const PRECISION: usize = 38;
/// Powers of ten of the first significant digit.
const MAGNITUDES: RangeInclusive<i64> = -130..=125;
/// Largest power of ten in boto3.
const MAX_EXPONENT: usize = 126;

/// Returns a spelling for `DynamoDB` of a number in JSON's grammar, or boto3's refusal of an integer that `DynamoDB` cannot
/// hold. `DynamoDB` itself refuses other numbers.
pub(crate) fn stored(text: &str) -> Result<Cow<'_, str>, Failure> {
    let (coefficient, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    if !coefficient.contains(|c: char| matches!(c, '1'..='9')) {
        return Ok("0".into());
    }
    let written = coefficient.bytes().filter(u8::is_ascii_digit).count();
    if written <= PRECISION {
        return Ok(text.into());
    }
    match shortened(coefficient, exponent) {
        Some(short) => Ok(short.into()),
        None if python::is_integer(text) => Err(refusal(coefficient)),
        None => Ok(text.into()),
    }
}

/// Returns a number other than zero with its significant digits alone, or `None` if `DynamoDB` cannot hold it.
fn shortened(coefficient: &str, exponent: &str) -> Option<String> {
    let unsigned = coefficient.trim_start_matches('-');
    let sign = &coefficient[..coefficient.len() - unsigned.len()];
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{whole}{fraction}");
    let kept = digits.trim_end_matches('0');
    let significant = kept.trim_start_matches('0');
    let point = i64::try_from(fraction.len()).ok()?;
    let dropped = i64::try_from(digits.len() - kept.len()).ok()?;
    let exponent = exponent.parse::<i64>().ok()?.checked_add(dropped - point)?;
    let magnitude = exponent.checked_add(i64::try_from(significant.len()).ok()? - 1)?;
    (significant.len() <= PRECISION && MAGNITUDES.contains(&magnitude))
        .then(|| format!("{sign}{significant}E{exponent:+}"))
}

/// Returns boto3's refusal of an integer of more than 38 digits.
fn refusal(integer: &str) -> Failure {
    let digits = integer.trim_start_matches('-');
    if digits.len() > MAX_EXPONENT + 1 {
        Failure::caller(
            "Overflow",
            "[<class 'decimal.Overflow'>, <class 'decimal.Inexact'>, <class 'decimal.Rounded'>]",
        )
    } else if digits[PRECISION..].bytes().all(|digit| digit == b'0') {
        Failure::caller("Rounded", "[<class 'decimal.Rounded'>]")
    } else {
        Failure::caller(
            "Inexact",
            "[<class 'decimal.Inexact'>, <class 'decimal.Rounded'>]",
        )
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::is_number;

    /// Returns the number as an integer and a power of ten, for comparison.
    pub(crate) fn normalised(text: &str) -> String {
        let (coefficient, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse().expect("an exponent is an integer");
        let fraction = coefficient.split_once('.').map_or(0, |(_, f)| f.len());
        let mut digits = coefficient.replace(['-', '.'], "");
        let mut power = exponent - i64::try_from(fraction).expect("a short text");
        while digits.len() > 1 && digits.ends_with('0') {
            digits.pop();
            power += 1;
        }
        match digits.trim_start_matches('0') {
            "" => "0".to_owned(),
            digits if coefficient.starts_with('-') => format!("-{digits}e{power}"),
            digits => format!("{digits}e{power}"),
        }
    }

    /// Spells `digits` times ten to the `power` with its decimal point moved by `shift`, and zeros around.
    fn spelled(digits: &str, power: i64, shift: i64, zeros: usize) -> String {
        let exponent = power + shift;
        let length = i64::try_from(digits.len()).expect("a short text");
        let filled = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        let padded = format!("{}{digits}{}", filled(shift - length + 1), filled(-shift));
        let point = padded.len() - usize::try_from(shift.max(0)).expect("it is not negative");
        let (whole, fraction) = padded.split_at(point);
        let fraction = format!("{fraction}{}", "0".repeat(zeros));
        let point = if fraction.is_empty() { "" } else { "." };
        let exponent = match exponent {
            0 => String::new(),
            exponent => format!("e{exponent}"),
        };
        format!("{whole}{point}{fraction}{exponent}")
    }

    proptest! {
        #[test]
        fn every_spelling_of_a_number_is_stored(
            digits in "[1-9]([0-9]{0,36}[1-9])?",
            magnitude in MAGNITUDES,
            shift in -140_i64..140,
            zeros in 0_usize..60,
            is_negative in any::<bool>(),
            is_written_out in any::<bool>(),
        ) {
            let power = magnitude + 1 - i64::try_from(digits.len()).expect("a short text");
            let shift = if is_written_out { -power } else { shift };
            let sign = if is_negative { "-" } else { "" };
            let text = format!("{sign}{}", spelled(&digits, power, shift, zeros));
            prop_assert!(is_number(&text), "{}", text);
            let stored = stored(&text).expect("DynamoDB can hold it");
            prop_assert!(stored.bytes().filter(u8::is_ascii_digit).count() <= PRECISION + 3, "{}", stored);
            prop_assert_eq!(normalised(&stored), normalised(&text));
        }
    }

    fn outcome(text: &str) -> String {
        stored(text).map_or_else(|failure| failure.error_type, Cow::into_owned)
    }

    fn written_out(digits: &str, zeros: usize) -> String {
        format!("{digits}{}", "0".repeat(zeros))
    }

    #[test]
    fn short_numbers_keep_their_spelling() {
        for text in ["5", "-17", "1.50", "1e50", "-0.001E-7", &"9".repeat(38)] {
            assert_eq!(outcome(text), text);
        }
    }

    #[test]
    fn only_significant_digits_count() {
        let nines = "9".repeat(PRECISION);
        for (text, stored) in [
            (written_out("1", 50), "1E+50".to_owned()),
            (written_out("-12", 100), "-12E+100".to_owned()),
            (written_out(&nines, 88), format!("{nines}E+88")),
            (format!("{}.000", written_out("1", 37)), "1E+37".to_owned()),
            (written_out("1.5", 60), "15E-1".to_owned()),
            (format!("0.{}25", "0".repeat(60)), "25E-62".to_owned()),
            (written_out("7", 300) + "e-300", "7E+0".to_owned()),
        ] {
            assert_eq!(outcome(&text), stored);
        }
    }

    #[test]
    fn every_zero_is_zero() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.000",
            "0e300",
            "0E-99999999999999999999",
        ] {
            assert_eq!(outcome(text), "0");
        }
    }

    #[test]
    fn integers_are_refused_as_boto3_refuses_them_if_dynamodb_cannot_hold_them() {
        for (text, error_type) in [
            (written_out("1", 126), "Rounded"),
            (written_out("1", 127), "Overflow"),
            (written_out("-1", 130), "Overflow"),
            ("123456789".repeat(5), "Inexact"),
            (format!("{}1", "9".repeat(38)), "Inexact"),
        ] {
            assert_eq!(outcome(&text), error_type);
        }
    }

    #[test]
    fn dynamodb_refuses_other_numbers_that_it_cannot_hold() {
        for text in [
            format!("0.{}", "123456789".repeat(5)),
            written_out("1", 126) + ".0",
            format!("-0.{}1E+3", "0".repeat(200)),
            format!("{}e99999999999999999999", written_out("1", 50)),
        ] {
            assert_eq!(outcome(&text), text);
        }
    }
}
