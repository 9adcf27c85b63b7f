//! Hunts as JUnit XML: a suite for each heap, with a test case for all programs together and one for each
//! failure, named after its file.
//!
//! A program that departs from the model is a failure; one that crashed or hung is an error, as it is of
//! runs, and so is a hunt that tried nothing.

use super::{Case, Classes, Suite, Trouble, document};
use crate::fuzz::{Bag, CRASHED, Failure, HUNG};
use crate::report::hunt::KeptCase;

/// One hunt.
#[derive(Debug)]
pub struct JunitHunt<'a> {
    /// The heap, and the fault in it if there is one.
    pub subject: String,
    /// The seed of its programs.
    pub seed: u64,
    /// What was found.
    pub bag: &'a Bag,
    /// What was kept of each failure, in the same order.
    pub kept: &'a [KeptCase],
    /// How processes were lost between two programs.
    pub lost_idle: &'a [String],
}

/// Writes them.
pub fn junit_of_hunts(hunts: &[JunitHunt<'_>]) -> String {
    let mut classes = Classes::default();
    let suites = hunts.iter().map(|hunt| {
        let class = classes.free(format!("fuzz.{}", hunt.subject));
        suite(hunt, class)
    });
    document(&suites.collect::<Vec<_>>())
}

fn suite(hunt: &JunitHunt<'_>, class: String) -> Suite {
    let Bag {
        cases, elapsed_ns, ..
    } = *hunt.bag;
    let why = "no program was tried, so nothing was shown";
    let programs = Case {
        name: "programs".to_owned(),
        elapsed_ns,
        assertions: cases,
        trouble: (cases == 0).then(|| error("vacuous", why)),
    };
    let failures = hunt.bag.failures.iter().zip(hunt.kept).map(failed);
    let lost = hunt.lost_idle.iter().enumerate().map(|(number, how)| Case {
        name: format!("lost between programs ({})", number + 1),
        elapsed_ns: 0,
        assertions: 0,
        trouble: Some(error(CRASHED, how)),
    });
    Suite {
        name: format!("fuzz on {}, seed {}", hunt.subject, hunt.seed),
        class,
        elapsed_ns,
        properties: vec![("seed", hunt.seed.to_string())],
        cases: std::iter::once(programs)
            .chain(failures)
            .chain(lost)
            .collect(),
    }
}

fn failed((failure, kept): (&Failure, &KeptCase)) -> Case {
    let file = kept.file.as_ref();
    // One that could not be written has no file.
    let stem = file.and_then(|(path, _)| path.file_stem());
    let name = stem.map(|stem| stem.to_string_lossy().into_owned());
    let kind = match failure.check.as_str() {
        CRASHED => CRASHED,
        HUNG => HUNG,
        _ => "violated",
    };
    let reproduce = file.map_or("", |(_, line)| line);
    Case {
        name: name.unwrap_or_else(|| format!("{}-{}", failure.check, failure.number + 1)),
        elapsed_ns: failure.shrink_ns,
        assertions: 0,
        trouble: Some(Trouble {
            element: if kind == "violated" {
                "failure"
            } else {
                "error"
            },
            kind,
            message: failure.text.lines().next().unwrap_or(kind).to_owned(),
            text: format!("{}\n{}\nreproduce: {reproduce}", failure.text, kept.text),
        }),
    }
}

fn error(kind: &'static str, message: &str) -> Trouble {
    Trouble {
        element: "error",
        kind,
        message: message.to_owned(),
        text: String::new(),
    }
}
