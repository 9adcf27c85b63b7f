//! Reads the files back with readers that share no code with the writers.

use serde_json::Value;

use super::*;

const LINES: [&str; 8] = [
    "0 10 0 append 0:0 = done",
    "5 10 1 append 1:3 = done",
    "10 20 0 get 1 = 1:3",
    "12 30 1 set 7 1:4 = refused",
    "20 30 0 len = 2",
    "31 40 0 pop = lost",
    "33 ? 1 truncate-back 2 = ?",
    "41 50 0 pop = nothing",
];

fn history() -> History {
    History {
        object: 2,
        name: "a list".to_owned(),
        shape: Shape::List,
        events: LINES
            .iter()
            .map(|line| line.parse().expect("a line"))
            .collect(),
    }
}

fn account<'a>(history: &'a History, last: &'a [Option<Element>]) -> Account<'a> {
    Account {
        file: file_of(&history.name),
        events: numbered(history.object, &history.events).collect(),
        places: &[],
        threads: 2,
        last: Some((history.object, Last::List(last))),
    }
}

/// What EDN is made of, as far as it is used here.
#[derive(Debug, Clone, PartialEq)]
enum Edn {
    Word(String),
    Vector(Vec<Edn>),
    Map(Vec<(Edn, Edn)>),
}

impl Edn {
    fn get(&self, key: &str) -> &Edn {
        let Self::Map(pairs) = self else {
            panic!("{self:?} is no map");
        };
        let mut found = pairs
            .iter()
            .filter(|(name, _)| *name == Self::Word(key.to_owned()));
        let (_, value) = found
            .next()
            .unwrap_or_else(|| panic!("no {key} in {self:?}"));
        assert_eq!(found.next(), None, "{key} stands twice");
        value
    }

    fn word(&self) -> &str {
        match self {
            Self::Word(word) => word,
            _ => panic!("{self:?} is no word"),
        }
    }
}

/// Reads one form, and says what is left.
fn read(text: &str) -> (Edn, &str) {
    let text = text.trim_start_matches([' ', ',']);
    let until = |mut text: &'_ str, close: char| {
        let mut forms = Vec::new();
        loop {
            text = text.trim_start_matches([' ', ',']);
            match text.strip_prefix(close) {
                Some(rest) => return (forms, rest.len()),
                None => {
                    let (form, rest) = read(text);
                    forms.push(form);
                    text = rest;
                }
            }
        }
    };
    if let Some(inside) = text.strip_prefix('[') {
        let (forms, left) = until(inside, ']');
        return (Edn::Vector(forms), &text[text.len() - left..]);
    }
    if let Some(inside) = text.strip_prefix('{') {
        let (forms, left) = until(inside, '}');
        assert!(forms.len().is_multiple_of(2), "{forms:?} are no pairs");
        let pairs = forms
            .chunks(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()));
        return (Edn::Map(pairs.collect()), &text[text.len() - left..]);
    }
    let end = text.find([' ', ',', ']', '}']).unwrap_or(text.len());
    assert!(end > 0, "nothing can be read of {text:?}");
    (Edn::Word(text[..end].to_owned()), &text[end..])
}

fn forms(text: &str) -> Vec<Edn> {
    let form = |line: &str| {
        let (form, rest) = read(line);
        assert_eq!(rest, "", "{line}");
        form
    };
    text.lines().map(form).collect()
}

/// Goal: the EDN has a call and a return for everything, numbered, by time, in turn for each
/// process.
#[test]
fn edn_has_every_call_and_return() {
    let history = history();
    let lines = forms(&edn(&account(&history, &[None])));
    assert_eq!(lines.len(), 2 * LINES.len() + 2);
    let mut last_time = 0;
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line.get(":index").word(), index.to_string());
        let time: u64 = line.get(":time").word().parse().expect("a time");
        assert!(time >= last_time, "{line:?}");
        last_time = time;
    }
    for process in ["0", "1", "2"] {
        let own = lines
            .iter()
            .filter(|line| line.get(":process").word() == process);
        for (at, line) in own.enumerate() {
            let is_call = line.get(":type").word() == ":invoke";
            assert_eq!(is_call, at.is_multiple_of(2), "{line:?}");
        }
    }
    let count = |kind| {
        lines
            .iter()
            .filter(|line| line.get(":type").word() == kind)
            .count()
    };
    assert_eq!((count(":info"), count(":fail"), count(":ok")), (1, 1, 7));
}

/// Goal: what is left for Elle are appends and whole reads, whose elements are the same numbers.
#[test]
fn edn_has_transactions_for_elle() {
    let history = history();
    let first = Element {
        producer: 1,
        sequence: 3,
    };
    let text = edn(&account(&history, &[Some(first)]));
    let lines = forms(&text);
    let transactions = lines.iter().filter(|line| line.get(":f").word() == ":txn");
    let done = transactions.filter(|line| line.get(":type").word() == ":ok");
    let values: Vec<Edn> = done.map(|line| line.get(":value").clone()).collect();
    let expected = ["[[:append 2 0]]", "[[:append 2 10]]", "[[:r 2 [10]]]"];
    assert_eq!(values, expected.map(|text| read(text).0));
    assert!(text.contains(":f :get, :value [1 10], "), "{text}");
    assert!(text.contains(":f :pop, :value -1, "), "{text}");
}

/// Goal: each line of JSON is an operation with Porcupine's fields, returned after it was called.
#[test]
fn json_has_every_operation() {
    let history = history();
    let text = json_lines(&account(&history, &[None]));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    assert_eq!(lines.len(), LINES.len() + 1);
    for line in &lines {
        assert!(line["call"].as_u64() <= line["return"].as_u64(), "{line}");
        assert!(
            line["clientId"].is_u64() && line["input"]["op"].is_string(),
            "{line}"
        );
    }
    assert_eq!(lines[2]["output"]["element"], "1:3");
    assert_eq!(lines[3]["output"]["done"], false);
    assert_eq!(lines[6]["output"], Value::Null);
    assert!(lines[6]["return"].as_u64() > lines[7]["return"].as_u64());
    assert_eq!(lines[7]["output"], serde_json::json!({ "element": null }));
    assert_eq!(lines[8]["input"]["op"], "read-all");
}

/// Two places that share a thread, of which one held something at first; one whose past nobody
/// knows.
fn places() -> Recorded {
    let place = |place: &str, before, lines: &[&str]| PlaceHistory {
        place: place.to_owned(),
        before,
        events: lines
            .iter()
            .map(|line| line.parse().expect("a line"))
            .collect(),
    };
    let held = "0:5".parse().expect("an element");
    Recorded {
        limit: 10,
        unit: crate::evidence::history::TimeUnit::Nanoseconds,
        until: None,
        broken: None,
        objects: Vec::new(),
        places: vec![
            place(
                "shared root 1",
                Before::Empty,
                &[
                    "0 3 0 load = nothing",
                    "8 9 1 store 1:0 = done",
                    "10 ? 0 load = ?",
                ],
            ),
            place("the root of l", Before::Unknown, &["1 2 1 load = lost"]),
            place(
                "shared root 2",
                Before::Held(held),
                &["4 6 0 load = 0:5", "5 7 1 store nothing = done"],
            ),
        ],
        later: Vec::new(),
    }
}

/// Goal: places are registers with a key each: for Elle's `rw-register` and Knossos'
/// `multi-register` as transactions, for Porcupine by name. What is not known of a place's past is
/// left out.
#[test]
fn places_are_registers() {
    let recorded = places();
    let account = Account::of_places(&recorded, 2).expect("there are places");
    assert_eq!(account.file, "history.places");
    let lines = forms(&edn(&account));
    let words = |line: &Edn| {
        let process = line.get(":process").word().to_owned();
        (
            line.get(":type").word().to_owned(),
            process,
            line.get(":value").clone(),
        )
    };
    let expected = [
        (":invoke", "2", "[[:w 2 15]]"),
        (":ok", "2", "[[:w 2 15]]"),
        (":invoke", "0", "[[:r 0 nil]]"),
        (":ok", "0", "[[:r 0 nil]]"),
        (":invoke", "0", "[[:r 2 nil]]"),
        (":invoke", "1", "[[:w 2 nil]]"),
        (":ok", "0", "[[:r 2 15]]"),
        (":ok", "1", "[[:w 2 nil]]"),
        (":invoke", "1", "[[:w 0 1]]"),
        (":ok", "1", "[[:w 0 1]]"),
        (":invoke", "0", "[[:r 0 nil]]"),
        (":info", "0", "[[:r 0 nil]]"),
    ];
    let expected =
        expected.map(|(kind, process, value)| (kind.to_owned(), process.to_owned(), read(value).0));
    assert_eq!(lines.iter().map(words).collect::<Vec<_>>(), expected);
    assert!(lines.iter().all(|line| line.get(":f").word() == ":txn"));
    let text = json_lines(&account);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    let of = |place: &str| {
        lines
            .iter()
            .filter(|line| line["input"]["place"] == place)
            .count()
    };
    assert_eq!(
        (lines.len(), of("shared root 1"), of("shared root 2")),
        (6, 3, 3)
    );
    let store = serde_json::json!({ "op": "store", "place": "shared root 2", "element": "0:5" });
    assert_eq!(
        (&lines[0]["input"], &lines[0]["clientId"]),
        (&store, &2.into())
    );
    assert_eq!(lines[2]["output"], serde_json::json!({ "element": "0:5" }));
    assert_eq!(lines[5]["output"], Value::Null);
}
