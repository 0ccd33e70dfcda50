//! From a history to training data, without any network: mine → synthesize → roll out → select.
//!
//! [`mine`](mod@mine) finds functions and commits and the cut between what is trained on and what
//! is held out; [`synthesize`](mod@synthesize) makes tasks of them; [`rollout`] has the
//! [`teacher`] play each in an environment; [`select`](mod@select) chooses. [`holes`](mod@holes)
//! makes completion examples, [`lessons`](mod@lessons) conversations that nobody attempted,
//! [`similar`] finds solved tasks to show. Stages take data and return
//! data: nothing here writes anything.
pub mod bases;
mod call_graph;
mod caps;
pub mod change;
mod commits;
pub mod families;
pub mod filters;
pub mod forget;
pub mod generate;
mod history;
pub mod holes;
pub mod import;
mod judge;
pub mod known;
pub mod lessons;
pub mod mine;
mod parallel;
pub mod policy;
pub mod reason;
pub mod rewrites;
pub mod rollout;
pub mod select;
pub mod similar;
mod sources;
pub mod synthesize;
pub mod teacher;
pub mod texts;

pub use bases::{Bases, source_files};
pub use call_graph::CallGraph;
pub use commits::demonstration;
pub use forget::{Forget, Forgotten, Traces};
pub use generate::{Generation, Generator, generate_all};
pub use holes::holes;
pub use import::{Importer, Row, import};
pub use known::{Fact, Known};
pub use lessons::lessons;
pub use mine::{Cut, MineError, Mined, Turn, mine, mine_in_turns};
pub use policy::Policy;
pub use reason::{DropReason, Drops};
pub use rollout::{Attempt, RolledOut, derivable, play, roll_out_all};
pub use select::{SelectError, Selected, Selection, Source, select};
pub use similar::Solved;
pub use synthesize::{Synthesized, synthesize, synthesize_all};
pub use teacher::ProceduralTeacher;
