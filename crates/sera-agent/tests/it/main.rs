//! The loop, the environment and the harness on a small shop, with models that are told what to say.
mod environment;
mod guided;
mod hostile;
mod ideal;
mod roll_out;
mod shop;
