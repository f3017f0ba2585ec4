//! Stands between us and the engine, and does with each call what the test says.

use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

/// What becomes of a call.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// The engine answers.
    Pass,
    /// We answer in its place, with a status and words.
    Answer(u16, &'static str),
    /// Nobody answers.
    Hang,
    /// The connection ends without an answer.
    Drop,
    /// The engine's answer ends half-way.
    Cut,
    /// The engine answers, with one text in place of another.
    Rewrite(String, String),
}

/// A call as it came: `GET /services`, without version and query.
type Judge = dyn FnMut(&str) -> Fate + Send;

pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) fn new(engine: &Path, judge: impl FnMut(&str) -> Fate + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("sock")).unwrap();
        let judge: Arc<Mutex<Box<Judge>>> = Arc::new(Mutex::new(Box::new(judge)));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (engine, heard) = (engine.to_owned(), Arc::clone(&calls));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (engine, judge, heard) =
                    (engine.clone(), Arc::clone(&judge), Arc::clone(&heard));
                thread::spawn(move || serve(stream, &engine, &judge, &heard));
            }
        });
        Self { folder, calls }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    /// The calls so far, in the order in which they came.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// The calls so far that remove something.
    pub(crate) fn removals(&self) -> Vec<String> {
        let mut calls = self.calls();
        calls.retain(|call| call.starts_with("DELETE"));
        calls
    }
}

fn serve(
    mut stream: UnixStream,
    engine: &Path,
    judge: &Mutex<Box<Judge>>,
    heard: &Mutex<Vec<String>>,
) {
    let Some(request) = head(&mut stream) else {
        return;
    };
    let call = call(&request);
    heard.lock().unwrap().push(call.clone());
    let fate = (judge.lock().unwrap())(&call);
    let _ = match fate {
        Fate::Drop => Ok(()),
        Fate::Hang => stream.read(&mut [0]).map(drop),
        Fate::Answer(status, words) => answer(&mut stream, status, words),
        Fate::Pass => relay(&mut stream, engine, &request),
        Fate::Cut => forward(engine, &request, |bytes| bytes[..bytes.len() / 2].to_vec())
            .and_then(|bytes| stream.write_all(&bytes)),
        Fate::Rewrite(from, to) => forward(engine, &request, |bytes| {
            let text = String::from_utf8_lossy(&bytes).replace(&from, &to);
            without_length(&text).into_bytes()
        })
        .and_then(|bytes| stream.write_all(&bytes)),
    };
}

fn head(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut part).ok()? {
            0 => return None,
            length => request.extend_from_slice(&part[..length]),
        }
    }
    Some(request)
}

fn call(request: &[u8]) -> String {
    let line = String::from_utf8_lossy(request);
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let path = path.split('?').next().unwrap();
    let path = match path.strip_prefix("/v1.") {
        Some(rest) => rest.find('/').map_or(rest, |slash| &rest[slash..]),
        None => path,
    };
    format!("{method} {path}")
}

fn answer(stream: &mut UnixStream, status: u16, words: &str) -> std::io::Result<()> {
    let body = format!("{{\"message\":\"{words}\"}}");
    let length = body.len();
    write!(
        stream,
        "HTTP/1.0 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// As it comes, so that events come at once.
fn relay(stream: &mut UnixStream, engine: &Path, request: &[u8]) -> std::io::Result<()> {
    let mut upstream = UnixStream::connect(engine)?;
    upstream.write_all(request)?;
    std::io::copy(&mut upstream, stream).map(drop)
}

fn forward(
    engine: &Path,
    request: &[u8],
    change: impl FnOnce(Vec<u8>) -> Vec<u8>,
) -> std::io::Result<Vec<u8>> {
    let mut upstream = UnixStream::connect(engine)?;
    upstream.write_all(request)?;
    let mut bytes = Vec::new();
    upstream.read_to_end(&mut bytes)?;
    Ok(change(bytes))
}

fn without_length(text: &str) -> String {
    let lines = text.split_inclusive("\r\n");
    lines
        .filter(|line| !line.to_lowercase().starts_with("content-length"))
        .collect()
}
