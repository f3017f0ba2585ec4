//! Signing by another program.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::{Error, ErrorKind};

/// A person may have to touch something.
const PATIENCE: Duration = Duration::from_secs(60);
/// No signature is longer.
const MOST: usize = 64 << 10;

/// What the program says is the signature of the bytes.
pub(super) fn run(words: &[String], bytes: &[u8]) -> Result<Vec<u8>, Error> {
    run_within(words, bytes, PATIENCE)
}

fn run_within(words: &[String], bytes: &[u8], patience: Duration) -> Result<Vec<u8>, Error> {
    let Some((program, args)) = words.split_first() else {
        return Err(Error::usage("run the signer: it is no command"));
    };
    let fail = |why: String| {
        let message = format!("sign with `{}`: {why}", program.escape_debug());
        Error::new(ErrorKind::Signer, message)
    };
    let input = input(bytes).map_err(|error| fail(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(args).stdin(input).stdout(Stdio::piped());
    let child = command.spawn().map_err(|error| fail(error.to_string()))?;
    Running::new(child, patience).signature().map_err(fail)
}

/// A file, as some signers ask for the size before they read; and it needs nobody who feeds it.
fn input(bytes: &[u8]) -> io::Result<Stdio> {
    let mut file = File::from(memfd_create("runward-to-sign", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// A signer that is killed when nobody waits for it any more.
struct Running {
    child: Child,
    ends: Instant,
    patience: Duration,
}

impl Running {
    fn new(child: Child, patience: Duration) -> Self {
        let ends = Instant::now() + patience;
        Self {
            child,
            ends,
            patience,
        }
    }

    fn signature(mut self) -> Result<Vec<u8>, String> {
        let said = |error: io::Error| error.to_string();
        let out = self.child.stdout.take().ok_or("it has no output")?;
        let gone = watch(&self.child).map_err(said)?;
        let signature = self.read(out, &gone)?;
        self.wait(&[&gone])?;
        let status = self.child.wait().map_err(said)?;
        if !status.success() {
            return Err(format!("it ended with {status}"));
        }
        match signature.len() {
            0 => Err("it wrote no signature to its standard output".into()),
            1..=MOST => Ok(signature),
            _ => Err(format!("it wrote more than {MOST} bytes")),
        }
    }

    /// To the end of the output, or what is there when the program is gone: others may keep the pipe open.
    fn read(&self, mut out: ChildStdout, gone: &OwnedFd) -> Result<Vec<u8>, String> {
        let mut signature = Vec::new();
        let mut piece = [0; 4096];
        while signature.len() <= MOST {
            let ready = self.wait(&[&out, gone])?;
            if !ready[0] {
                break;
            }
            match out.read(&mut piece).map_err(|error| error.to_string())? {
                0 => break,
                read => signature.extend_from_slice(&piece[..read]),
            }
        }
        if signature.len() > MOST {
            return Err(format!("it wrote more than {MOST} bytes"));
        }
        Ok(signature)
    }

    /// Which of them have something to say.
    fn wait(&self, on: &[&dyn AsFd]) -> Result<Vec<bool>, String> {
        let mut polled: Vec<PollFd<'_>> = on
            .iter()
            .map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN))
            .collect();
        loop {
            let left = self.ends.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(|error| error.to_string())?;
            match poll(&mut polled, Some(&left)) {
                Ok(0) => return Err(format!("it took longer than {:?}", self.patience)),
                Ok(_) => return Ok(polled.iter().map(|fd| !fd.revents().is_empty()).collect()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Does nothing to one that was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Readable once the program has ended.
fn watch(child: &Child) -> io::Result<OwnedFd> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| io::Error::other("it has no pid"))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, patience: Duration) -> Result<Vec<u8>, String> {
        let words = ["sh", "-c", script].map(str::to_owned);
        run_within(&words, b"bytes", patience).map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Signer);
            error.to_string()
        })
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_it_writes_is_the_signature() {
        assert_eq!(sh("cat", LONG).unwrap(), b"bytes");
        assert_eq!(sh("exec wc -c < /proc/self/fd/0", LONG).unwrap(), b"5\n");
        assert_eq!(sh("exec 0<&-; printf x; exec 1>&-", LONG).unwrap(), b"x");
    }

    #[test]
    fn one_that_fails_or_is_silent_or_talks_too_much_has_not_signed() {
        assert!(
            sh("cat; exit 3", LONG)
                .unwrap_err()
                .contains("exit status: 3")
        );
        assert!(sh("cat; kill -9 $$", LONG).unwrap_err().contains("signal"));
        assert!(sh(":", LONG).unwrap_err().contains("no signature"));
        assert!(sh("exec yes", LONG).unwrap_err().contains("more than"));
        let none = run(&["/nowhere/signer".to_owned()], b"").unwrap_err();
        assert_eq!(none.kind(), ErrorKind::Signer);
        assert_eq!(run(&[], b"").unwrap_err().kind(), ErrorKind::Usage);
    }

    #[test]
    fn one_that_never_ends_is_ended() {
        let short = Duration::from_millis(50);
        for script in ["exec sleep 600", "exec sleep 600 >&-"] {
            assert!(sh(script, short).unwrap_err().contains("longer than 50ms"));
        }
    }

    #[test]
    fn who_keeps_the_pipe_open_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let gate = dir.path().join("gate");
        let made = Command::new("mkfifo").arg(&gate).status();
        assert!(made.unwrap().success());
        let script = format!("printf x; cat '{}' &", gate.display());
        assert_eq!(sh(&script, LONG).unwrap(), b"x");
        // Opened and closed: who is left ends.
        File::options().write(true).open(&gate).unwrap();
    }
}
