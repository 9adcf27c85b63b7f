//! Starts a soak or continues one: its lanes, its directory and its journal.

use std::path::{Path, PathBuf};

use super::args::{Soak, shard_of_environment};
use crate::cli::agenda::{self, fresh_seed};
use crate::cli::args::{IsolateArg, TimingArg};
use crate::cli::exit::Exit;
use crate::cli::faults;
use crate::cli::provenance;
use crate::cli::store;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::heap::Caps;
use crate::result::figures;
use crate::run::{Entry, Registry};
use crate::soak::{Header, JOURNAL, Journal, JournalError, Lane, Shard, Standing, WEIGHT_MAX};
use crate::workload::{self, Workload};

/// How long a round lasts by default: long against the start of a process and the judging of a
/// result.
const ROUND_MS: u64 = 5000;
/// The shortest turn of all lanes, if the budget has room for two: ten minutes age a heap enough to
/// show a leak of one object in 100,000.
const TURN_MS_MIN: u64 = 600_000;
/// The fewest rounds of a stint, if the budget has room for two turns: a trend takes several rounds
/// on one heap.
const STINT_MIN: u64 = 6;
/// The maximum number of turns in a long budget, so that stints grow with it: no lane waits longer
/// than an eighth of the budget for its turn.
const TURNS_MAX: u64 = 8;

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
}

/// Begins a soak, or opens one to continue it.
pub(super) fn start(
    registry: &Registry,
    args: &Soak,
    terminal: &mut Terminal,
) -> Result<Started, Usage> {
    match &args.resume {
        Some(directory) => resume(registry, directory, terminal),
        None => begin(registry, args, terminal),
    }
}

fn begin(registry: &Registry, args: &Soak, terminal: &mut Terminal) -> Result<Started, Usage> {
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
        stint: args.stint.unwrap_or_else(|| stint(&lanes, round_ms, args)),
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
    Ok(Started {
        directory,
        standing: Standing::of(header.lanes.len()),
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
        let plan = workload.plan(overrides, 0)?;
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

/// The default number of rounds in a stint: many, but so few that every lane has at least two
/// turns.
fn stint(lanes: &[Lane], round_ms: u64, args: &Soak) -> u32 {
    let weights: u64 = lanes.iter().map(|lane| u64::from(lane.weight)).sum();
    let budget_ms = u64::try_from(args.budget.as_millis()).unwrap_or(u64::MAX);
    let all_once_ms = weights.saturating_mul(round_ms).max(1);
    let turn_ms = (budget_ms / TURNS_MAX)
        .max(TURN_MS_MIN)
        .max(all_once_ms.saturating_mul(STINT_MIN))
        .min(budget_ms / 2);
    let stint = turn_ms / all_once_ms;
    u32::try_from(stint).unwrap_or(u32::MAX).max(1)
}

fn resume(
    registry: &Registry,
    directory: &Path,
    terminal: &mut Terminal,
) -> Result<Started, Usage> {
    let (mut standing, mut next, mut exit) = (Standing::of(0), 0, Exit::Held);
    let journal = Journal::resume(&directory.join(JOURNAL), |record| {
        standing.add(&record);
        next = next.max(record.round + 1);
        exit = exit.and(record.came.outcome().into());
    });
    let (journal, contents) = journal.map_err(unusable)?;
    standing
        .lanes
        .resize_with(contents.header.lanes.len(), Default::default);
    for lane in &contents.header.lanes {
        let known = registry
            .entries()
            .iter()
            .map(|entry: &Entry| entry.name.as_str());
        if registry.get(&lane.heap).is_none() {
            return Err(Usage::unknown("heap", &lane.heap, known));
        }
        let planted = lane.fault.as_deref();
        if let Some(fault) = planted {
            faults::planted(
                registry,
                &agenda::heaps(registry, std::slice::from_ref(&lane.heap), IsolateArg::Yes)?,
                fault,
            )?;
        }
        let hash = Workload::named(&lane.workload)?.plan(&[], 0)?.workload_hash;
        if hash != lane.hash {
            return Err(Usage::new(format!(
                "workload `{}` is not what it was when this soak began",
                lane.workload
            ))
            .hint("the sums would mix rounds of both: begin a new soak"));
        }
    }
    if contents.was_cut {
        terminal.warning("the last line of the journal was incomplete: that round is made again");
    }
    terminal.remark(&format!(
        "going on after {} rounds of seed {}",
        standing.rounds, contents.header.seed
    ));
    Ok(Started {
        directory: directory.to_owned(),
        header: contents.header,
        journal,
        standing,
        exit,
        next,
    })
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

fn unusable(error: JournalError) -> Usage {
    Usage::new(format!("failed to use the journal: {error}"))
}
