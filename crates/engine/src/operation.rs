//! An operation of an AWS service: its name, repeat rule, rate, rights and error readings in one constant.

use std::time::Duration;

/// One of AWS's services.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// The name on the service's quota page: "API Gateway".
    pub name: &'static str,
    /// The rate of all its calls together.
    pub rate: Option<Rate>,
    /// The meanings of its error codes, where no operation says otherwise.
    pub readings: &'static [Reading],
}

/// A token bucket: `burst` calls at once, and one more each `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The number of calls that may be sent at once.
    pub burst: u32,
    /// The time after which one more may be sent.
    pub every: Duration,
}

/// True if a call may be sent again after an unclear failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Yes: a read, or a write that ends in the same state however often it is sent.
    Safe,
    /// No: a create without a client token, before which the engine looks whether the first one succeeded.
    LookFirst,
}

/// The audience that needs the rights to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Whoever runs `plan`, `drift` and `outputs`.
    Read,
    /// Whoever changes something, causes cost or reads data: `up`, `down`, `invoke`, `logs`, the key's value.
    Write,
}

/// One operation, by its name in the SDK.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operation {
    /// The service it belongs to.
    pub service: Service,
    /// Its name in the SDK: `CreateRole`.
    pub name: &'static str,
    /// True if it may be sent again after an unclear failure.
    pub repeat: Repeat,
    /// The audience that needs the rights to it.
    pub access: Access,
    /// The time for which throttling and concurrent changes are waited out.
    pub patience: Duration,
    /// Its own rate, beside the service's.
    pub rate: Option<Rate>,
    /// True if it counts in the service's rate.
    pub counts_in_service_rate: bool,
    /// The rights that AWS asks for it (AWS: "Service Authorization Reference").
    pub rights: &'static [Right],
    /// The meanings of its error codes; they come before the service's.
    pub readings: &'static [Reading],
    /// The fields that it is about: no right to it is needed where none of them is declared. Empty for all of the resource.
    pub only_with: &'static [&'static str],
}

/// An action as in IAM policies, and the ARNs it is allowed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// `service:Name`.
    pub action: &'static str,
    /// The scope of the statement that allows it.
    pub scope: Scope,
}

/// The resources that a right is about; each scope is one statement of the generated policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The statement's id: letters and digits only, as IAM wants it.
    pub sid: &'static str,
    /// ARN patterns with `{partition}`, `{region}`, `{account}`, `{name}` (the resource's name) and `{field}` of the
    /// declaration.
    pub arns: &'static [&'static str],
    /// For `iam:PassRole`: the service that the role is passed to.
    pub passed_to: Option<&'static str>,
}

/// The meaning of one refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The error code on the wire.
    pub code: &'static str,
    /// Parts of messages, of which one must occur, whatever the case; empty for every message.
    pub says: &'static [&'static str],
    /// Its meaning.
    pub meaning: Meaning,
}

/// The meaning of a refusal to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The resource does not exist.
    NotFound,
    /// A resource of this name exists, or this change is made already.
    Exists,
    /// Two writers met; nothing was changed, and the call can be repeated.
    ConcurrentChange,
    /// Something else has to finish first, which it does by itself.
    NotYet,
}

impl Service {
    /// A service without a rate.
    pub const fn new(name: &'static str, readings: &'static [Reading]) -> Self {
        Self {
            name,
            rate: None,
            readings,
        }
    }

    /// Limits all calls of the service together.
    pub const fn rate(self, burst: u32, every: Duration) -> Self {
        let rate = Some(Rate { burst, every });
        Self { rate, ..self }
    }
}

impl Operation {
    /// An operation that changes nothing.
    pub const fn read(service: Service, name: &'static str, rights: &'static [Right]) -> Self {
        Self {
            service,
            name,
            repeat: Repeat::Safe,
            access: Access::Read,
            patience: Duration::from_mins(2),
            rate: None,
            counts_in_service_rate: true,
            rights,
            readings: &[],
            only_with: &[],
        }
    }

    /// An operation that ends in the same state however often it is sent.
    pub const fn write(service: Service, name: &'static str, rights: &'static [Right]) -> Self {
        Self {
            access: Access::Write,
            ..Self::read(service, name, rights)
        }
    }

    /// An operation that may create two resources if it is sent twice.
    pub const fn create(service: Service, name: &'static str, rights: &'static [Right]) -> Self {
        Self {
            repeat: Repeat::LookFirst,
            ..Self::write(service, name, rights)
        }
    }

    /// Limits this operation alone, beside the service's rate.
    pub const fn rate(self, burst: u32, every: Duration) -> Self {
        let rate = Some(Rate { burst, every });
        Self { rate, ..self }
    }

    /// Does not count in the service's rate.
    pub const fn outside_service_rate(self) -> Self {
        Self {
            counts_in_service_rate: false,
            ..self
        }
    }

    /// Is needed only by those who deploy, although it changes nothing.
    pub const fn for_deployers(self) -> Self {
        Self {
            access: Access::Write,
            ..self
        }
    }

    /// Is needed only for resources that declare one of `fields`.
    pub const fn only_with(self, fields: &'static [&'static str]) -> Self {
        Self {
            only_with: fields,
            ..self
        }
    }

    /// Waits longer for throttling to end: for operations whose own rate is far below the rest's.
    pub const fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Reads error codes differently than the service does.
    pub const fn reading(self, readings: &'static [Reading]) -> Self {
        Self { readings, ..self }
    }

    /// The rates a call counts in, each with the service and the name it is known by.
    pub fn rates(&self) -> impl Iterator<Item = (&'static str, &'static str, Rate)> + use<> {
        let own = self.rate.map(|rate| (self.service.name, self.name, rate));
        let shared = self.service.rate.filter(|_| self.counts_in_service_rate);
        let shared = shared.map(|rate| (self.service.name, "all calls", rate));
        own.into_iter().chain(shared)
    }

    /// Returns the meaning of a refusal with this code and message.
    ///
    /// Concurrent changes come first, because they are repeated wherever they occur.
    pub fn meaning(&self, code: &str, message: &str) -> Option<Meaning> {
        let message = message.to_lowercase();
        let fits = |reading: &&Reading| {
            let mut says = reading.says.iter();
            reading.code == code
                && (reading.says.is_empty()
                    || says.any(|text| message.contains(&text.to_lowercase())))
        };
        let service = self.service.readings.iter();
        let concurrent = service
            .clone()
            .filter(|reading| reading.meaning == Meaning::ConcurrentChange);
        concurrent
            .chain(self.readings)
            .chain(service)
            .find(fits)
            .map(|reading| reading.meaning)
    }
}

impl Reading {
    /// Every refusal with this code.
    pub const fn of(code: &'static str, meaning: Meaning) -> Self {
        Self {
            code,
            says: &[],
            meaning,
        }
    }

    /// Refusals with this code whose message contains one of `says`.
    pub const fn saying(
        code: &'static str,
        says: &'static [&'static str],
        meaning: Meaning,
    ) -> Self {
        Self {
            code,
            says,
            meaning,
        }
    }
}

impl Scope {
    /// A scope of these ARN patterns.
    pub const fn new(sid: &'static str, arns: &'static [&'static str]) -> Self {
        Self {
            sid,
            arns,
            passed_to: None,
        }
    }

    /// Restricts `iam:PassRole` to one service.
    pub const fn passed_to(self, service: &'static str) -> Self {
        let passed_to = Some(service);
        Self { passed_to, ..self }
    }

    /// The right to `action` on this scope.
    pub const fn allow(self, action: &'static str) -> Right {
        Right {
            action,
            scope: self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Service = Service::new(
        "Toys",
        &[
            Reading::saying("Conflict", &["try again"], Meaning::ConcurrentChange),
            Reading::of("Conflict", Meaning::Exists),
            Reading::of("NotFound", Meaning::NotFound),
        ],
    )
    .rate(40, Duration::from_millis(100));

    #[test]
    fn an_operation_reads_errors_before_its_service_does() {
        const DELETE: Operation =
            Operation::write(SERVICE, "DeleteToy", &[]).reading(&[Reading::saying(
                "Conflict",
                &["being deleted"],
                Meaning::NotFound,
            )]);
        assert_eq!(
            DELETE.meaning("Conflict", "it is Being Deleted"),
            Some(Meaning::NotFound)
        );
        assert_eq!(
            DELETE.meaning("Conflict", "it exists"),
            Some(Meaning::Exists)
        );
        assert_eq!(
            DELETE.meaning("Conflict", "being deleted, try again"),
            Some(Meaning::ConcurrentChange)
        );
        assert_eq!(DELETE.meaning("Other", ""), None);
    }

    #[test]
    fn a_call_counts_in_its_own_rate_and_the_services() {
        let rates = |operation: Operation| {
            let rates = operation.rates();
            rates.map(|(_, of, _)| of).collect::<Vec<_>>()
        };
        let delete = Operation::write(SERVICE, "DeleteToy", &[]).rate(1, Duration::from_secs(30));
        assert_eq!(rates(delete), ["DeleteToy", "all calls"]);
        assert_eq!(rates(delete.outside_service_rate()), ["DeleteToy"]);
    }
}
