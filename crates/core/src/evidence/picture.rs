//! The abstract state at one moment: what registers and shared roots lead to, by names that do not
//! depend on the heap or the schedule.
//!
//! An object is named by who made it, and as which of its objects. So the pictures of one program
//! on two heaps are equal if and only if the program's state is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::heap::ObjectId;

/// The name of an object: its maker's number, and how many objects that had made before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    /// The mutator's number; the setup's number comes after the last mutator's.
    pub maker: u32,
    /// Counted from 0.
    pub number: u64,
}

impl Name {
    /// The name of an object, if the ledger still has it.
    pub fn of(id: ObjectId) -> Option<Self> {
        id.origin().map(|origin| Self {
            maker: origin.producer,
            number: origin.sequence,
        })
    }

    /// An object by its name, in words.
    pub fn in_words(id: ObjectId) -> String {
        Self::of(id).map_or_else(
            || "an object of long ago".to_owned(),
            |name| name.to_string(),
        )
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {} of mutator {}", self.number, self.maker)
    }
}

/// A place that references are followed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// A register of a mutator.
    Register(u32, u32),
    /// A shared root.
    Root(u16),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(mutator, slot) => write!(f, "register {slot} of mutator {mutator}"),
            Self::Root(root) => write!(f, "shared root {root}"),
        }
    }
}

/// What an object holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contents {
    /// Nothing.
    Leaf,
    /// Two references.
    Node([Option<Name>; 2]),
    /// References in order; `None` where there was nothing below the length.
    List(Vec<Option<Name>>),
    /// A number.
    Counter(i64),
}

/// The abstract state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Registers and roots that lead to an object.
    pub places: Vec<(Place, Name)>,
    /// All objects that were reached from there.
    #[serde(with = "pairs")]
    pub objects: BTreeMap<Name, Contents>,
}

/// Serializes a map whose keys are not text, for JSON.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{Contents, Name};

    pub(super) fn serialize<S: Serializer>(
        objects: &BTreeMap<Name, Contents>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(objects)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Name, Contents>, D::Error> {
        let pairs = Vec::<(Name, Contents)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

impl Picture {
    /// What differs between two pictures of what should be one state, in words that name the two;
    /// at most `limit` differences.
    pub fn differences(&self, other: &Self, mine: &str, others: &str, limit: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut differ = |what: String, a: Option<String>, b: Option<String>| {
            if a != b && found.len() < limit {
                let (a, b) = (told(a), told(b));
                found.push(format!("{what} holds {a} ({mine}) and {b} ({others})"));
            }
        };
        let places: BTreeMap<Place, Name> = self.places.iter().copied().collect();
        let theirs: BTreeMap<Place, Name> = other.places.iter().copied().collect();
        for place in keys(&places, &theirs) {
            let in_words = |map: &BTreeMap<Place, Name>| map.get(&place).map(Name::to_string);
            differ(place.to_string(), in_words(&places), in_words(&theirs));
        }
        for name in keys(&self.objects, &other.objects) {
            let in_words = |picture: &Self| picture.objects.get(&name).map(Contents::to_string);
            // An object that only one of them reaches shows in the place or object that leads to
            // it.
            match (self.objects.get(&name), other.objects.get(&name)) {
                (Some(Contents::List(a)), Some(Contents::List(b))) if a != b => {
                    let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
                    let from = at.saturating_sub(ELEMENTS_BEFORE);
                    differ(
                        name.to_string(),
                        Some(elements(a, from)),
                        Some(elements(b, from)),
                    );
                }
                (Some(_), Some(_)) => differ(name.to_string(), in_words(self), in_words(other)),
                _ => {}
            }
        }
        found
    }
}

fn keys<K: Copy + Ord, V>(a: &BTreeMap<K, V>, b: &BTreeMap<K, V>) -> Vec<K> {
    let mut keys: Vec<K> = a.keys().chain(b.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn told(text: Option<String>) -> String {
    text.unwrap_or_else(|| "nothing".to_owned())
}

/// How many elements of a long list are shown, and how many of those come before the first one that
/// differs.
const ELEMENTS_TOLD: usize = 12;
const ELEMENTS_BEFORE: usize = 3;

/// Some elements of a list in words, from index `from` on.
fn elements(elements: &[Option<Name>], from: usize) -> String {
    let len = elements.len();
    let count = if len == 1 { "element" } else { "elements" };
    let from = from.min(len);
    let told = &elements[from..len.min(from + ELEMENTS_TOLD)];
    let before = if from > 0 { "… " } else { "" };
    let behind = if from + told.len() < len { " …" } else { "" };
    let at = if from > 0 {
        format!(" from {from} on")
    } else {
        String::new()
    };
    format!("{len} {count}{at} [{before}{}{behind}]", names(told))
}

fn names(names: &[Option<Name>]) -> String {
    let words = names.iter().map(|name| match name {
        Some(name) => format!("{}:{}", name.maker, name.number),
        None => "-".to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf => f.write_str("nothing"),
            Self::Node(fields) => write!(f, "the fields [{}]", names(fields)),
            Self::List(list) => f.write_str(&elements(list, 0)),
            Self::Counter(value) => write!(f, "the value {value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn name(number: u64) -> Name {
        Name { maker: 0, number }
    }

    /// Goal: equal pictures have no differences, and each difference is named once.
    #[test]
    fn differences_are_named() {
        let list = |elements: &[u64]| Picture {
            places: vec![(Place::Root(0), name(0))],
            objects: std::iter::once((
                name(0),
                Contents::List(elements.iter().map(|&number| Some(name(number))).collect()),
            ))
            .chain(
                elements
                    .iter()
                    .map(|&number| (name(number), Contents::Leaf)),
            )
            .collect(),
        };
        assert!(
            list(&[1, 2])
                .differences(&list(&[1, 2]), "gil", "racy", 9)
                .is_empty()
        );
        let found = list(&[1, 2]).differences(&list(&[2]), "gil", "racy", 9);
        assert_eq!(
            found,
            ["object 0 of mutator 0 holds 2 elements [0:1 0:2] (gil) and 1 element [0:2] (racy)"]
        );
        let long: Vec<u64> = (1..1000).collect();
        let found = list(&long).differences(&list(&long[..500]), "gil", "racy", 9);
        let told = "holds 999 elements from 497 on [… 0:498 0:499 0:500 0:501 ";
        assert!(found[0].contains(told), "{found:?}");
        assert!(found[0].ends_with("and 500 elements from 497 on [… 0:498 0:499 0:500] (racy)"));
        let nothing = Picture::default();
        let found = nothing.differences(&list(&[]), "gil", "racy", 9);
        let said = "shared root 0 holds nothing (gil) and object 0 of mutator 0 (racy)";
        assert_eq!(found, [said]);
    }

    /// Goal: a picture survives JSON.
    #[test]
    fn survives_json() {
        let picture = Picture {
            places: vec![(Place::Register(1, 2), name(3))],
            objects: [(name(3), Contents::Node([Some(name(3)), None]))].into(),
        };
        let json = serde_json::to_string(&picture).expect("it serializes");
        let back: Picture = serde_json::from_str(&json).expect("it parses");
        assert_eq!(back, picture);
    }
}
