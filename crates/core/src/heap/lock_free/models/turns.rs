//! A scheduler that follows a script, for faults that take several switches between threads at the
//! right places, which random schedules do not find.
//!
//! A script is a list of turns. A *whole* turn lasts until its thread yields, waits or ends. A
//! *part* is cut short after a number of steps, and every number is tried, from none to as many as
//! the turn has; with two parts, every pair of numbers. So a script with k parts explores all
//! schedules with these k preemptions in this order. When the script is over, the threads run one
//! after the other, each until it yields.
//!
//! Threads are numbered in the order in which they were spawned, from 1 on; the scenario's own
//! thread, 0, runs first, until it waits for the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

/// One turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The thread runs until it yields, waits or ends.
    Whole(usize),
    /// The same, but it is stopped after some steps.
    Part(usize),
}

impl Turn {
    fn thread(self) -> TaskId {
        match self {
            Self::Whole(thread) | Self::Part(thread) => TaskId::from(thread),
        }
    }
}

/// The scheduler.
#[derive(Debug)]
pub(super) struct Turns {
    script: &'static [Turn],
    /// How long each turn may last.
    lengths: Vec<usize>,
    /// Whether each turn ended by itself and was not cut short.
    are_over: Vec<bool>,
    /// The turn that is under way, and its steps so far.
    turn: usize,
    steps: usize,
    executions: Arc<AtomicUsize>,
}

impl Turns {
    /// `executions` counts the schedules that were begun.
    pub(super) fn new(script: &'static [Turn], executions: Arc<AtomicUsize>) -> Self {
        Self {
            script,
            lengths: script
                .iter()
                .map(|turn| match turn {
                    Turn::Whole(_) => usize::MAX,
                    Turn::Part(_) => 0,
                })
                .collect(),
            are_over: vec![true; script.len()],
            turn: 0,
            steps: 0,
            executions,
        }
    }

    /// The next numbers of steps; false if all were tried.
    fn advance(&mut self) -> bool {
        for turn in (0..self.script.len()).rev() {
            if let Turn::Part(_) = self.script[turn] {
                if !self.are_over[turn] {
                    self.lengths[turn] += 1;
                    return true;
                }
                self.lengths[turn] = 0;
            }
        }
        false
    }

    fn next_turn(&mut self, is_over: bool) {
        self.are_over[self.turn] = is_over;
        self.turn += 1;
        self.steps = 0;
    }

    /// The thread that the script wants, while it lasts.
    fn scripted(
        &mut self,
        runnable: &[TaskId],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        while let Some(turn) = self.script.get(self.turn) {
            let thread = turn.thread();
            let has_yielded = is_yielding && self.steps > 0 && current == Some(thread);
            if has_yielded || !runnable.contains(&thread) {
                self.next_turn(true);
            } else if self.steps == self.lengths[self.turn] {
                self.next_turn(false);
            } else {
                self.steps += 1;
                return Some(thread);
            }
        }
        None
    }
}

impl Scheduler for Turns {
    fn new_execution(&mut self) -> Option<Schedule> {
        let executions = self.executions.load(Ordering::Relaxed);
        if executions > 0 && !self.advance() {
            return None;
        }
        self.executions.store(executions + 1, Ordering::Relaxed);
        self.are_over.fill(true);
        (self.turn, self.steps) = (0, 0);
        Some(Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let runnable: Vec<_> = runnable.iter().map(|task| task.id()).collect();
        if runnable[0] == TaskId::from(0) {
            return Some(runnable[0]);
        }
        if let Some(thread) = self.scripted(&runnable, current, is_yielding) {
            return Some(thread);
        }
        let current = current.unwrap_or(runnable[0]);
        if !is_yielding && runnable.contains(&current) {
            return Some(current);
        }
        let after = runnable.iter().find(|&&thread| thread > current);
        after.or(runnable.first()).copied()
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}
