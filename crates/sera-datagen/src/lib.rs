//! From a history to training data, without any network: mine → synthesize → roll out → select.
//!
//! [`mine`](mod@mine) finds functions and commits and the cut between what is trained on and what
//! is held out; [`synthesize`](mod@synthesize) makes tasks of them; [`rollout`] has the
//! [`teacher`] play each in an environment; [`select`](mod@select) chooses. [`holes`](mod@holes)
//! makes completion examples, [`similar`] finds solved tasks to show. Stages take data and return
//! data: nothing here writes anything.
pub mod bases;
pub mod filters;
pub mod holes;
pub mod known;
pub mod mine;
pub mod policy;
pub mod reason;
pub mod rollout;
pub mod select;
pub mod similar;
pub mod synthesize;
pub mod teacher;

pub use bases::{Bases, source_files};
pub use holes::holes;
pub use known::Known;
pub use mine::{Cut, MineError, Mined, mine};
pub use policy::Policy;
pub use reason::{DropReason, Drops};
pub use rollout::{Attempt, RolledOut, roll_out_all};
pub use select::{Selected, select};
pub use similar::Solved;
pub use synthesize::{Synthesized, synthesize, synthesize_all};
pub use teacher::ProceduralTeacher;
