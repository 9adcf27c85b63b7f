//! A history as JSON lines: an operation a line, with the fields of Porcupine's `Operation`.
//!
//! ```text
//! {"clientId":0,"input":{"op":"get","index":3},"call":31,"output":{"element":"1:7"},"return":95}
//! ```
//!
//! `input` has the operation's name and, if the operation takes them, `index`, `count`, `element`
//! or `value`. An operation on a place also has the place's name as `place`, by which a model
//! should partition the history. `output` has `element` (null: there was none), `len`, `value` or
//! `done`. The output of an operation that had not returned is null and its return is later than
//! all others; a model should accept any effect of it, including none. The read of the whole object
//! after the run is the operation `read-all` of a client of its own, with `elements` or a `value`.
//! Elements are written `maker:sequence`. Operations with equal times count as concurrent, except
//! that those of one client keep their order. `truncate-back` may have been as many pops with
//! others in between.

use serde::Serialize;

use super::{Account, Last};
use crate::evidence::history::{Call, CallAnswer, Element, Event, NEVER};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Operation<'a> {
    client_id: usize,
    input: Input<'a>,
    call: u64,
    output: Option<Output<'a>>,
    r#return: u64,
}

#[derive(Serialize, Default)]
struct Input<'a> {
    op: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<Element>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Output<'a> {
    Done(bool),
    Len(u64),
    Element(Option<Element>),
    Value(i64),
    Elements(&'a [Option<Element>]),
}

/// The history as text.
pub fn json_lines(account: &Account<'_>) -> String {
    let end = account.end();
    let place = |number: usize| account.places.get(number).map(|it| it.place.as_str());
    let first = account.held().map(|(number, element)| Operation {
        client_id: account.threads,
        input: Input {
            place: place(number),
            ..input(Call::Store(Some(element)))
        },
        call: 0,
        output: Some(Output::Done(true)),
        r#return: 0,
    });
    let operations = account.events.iter().map(|&(number, event)| Operation {
        client_id: event.mutator as usize,
        input: Input {
            place: place(number),
            ..input(event.call)
        },
        call: event.start,
        output: output(event),
        r#return: if event.end == NEVER {
            end + 1
        } else {
            event.end
        },
    });
    let last = account.last.map(|(_, last)| Operation {
        client_id: account.threads,
        input: Input {
            op: "read-all",
            ..Input::default()
        },
        call: end + 1,
        output: Some(match last {
            Last::List(elements) => Output::Elements(elements),
            Last::Counter(value) => Output::Value(value),
        }),
        r#return: end + 2,
    });
    let lines = first.chain(operations).chain(last).filter_map(|operation| {
        // Cannot fail: JSON has a form for all of it.
        let mut line = serde_json::to_string(&operation).ok()?;
        line.push('\n');
        Some(line)
    });
    lines.collect()
}

fn input(call: Call) -> Input<'static> {
    let op = |op| Input {
        op,
        ..Input::default()
    };
    match call {
        Call::Append(element) => Input {
            element: Some(element),
            ..op("append")
        },
        Call::Len => op("len"),
        Call::Get(index) => Input {
            index: Some(index),
            ..op("get")
        },
        Call::Set(index, element) => Input {
            index: Some(index),
            element: Some(element),
            ..op("set")
        },
        Call::Pop => op("pop"),
        Call::TruncateFront(count) => Input {
            count: Some(count),
            ..op("truncate-front")
        },
        Call::TruncateBack(count) => Input {
            count: Some(count),
            ..op("truncate-back")
        },
        Call::Add(by) => Input {
            value: Some(by),
            ..op("add")
        },
        Call::Read => op("read"),
        Call::Write(value) => Input {
            value: Some(value),
            ..op("write")
        },
        Call::Load => op("load"),
        Call::Store(element) => Input {
            element,
            ..op("store")
        },
    }
}

fn output(event: &Event) -> Option<Output<'static>> {
    Some(match event.answer {
        CallAnswer::Done => Output::Done(true),
        CallAnswer::Refused => Output::Done(false),
        CallAnswer::Length(len) => Output::Len(len),
        CallAnswer::Found(element) => Output::Element(element),
        CallAnswer::Value(value) => Output::Value(value),
        CallAnswer::Unknown => return None,
    })
}
