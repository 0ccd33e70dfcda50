//! What only shows from outside: calls over a real socket, transcripts of every version, and the
//! generated TypeScript.
mod call;
mod transcript;
mod typescript;
