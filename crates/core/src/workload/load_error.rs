//! Why a workload could not be loaded.

use std::path::PathBuf;

use crate::diagnostic::Diagnostic;

/// Why a workload could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("failed to read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file was read and is wrong.
    #[error(transparent)]
    Invalid(#[from] Diagnostic),
    /// No workload has this name.
    #[error("unknown workload `{name}`\nhelp: {hint}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// What to write instead.
        hint: String,
    },
}
