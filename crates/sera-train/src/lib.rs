//! sera-train.
