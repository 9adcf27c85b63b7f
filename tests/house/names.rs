//! A name means one thing in the crate: no two types that are seen outside their files share one.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Module, modules};

/// What begins the definition of a type.
const KINDS: [&str; 5] = ["struct ", "enum ", "trait ", "type ", "union "];

/// The type that a line defines, if the whole crate sees it.
fn defined(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("pub ")
        .or(line.strip_prefix("pub(crate) "))?;
    let rest = KINDS.iter().find_map(|kind| rest.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// Names that are defined more than once, with the modules that do.
fn duplicates(sources: &BTreeMap<Module, String>) -> BTreeMap<&str, Vec<String>> {
    let mut homes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (module, text) in sources {
        for name in text.lines().filter_map(defined) {
            homes.entry(name).or_default().insert(module.join("::"));
        }
    }
    let several = homes.into_iter().filter(|(_, modules)| modules.len() > 1);
    several
        .map(|(name, modules)| (name, modules.into_iter().collect()))
        .collect()
}

/// Goal: a new type does not take a name that means something else already.
#[test]
fn a_name_means_one_thing() {
    let sources = modules();
    let duplicates = duplicates(&sources);
    let told: Vec<_> = duplicates
        .iter()
        .map(|(name, modules)| format!("{name}: {}", modules.join(", ")))
        .collect();
    assert!(
        told.is_empty(),
        "names of several types:\n{}",
        told.join("\n")
    );
}

/// Goal: a second type of a name is seen.
#[test]
fn a_second_meaning_is_seen() {
    let mut sources = modules();
    sources.insert(vec!["new".to_owned()], "pub(crate) struct Plan;".to_owned());
    let duplicates = duplicates(&sources);
    assert_eq!(
        duplicates.get("Plan").map(Vec::len),
        Some(2),
        "{duplicates:?}"
    );
}
