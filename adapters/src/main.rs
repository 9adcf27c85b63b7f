//! Published crates of counted pointers, on gcstorm's command line.

mod arc_mutex;
mod arc_parking_lot;
mod bacon_rajan_cc;
mod births;
mod boa_gc;
mod boxed;
mod circ;
mod dumpster_local;
mod dumpster_sync;
mod gc;
mod gcmodule_local;
mod gcmodule_threaded;
mod leak;
mod rust_cc;
mod sdd;

use std::process::ExitCode;

use gcstorm::heap::{Defect, HeapConfig, Owned, Pointer, PointerHeap};
use gcstorm::memory::Counting;
use gcstorm::run::Registry;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

bacon_rajan_cc::adapter!(bacon_0_4_0, bacon_rajan_cc_0_4_0);
bacon_rajan_cc::adapter!(bacon_0_3_1, bacon_rajan_cc_0_3_1);

fn on_one_thread<P: Pointer>(config: &HeapConfig) -> Result<Owned, Defect> {
    Owned::open(config, PointerHeap::<P>::open)
}

/// Each heap with one line about it.
macro_rules! heaps {
    ($($name:literal $about:literal $open:expr;)*) => {
        Registry::empty()$(.with($name, $about, $open).by_default())*
    };
}

fn main() -> ExitCode {
    let heaps = heaps! {
        "arc-mutex" "std's `Arc` and `Mutex`, no cycles"
            PointerHeap::<arc_mutex::ArcMutex>::open;
        "arc-parking-lot" "std's `Arc`, parking_lot's `Mutex`, no cycles"
            PointerHeap::<arc_parking_lot::ArcParkingLot>::open;
        "circ" "`circ::Rc` 0.2, no cycles"
            PointerHeap::<circ::Circ>::open;
        "sdd" "`sdd::Shared` 4.8, no cycles" PointerHeap::<sdd::Sdd>::open;
        "dumpster-2.1.0" "`dumpster::sync::Gc`" dumpster_sync::v2_1_0::open;
        "dumpster-1.1.1" "`dumpster::sync::Gc`" dumpster_sync::v1_1_1::open;
        "dumpster-local" "`dumpster::unsync::Gc` 2.1.0, on one thread"
            |config| Owned::open(config, dumpster_local::open);
        "gcmodule-threaded" "`gcmodule::ThreadedCc` 0.3.3"
            PointerHeap::<gcmodule_threaded::Threaded>::open;
        "gcmodule" "`gcmodule::Cc` 0.3.3, on one thread"
            on_one_thread::<gcmodule_local::Local>;
        "rust-cc-0.6.2" "`rust_cc::Cc`, on one thread"
            on_one_thread::<rust_cc::RustCc>;
        "bacon-0.4.0" "`bacon_rajan_cc::Cc`, on one thread"
            on_one_thread::<bacon_0_4_0::BaconRajan>;
        "bacon-0.3.1" "`bacon_rajan_cc::Cc`, on one thread"
            on_one_thread::<bacon_0_3_1::BaconRajan>;
        "gc-0.5.1" "`gc::Gc`, on one thread" on_one_thread::<gc::RustGc>;
        "boa-gc" "`boa_gc::Gc` 0.22, on one thread" on_one_thread::<boa_gc::Boa>;
    };
    // What others are measured against: no heaps that anybody would judge.
    let heaps = heaps
        .with(
            "boxes",
            "boxes under a lock, uncounted; a baseline for shared-list only",
            boxed::Boxed::open,
        )
        .with(
            "leak",
            "frees nothing, ever: the least that a heap can cost; give it --ops",
            leak::Leak::open,
        );
    gcstorm::cli::main(heaps)
}
