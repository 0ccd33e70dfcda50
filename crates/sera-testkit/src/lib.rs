//! sera-testkit.
