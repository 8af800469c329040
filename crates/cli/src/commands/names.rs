//! Choosing a resource of a stack by id or name.

use anyhow::{Result, bail};
use provision_engine::fault::Code;

/// A resource that a command can be about.
#[derive(Clone, Debug)]
pub(super) struct Candidate<T> {
    /// Its id within the stack.
    pub(super) id: String,
    /// Its name on AWS.
    pub(super) name: String,
    pub(super) value: T,
}

/// Returns the candidate called `wanted`, or the only one. `noun` is what they are: "API key".
///
/// # Errors
///
/// `Code::NotDeclared` if the stack has none, `Code::Ambiguous` if it has several and none was named, `Code::NoSuchStep` for an
/// unknown name.
pub(super) fn choose<T>(
    mut candidates: Vec<Candidate<T>>,
    wanted: Option<&str>,
    noun: &str,
) -> Result<Candidate<T>> {
    if candidates.is_empty() {
        bail!(Code::NotDeclared.fault(format!("the stack has no {noun}")));
    }
    let Some(wanted) = wanted else {
        if candidates.len() == 1 {
            return Ok(candidates.remove(0));
        }
        bail!(
            Code::Ambiguous
                .fault(format!("the stack has {} {noun}s", candidates.len()))
                .remedy(format!("name one of {}", listed(&candidates)))
        );
    };
    let found = candidates
        .iter()
        .position(|candidate| candidate.id == wanted || candidate.name == wanted);
    match found {
        Some(at) => Ok(candidates.remove(at)),
        None => bail!(
            Code::NoSuchStep
                .fault(format!("the stack has no {noun} `{wanted}`"))
                .remedy(format!("one of {}", listed(&candidates)))
        ),
    }
}

fn listed<T>(candidates: &[Candidate<T>]) -> String {
    let ids: Vec<&str> = candidates
        .iter()
        .map(|candidate| candidate.id.as_str())
        .collect();
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(ids: &[&str]) -> Vec<Candidate<()>> {
        let candidates = ids.iter().map(|id| Candidate {
            id: (*id).to_owned(),
            name: format!("shop-{id}"),
            value: (),
        });
        candidates.collect()
    }

    fn chosen(ids: &[&str], wanted: Option<&str>) -> Result<String, (Code, String)> {
        choose(candidates(ids), wanted, "API key")
            .map(|chosen| chosen.id)
            .map_err(|error| (Code::of(&error), error.to_string()))
    }

    #[test]
    fn the_only_one_needs_no_name() {
        assert_eq!(chosen(&["a"], None), Ok("a".to_owned()));
        assert_eq!(chosen(&["a", "b"], Some("shop-b")), Ok("b".to_owned()));
        assert_eq!(chosen(&["a", "b"], Some("a")), Ok("a".to_owned()));
    }

    #[test]
    fn none_several_and_unknown_ones_are_told_apart() {
        let none = "the stack has no API key".to_owned();
        assert_eq!(chosen(&[], None), Err((Code::NotDeclared, none)));
        let several = "the stack has 2 API keys".to_owned();
        assert_eq!(chosen(&["a", "b"], None), Err((Code::Ambiguous, several)));
        let unknown = "the stack has no API key `c`".to_owned();
        assert_eq!(chosen(&["a"], Some("c")), Err((Code::NoSuchStep, unknown)));
    }
}
