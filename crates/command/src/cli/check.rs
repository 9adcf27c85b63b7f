//! `check`: validates workload files without running them, and tells all that is wrong with them.

use super::exit::Exit;
use super::terminal::Terminal;
use super::usage::Usage;
use crate::workload::Workload;

/// Reads every workload; prints `ok` or what is wrong with it.
pub(super) fn check(names: &[String], terminal: &mut Terminal) -> Exit {
    let mut exit = Exit::Held;
    for name in names {
        match Workload::named(name) {
            Ok(workload) => terminal.data(&format!("ok  {name}: {}\n", workload.summary)),
            Err(error) => {
                terminal.refuse(Usage::from(error).text());
                exit = Exit::Usage;
            }
        }
    }
    exit
}
