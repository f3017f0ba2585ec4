//! Stands between a sweep and the engine, and is gone after so many calls.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// An engine that lets so many calls pass, each a connection of its own, and ends all after them without an answer.
pub(crate) struct Proxy {
    socket: PathBuf,
    calls: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) fn new(socket: PathBuf, engine: &Path, passes: usize) -> Self {
        let listener = UnixListener::bind(&socket).expect("a short path");
        let calls = Arc::new(AtomicUsize::new(0));
        let (engine, heard) = (engine.to_owned(), Arc::clone(&calls));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if heard.fetch_add(1, Ordering::SeqCst) < passes {
                    let engine = engine.clone();
                    thread::spawn(move || relay(stream, &engine));
                }
            }
        });
        Self { socket, calls }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// How often somebody has called so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
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
