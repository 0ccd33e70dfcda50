//! Ctrl-C: the first asks the daemon to end the job and waits for its word, the second leaves.
use crate::command_error::{CommandError, Kind};
use sera_protocol::Canceller;
use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What an interrupt does just now.
#[derive(Debug, Default)]
enum State {
    /// No job runs: leave at once.
    #[default]
    Idle,
    /// A job runs: cancel it.
    Running(Canceller),
    /// It was cancelled and has not said so yet: leave at once.
    Cancelled,
}

/// The handler of this process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Mutex<State>>);

impl Interrupt {
    /// The handler of this process; the first call takes Ctrl-C, SIGTERM and SIGHUP over.
    pub fn of_process() -> Result<Self, CommandError> {
        static INSTALLED: OnceLock<Interrupt> = OnceLock::new();
        if let Some(installed) = INSTALLED.get() {
            return Ok(installed.clone());
        }
        let this = Self::default();
        let handler = this.clone();
        ctrlc::set_handler(move || handler.interrupted())
            .map_err(|error| CommandError::of(Kind::Internal, &error))?;
        Ok(INSTALLED.get_or_init(|| this).clone())
    }

    /// From now on an interrupt cancels what this connection runs.
    pub fn running(&self, canceller: Canceller) {
        self.set(State::Running(canceller));
    }

    /// From now on an interrupt ends the process.
    pub fn idle(&self) {
        self.set(State::Idle);
    }

    fn set(&self, state: State) {
        drop(self.replace(state));
    }

    fn replace(&self, state: State) -> State {
        std::mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), state)
    }

    fn interrupted(&self) {
        match self.replace(State::Cancelled) {
            State::Running(canceller) => {
                // Said first: the job's own end may follow at once.
                let text = "cancelling; interrupt again to leave at once";
                drop(writeln!(anstream::stderr(), "{text}"));
                if canceller.cancel().is_err() {
                    leave();
                }
            }
            State::Idle | State::Cancelled => leave(),
        }
    }
}

#[expect(clippy::exit, reason = "a second interrupt means now, whatever the other threads do")]
fn leave() {
    std::process::exit(Kind::Cancelled as i32);
}
