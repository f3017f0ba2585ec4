//! What one-host CI of a recipe needs of its runs, case by case, with real locks and real processes.
//!
//! Each case stands here under a name that says what is promised, however many others look at parts of it more closely.

mod janitor;
mod lifetime;
mod locks;
mod state;
