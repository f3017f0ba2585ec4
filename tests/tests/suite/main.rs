//! Black-box tests of the binary `runward`; the harness and how to run them: the library of this package.

mod child;
mod ci;
mod codes;
mod config;
mod containers;
mod doctor;
mod evidence;
mod examples;
mod expected;
mod fixtures;
mod isolation;
mod kills;
mod launchers;
mod masses;
mod matrix;
mod names;
mod nested;
mod output;
mod sealing;
mod servers;
mod signals;
mod starts;
mod state;
mod storage;
mod sweeping;
mod waiting;
