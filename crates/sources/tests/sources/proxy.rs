//! Somebody between a client and its PostgreSQL, who lets each statement through, or dies at one.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::harness::*;

/// What happens to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The connection ends before the server has seen it.
    Before,
    /// The connection ends after the server has done it, and before its answer.
    After,
    /// The server's own process for this connection is ended before it.
    Terminated,
}

/// Counts down to a statement.
type Plan = Arc<Mutex<Option<(usize, Fate)>>>;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    plan: Plan,
}

impl Proxy {
    pub(crate) fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Plan::default();
        let socket = server.path(&format!(".s.PGSQL.{}", server.port));
        let (folder, number) = (server.folder.path().to_owned(), server.port);
        let ours = plan.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (plan, socket, folder) = (ours.clone(), socket.clone(), folder.clone());
                std::thread::spawn(move || {
                    let server = UnixStream::connect(socket);
                    server.and_then(|server| {
                        let terminate = |pid| terminate(folder.clone(), number, pid);
                        speak(client, server, &plan, &terminate)
                    })
                });
            }
        });
        Self { port, plan }
    }

    /// From now on, after so many statements more.
    pub(crate) fn dies_at(&self, statements: usize, fate: Fate) {
        *self.plan.lock().unwrap() = Some((statements, fate));
    }

    /// Whether it has not come to that, which it never will.
    pub(crate) fn spares(&self) -> bool {
        self.plan.lock().unwrap().take().is_some()
    }
}

fn due(plan: &Plan) -> Option<Fate> {
    let mut plan = plan.lock().unwrap();
    let (left, fate) = plan.as_mut()?;
    if *left > 0 {
        *left -= 1;
        return None;
    }
    let fate = *fate;
    *plan = None;
    Some(fate)
}

fn speak(
    mut client: TcpStream,
    mut server: UnixStream,
    plan: &Plan,
    terminate: &dyn Fn(u32),
) -> io::Result<()> {
    let mut startup = Vec::new();
    whole(&mut client, &mut startup)?;
    server.write_all(&startup)?;
    let mut pid = 0;
    answer(&mut server, &mut client, &mut pid)?;
    loop {
        let batch = batch(&mut client)?;
        match due(plan) {
            None => {}
            Some(Fate::Before) => return Ok(()),
            Some(Fate::After) => {
                server.write_all(&batch)?;
                return answer(&mut server, &mut io::sink(), &mut pid);
            }
            Some(Fate::Terminated) => terminate(pid),
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
    let more = u64::from(u32::from_be_bytes(length)) - 4;
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
        match message[0] {
            b'K' => *pid = u32::from_be_bytes(message[5..9].try_into().unwrap()),
            b'Z' => return Ok(()),
            _ => {}
        }
    }
}

fn terminate(folder: PathBuf, port: u16, pid: u32) {
    let ended = format!("SELECT pg_terminate_backend({pid})");
    psql_at(&folder, port, &ended).unwrap();
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    until("it is gone", || {
        psql_at(&folder, port, &gone).is_some_and(|count| count.trim() == "0")
    });
}
