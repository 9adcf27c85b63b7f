#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gcstorm_fuzz::workload(bytes));
