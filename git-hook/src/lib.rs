//! git-sera.
