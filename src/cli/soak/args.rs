//! Options of `soak`, and what they come to.

mod scheduler;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::watch::Audience;
use crate::cli::args::TimingArg;
use crate::cli::{exit, values};
use crate::soak::Shard;
pub(super) use scheduler::shard_of_environment;

/// Options of `soak`.
#[derive(Debug, Args)]
#[command(after_help = exit::SOAK_HELP)]
pub(in crate::cli) struct Soak {
    /// Names from `gcstorm list workloads`, or paths to .toml files; none: every workload that comes with
    /// the program
    #[arg(value_name = "WORKLOAD", conflicts_with = "resume")]
    pub(super) workloads: Vec<String>,
    /// How long to go on; the round under way is brought to its end
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = values::duration)]
    pub(super) budget: Duration,
    /// A heap from `gcstorm list heaps`; may be given several times
    #[arg(long = "heap", value_name = "NAME", conflicts_with = "resume")]
    pub(super) heaps: Vec<String>,
    /// Plant a fault from `gcstorm list faults`; may be given several times, for rounds with each
    #[arg(long = "fault", value_name = "NAME", conflicts_with = "resume")]
    pub(super) faults: Vec<String>,
    /// How many rounds a workload has while others have one; may be given several times
    #[arg(long = "weight", value_name = "WORKLOAD=N", value_parser = values::assignment,
          conflicts_with = "resume")]
    pub(super) weights: Vec<(String, String)>,
    /// How long each round lasts; default: 5s
    #[arg(long, value_name = "DURATION", value_parser = values::duration, conflicts_with = "resume")]
    pub(super) round: Option<Duration>,
    /// How many rounds one process makes on one heap, which grows old over them; default: so
    /// many that every workload has its turn at least twice
    #[arg(long, value_name = "ROUNDS", value_parser = clap::value_parser!(u32).range(1..=1_000_000),
          conflicts_with = "resume")]
    pub(super) stint: Option<u32>,
    /// Where all rounds come from; drawn and printed if not given
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub(super) seed: Option<u64>,
    /// Only every Nth stint, from the Ith (from 0): for N machines with one seed. If a seed is given, taken
    /// from the environment of Slurm's arrays, Kubernetes' indexed jobs, AWS Batch, GitLab, CircleCI and
    /// Buildkite
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "resume")]
    pub(super) shard: Option<Shard>,
    /// Which operations to time; default: sampled
    #[arg(long, value_enum, value_name = "WHICH", conflicts_with = "resume")]
    pub(super) timing: Option<TimingArg>,
    /// After how many failed rounds to stop
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = values::positive)]
    pub(super) max_failures: u64,
    /// How long a round may run, or wait, beyond its own time before it counts as hung
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub(super) time_limit: Duration,
    /// How much resident memory a round may have, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 8192, value_parser = values::positive)]
    pub(super) memory_limit: u64,
    /// Go on with the soak in this directory
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub(super) resume: Option<PathBuf>,
    /// Where the journal and what fails go; default: reports/soak-<when>/
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Keep metrics in this file, in the text format of Prometheus, for the node exporter's textfile
    /// collector (which reads files that end in .prom)
    #[arg(long, value_name = "FILE")]
    pub(super) metrics_file: Option<PathBuf>,
    /// Serve a page that shows how it stands, /metrics and /healthz here, as in 127.0.0.1:9464; with port 0
    /// one that is free
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    pub(super) serve: Option<SocketAddr>,
    /// Serve whoever can reach that address, on other machines, too
    #[arg(long, requires = "serve")]
    serve_anyone: bool,
}

impl Soak {
    /// Who may ask.
    pub(super) fn audience(&self) -> Audience {
        match self.serve_anyone {
            true => Audience::Anyone,
            false => Audience::Here,
        }
    }
}

/// `127.0.0.1:9464`, `[::1]:9464` or `localhost:9464`. Other names are not looked up: they may mean
/// something else tomorrow.
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
        Err("shards are counted from 0, and there are fewer than that".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: an address is one, and has a port.
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

    /// Goal: a shard is one of those there are.
    #[test]
    fn shards_are_read() {
        let last = Shard { index: 7, of: 8 };
        assert_eq!(shard("7/8"), Ok(last));
        for text in ["8/8", "1", "a/b", "-1/2", "0/0"] {
            assert!(shard(text).is_err(), "{text}");
        }
    }
}
