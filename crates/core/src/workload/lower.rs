//! Lowers the steps of a workload, with the parameters settled, to the steps of a plan.
//!
//! Names become registers, numbered in the order in which they appear. For each step of the plan,
//! in the order in which [`Flow`](crate::plan::Flow) counts them, the places of its parts in the
//! file are kept.

use std::collections::HashMap;
use std::ops::Range;

use super::parameter::Value;
use super::step::{Action, ArmNode, StepNode};
use crate::diagnostic::Complaint;
use crate::heap::{Shape, Slot};
use crate::plan::{Arm, Draw, Step};

/// The maximum number of repetitions of one step: at a nanosecond each, a quarter of an hour.
const TIMES_MAX: u64 = 1_000_000_000_000;

/// Where a step's parts were written.
#[derive(Debug, Clone)]
pub(super) struct StepPlace {
    pub(super) op: Range<usize>,
    pub(super) registers: Vec<(Slot, Range<usize>)>,
}

/// One thread's program while it is lowered.
#[derive(Debug)]
pub(super) struct Lowering<'a> {
    pub(super) values: &'a [Value],
    pub(super) objects: &'a [(String, Shape)],
    /// The registers' names, by slot.
    pub(super) names: Vec<String>,
    numbers: HashMap<String, u32>,
    /// Which registers hold which shared object.
    pub(super) held: Vec<(Slot, usize)>,
    /// By step, in the order of the walk.
    pub(super) places: Vec<StepPlace>,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(values: &'a [Value], objects: &'a [(String, Shape)]) -> Self {
        Self {
            values,
            objects,
            names: Vec::new(),
            numbers: HashMap::new(),
            held: Vec::new(),
            places: Vec::new(),
        }
    }

    pub(super) fn steps(&mut self, nodes: &[StepNode]) -> Result<Vec<Step>, Complaint> {
        let mut steps = Vec::new();
        for node in nodes {
            self.step(node, &mut steps)?;
        }
        Ok(steps)
    }

    fn step(&mut self, node: &StepNode, out: &mut Vec<Step>) -> Result<(), Complaint> {
        if let Some(when) = &node.when
            && !when.holds(self.values)?
        {
            return Ok(());
        }
        let times = match &node.times {
            Some(times) => times.settle(self.values, TIMES_MAX, "the number of repetitions")?,
            None => Draw::Fixed(1),
        };
        if let Action::Mix(arms) = &node.action {
            return self.mix(node, times, arms, out);
        }
        match times {
            Draw::Fixed(0) => Ok(()),
            Draw::Fixed(1) => self.action(node, out),
            times => {
                self.place(node.span.clone(), Vec::new());
                let mut body = Vec::new();
                self.action(node, &mut body)?;
                out.push(Step::Repeat { times, body });
                Ok(())
            }
        }
    }

    fn action(&mut self, node: &StepNode, out: &mut Vec<Step>) -> Result<(), Complaint> {
        match &node.action {
            Action::Op(op) => self.op(op, out),
            Action::Steps(steps) => {
                out.extend(self.steps(steps)?);
                Ok(())
            }
            Action::Mix(_) => unreachable!("mixes repeat by themselves"),
        }
    }

    fn mix(
        &mut self,
        node: &StepNode,
        times: Draw,
        arms: &[ArmNode],
        out: &mut Vec<Step>,
    ) -> Result<(), Complaint> {
        let places = self.places.len();
        self.place(node.span.clone(), Vec::new());
        let mut lowered = Vec::new();
        for arm in arms {
            if let Some(when) = &arm.step.when
                && !when.holds(self.values)?
            {
                continue;
            }
            let what = "a weight";
            let weight = arm.weight.within(self.values, 0, u32::MAX.into(), what)?;
            let weight = u32::try_from(weight).unwrap_or(u32::MAX);
            if weight > 0 {
                let mut body = Vec::new();
                self.step(&arm.step, &mut body)?;
                lowered.push(Arm { weight, body });
            }
        }
        if lowered.is_empty() {
            let message = "no arm of this mix has a weight above 0";
            return Err(Complaint::new(node.span.clone(), message));
        }
        if times == Draw::Fixed(0) {
            // The arms were checked nevertheless.
            self.places.truncate(places);
            return Ok(());
        }
        out.push(Step::Mix {
            times,
            arms: lowered,
        });
        Ok(())
    }

    pub(super) fn place(&mut self, op: Range<usize>, registers: Vec<(Slot, Range<usize>)>) {
        self.places.push(StepPlace { op, registers });
    }

    /// The register of this name.
    pub(super) fn slot(&mut self, name: &str) -> Slot {
        if let Some(&number) = self.numbers.get(name) {
            return Slot(number);
        }
        let number = u32::try_from(self.names.len()).expect("a file has fewer names");
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Slot(number)
    }

    /// The register that holds this shared object.
    pub(super) fn held_slot(&mut self, object: usize) -> Slot {
        let name = &self.objects[object].0;
        let slot = self.slot(name);
        if !self.held.contains(&(slot, object)) {
            self.held.push((slot, object));
        }
        slot
    }
}
