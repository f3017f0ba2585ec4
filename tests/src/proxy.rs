//! Somebody between a client and its PostgreSQL, who lets each statement through, or ends something at one.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What happens to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The connection ends before the server has seen it.
    Before,
    /// The connection ends after the server has done it, and before its answer.
    After,
    /// It goes on to the server, once something else has been done.
    Told,
}

/// What is done at a statement, with the pid of the server's process for the connection.
type Act = Box<dyn FnOnce(u32) + Send>;

/// What is done, and after how many statements.
type Plan = Arc<Mutex<Option<(usize, Fate, Act)>>>;

/// A port of the loopback interface behind which a server is reached by its socket, without a password.
pub struct Proxy {
    port: u16,
    plan: Plan,
}

impl Proxy {
    /// Goes between whoever connects and the server of that socket, for as long as the test binary runs.
    pub fn before(socket: &Path) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let plan = Plan::default();
        let (ours, socket) = (plan.clone(), socket.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (plan, socket) = (ours.clone(), socket.clone());
                thread::spawn(move || connect(client, &socket, &plan));
            }
        });
        Self { port, plan }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets so many statements through; to the next this happens, after the act.
    pub fn at(&self, statements: usize, fate: Fate, act: impl FnOnce(u32) + Send + 'static) {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        *plan = Some((statements, fate, Box::new(act)));
    }

    /// Whether it has not come to that; it does not any more.
    pub fn spares(&self) -> bool {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.take().is_some()
    }
}

fn due(plan: &Plan) -> Option<(Fate, Act)> {
    let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
    let (left, ..) = plan.as_mut()?;
    if *left > 0 {
        *left -= 1;
        return None;
    }
    plan.take().map(|(_, fate, act)| (fate, act))
}

fn connect(client: TcpStream, socket: &PathBuf, plan: &Plan) -> io::Result<()> {
    let server = UnixStream::connect(socket)?;
    speak(client, server, plan)
}

/// The two never speak at once: a batch of messages, and its answer.
fn speak(mut client: TcpStream, mut server: UnixStream, plan: &Plan) -> io::Result<()> {
    let mut startup = Vec::new();
    whole(&mut client, &mut startup)?;
    server.write_all(&startup)?;
    let mut pid = 0;
    answer(&mut server, &mut client, &mut pid)?;
    loop {
        let batch = batch(&mut client)?;
        let Some((fate, act)) = due(plan) else {
            server.write_all(&batch)?;
            answer(&mut server, &mut client, &mut pid)?;
            continue;
        };
        if fate == Fate::After {
            server.write_all(&batch)?;
            answer(&mut server, &mut io::sink(), &mut pid)?;
        }
        act(pid);
        if fate != Fate::Told {
            return Ok(());
        }
        // Whoever is gone is found out by the answer.
        let _ = server.write_all(&batch);
        answer(&mut server, &mut client, &mut pid)?;
    }
}

/// A message's length and what comes after it.
fn whole(from: &mut impl Read, into: &mut Vec<u8>) -> io::Result<()> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let more = u64::from(u32::from_be_bytes(length)).saturating_sub(4);
    into.extend(length);
    let read = from.take(more).read_to_end(into)?;
    match u64::try_from(read) == Ok(more) {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// All messages up to one that the server answers.
fn batch(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut batch = Vec::new();
    loop {
        let mut kind = [0];
        client.read_exact(&mut kind)?;
        batch.extend(kind);
        whole(client, &mut batch)?;
        if matches!(kind[0], b'S' | b'Q') {
            return Ok(batch);
        }
    }
}

/// Up to the message by which the server says that it is ready.
fn answer(server: &mut UnixStream, client: &mut impl Write, pid: &mut u32) -> io::Result<()> {
    loop {
        let mut message = vec![0];
        server.read_exact(&mut message)?;
        whole(server, &mut message)?;
        client.write_all(&message)?;
        match (message[0], message.get(5..9)) {
            (b'K', Some(&[a, b, c, d])) => *pid = u32::from_be_bytes([a, b, c, d]),
            (b'Z', _) => return Ok(()),
            _ => {}
        }
    }
}
