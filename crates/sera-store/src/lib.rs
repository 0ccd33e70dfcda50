//! sera-store.
