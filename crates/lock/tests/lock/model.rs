//! The protocol as a small machine: two contenders that open, lock, wait, verify, work, remove and may be killed anywhere, three times each.
//! Every reachable state is visited. Each safeguard is left out once, and the model must notice.

use std::collections::HashSet;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    Outside,
    Opened(u8),
    Locked(u8),
    Inside(u8),
    /// The path no longer leads to the file, or, in the broken order, the lock is gone and the path still does.
    Leaving(u8),
    Over,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct World {
    path: Option<u8>,
    files: u8,
    owner: [Option<usize>; 8],
    at: [At; 2],
    rounds: [u8; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    AsItIs,
    WithoutVerifying,
    UnlockBeforeUnlink,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    TwoHolders,
    Deadlock,
}

impl World {
    fn start() -> Self {
        Self {
            path: None,
            files: 0,
            owner: [None; 8],
            at: [At::Outside; 2],
            rounds: [3; 2],
        }
    }

    fn free(&mut self, file: u8) {
        self.owner[file as usize] = None;
    }

    fn finish(&mut self, who: usize) {
        self.rounds[who] -= 1;
        self.at[who] = if self.rounds[who] == 0 {
            At::Over
        } else {
            At::Outside
        };
    }

    /// The next step of a contender; none if it waits, or is done.
    fn step(&self, who: usize, protocol: Protocol) -> Option<Self> {
        let mut next = self.clone();
        match self.at[who] {
            At::Outside => next.open(who),
            At::Opened(file) if self.owner[file as usize].is_none() => {
                next.owner[file as usize] = Some(who);
                next.at[who] = At::Locked(file);
            }
            At::Opened(_) | At::Over => return None,
            At::Locked(file)
                if self.path == Some(file) || protocol == Protocol::WithoutVerifying =>
            {
                next.at[who] = At::Inside(file);
            }
            At::Locked(file) => {
                next.free(file);
                next.at[who] = At::Outside;
            }
            At::Inside(file) => {
                match protocol {
                    Protocol::UnlockBeforeUnlink => next.free(file),
                    _ => next.path = None,
                }
                next.at[who] = At::Leaving(file);
            }
            At::Leaving(file) => {
                match protocol {
                    Protocol::UnlockBeforeUnlink => next.path = None,
                    _ => next.free(file),
                }
                next.finish(who);
            }
        }
        Some(next)
    }

    fn open(&mut self, who: usize) {
        if self.path.is_none() {
            self.path = Some(self.files);
            self.files += 1;
        }
        self.at[who] = At::Opened(self.path.unwrap());
    }

    /// SIGKILL: the kernel frees what it held, and it begins its next round as another process.
    fn kill(&self, who: usize) -> Option<Self> {
        let mut next = self.clone();
        for owner in next.owner.iter_mut().filter(|o| **o == Some(who)) {
            *owner = None;
        }
        let busy = !matches!(self.at[who], At::Outside | At::Over);
        busy.then(|| {
            next.finish(who);
            next
        })
    }

    fn flaw(&self, protocol: Protocol) -> Option<Flaw> {
        let inside = self
            .at
            .iter()
            .filter(|at| matches!(at, At::Inside(_)))
            .count();
        let stuck = [0, 1].iter().all(|who| self.step(*who, protocol).is_none());
        match (inside, stuck, self.at) {
            (2, _, _) => Some(Flaw::TwoHolders),
            (_, _, [At::Over, At::Over]) => None,
            (_, true, _) => Some(Flaw::Deadlock),
            _ => None,
        }
    }
}

fn explore(protocol: Protocol) -> Result<usize, Flaw> {
    let (mut seen, mut queue) = (HashSet::new(), vec![World::start()]);
    while let Some(world) = queue.pop() {
        if let Some(flaw) = world.flaw(protocol) {
            return Err(flaw);
        }
        if seen.insert(world.clone()) {
            queue.extend((0..2).filter_map(|who| world.step(who, protocol)));
            queue.extend((0..2).filter_map(|who| world.kill(who)));
        }
    }
    Ok(seen.len())
}

#[test]
fn no_reachable_state_has_two_holders_or_a_deadlock() {
    let states = explore(Protocol::AsItIs).unwrap();
    assert!(states > 1000, "{states} states are too few to be all");
}

#[test]
fn the_model_notices_what_is_left_out() {
    assert_eq!(explore(Protocol::WithoutVerifying), Err(Flaw::TwoHolders));
    assert_eq!(explore(Protocol::UnlockBeforeUnlink), Err(Flaw::TwoHolders));
}
