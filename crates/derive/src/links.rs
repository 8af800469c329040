//! `#[derive(Links)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, LitStr, Result};

use crate::{fields, names};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let link = names::link();
    let (name, fields) = (&input.ident, fields(input)?);
    let mut binary: Option<LitStr> = None;
    for attribute in input
        .attrs
        .iter()
        .filter(|one| one.path().is_ident("links"))
    {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("bin") {
                return Err(meta.error("only `bin = \"name\"`"));
            }
            binary = Some(meta.value()?.parse()?);
            Ok(())
        })?;
    }
    let Some(binary) = binary else {
        return Err(Error::new_spanned(
            name,
            "name the binary that has these links: `#[links(bin = \"name\")]`",
        ));
    };
    let idents: Vec<_> = fields
        .iter()
        .filter_map(|field| field.ident.as_ref())
        .collect();
    let texts: Vec<_> = idents.iter().map(ToString::to_string).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #generics #link::Links for #name #arguments #bounds {
            const BINARY: &'static str = #binary;

            fn needs(&self) -> ::std::vec::Vec<(&'static str, #link::Need)> {
                ::std::vec![#((#texts, #link::Link::need(&self.#idents))),*]
            }

            fn load(
                variables: impl ::core::ops::Fn(&str) -> ::core::option::Option<::std::string::String>,
            ) -> ::core::result::Result<Self, #link::LoadError> {
                ::core::result::Result::Ok(Self {
                    #(#idents: #link::private::load::<#types>(#texts, Self::BINARY, &variables)?),*
                })
            }
        }
    })
}
