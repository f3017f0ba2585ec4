//! Black-box tests of the binary `runward`; the harness and how to run them: the library of this package.

mod fixtures;

