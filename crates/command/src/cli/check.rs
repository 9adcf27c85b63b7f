//! `check`: validates workload files and profiles without running anything, and tells all that is wrong
//! with them.

use std::path::Path;

use super::exit::Exit;
use super::terminal::Terminal;
use super::usage::Usage;
use super::{near, profile};
use crate::run::Registry;
use crate::workload::Workload;

/// Reads every workload, and every `gcstorm.toml`; prints `ok` or what is wrong with it.
pub(super) fn check(registry: &Registry, names: &[String], terminal: &mut Terminal) -> Exit {
    let mut exit = Exit::Held;
    for name in names {
        match about(registry, name) {
            Ok(about) => terminal.data(&format!("ok  {name}: {about}\n")),
            Err(wrong) => {
                terminal.refuse(wrong.text());
                exit = Exit::Usage;
            }
        }
    }
    exit
}

/// What it is, in a line.
fn about(registry: &Registry, name: &str) -> Result<String, Usage> {
    let path = Path::new(name);
    if path.file_name().is_some_and(|file| file == near::FILE) {
        let profiles = profile::checked(registry, path)?.join(", ");
        return Ok(format!("profiles: {profiles}"));
    }
    Ok(Workload::named(name)?.summary)
}
