//! sera-syntax.
