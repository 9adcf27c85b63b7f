//! What a soak begins with: lanes, a directory and a journal, new or gone on with.

use std::path::{Path, PathBuf};

use super::args::{Soak, shard_of_environment};
use super::{JOURNAL, store};
use crate::cli::agenda::{self, fresh_seed};
use crate::cli::args::TimingArg;
use crate::cli::exit::Exit;
use crate::cli::faults;
use crate::cli::provenance;
use crate::cli::terminal::Terminal;
use crate::cli::usage::Usage;
use crate::heap::Caps;
use crate::run::{Entry, Registry};
use crate::soak::{Header, Journal, JournalError, Lane, Shard, Standing};
use crate::workload::{self, Workload};

/// How long a round lasts if nobody says: so long that what goes with a process of its own is little.
const ROUND_MS: u64 = 5000;
/// How long a turn of all lanes takes at least, if the budget has room for two: within ten minutes a heap
/// grows so old that a leak of one object in 100,000 shows.
const TURN_MS_MIN: u64 = 600_000;
/// How many rounds a stint has at least, if the budget has room for two turns of them: it takes some on one
/// heap to tell how that changes.
const STINT_MIN: u64 = 6;
/// How many turns a budget has at most that is longer: so no lane waits for its turn for more than an
/// eighth of it.
const TURNS_MAX: u64 = 8;

/// A soak that can go on.
pub(super) struct Started {
    pub(super) directory: PathBuf,
    pub(super) header: Header,
    pub(super) journal: Journal,
    /// What was written down before.
    pub(super) standing: Standing,
    /// What that comes to.
    pub(super) exit: Exit,
    /// The number from which on rounds are to be made.
    pub(super) next: u64,
}

/// Begins a soak, or opens one that was begun.
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
    let lanes = lanes(registry, args, terminal)?;
    let round_ms = args.round.map_or(ROUND_MS, |round| {
        u64::try_from(round.as_millis()).unwrap_or(u64::MAX)
    });
    let timing = match args.timing.unwrap_or(TimingArg::Sampled) {
        TimingArg::Every => "every",
        TimingArg::Sampled => "sampled",
        TimingArg::Off => "off",
    };
    let header = Header {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: provenance::tool("").commit,
        seed: args.seed.unwrap_or_else(fresh_seed),
        stint: args.stint.unwrap_or_else(|| stint(&lanes, round_ms, args)),
        lanes,
        shard: shard(args, terminal)?,
        round_ms,
        options: vec!["--timing".to_owned(), timing.to_owned()],
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
        "soaking {} lanes from seed {}, journal {}",
        header.lanes.len(),
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

/// Every workload on every heap that can do it, with each fault that it can have.
fn lanes(registry: &Registry, args: &Soak, terminal: &mut Terminal) -> Result<Vec<Lane>, Usage> {
    let heaps = agenda::heaps(registry, &args.heaps)?;
    let faults = args.faults.iter();
    let faults: Vec<_> = faults
        .map(|name| faults::planted(registry, &heaps, name))
        .collect::<Result<_, _>>()?;
    let mut lanes = Vec::new();
    for name in named(args) {
        let workload = Workload::named(&name)?;
        let weight = weight(args, &name)?;
        let plan = workload.plan(&[], 0)?;
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

/// So many rounds that every lane has its turn, more than once, and no more seldom than need be.
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
        let hash = Workload::named(&lane.workload)?.plan(&[], 0)?.workload_hash;
        if hash != lane.hash {
            return Err(Usage::new(format!(
                "workload `{}` is not what it was when this soak was begun",
                lane.workload
            ))
            .hint("rounds of both would be summed up as one: begin a new soak"));
        }
    }
    if contents.was_cut {
        terminal.warning("the last line of the journal was not whole: that round is made again");
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
        .filter(|weight| (1..=1000).contains(weight));
    weight.ok_or_else(|| {
        Usage::new(format!(
            "the weight of {name} is not a whole number from 1 to 1000"
        ))
    })
}

/// The shard that was asked for, or the one that a scheduler names. Without a seed each task draws its
/// own, and has rounds of its own anyway.
fn shard(args: &Soak, terminal: &mut Terminal) -> Result<Shard, Usage> {
    if let Some(shard) = args.shard {
        return Ok(shard);
    }
    if args.seed.is_none() {
        return Ok(Shard::WHOLE);
    }
    let named = shard_of_environment(|name| std::env::var(name).ok()).map_err(|what| {
        Usage::new(what)
            .hint("say which with --shard I/N; --shard 0/1 is the whole, on every machine the same")
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
