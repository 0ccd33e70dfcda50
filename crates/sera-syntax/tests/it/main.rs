//! The engine against small sources of every language.
mod functions;
mod index;
mod inverses;
mod operators;
mod properties;
mod restored;
