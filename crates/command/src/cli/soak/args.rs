//! The options of `soak`.

mod scheduler;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::watch::Audience;
use crate::cli::args::TimingArg;
use crate::cli::{exit, values};
use crate::result::ProfileRef;
use crate::soak::Shard;
pub(super) use scheduler::shard_of_environment;

/// Options of `soak`.
#[derive(Debug, Args)]
#[command(after_help = exit::SOAK_HELP)]
pub(in crate::cli) struct Soak {
    /// Names from `gcstorm list workloads`, or paths to .toml files; if none is given, all
    /// workloads of that list
    #[arg(value_name = "WORKLOAD", conflicts_with = "resume")]
    pub(super) workloads: Vec<String>,
    /// The profile that completed the command line.
    #[arg(skip)]
    pub(in crate::cli) profile: Option<ProfileRef>,
    /// How long to start new rounds; the last one is finished
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = values::duration)]
    pub(super) budget: Duration,
    /// A heap from `gcstorm list heaps`; may be given several times
    #[arg(long = "heap", value_name = "NAME", conflicts_with = "resume")]
    pub(super) heaps: Vec<String>,
    /// Plant a fault from `gcstorm list faults`; may be given several times, for rounds with each
    #[arg(long = "fault", value_name = "NAME", conflicts_with = "resume")]
    pub(super) faults: Vec<String>,
    /// Run this many rounds of a workload for each round of the others; may be given several times
    #[arg(long = "weight", value_name = "WORKLOAD=N", value_parser = values::assignment,
          conflicts_with = "resume")]
    pub(super) weights: Vec<(String, String)>,
    /// The number of mutators; short for -D threads=N
    #[arg(long, value_name = "N", value_parser = values::positive, conflicts_with = "resume")]
    pub(super) threads: Option<u64>,
    /// Set a parameter of the workloads in all rounds; may be given several times
    #[arg(short = 'D', value_name = "KEY=VALUE", value_parser = values::assignment,
          conflicts_with = "resume")]
    pub(super) define: Vec<(String, String)>,
    /// How long each round lasts; default: 5s
    #[arg(long, value_name = "DURATION", value_parser = values::duration, conflicts_with = "resume")]
    pub(super) round: Option<Duration>,
    /// How many rounds in a row run in one process and on one heap, so that effects of the heap's
    /// age show; default: as many as still give every workload at least two turns
    #[arg(long, value_name = "ROUNDS", value_parser = clap::value_parser!(u32).range(1..=1_000_000),
          conflicts_with = "resume")]
    pub(super) stint: Option<u32>,
    /// The seed from which the seeds of all rounds are drawn; if not given, a random one, which is
    /// printed
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub(super) seed: Option<u64>,
    /// Share one soak between N machines that are given the same seed: this is machine I, counted
    /// from 0, and runs every Nth series of rounds. If a seed is given, the default comes from the
    /// environment of Slurm arrays, Kubernetes indexed jobs, AWS Batch, GitLab, CircleCI and
    /// Buildkite
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "resume")]
    pub(super) shard: Option<Shard>,
    /// Which operations to time; default: sampled
    #[arg(long, value_enum, value_name = "WHICH", conflicts_with = "resume")]
    pub(super) timing: Option<TimingArg>,
    /// Stop after this many failed rounds
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = values::positive)]
    pub(super) max_failures: u64,
    /// How much longer than --round a round may take before it counts as hung; time in which the
    /// machine did not run it does not count
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub(super) time_limit: Duration,
    /// How much resident memory a round may use, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 8192, value_parser = mebibytes)]
    pub(super) memory_limit: u64,
    /// Continue the soak in this directory
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub(super) resume: Option<PathBuf>,
    /// Where to write the journal and the files of failed rounds; default: reports/soak-<when>/
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Write metrics to this file, in the text format of Prometheus, for the node exporter's
    /// textfile collector (which reads files that end in .prom)
    #[arg(long, value_name = "FILE")]
    pub(super) metrics_file: Option<PathBuf>,
    /// Serve a status page, /metrics and /healthz at this address, as in 127.0.0.1:9464; port 0
    /// chooses a free one
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    pub(super) serve: Option<SocketAddr>,
    /// Also serve other machines, if they can reach that address, and under any host name
    #[arg(long, requires = "serve")]
    serve_anyone: bool,
}

impl Soak {
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
