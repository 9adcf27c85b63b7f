//! Parts for tests.

use std::collections::BTreeMap;

use super::failure::FailureKind;
use super::{How, LaneKey, LaneSum, Lost, Merged, Occurrence, Part, PartKey};
use crate::result::Seed;

/// A merge of this part only.
pub(super) fn merged(part: Part) -> Merged {
    let mut merged = Merged::default();
    merged.add_part(part);
    merged
}

/// A lane with a round that held.
pub(super) fn lane(workload: &str) -> LaneSum {
    LaneSum {
        lane: LaneKey {
            workload: workload.to_owned(),
            hash: "abc".to_owned(),
            parameters: BTreeMap::new(),
            heap: "gil".to_owned(),
            fault: None,
        },
        rounds: 1,
        held: 1,
        vacuous: 0,
        interrupted: 0,
        failed: Vec::new(),
        ops: 100,
        elapsed_ns: 1000,
        p99_9_ns_max: None,
        rss_bytes_peak: 1,
        service: BTreeMap::new(),
    }
}

/// The journal of shard `index` of 8 of a soak with this seed.
pub(super) fn journal(seed: u64, index: u32) -> Part {
    Part {
        key: PartKey::Soak {
            seed: Seed(seed),
            index,
            of: 8,
            began: "then".to_owned(),
        },
        version: "1".to_owned(),
        commit: "c".to_owned(),
        options: vec!["--duration".to_owned(), "1000ms".to_owned()],
        agenda: "a".to_owned(),
        leaks: Vec::new(),
        lanes: vec![lane("churn"), lane("graph")],
    }
}

/// A way to fail.
pub(super) fn how() -> How {
    How {
        lost: Lost::Violated,
        violated: vec!["refcounts".to_owned()],
    }
}

/// A kind of failure.
pub(super) fn kind() -> FailureKind {
    FailureKind {
        workload: "churn".to_owned(),
        heap: "gil".to_owned(),
        fault: None,
        how: how(),
    }
}

/// A failure with this seed.
pub(super) fn occurrence(seed: u64) -> Occurrence {
    Occurrence {
        turns: None,
        elapsed_ns: 5,
        seed: Seed(seed),
        round: 0,
        by: journal(1, 0).key,
        from: "a".to_owned(),
        note: String::new(),
        reproduce: "gcstorm run churn".to_owned(),
        case: None,
    }
}
