//! Ctrl-Z (`SIGTSTP`): children stop together with this process, and go on together with it.
//!
//! A child has a process group of its own, so the terminal's signal reaches this process only. A
//! thread waits for it, stops all children, and then this process. As soon as somebody continues
//! this process, that thread goes on, and continues the children. No child is called hung
//! meanwhile: time for which a process was stopped is not its own ([`own_time`](crate::own_time)).
//!
//! `SIGSTOP` cannot be noticed. It stops the process that it is sent to, and no other.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};
use signal_hook::consts::SIGTSTP;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::cli::interrupt;

/// The running children, with their process IDs. A signal goes through the descriptor: an ID
/// may have been given to another process by now.
static CHILDREN: Mutex<Vec<(u32, OwnedFd)>> = Mutex::new(Vec::new());

/// A child that is stopped and continued with this process until this is dropped.
#[derive(Debug)]
pub(super) struct Together(u32);

impl Together {
    /// Starts a child. Where the system has no descriptors for processes, it is not stopped with
    /// this one.
    pub(super) fn start(command: &mut Command) -> io::Result<(Child, Self)> {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(listen);
        // Under the lock, so that no signal finds a child that is not in the list yet.
        let mut children = children();
        let child = command.spawn()?;
        let id = child.id();
        let open = |pid| pidfd_open(pid, PidfdFlags::empty()).ok();
        let descriptor = i32::try_from(id)
            .ok()
            .and_then(Pid::from_raw)
            .and_then(open);
        children.extend(descriptor.map(|descriptor| (id, descriptor)));
        Ok((child, Self(id)))
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        children().retain(|(id, _)| *id != self.0);
    }
}

fn children() -> MutexGuard<'static, Vec<(u32, OwnedFd)>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The processes that a child has started itself, as it does for a heap that is an interpreter. What a
/// child has started ends with it, and so is there as long as the child is.
fn children_of(id: u32) -> Vec<Pid> {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let listed =
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let words = listed.flat_map(|list| {
        let words = list.split_whitespace().map(str::parse);
        words.flatten().collect::<Vec<i32>>()
    });
    words.filter_map(Pid::from_raw).collect()
}

/// From now on children stop and continue with this process. If that cannot be set up, the signal
/// stops this process only.
fn listen() {
    // A process that ignores the signal, as the shell that started it asked, goes on doing so.
    if interrupt::is_ignored(SIGTSTP) {
        return;
    }
    let Ok(mut signals) = Signals::new([SIGTSTP]) else {
        return;
    };
    let handle = signals.handle();
    let follow = move || {
        for signal in signals.forever() {
            let children = children();
            let tell = |told| {
                for (id, child) in children.iter() {
                    // Fails if it has ended.
                    let _ = pidfd_send_signal(child, told);
                    for grandchild in children_of(*id) {
                        let _ = kill_process(grandchild, told);
                    }
                }
            };
            tell(Signal::STOP);
            // Stops all threads of this process; returns when it is continued.
            let _ = emulate_default_handler(signal);
            tell(Signal::CONT);
        }
    };
    let thread = std::thread::Builder::new().name("gcstorm-suspend".to_owned());
    if thread.spawn(follow).is_err() {
        handle.close();
    }
}
