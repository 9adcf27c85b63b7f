//! What a test of one's own heap looks like: the public strategy and the public model.

use gcstorm::fuzz::{check_steps, programs};
use gcstorm::heap::{counted, lock_free};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    /// Goal: the heap under a lock does what the model does, whatever the program.
    #[test]
    fn gil_follows_the_model(case in programs()) {
        check_steps(counted::open_gil, &case)?;
    }

    /// Goal: so does the one without a lock.
    #[test]
    fn lock_free_follows_the_model(case in programs()) {
        check_steps(lock_free::open, &case)?;
    }

    /// Goal: so does the one whose lock was taken away, as long as one thread does all.
    #[test]
    fn racy_follows_the_model(case in programs().with_ops(20)) {
        check_steps(counted::open_racy, &case)?;
    }
}
