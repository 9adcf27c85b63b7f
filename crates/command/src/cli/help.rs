//! What help says beside the options: the headings above them, and behind them examples and exit
//! codes.

/// Options that say what is run.
pub(super) const WHAT: &str = "What to run";
/// Options that say when it ends.
pub(super) const LONG: &str = "How long";
/// Options that say what makes it hard for a heap.
pub(super) const STRESS: &str = "Stress";
/// Options that say what is asked of it.
pub(super) const JUDGING: &str = "Judging";
/// Options that say what is told, and where.
pub(super) const OUTPUT: &str = "Output";

// Options that all commands take stand behind a command's own under a heading.
pub(super) const PROFILE_PLACE: usize = 898;
pub(super) const PROGRESS_PLACE: usize = 899;
pub(super) const COLOR_PLACE: usize = 900;
pub(super) const QUIET_PLACE: usize = 901;
pub(super) const VERBOSE_PLACE: usize = 902;
pub(super) const HELP_PLACE: usize = 903;

/// Examples and exit codes of the program as a whole.
pub(super) const HELP: &str = "\
Examples:
  gcstorm run                                 every workload for 30 s in all
  gcstorm run churn --heap gil,lock-free      two heaps on one workload
  gcstorm help run                            all that `run` can do

Exit codes:
  0    ran, and every check held
  1    a check was violated
  2    usage error, unreadable input, or results that cannot be written
  3    vacuous: it ran, but did not do what was required of it, or `compare` had too few runs
  4    regression: `compare` found something worse, or a soak found that a heap leaks
  5    the heap under test crashed, hung or ran out of memory
  6    a replay did not reproduce
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); results so far are judged and written
If several apply, the first of 101, 5, 1, 6, 130, 4, 2, 3 wins.";

/// Examples and exit codes of `run`.
pub(super) const RUN_HELP: &str = "\
Examples:
  gcstorm run shared-list --heap gil,lock-free --duration 10s
  gcstorm run tangles --heap lock-free --delays --require 'collections>=100'
  gcstorm run counter --heap all --seed 7 --repeat 5 --out reports/nightly

Exit codes:
  0    ran, and every check held
  1    a check was violated
  2    usage error, unreadable workload, or results that cannot be written
  3    vacuous: it ran, but did not do what was required of it
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); results so far are judged and written
If several apply, the first of 101, 5, 1, 130, 2, 3 wins.";

/// Examples and exit codes of `soak`.
pub(super) const SOAK_HELP: &str = "\
Examples:
  gcstorm soak --duration 8h --heap lock-free
  gcstorm soak churn tangles --round 10s --serve 127.0.0.1:9464
  gcstorm soak --resume reports/soak-nightly --duration 1h

Exit codes:
  0    every check held in every round
  1    a check was violated
  2    usage error, or a journal that cannot be read or written
  3    vacuous: a round did not do what was required of it
  4    a heap leaks: its memory grows from round to round
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); the current round was completed
If several apply, the first of 101, 5, 1, 130, 4, 2, 3 wins.";

/// Examples and exit codes of `fuzz`.
pub(super) const FUZZ_HELP: &str = "\
Examples:
  gcstorm fuzz --heap lock-free --duration 5m
  gcstorm fuzz --heap gil --fault set-keeps-old --seed 2
  gcstorm fuzz --heap ./libmine.so --schedule free --cases 1000

Exit codes:
  0    no program failed
  1    a program failed; it was shrunk and kept
  2    usage error, or cases that cannot be written
  3    vacuous: no program was run
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); failures found so far are kept
If several apply, the first of 101, 5, 1, 130, 2, 3 wins.";

/// Examples and exit codes of `replay`.
pub(super) const REPLAY_HELP: &str = "\
Examples:
  gcstorm replay reports/failures/premature-gil-1f.case
  gcstorm replay failure.case --verbose
  gcstorm replay failure.case --heap gil,lock-free --fault none

Exit codes:
  0    no check was violated, and the case does not expect one to be
  1    a check was violated
  2    usage error, or an unreadable case
  5    the heap under test crashed, hung or ran out of memory
  6    not reproduced: the case expects a violated check, and none was
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP)
If several apply, the first of 101, 5, 1, 6, 130, 2 wins.";

/// Examples and exit codes of `selftest`.
pub(super) const SELFTEST_HELP: &str = "\
Examples:
  gcstorm selftest --quick
  gcstorm selftest --fault plain-set --heap lock-free
  gcstorm selftest --quick --without-check completeness

Exit codes:
  0    every fault was caught as expected, and no check was violated without a fault
  1    a row of the matrix failed; it is named
  2    usage error, or results that cannot be written
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); results so far are shown and written";

/// Examples and exit codes of `report`.
pub(super) const REPORT_HELP: &str = "\
Examples:
  gcstorm report reports/nightly
  gcstorm report base/result.json new/result.json --out both
  gcstorm report reports/nightly --format markdown

Exit codes:
  0    every check held
  1    a check was violated
  2    usage error, an unreadable result, or a report that cannot be written
  3    vacuous: a run did not do what was required of it
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  a run was interrupted
If several apply, the first of 101, 5, 1, 130, 2, 3 wins.";

/// Examples and exit codes of `compare`.
pub(super) const COMPARE_HELP: &str = "\
Examples:
  gcstorm compare base new
  gcstorm compare base new --max-regression throughput=5%,p99=10%,memory=off
  gcstorm compare base new --format markdown --json -

Exit codes:
  0    nothing was shown to be worse by more than is allowed
  2    usage error, or results that are unreadable or do not belong together
  3    vacuous: there are too few runs to tell
  4    a regression; it is named
  101  a bug in gcstorm
If several apply, the first of 101, 4, 2, 3 wins.";

/// Examples and exit codes of `merge`.
pub(super) const MERGE_HELP: &str = "\
Examples:
  gcstorm merge reports/soak-0 reports/soak-1
  gcstorm merge shards --out merged
  gcstorm merge merged shards/late --format markdown

Exit codes:
  0    every check held in all that was merged
  1    a check was violated
  2    usage error, input that is unreadable or does not belong together, or a sum that cannot be written
  3    vacuous: a run did not do what was required of it, or there was nothing to merge
  4    a soak found that a heap leaks
  5    the heap under test crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  a run was interrupted
If several apply, the first of 101, 5, 1, 130, 4, 2, 3 wins.";

/// Examples and exit codes of a command that prints something, and does nothing else.
macro_rules! prints {
    ($($example:literal)*) => {
        concat!(
            "Examples:\n",
            $("  gcstorm ", $example, "\n",)*
            "\nExit codes:\n  0    done\n  2    usage error, or output that cannot be written\n",
            "  101  a bug in gcstorm"
        )
    };
}

/// Examples and exit codes of `list`.
pub(super) const LIST_HELP: &str = prints!(
    "list heaps"
    "list workloads --verbose"
    "list faults"
);

/// Examples and exit codes of `check`.
pub(super) const CHECK_HELP: &str = "\
Examples:
  gcstorm check mine.toml
  gcstorm check churn tangles
  gcstorm check gcstorm.toml

Exit codes:
  0    every workload can be planned, and every profile can be used
  2    usage error, or a file that is wrong or cannot be read
  101  a bug in gcstorm";

/// Examples and exit codes of `completions`.
pub(super) const COMPLETIONS_HELP: &str = prints!(
    "completions bash >~/.local/share/bash-completion/completions/gcstorm"
    "completions zsh >~/.zfunc/_gcstorm"
    "completions fish >~/.config/fish/completions/gcstorm.fish"
);

/// Examples and exit codes of `man`.
pub(super) const MAN_HELP: &str = prints!(
    "man | man -l -"
    "man run | man -l -"
    "man --out ~/.local/share/man/man1"
);

/// Examples and exit codes of `header`.
pub(super) const HEADER_HELP: &str = prints!(
    "header >gcstorm.h"
    "header | less"
    "header | cc -fsyntax-only -x c -"
);

/// Examples and exit codes of `tour`.
pub(super) const TOUR_HELP: &str = "\
Examples:
  gcstorm tour                     three heaps, a fault, a page: 30 s
  gcstorm tour --open              opens the page in a browser
  gcstorm tour --duration 1s --out first

Exit codes:
  0    gil and lock-free held, and racy and the planted fault were caught
  1    gil or lock-free violated a check
  2    usage error, or results that cannot be written
  3    vacuous: racy or the planted fault was not caught
  5    gil or lock-free crashed, hung or ran out of memory
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP)
Without a command, gcstorm says what it is and exits with 2, since nothing was asked of it.";

/// Examples and exit codes of `init`.
pub(super) const INIT_HELP: &str = "\
Examples:
  gcstorm init --heap mine                a crate with a heap to be filled in
  gcstorm init --heap mine --pointer      for a library of counted pointers
  gcstorm init --heap mine ../my-heap     in a directory of your choice

Exit codes:
  0    the crate was written
  2    usage error, or a directory that cannot be written or has such files already";

/// Examples and exit codes of `duel`.
pub(super) const DUEL_HELP: &str = "\
Examples:
  gcstorm duel ./old ./new churn --repeat 10
  gcstorm duel ./old ./new cycles --heap lock-free --timing off
  gcstorm duel old/libmine.so new/libmine.so churn

Exit codes:
  0    nothing was shown to be worse by more than is allowed
  1    a build violated a check; it is named, and nothing is compared
  2    usage error, also of a build, or results that cannot be written
  3    vacuous: there are too few runs to tell
  4    a regression; it is named
  5    a build crashed or hung; it is named, and nothing is compared
  101  a bug in gcstorm
  130  interrupted (SIGINT, SIGTERM, SIGHUP); the results so far are kept";
