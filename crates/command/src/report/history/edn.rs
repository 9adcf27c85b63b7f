//! A history as Jepsen writes it: EDN, a map a line, for Elle and whatever else reads such files.
//!
//! ```text
//! {:index 0, :type :invoke, :process 0, :f :txn, :value [[:append 2 12]], :time 31}
//! {:index 1, :type :ok, :process 0, :f :txn, :value [[:append 2 12]], :time 95}
//! ```
//!
//! Appends, and the look at the whole list when the run is over, are transactions of Elle's
//! `list-append` model, whose key is the object's number; `(filter #(= :txn (:f %)) history)`
//! leaves those. Elle can judge them only if nobody removes or replaces elements of that list: it
//! would take a removed element for a lost one. Every other operation has a name of its own in
//! `:f`: `:len`, `:get` of `[index element]`, `:set` of the same, `:pop`, `:truncate-front` and
//! `:truncate-back` of a number; `:add`, `:read` and `:write` for counters. What was refused has
//! the type `:fail`, and what had not returned has `:info`.
//!
//! Loads and stores of places are transactions too: of Elle's `rw-register` model, and of Knossos'
//! `multi-register`. The key is the place's number in `evidence.history.places`, and `nil` is
//! nothing.
//!
//! An element is a number: its sequence times one more than there are threads, plus its maker's
//! number, where the setup counts as the last thread; -1 is an element that no one made. The unit
//! of times is that of the result (`evidence.history.unit`).

use std::fmt::Write as _;

use super::{Account, Happening, Last, happenings};
use crate::evidence::history::{Call, CallAnswer, Element, Event, NEVER};

/// The history as text.
pub fn edn(account: &Account<'_>) -> String {
    let mut lines = Lines {
        account,
        text: String::new(),
        index: 0,
    };
    lines.first();
    for Happening {
        time,
        number,
        event,
        is_return,
    } in happenings(&account.events)
    {
        let kind = match event.answer {
            _ if !is_return => "invoke",
            CallAnswer::Unknown => "info",
            CallAnswer::Refused => "fail",
            _ => "ok",
        };
        let time = if time == NEVER { account.end() } else { time };
        let (name, value) = lines.value(number, event, is_return);
        lines.line(kind, event.mutator as usize, name, &value, time);
    }
    lines.last();
    lines.text
}

struct Lines<'a> {
    account: &'a Account<'a>,
    text: String,
    index: usize,
}

impl Lines<'_> {
    fn line(&mut self, kind: &str, process: usize, name: &str, value: &str, time: u64) {
        let index = self.index;
        self.index += 1;
        // Writing to a string does not fail.
        let _ = writeln!(
            self.text,
            "{{:index {index}, :type :{kind}, :process {process}, :f :{name}, :value {value}, :time {time}}}"
        );
    }

    fn element(&self, element: Element) -> String {
        if element == Element::LOST {
            return "-1".to_owned();
        }
        let makers = self.account.threads as u64 + 1;
        (element.sequence * makers + u64::from(element.producer)).to_string()
    }

    /// What the answer adds to the value of a call; `nil` before there is one.
    fn answer(&self, answer: CallAnswer, is_return: bool) -> String {
        match answer {
            CallAnswer::Length(len) if is_return => len.to_string(),
            CallAnswer::Value(value) if is_return => value.to_string(),
            CallAnswer::Found(Some(element)) if is_return => self.element(element),
            _ => "nil".to_owned(),
        }
    }

    fn value(&self, number: usize, event: &Event, is_return: bool) -> (&'static str, String) {
        let answer = self.answer(event.answer, is_return);
        match event.call {
            Call::Append(element) => {
                let element = self.element(element);
                ("txn", format!("[[:append {number} {element}]]"))
            }
            Call::Len => ("len", answer),
            Call::Get(index) => ("get", format!("[{index} {answer}]")),
            Call::Set(index, element) => ("set", format!("[{index} {}]", self.element(element))),
            Call::Pop => ("pop", answer),
            Call::TruncateFront(count) => ("truncate-front", count.to_string()),
            Call::TruncateBack(count) => ("truncate-back", count.to_string()),
            Call::Add(by) => ("add", by.to_string()),
            Call::Read => ("read", answer),
            Call::Write(value) => ("write", value.to_string()),
            Call::Load => ("txn", format!("[[:r {number} {answer}]]")),
            Call::Store(element) => {
                let element = element.map_or("nil".to_owned(), |element| self.element(element));
                ("txn", format!("[[:w {number} {element}]]"))
            }
        }
    }

    /// The stores of what places held at first.
    fn first(&mut self) {
        for (number, element) in self.account.held() {
            let value = format!("[[:w {number} {}]]", self.element(element));
            for kind in ["invoke", "ok"] {
                self.line(kind, self.account.threads, "txn", &value, 0);
            }
        }
    }

    /// The read of the whole object after the run.
    fn last(&mut self) {
        let Some((object, last)) = self.account.last else {
            return;
        };
        let (name, asked, found) = match last {
            Last::Counter(value) => ("read", "nil".to_owned(), value.to_string()),
            Last::List(elements) => {
                let element = |element: &Option<Element>| {
                    element.map_or("nil".to_owned(), |element| self.element(element))
                };
                let elements: Vec<String> = elements.iter().map(element).collect();
                let found = format!("[[:r {object} [{}]]]", elements.join(" "));
                ("txn", format!("[[:r {object} nil]]"), found)
            }
        };
        let (process, end) = (self.account.threads, self.account.end());
        self.line("invoke", process, name, &asked, end + 1);
        self.line("ok", process, name, &found, end + 2);
    }
}
