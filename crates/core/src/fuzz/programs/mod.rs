//! Random programs: a `proptest` strategy of [`Case`]s, and how they shrink.
//!
//! Any sequence of operations is a program, since an operation whose registers are empty does
//! nothing. But in most sequences most operations would do nothing, so the [`writer`] keeps track
//! of what registers may hold and mostly chooses registers that fit. It also uses *swarm testing*
//! (Groce et al., ISSTA 2012): each case leaves out some kinds of operations and prefers others,
//! because programs in which all kinds are equally likely rarely reach extreme states.
//!
//! A test of your own heap looks like this:
//!
//! ```
//! # use gcstorm_core as gcstorm;
//! use gcstorm::fuzz::{check_steps, programs};
//! use gcstorm::heap::counted::open_gil;
//! use proptest::prelude::*;
//!
//! proptest! {
//!     # #![proptest_config(ProptestConfig::with_cases(20))]
//!     # /*
//!     #[test]
//!     # */
//!     fn my_heap_follows_the_model(case in programs()) {
//!         check_steps(|config| Ok(open_gil(config)), &case)?;
//!     }
//! }
//! # my_heap_follows_the_model();
//! ```

mod shrink;
mod tidy;
mod writer;

use proptest::prelude::Rng as _;
use proptest::strategy::{NewTree, Strategy};
use proptest::test_runner::TestRunner;
use serde::{Deserialize, Serialize};

use crate::heap::Caps;
use crate::plan::Case;
pub use shrink::CaseTree;
use writer::{LONG_TURNS_MAX, Writer};

/// One program in so many is a long one. It has some 12,000 turns where others have 30, and each
/// takes ten times as long, since many objects live.
const LONG_ONE_IN: u64 = 16_384;

/// Programs for a heap that can do everything, of up to 50 operations (a few up to 800) of
/// up to three mutators.
pub fn programs() -> Programs {
    Programs {
        caps: Caps::ALL,
        ops_max: 50,
        mutators_max: 3,
        meet: false,
        endure: false,
    }
}

/// A strategy of random programs.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Programs {
    caps: Caps,
    ops_max: usize,
    mutators_max: u32,
    meet: bool,
    endure: bool,
}

impl Programs {
    /// Only programs that a heap with these abilities can run.
    #[must_use]
    pub fn for_caps(self, caps: Caps) -> Self {
        Self { caps, ..self }
    }

    /// Programs of up to `ops_max` operations, over all mutators, but at least one; a few are up to
    /// 16 times as long.
    #[must_use]
    pub fn with_ops(self, ops_max: usize) -> Self {
        let ops_max = ops_max.max(1);
        Self { ops_max, ..self }
    }

    /// Programs of up to `mutators_max` mutators, but at least one.
    #[must_use]
    pub fn with_mutators(self, mutators_max: u32) -> Self {
        let mutators_max = mutators_max.max(1);
        Self {
            mutators_max,
            ..self
        }
    }

    /// Programs of at least two mutators that all hold one object from the start. They are for
    /// exploring schedules of single memory accesses, where programs must be short, and operations
    /// on private objects find nothing.
    #[must_use]
    pub fn that_meet(self) -> Self {
        Self { meet: true, ..self }
    }

    /// One program in some thousands is a long one, which makes lists of more than a thousand
    /// elements and goes on with them: for what only shows in a heap that is large, or has been
    /// used for some time. They take about a tenth of the time.
    #[must_use]
    pub fn that_endure(self) -> Self {
        Self {
            endure: true,
            ..self
        }
    }

    /// Whether a program may close cycles though these are for a heap that does not reclaim any. It is
    /// judged fairly there, but a reader would ask what cycles have to do with what it shows.
    pub(in crate::fuzz) fn is_beyond(&self, case: &Case) -> bool {
        !self.caps.cycles && case.may_leave_cycles()
    }

    /// The program for this seed.
    pub fn draw(&self, seed: u64) -> Case {
        if self.endure && self.caps.lists && is_long(seed) {
            Writer::new(&self.with_ops(LONG_TURNS_MAX), seed).endure()
        } else {
            Writer::new(self, seed).write()
        }
    }
}

/// Whether the program of this seed is a long one, if there are to be any. Mixed, since the seeds
/// of a hunt are a regular sequence; and not drawn, so that all other programs are what they would
/// be without.
fn is_long(seed: u64) -> bool {
    let mixed = (seed ^ (seed >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ (mixed >> 29)).is_multiple_of(LONG_ONE_IN)
}

impl Strategy for Programs {
    type Tree = CaseTree;
    type Value = Case;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let seed = runner.rng().next_u64();
        Ok(CaseTree::new(self.draw(seed)))
    }
}
