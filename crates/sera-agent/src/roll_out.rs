//! The open loop: prompt, reply, read, execute, step. It never fails: errors are outcomes.
use crate::dialect::{self, Reader};
use crate::{Environment, Lost};
use sera_core::redact::holds_secret;
use sera_core::trajectory::{Limit, TRAJECTORY_SCHEMA};
use sera_core::{
    Action, Cancel, Message, Model, ModelError, Outcome, Prompt, Step, Task, Trajectory,
    TrajectoryId, Usage,
};
use std::error::Error;

/// Where a rollout ends, and how the model draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Steps at most.
    pub steps: usize,
    /// Tokens of the whole conversation at most: as the model counts them, or a third of its
    /// bytes for models that do not count.
    pub tokens: u64,
    /// Tokens of one reply at most.
    pub reply_tokens: usize,
    /// 0 is greedy.
    pub temperature: f32,
    /// Seed of the model's draws.
    pub seed: u64,
    /// Who reads the conversation.
    pub reader: Reader,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 12,
            tokens: 1024,
            reply_tokens: 160,
            temperature: 0.0,
            seed: 0,
            reader: Reader::Student,
        }
    }
}

/// The code of a rollout that failed because its model writes nothing more.
pub const LOST: &str = "model-lost";

/// The code of a rollout whose model does not do what the dialect needs: call tools.
pub const UNSUPPORTED: &str = "unsupported";

/// The code of a rollout whose conversation became longer than its model reads.
pub const OVERFLOW: &str = "context-overflow";

/// The code of a rollout whose conversation its model refuses, and would refuse again.
pub const REFUSED: &str = "model-refused";

/// The code of a rollout whose environment no longer runs commands.
pub const NOWHERE: &str = "environment-lost";

/// The code of a rollout whose commands made something of the tree that cannot be taken.
pub const UNFIT: &str = "environment-unfit";

/// Steps of one loop window, and how often an action in it makes a loop.
const WINDOW: usize = 6;
const REPEATS: usize = 3;

/// Lets `model` work on `task` until it submits or a limit ends it.
#[expect(clippy::too_many_arguments, reason = "a rollout is made of exactly these")]
pub fn roll_out(
    task: &Task,
    id: TrajectoryId,
    model: &mut dyn Model,
    mut environment: Environment,
    limits: &Limits,
    cancel: &Cancel,
    teacher: &str,
) -> Trajectory {
    let mut steps = Vec::new();
    let mut paid = Paid::default();
    let description = environment.redacted(task.description.clone());
    let outcome = loop {
        match next(&description, &steps, model, limits, cancel, &mut paid) {
            Err(outcome) => break outcome,
            Ok((thought, action)) => {
                let thought = thought.map(|thought| environment.redacted(thought));
                steps.push(Step { thought, ..take(&mut environment, action) });
            }
        }
        if let Some(lost) = environment.lost() {
            let (code, message) = match lost {
                Lost::Engine(message) => (NOWHERE, message),
                Lost::Unfit(message) => (UNFIT, message),
            };
            break Outcome::Failed { code: code.to_owned(), message };
        }
        if steps.last().is_some_and(|step| step.action == Action::Submit) {
            break Outcome::Submitted { patch: environment.patch() };
        }
    };
    mask_loops(&mut steps);
    Trajectory {
        schema: TRAJECTORY_SCHEMA.to_owned(),
        id,
        task: task.id,
        description,
        teacher: teacher.to_owned(),
        prompts: dialect::digest(),
        rng_seed: limits.seed,
        steps,
        outcome,
        usage: paid.usage,
        cost_microdollars: paid.microdollars,
    }
}

/// What a rollout took so far.
#[derive(Default)]
struct Paid {
    usage: Usage,
    microdollars: u64,
}

/// Executes one action of a model; a failed one is context, never loss. What a model writes may
/// hold a secret as well: it is replaced before anything is done with it.
pub(crate) fn take(environment: &mut Environment, action: Action) -> Step {
    let action = redacted(environment, action);
    let observation = environment.execute(&action);
    let masked = !observation.ok;
    Step { thought: None, action, observation, masked }
}

/// The action without secrets; one whose path holds one says nothing that could be done.
fn redacted(environment: &Environment, action: Action) -> Action {
    let action = match action.path().is_some_and(|path| holds_secret(path.as_str())) {
        true => Action::Unreadable { text: dialect::write(&action) },
        false => action,
    };
    action.with_texts(&|text| environment.redacted(text))
}

/// The model's next action, or how the rollout ends instead.
fn next(
    description: &str,
    steps: &[Step],
    model: &mut dyn Model,
    limits: &Limits,
    cancel: &Cancel,
    paid: &mut Paid,
) -> Result<(Option<String>, Action), Outcome> {
    if cancel.is_cancelled() {
        return Err(reached(Limit::Cancelled));
    }
    if steps.len() >= limits.steps {
        return Err(reached(Limit::Steps));
    }
    let messages = dialect::render_for(limits.reader, description, steps);
    let estimate = estimated_tokens(&messages);
    let greedy = Prompt::greedy(messages, limits.reply_tokens);
    let prompt = Prompt {
        temperature: limits.temperature,
        seed: limits.seed,
        tools: dialect::tools_for(limits.reader),
        ..match limits.reader {
            Reader::Student => greedy.unless(dialect::hopeless),
            Reader::Teacher(_) | Reader::Agent(_) => greedy,
        }
    };
    let reply = model.reply(&prompt, cancel).map_err(|error| ended(&error))?;
    paid.usage.add(&reply.usage);
    paid.microdollars += reply.microdollars;
    let length = match reply.usage.prompt_tokens {
        0 => estimate,
        counted => counted + reply.usage.completion_tokens,
    };
    if length > limits.tokens {
        return Err(reached(Limit::Tokens));
    }
    let (aloud, action) = match reply.finished {
        false => (None, Action::Unreadable { text: reply.text }),
        true => dialect::read_reply(limits.reader, &reply),
    };
    Ok((reply.thought.or(aloud), action))
}

/// Code runs at about three bytes a token.
fn estimated_tokens(messages: &[Message]) -> u64 {
    let called = |m: &Message| m.calls.iter().map(|call| call.arguments.len()).sum::<usize>();
    messages.iter().map(|m| (m.content.len() + called(m)) as u64 / 3 + 4).sum()
}

fn reached(limit: Limit) -> Outcome {
    Outcome::LimitReached { limit }
}

/// What becomes of a rollout whose model gave no reply.
pub(crate) fn ended(error: &ModelError) -> Outcome {
    let code = match error {
        ModelError::Cancelled => return reached(Limit::Cancelled),
        ModelError::Exhausted => return reached(Limit::Budget),
        ModelError::ContextOverflow { .. } => OVERFLOW,
        ModelError::Unsupported(_) => UNSUPPORTED,
        ModelError::Lost(_) => LOST,
        ModelError::Refused(_) => REFUSED,
        ModelError::Failed(_) => "model-failed",
    };
    Outcome::Failed { code: code.to_owned(), message: told(error) }
}

/// An error and its causes, as one line.
pub(crate) fn told(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Masks the repeats of an action that stands three times within six steps; its first stays.
fn mask_loops(steps: &mut [Step]) {
    let mut looped = vec![false; steps.len()];
    for start in 0..steps.len() {
        let window = start..steps.len().min(start + WINDOW);
        let same: Vec<usize> = window.filter(|&i| steps[i].action == steps[start].action).collect();
        if same.len() >= REPEATS {
            for &repeat in &same[1..] {
                looped[repeat] = true;
            }
        }
    }
    for (step, looped) in steps.iter_mut().zip(looped) {
        step.masked |= looped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::Observation;

    #[test]
    fn loops_are_masked_but_for_their_first_step() {
        let check = |letters: &str, expect: &str| {
            let step = |c: char| Step {
                thought: None,
                action: Action::Search { query: c.to_string() },
                observation: Observation { text: String::new(), ok: true },
                masked: false,
            };
            let mut steps: Vec<Step> = letters.chars().map(step).collect();
            mask_loops(&mut steps);
            let masked: String = steps.iter().map(|s| if s.masked { 'x' } else { '.' }).collect();
            assert_eq!(masked, expect, "{letters}");
        };
        check("abcd", "....");
        check("aab", "...");
        check("aaa", ".xx");
        check("abaca", "..x.x");
        check("abcdeafga", ".........");
        check("abababa", "..xxxxx");
    }
}
