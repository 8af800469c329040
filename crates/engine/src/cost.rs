//! The price of a resource, as its kind states it.

/// US dollars for a million requests that reach one resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Charge {
    /// The service on the bill: "API Gateway".
    pub service: &'static str,
    /// US dollars.
    pub usd: f64,
}
