//! Histories in the formats that other checkers read: a file for each shared object and format, and
//! one for all shared roots and fields.

mod edn;
mod porcupine;

pub use edn::edn;
pub use porcupine::json_lines;

use crate::evidence::Moment;
use crate::evidence::history::{Before, Element, Event, History, NEVER, PlaceHistory, Recorded};
use crate::heap::Shape;
use crate::result::RunResult;

/// The history of one object, or of all places, and what its files hold besides.
#[derive(Debug, Clone)]
pub struct Account<'a> {
    /// What the files are called, before the ending.
    pub file: String,
    /// What happened, by start: each operation with the number of its object or place.
    pub events: Vec<(usize, &'a Event)>,
    /// The places by number, where it is of places.
    pub places: &'a [PlaceHistory],
    /// How many threads there are. This is also the number of the client that reads everything at
    /// the end, and that stored what places held at first.
    pub threads: usize,
    /// The number of the object, and what was found in it after the run, if the history is
    /// complete.
    pub last: Option<(usize, Last<'a>)>,
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
        let threads = result.threads.len();
        let account = |history: &'a History| Self {
            file: file_of(&history.name),
            events: numbered(history.object, &history.events).collect(),
            places: &[],
            threads,
            last: last(history).map(|last| (history.object, last)),
        };
        let mut all: Vec<Self> = recorded.objects.iter().map(account).collect();
        all.extend(Self::of_places(recorded, threads));
        all
    }

    /// All places together, if there are any. What was in a place before must be known.
    fn of_places(recorded: &'a Recorded, threads: usize) -> Option<Self> {
        let places = recorded.places.iter().enumerate();
        let known = places.filter(|(_, place)| place.before != Before::Unknown);
        let events = known.flat_map(|(number, place)| numbered(number, &place.events));
        let mut events: Vec<_> = events.collect();
        // Stable, so that those of one thread on one place stay in its order.
        events.sort_by_key(|(_, event)| (event.start, event.end));
        (!events.is_empty()).then(|| Self {
            // No file of an object has a point there.
            file: "history.places".to_owned(),
            events,
            places: &recorded.places,
            threads,
            last: None,
        })
    }

    /// The places that held something at first, by number.
    fn held(&self) -> impl Iterator<Item = (usize, Element)> {
        let places = self.places.iter().enumerate();
        places.filter_map(|(number, place)| match place.before {
            Before::Held(element) => Some((number, element)),
            Before::Empty | Before::Unknown => None,
        })
    }

    /// The last time in the history.
    fn end(&self) -> u64 {
        let times = self.events.iter().map(|(_, event)| {
            if event.end == NEVER {
                event.start
            } else {
                event.end
            }
        });
        times.max().unwrap_or(0)
    }
}

fn numbered(number: usize, events: &[Event]) -> impl Iterator<Item = (usize, &Event)> {
    events.iter().map(move |event| (number, event))
}

/// The files of a result's histories: names and contents.
pub fn files(result: &RunResult) -> Vec<(String, String)> {
    let accounts = Account::all(result);
    let both = accounts.iter().flat_map(|account| {
        let file = &account.file;
        [
            (format!("{file}.edn"), edn(account)),
            (format!("{file}.jsonl"), json_lines(account)),
        ]
    });
    both.collect()
}

fn file_of(object: &str) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let name: String = object.chars().map(plain).collect();
    format!("history-{name}")
}

/// What happens at one time: a call or a return.
#[derive(Debug, Clone, Copy)]
struct Happening<'a> {
    time: u64,
    /// The number of the object or place.
    number: usize,
    event: &'a Event,
    is_return: bool,
}

/// Calls and returns by time. At equal times calls come first, because operations that may overlap
/// count as overlapping; calls and returns of one thread keep their order.
fn happenings<'a>(events: &[(usize, &'a Event)]) -> Vec<Happening<'a>> {
    let mut threads: Vec<(u32, std::collections::VecDeque<Happening<'_>>)> = Vec::new();
    for &(number, event) in events {
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
                number,
                event,
                is_return,
            });
        }
    }
    let mut all = Vec::with_capacity(2 * events.len());
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
