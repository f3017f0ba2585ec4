//! Says that it is there and waits for a signal to end it.

#![expect(
    clippy::print_stdout,
    reason = "its line is how the bench knows that it runs"
)]

fn main() {
    println!("ready");
    loop {
        nix::unistd::pause();
    }
}
