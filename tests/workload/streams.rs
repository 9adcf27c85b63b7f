//! What a seed means must never change: an old case would no longer reproduce.

use std::hash::Hasher;

use gcstorm::plan::{MutatorPlan, OpSource, ProgramPart};
use gcstorm::workload::{Workload, embedded};
use snapbox::{assert_data_eq, str};

/// Operations that go into a stream's digest.
const OPS: usize = 3000;

/// FNV-1a, which is the same everywhere and for ever.
struct Digest(u64);

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn digest(plan: &MutatorPlan, seed: u64, number: u32) -> u64 {
    let mut digest = Digest(0xcbf2_9ce4_8422_2325);
    for part in [ProgramPart::Setup, ProgramPart::Rounds] {
        let mut source = OpSource::new(plan, seed, number, part, None);
        let mut left = OPS;
        while left > 0
            && let Some(batch) = source.next_batch()
        {
            for _ in 0..batch.times {
                for op in batch.ops.iter().take(left) {
                    // The text form does not depend on the platform's widths.
                    digest.write(format!("{op:?}").as_bytes());
                    left -= 1;
                }
            }
        }
    }
    digest.finish()
}

/// Goal: seed 7 means the same operations as it always did, for every workload and mutator. If this
/// fails on purpose, old seeds no longer reproduce: say so in the change log.
#[test]
fn seed_seven_is_what_it_was() {
    let mut lines = String::new();
    for file in embedded() {
        let workload = Workload::parse(file.path, file.text).unwrap();
        let plan = workload.plan(&[], 7).unwrap();
        for (number, mutator) in (0..).zip(&plan.mutators) {
            let digest = digest(mutator, plan.seed, number);
            lines += &format!("{} {} {digest:016x}\n", file.name, mutator.name);
        }
    }
    assert_data_eq!(
        lines,
        str![[r#"
shared-list appender-0 ed08f419b6e0eba6
shared-list watcher-0 b71bff85f2ccd88d
counter incrementer-0 ff812d98abed2c85
counter incrementer-1 ff812d98abed2c85
churn writer-0 9d86c36f49e9258b
churn writer-1 f99cc205236a7df7
churn reader-0 423f243b9b29185f
churn reader-1 508448211bde80d8
exact-lists stacker-0 4027e41f41619fc5
exact-lists stacker-1 4027e41f41619fc5
exact-lists owner-0 7d4c98a7e1aed8a5
exact-lists reader-0 8b62ff58fd08bb2e
cycles maker-0 b562949d66f7d9d1
cycles maker-1 19d9c312a122ca12
live-heap churner-0 c27e7ef362482219
live-heap churner-1 a7f7a3f8a4018bde
chain builder-0 a4a2b90bc4dad395
many-references referrer-0 7992b87f67f206d3
many-references referrer-1 7992b87f67f206d3
handoff producer-0 78cd4f7ed3424ce5
handoff consumer-0 b601f556e9505542
graph weaver-0 410a6e871fa7f9f9
graph weaver-1 61e76b8cd4b3f499
tangles tangler-0 9e20b5d335eb6fbc
tangles tangler-1 d467466cdae90f1e
weakrefs cache-0 452cc4b73e2e3b95
weakrefs cache-1 929ba6bbf8e34a84
finalizers maker-0 aceae22f0598f795
finalizers maker-1 9a1d028c50fe3c8d
thread-churn visitor-0 c7e6ea6948db3183
thread-churn visitor-1 449dca9cd88e4b23
thread-churn visitor-2 46aeabd6cbddd353
stalled-reader appender-0 517c05a689540911
stalled-reader reader-0 65f756eec41b608a
paced-list appender-0 75715684b1fb036d
paced-list reader-0 e07fabfde2a4559a

"#]]
    );
}
