//! Prints the editor extension's `protocol.ts` from the same tables the Rust types come from.
use crate::message::FailureData;
use crate::method::{declare_methods, declare_notifications};
use crate::wire::{Declarations, Wire as _};

/// The whole file. Written by `cargo xtask codegen`; a test says when it is stale.
pub fn generate() -> String {
    let mut declarations = Declarations::default();
    declare_methods(&mut declarations);
    declare_notifications(&mut declarations);
    FailureData::declare(&mut declarations);
    format!(
        "// Generated from crates/sera-protocol by `cargo xtask codegen`. Do not edit.\n\n\
         /** The protocol's version; both sides must share the major number. */\n\
         export const VERSION: Version = {{ major: {}, minor: {} }};\n\n\
         /** The longest line either side accepts, newline included, bytes. */\n\
         export const FRAME_LIMIT = {};\n\n{}",
        crate::VERSION.major,
        crate::VERSION.minor,
        crate::FRAME_LIMIT,
        declarations.texts.join("\n"),
    )
}
