//! What functions write, on its way into their log groups.

use super::events::{self, OVERHEAD};
use super::group::{self, Group};
use super::put::EVENT_BYTES;
use super::stream::{self, Stream};
use crate::Enforcement;
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::iam::Rights;
use crate::place::Place;

/// Lines that a function wrote, with the time of each, by the rights of its role: without them they are lost, as on AWS.
/// Not within a transaction.
pub(crate) fn deliver(
    cloud: &Cloud,
    place: &Place,
    role: &str,
    group: &str,
    stream: &str,
    lines: &[(Moment, String)],
) -> Result<(), Refusal> {
    if lines.iter().all(|(_, line)| line.is_empty()) {
        return Ok(());
    }
    let now = cloud.now();
    cloud.store.transact(|tx| {
        let rights = match cloud.enforcement {
            Enforcement::Off => None,
            Enforcement::Functions | Enforcement::All => {
                Some(Rights::of(cloud, tx, place, role, None)?)
            }
        };
        let may = |action: &str, arn: &str| {
            rights
                .as_ref()
                .is_none_or(|rights| rights.allow(action, arn, &[]))
        };
        let group_arn = group::arn(place, group);
        let stream_arn = format!("{group_arn}:log-stream:{stream}");
        if !may("logs:PutLogEvents", &stream_arn) {
            return Ok(());
        }
        let found_stream = stream::find(tx, place, group, stream)?;
        if found_stream.is_none() && !may("logs:CreateLogStream", &stream_arn) {
            return Ok(());
        }
        let found_group = tx.get::<Group>(place, group)?;
        if found_group.is_none()
            && !may("logs:CreateLogGroup", &group_arn)
            && !may("logs:CreateLogGroup", &format!("{group_arn}:log-stream:"))
        {
            return Ok(());
        }
        let of_group = if let Some(group) = found_group {
            group
        } else {
            let group = Group::new(group, now);
            tx.put(place, &group)?;
            group
        };
        let mut of_stream = found_stream.unwrap_or_else(|| Stream::new(group, stream, now));
        let pieces = lines
            .iter()
            .flat_map(|(moment, line)| pieces(line).map(|piece| (*moment, piece)));
        events::append(tx, place, &of_group, &mut of_stream, pieces, now)
    })
}

/// A line that is too long for an event becomes several.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (piece, tail) = rest.split_at(rest.floor_char_boundary(EVENT_BYTES - OVERHEAD));
        rest = tail;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_characters() {
        let line = "é".repeat(EVENT_BYTES);
        let pieces: Vec<&str> = pieces(&line).collect();
        assert_eq!(pieces.concat(), line);
        assert_eq!(pieces.len(), 3);
        assert!(
            pieces
                .iter()
                .all(|piece| piece.len() + OVERHEAD <= EVENT_BYTES)
        );
    }
}
