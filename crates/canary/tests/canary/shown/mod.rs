//! What is shown, read by others: a strict reader, Prometheus' own tool, a browser.

mod exposition;
mod fixture;
mod host;
mod levels;
mod pages;
mod rendered;
