//! The sinks from outside: real files, real programs, real servers on loopback.

mod alerts;
mod commands;
mod files;
mod mails;
mod server;
mod settings;
mod webhooks;
