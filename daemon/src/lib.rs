//! sera-daemon.
