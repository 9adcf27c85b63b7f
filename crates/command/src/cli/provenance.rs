//! The version of the program, and the commit that it was built from.

use crate::result::Tool;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Empty if the build had no repository.
const COMMIT: &str = env!("GCSTORM_COMMIT");
/// `true`, `false`, or empty if the build had no repository.
const DIRTY: &str = env!("GCSTORM_DIRTY");

/// What `--version` shows after the name.
pub(super) const LONG_VERSION: &str = env!("GCSTORM_LONG_VERSION");

/// What results say about the program that made them. `name` is that of the executable, which is
/// not `gcstorm` if another program embeds it.
pub(super) fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        version: VERSION.to_owned(),
        commit: COMMIT.to_owned(),
        dirty: DIRTY.parse().ok(),
    }
}
