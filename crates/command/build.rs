//! Asks git for the commit, for provenance; a build without git or outside the repository is fine. One that
//! has no git, as in an image, may be told the commit: `GCSTORM_COMMIT`.

use std::process::Command;

/// The repository, from this crate.
const ROOT: &str = "../..";
/// Where the commit is told.
const TOLD: &str = "GCSTORM_COMMIT";

fn main() {
    println!("cargo::rerun-if-env-changed={TOLD}");
    let told = std::env::var(TOLD).ok().filter(|told| !told.is_empty());
    let asked = || own_repository().and_then(|()| git(&["rev-parse", "--short=12", "HEAD"]));
    let commit = told.or_else(asked).unwrap_or_default();
    let dirty = if commit.is_empty() {
        None
    } else {
        git(&["status", "--porcelain", "--untracked-files=no"]).map(|changes| !changes.is_empty())
    };
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let long_version = match (commit.as_str(), dirty) {
        ("", _) => version,
        (commit, Some(true)) => format!("{version} ({commit}, with changes)"),
        (commit, _) => format!("{version} ({commit})"),
    };
    println!("cargo::rustc-env=GCSTORM_COMMIT={commit}");
    println!(
        "cargo::rustc-env=GCSTORM_DIRTY={}",
        dirty.map_or(String::new(), |dirty| dirty.to_string())
    );
    println!("cargo::rustc-env=GCSTORM_LONG_VERSION={long_version}");

    // What the answers depend on: the sources, and where HEAD has been. A path that does not exist
    // would make every build start anew.
    for path in ["crates", "src", "workloads", "Cargo.toml", "Cargo.lock"] {
        rerun_if_changed(&format!("{ROOT}/{path}"));
    }
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        rerun_if_changed(&log);
    }
}

fn rerun_if_changed(path: &str) {
    if std::path::Path::new(path).exists() {
        println!("cargo::rerun-if-changed={path}");
    }
}

/// A copy of the sources inside somebody else's repository has no commit of its own.
fn own_repository() -> Option<()> {
    let top = git(&["rev-parse", "--show-toplevel"])?;
    (std::fs::canonicalize(top).ok()? == std::fs::canonicalize(ROOT).ok()?).then_some(())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = output.status.success().then_some(output.stdout)?;
    Some(String::from_utf8(text).ok()?.trim().to_owned())
}
