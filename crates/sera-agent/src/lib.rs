//! sera-agent.
