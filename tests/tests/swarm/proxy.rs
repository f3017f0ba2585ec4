//! Stands between a sweep and the engine, and is gone after so many calls.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

/// An engine that lets so many calls pass, each a connection of its own, and ends all after them without an answer.
pub(crate) struct Proxy {
    socket: PathBuf,
}

impl Proxy {
    pub(crate) fn new(socket: PathBuf, engine: &Path, passes: usize) -> Self {
        let listener = UnixListener::bind(&socket).expect("a short path");
        let engine = engine.to_owned();
        thread::spawn(move || {
            let mut calls = listener.incoming().flatten();
            for stream in calls.by_ref().take(passes) {
                let engine = engine.clone();
                thread::spawn(move || relay(stream, &engine));
            }
            calls.for_each(drop);
        });
        Self { socket }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }
}

fn relay(mut stream: UnixStream, engine: &Path) -> io::Result<()> {
    let mut upstream = UnixStream::connect(engine)?;
    upstream.write_all(&head(&mut stream)?)?;
    io::copy(&mut upstream, &mut stream).map(drop)
}

/// No call of a sweep has a body.
fn head(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => request.extend_from_slice(&part[..length]),
        }
    }
    Ok(request)
}
