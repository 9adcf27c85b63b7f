//! Every primitive on both heaps, full collections, every workload, the verification of ten million
//! objects, and the page of an hour's run: `cargo bench --bench whole -- primitives`, or `collection`,
//! `workloads`, `verify`, `report`.
//!
//! They are one program because each would be linked with the whole library. What each costs in
//! instructions is kept, and compared, by `.ci/instructions`.

mod collect;
mod primitives;
mod report;
mod verify;
mod workloads;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .sample_size(10);
    targets = primitives::primitives, collect::collect, workloads::workloads, verify::verify,
        report::report
}
criterion_main!(benches);
