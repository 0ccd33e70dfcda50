//! What only shows from outside: calls over a real socket, transcripts of every version, and the
//! generated TypeScript.
#[cfg(test)]
mod call;
#[cfg(test)]
mod transcript;
#[cfg(test)]
mod typescript;
