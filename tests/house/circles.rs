//! No files use one another in a circle, but for those that are one algorithm in several files. A
//! module and the parts directly below it are read together: a part that uses its own module is no
//! circle.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{Module, imports, modules};

/// Rooms that are one algorithm: each part rests on the others, and the essay in `mod.rs` is of
/// all.
const ONE_ALGORITHM: &[&str] = &["heap/lock_free"];

type Graph = BTreeMap<Module, BTreeSet<Module>>;

/// Which file uses names that another defines. A name that a module passes on is followed to where
/// it is defined.
fn graph(sources: &BTreeMap<Module, String>) -> Graph {
    let mut passed_on: BTreeMap<Module, Module> = BTreeMap::new();
    let mut used: Vec<(&Module, Module)> = Vec::new();
    for (module, text) in sources {
        for import in imports(text) {
            let Some(path) = absolute(module, &import.path, sources) else {
                continue;
            };
            if import.is_passed_on {
                let mut name = module.clone();
                name.extend(path.last().cloned());
                passed_on.insert(name, path);
            } else {
                used.push((module, path));
            }
        }
    }
    let mut graph = Graph::new();
    for (module, path) in used {
        let Some(target) = home(path, &passed_on, sources) else {
            continue;
        };
        let is_own_module = module.split_last().is_some_and(|(_, own)| target == own);
        if target != *module && !is_own_module {
            graph.entry(module.clone()).or_default().insert(target);
        }
    }
    graph
}

/// A path from the crate's root, if it leads into the crate.
fn absolute(at: &Module, path: &[String], sources: &BTreeMap<Module, String>) -> Option<Module> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let (mut base, rest) = match path.first()?.as_str() {
        "crate" => (Module::new(), &path[1..]),
        "self" => (at.clone(), &path[1..]),
        "super" => (
            at[..at.len().checked_sub(supers)?].to_vec(),
            &path[supers..],
        ),
        first => {
            let mut child = at.clone();
            child.push(first.to_owned());
            sources.contains_key(&child).then_some((at.clone(), path))?
        }
    };
    base.extend(rest.iter().filter(|part| *part != "self").cloned());
    Some(base)
}

/// The file in which a path's name is defined.
fn home(
    mut path: Module,
    passed_on: &BTreeMap<Module, Module>,
    sources: &BTreeMap<Module, String>,
) -> Option<Module> {
    // As often as names are passed on from module to module.
    for _ in 0..8 {
        let depth = (1..=path.len())
            .rev()
            .find(|&depth| sources.contains_key(&path[..depth]))?;
        let Some(name) = path.get(depth) else {
            return Some(path);
        };
        let mut key = path[..depth].to_vec();
        key.push(name.clone());
        match passed_on.get(&key).filter(|to| **to != key) {
            Some(to) => path = to.iter().chain(&path[depth + 1..]).cloned().collect(),
            None => return Some(path[..depth].to_vec()),
        }
    }
    None
}

/// All modules that a module leads to.
fn reached(graph: &Graph, from: &Module) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut left = vec![from];
    while let Some(module) = left.pop() {
        for next in graph.get(module).into_iter().flatten() {
            if reached.insert(next.clone()) {
                left.push(next);
            }
        }
    }
    reached
}

/// Modules that lead back to themselves and are not one algorithm.
fn circles(graph: &Graph) -> Vec<String> {
    let names = graph
        .keys()
        .filter(|module| reached(graph, module).contains(*module));
    let names = names.map(|module| module.join("/"));
    names
        .filter(|name| !ONE_ALGORITHM.iter().any(|room| name.starts_with(room)))
        .collect()
}

/// Goal: a file can be read after those that it uses.
#[test]
fn no_files_use_one_another() {
    let circles = circles(&graph(&modules()));
    assert!(circles.is_empty(), "in a circle: {}", circles.join(", "));
}

/// Goal: a circle is seen, also through a name that a module passes on.
#[test]
fn a_circle_is_seen() {
    let sources = [
        ("a", "pub use inner::Name;\nmod inner;"),
        ("a/inner", "use crate::b::Other;"),
        ("b", "use crate::a::Name;"),
    ];
    let sources = sources.map(|(module, text)| {
        let module = module.split('/').map(str::to_owned).collect::<Module>();
        (module, text.to_owned())
    });
    let graph = graph(&BTreeMap::from(sources));
    assert_eq!(circles(&graph), ["a/inner", "b"]);
}
