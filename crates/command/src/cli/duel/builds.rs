//! What duels with what: two programs, or two libraries, which this program runs. Nothing is executed to
//! find out which it is.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use object::{Object as _, ObjectSymbol as _, ReadCache};

use crate::cli::agenda;
use crate::cli::child;
use crate::cli::usage::Usage;
use crate::run::{is_path, library_file};

/// How one of the two is run.
#[derive(Debug)]
pub(super) struct Build {
    /// The program.
    pub(super) program: PathBuf,
    /// What makes it run the heap, if that is a library.
    pub(super) heap: Option<OsString>,
    /// What the build is in: compared with the other's.
    file: PathBuf,
}

impl Build {
    /// Whether both are the same thing, under two names or under one.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let text =
            |build: &Self| Some(build.heap.as_ref()?.to_str()?.split_once(':')?.1.to_owned());
        let read = |build: &Self| fs::read(&build.file).ok();
        text(self) == text(other) && read(self) == read(other)
    }
}

/// What was named: a program, or a library with or without a text behind its path.
pub(super) fn both(named: [&Path; 2]) -> Result<[Build; 2], Usage> {
    let [base, new] = named;
    let builds = [build(base)?, build(new)?];
    let [library, program] = match &builds {
        [Build { heap: Some(_), .. }, Build { heap: None, .. }] => [base, new],
        [Build { heap: None, .. }, Build { heap: Some(_), .. }] => [new, base],
        _ => return Ok(builds),
    };
    let (library, program) = (library.display(), program.display());
    Err(
        Usage::new(format!("{library} is a shared library, and {program} is none")).hint(
            "a duel is between two programs that were built of gcstorm, or between two libraries with the C \
             interface",
        ),
    )
}

fn build(named: &Path) -> Result<Build, Usage> {
    if let Some(heap) = heap(named) {
        let file = heap.to_str().and_then(library_file);
        let file = file.map_or_else(|| named.to_owned(), PathBuf::from);
        let program = child::program().map_err(|error| {
            Usage::new(format!("the file of this program is not known: {error}"))
        })?;
        return Ok(Build {
            program,
            heap: Some(heap),
            file,
        });
    }
    let program = found(named)?;
    if is_library(&program) {
        return Err(agenda::no_library(&named.to_string_lossy()));
    }
    Ok(Build {
        file: program.clone(),
        program,
        heap: None,
    })
}

/// The name of the heap, if this is a library: with a slash, as those of libraries are.
fn heap(named: &Path) -> Option<OsString> {
    let text = named.to_str()?;
    let name = match is_path(text) {
        true => text.to_owned(),
        false => format!("./{text}"),
    };
    is_library(Path::new(library_file(&name)?)).then(|| name.into())
}

/// Whether it can only be meant as a library: by its name, or because it exports what a heap in a library
/// exports.
fn is_library(file: &Path) -> bool {
    file.extension() == Some(OsStr::new("so")) || exports_heap(file).unwrap_or(false)
}

fn exports_heap(file: &Path) -> Option<bool> {
    let bytes = ReadCache::new(File::open(file).ok()?);
    let object = object::File::parse(&bytes).ok()?;
    let mut exported = object
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition());
    Some(exported.any(|symbol| symbol.name() == Ok("gcstorm_heap")))
}

/// The file of a program: the one that is named, or, if it has no slash and is not here, the one that a
/// shell would find.
fn found(named: &Path) -> Result<PathBuf, Usage> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let is_bare = named.components().count() == 1;
    let elsewhere = std::env::split_paths(&search).filter(|_| is_bare);
    let places = [PathBuf::new()].into_iter().chain(elsewhere);
    let mut files = places.filter_map(|place| fs::canonicalize(place.join(named)).ok());
    let shown = named.display();
    let wrong = match files.find(|file| file.is_file()) {
        Some(file) if is_executable(&file) => return Ok(file),
        Some(_) => format!("{shown} is no program: it may not be executed"),
        None => format!("there is no program and no library {shown}"),
    };
    Err(Usage::new(wrong).hint(
        "a duel is between two files: build one, keep it under another name, and build the other",
    ))
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|facts| facts.permissions().mode() & 0o111 != 0)
}
