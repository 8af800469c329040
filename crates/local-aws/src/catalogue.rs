//! All operations of the services that are here, whether they are carried out or refused by name.

use crate::routes::Route;
use crate::service::Service;
use crate::{apigateway, door, lambda, unknown};

/// One operation of AWS's API models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// As in the signing scope.
    pub service: &'static str,
    /// Such as `CreateTable`.
    pub name: &'static str,
    /// Method and path with labels in braces, of a REST service.
    pub route: Option<(&'static str, &'static str)>,
}

/// Returns all operations of AWS's API models of the services that are here, by service and name.
pub fn catalogue() -> Vec<Operation> {
    let named = [
        Service::Iam,
        Service::Sts,
        Service::DynamoDb,
        Service::Logs,
        Service::Ssm,
        Service::Tagging,
    ];
    let named = named.into_iter().flat_map(|service| {
        let known = unknown::all_of(service).split_whitespace();
        known.map(move |name| Operation {
            service: service.name(),
            name,
            route: None,
        })
    });
    let routed = [
        (Service::Lambda, lambda::ROUTES),
        (Service::Lambda, lambda::UNSUPPORTED),
        (Service::ApiGateway, apigateway::ROUTES),
        (Service::ApiGateway, apigateway::OTHERS),
    ];
    let routed = routed.into_iter().flat_map(|(service, routes)| {
        routes
            .iter()
            .map(move |&(method, path, name): &Route| Operation {
                service: service.name(),
                name,
                route: Some((method, path)),
            })
    });
    let mut all: Vec<Operation> = named.chain(routed).collect();
    all.sort_unstable();
    all.dedup_by_key(|operation| (operation.service, operation.name));
    debug_assert!(door::operations().iter().all(|offered| {
        all.iter()
            .any(|operation| (operation.service, operation.name) == *offered)
    }));
    all
}
