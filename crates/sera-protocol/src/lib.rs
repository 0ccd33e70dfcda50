//! sera-protocol.
