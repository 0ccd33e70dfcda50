//! The one way wire types are declared, so that the Rust types and the TypeScript ones are the
//! same text: each macro prints a serde type and its declaration from one list of fields.
use sera_core::scorecard::Capability;
use sera_core::{AdapterId, CommitId, JobId, Patch, TaskId, TrajectoryId};
use std::collections::{BTreeMap, BTreeSet};

/// A type that crosses the socket.
pub(crate) trait Wire {
    /// How TypeScript refers to it.
    fn reference() -> String;

    /// Adds its declaration, and those of its parts, where they are not there yet.
    fn declare(_into: &mut Declarations) {}
}

/// TypeScript declarations in the order they were met.
#[derive(Default)]
pub(crate) struct Declarations {
    names: BTreeSet<&'static str>,
    /// One text per type.
    pub(crate) texts: Vec<String>,
}

impl Declarations {
    /// Reserves `name`; false when it has been declared before.
    pub(crate) fn open(&mut self, name: &'static str) -> bool {
        self.names.insert(name)
    }
}

/// One field as TypeScript writes it.
pub(crate) struct Field {
    /// Its doc comment, line by line.
    pub(crate) doc: &'static [&'static str],
    /// Its name on the wire.
    pub(crate) name: &'static str,
    /// The type it refers to.
    pub(crate) reference: String,
}

/// `/** doc */` at `indent`.
pub(crate) fn comment(doc: &[&str], indent: &str) -> String {
    let lines: Vec<&str> = doc.iter().map(|line| line.trim()).collect();
    match lines.as_slice() {
        [one] => format!("{indent}/** {one} */\n"),
        _ => format!(
            "{indent}/**\n{indent} * {}\n{indent} */\n",
            lines.join(&format!("\n{indent} * "))
        ),
    }
}

/// `name: type;` lines, optional where null is allowed.
pub(crate) fn fields(list: &[Field], indent: &str) -> String {
    list.iter()
        .map(|field| {
            let mark = if field.reference.ends_with("| null") { "?" } else { "" };
            format!(
                "{}{indent}{}{mark}: {};\n",
                comment(field.doc, indent),
                field.name,
                field.reference
            )
        })
        .collect()
}

/// One member of a tagged union.
pub(crate) fn choice(word: &str, list: &[Field], record: Option<&str>) -> String {
    match record {
        Some(record) => format!("  | ({{ kind: \"{word}\" }} & {record})\n"),
        None if list.is_empty() => format!("  | {{ kind: \"{word}\" }}\n"),
        None => {
            format!("  | {{\n      kind: \"{word}\";\n{}    }}\n", fields(list, "      "))
        }
    }
}

/// A method's name as a member of an interface.
pub(crate) fn member(name: &str) -> String {
    if name.contains('/') { format!("\"{name}\"") } else { name.to_owned() }
}

macro_rules! refer {
    ($($name:literal: $($type:ty),*;)*) => {$($(
        impl Wire for $type {
            fn reference() -> String {
                $name.to_owned()
            }
        }
    )*)*};
}

refer! {
    "boolean": bool;
    "number": u16, u32, u64, i64, f32, f64;
    "string": String, Patch, TaskId, TrajectoryId, JobId, AdapterId, CommitId;
    "unknown": serde_json::Value;
}

impl Wire for Capability {
    fn reference() -> String {
        "Capability".to_owned()
    }

    fn declare(into: &mut Declarations) {
        if into.open("Capability") {
            let words: Vec<String> =
                Self::ALL.iter().map(|c| format!("\"{}\"", c.name())).collect();
            let doc = comment(&["What an adapter may win, one by one."], "");
            into.texts.push(format!("{doc}export type Capability = {};\n", words.join(" | ")));
        }
    }
}

impl<T: Wire> Wire for Box<T> {
    fn reference() -> String {
        T::reference()
    }

    fn declare(into: &mut Declarations) {
        T::declare(into);
    }
}

impl<T: Wire> Wire for Option<T> {
    fn reference() -> String {
        format!("{} | null", T::reference())
    }

    fn declare(into: &mut Declarations) {
        T::declare(into);
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn reference() -> String {
        let one = T::reference();
        if one.contains(' ') { format!("({one})[]") } else { format!("{one}[]") }
    }

    fn declare(into: &mut Declarations) {
        T::declare(into);
    }
}

impl<K: Wire, V: Wire> Wire for BTreeMap<K, V> {
    fn reference() -> String {
        format!("Partial<Record<{}, {}>>", K::reference(), V::reference())
    }

    fn declare(into: &mut Declarations) {
        K::declare(into);
        V::declare(into);
    }
}

/// Structs: `/// doc` `Name [Extra, Derives] { /// doc` `field: Type, }`.
macro_rules! records {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $([$($derive:ident),*])? {
            $( $(#[doc = $field_doc:literal])+ $field:ident : $type:ty, )*
        }
    )*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize $($(, $derive)*)?)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $type, )*
        }

        impl crate::wire::Wire for $name {
            fn reference() -> String {
                stringify!($name).to_owned()
            }

            fn declare(into: &mut crate::wire::Declarations) {
                if into.open(stringify!($name)) {
                    let list: &[crate::wire::Field] = &[$(crate::wire::Field {
                        doc: &[$($field_doc),+],
                        name: stringify!($field),
                        reference: <$type as crate::wire::Wire>::reference(),
                    }),*];
                    let doc = crate::wire::comment(&[$($doc),+], "");
                    let body = crate::wire::fields(list, "  ");
                    let line = if body.is_empty() { "" } else { "\n" };
                    into.texts.push(format!(
                        "{doc}export interface {} {{{line}{body}}}\n",
                        stringify!($name)
                    ));
                    $( <$type as crate::wire::Wire>::declare(into); )*
                }
            }
        }
    )*};
}

/// Closed sets of words: `Name { /// doc` `Variant = "word", }`. A variant marked
/// `#[serde(other)]` is what words of a later version are read as.
macro_rules! words {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident {
            $( $(#[doc = $variant_doc:literal])+ $(#[serde($other:ident)])? $variant:ident = $word:literal, )+
        }
    )*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $( $(#[doc = $variant_doc])+ #[serde(rename = $word)] $(#[serde($other)])? $variant, )+
        }

        impl $name {
            /// Every one, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl crate::wire::Wire for $name {
            fn reference() -> String {
                stringify!($name).to_owned()
            }

            fn declare(into: &mut crate::wire::Declarations) {
                if into.open(stringify!($name)) {
                    let doc = crate::wire::comment(&[$($doc),+], "");
                    let mut text = format!("{doc}export type {} =\n", stringify!($name));
                    $(
                        text.push_str(&crate::wire::comment(&[$($variant_doc),+], "  "));
                        text.push_str(concat!("  | \"", $word, "\"\n"));
                    )+
                    text.truncate(text.trim_end().len());
                    text.push_str(";\n");
                    into.texts.push(text);
                }
            }
        }
    )*};
}

/// Tagged choices, `kind` being the tag; each carries its fields or one record.
macro_rules! choices {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident {
            $(
                $(#[doc = $variant_doc:literal])+
                $variant:ident = $word:literal
                    $( { $( $(#[doc = $field_doc:literal])+ $field:ident : $type:ty, )* } )?
                    $( ($record:ty) )?,
            )+
        }
    )*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "kind")]
        pub enum $name {
            $(
                $(#[doc = $variant_doc])+
                #[serde(rename = $word)]
                $variant
                    $( { $( $(#[doc = $field_doc])+ $field: $type, )* } )?
                    $( ($record) )?,
            )+
        }

        impl $name {
            /// The tag on the wire.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $word,)+ }
            }
        }

        impl crate::wire::Wire for $name {
            fn reference() -> String {
                stringify!($name).to_owned()
            }

            fn declare(into: &mut crate::wire::Declarations) {
                if into.open(stringify!($name)) {
                    let doc = crate::wire::comment(&[$($doc),+], "");
                    let mut text = format!("{doc}export type {} =\n", stringify!($name));
                    $({
                        let list: &[crate::wire::Field] = &[$($(crate::wire::Field {
                            doc: &[$($field_doc),+],
                            name: stringify!($field),
                            reference: <$type as crate::wire::Wire>::reference(),
                        }),*)?];
                        text.push_str(&crate::wire::comment(&[$($variant_doc),+], "  "));
                        let record: Option<String> =
                            None$(.or(Some(<$record as crate::wire::Wire>::reference())))?;
                        text.push_str(&crate::wire::choice($word, list, record.as_deref()));
                    })+
                    text.truncate(text.trim_end().len());
                    text.push_str(";\n");
                    into.texts.push(text);
                    $( $($( <$type as crate::wire::Wire>::declare(into); )*)?
                       $( <$record as crate::wire::Wire>::declare(into); )? )+
                }
            }
        }
    )*};
}

pub(crate) use {choices, records, words};
