//! Black-box tests of the binary `runward`; the harness and how to run them: the library of this package.

mod fixtures;
mod expected;
mod matrix;
mod starts;
mod kills;
mod masses;
mod servers;
mod waiting;
mod codes;
mod signals;
mod ci;
mod names;
mod config;
mod storage;
mod child;
mod output;
mod nested;
