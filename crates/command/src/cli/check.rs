//! `check`: validates workload files without running them, and tells all that is wrong with them.

use super::exit::Exit;
use super::terminal::Terminal;
use super::usage::Usage;
use crate::workload::{LoadError, Workload};

/// Reads every workload; prints `ok` or what is wrong with it.
pub(super) fn check(names: &[String], terminal: &mut Terminal) -> Exit {
    let mut exit = Exit::Held;
    for name in names {
        match Workload::named(name) {
            Ok(workload) => terminal.data(&format!("ok  {name}: {}\n", workload.summary)),
            Err(error) => {
                let all = all_wrong(error);
                for usage in &all {
                    terminal.refuse(usage.text());
                }
                if let count @ 2.. = all.len() {
                    terminal.message(&format!("{name}: {count} mistakes"));
                }
                exit = Exit::Usage;
            }
        }
    }
    exit
}

/// Everything that is wrong, of which loading tells the first.
fn all_wrong(error: LoadError) -> Vec<Usage> {
    let LoadError::Invalid(first) = &error else {
        return vec![error.into()];
    };
    let defects = Workload::defects(first.path(), first.text()).into_iter();
    defects.map(Usage::from).collect()
}
