//! The engine against small sources of every language.
mod functions;
mod index;
mod inverses;
mod matrix;
mod operators;
mod properties;
mod restored;
