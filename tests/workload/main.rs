//! Workloads as their users meet them: the ones that come with the program, and broken ones.

mod shipped;
