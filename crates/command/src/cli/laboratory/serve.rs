//! The child process that does what its parent asks with cases: one job for each request on standard
//! input.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use serde::Serialize;

use super::{BEGUN, PROGRAM, note_of};
use crate::cli::again::Subject;
use crate::cli::attempt::attempt_alone;
use crate::cli::child::{CaseJob, Request, inside};
use crate::cli::exit::Exit;
use crate::cli::hush;
use crate::cli::usage::Usage;
use crate::evidence::Trace;
use crate::fuzz::{Hunt, Swept};
use crate::plan::Case;
use crate::run::{Entry, Registry};
use crate::soak::{Beat, Made, Told};

/// Does one job after another. The cases are kept below `keep` while they are tried.
pub(in crate::cli) fn serve(registry: &Registry, keep: Option<PathBuf>) -> Result<Exit, Usage> {
    hush::panics_of_heaps();
    inside::telling_why(|| {
        let (_, wanted) = inside::asked()?;
        let mut bench = CaseBench {
            registry,
            note: keep.map(|keep| Note::new(note_of(&keep, std::process::id()))),
        };
        while let Ok(request) = wanted.recv() {
            if let Request::Job(job) = request {
                beat(BEGUN);
                inside::mark();
                let result = bench.done(*job)?;
                inside::tell(&Told::Made(Box::new(Made {
                    result,
                    picture: None,
                })));
            }
        }
        Ok(Exit::Held)
    })
}

/// Where cases are tried.
struct CaseBench<'r> {
    registry: &'r Registry,
    note: Option<Note>,
}

impl CaseBench<'_> {
    fn done(&mut self, job: CaseJob) -> Result<String, Usage> {
        match job {
            CaseJob::Caps(heap) => {
                let caps = self.heap(Some(&heap))?.opens();
                answer(&caps.map_err(|defect| defect.to_string()))
            }
            CaseJob::Figures(heap) => {
                let figures = self.heap(Some(&heap))?.figures();
                answer(&figures.map_err(|defect| defect.to_string()))
            }
            CaseJob::Sweep {
                hunt,
                numbers,
                like,
            } => {
                let like = read(&like)?;
                answer(&self.sweep(&hunt, numbers, &like)?)
            }
            CaseJob::Attempt(text) => {
                self.keep(&text)?;
                let case = read(&text)?;
                let heap = self.heap(case.heap.as_deref())?;
                answer(&attempt_alone(heap, &case, &case))
            }
            CaseJob::Steps(text) => {
                let case = read(&text)?;
                let heap = self.heap(case.heap.as_deref())?;
                let trace = hush::while_trying(|| heap.step(&case, case.fault));
                let trace: Result<Trace, String> = trace.map_err(|defect| defect.to_string());
                answer(&trace)
            }
            CaseJob::Replay {
                case,
                tries,
                detail,
            } => {
                let case = &read(&case)?;
                let subject = Subject {
                    case,
                    heap: self.heap(case.heap.as_deref())?,
                    tries,
                    detail,
                };
                answer(&subject.run(|number| {
                    beat(number);
                    ControlFlow::Continue(())
                }))
            }
        }
    }

    fn heap(&self, name: Option<&str>) -> Result<&Entry, Usage> {
        let heap = name.and_then(|name| self.registry.get(name));
        heap.ok_or_else(|| Usage::new(format!("there is no heap {name:?}")))
    }

    fn keep(&mut self, text: &str) -> Result<(), Usage> {
        let Some(note) = &mut self.note else {
            return Ok(());
        };
        note.write(text).map_err(|error| {
            let path = note.path.display();
            Usage::new(format!("failed to write {path}: {error}"))
        })
    }

    fn sweep(
        &mut self,
        hunt: &Hunt,
        numbers: std::ops::Range<u64>,
        like: &Case,
    ) -> Result<Swept, Usage> {
        let mut kept = Ok(());
        let swept = hunt.sweep(numbers, &mut |number, case| {
            let Case {
                heap,
                fault,
                schedule,
                ..
            } = like.clone();
            let whole = Case {
                heap,
                fault,
                schedule,
                ..case.clone()
            };
            kept = self.keep(&format!("{whole}{PROGRAM}{}\n", number + 1));
            inside::mark();
            let heap = kept.is_ok().then(|| self.heap(like.heap.as_deref()).ok());
            attempt_alone(heap.flatten()?, like, case).finding
        });
        kept.map(|()| swept)
    }
}

/// Tells the parent that the job begins, or another run of it.
fn beat(run: u64) {
    inside::tell(&Told::Beat {
        beat: Beat::default(),
        surveys: 0,
        steps: run,
        settling_ms: None,
    });
}

fn read(text: &str) -> Result<Case, Usage> {
    Ok(Case::parse("the case of the parent process", text)?)
}

fn answer(answer: &impl Serialize) -> Result<String, Usage> {
    serde_json::to_string(answer)
        .map_err(|error| Usage::new(format!("failed to write an answer: {error}")))
}

/// A file that holds the case that is being tried, so that it is there however the processes end.
struct Note {
    path: PathBuf,
    file: Option<File>,
    length: usize,
}

impl Note {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            length: 0,
        }
    }

    /// Replaces what is in the file, in one piece: what is left of a longer text becomes empty
    /// lines.
    fn write(&mut self, text: &str) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::create(&self.path)?,
        };
        let mut text = text.as_bytes().to_vec();
        let length = text.len();
        text.resize(length.max(self.length), b'\n');
        file.write_all_at(&text, 0)?;
        self.length = length;
        self.file = Some(file);
        Ok(())
    }
}
