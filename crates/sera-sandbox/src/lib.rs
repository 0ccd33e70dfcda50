//! sera-sandbox.
