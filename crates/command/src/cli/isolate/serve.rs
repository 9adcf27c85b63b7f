//! The child process that makes runs for its parent: one for each request on standard input. The
//! first request is to take the parent's text for the file that the command line names.

use std::sync::Arc;

use crate::cli::agenda::RunAgenda;
use crate::cli::args::Run;
use crate::cli::child::{Request, inside};
use crate::cli::exit::Exit;
use crate::cli::here::OpenHeaps;
use crate::cli::hush;
use crate::cli::progress::Watch;
use crate::cli::task::RunTask;
use crate::cli::usage::Usage;
use crate::cli::{provenance, reproduce};
use crate::evidence::{Ended, Evidence};
use crate::report::Detail;
use crate::result::RunResult;
use crate::run::Registry;
use crate::soak::{Made, Told};

/// Makes the runs that `args` ask for. The parent writes and shows the results.
pub(in crate::cli) fn serve(
    registry: &Registry,
    program: &str,
    args: &mut Run,
) -> Result<Exit, Usage> {
    let (interrupted, wanted) = inside::asked()?;
    if let Ok(Request::Read(text)) = wanted.recv() {
        args.text = text.map(Arc::from);
    }
    let args = &*args;
    hush::panics_of_heaps();
    inside::telling_why(|| {
        let agenda = RunAgenda::draw_up(registry, args, &interrupted)?;
        let mut heaps = OpenHeaps::default();
        for task in agenda.tasks() {
            if wanted.recv().is_err() {
                break;
            }
            inside::tell(&made(program, args, task, &mut heaps));
        }
        Ok(Exit::Held)
    })
}

/// A panic on a thread that the heap has for itself is how the run ended, if nothing else is.
fn with_stray(evidence: Evidence) -> Evidence {
    let stray = hush::take_stray();
    match (&evidence.ended, stray) {
        (Ended::Done, Some(message)) => Evidence {
            ended: Ended::Panicked {
                mutator: "a thread of the heap".to_owned(),
                message,
            },
            ..evidence
        },
        _ => evidence,
    }
}

fn made(program: &str, args: &Run, task: &RunTask<'_>, heaps: &mut OpenHeaps) -> Told {
    let mut watch = Watch::new(task, Detail::Verdict).telling();
    if args.case.is_some() {
        watch = watch.with_picture();
    }
    let evidence = heaps.run(task, &watch);
    inside::tell(&Told::Ran);
    let evidence = match evidence {
        Ok(evidence) => with_stray(evidence),
        Err(defect) => {
            let why = defect.to_string();
            return Told::Failed { why };
        }
    };
    let tool = provenance::tool(program);
    let result = RunResult::new(&task.plan, evidence, tool, reproduce::line(program, task));
    match serde_json::to_string(&result) {
        Ok(result) => Told::Made(Box::new(Made {
            result,
            picture: watch.take_picture(),
        })),
        Err(error) => Told::Failed {
            why: format!("its result cannot be written: {error}"),
        },
    }
}
