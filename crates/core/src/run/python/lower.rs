//! A plan as the text of a Python program: standard library only, one file, readable from the top.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::heap::Defect;
use crate::plan::{MutatorPlan, Plan, weak_registers};
use crate::run::{Budget, Options, Timing, Verify};

use super::block::{Parts, Rounds};
use super::body::{self, Body, PARK, Twins, iterator};
use super::fields::Fields;
use super::groups::{Group, group_of, stride};
use super::may::{Contents, May};
use super::names;
use super::sets::Sets;
use super::tables;
use super::text::{Lines, Pending, Watch};

/// How many operations a region has, if surveys and budgets allow: a few hundredths of a percent of
/// its time go into the look whether to stop, and it takes less than a tenth of a millisecond.
const REGION_OPS: u64 = 2000;

/// How many operations a mutator does between two looks whether it is to stop.
pub(super) fn region_ops(plan: &Plan, options: &Options) -> u64 {
    let budget = match options.budget {
        Budget::Ops(ops) => ops / plan.mutators.len().max(1) as u64 / 4,
        _ => REGION_OPS,
    };
    let verify = match options.verify {
        Verify::Every(ops) => ops / 4,
        Verify::End => REGION_OPS,
    };
    budget.min(verify).clamp(16, REGION_OPS)
}

/// The complete text of `program.py`.
///
/// # Errors
///
/// The plan has an operation that Python cannot do.
pub(crate) fn program(plan: &Plan, options: &Options) -> Result<String, Defect> {
    let groups = groups(plan, options)?;
    let mut text = tables::head(plan, options);
    for root in names::roots(plan) {
        let _ = writeln!(text, "{root} = None");
    }
    text.push('\n');
    for group in groups.values() {
        let _ = write!(text, "\n{}", group.text);
    }
    for piece in [
        &Fields::of(plan).classes(),
        &tables::classes(plan),
        include_str!("runtime/threads.py"),
        include_str!("runtime/books.py"),
        include_str!("runtime/survey.py"),
        include_str!("runtime/report.py"),
    ] {
        let _ = write!(text, "\n\n{}", piece.trim_end());
        text.push('\n');
    }
    text.push_str(&tables::tables(plan, &groups));
    text.push_str(&tables::drawn(plan, options));
    text.push_str("\nif __name__ == \"__main__\":\n    main()\n");
    Ok(text)
}

/// The groups of mutators, by the number of the first.
pub(super) fn groups(plan: &Plan, options: &Options) -> Result<BTreeMap<usize, Group>, Defect> {
    let mut contents = Contents::at_first(plan);
    // What one function finds depends on what the others leave, so all are written again until they
    // leave nothing new.
    loop {
        let before = contents.clone();
        let mut groups = BTreeMap::new();
        let mut used = BTreeSet::new();
        for (number, mutator) in plan.mutators.iter().enumerate() {
            if group_of(plan, number) == number {
                let name = names::group(mutator, &mut used);
                groups.insert(number, group(plan, mutator, name, &mut contents, options)?);
            }
        }
        if contents == before {
            return Ok(groups);
        }
    }
}

fn group(
    plan: &Plan,
    mutator: &MutatorPlan,
    name: String,
    contents: &mut Contents,
    options: &Options,
) -> Result<Group, Defect> {
    let parts = Parts::of(&mutator.setup, &mutator.body, region_ops(plan, options));
    let (names, roots) = (names::registers(mutator), names::roots(plan));
    let sets = Sets::of(plan, mutator);
    let mut frequent = BTreeSet::new();
    if let Rounds::Short { steps, .. } = &parts.rounds {
        body::each_kind(steps, &mut frequent);
    } else {
        parts.each_chunk(&mut |step| body::each_kind(std::slice::from_ref(step), &mut frequent));
    }
    let mut body = Body {
        plan,
        mutator,
        names: &names,
        roots: &roots,
        contents,
        state: vec![May::EMPTY; mutator.registers as usize],
        lines: Lines::default(),
        pending: Pending::default(),
        written: BTreeSet::new(),
        counters: BTreeMap::new(),
        places: BTreeSet::new(),
        published: BTreeSet::new(),
        refused: None,
        untold: false,
        stride: stride(plan),
        fields_read: Fields::of(plan).read,
        step: 0,
        twins: twins(mutator, options),
        watch: Watch::Plain,
        is_timed: options.timing != Timing::Off,
        is_recorded: options.history.is_some(),
        timed: BTreeSet::new(),
        frequent,
        rising: sets.rising,
        told_roots: sets.told_roots,
        weak_only: weak_registers(mutator),
        books: sets.books,
        changed: sets.changed,
    };
    body.fetch_held();
    body.blocks(&parts.setup);
    body.lines.push(format!("if me.ready() and {PARK}"));
    body.rounds(&parts.rounds);
    body.lines.push("me.finish()");
    body.lines.push(PARK);
    if let Some(why) = &body.refused {
        return Err(Defect::Other {
            message: format!("Python cannot run `{}`: {why}", plan.workload),
        });
    }
    Ok(Group {
        text: function(&name, &body, parts.regions),
        name,
        untold: body.untold,
        tallies: body.counters.into_iter().collect(),
    })
}

/// The text of a function whose body is written.
fn function(name: &str, body: &Body<'_>, regions: usize) -> String {
    let tallies = || body.counters.keys().cloned();
    let regions = || (0..regions).map(|region| format!("d{region}"));
    let weak = || {
        body.weak_only
            .iter()
            .map(|slot| body.name(*slot).to_owned())
    };
    let park = format!(
        "park(me, n, {}, {}, {}, {})",
        tuple(regions()),
        tuple(tallies()),
        tuple(body.names.iter().cloned()),
        tuple(weak().map(|name| format!("({name}, {name}_of)"))),
    );
    let mut text = format!("def {name}(me):\n");
    if !body.published.is_empty() {
        let roots = body.published.iter();
        let roots = roots.map(|root| body.roots[usize::from(*root)].as_str());
        let _ = writeln!(text, "    global {}", roots.collect::<Vec<_>>().join(", "));
    }
    text.push_str("    n = me.first\n");
    text.push_str(&assigned(regions().chain(tallies()), "0"));
    let empty = body.names.iter().cloned();
    let empty = empty.chain(weak().map(|name| format!("{name}_of")));
    text.push_str(&assigned(empty, "None"));
    for kind in &body.timed {
        let name = kind.replace('-', "_");
        let _ = writeln!(text, "    took_{name} = me.took(\"{kind}\")");
        if body.mutator.pace.is_some() {
            let _ = writeln!(text, "    late_{name} = me.late(\"{kind}\")");
        }
    }
    for book in &body.books {
        let _ = writeln!(text, "    book_{book} = me.book({book})");
    }
    if body.is_recorded {
        text.push_str("    note = me.note\n");
    }
    if body.twins == Twins::Sampled {
        text.push_str("    turn = me.again()\n");
    }
    for place in &body.places {
        let place = iterator(*place);
        let _ = writeln!(text, "    {place} = me.draws(\"{place}\")");
    }
    for line in body.lines.text().lines() {
        let line = match line.strip_suffix(PARK) {
            Some(test) if test.trim().is_empty() => format!("{test}{park}"),
            Some(test) => format!("{test}{park}: return"),
            None => line.to_owned(),
        };
        let _ = writeln!(text, "{}", format!("    {line}").trim_end());
    }
    text
}

fn assigned(names: impl Iterator<Item = String>, value: &str) -> String {
    let names: Vec<String> = names.collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("    {} = {value}\n", names.join(" = ")),
    }
}

fn tuple(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.map(|item| item + ",").collect();
    format!("({})", items.join(" "))
}

/// Which regions of a program are watched.
fn twins(mutator: &MutatorPlan, options: &Options) -> Twins {
    match (options.timing, options.history) {
        _ if mutator.pace.is_some() => Twins::Always,
        (Timing::Every, _) => Twins::Always,
        (Timing::Sampled, _) | (Timing::Off, Some(_)) => Twins::Sampled,
        (Timing::Off, None) => Twins::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::python::tests::shipped;

    fn text(workload: &str, options: &Options) -> String {
        let mut plans = shipped().into_iter();
        let plan = plans
            .find(|plan| plan.workload == workload)
            .expect(workload);
        program(&plan, options).expect(workload)
    }

    /// Goal: somebody who knows the seed story recognises it, with what the workload calls its registers,
    /// and nothing between one append and the next but the objects' numbers.
    #[test]
    fn the_seed_story_is_recognised() {
        let options = Options {
            timing: Timing::Off,
            ..Options::default()
        };
        let text = text("shared-list", &options);
        let appends = "\
                    for n in range(n, end, 3):\n                        \
                        new_object = Node()\n                        \
                        new_object.id = n\n                        \
                        list_.append(new_object)\n                    \
                    new_object = None\n";
        assert!(text.contains(appends), "{text}");
        for line in [
            "del list_[:50000]",
            "k = len(list_)",
            "longer than it can be?",
        ] {
            assert!(text.contains(line), "{line}");
        }
        assert!(!text.contains("now()\n                        new_object = Node()"));
    }

    /// Goal: the clock is read around each operation where all are timed, and in a twin where some are.
    #[test]
    fn watched_regions_read_the_clock() {
        for (timing, twins) in [(Timing::Every, 0), (Timing::Sampled, 1), (Timing::Off, 0)] {
            let options = Options {
                timing,
                ..Options::default()
            };
            let text = text("counter", &options);
            assert_eq!(text.matches("turn -= 1").count(), twins, "{timing:?}");
            let timed = text.matches("took_add(t1 - t0)").count();
            assert_eq!(timed, usize::from(timing != Timing::Off), "{timing:?}");
        }
    }

    /// Goal: a program that Python cannot run is refused, with the operation.
    #[test]
    fn what_python_cannot_do_is_refused() {
        let case = "gcstorm-case 1\nschedule steps\nseed 1\ncapacity 40\nroots 4\nshared l list\n\
                    mutator a registers 4 holds r0=l\n\na downgrade r1 r0\n";
        let plan = crate::plan::Case::parse("case", case)
            .expect("it is in order")
            .plan();
        let refused = program(&plan, &Options::default()).expect_err("Python has none");
        assert!(
            refused.to_string().contains("`downgrade` of a shared list"),
            "{refused}"
        );
    }
}
