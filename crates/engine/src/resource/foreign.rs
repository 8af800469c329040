//! Parts of others in a resource.

/// A part that somebody else has put into a resource, or a setting that protects it. `up` leaves it as it is; plans and `drift`
/// name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignPart {
    /// The part, in words: "method `GET /x`".
    pub what: String,
    /// True if it lets somebody do more than the stack does.
    pub widens: bool,
    /// Its fate when the resource is deleted.
    pub at_deletion: AtDeletion,
}

/// The fate of a part of others when the resource is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtDeletion {
    /// It goes too.
    Goes,
    /// It stays, or is no loss.
    Stays,
    /// AWS refuses to delete the resource, until somebody does this.
    Blocks(String),
}

impl ForeignPart {
    /// A part that goes along with the resource, and widens nothing.
    pub fn going(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            widens: false,
            at_deletion: AtDeletion::Goes,
        }
    }

    /// A part that stays when the resource goes, and widens nothing.
    pub fn staying(what: impl Into<String>) -> Self {
        Self {
            at_deletion: AtDeletion::Stays,
            ..Self::going(what)
        }
    }

    /// A part without which the resource can be deleted only; `remedy` takes it away.
    pub fn blocking(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            at_deletion: AtDeletion::Blocks(remedy.into()),
            ..Self::going(what)
        }
    }

    /// It lets somebody do more than the stack does, if `widens`.
    #[must_use]
    pub fn widening(self, widens: bool) -> Self {
        Self { widens, ..self }
    }
}
