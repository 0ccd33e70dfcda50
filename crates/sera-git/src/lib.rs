//! sera-git.
