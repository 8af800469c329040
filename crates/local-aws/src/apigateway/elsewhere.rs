//! The operations of API Gateway that the local AWS does not have, so that each is refused by its name.

use http::Method;

use super::ROUTES;
use super::refusal::unsupported;
use crate::answer::Refusal;
use crate::call::Call;
use crate::routes::{self, Route, Routed};

/// The rest of botocore's model `apigateway/2015-07-09`.
#[rustfmt::skip]
pub(crate) const OTHERS: &[Route] = &[
    ("GET", "/restapis/{restapi_id}/stages/{stage_name}/sdks/{sdk_type}", "GetSdk"),
    ("DELETE", "/restapis/{restapi_id}/stages/{stage_name}/cache/data", "FlushStageCache"),
    ("GET", "/sdktypes", "GetSdkTypes"),
    ("GET", "/sdktypes/{sdktype_id}", "GetSdkType"),
    ("POST", "/clientcertificates", "GenerateClientCertificate"),
    ("GET", "/clientcertificates", "GetClientCertificates"),
    ("GET", "/clientcertificates/{clientcertificate_id}", "GetClientCertificate"),
    ("PATCH", "/clientcertificates/{clientcertificate_id}", "UpdateClientCertificate"),
    ("DELETE", "/clientcertificates/{clientcertificate_id}", "DeleteClientCertificate"),
    ("POST", "/vpclinks", "CreateVpcLink"),
    ("GET", "/vpclinks", "GetVpcLinks"),
    ("GET", "/vpclinks/{vpclink_id}", "GetVpcLink"),
    ("PATCH", "/vpclinks/{vpclink_id}", "UpdateVpcLink"),
    ("DELETE", "/vpclinks/{vpclink_id}", "DeleteVpcLink"),
    ("POST", "/domainnames", "CreateDomainName"),
    ("GET", "/domainnames", "GetDomainNames"),
    ("GET", "/domainnames/{domain_name}", "GetDomainName"),
    ("PATCH", "/domainnames/{domain_name}", "UpdateDomainName"),
    ("DELETE", "/domainnames/{domain_name}", "DeleteDomainName"),
    ("POST", "/domainnames/{domain_name}/basepathmappings", "CreateBasePathMapping"),
    ("GET", "/domainnames/{domain_name}/basepathmappings", "GetBasePathMappings"),
    ("GET", "/domainnames/{domain_name}/basepathmappings/{base_path}", "GetBasePathMapping"),
    ("PATCH", "/domainnames/{domain_name}/basepathmappings/{base_path}", "UpdateBasePathMapping"),
    ("DELETE", "/domainnames/{domain_name}/basepathmappings/{base_path}", "DeleteBasePathMapping"),
    ("POST", "/domainnameaccessassociations", "CreateDomainNameAccessAssociation"),
    ("GET", "/domainnameaccessassociations", "GetDomainNameAccessAssociations"),
    ("DELETE", "/domainnameaccessassociations/{association_arn+}", "DeleteDomainNameAccessAssociation"),
    ("POST", "/rejectdomainnameaccessassociations", "RejectDomainNameAccessAssociation"),
];

/// The operation of a call, or why there is none: the local AWS does not have it, or nobody has.
pub(crate) fn route(call: &Call) -> Result<Routed, Refusal> {
    if let Some(routed) = find(ROUTES, call) {
        return Ok(routed);
    }
    Err(match find(OTHERS, call) {
        Some(routed) => unsupported(routed.operation),
        None => Refusal::new(404, "UnknownOperationException", "Unknown operation"),
    })
}

/// A POST with `mode=import` in its query has a route of its own.
fn find(routes: &'static [Route], call: &Call) -> Option<Routed> {
    let is_import = call.method == Method::POST && call.parameter("mode") == Some("import");
    if is_import {
        let path = format!("{}?mode=import", call.path.trim_end_matches('/'));
        let is_known = |routes: &[Route]| {
            routes
                .iter()
                .any(|(method, pattern, _)| *method == "POST" && *pattern == path)
        };
        if is_known(ROUTES) || is_known(OTHERS) {
            return routes::find(routes, &call.method, &path);
        }
    }
    routes::find(routes, &call.method, &call.path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// As many as botocore's model has.
    #[test]
    fn every_operation_is_known() {
        let names: BTreeSet<&str> = ROUTES
            .iter()
            .chain(OTHERS)
            .map(|(_, _, operation)| *operation)
            .collect();
        assert_eq!(names.len(), 124);
    }
}
