//! The pages that are looked things up in have all that there is to look up.

use std::collections::BTreeSet;

use gcstorm::heap::Fault;

use crate::harness::Place;

/// Goal: the page of the command line has every option of every command, and none that is gone.
#[test]
fn the_command_line_is_described() {
    let page = include_str!("../../../docs/src/command-line.md");
    let options = |text: &str| -> BTreeSet<String> {
        let starts = text.match_indices("--").map(|(at, _)| &text[at + 2..]);
        let ends = |letter: char| !(letter.is_ascii_lowercase() || letter == '-');
        let names = starts.map(|rest| &rest[..rest.find(ends).unwrap_or(rest.len())]);
        let names = names.filter(|name| name.starts_with(|it: char| it.is_ascii_lowercase()));
        names.map(str::to_owned).collect()
    };
    let place = Place::new();
    let commands = place.run("--help").code(0).out;
    let commands = commands
        .lines()
        .skip_while(|line| !line.ends_with("ommands:"));
    let commands = commands.skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<_> = commands
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.contains(&"soak"), "{commands:?}");
    let mut known = BTreeSet::new();
    for command in commands {
        assert!(page.contains(&format!("`{command}`")), "{command}");
        // Options begin a line of help; what else is named in it may be another command's.
        let help = place.run(&format!("help {command}")).code(0).out;
        let begins = |line: &&str| {
            let option = line.trim_start();
            line.len() - option.len() < 8 && option.starts_with('-')
        };
        for line in help.lines().filter(begins) {
            let names = line.split("  ").find(|part| part.contains("--"));
            known.extend(options(names.unwrap_or("")));
        }
    }
    assert_eq!(options(page), known);
}

/// Goal: faults that the guide names can be planted.
#[test]
fn faults_are_named_as_they_are() {
    let page = include_str!("../../../docs/src/faults.md");
    let (_, table) = page.split_once("| kind | for example |").expect("a table");
    let rows = table
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with('|'));
    let names: Vec<_> = rows
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .collect();
    assert!(names.len() > 20, "{names:?}");
    let is_known = |name: &&str| Fault::ALL.iter().any(|fault| fault.name() == *name);
    let unknown: Vec<_> = names.into_iter().filter(|name| !is_known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// Goal: the guide names every workload with its parameters, and every check.
#[test]
fn workloads_and_checks_are_described() {
    let workloads = include_str!("../../../docs/src/workloads.md");
    for name in gcstorm::workload::embedded().iter().map(|it| it.name) {
        let row = format!("| `{name}` |");
        let row = workloads.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("no row of {name}"));
        let workload = gcstorm::workload::Workload::named(name).expect("it comes with gcstorm");
        for parameter in workload.parameters() {
            let quoted = format!("`{}`", parameter.name);
            assert!(row.contains(&quoted), "{name}: no {quoted}");
        }
    }
    let checks = include_str!("../../../docs/src/checks.md");
    for check in gcstorm::check::ALL {
        assert!(
            checks.contains(&format!("| `{}` |", check.name)),
            "{}",
            check.name
        );
    }
}
