//! Every workload, and some hundreds of random programs, on the heap `@HEAP@`.

gcstorm::conformance_tests!(@CRATE@::open);
