//! Histories in the formats that other checkers read: a file for each shared object and format.

mod edn;
mod porcupine;

pub use edn::edn;
pub use porcupine::json_lines;

use crate::evidence::Moment;
use crate::evidence::history::{Element, Event, History, NEVER};
use crate::heap::Shape;
use crate::result::RunResult;

/// One object's history, and what its files hold besides.
#[derive(Debug, Clone)]
pub struct Account<'a> {
    /// What happened.
    pub history: &'a History,
    /// How many threads there are. This is also the number of the client that reads everything at the end.
    pub threads: usize,
    /// What was found after the run, if the history is complete.
    pub last: Option<Last<'a>>,
}

/// What was found in the object after the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last<'a> {
    /// Elements, in order; `None` where nothing was found.
    List(&'a [Option<Element>]),
    /// A value.
    Counter(i64),
}

impl<'a> Account<'a> {
    /// The histories of a result.
    pub fn all(result: &'a RunResult) -> Vec<Self> {
        let Some(recorded) = &result.evidence.history else {
            return Vec::new();
        };
        let survey = result.evidence.last_survey(Moment::End);
        let survey = survey.filter(|survey| survey.incomplete.is_none() && recorded.is_whole());
        let last = |history: &History| match history.shape {
            Shape::Counter => {
                let mut all = survey?.counters.iter();
                let facts = all.find(|facts| facts.object == history.object)?;
                Some(Last::Counter(facts.value))
            }
            _ => {
                let mut all = survey?.lists.iter();
                let facts = all.find(|facts| facts.object == history.object)?;
                facts.contents.as_deref().map(Last::List)
            }
        };
        let account = |history: &'a History| Self {
            history,
            threads: result.threads.len(),
            last: last(history),
        };
        recorded.objects.iter().map(account).collect()
    }

    /// The last time in the history.
    fn end(&self) -> u64 {
        let ends = self.history.events.iter();
        let times = ends.map(|event| {
            if event.end == NEVER {
                event.start
            } else {
                event.end
            }
        });
        times.max().unwrap_or(0)
    }
}

/// The files of a result's histories: names and contents.
pub fn files(result: &RunResult) -> Vec<(String, String)> {
    let accounts = Account::all(result);
    let both = accounts.iter().flat_map(|account| {
        let plain = |c: char| {
            if c.is_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        };
        let name: String = account.history.name.chars().map(plain).collect();
        [
            (format!("history-{name}.edn"), edn(account)),
            (format!("history-{name}.jsonl"), json_lines(account)),
        ]
    });
    both.collect()
}

/// What happens at one time: a call or a return.
#[derive(Debug, Clone, Copy)]
struct Happening<'a> {
    time: u64,
    event: &'a Event,
    is_return: bool,
}

/// Calls and returns by time. At equal times calls come first, because operations that may overlap count
/// as overlapping; calls and returns of one thread keep their order.
fn happenings(history: &History) -> Vec<Happening<'_>> {
    let mut threads: Vec<(u32, std::collections::VecDeque<Happening<'_>>)> = Vec::new();
    for event in &history.events {
        let at = threads
            .iter()
            .position(|(number, _)| *number == event.mutator);
        let at = at.unwrap_or_else(|| {
            threads.push((event.mutator, Default::default()));
            threads.len() - 1
        });
        for (time, is_return) in [(event.start, false), (event.end, true)] {
            threads[at].1.push_back(Happening {
                time,
                event,
                is_return,
            });
        }
    }
    let mut all = Vec::with_capacity(2 * history.events.len());
    loop {
        let next = threads.iter_mut().filter_map(|(_, left)| {
            let first = left.front()?;
            Some(((first.time, first.is_return), left))
        });
        let Some((_, left)) = next.min_by_key(|(order, _)| *order) else {
            return all;
        };
        all.extend(left.pop_front());
    }
}

#[cfg(test)]
mod tests;
