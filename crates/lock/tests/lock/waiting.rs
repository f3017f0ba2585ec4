use std::io::Write as _;
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use runward_lock::{Error, ErrorKind, Event, HolderKind, Request, Wait, quiet};
use rustix::process::Signal;

use crate::harness::{Scratch, hang_guard, name};

#[test]
fn killed_holder_lets_the_waiter_in() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let (mut holder, mut waiter) = (scratch.peer(), scratch.peer());
    let fence = holder.take("app");
    waiter.tell("acquire app forever loud");
    assert_eq!(waiter.hear(), format!("waiting Owner {} 1", holder.pid()));
    holder.kill();
    let held = waiter.hear();
    assert_eq!(held, format!("held {}", fence + 1));
    assert_eq!(waiter.ask("predecessor app"), "crashed");
    assert_eq!(waiter.ask("close app"), "done");
}

#[test]
fn released_by_close_drop_and_exit() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    for end in ["close app", "drop app", "remove app"] {
        let (mut holder, mut waiter) = (scratch.peer(), scratch.peer());
        holder.take("app");
        waiter.tell("acquire app forever loud");
        assert!(waiter.hear().starts_with("waiting Owner"));
        assert_eq!(holder.ask(end), "done");
        assert!(waiter.hear().starts_with("held "), "{end}");
    }
}

#[test]
fn deadline_passes_and_names_the_holder() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut holder = scratch.peer();
    holder.take("app");
    let started = Instant::now();
    let request = Request::new().wait(Wait::Until(started + Duration::from_millis(200)));
    let error = scratch
        .locks
        .acquire(&name("app"), &request, &mut quiet)
        .unwrap_err();
    assert!(error.is_busy());
    assert!(started.elapsed() >= Duration::from_millis(200));
    let found = error.holder().unwrap();
    assert_eq!(found.kind(), HolderKind::Owner);
    assert_eq!(found.processes()[0].pid(), holder.pid());
    assert_eq!(found.record().unwrap().run_id(), "run-of-peer");
    assert!(error.to_string().contains("run-of-peer"), "{error}");
    no_child_is_left();
}

/// Whether or not the host looks after its children, none of ours is left.
fn no_child_is_left() {
    let Ok(children) = std::fs::read_to_string("/proc/thread-self/children") else {
        return;
    };
    for pid in children.split_whitespace() {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        assert_ne!(comm.trim(), "lock-waiter");
    }
}

#[test]
fn ticks_tell_the_changing_holder() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut holder = scratch.peer();
    holder.take("app");
    let mut seen = Vec::new();
    let request = Request::new().tick(Duration::from_millis(5));
    let guard = scratch.locks.acquire(&name("app"), &request, &mut |event| {
        if let Event::Waiting {
            holder: who,
            waiters,
            ..
        } = event
        {
            assert_eq!(*waiters, 1);
            seen.push(who.record().unwrap().what().to_owned());
            match seen.len() {
                2 => assert_eq!(holder.ask("what app later"), "true"),
                4 => assert_eq!(holder.ask("close app"), "done"),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    });
    guard.unwrap().close().unwrap();
    assert!(seen.len() >= 4);
    assert_eq!((seen[0].as_str(), seen[3].as_str()), ("peering", "later"));
}

#[test]
fn observer_ends_the_wait_at_once_and_at_a_tick() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut holder = scratch.peer();
    holder.take("app");
    for last in [1, 3] {
        let mut told = 0;
        let request = Request::new().tick(Duration::from_millis(2));
        let error = scratch.locks.acquire(&name("app"), &request, &mut |_| {
            told += 1;
            if told == last {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(error.unwrap_err().is_cancelled());
    }
    no_child_is_left();
    assert_eq!(holder.ask("close app"), "done");
    assert!(
        !scratch.locks.peek(&name("app")).unwrap().is_held(),
        "a cancelled wait leaves nothing"
    );
}

#[test]
fn cancel_descriptor_asks_and_the_observer_decides() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut holder = scratch.peer();
    holder.take("app");
    let (read, write) = rustix::pipe::pipe().unwrap();
    let mut write = std::fs::File::from(write);
    let mut asked = 0;
    let request = Request::new().cancel_on(read.as_fd());
    let error = scratch
        .locks
        .acquire(&name("app"), &request, &mut |event| match event {
            Event::Waiting { .. } => {
                write.write_all(b"1").unwrap();
                ControlFlow::Continue(())
            }
            Event::CancelReadable { .. } if asked == 0 => {
                asked += 1;
                rustix::io::read(&read, &mut [0u8; 1]).unwrap();
                write.write_all(b"2").unwrap();
                ControlFlow::Continue(())
            }
            _ => {
                asked += 1;
                ControlFlow::Break(())
            }
        });
    let error: Error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(asked, 2);
}

#[test]
fn storm_of_signals_never_grants_a_lock() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let (mut holder, mut waiter) = (scratch.peer(), scratch.peer());
    holder.take("app");
    waiter.tell("acquire app forever loud");
    assert!(waiter.hear().starts_with("waiting"));
    for _ in 0..500 {
        waiter.signal(Signal::STOP);
        waiter.signal(Signal::CONT);
    }
    assert_eq!(
        scratch.peer().ask("acquire app never"),
        "failed Busy",
        "the holder has it throughout"
    );
    assert_eq!(holder.ask("current app"), "true");
    holder.kill();
    assert!(waiter.hear().starts_with("held "));
    assert_eq!(waiter.ask("current app"), "true");
}

#[test]
fn killed_waiter_takes_its_child_along() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let (mut holder, mut waiter) = (scratch.peer(), scratch.peer());
    holder.take("app");
    waiter.tell("acquire app forever loud");
    waiter.hear();
    waiter.kill();
    assert_eq!(holder.ask("close app"), "done");
    // Were its child alive, it would get the lock and keep it.
    let guard = scratch
        .locks
        .acquire(&name("app"), &Request::new(), &mut quiet)
        .unwrap();
    guard.close().unwrap();
}

#[test]
fn in_order_of_arrival_nobody_is_overtaken() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut holder = scratch.peer();
    assert!(holder.ask("acquire app never ordered").starts_with("held "));
    let mut waiters: Vec<_> = (0..5).map(|_| scratch.peer()).collect();
    for waiter in &mut waiters {
        waiter.tell("acquire app forever ordered loud");
        assert!(waiter.hear().starts_with("waiting"));
    }
    waiters[2].kill();
    let mut fences = Vec::new();
    // The releaser asks again at once, which without tickets overtakes everybody.
    holder.tell("close app");
    holder.tell("acquire app forever ordered");
    for (i, waiter) in waiters.iter_mut().enumerate().filter(|(i, _)| *i != 2) {
        let held = waiter.hear();
        fences.push(
            held.strip_prefix("held ")
                .unwrap_or_else(|| panic!("{i}: {held}"))
                .parse::<u64>()
                .unwrap(),
        );
        assert_eq!(waiter.ask("close app"), "done");
    }
    assert_eq!(holder.hear(), "done");
    let last = holder.hear();
    fences.push(last.strip_prefix("held ").unwrap().parse().unwrap());
    assert!(fences.is_sorted(), "{fences:?}");
    assert_eq!(holder.ask("close app"), "done");
    assert_eq!(
        scratch.peer().ask("acquire app never ordered"),
        format!("held {}", fences[4] + 1)
    );
}

#[test]
fn ticket_in_use_is_not_drawn_again() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut holder = scratch.peer();
    assert!(holder.ask("acquire app never ordered").starts_with("held "));
    let mut waiters: Vec<_> = (0..3).map(|_| scratch.peer()).collect();
    for (i, waiter) in waiters.iter_mut().enumerate() {
        if i == 2 {
            // The first two have the tickets after this one.
            std::fs::write(scratch.file(".queue.app"), format!("{:<20}\n", 1)).unwrap();
        }
        waiter.tell("acquire app forever ordered loud");
        assert!(waiter.hear().starts_with("waiting"));
    }
    let last = std::fs::read_to_string(scratch.file(".queue.app")).unwrap();
    assert_eq!(last.trim(), "4");
    assert_eq!(holder.ask("close app"), "done");
    let fences = waiters.iter_mut().map(|waiter| {
        let held = waiter.hear();
        assert_eq!(waiter.ask("close app"), "done");
        held[5..].parse::<u64>().unwrap()
    });
    let fences: Vec<_> = fences.collect();
    assert!(fences.is_sorted(), "{fences:?}");
}

#[test]
fn every_step_of_a_wait_can_be_written_down() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let (mut first, mut second) = (scratch.peer(), scratch.peer());
    let fence = first.take("app");
    second.tell("acquire app forever ordered loud");
    assert!(second.hear().starts_with("waiting"));
    let pids = [first.pid(), second.pid()];
    let mut told: Vec<(String, u64, u32)> = Vec::new();
    let request = Request::new()
        .order(runward_lock::Order::Arrival)
        .tick(Duration::from_millis(2));
    let guard = scratch.locks.acquire(&name("app"), &request, &mut |event| {
        match event {
            // Between two holders there is none that has recorded itself.
            Event::Waiting { name, holder, .. } if holder.kind() == HolderKind::Owner => {
                let fence = holder.record().unwrap().fence().get();
                let news = (name.to_string(), fence, holder.processes()[0].pid());
                if told.last() != Some(&news) {
                    told.push(news);
                    let owner = if told.len() == 1 {
                        &mut first
                    } else {
                        &mut second
                    };
                    owner.tell("close app");
                }
            }
            Event::Acquired { name, fence, .. } => {
                told.push((name.to_string(), fence.get(), std::process::id()));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    drop(guard.unwrap());
    let app = |after: u64, pid| ("app".to_owned(), fence + after, pid);
    let expected = [app(0, pids[0]), app(1, pids[1]), app(2, std::process::id())];
    assert_eq!(told, expected);
}

#[test]
fn events_in_words() {
    let scratch = Scratch::new();
    let mut words = Vec::new();
    let guard = scratch
        .locks
        .acquire(&name("app"), &Request::new(), &mut |event| {
            words.push(event.to_string());
            ControlFlow::Continue(())
        });
    let guard = guard.unwrap();
    assert_eq!(words.len(), 1);
    assert!(
        words[0].starts_with(&format!("acquired app with fence {} after ", guard.fence())),
        "{words:?}"
    );
    assert!(
        guard
            .close()
            .unwrap()
            .to_string()
            .starts_with("released app with fence ")
    );
}

/// The process that blocks for a peer, which tells that it waits before it has one; the hang guard ends the search.
fn waiter_of(peer: u32) -> u32 {
    let is_child = |pid: &u32| {
        let asleep = field(*pid, "State").is_some_and(|state| state.starts_with('S'));
        asleep && field(*pid, "PPid").as_deref() == Some(&*peer.to_string())
    };
    loop {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        if let Some(found) = pids.find(is_child) {
            return found;
        }
    }
}

/// A line of proc_pid_status(5).
fn field(pid: u32, name: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

/// It has the memory of its host, in which a handler must not run twice.
#[test]
fn waiter_takes_no_signal() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let (mut holder, mut peer) = (scratch.peer(), scratch.peer());
    holder.take("app");
    peer.tell("acquire app forever loud");
    assert!(peer.hear().starts_with("waiting"));
    let blocked = field(waiter_of(peer.pid()), "SigBlk").unwrap();
    let blocked = u64::from_str_radix(&blocked, 16).unwrap();
    let cannot = 1 << (Signal::KILL.as_raw() - 1) | 1 << (Signal::STOP.as_raw() - 1);
    assert_eq!(blocked | cannot, u64::MAX);
    assert_eq!(holder.ask("close app"), "done");
    assert!(peer.hear().starts_with("held "));
}

#[test]
fn waiter_ends_with_its_killed_host() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let (mut holder, mut peer) = (scratch.peer(), scratch.peer());
    holder.take("app");
    peer.tell("acquire app forever loud");
    assert!(peer.hear().starts_with("waiting"));
    let pid = rustix::process::Pid::from_raw(waiter_of(peer.pid()).cast_signed()).unwrap();
    let waiter = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
    peer.kill();
    let mut on = [rustix::event::PollFd::new(
        &waiter,
        rustix::event::PollFlags::IN,
    )];
    let limit = rustix::event::Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    let ended = rustix::event::poll(&mut on, Some(&limit)).unwrap();
    let _ = rustix::process::pidfd_send_signal(&waiter, Signal::KILL);
    assert_eq!(ended, 1, "it would take the lock for nobody");
    assert_eq!(holder.ask("close app"), "done");
}
