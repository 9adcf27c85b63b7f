//! Compiles a workload and the values of its parameters to a plan.
//!
//! Everything that can be known to be wrong before anything runs is found here: sizes out of
//! bounds, registers read before they are written, operations on objects of the wrong kind.

use super::defaults;
use super::found::Complaints;
use super::lower::{Lowering, StepPlace};
use super::parameter::Value;
use super::syntax::{Bound, Syntax, ThreadNode};
use super::{LIVE_MAX, THREADS_MAX, Workload};
use crate::diagnostic::{Complaint, Diagnostic};
use crate::heap::{Global, Shape};
use crate::plan::{
    Asker, Ceiling, Flow, ListUsage, MutatorPlan, OpKind, Pace, Plan, Problem, ProblemKind,
    RATE_MAX, Requirement, SharedObject, size, yields,
};

/// The maximum number of rounds of a workload: more than any run can do.
const ROUNDS_MAX: u64 = 1_000_000_000_000;

/// The maximum number of steps of all threads together, of which each has a copy of its own: a
/// hundred times as many as any workload has that a person wrote.
const STEPS_MAX: u64 = 1 << 20;

/// One group's threads, while the plan is made.
struct Group<'a> {
    node: &'a ThreadNode,
    /// The registers' names.
    names: Vec<String>,
    places: Vec<StepPlace>,
}

/// All threads, while the plan is made.
struct Cast<'a> {
    groups: Vec<Group<'a>>,
    mutators: Vec<MutatorPlan>,
    /// The group of each mutator.
    group_of: Vec<usize>,
}

impl Workload {
    /// The plan for these parameters (`-D name=value`; defaults for the rest) and this seed.
    ///
    /// # Errors
    ///
    /// A parameter that does not exist or has no such value, an expression that overflows or
    /// divides by zero, a size out of bounds, or a program that cannot do what it says.
    pub fn plan(&self, overrides: &[(String, String)], seed: u64) -> Result<Plan, Diagnostic> {
        let syntax = &self.syntax;
        let (parameters, defaults) = (&syntax.parameters, &syntax.defaults);
        let values = defaults::settle(parameters, defaults, overrides, &self.path, &self.text)?;
        self.compile(&values, seed)
            .map_err(|complaints| complaints.first(&self.path, &self.text))
    }

    /// Everything that is wrong with the plan for the defaults.
    pub(super) fn plan_defects(&self) -> Vec<Diagnostic> {
        let syntax = &self.syntax;
        let (parameters, defaults) = (&syntax.parameters, &syntax.defaults);
        let (path, text) = (&self.path, &self.text);
        match defaults::settle(parameters, defaults, &[], path, text) {
            Err(diagnostic) => vec![diagnostic],
            Ok(values) => match self.compile(&values, 0) {
                Err(complaints) => complaints.all(path, text),
                Ok(_) => Vec::new(),
            },
        }
    }

    fn compile(&self, values: &[Value], seed: u64) -> Result<Plan, Complaints> {
        let syntax = &self.syntax;
        let Cast {
            groups,
            mutators,
            group_of,
        } = cast(syntax, values)?;
        let limit = &syntax.live_objects;
        let live_limit = limit.within(values, 1, LIVE_MAX, "the limit of live objects")?;
        let mut plan = Plan {
            workload: self.name.clone(),
            workload_hash: self.hash.clone(),
            parameters: self
                .parameters()
                .iter()
                .zip(values)
                .map(|(parameter, value)| (parameter.name.clone(), value.to_string()))
                .collect(),
            seed,
            mutators,
            objects: shared(&syntax.objects),
            globals: global(syntax.objects.len() + syntax.mailboxes.len()).0,
            live_limit: u32::try_from(live_limit).unwrap_or(u32::MAX),
            require: requirements(syntax, values)?,
            budget: ceilings(syntax, values)?,
            notes: Vec::new(),
        };
        for (note, when) in &syntax.notes {
            let applies = when.as_ref().map_or(Ok(true), |when| when.holds(values))?;
            if applies {
                plan.notes.push(note.clone());
            }
        }
        let flow = Flow::of(&plan);
        let problems = flow.problems.iter();
        let problems =
            problems.map(|problem| complaint(problem, &groups[group_of[problem.mutator]]));
        if let Some(complaints) = Complaints::of(problems) {
            return Err(complaints);
        }
        for (object, usage) in plan.objects.iter_mut().zip(flow.usage) {
            object.usage = usage;
        }
        Ok(plan)
    }
}

fn cast<'a>(syntax: &'a Syntax, values: &[Value]) -> Result<Cast<'a>, Complaint> {
    let (mut groups, mut mutators, mut group_of) = (Vec::new(), Vec::new(), Vec::new());
    let mut steps = 0_u64;
    for node in &syntax.threads {
        let room = THREADS_MAX - mutators.len() as u64;
        let what = format!("the number of `{}` threads", node.name);
        let count = node.count.within(values, 0, room, &what)?;
        let (group, mutator) = group(node, values, &syntax.objects)?;
        steps += count.saturating_mul((size(&mutator.setup) + size(&mutator.body)) as u64);
        if steps > STEPS_MAX {
            let message = format!("the threads have more than {STEPS_MAX} steps together");
            return Err(Complaint::new(node.name_span.clone(), message)
                .hint("use `times` or `repeat` for what is to be done several times"));
        }
        for number in 0..count {
            let name = format!("{}-{number}", node.name);
            let mutator = mutator.clone();
            mutators.push(MutatorPlan { name, ..mutator });
            group_of.push(groups.len());
        }
        groups.push(group);
    }
    if mutators.iter().all(|mutator| mutator.background) {
        let span = syntax
            .threads
            .last()
            .map_or(0..0, |group| group.name_span.clone());
        let message = "all threads are in the background";
        return Err(Complaint::new(span, message).hint("such a run would end at once"));
    }
    Ok(Cast {
        groups,
        mutators,
        group_of,
    })
}

fn group<'a>(
    node: &'a ThreadNode,
    values: &[Value],
    objects: &[(String, Shape)],
) -> Result<(Group<'a>, MutatorPlan), Complaint> {
    let mut lowering = Lowering::new(values, objects);
    let setup = lowering.steps(&node.setup)?;
    let body = lowering.steps(&node.body)?;
    if !yields(&body) {
        let message = format!("`{}` threads have nothing to do", node.name);
        return Err(Complaint::new(node.body_span.clone(), message));
    }
    let rounds = match &node.rounds {
        Some(rounds) => Some(rounds.within(values, 1, ROUNDS_MAX, "`rounds`")?),
        None => None,
    };
    let mutator = MutatorPlan {
        name: node.name.clone(),
        registers: u32::try_from(lowering.names.len()).unwrap_or(u32::MAX),
        names: lowering.names.clone(),
        held: lowering.held,
        setup,
        body,
        rounds,
        background: node.background,
        pace: pace(node, values)?,
    };
    let group = Group {
        node,
        names: lowering.names,
        places: lowering.places,
    };
    Ok((group, mutator))
}

/// The rate of each thread of a group; a rate of 0 means no rate.
fn pace(node: &ThreadNode, values: &[Value]) -> Result<Option<Pace>, Complaint> {
    let Some(rate) = &node.rate else {
        return Ok(None);
    };
    let per_second = rate.within(values, 0, RATE_MAX, "the rate of a thread")?;
    Ok((per_second > 0).then_some(Pace {
        per_second: per_second as f64,
        arrivals: node.arrivals,
    }))
}

fn shared(objects: &[(String, Shape)]) -> Vec<SharedObject> {
    let numbered = objects.iter().enumerate();
    numbered
        .map(|(number, (name, shape))| SharedObject {
            name: name.clone(),
            shape: *shape,
            global: global(number),
            usage: ListUsage::default(),
        })
        .collect()
}

fn global(number: usize) -> Global {
    Global(u16::try_from(number).expect("at most 64 objects and 64 mailboxes"))
}

fn ceilings(syntax: &Syntax, values: &[Value]) -> Result<Vec<Ceiling>, Complaint> {
    let budget = settled(&syntax.budget, values)?.into_iter();
    Ok(budget
        .map(|(counter, at_most)| Ceiling { counter, at_most })
        .collect())
}

fn requirements(syntax: &Syntax, values: &[Value]) -> Result<Vec<Requirement>, Complaint> {
    let required = settled(&syntax.require, values)?.into_iter();
    Ok(required
        .map(|(counter, at_least)| Requirement {
            counter,
            at_least,
            asked_by: Asker::Workload,
        })
        .collect())
}

/// The bounds that apply with these values, by counter. A bound of 0 asks for nothing.
fn settled(bounds: &[Bound], values: &[Value]) -> Result<Vec<(String, u64)>, Complaint> {
    let mut settled = Vec::new();
    for Bound {
        counter,
        value,
        when,
    } in bounds
    {
        if !when.as_ref().map_or(Ok(true), |when| when.holds(values))? {
            continue;
        }
        let value = value.within(values, 0, u64::MAX, &format!("`{counter}`"))?;
        if value > 0 {
            settled.push((counter.clone(), value));
        }
    }
    Ok(settled)
}

/// The complaint about a problem, in terms of the file.
fn complaint(problem: &Problem, group: &Group<'_>) -> Complaint {
    let place = &group.places[problem.step];
    let named = place
        .registers
        .iter()
        .find(|(slot, _)| *slot == problem.slot);
    let span = named.map_or(&place.op, |(_, span)| span).clone();
    let name = &group.names[problem.slot.0 as usize];
    let threads = &group.node.name;
    let (message, hint) = match problem.kind {
        ProblemKind::NeverWritten => (
            format!("`{name}` is used before anything is put into it"),
            format!("nothing before this step of `{threads}` writes it"),
        ),
        ProblemKind::EmptiedBy(OpKind::Rejoin) => (
            format!("`{name}` is empty here: `rejoin` before emptied every register"),
            "only shared objects are in their registers again".to_owned(),
        ),
        ProblemKind::EmptiedBy(by) => (
            format!(
                "`{name}` is empty here: `{}` before moved its reference away",
                by.name()
            ),
            "`copy` it to another register first, if it is needed twice".to_owned(),
        ),
        ProblemKind::NeverA(shape) => (
            format!("`{name}` is never a {}", shape.name()),
            "no path through the program puts one there".to_owned(),
        ),
        ProblemKind::NeverFilled => (
            format!("there is never anything in `{name}`"),
            "no thread puts anything into where it is read from".to_owned(),
        ),
        ProblemKind::Weak => (
            format!("`{name}` is a weak reference"),
            "`upgrade` it to another register first".to_owned(),
        ),
        ProblemKind::NotWeak => (
            format!("`{name}` is not a weak reference"),
            "`downgrade` makes one".to_owned(),
        ),
        ProblemKind::IntoItself => (
            format!("`{name}` would move into itself"),
            "`copy` it to another register and move that, so that the container stays in one"
                .to_owned(),
        ),
    };
    Complaint::new(span, message).hint(hint)
}
