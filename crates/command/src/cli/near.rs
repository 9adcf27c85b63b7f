//! The `gcstorm.toml` that is in force here: the nearest one, from the working directory upwards. What
//! is in it is for [`profile`](super::profile); whoever only has to know whether there is one asks here.

use std::path::PathBuf;

/// Its name.
pub(super) const FILE: &str = "gcstorm.toml";
/// The variable that names a profile, in place of `--profile`.
pub(super) const PROFILE: &str = "GCSTORM_PROFILE";
/// The profile in which nothing is set.
pub(super) const NO_PROFILE: &str = "none";

/// The path of the file, as it is reached from here: `gcstorm.toml`, `../gcstorm.toml`.
pub(super) fn path() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let above = here
        .ancestors()
        .position(|place| place.join(FILE).is_file())?;
    Some(PathBuf::from("../".repeat(above)).join(FILE))
}
