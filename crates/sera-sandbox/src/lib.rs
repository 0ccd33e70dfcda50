//! Environments without a way out: the overlay, and an honest word on what protects it.
//!
//! An overlay is a tree held in memory above another tree. It starts no process, opens no file
//! and no socket, so there is nothing in it to escape to; a test greps this crate for exceptions.
pub mod overlay;
pub mod protection;

pub use overlay::{Overlay, OverlayError};
pub use protection::{EffectiveProtection, effective};
