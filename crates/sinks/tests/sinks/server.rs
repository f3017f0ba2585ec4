//! A server on loopback that does what a test says, one connection after the other.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Both directions of a connection.
pub(crate) trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves each connection with that function, which says what it heard.
    pub(crate) fn start(serve: impl Fn(TcpStream) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let (heard, over) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(AtomicBool::new(false)),
        );
        let (list, end) = (Arc::clone(&heard), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.expect("a connection");
                stream
                    .set_read_timeout(Some(Duration::from_secs(30)))
                    .expect("a guard");
                let said = serve(stream);
                list.lock().expect("the list").push(said);
            }
        });
        let thread = Some(thread);
        Self {
            address,
            heard,
            over,
            thread,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends it, and tells what each connection said.
    pub(crate) fn end(mut self) -> Vec<String> {
        self.stop();
        std::mem::take(&mut self.heard.lock().expect("the list"))
    }

    fn stop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Reads until the other side has closed: a server that says nothing.
pub(crate) fn hang(wire: &mut dyn Wire) -> String {
    let mut heard = Vec::new();
    let _ = wire.read_to_end(&mut heard);
    String::from_utf8_lossy(&heard).into_owned()
}

/// Sends byte by byte, for ever, until the other side has had enough.
pub(crate) fn drip(wire: &mut dyn Wire, byte: &[u8]) {
    let (_keep, never): (mpsc::Sender<()>, Receiver<()>) = mpsc::channel();
    for _ in 0..600 {
        if wire.write_all(byte).and_then(|()| wire.flush()).is_err() {
            return;
        }
        let _ = never.recv_timeout(Duration::from_millis(50));
    }
}

/// A request over HTTP: its head and its body.
pub(crate) fn request(wire: &mut dyn Wire) -> io::Result<String> {
    let mut reader = BufReader::new(wire);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(format!("{head}\r\n{}", String::from_utf8_lossy(&body)))
}

/// The certificate that has signed the server's own.
pub(crate) fn authority() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/sinks/authority.pem"
    ))
}

/// The same stream with TLS, as `localhost`.
pub(crate) fn tls(stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("server.pem"));
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key.pem")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a server");
    StreamOwned::new(
        ServerConnection::new(Arc::new(config)).expect("a server"),
        stream,
    )
}
