//! `check`: whether workload files can be run, before anybody tries.

use super::exit::Exit;
use super::terminal::Terminal;
use super::usage::Usage;
use crate::workload::Workload;

/// Reads every workload; says `ok` or what is wrong.
pub(super) fn check(names: &[String], terminal: &mut Terminal) -> Exit {
    let mut exit = Exit::Held;
    for name in names {
        match Workload::named(name) {
            Ok(workload) => terminal.data(&format!("ok  {name}: {}\n", workload.summary)),
            Err(error) => {
                terminal.message(Usage::from(error).text());
                exit = Exit::Usage;
            }
        }
    }
    exit
}
