//! `#[derive(Item)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, DeriveInput, Error, Field, GenericArgument, Ident, LitStr, PathArguments, Result,
    Token, Type,
};

use crate::{fields, names};

/// An index, as a field's `#[index("name", sort = "field")]` says it.
struct Index<'a> {
    name: LitStr,
    partition: &'a Field,
    sort: Option<&'a Field>,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let link = names::link();
    let (name, fields) = (&input.ident, fields(input)?);
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &input.generics,
            "an item is one type, without parameters",
        ));
    }
    let Some(partition) = only(&fields, "partition_key")? else {
        return Err(Error::new_spanned(
            name,
            "one field has to be the `#[partition_key]`",
        ));
    };
    let sort = only(&fields, "sort_key")?;
    check_own_keys(partition, sort)?;
    let ttl = only(&fields, "ttl")?;
    let attribute = |field: &Field| -> Result<TokenStream> {
        let (text, kind) = (names::serialised(field, input)?, without_option(&field.ty));
        check_key(kind)?;
        Ok(quote!(#link::Attribute::of::<#kind>(#text)))
    };
    let optional = |field: Option<&Field>| field.map(attribute).transpose().map(option);
    let (mut schemas, mut constants) = (Vec::new(), Vec::new());
    for index in indexes(&fields)? {
        let Index {
            name: text,
            partition,
            sort,
        } = index;
        let (key, sort_key) = (attribute(partition)?, optional(sort)?);
        let schema = quote!(#link::IndexSchema { name: #text, partition: #key, sort: #sort_key });
        let kind = without_option(&partition.ty);
        let constant = format_ident!("{}", text.value().replace(['-', '.'], "_").to_uppercase());
        let doc = format!("The index `{}`.", text.value());
        constants.push(match sort.map(|sort| without_option(&sort.ty)) {
            None => quote!(
                #[doc = #doc]
                pub const #constant: #link::Index<#name, #kind> = #link::Index::new(#schema);
            ),
            Some(sort) => quote!(
                #[doc = #doc]
                pub const #constant: #link::SortedIndex<#name, #kind, #sort> = #link::SortedIndex::new(#schema);
            ),
        });
        schemas.push(schema);
    }
    let partition_type = &partition.ty;
    let partition_name = names::serialised(partition, input)?;
    let (key, key_attributes, sorted) = match sort {
        None => (
            quote!(#partition_type),
            quote!((#partition_name, #link::KeyValue::to_key(key))),
            quote!(),
        ),
        Some(sort) => {
            let (kind, text) = (&sort.ty, names::serialised(sort, input)?);
            (
                quote!((#partition_type, #kind)),
                quote!(
                    (#partition_name, #link::KeyValue::to_key(&key.0)),
                    (#text, #link::KeyValue::to_key(&key.1))
                ),
                quote!(
                    impl #link::Sorted for #name {
                        type Sort = #kind;
                        const SORT: &'static str = #text;
                    }
                ),
            )
        }
    };
    let (partition_key, sort_key) = (attribute(partition)?, optional(sort)?);
    let checked_ttl = ttl.map(|field| checked_ttl(&link, &field.ty));
    let ttl = ttl.map(|field| names::serialised(field, input));
    let ttl = option(ttl.transpose()?);
    let attributes = names::all(&fields, input);
    Ok(quote! {
        impl #link::Item for #name {
            type Partition = #partition_type;
            type Key = #key;
            const SCHEMA: #link::Schema = #link::Schema {
                partition: #partition_key,
                sort: #sort_key,
                indexes: &[#(#schemas),*],
                ttl: #ttl,
            };
            const ATTRIBUTES: &'static [&'static str] = &[#(#attributes),*];

            fn key_attributes(key: &Self::Key) -> ::std::vec::Vec<(&'static str, #link::KeyText)> {
                ::std::vec![#key_attributes]
            }
        }

        impl #name {
            #(#constants)*
        }

        #checked_ttl
        #sorted
    })
}

/// An item that does not compile if values of `kind` are no times.
fn checked_ttl(link: &TokenStream, kind: &Type) -> TokenStream {
    quote!(
        const _: () = {
            const fn is_time<T: #link::TimeToLive>() {}
            is_time::<#kind>()
        };
    )
}

/// Refuses an `Option` as the key of the table itself.
fn check_own_keys(partition: &Field, sort: Option<&Field>) -> Result<()> {
    let mut keys = [Some(partition), sort].into_iter().flatten();
    match keys.find(|key| !std::ptr::eq(without_option(&key.ty), &raw const key.ty)) {
        None => Ok(()),
        Some(key) => Err(Error::new_spanned(
            &key.ty,
            "every item has the table's keys: only the key of an index can be an `Option`",
        )),
    }
}

/// Refuses the types that are most likely meant and are no keys. The trait `KeyValue` refuses all others, once for each use.
fn check_key(kind: &Type) -> Result<()> {
    let is_known = |name: &&&str| matches!(kind, Type::Path(path) if path.path.is_ident(**name));
    match ["f32", "f64", "bool"].iter().find(is_known) {
        None => Ok(()),
        Some(name) => Err(Error::new_spanned(
            kind,
            format!("`{name}` cannot be a key: DynamoDB's keys are texts, whole numbers or bytes"),
        )),
    }
}

/// Returns an `Option` as code.
fn option(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// Returns the only field with an attribute.
fn only<'a>(fields: &[&'a Field], attribute: &str) -> Result<Option<&'a Field>> {
    let has = |field: &&&Field| field.attrs.iter().any(|one| one.path().is_ident(attribute));
    let mut found = fields.iter().filter(has);
    let first = found.next().copied();
    match found.next() {
        Some(second) => Err(Error::new_spanned(
            second,
            format!("only one field can be the `#[{attribute}]`"),
        )),
        None => Ok(first),
    }
}

fn indexes<'a>(fields: &[&'a Field]) -> Result<Vec<Index<'a>>> {
    let mut found: Vec<Index<'_>> = Vec::new();
    for &partition in fields {
        let is_index = |one: &&Attribute| one.path().is_ident("index");
        for attribute in partition.attrs.iter().filter(is_index) {
            let (name, sort) =
                attribute.parse_args_with(|input: syn::parse::ParseStream<'_>| {
                    let name: LitStr = input.parse()?;
                    let mut sort: Option<LitStr> = None;
                    if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
                        let key: Ident = input.parse()?;
                        if key != "sort" {
                            return Err(Error::new_spanned(
                                key,
                                "only `sort = \"field\"` can follow",
                            ));
                        }
                        input.parse::<Token![=]>()?;
                        sort = Some(input.parse()?);
                    }
                    Ok((name, sort))
                })?;
            if found.iter().any(|known| known.name.value() == name.value()) {
                return Err(Error::new_spanned(
                    &name,
                    format!("the index `{}` is there twice", name.value()),
                ));
            }
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let text = name.value();
            if !(3..=255).contains(&text.len())
                || !text.chars().all(is_name)
                || !text.starts_with(|c: char| c.is_ascii_alphabetic())
            {
                return Err(Error::new_spanned(
                    &name,
                    "an index's name begins with a letter, and has 3 to 255 letters, digits, `-`, `_` and `.`",
                ));
            }
            let sort = sort.map(|sort| {
                let is_meant = |field: &&&Field| {
                    field
                        .ident
                        .as_ref()
                        .is_some_and(|ident| *ident == sort.value())
                };
                let found = fields.iter().find(is_meant).copied();
                found.ok_or_else(|| {
                    Error::new_spanned(&sort, format!("there is no field `{}`", sort.value()))
                })
            });
            found.push(Index {
                name,
                partition,
                sort: sort.transpose()?,
            });
        }
    }
    Ok(found)
}

/// Returns `T` of `Option<T>`: an item without the attribute is not in the index.
fn without_option(kind: &Type) -> &Type {
    if let Type::Path(path) = kind
        && let Some(last) = path.path.segments.last()
        && last.ident == "Option"
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(GenericArgument::Type(inner)) = arguments.args.first()
    {
        return inner;
    }
    kind
}
