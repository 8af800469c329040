//! Names: of the crate that the derives expand to, and of the attributes that serde writes.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, DeriveInput, Error, Field, LitStr, Meta, Result, Token};

/// Returns the path of `provision-link` where the derive is used: as a dependency of its own, or as `provision::link`.
pub(crate) fn link() -> TokenStream {
    use proc_macro_crate::{FoundCrate, crate_name};
    let found = |name: &str| match crate_name(name) {
        // Its own tests and documentation see it under its name.
        Ok(FoundCrate::Itself) => Some(Ident::new(&name.replace('-', "_"), Span::call_site())),
        Ok(FoundCrate::Name(name)) => Some(Ident::new(&name, Span::call_site())),
        Err(_) => None,
    };
    match (found("provision-link"), found("provision")) {
        (None, Some(facade)) => quote!(::#facade::link),
        (Some(link), _) => quote!(::#link),
        (None, None) => quote!(::provision_link),
    }
}

/// Returns the name of `field` in serialised form.
pub(crate) fn serialised(field: &Field, input: &DeriveInput) -> Result<String> {
    let name = field.ident.as_ref().map(ToString::to_string);
    let name = name.unwrap_or_default();
    let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
    if let Some(renamed) = serde_value(&field.attrs, "rename")? {
        return Ok(renamed.value());
    }
    match serde_value(&input.attrs, "rename_all")? {
        None => Ok(name),
        Some(rule) => renamed(&name, &rule),
    }
}

/// Returns the names of all attributes of an item, or none if serde decides them by itself: `flatten`, or one name to write and
/// another to read.
pub(crate) fn all(fields: &[&Field], input: &DeriveInput) -> Vec<String> {
    let mut names = Vec::new();
    for field in fields {
        if has_serde(&field.attrs, "flatten") {
            return Vec::new();
        }
        if has_serde(&field.attrs, "skip") || has_serde(&field.attrs, "skip_serializing") {
            continue;
        }
        match serialised(field, input) {
            Ok(name) => names.push(name),
            Err(_) => return Vec::new(),
        }
    }
    names
}

/// Returns true if serde's attribute `name` is on a field.
fn has_serde(attributes: &[Attribute], name: &str) -> bool {
    let mut serde = attributes.iter().filter(|one| one.path().is_ident("serde"));
    serde.any(|attribute| {
        let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        metas.is_ok_and(|metas| metas.iter().any(|meta| meta.path().is_ident(name)))
    })
}

/// Returns the text of `#[serde(key = "…")]`. Forms that write another name than they read cannot be an item's.
fn serde_value(attributes: &[Attribute], key: &str) -> Result<Option<LitStr>> {
    let mut found = None;
    for attribute in attributes.iter().filter(|one| one.path().is_ident("serde")) {
        let metas = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?;
        for meta in metas {
            let is_unsound = ["flatten", "skip", "skip_serializing"];
            if key == "rename" && is_unsound.iter().any(|name| meta.path().is_ident(name)) {
                return Err(Error::new_spanned(meta, "a key is an attribute of its own"));
            }
            if !meta.path().is_ident(key) {
                continue;
            }
            match meta {
                Meta::NameValue(pair) => {
                    let value = pair.value;
                    found = Some(syn::parse2(quote!(#value))?);
                }
                other => {
                    return Err(Error::new_spanned(
                        other,
                        "a key is read and written under one name: `rename = \"…\"`",
                    ));
                }
            }
        }
    }
    Ok(found)
}

/// Returns `field` as serde's rule for all fields of a struct writes it.
fn renamed(field: &str, rule: &LitStr) -> Result<String> {
    let words: Vec<&str> = field.split('_').collect();
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    Ok(match rule.value().as_str() {
        "lowercase" | "snake_case" => field.to_owned(),
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => field.to_ascii_uppercase(),
        "PascalCase" => words.iter().map(|word| capital(word)).collect(),
        "camelCase" => {
            let pascal: String = words.iter().map(|word| capital(word)).collect();
            pascal[..1].to_ascii_lowercase() + &pascal[1..]
        }
        "kebab-case" => words.join("-"),
        "SCREAMING-KEBAB-CASE" => words.join("-").to_ascii_uppercase(),
        _ => return Err(Error::new_spanned(rule, "serde has no such rule")),
    })
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    #[test]
    fn names_are_those_of_serde() {
        let named = |rule: &str| renamed("created_at", &LitStr::new(rule, Span::call_site())).ok();
        for (rule, name) in [
            ("lowercase", "created_at"),
            ("UPPERCASE", "CREATED_AT"),
            ("PascalCase", "CreatedAt"),
            ("camelCase", "createdAt"),
            ("snake_case", "created_at"),
            ("SCREAMING_SNAKE_CASE", "CREATED_AT"),
            ("kebab-case", "created-at"),
            ("SCREAMING-KEBAB-CASE", "CREATED-AT"),
        ] {
            assert_eq!(named(rule).as_deref(), Some(name), "{rule}");
        }
        assert_eq!(named("Title"), None);
    }
}
