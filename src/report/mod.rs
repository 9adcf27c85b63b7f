//! One output format a file, pure functions of results.
