//! The options of `soak`.

mod scheduler;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::watch::Audience;
use crate::cli::args::TimingArg;
use crate::cli::help::{self, JUDGING, LONG, OUTPUT, STRESS, WHAT};
use crate::cli::values;
use crate::result::ProfileRef;
use crate::soak::Shard;
pub(super) use scheduler::shard_of_environment;

/// How many failed rounds end a soak by default.
const FAILURES_MAX: u64 = 1;
/// How much memory a round may use by default, in mebibytes.
const MEMORY_LIMIT: u64 = 8192;
/// How much longer than it is to last a round may take by default.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Options of `soak`.
#[derive(Debug, Args)]
#[command(after_long_help = help::SOAK_HELP)]
pub(in crate::cli) struct Soak {
    /// Names from `gcstorm list workloads`, or .toml files
    ///
    /// If none is given, all workloads of that list.
    #[arg(value_name = "WORKLOAD", help_heading = WHAT, display_order = 0,
          conflicts_with = "resume")]
    pub(super) workloads: Vec<String>,
    /// The profile that completed the command line.
    #[arg(skip)]
    pub(in crate::cli) profile: Option<ProfileRef>,
    /// Heaps from `gcstorm list heaps`, as in gil,racy
    ///
    /// May be given several times; `all` names all that come with the program.
    #[arg(long = "heap", value_name = "NAME,...", help_heading = WHAT, conflicts_with = "resume")]
    pub(super) heaps: Vec<String>,
    /// The seed of the seeds of all rounds
    ///
    /// If not given, a fresh one, which is printed.
    #[arg(long, value_name = "N", help_heading = WHAT, conflicts_with = "resume",
          allow_hyphen_values = true, value_parser = values::seed)]
    pub(super) seed: Option<u64>,
    /// The number of mutators; short for -D threads=N
    #[arg(long, value_name = "N", help_heading = WHAT, value_parser = values::positive,
          conflicts_with = "resume")]
    pub(super) threads: Option<u64>,
    /// Set a parameter of the workloads in all rounds
    ///
    /// May be given several times.
    #[arg(short = 'D', value_name = "KEY=VALUE", help_heading = WHAT,
          value_parser = values::assignment, conflicts_with = "resume")]
    pub(super) define: Vec<(String, String)>,
    /// Run this workload N times as often
    ///
    /// For each round of the others N of it, as in churn=3. May be given several times.
    #[arg(long = "weight", value_name = "WORKLOAD=N", help_heading = WHAT,
          value_parser = values::assignment, conflicts_with = "resume")]
    pub(super) weights: Vec<(String, String)>,
    /// Be machine I of N that share one soak
    ///
    /// All are given the same seed; I is counted from 0, and this machine runs every Nth series of
    /// rounds. If a seed is given, the default comes from the environment of Slurm arrays,
    /// Kubernetes indexed jobs, AWS Batch, GitLab, CircleCI and Buildkite.
    #[arg(long, value_name = "I/N", help_heading = WHAT, value_parser = shard,
          conflicts_with = "resume")]
    pub(super) shard: Option<Shard>,
    /// Continue the soak in this directory
    #[arg(long, value_name = "DIR", help_heading = WHAT, conflicts_with = "out")]
    pub(super) resume: Option<PathBuf>,
    /// How long to go on; --duration is the same [default: 1h]
    ///
    /// How long to start new rounds; the last one is finished.
    #[arg(long, alias = "duration", value_name = "TIME", help_heading = LONG,
          default_value = "1h", hide_default_value = true, value_parser = values::duration)]
    pub(super) budget: Duration,
    /// How long each round lasts; default: 5s
    #[arg(long, value_name = "TIME", help_heading = LONG, value_parser = values::duration,
          conflicts_with = "resume")]
    pub(super) round: Option<Duration>,
    /// How many rounds in a row run on one heap
    ///
    /// And in one process, so that effects of the heap's age show; default: as many as still give
    /// every workload at least two turns.
    #[arg(long, value_name = "ROUNDS", help_heading = LONG,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000), conflicts_with = "resume")]
    pub(super) stint: Option<u32>,
    /// Stop after this many failed rounds [default: 1]
    #[arg(long, value_name = "N", help_heading = LONG, default_value_t = FAILURES_MAX,
          hide_default_value = true, value_parser = values::positive)]
    pub(super) max_failures: u64,
    /// How much longer than --round a round may take
    ///
    /// Then it counts as hung; time in which the machine did not run it does not count.
    #[arg(long, value_name = "TIME", help_heading = LONG, default_value = "60s",
          hide_default_value = true, value_parser = values::duration)]
    pub(super) time_limit: Duration,
    /// Plant a fault from `gcstorm list faults`
    ///
    /// May be given several times, for rounds with each.
    #[arg(long = "fault", value_name = "NAME", help_heading = STRESS, conflicts_with = "resume")]
    pub(super) faults: Vec<String>,
    /// How much memory a round may use [default: 8192]
    ///
    /// Resident memory, in MiB.
    #[arg(long, value_name = "MIB", help_heading = JUDGING, default_value_t = MEMORY_LIMIT,
          hide_default_value = true, value_parser = mebibytes)]
    pub(super) memory_limit: u64,
    /// Which operations to time; default: sampled
    #[arg(long, value_enum, value_name = "WHICH", help_heading = JUDGING, hide_short_help = true,
          conflicts_with = "resume")]
    pub(super) timing: Option<TimingArg>,
    /// The directory; default: reports/soak-<when>/
    ///
    /// It will hold the journal and the files of failed rounds.
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    pub(super) out: Option<PathBuf>,
    /// Write metrics in the format of Prometheus
    ///
    /// To this file, for the node exporter's textfile collector (which reads files that end in .prom).
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub(super) metrics_file: Option<PathBuf>,
    /// Serve a status page here, as in 127.0.0.1:9464
    ///
    /// And /metrics and /healthz; port 0 chooses a free one.
    #[arg(long, value_name = "ADDR:PORT", help_heading = OUTPUT, value_parser = address)]
    pub(super) serve: Option<SocketAddr>,
    /// Also serve other machines
    ///
    /// If they can reach that address, and under any host name.
    #[arg(long, help_heading = OUTPUT, requires = "serve")]
    serve_anyone: bool,
}

impl Soak {
    /// The options that hold for one session and are not in the journal, but for its budget, where they
    /// were given.
    pub(super) fn of_session(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        let mut number = |name: &str, value: u64, default: u64| {
            words.extend((value != default).then(|| format!("--{name}={value}").into()));
        };
        number("max-failures", self.max_failures, FAILURES_MAX);
        number("memory-limit", self.memory_limit, MEMORY_LIMIT);
        if self.time_limit != TIME_LIMIT {
            let limit = values::duration_text(self.time_limit);
            words.push(format!("--time-limit={limit}").into());
        }
        if let Some(path) = &self.metrics_file {
            words.extend(["--metrics-file".into(), path.into()]);
        }
        if let Some(address) = self.serve {
            words.push(format!("--serve={address}").into());
        }
        words.extend(self.serve_anyone.then(|| "--serve-anyone".into()));
        words
    }

    /// Who is served.
    pub(super) fn audience(&self) -> Audience {
        match self.serve_anyone {
            true => Audience::Anyone,
            false => Audience::Here,
        }
    }
}

/// A number of mebibytes that can be counted in bytes.
fn mebibytes(text: &str) -> Result<u64, String> {
    const MOST: u64 = u64::MAX >> 20;
    let mebibytes = values::positive(text)?;
    match mebibytes {
        ..=MOST => Ok(mebibytes),
        _ => Err(format!("at most {MOST}")),
    }
}

/// `127.0.0.1:9464`, `[::1]:9464` or `localhost:9464`. Other names are not looked up, since they
/// may lead to another address tomorrow.
fn address(text: &str) -> Result<SocketAddr, String> {
    let plain = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    plain
        .parse()
        .map_err(|_| "expected an address and a port, as in 127.0.0.1:9464".to_owned())
}

/// `2/8`: the third of eight.
fn shard(text: &str) -> Result<Shard, String> {
    let form = "as in 0/8, the first of eight";
    let (index, of) = text.split_once('/').ok_or(form)?;
    let number = |text: &str| text.parse::<u32>().map_err(|_| form.to_owned());
    let shard = Shard {
        index: number(index)?,
        of: number(of)?,
    };
    if shard.index < shard.of {
        Ok(shard)
    } else {
        Err("shards are counted from 0, so I is less than N".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: an address needs a port, and a name other than `localhost` is refused.
    #[test]
    fn addresses_are_read() {
        for (text, is_one) in [
            ("127.0.0.1:9464", true),
            ("[::1]:0", true),
            ("localhost:80", true),
            ("localhost", false),
            (":9464", false),
            ("9464", false),
            ("example.org:80", false),
            ("127.0.0.1:65536", false),
        ] {
            assert_eq!(address(text).is_ok(), is_one, "{text}");
        }
    }

    /// Goal: what was given for one session is said again for the next, and what was not is not.
    #[test]
    fn a_session_goes_on_as_it_was_asked() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            soak: Soak,
        }
        use clap::Parser as _;
        let words = |line: &str| Line::parse_from(line.split(' ')).soak.of_session();
        assert_eq!(
            words("soak churn --budget 2m --seed 1"),
            Vec::<OsString>::new()
        );
        let given = "--max-failures=10 --memory-limit=512 --time-limit=2m --serve=127.0.0.1:0 --serve-anyone";
        let same: Vec<OsString> = given.split(' ').map(OsString::from).collect();
        assert_eq!(words(&format!("soak churn {given}")), same);
    }

    /// Goal: a limit of memory is the one that was asked for, or is refused.
    #[test]
    fn limits_of_memory_are_exact() {
        for (text, is_one) in [
            ("1", true),
            ("17592186044415", true),
            ("17592186044416", false),
            ("18446744073709551615", false),
            ("0", false),
        ] {
            assert_eq!(mebibytes(text).is_ok(), is_one, "{text}");
        }
    }

    /// Goal: the index of a shard is below their number.
    #[test]
    fn shards_are_read() {
        let last = Shard { index: 7, of: 8 };
        assert_eq!(shard("7/8"), Ok(last));
        for text in ["8/8", "1", "a/b", "-1/2", "0/0"] {
            assert!(shard(text).is_err(), "{text}");
        }
    }
}
