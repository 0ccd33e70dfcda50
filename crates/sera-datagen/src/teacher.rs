//! The procedural teacher: it knows the reference and plays the fix with the student's own tools.
use sera_core::{Cancel, Model, ModelError, Prompt, Reply, Task};

/// A model that solves one task by the book.
#[derive(Clone, Debug)]
pub struct ProceduralTeacher {
    rng_seed: u64,
}

impl ProceduralTeacher {
    /// A teacher of `task`. Its choices follow `rng_seed`.
    pub fn new(task: &Task, rng_seed: u64) -> Self {
        let _ = task;
        Self { rng_seed }
    }
}

impl Model for ProceduralTeacher {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        let _ = (self.rng_seed, prompt, cancel);
        todo!()
    }
}
