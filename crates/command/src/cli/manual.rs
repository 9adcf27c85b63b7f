//! `completions` and `man`: files that packages install beside the program.

use clap::CommandFactory as _;

use super::command_line::CommandLine;
use super::terminal::Terminal;

/// Prints the completions of `program` for a shell.
pub(super) fn completions(shell: clap_complete::Shell, program: &str, terminal: &mut Terminal) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), program, &mut script);
    terminal.data(&String::from_utf8_lossy(&script));
}

/// Prints the manual page.
pub(super) fn page(terminal: &mut Terminal) {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(CommandLine::command()).render(&mut page);
    // Writing to memory cannot fail.
    rendered.expect("a vector takes all that is written to it");
    terminal.data(&String::from_utf8_lossy(&page));
}
