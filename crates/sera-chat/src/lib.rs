//! sera-chat.
