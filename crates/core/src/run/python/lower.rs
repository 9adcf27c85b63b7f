//! A plan as the text of a Python program: standard library only, one file, readable from the top.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::heap::{Defect, Finalizer, Global, Shape};
use crate::plan::{MutatorPlan, Op, Plan, ProgramPart};
use crate::run::{Budget, Options, Timing, Verify};

use super::block::Parts;
use super::body::{Body, PARK, iterator};
use super::draws::Draws;
use super::may::{Contents, May};
use super::names;
use super::ops;
use super::text::{Lines, Pending};

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

/// A group of mutators with the same program.
pub(super) struct Group<'a> {
    /// The name of its function.
    pub(super) name: String,
    pub(super) mutator: &'a MutatorPlan,
    /// What its variables count, in the order in which they are handed over.
    pub(super) tallies: Vec<(String, String)>,
    text: String,
}

/// The complete text of `program.py`.
///
/// # Errors
///
/// The plan has an operation that Python cannot do.
pub(crate) fn program(plan: &Plan, options: &Options) -> Result<String, Defect> {
    let groups = groups(plan, region_ops(plan, options))?;
    let mut text = head(plan, options);
    for root in names::roots(plan) {
        let _ = writeln!(text, "{root} = None");
    }
    text.push('\n');
    for group in groups.values() {
        let _ = write!(text, "\n{}", group.text);
    }
    for piece in [
        include_str!("runtime/objects.py"),
        &classes(plan),
        include_str!("runtime/threads.py"),
        include_str!("runtime/survey.py"),
        include_str!("runtime/report.py"),
    ] {
        let _ = write!(text, "\n\n{}", piece.trim_end());
        text.push('\n');
    }
    text.push_str(&tables(plan, &groups));
    text.push_str(&drawn(plan, options));
    text.push_str("\nif __name__ == \"__main__\":\n    main()\n");
    Ok(text)
}

/// The groups of mutators, by the number of the first.
pub(super) fn groups(plan: &Plan, region_ops: u64) -> Result<BTreeMap<usize, Group<'_>>, Defect> {
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
                groups.insert(
                    number,
                    group(plan, mutator, name, &mut contents, region_ops)?,
                );
            }
        }
        if contents == before {
            return Ok(groups);
        }
    }
}

/// The first mutator that has the same program as this one.
pub(super) fn group_of(plan: &Plan, mutator: usize) -> usize {
    let own = &plan.mutators[mutator];
    let is_same = |other: &MutatorPlan| {
        other.setup == own.setup && other.body == own.body && other.held == own.held
    };
    plan.mutators.iter().position(is_same).unwrap_or(mutator)
}

/// The difference between the numbers of two objects of one maker: the setup is a maker as well.
pub(super) fn stride(plan: &Plan) -> u64 {
    plan.mutators.len() as u64 + 1
}

fn group<'a>(
    plan: &'a Plan,
    mutator: &'a MutatorPlan,
    name: String,
    contents: &mut Contents,
    region_ops: u64,
) -> Result<Group<'a>, Defect> {
    let parts = Parts::of(&mutator.setup, &mutator.body, region_ops);
    let (names, roots) = (names::registers(mutator), names::roots(plan));
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
        rejoins: false,
        refused: None,
        stride: stride(plan),
        fields_read: fields_read(plan),
        step: 0,
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
        mutator,
        tallies: body.counters.into_iter().collect(),
    })
}

/// The text of a function whose body is written.
fn function(name: &str, body: &Body<'_>, regions: usize) -> String {
    let tallies = || body.counters.keys().cloned();
    let regions = || (0..regions).map(|region| format!("d{region}"));
    let park = format!(
        "park(me, n, {}, {}, {})",
        tuple(regions()),
        tuple(tallies()),
        tuple(body.names.iter().cloned()),
    );
    let mut text = format!("def {name}(me):\n");
    if !body.published.is_empty() {
        let roots = body.published.iter();
        let roots = roots.map(|root| body.roots[usize::from(*root)].as_str());
        let _ = writeln!(text, "    global {}", roots.collect::<Vec<_>>().join(", "));
    }
    text.push_str("    n = me.first\n");
    text.push_str(&assigned(regions().chain(tallies()), "0"));
    text.push_str(&assigned(body.names.iter().cloned(), "None"));
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

/// The fields of nodes that any program ever reads. Nobody sees whether the others were set.
fn fields_read(plan: &Plan) -> [bool; 2] {
    let mut read = [false; 2];
    let mut visit = |op: &Op, is_drawn: bool| {
        if let Op::Load { field, .. } = op {
            read[usize::from(field.0)] = true;
            read = if is_drawn { [true; 2] } else { read };
        }
    };
    fn each(steps: &[crate::plan::Step], visit: &mut impl FnMut(&Op, bool)) {
        use crate::plan::Step;
        for step in steps {
            match step {
                Step::Fixed(op) => visit(op, false),
                Step::Drawn(template) => visit(&template.op, true),
                Step::Repeat { body, .. } => each(body, visit),
                Step::Mix { arms, .. } => arms.iter().for_each(|arm| each(&arm.body, visit)),
            }
        }
    }
    for mutator in &plan.mutators {
        each(&mutator.setup, &mut visit);
        each(&mutator.body, &mut visit);
    }
    read
}

/// The opening, and the constants.
fn head(plan: &Plan, options: &Options) -> String {
    let Plan { workload, seed, .. } = plan;
    let parameters = plan
        .parameters
        .iter()
        .map(|(name, value)| format!("{name} = {value}"));
    let parameters: Vec<String> = parameters.collect();
    let none = || "None".to_owned();
    let (mut seconds, mut rounds, mut ops) = (none(), none(), none());
    match options.budget {
        Budget::Workload => {}
        Budget::Duration(span) => seconds = span.as_secs_f64().to_string(),
        Budget::Rounds(most) => rounds = most.to_string(),
        Budget::Ops(most) => {
            ops = most.div_ceil(plan.mutators.len().max(1) as u64).to_string();
        }
    }
    let verify = match options.verify {
        Verify::End => none(),
        Verify::Every(ops) => ops.to_string(),
    };
    let timing = match options.timing {
        Timing::Every => "every",
        Timing::Sampled => "sampled",
        Timing::Off => "off",
    };
    format!(
        "#!/usr/bin/env python3\n\
         \"\"\"The workload `{workload}` of gcstorm as a Python program.\n\n\
         It does what any other heap does for this workload and seed: what is drawn at random was drawn\n\
         before, and stands at the end. Run it with any CPython from 3.9 on.\n\n\
         Parameters: {}\n\"\"\"\n\n\
         WORKLOAD = \"{workload}\"\n\
         SEED = {seed}\n\
         SECONDS = {seconds}  # how long it runs\n\
         ROUNDS = {rounds}  # or how many rounds each mutator does\n\
         OPS = {ops}  # or how many operations, to the end of a chunk\n\
         VERIFY_EVERY = {verify}  # operations of a mutator between two surveys\n\
         TIMING = \"{timing}\"\n\
         SWITCH_INTERVAL = {}  # seconds\n\
         FAULT = None\n\
         STRIDE = {}  # between the numbers of two objects of one mutator\n\n",
        parameters.join(", "),
        options.switch_interval.as_secs_f64(),
        stride(plan),
    )
}

/// Classes with finalizers, as many as the plan needs; and which classes there are.
fn classes(plan: &Plan) -> String {
    let mut wanted = BTreeSet::new();
    for mutator in &plan.mutators {
        mutator.each_op(&mut |op| {
            if let Op::AllocFinalized {
                shape, finalizer, ..
            } = *op
            {
                let root = match finalizer {
                    Finalizer::Witness => None,
                    Finalizer::Resurrect(Global(root)) => Some(root),
                };
                wanted.insert((shape.name(), root));
            }
        });
    }
    let roots = names::roots(plan);
    let mut text = String::new();
    let mut names: Vec<String> = Shape::ALL.map(|shape| ops::class(shape).to_owned()).into();
    for (shape, root) in wanted {
        let shape = Shape::ALL.into_iter().find(|it| it.name() == shape);
        let shape = shape.unwrap_or(Shape::Leaf);
        let finalizer = root.map_or(Finalizer::Witness, |root| {
            Finalizer::Resurrect(Global(root))
        });
        let name = ops::finalized_class(shape, finalizer);
        let slots = if shape == Shape::Counter {
            ""
        } else {
            "    __slots__ = (\"ran\",)\n\n"
        };
        let body = match root {
            None => "        self.witness()\n".to_owned(),
            Some(root) => {
                let root = &roots[usize::from(root)];
                format!("        global {root}\n        self.witness()\n        {root} = self\n")
            }
        };
        let _ = write!(
            text,
            "class {name}(Finalizing, {}):\n{slots}    def __del__(self):\n{body}\n\n",
            ops::class(shape)
        );
        names.push(name);
    }
    let _ = writeln!(text, "CLASSES = {{{}}}", names.join(", "));
    text
}

/// Who does what, and what is shared.
fn tables(plan: &Plan, groups: &BTreeMap<usize, Group<'_>>) -> String {
    let roots = names::roots(plan);
    let mut text = format!(
        "\n\nROOTS = {}\nSHARED = {}  # how many of them hold a shared object\nshared_lists = {{}}\n\n\n\
         def make_shared():\n    \"\"\"The shared objects; the setup makes them.\"\"\"\n",
        tuple(roots.iter().map(|root| format!("\"{root}\""))),
        plan.objects.len(),
    );
    if !plan.objects.is_empty() {
        let shared = &roots[..plan.objects.len()];
        let _ = writeln!(text, "    global {}", shared.join(", "));
    }
    text.push_str("    global counter_lock\n    counter_lock = threading.Lock()\n");
    for (number, object) in plan.objects.iter().enumerate() {
        let name = &roots[number];
        if object.shape == Shape::List {
            let _ = writeln!(text, "    {name} = shared_lists[\"{}\"] = []", object.name);
            continue;
        }
        let _ = writeln!(text, "    {name} = {}()", ops::class(object.shape));
        let id = plan.mutators.len() as u64 + number as u64 * stride(plan);
        let _ = writeln!(text, "    {name}.id = {id}");
        if object.shape == Shape::Counter {
            let _ = writeln!(text, "    {name}.n = 0");
        }
    }
    text.push_str("\n\nMUTATORS = [  # name, program, whether it ends with the others, rounds\n");
    for (number, mutator) in plan.mutators.iter().enumerate() {
        let function = &groups[&group_of(plan, number)].name;
        let background = if mutator.background { "True" } else { "False" };
        let rounds = mutator
            .rounds
            .map_or("None".to_owned(), |rounds| rounds.to_string());
        let _ = writeln!(
            text,
            "    (\"{}\", {function}, {background}, {rounds}),",
            mutator.name
        );
    }
    text.push_str("]\n");
    text
}

/// What was drawn, by mutator and place.
fn drawn(plan: &Plan, options: &Options) -> String {
    let mut text =
        "\n# What was drawn: by mutator and place, in the order of use.\nDRAWS = {\n".to_owned();
    for (number, mutator) in (0..).zip(&plan.mutators) {
        for (place, values) in draws_of(plan, mutator, number, options).places {
            let (kind, bytes) = packed(&values);
            let _ = writeln!(
                text,
                "    ({number}, \"{}\"): (\"{kind}\", \"{}\"),",
                iterator(place),
                BASE64.encode(bytes)
            );
        }
    }
    text.push_str("}\n");
    text
}

/// What a mutator draws in its setup and in its rounds.
pub(super) fn draws_of(
    plan: &Plan,
    mutator: &MutatorPlan,
    number: u32,
    options: &Options,
) -> Draws {
    let rounds = match options.budget {
        Budget::Rounds(rounds) => Some(rounds),
        _ => None,
    };
    let mut draws = Draws::of(mutator, plan.seed, number, ProgramPart::Rounds, rounds);
    let setup = Draws::of(mutator, plan.seed, number, ProgramPart::Setup, None);
    draws.places.extend(setup.places);
    draws
}

/// Numbers in the smallest type of Python's `array` that holds all of them, little-endian.
fn packed(values: &[u64]) -> (char, Vec<u8>) {
    let most = values.iter().copied().max().unwrap_or(0);
    let (kind, width) = match most {
        0..=0xff => ('B', 1),
        0x100..=0xffff => ('H', 2),
        0x1_0000..=0xffff_ffff => ('I', 4),
        _ => ('Q', 8),
    };
    let bytes = values
        .iter()
        .flat_map(|value| value.to_le_bytes().into_iter().take(width));
    (kind, bytes.collect())
}
