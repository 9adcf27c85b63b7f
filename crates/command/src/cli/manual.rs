//! `completions` and `man`: files that packages install beside the program.

use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap_complete::Shell;
use clap_mangen::Man;

use super::command_line;
use super::exit::Exit;
use super::store::{why_no_directory, write_whole};
use super::terminal::Terminal;
use super::usage::Usage;
use super::{agenda, faults};
use crate::check;
use crate::run::Registry;
use crate::workload;

/// A function of bash, `@`, which leaves options out of what is offered unless one is begun or there is
/// nothing else.
const NAMES_FIRST: &str = r#"
@() {
    local word names=""
    for word in $2; do
        [[ "${word}" == -* ]] || names+="${word} "
    done
    [[ "$1" == -* || -z "${names}" ]] && names="$2"
    echo "${names}"
}
"#;

/// Prints the completions of `program` for a shell.
pub(super) fn completions(
    registry: &Registry,
    shell: Shell,
    program: &str,
    terminal: &mut Terminal,
) {
    terminal.data(&script(registry, shell, program));
}

fn script(registry: &Registry, shell: Shell, program: &str) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut with_names(registry), program, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let names: Vec<&str> = workload::embedded().iter().map(|one| one.name).collect();
    let (names, word) = (names.join(" "), program.replace('-', "_"));
    match shell {
        // clap offers options first, before what can be named.
        Shell::Bash => {
            let function = format!("_{word}_offered");
            let offered = format!("compgen -W \"$({function} \"${{cur}}\" \"${{opts}}\")\"");
            script.replace("compgen -W \"${opts}\"", &offered)
                + &NAMES_FIRST.replace("@", &function)
        }
        // clap has nothing for fish to say of what is not an option.
        Shell::Fish => {
            let when = format!("__fish_{word}_using_subcommand run soak check");
            script + &format!("complete -c {program} -n \"{when}\" -a \"{names}\"\n")
        }
        // Nor are there files in zsh where there are names, and a workload is either.
        Shell::Zsh => {
            let function = format!("_{word}_workloads");
            let end = script.rfind("\nif [").unwrap_or(script.len());
            let (start, end) = script.split_at(end);
            let start = start.replace(&format!(":({names})'"), &format!(":{function}'"));
            let action = format!("_alternative 'names:workload:({names})' 'files:file:_files'");
            format!("{start}\n{function}() {{\n    {action}\n}}\n{end}")
        }
        _ => script,
    }
}

/// The command without what other processes of it are started with: no user types that.
fn shown() -> clap::Command {
    let whole = command_line::all();
    let all = whole.get_subcommands();
    let seen: Vec<_> = all.filter(|one| !one.is_hide_set()).cloned().collect();
    let mut command = clap::Command::new("gcstorm").disable_help_flag(true);
    if let Some(about) = whole.get_about() {
        command = command.about(about.clone());
    }
    if let Some(more) = whole.get_after_long_help() {
        command = command.after_long_help(more.clone());
    }
    command
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments().cloned())
        .subcommands(seen)
}

/// The command, with the names that its options take.
fn with_names(registry: &Registry) -> clap::Command {
    let heaps = registry.entries().iter().map(|heap| heap.name.clone());
    let heaps: Vec<String> = heaps.chain([agenda::ALL_HEAPS.to_owned()]).collect();
    let faults: Vec<String> = faults::carried(registry)
        .map(|fault| fault.name().to_owned())
        .collect();
    let workloads = workload::embedded().iter().map(|one| one.name.to_owned());
    let checks = check::ALL.iter().map(|check| check.name.to_owned());
    let names = [
        ("heaps", heaps),
        ("fault", faults.clone()),
        ("faults", faults),
        ("workloads", workloads.collect()),
        ("without_check", checks.collect()),
    ];
    let mut command = shown();
    for one in command.get_subcommands_mut() {
        for (id, names) in &names {
            if one.get_arguments().any(|arg| arg.get_id() == id) {
                let known = PossibleValuesParser::new(names);
                *one = one.clone().mut_arg(id, |arg| arg.value_parser(known));
            }
        }
    }
    command
}

/// The command with all of its commands made ready for pages: each knows the options that all take.
fn ready() -> clap::Command {
    let mut whole = shown().disable_help_subcommand(true);
    whole.build();
    whole
}

/// Prints the manual page of the program, or of one of its commands.
pub(super) fn page(of: Option<&str>, terminal: &mut Terminal) -> Result<Exit, Usage> {
    let whole = ready();
    let command = match of {
        None => whole,
        Some(name) => whole.find_subcommand(name).cloned().ok_or_else(|| {
            let known = whole.get_subcommands().map(clap::Command::get_name);
            Usage::unknown("command", name, known)
        })?,
    };
    terminal.data(&String::from_utf8_lossy(&rendered(command)));
    Ok(Exit::Held)
}

/// Writes the pages of the program and of all of its commands to a directory.
pub(super) fn pages(directory: &Path) -> Result<Exit, Usage> {
    let whole = ready();
    let commands = whole.get_subcommands().cloned().collect::<Vec<_>>();
    let written = std::fs::create_dir_all(directory).and_then(|()| {
        for command in commands.into_iter().chain([whole]) {
            let man = Man::new(command.clone());
            write_whole(&directory.join(man.get_filename()), &rendered(command))?;
        }
        Ok(())
    });
    written.map_err(|error| {
        let why = why_no_directory(directory, &error);
        Usage::new(format!("failed to write to {}: {why}", directory.display()))
            .hint("name another directory with --out DIR")
    })?;
    Ok(Exit::Held)
}

fn rendered(command: clap::Command) -> Vec<u8> {
    let mut page = Vec::new();
    let written = Man::new(command).render(&mut page);
    // Writing to memory cannot fail.
    written.expect("a vector takes all that is written to it");
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command_line::CommandLine;
    use clap::Parser as _;

    /// The words of an example, up to where the shell sends its output.
    fn words(line: &str) -> Vec<String> {
        // What stands behind several blanks says what it does.
        let ends = [" >", " |", "  "].map(|end| line.find(end));
        let end = ends.into_iter().flatten().min().unwrap_or(line.len());
        line[..end]
            .split_whitespace()
            .map(|word| word.replace('\'', ""))
            .collect()
    }

    /// Goal: short help is a page of 40 lines in 80 columns, and no line of it is longer.
    #[test]
    fn short_help_is_short() {
        let mut whole = command_line::all().term_width(80);
        whole.build();
        let seen = whole.get_subcommands_mut().filter(|one| !one.is_hide_set());
        for command in seen {
            let help = command.render_help().to_string();
            let count = help.lines().count();
            assert!(count <= 40, "{count} lines:\n{help}");
            assert!(
                help.lines().all(|line| line.chars().count() <= 80),
                "{help}"
            );
        }
    }

    /// Goal: each command has three examples, each of which is a command line of that command.
    #[test]
    fn examples_are_command_lines() {
        for command in shown().get_subcommands().chain([&shown()]) {
            let more = command.get_after_long_help().map(ToString::to_string);
            let more = more.unwrap_or_default();
            let lines = more
                .lines()
                .filter_map(|line| line.strip_prefix("  gcstorm "));
            let lines: Vec<&str> = lines.collect();
            assert_eq!(lines.len(), 3, "{}:\n{more}", command.get_name());
            for line in lines {
                let words = words(line);
                let of = [words[0].as_str(), "gcstorm"].contains(&command.get_name());
                assert!(of, "{line}");
                let whole = ["gcstorm".to_owned()].into_iter().chain(words);
                match CommandLine::try_parse_from(whole) {
                    Ok(_) => {}
                    Err(error) if !error.use_stderr() => {}
                    Err(error) => panic!("{line}: {error}"),
                }
            }
        }
    }

    /// Goal: completions name heaps, workloads, faults and checks, and not what other processes are
    /// started with.
    #[test]
    fn completions_know_names() {
        let registry = Registry::builtin();
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish] {
            let script = script(&registry, shell, "gcstorm");
            let starts = ["gcstorm,", "'", "-a \"", "&'gcstorm;"];
            let starts = starts
                .iter()
                .filter(|start| script.contains(&format!("{start}soak")));
            assert!(starts.clone().count() > 0, "{shell}");
            for start in starts {
                for hidden in ["attempt", "stint", "cases"] {
                    let hidden = format!("{start}{hidden}");
                    assert!(!script.contains(&hidden), "{shell}: {hidden}");
                }
            }
            // There are no values in what clap makes for Elvish.
            if shell != Shell::Elvish {
                for name in ["lock-free", "shared-list", "plain-set", "double-free"] {
                    assert!(script.contains(name), "{shell}: {name}");
                }
            }
        }
    }

    /// What bash offers for the last of these words.
    fn offered(words: &[&str]) -> Vec<String> {
        let script = script(&Registry::builtin(), Shell::Bash, "gcstorm");
        let (last, before) = words.split_last().expect("a word");
        let previous = before.last().expect("another");
        let (all, at) = (words.join("' '"), before.len());
        let ask = format!(
            "{script}\nCOMP_WORDS=('{all}') COMP_CWORD={at}\n_gcstorm gcstorm '{last}' '{previous}'\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let done = std::process::Command::new("bash")
            .args(["-c", &ask])
            .output();
        let done = done.expect("there is a bash");
        let text = String::from_utf8(done.stdout).expect("text");
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Goal: bash offers what can be named before options, and options once one is begun.
    #[test]
    fn bash_offers_names_first() {
        let listed = [
            "heaps",
            "workloads",
            "ops",
            "counters",
            "checks",
            "faults",
            "profiles",
        ];
        assert_eq!(offered(&["gcstorm", "list", ""]), listed);
        assert_eq!(offered(&["gcstorm", "list", "f"]), ["faults"]);
        assert!(offered(&["gcstorm", "list", "--c"]).contains(&"--color".to_owned()));
        assert!(offered(&["gcstorm", ""]).contains(&"run".to_owned()));
        assert!(offered(&["gcstorm", "run", ""]).contains(&"shared-list".to_owned()));
        assert!(offered(&["gcstorm", "header", ""]).contains(&"--color".to_owned()));
    }

    /// Goal: an option that a command has no use for is not in its help, and is understood there.
    #[test]
    fn what_does_nothing_is_not_in_help() {
        let mut whole = command_line::all();
        whole.build();
        let has = |name: &str, option: &str| {
            let command = whole.find_subcommand(name).expect("it is there");
            command.clone().render_help().to_string().contains(option)
        };
        for (name, quiet, verbose) in [
            ("run", true, true),
            ("list", false, true),
            ("header", false, false),
            ("merge", true, false),
        ] {
            assert_eq!(has(name, "--quiet"), quiet, "{name}");
            assert_eq!(has(name, "--verbose"), verbose, "{name}");
        }
        for line in ["header -q", "-v header", "list heaps --quiet"] {
            let words = ["gcstorm"].into_iter().chain(line.split(' '));
            let read = command_line::all().try_get_matches_from(words);
            assert!(read.is_ok(), "{line}");
        }
    }

    /// Goal: every command that is seen has a page of its own, with its examples.
    #[test]
    fn every_command_has_a_page() {
        let directory = tempfile::tempdir().expect("a directory");
        let written = pages(directory.path());
        assert!(written.is_ok());
        for command in shown().get_subcommands() {
            let file = format!("gcstorm-{}.1", command.get_name());
            let page = std::fs::read_to_string(directory.path().join(file)).expect("a page");
            assert!(page.contains("Examples:"), "{page}");
        }
        assert!(directory.path().join("gcstorm.1").is_file());
        assert!(!directory.path().join("gcstorm-stint.1").exists());
    }
}
