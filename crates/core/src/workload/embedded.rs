//! The workloads that come with the program; the files in `workloads/` at build time.

/// One workload.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// Its name.
    pub name: &'static str,
    /// Its path in the repository, for messages.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$(Embedded {
            name: $name,
            path: concat!("workloads/", $name, ".toml"),
            text: include_str!(concat!("../../workloads/", $name, ".toml")),
        }),+]
    };
}

const ALL: &[Embedded] = embedded![
    "shared-list",
    "counter",
    "churn",
    "exact-lists",
    "cycles",
    "live-heap",
    "chain",
    "many-references",
    "handoff",
    "graph",
    "tangles",
    "weakrefs",
    "finalizers",
    "thread-churn",
    "stalled-reader",
    "paced-list",
];

/// Every workload that comes with the program, in the order in which lists show them.
pub fn embedded() -> &'static [Embedded] {
    ALL
}
