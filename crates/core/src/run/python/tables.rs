//! The parts of a program that are not functions of its mutators: constants, classes, what is shared,
//! who does what, and what was drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::heap::{Finalizer, Global, Shape};
use crate::plan::{Between, MutatorPlan, Op, Plan, ProgramPart, Spacing, Timetable};
use crate::run::{Budget, Callbacks, Options, Timing, Verify};

use super::body::iterator;
use super::draws::Draws;
use super::groups::{Group, group_of, stride};
use super::{names, ops};

/// How many scheduled starts and intervals are written down; after these they repeat.
const INTERVALS: usize = 50_000;

/// How Python writes a truth value.
macro_rules! truth {
    ($value:expr) => {
        if $value { "True" } else { "False" }
    };
}

/// The opening, and the constants.
pub(super) fn head(plan: &Plan, options: &Options) -> String {
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
         GC_CALLBACKS = {}  # `gc.callbacks` time collections, and change when they happen\n\
         HISTORY = {}  # how many calls each mutator notes, with their answers\n\
         COLLECT = {}  # whether mutators are made to collect, at intervals that stand at the end\n\
         SWITCH_INTERVAL = {}  # seconds\n\
         FAULT = None\n\
         STRIDE = {}  # between the numbers of two objects of one mutator\n\n",
        parameters.join(", "),
        truth!(options.gc_callbacks == Callbacks::Used),
        options.history.map_or(none(), |events| events.to_string()),
        truth!(options.collect_every.is_some()),
        options.switch_interval.as_secs_f64(),
        stride(plan),
    )
}

/// Classes with finalizers, as many as the plan needs; and which classes there are.
pub(super) fn classes(plan: &Plan) -> String {
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
pub(super) fn tables(plan: &Plan, groups: &BTreeMap<usize, Group>) -> String {
    let roots = names::roots(plan);
    let quoted = roots.iter().map(|root| format!("\"{root}\", "));
    let mut text = format!(
        "\n\nSHARED_NUMBERS = {{}}\nROOTS = ({})\n\
         SHARED = {}  # how many of them hold a shared object\nshared_lists = {{}}\n\
         counter_lock = threading.Lock()\n",
        quoted.collect::<String>().trim_end(),
        plan.objects.len(),
    );
    let counters = plan.objects.iter().enumerate();
    for (number, _) in counters.filter(|(_, object)| object.shape == Shape::Counter) {
        let _ = writeln!(text, "lock_{number} = threading.Lock()");
    }
    text.push_str(
        "\n\ndef make_shared():\n    \"\"\"The shared objects; the setup makes them.\"\"\"\n",
    );
    if !plan.objects.is_empty() {
        let shared = &roots[..plan.objects.len()];
        let _ = writeln!(text, "    global {}", shared.join(", "));
    }
    for (number, object) in plan.objects.iter().enumerate() {
        let name = &roots[number];
        if object.shape == Shape::List {
            let _ = writeln!(text, "    {name} = shared_lists[\"{}\"] = []", object.name);
            let _ = writeln!(text, "    SHARED_NUMBERS[id({name})] = {number}");
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
        let background = truth!(mutator.background);
        let rounds = mutator
            .rounds
            .map_or("None".to_owned(), |it| it.to_string());
        let name = &mutator.name;
        let _ = writeln!(
            text,
            "    (\"{name}\", {function}, {background}, {rounds}),"
        );
    }
    text.push_str("]\n");
    text
}

/// What was drawn, by mutator and place.
pub(super) fn drawn(plan: &Plan, options: &Options) -> String {
    let mut text = "\n# What was drawn: by mutator and place, in the order of use; it repeats.\n\
                    DRAWS = {\n"
        .to_owned();
    let mut put = |number: u32, place: &str, values: &[u64]| {
        let (kind, bytes) = packed(values);
        let bytes = BASE64.encode(bytes);
        let _ = writeln!(
            text,
            "    ({number}, \"{place}\"): (\"{kind}\", \"{bytes}\"),"
        );
    };
    for (number, mutator) in (0..).zip(&plan.mutators) {
        for (place, values) in draws_of(plan, mutator, number, options).places {
            put(number, &iterator(place), &values);
        }
        if let Some(pace) = mutator.pace {
            let mut table = Timetable::new(pace, plan.seed, number);
            let mut last = 0;
            let gaps = (0..INTERVALS).map(|_| {
                let next = table.draw();
                next - std::mem::replace(&mut last, next)
            });
            put(number, "due", &gaps.collect::<Vec<_>>());
        }
        if let Some(every) = options.collect_every {
            let range = (every.least, every.most);
            let mut spacing = Spacing::new(range, Between::Collections, plan.seed, number);
            let spacings: Vec<u64> = (0..INTERVALS).map(|_| spacing.draw()).collect();
            put(number, "collect", &spacings);
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
    let bytes = values.iter();
    let bytes = bytes.flat_map(|value| value.to_le_bytes().into_iter().take(width));
    (kind, bytes.collect())
}
