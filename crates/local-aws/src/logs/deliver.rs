//! What functions write, on its way into their log groups.

use std::sync::Arc;

use super::events::{self, OVERHEAD};
use super::fan_out::{self, FanOut};
use super::group::{self, Group};
use super::stream::{self, Stream};
use crate::Enforcement;
use crate::answer::Refusal;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::iam::Rights;
use crate::place::Place;

/// Of one event, its overhead included: Lambda cuts what is longer.
const EVENT_BYTES: usize = 262_144;

/// Lines that a function wrote, with the time of each, by the rights of its role: without them they are lost, as on AWS.
/// Not within a transaction, and within a runtime.
pub(crate) fn deliver(
    cloud: &Arc<Cloud>,
    place: &Place,
    role: &str,
    group: &str,
    stream: &str,
    lines: &[(Moment, String)],
) -> Result<(), Refusal> {
    write(cloud, place, Some(role), group, stream, lines)
}

/// As [`deliver`]; without a role, nobody's rights are asked.
pub(crate) fn write(
    cloud: &Arc<Cloud>,
    place: &Place,
    role: Option<&str>,
    group: &str,
    stream: &str,
    lines: &[(Moment, String)],
) -> Result<(), Refusal> {
    if lines.iter().all(|(_, line)| line.is_empty()) {
        return Ok(());
    }
    let now = cloud.now();
    let fan_out = cloud.store.transact(|tx| {
        let rights = match (cloud.enforcement, role) {
            (Enforcement::Off, _) | (_, None) => None,
            (Enforcement::Functions | Enforcement::All, Some(role)) => {
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
            return Ok(FanOut::default());
        }
        let found_stream = stream::find(tx, place, group, stream)?;
        if found_stream.is_none() && !may("logs:CreateLogStream", &stream_arn) {
            return Ok(FanOut::default());
        }
        let found_group = tx.get::<Group>(place, group)?;
        if found_group.is_none()
            && !may("logs:CreateLogGroup", &group_arn)
            && !may("logs:CreateLogGroup", &format!("{group_arn}:log-stream:"))
        {
            return Ok(FanOut::default());
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
        let added = pieces.clone();
        let at = events::append(tx, place, &of_group, &mut of_stream, pieces, now)?;
        let added = at.into_iter().zip(added.map(|(_, piece)| piece));
        fan_out::collect(tx, place, (group, stream), &added)
    })?;
    fan_out.start(cloud);
    Ok(())
}

/// A line that is too long for an event becomes several.
fn pieces(line: &str) -> impl Iterator<Item = &str> + Clone {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (piece, tail) = rest.split_at(rest.floor_char_boundary(EVENT_BYTES - OVERHEAD));
        rest = tail;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use serde_json::json;

    use super::*;
    use crate::{Clock, Faults, LocalAws, Options, Outcome, Runner};

    fn aws(enforcement: Enforcement) -> LocalAws {
        LocalAws::open(Options {
            folder: None,
            clock: Clock::System,
            runner: Runner::Inline(Arc::new(|_, event| Ok(event))),
            faults: Faults::default(),
            enforcement,
            ..Options::default()
        })
        .expect("a new one in memory")
    }

    async fn call(aws: &LocalAws, service: &str, target: Option<&str>, body: String) -> String {
        let scope = format!("000000000000/20261124/eu-west-1/{service}/aws4_request");
        let mut request = Request::post("/").header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"),
        );
        if let Some(target) = target {
            request = request.header("x-amz-target", format!("Logs_20140328.{target}"));
        }
        let request = request.body(Bytes::from(body)).expect("a request");
        match aws.handle(request).await {
            Outcome::Answered(response) => String::from_utf8_lossy(response.body()).into_owned(),
            Outcome::Dropped => panic!("dropped"),
        }
    }

    /// What is in the group `/f` after a function of the role `r`, which may do `actions`, has written a line.
    async fn delivered(enforcement: Enforcement, actions: &[&str], group_exists: bool) -> String {
        let aws = aws(enforcement);
        let trust = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
        let role = format!("Action=CreateRole&RoleName=r&AssumeRolePolicyDocument={trust}");
        call(&aws, "iam", None, role).await;
        if !actions.is_empty() {
            let policy = json!({ "Version": "2012-10-17", "Statement": {
                "Effect": "Allow",
                "Action": actions,
                "Resource": "arn:aws:logs:eu-west-1:000000000000:log-group:/f:*",
            } });
            let put =
                format!("Action=PutRolePolicy&RoleName=r&PolicyName=p&PolicyDocument={policy}");
            call(&aws, "iam", None, put).await;
        }
        let group = json!({ "logGroupName": "/f" }).to_string();
        if group_exists {
            call(&aws, "logs", Some("CreateLogGroup"), group.clone()).await;
        }
        let place = Place {
            account: "000000000000".into(),
            region: "eu-west-1".into(),
        };
        let lines = [
            (aws.0.now(), "START\n".to_owned()),
            (aws.0.now(), String::new()),
        ];
        deliver(&aws.0, &place, "r", "/f", "2026/11/24/[$LATEST]1", &lines).expect("no failure");
        call(&aws, "logs", Some("FilterLogEvents"), group).await
    }

    #[tokio::test]
    async fn lines_arrive_by_the_rights_of_the_role() {
        let all = [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ];
        for (enforcement, actions, group_exists, expected) in [
            (Enforcement::Off, &[][..], false, "START"),
            (Enforcement::Functions, &all, false, "START"),
            (Enforcement::Functions, &all[1..], true, "START"),
            (
                Enforcement::Functions,
                &all[1..],
                false,
                "ResourceNotFoundException",
            ),
            (Enforcement::Functions, &all[2..], true, "\"events\":[]"),
            (Enforcement::All, &[], true, "\"events\":[]"),
        ] {
            let found = delivered(enforcement, actions, group_exists).await;
            assert!(
                found.contains(expected),
                "{actions:?} {group_exists}: {found}"
            );
        }
    }

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
