//! The overlay as its users see it: isolation, secrets, limits, and the patch it yields.
mod overlay;
mod sources;
