//! From TOML text to a validated [`Workload`], and from there to a [`Plan`](crate::plan::Plan).
//!
//! A file passes through three forms. The `document` is TOML with places. The `syntax` is the
//! content of the file with every name looked up: sections, steps, expressions that are still to be
//! evaluated. The plan, made by [`Workload::plan`], has every parameter settled and every step
//! lowered to operations on registers; [`Flow`](crate::plan::Flow) walks it once more and finds
//! registers that are never written and objects of the wrong kind. Each stage complains in the same
//! form, a [`Diagnostic`], at the exact key or value.
//!
//! [`Workload::parse`] makes sure that a workload can be planned with its defaults; other values of
//! its parameters may still fail. This module knows of heaps only the contract, and of runs only
//! the names of their counters, checks and verdicts.
//!
//! What follows is the language, as its users read it in `workloads/README.md`.
//!
#![doc = include_str!("../../workloads/README.md")]

mod compile;
mod condition;
mod counters;
mod defaults;
mod document;
mod draw;
mod embedded;
mod expression;
mod form;
mod found;
mod load_error;
mod lower;
mod lower_op;
mod parameter;
mod step;
mod syntax;
mod token;

use std::path::Path;
use std::sync::Arc;

pub use counters::{CHECKS, COUNTERS, Counter, VERDICTS, counter_names};
pub use embedded::{Embedded, embedded};
pub use form::{FORMS, Form, Key, KeyKind, Presence};
pub use load_error::LoadError;
pub use parameter::{Parameter, ParameterKind};

pub use crate::diagnostic::{Color, Diagnostic};
use crate::diagnostic::{suggest, text};
use crate::digest::Digest;
use crate::plan::Needs;
use found::Complaints;
use syntax::Syntax;

/// The maximum number of threads of a plan.
pub const THREADS_MAX: u64 = 1024;

/// The maximum number of objects that a plan may keep alive at once.
pub const LIVE_MAX: u64 = 1 << 28;

/// A workload that can be planned with its defaults.
#[derive(Debug, Clone)]
pub struct Workload {
    /// The name: the file's, without its ending.
    pub name: String,
    /// One line for lists.
    pub summary: String,
    /// What it is for, in detail; may be empty.
    pub about: String,
    /// What a heap must be able to do to run it with its defaults; for other values of its
    /// parameters see [`Plan::needs`](crate::plan::Plan::needs).
    pub needs: Needs,
    syntax: Syntax,
    path: String,
    text: Arc<str>,
    hash: String,
}

impl Workload {
    /// Reads a workload from `text`. `name_or_path` is where it came from, for messages and for its
    /// name.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it, with its place.
    pub fn parse(name_or_path: &str, text: &str) -> Result<Self, Diagnostic> {
        let text: Arc<str> = text.into();
        let mut workload = Self::read(name_or_path, &text)
            .map_err(|complaints| complaints.first(name_or_path, &text))?;
        workload.needs = workload.plan(&[], 0)?.needs();
        Ok(workload)
    }

    /// Everything that is wrong with a workload, in the order of its text, as far as it can be known at
    /// once: what it plans is looked at only if all of it can be read.
    pub fn defects(name_or_path: &str, text: &str) -> Vec<Diagnostic> {
        let text: Arc<str> = text.into();
        match Self::read(name_or_path, &text) {
            Err(complaints) => complaints.all(name_or_path, &text),
            Ok(workload) => workload.plan_defects(),
        }
    }

    fn read(name_or_path: &str, text: &Arc<str>) -> Result<Self, Complaints> {
        let syntax = Syntax::parse(text)?;
        let name = Path::new(name_or_path).file_stem();
        Ok(Self {
            name: name.map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            summary: syntax.summary.clone(),
            about: syntax.about.clone(),
            needs: Needs::default(),
            syntax,
            path: name_or_path.to_owned(),
            hash: Digest::of(text).to_string(),
            text: Arc::clone(text),
        })
    }

    /// Reads a workload from a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is wrong.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let text = text::read(path).map_err(|source| LoadError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::parse(&path.to_string_lossy(), &text)?)
    }

    /// The workload of this name that comes with the program, if there is one.
    pub fn embedded(name: &str) -> Option<Result<Self, Diagnostic>> {
        let found = embedded().iter().find(|embedded| embedded.name == name)?;
        Some(Self::parse(found.path, found.text))
    }

    /// The workload that comes with the program under this name, or else, if it looks like a path
    /// (ends in `.toml` or contains `/`), the file there.
    ///
    /// # Errors
    ///
    /// There is no such name, or the file cannot be read or is wrong.
    pub fn named(name_or_path: &str) -> Result<Self, LoadError> {
        if let Some(workload) = Self::embedded(name_or_path) {
            return Ok(workload?);
        }
        if name_or_path.ends_with(".toml") || name_or_path.contains('/') {
            return Self::load(Path::new(name_or_path));
        }
        let known = embedded().iter().map(|embedded| embedded.name);
        Err(LoadError::Unknown {
            name: name_or_path.to_owned(),
            hint: suggest::hint(name_or_path, known),
        })
    }

    /// Its parameters, in the order of the file.
    pub fn parameters(&self) -> &[Parameter] {
        &self.syntax.parameters
    }

    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        let mut parameters = self.parameters().iter();
        parameters.find(|parameter| parameter.name == name)
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }
}
