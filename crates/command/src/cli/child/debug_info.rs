//! What a mapped file tells of addresses in it: functions, files and lines.

use std::path::Path;

use addr2line::Context;
use gimli::{EndianSlice, RunTimeEndian};
use object::{Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _};
use rustc_demangle::demangle;

type Bytes<'a> = EndianSlice<'a, RunTimeEndian>;

/// A function that was called, maybe as part of the one that called it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) function: String,
    /// File and line, if they are known.
    pub(super) line: Option<String>,
}

/// What is known of a mapped file.
pub(super) struct Module<'a> {
    file: object::File<'a>,
    lines: Option<Context<Bytes<'a>>>,
    symbols: object::SymbolMap<object::SymbolMapName<'a>>,
}

impl<'a> Module<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let file = object::File::parse(bytes).ok()?;
        let endian = match file.is_little_endian() {
            true => RunTimeEndian::Little,
            false => RunTimeEndian::Big,
        };
        let section = |id: gimli::SectionId| {
            let section = file.section_by_name(id.name());
            // One that is compressed counts as absent.
            let data = section.and_then(|section| section.data().ok());
            Ok::<_, gimli::Error>(EndianSlice::new(data.unwrap_or_default(), endian))
        };
        let dwarf = gimli::Dwarf::load(section).ok();
        Some(Self {
            lines: dwarf.and_then(|dwarf| Context::from_dwarf(dwarf).ok()),
            symbols: symbols(&file),
            file,
        })
    }

    /// The calls at a place in the file, the innermost first.
    pub(super) fn calls(&self, in_file: u64) -> Vec<Call> {
        let Some(address) = self.address(in_file) else {
            return Vec::new();
        };
        let symbol = self.symbols.containing(address).map(|symbol| symbol.name());
        let mut calls = Vec::new();
        let found = self
            .lines
            .as_ref()
            .map(|lines| lines.find_frames(address).skip_all_loads());
        if let Some(Ok(mut found)) = found {
            while let Ok(Some(frame)) = found.next() {
                let function = frame
                    .function
                    .as_ref()
                    .and_then(|name| name.raw_name().ok());
                let line = frame.location.as_ref().and_then(|at| {
                    let file = shown(at.file?);
                    Some(
                        at.line
                            .map_or_else(|| file.clone(), |line| format!("{file}:{line}")),
                    )
                });
                let function = function.as_deref().or(symbol).unwrap_or_default();
                let function = format!("{:#}", demangle(function));
                calls.push(Call { function, line });
            }
        }
        match (calls.is_empty(), symbol) {
            (true, Some(symbol)) => vec![Call {
                function: format!("{:#}", demangle(symbol)),
                line: None,
            }],
            _ => calls,
        }
    }

    /// The address that symbols have for a place in the file.
    fn address(&self, in_file: u64) -> Option<u64> {
        self.file.segments().find_map(|segment| {
            let (first, length) = segment.file_range();
            let within = in_file
                .checked_sub(first)
                .filter(|within| *within < length)?;
            Some(segment.address() + within)
        })
    }
}

/// The names of functions, also of a library of which only those are left that others may call.
fn symbols<'a>(file: &object::File<'a>) -> object::SymbolMap<object::SymbolMapName<'a>> {
    let all = file.symbols().chain(file.dynamic_symbols());
    let functions =
        all.filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.is_definition());
    let named = functions.filter_map(|symbol| {
        Some(object::SymbolMapName::new(
            symbol.address(),
            symbol.size(),
            symbol.name().ok()?,
        ))
    });
    object::SymbolMap::new(named.collect())
}

/// The path of a source, from the working directory if it is below that. Of the standard library it is
/// long, and nowhere.
fn shown(path: &str) -> String {
    if let Some((_, library)) = path
        .strip_prefix("/rustc/")
        .and_then(|path| path.split_once('/'))
    {
        return format!("/rustc/{library}");
    }
    let here = std::env::current_dir().unwrap_or_default();
    let below = Path::new(path).strip_prefix(here);
    below.map_or_else(|_| path.to_owned(), |below| below.display().to_string())
}
