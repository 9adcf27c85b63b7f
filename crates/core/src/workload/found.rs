//! What is wrong with a file, as it is read: reading goes on behind a mistake, so that all of them
//! can be told at once.

use std::cell::RefCell;
use std::sync::Arc;

use crate::diagnostic::{Complaint, Diagnostic};

/// The maximum number of complaints about a file: more are read by nobody, and a file of any size may
/// have one a line.
const COMPLAINTS_MAX: usize = 100;

/// One complaint or more, in the order in which they were found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Complaints {
    first: Complaint,
    others: Vec<Complaint>,
}

impl Complaints {
    /// `None` if there is nothing to complain about.
    pub(super) fn of(all: impl IntoIterator<Item = Complaint>) -> Option<Self> {
        let mut all = all.into_iter();
        let first = all.next()?;
        let mut others: Vec<Complaint> = Vec::new();
        for complaint in all.take(COMPLAINTS_MAX) {
            // Several threads do the same, and each of them does it wrong.
            if complaint != first && !others.contains(&complaint) {
                others.push(complaint);
            }
        }
        Some(Self { first, others })
    }

    /// The first of them, for who stops there.
    pub(super) fn first(self, path: &str, text: &Arc<str>) -> Diagnostic {
        self.first.at(path, text)
    }

    /// All of them, in the order of the text.
    pub(super) fn all(self, path: &str, text: &Arc<str>) -> Vec<Diagnostic> {
        let mut all = self.others;
        all.insert(0, self.first);
        all.sort_by_key(|complaint| complaint.span.start);
        let all = all.into_iter();
        all.map(|complaint| complaint.at(path, text)).collect()
    }
}

impl From<Complaint> for Complaints {
    fn from(first: Complaint) -> Self {
        Self {
            first,
            others: Vec::new(),
        }
    }
}

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    complaints: RefCell<Vec<Complaint>>,
    /// Names whose definitions are wrong, so that others may well refer to them.
    ill_defined: RefCell<Vec<String>>,
}

impl Found {
    /// What was read, if it could be.
    pub(super) fn keep<T>(&self, read: Result<T, Complaint>) -> Option<T> {
        read.map_err(|complaint| self.add([complaint])).ok()
    }

    /// The definition of this name, if it could be read.
    pub(super) fn define<T>(&self, name: &str, read: Result<T, Complaint>) -> Option<T> {
        let mut ill_defined = self.ill_defined.borrow_mut();
        if read.is_err() && ill_defined.len() < COMPLAINTS_MAX {
            ill_defined.push(name.to_owned());
        }
        self.keep(read)
    }

    /// All that could be read.
    pub(super) fn all<T>(&self, read: impl Iterator<Item = Result<T, Complaint>>) -> Vec<T> {
        read.filter_map(|one| self.keep(one)).collect()
    }

    /// Adds complaints.
    pub(super) fn add(&self, complaints: impl IntoIterator<Item = Complaint>) {
        let mut all = self.complaints.borrow_mut();
        let room = COMPLAINTS_MAX.saturating_sub(all.len());
        all.extend(complaints.into_iter().take(room));
    }

    /// What is wrong. That a name is unknown is not, where its definition is.
    pub(super) fn complaints(self) -> Option<Complaints> {
        let ill_defined = self.ill_defined.into_inner();
        let follows = |complaint: &Complaint| {
            let mut names = ill_defined.iter();
            names.any(|name| complaint.is_of_unknown(name))
        };
        let complaints = self.complaints.into_inner().into_iter();
        Complaints::of(complaints.filter(|complaint| !follows(complaint)))
    }
}
