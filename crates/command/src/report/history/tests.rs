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
        history,
        threads: 2,
        last: Some(Last::List(last)),
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

/// Goal: the EDN has a call and a return for everything, numbered, by time, in turn for each process.
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
