//! Whether there may be too little memory for a run.
//!
//! This is an estimate, and a generous one: a run that is wrongly taken for too large only gets a
//! process of its own, and one that is wrongly taken for small enough aborts the command.

use std::fs;

use procfs::{Current as _, Meminfo, process::LimitValue, process::Process};

use crate::plan::Plan;

/// What an object takes with all that is kept of it, in bytes: some 100 on the heaps here. They
/// reserve some 400 bytes of addresses for each object that may be alive.
const OBJECT_BYTES: u64 = 256;
const OBJECT_ADDRESSES: u64 = 512;
/// What a mutator takes, in bytes: some 7 MiB of histograms in a timed run, and its stack.
const MUTATOR_BYTES: u64 = 12 << 20;
/// The further address space that a mutator takes, in bytes: the arena of its allocator reserves 64
/// MiB.
const ARENA_BYTES: u64 = 64 << 20;
/// What the program takes without a run, in bytes.
const BASE_BYTES: u64 = 64 << 20;

/// Whether a run of this plan may need more than what is left.
pub(super) fn is_short_for(plan: &Plan) -> bool {
    let (objects, mutators) = (u64::from(plan.live_limit), plan.mutators.len() as u64);
    let memory = BASE_BYTES + objects * OBJECT_BYTES + mutators * MUTATOR_BYTES;
    let mutator_addresses = MUTATOR_BYTES + ARENA_BYTES;
    let addresses = BASE_BYTES + objects * OBJECT_ADDRESSES + mutators * mutator_addresses;
    let machine = Meminfo::current().ok().and_then(|all| all.mem_available);
    let is_below = |left: Option<u64>, needed: u64| left.is_some_and(|left| left < needed);
    is_below(machine, memory)
        || is_below(container_left(), memory)
        || is_below(addresses_left(), addresses)
}

/// What `ulimit -v` leaves.
fn addresses_left() -> Option<u64> {
    let this = Process::myself().ok()?;
    let LimitValue::Value(limit) = this.limits().ok()?.max_address_space.soft_limit else {
        return None;
    };
    Some(limit.saturating_sub(this.stat().ok()?.vsize))
}

/// What the memory limit of a container leaves (control groups, version 2).
fn container_left() -> Option<u64> {
    let read = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?;
        text.trim().parse().ok()
    };
    Some(read("memory.max")?.saturating_sub(read("memory.current")?))
}
