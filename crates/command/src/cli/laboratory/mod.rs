//! Cases in child processes, since the heap that they are tried on may crash, hang or exhaust
//! memory: what fuzzes, replays and steps through cases asks here.
//!
//! A child ([`serve`]) does one job after another, so a heap that behaves pays for a process once.
//! Each thread that asks has a child of its own, which ends with it. Where a hunt is kept, the child
//! writes each case into a file before it tries it: if it is lost, the parent knows from there which
//! case it was, and if the parent is killed as well, the file is left.

mod abilities;
mod serve;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::ops::Range;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use rustix::process::Signal;
use serde::de::DeserializeOwned;

use super::attempt::Tried;
use super::child::{CaseJob, Child, Printed, Request, Waited, Wish};
use crate::evidence::Crash;
use crate::fuzz::{CRASHED, Finding, HUNG, HangLimit, Hunt, SWEEP_MAX, Swept};
use crate::plan::Case;
use crate::result::figures;
use crate::run::Patience;
use crate::soak::Told;
pub(super) use abilities::{figures, is_apart, learn_caps};
pub(super) use serve::serve;

/// A case that hangs is shrunk with this part of the time limit, since each try takes that long; and
/// with no less than the second number, or the limit itself: a small case takes a thousandth of it.
const SHRINK_LIMIT: (u32, Duration) = (10, Duration::from_secs(1));
/// How many hangs have their stacks kept at most, since a debugger takes seconds.
const STACKS_MAX: usize = 8;
/// The step that says that a child has begun with its job: the time limit begins then, and not when
/// the process is started.
const BEGUN: u64 = u64::MAX;
/// What precedes the number of a case, from 1, in the file that it is kept in while it is tried.
const PROGRAM: &str = "# program ";

/// What becomes of cases in child processes.
#[derive(Debug)]
pub(super) struct Laboratory {
    limit: Duration,
    printed: Printed,
    /// Where cases are kept while they are tried.
    keep: Option<PathBuf>,
    interrupted: Arc<AtomicBool>,
    children: Mutex<HashMap<ThreadId, Child>>,
    /// Why no more cases can be tried.
    broken: Mutex<Option<String>>,
    /// The stacks of cases of a hunt that hung, by their numbers.
    stacks: Mutex<BTreeMap<u64, String>>,
    /// Where others of them crashed.
    crashes: Mutex<BTreeMap<u64, Crash>>,
    /// Those that were lost while they had nothing to do.
    idle: Mutex<Vec<LostIdle>>,
}

/// A child that was lost between two jobs. Nobody knows which of its cases did that.
#[derive(Debug)]
pub(super) struct LostIdle {
    pub(super) how: String,
    /// The case that it had tried last, if cases are kept while they are tried.
    pub(super) case: Option<Case>,
}

/// How a job ended.
#[derive(Debug)]
pub(super) enum JobEnd<T> {
    Done(T),
    Lost(LostJob),
    /// The command was interrupted, or no child can be had.
    CalledOff,
}

/// A job whose child was lost.
#[derive(Debug)]
pub(super) struct LostJob {
    pub(super) finding: Finding,
    /// The stacks of its threads, if it hung and there is a debugger.
    pub(super) stacks: Option<String>,
    /// Where it crashed, if it could say so.
    pub(super) crash: Option<Box<Crash>>,
    /// The number of the case that was tried last.
    number: Option<u64>,
}

/// Whether a lost child's stacks are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stacks {
    Wanted,
    Unwanted,
}

impl Laboratory {
    /// A job counts as hung after this time.
    pub(super) fn new(limit: Duration, printed: Printed, interrupted: &Arc<AtomicBool>) -> Self {
        Self {
            limit,
            printed,
            keep: None,
            interrupted: Arc::clone(interrupted),
            children: Mutex::default(),
            broken: Mutex::default(),
            stacks: Mutex::default(),
            crashes: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    /// Cases are kept here while they are tried.
    pub(super) fn keeping(mut self, directory: &Path) -> Self {
        self.keep = Some(directory.to_owned());
        self
    }

    /// Why no more cases can be tried, if that is so.
    pub(super) fn broken(&self) -> Option<String> {
        locked(&self.broken).clone()
    }

    /// The stacks of the case of this number, if it hung.
    pub(super) fn take_stacks(&self, number: u64) -> Option<String> {
        locked(&self.stacks).remove(&number)
    }

    /// Where the case of this number crashed that is `case` by now, since it was shrunk; it is tried
    /// once more.
    pub(super) fn crash_of(&self, number: u64, case: &Case) -> Option<Crash> {
        let first = locked(&self.crashes).remove(&number);
        let job = CaseJob::Attempt(case.to_string());
        match self.job::<Tried>(job, self.limit, Stacks::Wanted, |_| {}) {
            JobEnd::Lost(LostJob {
                crash: Some(crash), ..
            }) => Some(*crash),
            _ => first,
        }
    }

    /// Tries cases of a hunt, as [`Hunt::sweep`] does; `like` has the heap, the fault and the
    /// schedule of all of them. If the child is lost, that is a finding about the case that it
    /// tried.
    pub(super) fn sweep(&self, hunt: &Hunt, numbers: Range<u64>, like: &str) -> Option<Swept> {
        let job = CaseJob::Sweep {
            hunt: Box::new(*hunt),
            numbers: numbers.clone(),
            like: like.to_owned(),
        };
        let kept = locked(&self.stacks).len() + locked(&self.crashes).len();
        let wanted = match kept < STACKS_MAX {
            true => Stacks::Wanted,
            false => Stacks::Unwanted,
        };
        match self.job(job, self.limit, wanted, |_| {}) {
            JobEnd::Done(swept) => Some(swept),
            JobEnd::CalledOff => None,
            JobEnd::Lost(lost) => {
                let number = lost.number.filter(|number| numbers.contains(number));
                let number = number.unwrap_or(numbers.start);
                if let Some(stacks) = lost.stacks {
                    locked(&self.stacks).insert(number, stacks);
                }
                if let Some(crash) = lost.crash {
                    locked(&self.crashes).insert(number, *crash);
                }
                Some(hunt.swept_but_for(numbers.start..number + 1, lost.finding))
            }
        }
    }

    /// Whether nothing is tried any more, so that what was asked last may not have been tried.
    pub(super) fn is_off(&self) -> bool {
        self.interrupted.load(Relaxed) || locked(&self.broken).is_some()
    }

    /// Tries a case once, to shrink it.
    pub(super) fn attempt(&self, case: &Case, limit: HangLimit) -> Tried {
        let (part, least) = SHRINK_LIMIT;
        let limit = match limit {
            HangLimit::Whole => self.limit,
            HangLimit::Short => (self.limit / part).max(least).min(self.limit),
        };
        let job = CaseJob::Attempt(case.to_string());
        match self.job(job, limit, Stacks::Unwanted, |_| {}) {
            JobEnd::Done(tried) => tried,
            JobEnd::Lost(lost) => Some(lost.finding).into(),
            JobEnd::CalledOff => Tried::default(),
        }
    }

    /// Does a job. `heard` is called with the number of each run that begins, if the job has
    /// several; the time limit is for each of them.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        job: CaseJob,
        heard: impl FnMut(u64),
    ) -> JobEnd<T> {
        self.job(job, self.limit, Stacks::Wanted, heard)
    }

    /// Asks this thread's child, or a new one if that is lost before it begins: it was lost with an
    /// earlier job, and nothing of this one has been tried.
    fn job<T: DeserializeOwned>(
        &self,
        job: CaseJob,
        limit: Duration,
        wanted: Stacks,
        mut heard: impl FnMut(u64),
    ) -> JobEnd<T> {
        // A sweep may go on for so long before it tries its last case.
        let before = match job {
            CaseJob::Sweep { .. } => SWEEP_MAX,
            _ => Duration::ZERO,
        };
        let request = Request::Job(Box::new(job));
        let me = thread::current().id();
        let mut idle = locked(&self.children).remove(&me);
        loop {
            let is_new = idle.is_none();
            let mut child = match idle.take().map_or_else(|| self.start(), Ok) {
                Ok(child) => child,
                Err(error) => return self.give_up(format!("failed to start a process: {error}")),
            };
            child.ask(&request);
            let mut patience = Patience::with(child.id(), limit.saturating_add(before));
            let mut has_begun = false;
            let waited = child.wait(&mut patience, |told| {
                match told {
                    Some(Told::Beat { steps: BEGUN, .. }) => has_begun = true,
                    Some(Told::Beat { steps, .. }) => heard(*steps),
                    _ => {}
                }
                match self.is_off() {
                    false => Wish::WaitOn,
                    true => Wish::CallOff,
                }
            });
            return match waited {
                Ok(Waited::Told(told)) => self.answer(child, told),
                Ok(Waited::CalledOff) => {
                    self.end(child);
                    JobEnd::CalledOff
                }
                Ok(waited) if has_begun => JobEnd::Lost(self.lost(child, &waited, limit, wanted)),
                Ok(waited) if !is_new => {
                    self.lost_idle(child, &waited);
                    continue;
                }
                Ok(waited) => {
                    let how = self
                        .lost(child, &waited, limit, Stacks::Unwanted)
                        .finding
                        .text;
                    self.give_up(format!("a process was lost before it began: {how}"))
                }
                Err(error) => {
                    self.end(child);
                    self.give_up(format!("failed to wait for a process: {error}"))
                }
            };
        }
    }

    /// Takes the answer of a child, which is kept if it can do another job.
    fn answer<T: DeserializeOwned>(&self, child: Child, told: Told) -> JobEnd<T> {
        if let Told::Made(made) = told {
            locked(&self.children).insert(thread::current().id(), child);
            return match serde_json::from_str(&made.result) {
                Ok(done) => JobEnd::Done(done),
                Err(error) => self.give_up(format!("an answer cannot be read: {error}")),
            };
        }
        // With the note of what it tried.
        self.end(child);
        match told {
            Told::Refused { why } | Told::Failed { why } => self.give_up(why),
            Told::Panicked { message } => {
                panic!("the process that tries cases panicked: {message}")
            }
            Told::Made(_) | Told::Beat { .. } | Told::Ran | Told::Over(_) | Told::Crashed(_) => {
                unreachable!("no answer to a job")
            }
        }
    }

    fn start(&self) -> io::Result<Child> {
        let mut words: Vec<OsString> = vec!["cases".into()];
        if let Some(keep) = &self.keep {
            words.extend(["--keep".into(), keep.clone().into_os_string()]);
        }
        Child::start(&words, self.printed)
    }

    /// No more cases can be tried, for this reason.
    fn give_up<T>(&self, why: String) -> JobEnd<T> {
        locked(&self.broken).get_or_insert(why);
        JobEnd::CalledOff
    }

    fn lost(&self, mut child: Child, waited: &Waited, limit: Duration, wanted: Stacks) -> LostJob {
        let is_hung = *waited == Waited::Hung;
        let stacks = match wanted {
            Stacks::Wanted if is_hung => child.stacks(),
            Stacks::Wanted => None,
            Stacks::Unwanted => {
                child.forget_crash();
                None
            }
        };
        let note = self.note(&child);
        let output = child.output();
        let finding = match waited {
            Waited::Exited(status) => Finding::of_lost(CRASHED, output.how(*status)),
            _ => {
                let limit = figures::span(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
                let text = format!("it did not come to an end within {limit}");
                Finding::of_lost(HUNG, text)
            }
        };
        let number = note.and_then(|note| {
            let text = std::fs::read_to_string(&note).unwrap_or_default();
            // May not be there, if it was lost before it tried anything.
            let _ = std::fs::remove_file(&note);
            let number = text
                .lines()
                .rev()
                .find_map(|line| line.strip_prefix(PROGRAM));
            let number = number.and_then(|number| number.parse::<u64>().ok());
            number.and_then(|number| number.checked_sub(1))
        });
        LostJob {
            finding,
            stacks,
            crash: output.crash.map(Box::new),
            number,
        }
    }

    fn lost_idle(&self, child: Child, waited: &Waited) {
        let text = self
            .note(&child)
            .and_then(|note| std::fs::read_to_string(note).ok());
        let case = text.and_then(|text| Case::parse("the last case", &text).ok());
        let LostJob { finding, .. } = self.lost(child, waited, self.limit, Stacks::Unwanted);
        let how = finding.text;
        locked(&self.idle).push(LostIdle { how, case });
    }

    /// Ends all children, which have nothing to do any more. Returns those that were lost before,
    /// while they had nothing to do either.
    pub(super) fn close(&self) -> Vec<LostIdle> {
        let children = std::mem::take(&mut *locked(&self.children));
        for mut child in children.into_values() {
            // The system kills a child with the thread that started it, which may be over by now.
            let is_killed = |status: &ExitStatus| status.signal() == Some(Signal::KILL.as_raw());
            match child.ended() {
                Ok(Some(status)) if !is_killed(&status) => {
                    self.lost_idle(child, &Waited::Exited(status));
                }
                Ok(_) | Err(_) => self.end(child),
            }
        }
        std::mem::take(&mut *locked(&self.idle))
    }

    /// Ends a child that is not needed.
    fn end(&self, child: Child) {
        let note = self.note(&child);
        drop(child);
        if let Some(note) = note {
            // Not there if it never tried a case.
            let _ = std::fs::remove_file(note);
        }
    }

    fn note(&self, child: &Child) -> Option<PathBuf> {
        let keep = self.keep.as_ref()?;
        Some(note_of(keep, child.id()))
    }
}

impl Drop for Laboratory {
    fn drop(&mut self) {
        self.close();
    }
}

/// The file in which a process keeps the case that it tries.
fn note_of(directory: &Path, process: u32) -> PathBuf {
    directory.join(format!("running-{process}.case"))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
