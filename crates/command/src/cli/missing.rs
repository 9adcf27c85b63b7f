//! A file or a directory that is not there, or not what it is named for: what beside it may have been
//! meant.

use std::path::{Path, PathBuf};

use crate::diagnostic::suggest;

/// As many neighbours are looked at: where there are more, a list of them helps nobody.
const LOOKED_AT: usize = 1000;
/// As many are named, if none is near enough to be the one that was meant.
const NAMED: usize = 5;

/// What may have been meant by `path`: of the files in its directory, and in the directory `besides`,
/// those that `is_meant`.
pub(super) fn hint(
    path: &Path,
    besides: Option<&str>,
    is_meant: impl Fn(&Path) -> bool,
) -> Option<String> {
    let parent = path.parent().unwrap_or(Path::new(""));
    let mut found = beside(parent, &is_meant);
    let besides = besides.into_iter();
    found.extend(besides.flat_map(|other| beside(Path::new(other), &is_meant)));
    found.retain(|one| one != path);
    nearest_of(path, &found)
}

/// What is in a directory, in order.
fn beside(directory: &Path, is_meant: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let read = match directory == Path::new("") {
        true => Path::new("."),
        false => directory,
    };
    let entries = std::fs::read_dir(read).into_iter().flatten().flatten();
    let names = entries
        .take(LOOKED_AT)
        .map(|entry| directory.join(entry.file_name()));
    let mut found: Vec<PathBuf> = names.filter(|path| is_meant(path)).collect();
    found.sort();
    found
}

fn nearest_of(path: &Path, found: &[PathBuf]) -> Option<String> {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let names: Vec<String> = found.iter().filter_map(|one| name(one)).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let nearest = name(path).and_then(|typed| suggest::nearest(&typed, &known));
    let meant = found
        .iter()
        .find(|one| nearest.is_some() && name(one).as_deref() == nearest);
    if let Some(meant) = meant {
        return Some(format!("did you mean `{}`?", meant.display()));
    }
    let shown = found
        .iter()
        .take(NAMED)
        .map(|one| format!("`{}`", one.display()));
    let shown: Vec<String> = shown.collect();
    let more = match found.len() {
        0 => return None,
        count if count > NAMED => format!(" and {} more", count - NAMED),
        _ => String::new(),
    };
    Some(format!("there are {}{more}", shown.join(", ")))
}

/// Whether it has this extension.
pub(super) fn is_called(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it == extension) && path.is_file()
}
