//! sera-datagen.
