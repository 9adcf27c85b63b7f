//! Starts a soak: its lanes, its directory and its journal.

use std::path::PathBuf;

use super::args::{Soak, shard_of_environment};
use super::stint_length;
use crate::cli::agenda::{self, fresh_seed};
use crate::cli::args::{IsolateArg, TimingArg};
use crate::cli::exit::Exit;
use crate::cli::faults;
use crate::cli::provenance;
use crate::cli::store;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::cli::values;
use crate::heap::Caps;
use crate::result::figures;
use crate::run::Registry;
use crate::soak::{Era, Header, JOURNAL, Journal, JournalError, Lane, Shard, Standing, WEIGHT_MAX};
use crate::workload::{self, Workload};

/// How long a round lasts by default: long against the start of a process and the judging of a
/// result.
const ROUND_MS: u64 = 5000;
/// A soak whose next round can be made.
pub(super) struct Started {
    pub(super) directory: PathBuf,
    pub(super) header: Header,
    pub(super) journal: Journal,
    /// The sums of the rounds that are in the journal already.
    pub(super) standing: Standing,
    /// The exit code that those rounds ask for.
    pub(super) exit: Exit,
    /// The number of the first round to make.
    pub(super) next: u64,
    /// The era of the rounds to make.
    pub(super) era: Era,
}

/// Begins a soak.
pub(super) fn begin(
    registry: &Registry,
    args: &Soak,
    terminal: &mut Terminal,
) -> Result<Started, Usage> {
    let overrides = agenda::overrides(&args.define, args.threads)?;
    let lanes = lanes(registry, args, &overrides, terminal)?;
    let round_ms = args.round.map_or(ROUND_MS, |round| {
        u64::try_from(round.as_millis()).unwrap_or(u64::MAX)
    });
    let timing = match args.timing.unwrap_or(TimingArg::Sampled) {
        TimingArg::Every => "every",
        TimingArg::Sampled => "sampled",
        TimingArg::Off => "off",
    };
    let mut options = vec!["--timing".to_owned(), timing.to_owned()];
    for (key, value) in &overrides {
        options.extend(["-D".to_owned(), format!("{key}={value}")]);
    }
    let header = Header {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: provenance::tool("").commit,
        seed: args.seed.unwrap_or_else(fresh_seed),
        stint: (args.stint).unwrap_or_else(|| stint_length::by(args.budget, &lanes, round_ms)),
        stint_grows: args.stint.is_none(),
        lanes,
        shard: shard(args, terminal)?,
        round_ms,
        options,
        profile: args.profile.clone(),
    };
    let directory = store::prepare_directory(args.out.as_deref(), "soak-")?;
    let path = directory.join(JOURNAL);
    if path.exists() {
        let shown = directory.display();
        return Err(Usage::new(format!("there is a soak in {shown} already"))
            .hint(format!("go on with it: soak --resume {shown}")));
    }
    let journal = Journal::create(&path, &header).map_err(unusable)?;
    terminal.remark(&format!(
        "soaking {} (each a workload on a heap) from seed {}, journal {}",
        figures::several(header.lanes.len() as u64, "lane", "lanes"),
        header.seed,
        path.display(),
    ));
    if let Some(needed) = stint_length::lacking(args.budget, &header) {
        terminal.remark(&format!(
            "the budget is too short for a round of each lane, so some will have none: that takes {}, or \
             a shorter --round",
            values::duration_text(needed)
        ));
    }
    Ok(Started {
        directory,
        standing: Standing::of(header.lanes.len()),
        era: Era::first(header.stint),
        header,
        journal,
        exit: Exit::Held,
        next: 0,
    })
}

/// Every workload on every heap that supports it, with each fault that the heap can have. Without names,
/// those workloads that have all of the parameters.
fn lanes(
    registry: &Registry,
    args: &Soak,
    overrides: &[(String, String)],
    terminal: &mut Terminal,
) -> Result<Vec<Lane>, Usage> {
    let heaps = agenda::heaps(registry, &args.heaps, IsolateArg::Yes)?;
    let faults = args.faults.iter();
    let faults: Vec<_> = faults
        .map(|name| faults::planted(registry, &heaps, name))
        .collect::<Result<_, _>>()?;
    let mut lanes = Vec::new();
    for name in named(args) {
        let workload = Workload::named(&name)?;
        let weight = weight(args, &name)?;
        let mut keys = overrides.iter().map(|(key, _)| key);
        if args.workloads.is_empty()
            && let Some(key) = keys.find(|key| workload.parameter(key).is_none())
        {
            terminal.remark(&format!("{name} is left out: it has no parameter `{key}`"));
            continue;
        }
        let plan = agenda::plan(&workload, overrides, args.threads, 0)?;
        for &heap in &heaps {
            let missing = plan.needs().missing_from(&heap.caps());
            if !missing.is_empty() && heap.caps() != Caps::NONE {
                let missing = missing.join(", no ");
                let text = format!("{name} on {} is left out: it has no {missing}", heap.name);
                terminal.remark(&text);
                continue;
            }
            let lane = |fault: Option<String>| Lane {
                workload: name.clone(),
                hash: plan.workload_hash.clone(),
                heap: heap.name.clone(),
                fault,
                weight,
            };
            let able = faults.iter().filter(|fault| heap.can_have(**fault));
            let planted: Vec<Lane> = able
                .map(|fault| lane(Some(fault.name().to_owned())))
                .collect();
            lanes.extend(if faults.is_empty() {
                vec![lane(None)]
            } else {
                planted
            });
        }
    }
    for (name, _) in &args.weights {
        if !lanes.iter().any(|lane| lane.workload == *name) {
            let known = lanes.iter().map(|lane| lane.workload.as_str());
            return Err(Usage::unknown("workload of this soak", name, known));
        }
    }
    if lanes.iter().all(|lane| lane.weight == 0) {
        return Err(Usage::new(
            "nothing to run: no heap can do any of the workloads",
        ));
    }
    Ok(lanes)
}

fn named(args: &Soak) -> Vec<String> {
    if args.workloads.is_empty() {
        let embedded = workload::embedded().iter();
        return embedded.map(|one| one.name.to_owned()).collect();
    }
    let mut names = Vec::new();
    for name in &args.workloads {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn weight(args: &Soak, name: &str) -> Result<u32, Usage> {
    let given = args.weights.iter().rfind(|(workload, _)| workload == name);
    let Some((_, weight)) = given else {
        return Ok(1);
    };
    let weight = weight
        .parse()
        .ok()
        .filter(|weight| (1..=WEIGHT_MAX).contains(weight));
    weight.ok_or_else(|| {
        Usage::new(format!(
            "the weight of {name} is not a whole number from 1 to {WEIGHT_MAX}"
        ))
    })
}

/// The shard that was asked for, or the one that a scheduler names. Without a seed there is nothing
/// to share: each task draws a seed of its own.
fn shard(args: &Soak, terminal: &mut Terminal) -> Result<Shard, Usage> {
    if let Some(shard) = args.shard {
        return Ok(shard);
    }
    if args.seed.is_none() {
        return Ok(Shard::WHOLE);
    }
    let named = shard_of_environment(|name| std::env::var(name).ok()).map_err(|what| {
        Usage::new(what).hint(
            "name the shard with --shard I/N; with --shard 0/1 every machine runs the whole soak",
        )
    })?;
    Ok(named.map_or(Shard::WHOLE, |(shard, variable)| {
        let Shard { index, of } = shard;
        terminal.remark(&format!("shard {index}/{of}, from {variable}"));
        shard
    }))
}

pub(super) fn unusable(error: JournalError) -> Usage {
    Usage::new(format!("failed to use the journal: {error}"))
}
