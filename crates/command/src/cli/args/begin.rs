//! Options of the commands to begin with: `tour` and `init`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::help::{self, LONG, OUTPUT, WHAT};
use crate::cli::values;

/// Options of `tour`.
#[derive(Debug, Args)]
#[command(after_long_help = help::TOUR_HELP)]
pub(in crate::cli) struct Tour {
    /// Open the page in the browser
    #[arg(long, help_heading = OUTPUT)]
    pub(in crate::cli) open: bool,
    /// How long each heap runs
    #[arg(long, value_name = "TIME", help_heading = LONG, default_value = "5s",
          value_parser = values::duration)]
    pub(in crate::cli) duration: Duration,
    /// The directory for results, which must not hold results yet; default: reports/tour-<when>/
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub(in crate::cli) out: Option<PathBuf>,
}

/// Options of `init`.
#[derive(Debug, Args)]
#[command(after_long_help = help::INIT_HELP)]
pub(in crate::cli) struct Init {
    /// What to call the heap
    #[arg(long, value_name = "NAME", help_heading = WHAT)]
    pub(in crate::cli) heap: String,
    /// For a library of counted pointers (`Gc<T>`, `Cc<T>`), in place of a heap that is made for
    /// threads
    #[arg(long, help_heading = WHAT)]
    pub(in crate::cli) pointer: bool,
    /// Where gcstorm is taken from: a directory, or the URL of a git repository; default: the
    /// sources that this program was built from
    #[arg(long, value_name = "DIR|URL", help_heading = OUTPUT)]
    pub(in crate::cli) gcstorm: Option<String>,
    /// The directory for the crate; default: gcstorm-<heap>/
    #[arg(value_name = "DIR")]
    pub(in crate::cli) directory: Option<PathBuf>,
}
