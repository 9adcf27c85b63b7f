//! What the fuzz targets call: one function a target, each of which takes any bytes and must
//! neither panic, nor hang, nor ask for memory out of all proportion to them.
//!
//! `tests/corpus` includes this very file and feeds it the corpus, so that a toolchain without a
//! fuzzer sees to it that what was found once stays fixed.

mod steps;

use gcstorm::plan::{Case, Plan};
use gcstorm::report::{Collected, Detail, Width, summary, table};
use gcstorm::result::RunResult;
use gcstorm::workload::{Color, Diagnostic, Workload};

pub use steps::steps;

/// A workload: what can be read can be planned, and what cannot is shown at its place.
pub fn workload(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Workload::parse("workload.toml", text) {
        Err(complaint) => show(&complaint, text),
        Ok(workload) => {
            // `parse` has promised that the defaults can be planned.
            let plan = workload
                .plan(&[], 7)
                .expect("it was planned when it was read");
            let _ = plan.needs();
        }
    }
}

/// A case: what can be read is written and read again as the same.
pub fn case(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Case::parse("failure.case", text) {
        Err(complaint) => show(&complaint, text),
        Ok(case) => {
            let written = case.to_string();
            let again = Case::parse("failure.case", &written);
            let again = again.unwrap_or_else(|error| panic!("{written}\n{error}"));
            assert_eq!(again, case, "{written}");
            let _ = case.plan().needs();
        }
    }
}

/// A stored result: what can be read can be judged again, by its own workload's plan and by
/// another, and drawn in full.
pub fn result(bytes: &[u8]) {
    let Ok(stored) = serde_json::from_slice::<RunResult>(bytes) else {
        return;
    };
    for plan in [own_plan(&stored), Case::of_mutators(2, 1, 1, 8).plan()] {
        let RunResult { evidence, tool, .. } = stored.clone();
        let judged = RunResult::new(&plan, evidence, tool, stored.reproduce.clone());
        draw(&judged);
    }
    draw(&stored);
    let written = serde_json::to_vec(&stored).expect("it can be written");
    let _: RunResult = serde_json::from_slice(&written).expect("it can be read again");
}

/// The plan of the workload that a result names, with its parameters, or else that of the main job.
fn own_plan(stored: &RunResult) -> Plan {
    let workload = Workload::embedded(&stored.workload.name).and_then(Result::ok);
    let values: Vec<_> = stored.workload.parameters.clone().into_iter().collect();
    let plan = workload.and_then(|workload| workload.plan(&values, stored.seed).ok());
    plan.unwrap_or_else(|| {
        let main = Workload::named("shared-list").expect("it comes with the program");
        main.plan(&[], stored.seed).expect("it can be planned")
    })
}

fn draw(result: &RunResult) {
    for detail in [Detail::Verdict, Detail::Page, Detail::Everything] {
        let _ = table(result, detail);
    }
    let results = vec![result.clone(), result.clone()];
    let absent = Vec::new();
    let _ = summary(&Collected { results, absent }, Width::Columns(40));
}

/// A complaint points into the text, and can be drawn.
fn show(complaint: &Diagnostic, text: &str) {
    assert!(complaint.line() <= text.matches('\n').count() + 1);
    let _ = complaint.render(Color::Plain);
}
