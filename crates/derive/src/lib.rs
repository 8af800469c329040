//! `#[derive(Item)]` and `#[derive(Links)]` of `provision-link`, which re-exports both.

#![deny(missing_docs)]

mod item;
mod links;
mod names;

use proc_macro::TokenStream;
use syn::{Data, DeriveInput, Error, Field, Fields, Result, parse_macro_input};

/// Makes a struct the item of a table; see `provision_link::Item`.
#[proc_macro_derive(Item, attributes(partition_key, sort_key, index, ttl))]
pub fn item(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input);
    let expanded = item::expand(&input);
    expanded.unwrap_or_else(Error::into_compile_error).into()
}

/// Makes a struct the links of one function; see `provision_link::Links`.
#[proc_macro_derive(Links, attributes(links))]
pub fn links(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input);
    let expanded = links::expand(&input);
    expanded.unwrap_or_else(Error::into_compile_error).into()
}

/// Returns the fields of a struct with named ones.
fn fields(input: &DeriveInput) -> Result<Vec<&Field>> {
    match &input.data {
        Data::Struct(data) if matches!(data.fields, Fields::Named(_)) => {
            Ok(data.fields.iter().collect())
        }
        _ => Err(Error::new_spanned(
            &input.ident,
            "this takes a struct with named fields",
        )),
    }
}
