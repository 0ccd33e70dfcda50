//! The command as its user meets it: standard output, standard error and exit code of whole runs,
//! against a scripted daemon on a real socket.
#![cfg(unix)]
#[cfg(test)]
mod artefacts;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod cycle;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod fix;
#[cfg(test)]
mod help;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod interrupt;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod scheduler;
