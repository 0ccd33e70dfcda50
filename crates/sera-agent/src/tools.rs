//! Observations as text: short, clipped head and tail, and saying so.
