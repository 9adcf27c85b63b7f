//! The calls on each shared object and their answers, each with the interval in which it took
//! effect: linearizability is judged by them.
//!
//! Elements are named by who made them and as which of its objects, so a history means something
//! after the objects have died. It is kept as one line of text an event, which is small, can be
//! read and searched by people, and survives JSON.
//!
//! Places for one reference (shared roots and fields of nodes) have histories as well. An object is
//! usually stored in a place only once, so the answer of a load identifies the store that it
//! depends on.
//!
//! Each mutator has room for a fixed number of events. When the first mutator has used up its room,
//! later events would be incomplete, so the history ends there: calls that had not returned by then
//! are *pending*, their answers unknown. Linearizability is closed under prefixes, so such a
//! history is judged like any other, but without the state at the end of the run.
//!
//! In a long run, that is only the beginning. So there are further [`Window`]s, each of which
//! begins with a pause, and has room for a quarter as many events. One opens as soon as a mutator
//! has done twice as many operations as at the window before, and at least sixteen times as many
//! as it had room for at the beginning. So there are only a few windows, however long the run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::heap::{ObjectId, Peek, Shape};

/// An object by its maker: unique within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Element {
    /// The number of the mutator that made it.
    pub producer: u32,
    /// How many objects that mutator had made before.
    pub sequence: u64,
}

impl Element {
    /// Something that is no known object: a freed cell, or an object whose ledger entry was
    /// recycled.
    pub const LOST: Self = Self {
        producer: u32::MAX,
        sequence: u64::MAX,
    };

    /// The name of what a register leads to; `None` if it is empty.
    pub fn of(seen: Peek) -> Option<Self> {
        match seen {
            Peek::Empty => None,
            Peek::Stale => Some(Self::LOST),
            Peek::Object(id) => Some(Self::named(id)),
        }
    }

    /// The name of an object.
    pub fn named(id: ObjectId) -> Self {
        id.origin().map_or(Self::LOST, |origin| Self {
            producer: origin.producer,
            sequence: origin.sequence,
        })
    }
}

/// One operation on a shared object: a list has the first seven, a counter the next three, and a
/// place (a shared root, or a field of a node) the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named like the operations of the contract")]
pub enum Call {
    Append(Element),
    Len,
    Get(u64),
    Set(u64, Element),
    Pop,
    TruncateFront(u64),
    TruncateBack(u64),
    Add(i64),
    Read,
    Write(i64),
    Store(Option<Element>),
    Load,
}

impl Call {
    /// Whether it changes nothing, whatever it answers.
    pub fn is_look(self) -> bool {
        matches!(self, Self::Len | Self::Get(_) | Self::Read | Self::Load)
    }
}

/// What an operation answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallAnswer {
    /// It was done; also the answer of operations that answer nothing.
    Done,
    /// It could not be done, and nothing was changed.
    Refused,
    /// A length.
    Length(u64),
    /// An element, or that there is none.
    Found(Option<Element>),
    /// A counter's value.
    Value(i64),
    /// The operation had not returned when the history ended.
    Unknown,
}

/// The end of a call that has not returned.
pub const NEVER: u64 = u64::MAX;

/// A call, its answer, and the times between which it took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Event {
    /// Who called.
    pub mutator: u32,
    /// What was called.
    pub call: Call,
    /// What was answered.
    pub answer: CallAnswer,
    /// Before it took effect.
    pub start: u64,
    /// After it took effect; [`NEVER`] if it had not returned when the history ends.
    pub end: u64,
}

impl Event {
    /// The event as it was known at `time`: pending if it returned later, and `None` if it began
    /// later.
    #[must_use]
    pub fn known_at(self, time: u64) -> Option<Self> {
        match (self.start < time, self.end <= time) {
            (_, true) => Some(self),
            (true, false) => Some(Self {
                answer: CallAnswer::Unknown,
                end: NEVER,
                ..self
            }),
            (false, false) => None,
        }
    }
}

/// What the times of a history count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeUnit {
    /// Nanoseconds since the first of them.
    #[default]
    Nanoseconds,
    /// Stamps that were given out: only their order means anything.
    Stamps,
}

/// The histories that were recorded in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// How many events a mutator had room for.
    pub limit: u64,
    /// What the times count.
    pub unit: TimeUnit,
    /// Where the histories end because a mutator had no more room; `None` if nobody ran out of it.
    pub until: Option<u64>,
    /// Why the histories are incomplete, if they are; then nothing can be concluded from them.
    pub broken: Option<String>,
    /// One for each shared list and counter.
    pub objects: Vec<History>,
    /// One for each shared root and field that was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceHistory>,
    /// What was recorded later in the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Window>,
}

/// What was recorded after a pause, at which everything was surveyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its number, from 1 on: that of the survey which says what the objects were
    /// ([`Survey::opens`](crate::evidence::Survey::opens)).
    pub number: u64,
    /// Where it ends, as in [`Recorded::until`]; `None` if it ends with the run.
    pub until: Option<u64>,
    /// One for each shared list and counter.
    pub objects: Vec<History>,
    /// One for each shared root and field that was read.
    pub places: Vec<PlaceHistory>,
}

/// The operations on one shared object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Its number in the plan.
    pub object: usize,
    /// Its name.
    pub name: String,
    /// A list or a counter.
    pub shape: Shape,
    /// The events, by start; those of one mutator in its own order, which times may be too coarse
    /// to tell.
    pub events: Vec<Event>,
}

/// The history of one place for a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceHistory {
    /// Which, in words.
    pub place: String,
    /// What is known of it before.
    pub before: Before,
    /// The events, as in [`History::events`].
    pub events: Vec<Event>,
}

/// What is known of a place before the first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Before {
    /// Nothing.
    Unknown,
    /// It was empty.
    Empty,
    /// This was in it.
    Held(Element),
}

/// What was seen of shared roots in samples of the run, which are taken whether a history was asked
/// for or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootSamples {
    /// What the times count.
    pub unit: TimeUnit,
    /// Operations that were compared with each other.
    pub judged: u64,
    /// How often a root held an object, then another, and the first again, although no object is
    /// stored there twice.
    pub wrong: u64,
    /// Of the first few of these, the operations that show it.
    pub first: Vec<PlaceHistory>,
}

impl Recorded {
    /// Whether everything that happened was recorded.
    pub fn is_whole(&self) -> bool {
        self.until.is_none() && self.broken.is_none()
    }
}

/// A text that is not an event or an element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be read as an {1} of a history")]
pub struct Unreadable(String, &'static str);

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::LOST {
            f.write_str("lost")
        } else {
            write!(f, "{}:{}", self.producer, self.sequence)
        }
    }
}

impl FromStr for Element {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        if text == "lost" {
            return Ok(Self::LOST);
        }
        let read = |(producer, sequence): (&str, &str)| {
            Some(Self {
                producer: producer.parse().ok()?,
                sequence: sequence.parse().ok()?,
            })
        };
        let element = text.split_once(':').and_then(read);
        element.ok_or_else(|| Unreadable(text.to_owned(), "element"))
    }
}

impl From<Element> for String {
    fn from(element: Element) -> Self {
        element.to_string()
    }
}

impl TryFrom<String> for Element {
    type Error = Unreadable;

    fn try_from(text: String) -> Result<Self, Unreadable> {
        text.parse()
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(element) => write!(f, "append {element}"),
            Self::Len => f.write_str("len"),
            Self::Get(index) => write!(f, "get {index}"),
            Self::Set(index, element) => write!(f, "set {index} {element}"),
            Self::Pop => f.write_str("pop"),
            Self::TruncateFront(count) => write!(f, "truncate-front {count}"),
            Self::TruncateBack(count) => write!(f, "truncate-back {count}"),
            Self::Add(by) => write!(f, "add {by}"),
            Self::Read => f.write_str("read"),
            Self::Write(value) => write!(f, "write {value}"),
            Self::Store(Some(element)) => write!(f, "store {element}"),
            Self::Store(None) => f.write_str("store nothing"),
            Self::Load => f.write_str("load"),
        }
    }
}

impl fmt::Display for CallAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Refused => f.write_str("refused"),
            Self::Length(len) => write!(f, "{len}"),
            Self::Found(Some(element)) => write!(f, "{element}"),
            Self::Found(None) => f.write_str("nothing"),
            Self::Value(value) => write!(f, "{value}"),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// `start end mutator call = answer`; `?` for the end of what has not returned.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            mutator,
            call,
            answer,
            start,
            end,
        } = self;
        if *end == NEVER {
            write!(f, "{start} ? {mutator} {call} = {answer}")
        } else {
            write!(f, "{start} {end} {mutator} {call} = {answer}")
        }
    }
}

impl FromStr for Event {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        event(text).ok_or_else(|| Unreadable(text.to_owned(), "event"))
    }
}

fn event(text: &str) -> Option<Event> {
    let (asked, answered) = text.split_once(" = ")?;
    let mut words = asked.split(' ');
    let start = words.next()?.parse().ok()?;
    let end = match words.next()? {
        "?" => NEVER,
        end => end.parse().ok()?,
    };
    let mutator = words.next()?.parse().ok()?;
    let call = call(&mut words)?;
    let answer = answer(call, answered)?;
    words.next().is_none().then_some(Event {
        mutator,
        call,
        answer,
        start,
        end,
    })
}

fn call<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Call> {
    let name = words.next()?;
    let mut next = || words.next();
    Some(match name {
        "append" => Call::Append(next()?.parse().ok()?),
        "len" => Call::Len,
        "get" => Call::Get(next()?.parse().ok()?),
        "set" => Call::Set(next()?.parse().ok()?, next()?.parse().ok()?),
        "pop" => Call::Pop,
        "truncate-front" => Call::TruncateFront(next()?.parse().ok()?),
        "truncate-back" => Call::TruncateBack(next()?.parse().ok()?),
        "add" => Call::Add(next()?.parse().ok()?),
        "read" => Call::Read,
        "write" => Call::Write(next()?.parse().ok()?),
        "load" => Call::Load,
        "store" => Call::Store(match next()? {
            "nothing" => None,
            element => Some(element.parse().ok()?),
        }),
        _ => return None,
    })
}

fn answer(call: Call, text: &str) -> Option<CallAnswer> {
    Some(match (text, call) {
        ("?", _) => CallAnswer::Unknown,
        ("done", _) => CallAnswer::Done,
        ("refused", _) => CallAnswer::Refused,
        ("nothing", _) => CallAnswer::Found(None),
        (len, Call::Len) => CallAnswer::Length(len.parse().ok()?),
        (value, Call::Read) => CallAnswer::Value(value.parse().ok()?),
        (element, _) => CallAnswer::Found(Some(element.parse().ok()?)),
    })
}

impl From<Event> for String {
    fn from(event: Event) -> Self {
        event.to_string()
    }
}

impl TryFrom<String> for Event {
    type Error = Unreadable;

    fn try_from(text: String) -> Result<Self, Unreadable> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every kind of event is read back as it was written, and other texts are refused.
    #[test]
    fn events_survive_writing() {
        let lines = [
            "0 12 0 append 0:7 = done",
            "3 ? 1 append lost = ?",
            "3 9 1 append 1:8 = refused",
            "5 6 2 len = 17",
            "5 6 2 get 3 = 0:7",
            "5 6 2 get 3 = nothing",
            "5 6 2 set 3 1:4 = done",
            "5 6 2 set 3 1:4 = refused",
            "5 6 2 pop = lost",
            "5 6 2 pop = nothing",
            "5 6 2 truncate-front 18446744073709551615 = done",
            "5 6 2 truncate-back 1 = done",
            "5 6 2 add -1 = done",
            "5 6 2 read = -9",
            "5 6 2 write 4 = done",
            "5 6 2 store 1:4 = done",
            "5 ? 2 store nothing = ?",
            "5 6 2 load = 1:4",
            "5 6 2 load = nothing",
        ];
        for line in lines {
            let event: Event = line.parse().expect(line);
            assert_eq!(event.to_string(), line);
        }
        for line in [
            "",
            "1 2 3",
            "1 2 3 len",
            "1 2 3 len 4 = 1",
            "1 2 3 push 0:1 = done",
            "x 2 3 len = 1",
        ] {
            assert!(line.parse::<Event>().is_err(), "{line}");
        }
    }

    /// Goal: at a time before its return an event is pending, and before its call it is not there.
    #[test]
    fn what_is_known_depends_on_the_time() {
        let event: Event = "10 20 0 pop = 0:1".parse().expect("an event");
        assert_eq!(event.known_at(20), Some(event));
        assert_eq!(event.known_at(10), None);
        let pending = event.known_at(15).expect("it was called");
        assert_eq!(pending.to_string(), "10 ? 0 pop = ?");
    }
}
