//! sera-model.
