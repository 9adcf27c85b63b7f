//! The workloads that come with the program.

use gcstorm::plan::{OpSource, Part};
use gcstorm::workload::{Workload, embedded};

/// Goal: every workload that comes with the program can be planned as it is, under its own name.
#[test]
fn all_can_be_planned() {
    for file in embedded() {
        let workload = Workload::parse(file.path, file.text).unwrap();
        assert_eq!(workload.name, file.name);
        assert!(!workload.summary.is_empty());
        let plan = workload.plan(&[], 7).unwrap();
        assert!(plan.mutators.iter().any(|mutator| !mutator.background));
        assert!(!plan.require.is_empty(), "{} can be vacuous", file.name);
        for (number, mutator) in (0..).zip(&plan.mutators) {
            let mut setup = OpSource::new(mutator, 7, number, Part::Setup, None);
            while setup.next_batch().is_some() {}
            let mut rounds = OpSource::new(mutator, 7, number, Part::Rounds, Some(3));
            while rounds.next_batch().is_some() {}
            assert_eq!(rounds.rounds_done(), 3);
        }
    }
}
