//! Data flows one way: a room uses those that the table of ARCHITECTURE.md allows, and no other.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{modules, root};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// What the table says: the room is named by its place, and what it uses in the last column.
fn allowed() -> Arrows {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut arrows = Arrows::new();
    for line in text.lines() {
        let place = line.strip_prefix("| `crates/");
        let Some((_, rest)) = place.and_then(|place| place.split_once("/src/")) else {
            continue;
        };
        let room = rest.split(['/', '.', '`']).next().unwrap_or_default();
        let uses = rest.trim_end_matches([' ', '|']).rsplit('|').next();
        let uses = uses.unwrap_or_default().split(',').map(str::trim);
        let uses = uses.filter(|other| !other.is_empty() && *other != "–");
        arrows.insert(room.to_owned(), uses.map(str::to_owned).collect());
    }
    assert!(arrows.len() > 10, "the table of ARCHITECTURE.md was found");
    arrows
}

/// Which room names which, anywhere in its code.
fn found(sources: &BTreeMap<Vec<String>, String>) -> Arrows {
    let rooms: BTreeSet<&str> = sources
        .keys()
        .filter_map(|module| Some(module.first()?.as_str()))
        .collect();
    let mut arrows = Arrows::new();
    for (module, text) in sources {
        let Some(room) = module
            .first()
            .filter(|room| !["lib", "main"].contains(&room.as_str()))
        else {
            continue;
        };
        let uses = arrows.entry(room.clone()).or_default();
        for rest in text.split("crate::").skip(1) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let other = &rest[..end.unwrap_or(rest.len())];
            if other != room && rooms.contains(other) {
                uses.insert(other.to_owned());
            }
        }
    }
    arrows
}

/// What is there and not allowed, and what is allowed and not there.
fn differences(allowed: &Arrows, found: &Arrows) -> Vec<String> {
    let none = BTreeSet::new();
    let rooms: BTreeSet<&String> = allowed.keys().chain(found.keys()).collect();
    let mut wrong = Vec::new();
    for room in rooms {
        let allowed = allowed.get(room).unwrap_or(&none);
        let found = found.get(room).unwrap_or(&none);
        let new = found.difference(allowed);
        wrong.extend(
            new.map(|other| format!("{room} uses {other}, which the table does not allow")),
        );
        let gone = allowed.difference(found);
        wrong.extend(
            gone.map(|other| format!("the table lets {room} use {other}, which it does not")),
        );
    }
    wrong
}

/// Goal: rooms use each other as ARCHITECTURE.md says, so that its table is true.
#[test]
fn rooms_use_what_they_may() {
    let wrong = differences(&allowed(), &found(&modules()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Goal: the table itself allows no circle: whatever a room uses stands above it.
#[test]
fn the_table_has_no_circle() {
    let allowed = allowed();
    let mut above: BTreeSet<&String> = BTreeSet::new();
    while above.len() < allowed.len() {
        let next = allowed
            .iter()
            .find(|(room, uses)| !above.contains(room) && uses.iter().all(|it| above.contains(it)));
        let (room, _) = next.expect("a room that uses only rooms that were named before");
        above.insert(room);
    }
}

/// Goal: an arrow that the table does not allow is seen, and so is one that is there no longer.
#[test]
fn a_new_arrow_is_seen() {
    let mut sources = modules();
    let heap = vec!["heap".to_owned(), "new".to_owned()];
    sources.insert(heap, "use crate::report::Page;".to_owned());
    let wrong = differences(&allowed(), &found(&sources));
    assert_eq!(wrong, ["heap uses report, which the table does not allow"]);
    let mut table = allowed();
    table
        .entry("heap".to_owned())
        .or_default()
        .insert("digest".to_owned());
    let wrong = differences(&table, &found(&modules()));
    assert_eq!(wrong, ["the table lets heap use digest, which it does not"]);
}
