//! Environments, and an honest word on what protects them.
//!
//! An [`overlay`] is a tree held in memory above another tree. It starts no process, opens no file
//! and no socket, so there is nothing in it to escape to; a test greps its source for exceptions.
//! A [`container`] is where commands run, if the user wants any to: a tree of its own, no network,
//! no path of the machine, no privilege, bounded in everything.
pub mod container;
pub mod overlay;
pub mod protection;

pub use overlay::{Overlay, OverlayError};
pub use protection::{EffectiveProtection, effective};
