//! Warm containers: made before they are needed, and used again once nothing of their last user is
//! left in them.
use super::Container;
use super::engine::{Engine, EngineError};
use super::image::Image;
use super::probe;
use super::spec::{Limits, Owner, Spec};
use crate::EffectiveProtection;
use sera_core::audit::Audit;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What containers are asked for.
#[derive(Clone, Debug)]
pub struct Order {
    /// What they are made of, by its id.
    pub image: Image,
    /// What commands may use.
    pub limits: Limits,
    /// Whose they are.
    pub owner: Owner,
    /// Where containers are written down.
    pub audit: Audit,
    /// Layers beside the usual ones that must be in force, of [`super::LAYERS`].
    pub require: Vec<String>,
}

/// Containers of one image, for as many users at a time as come.
#[derive(Debug)]
pub struct Pool {
    engine: Engine,
    order: Order,
    protection: EffectiveProtection,
    idle: Mutex<Vec<(Container, Instant)>>,
    /// Tells the time in unix seconds.
    now: fn() -> u64,
}

impl Pool {
    /// Makes the first container and looks from its inside at what holds it.
    ///
    /// # Errors
    /// Where a layer that must be in force is not: nothing is run then.
    pub fn open(engine: Engine, order: Order, now: fn() -> u64) -> Result<Self, EngineError> {
        let first = Container::start(&engine, &Spec::of(&order, now()), &order.audit)?;
        let protection = probe::probe(&engine, &first)?;
        let missing = probe::missing(&protection, &order.require);
        if !missing.is_empty() {
            return Err(EngineError::Weak(missing));
        }
        let idle = Mutex::new(vec![(first, ends(&order))]);
        Ok(Self { engine, order, protection, idle, now })
    }

    /// What holds commands back here, as seen from inside.
    pub fn protection(&self) -> &EffectiveProtection {
        &self.protection
    }

    /// Makes containers until so many are idle.
    pub fn warm(&self, count: usize) -> Result<(), EngineError> {
        while self.idle().len() < count {
            let made = self.make()?;
            self.idle().push(made);
        }
        Ok(())
    }

    /// A container with an empty tree.
    pub fn take(&self) -> Result<(Container, Instant), EngineError> {
        let soon = Instant::now() + Duration::from_secs(60);
        loop {
            let idle = self.idle().pop();
            match idle {
                // One that would end under its user's hands is let go.
                Some((_, ends)) if ends < soon => {}
                Some(container) => return Ok(container),
                None => return self.make(),
            }
        }
    }

    /// Takes a container back. It stays only if all traces of its use could be taken away.
    pub fn give_back(&self, (container, ends): (Container, Instant)) {
        if container.reset().is_ok_and(|clean| clean) {
            self.idle().push((container, ends));
        }
    }

    /// Removes those that are idle.
    pub fn close(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    /// What containers are asked for.
    pub fn order(&self) -> &Order {
        &self.order
    }

    fn make(&self) -> Result<(Container, Instant), EngineError> {
        Ok((
            Container::start(
                &self.engine,
                &Spec::of(&self.order, (self.now)()),
                &self.order.audit,
            )?,
            ends(&self.order),
        ))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Container, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ends(order: &Order) -> Instant {
    Instant::now() + Duration::from_secs(order.limits.lifetime)
}
