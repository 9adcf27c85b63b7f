//! One operation as it was written to the operations of a plan.
//!
//! Operations that stand for several are written out, but never a repetition: a chain of a million
//! links is one [`Step::Repeat`] of four operations. Every garbage cycle is made so that the
//! container of a store stays in another register than the one that moves, as heaps require.

use std::ops::Range;

use super::draw::Amount;
use super::lower::Lowering;
use super::step::{Arg, OpNode};
use crate::diagnostic::Complaint;
use crate::heap::{Field, Finalizer, Global, Shape, Slot};
use crate::plan::{AnyField, Arm, Draw, Op, Step, Template};

/// The most elements that an operation on a list may name: more than a heap has cells.
const ELEMENTS_MAX: u64 = u32::MAX as u64 - 1;

/// The most nodes of a ring or chain: as many as a heap may have objects.
const NODES_MAX: u64 = super::LIVE_MAX;

/// The longest stall: a minute, which no scheduler takes a thread away for.
const STALL_MS_MAX: u64 = 60_000;

/// Registers that sugar uses for itself; no name can have a space.
const SCRATCH: [&str; 3] = ["the new object", "the other new object", "the ring"];

/// One operation, while it is being lowered.
struct Lowered<'a, 'b> {
    op: &'a OpNode,
    to: &'a mut Lowering<'b>,
    registers: Vec<(Slot, Range<usize>)>,
}

impl<'b> Lowering<'b> {
    pub(super) fn op(&mut self, op: &OpNode, out: &mut Vec<Step>) -> Result<(), Complaint> {
        let mut registers = Vec::new();
        for (arg, span) in op.args() {
            match arg {
                Arg::Register(name) => registers.push((self.slot(name), span)),
                Arg::Object(object) => registers.push((self.held_slot(*object), span)),
                _ => {}
            }
        }
        let mut lowered = Lowered {
            op,
            to: self,
            registers,
        };
        lowered.lower(out)
    }
}

impl Lowered<'_, '_> {
    fn lower(&mut self, out: &mut Vec<Step>) -> Result<(), Complaint> {
        match self.op.form.name {
            "append-new" => {
                let (list, dst) = (self.slot("list"), self.to.slot(SCRATCH[0]));
                let shape = self.shape().unwrap_or(Shape::Node);
                self.fixed(
                    out,
                    &[Op::Alloc { dst, shape }, Op::Append { list, val: dst }],
                );
            }
            "ring" => self.ring(out)?,
            "chain" => {
                let (dst, size) = (self.slot("dst"), self.number("size", 1, NODES_MAX)?);
                let other = self.to.slot(SCRATCH[1]);
                // The links take turns between the two, and must end in `dst`.
                let (first, second) = if size.is_multiple_of(2) {
                    (other, dst)
                } else {
                    (dst, other)
                };
                let shape = Shape::Node;
                self.fixed(out, &[Op::Alloc { dst: first, shape }]);
                self.links(out, first, second, size - 1);
            }
            "erase" => match self.field() {
                AnyField::Fixed(field) => {
                    let obj = self.slot("obj");
                    self.fixed(out, &[Op::Erase { obj, field }]);
                }
                AnyField::Any => self.erase_any(out),
            },
            _ => {
                let step = match self.drawn()? {
                    Some(template) => template,
                    None => Step::Fixed(self.simple()?),
                };
                self.push(out, step);
            }
        }
        Ok(())
    }

    /// Operations with nothing to draw.
    fn simple(&mut self) -> Result<Op, Complaint> {
        Ok(match self.op.form.name {
            "alloc" => Op::Alloc {
                dst: self.slot("dst"),
                shape: self.shape().unwrap_or(Shape::Node),
            },
            "alloc-finalized" => Op::AllocFinalized {
                dst: self.slot("dst"),
                shape: self.shape().unwrap_or(Shape::Node),
                finalizer: match self.op.arg("mailbox") {
                    Some(_) => Finalizer::Resurrect(self.global()),
                    None => Finalizer::Witness,
                },
            },
            "copy" => Op::Copy {
                dst: self.slot("dst"),
                src: self.slot("src"),
            },
            "clear" => Op::Clear {
                slot: self.slot("slot"),
            },
            "peek" => Op::Peek {
                slot: self.slot("slot"),
            },
            "safepoint" => Op::Safepoint,
            "collect" => Op::Collect,
            "rejoin" => Op::Rejoin,
            "stall" => {
                let millis = self.number("ms", 1, STALL_MS_MAX)?;
                let millis = u32::try_from(millis).unwrap_or(u32::MAX);
                Op::Stall { millis }
            }
            "append" => Op::Append {
                list: self.slot("list"),
                val: self.slot("val"),
            },
            "len" => Op::Len {
                list: self.slot("list"),
                note_above: match self.op.arg("note_above") {
                    Some(_) => self.number("note_above", 0, ELEMENTS_MAX)?,
                    None => u64::MAX,
                },
            },
            "pop" => Op::Pop {
                dst: self.slot("dst"),
                list: self.slot("list"),
            },
            "add" => Op::Add {
                counter: self.slot("counter"),
                by: self.signed("by")?,
            },
            "read" => Op::Read {
                counter: self.slot("counter"),
            },
            "write-back" => Op::WriteBack {
                counter: self.slot("counter"),
                add: self.signed("add")?,
            },
            _ => self.global_or_weak(),
        })
    }

    fn global_or_weak(&mut self) -> Op {
        match self.op.form.name {
            "publish" => Op::Publish {
                global: self.global(),
                src: self.slot("src"),
            },
            "fetch" => Op::Fetch {
                dst: self.slot("dst"),
                global: self.global(),
            },
            "reload" => Op::Fetch {
                dst: self.slot("object"),
                global: self.global(),
            },
            "downgrade" => Op::Downgrade {
                dst: self.slot("dst"),
                src: self.slot("src"),
            },
            "upgrade" => Op::Upgrade {
                dst: self.slot("dst"),
                weak: self.slot("weak"),
            },
            other => unreachable!("`{other}` is in the table of forms and nowhere else"),
        }
    }

    /// Operations with something that may be drawn; fixed ones if it is not.
    fn drawn(&mut self) -> Result<Option<Step>, Complaint> {
        let template = match self.op.form.name {
            "get" => Template::Get {
                dst: self.slot("dst"),
                list: self.slot("list"),
                index: self.amount("index")?,
            },
            "set" => Template::Set {
                list: self.slot("list"),
                index: self.amount("index")?,
                val: self.slot("val"),
            },
            "truncate-front" => {
                let list = self.slot("list");
                match self.count_or_leave()? {
                    ("count", count) => Template::TruncateFront { list, count },
                    (_, leave) => Template::TruncateFrontTo { list, leave },
                }
            }
            "truncate-back" => {
                let list = self.slot("list");
                match self.count_or_leave()? {
                    ("count", count) => Template::TruncateBack { list, count },
                    (_, leave) => Template::TruncateBackTo { list, leave },
                }
            }
            "load" => Template::Load {
                dst: self.slot("dst"),
                obj: self.slot("obj"),
                field: self.field(),
            },
            "store" => Template::Store {
                obj: self.slot("obj"),
                field: self.field(),
                val: self.slot("val"),
            },
            _ => return Ok(None),
        };
        Ok(Some(match template.settled() {
            Some(op) => Step::Fixed(op),
            None => Step::Drawn(template),
        }))
    }

    /// The first node stays in a register while the others are linked behind it, so that the
    /// container of the last store is not what moves.
    fn ring(&mut self, out: &mut Vec<Step>) -> Result<(), Complaint> {
        let size = self.number("size", 1, NODES_MAX)?;
        let kept = self.op.arg("dst").is_some();
        let first = if kept {
            self.slot("dst")
        } else {
            self.to.slot(SCRATCH[2])
        };
        let (last, other) = (self.to.slot(SCRATCH[0]), self.to.slot(SCRATCH[1]));
        let shape = Shape::Node;
        self.fixed(
            out,
            &[
                Op::Alloc { dst: first, shape },
                Op::Copy {
                    dst: last,
                    src: first,
                },
            ],
        );
        let last = self.links(out, last, other, size - 1);
        let (obj, field, val) = (first, Field(0), last);
        self.fixed(out, &[Op::Store { obj, field, val }]);
        if !kept {
            self.fixed(out, &[Op::Clear { slot: first }]);
        }
        Ok(())
    }

    /// Adds `count` nodes in front of the node in `head`; says which register holds the last. Two
    /// take turns, which saves a copy for each node.
    fn links(&mut self, out: &mut Vec<Step>, head: Slot, other: Slot, count: u64) -> Slot {
        let (shape, field) = (Shape::Node, Field(0));
        let add = |dst: Slot, val: Slot| {
            let obj = dst;
            [Op::Alloc { dst, shape }, Op::Store { obj, field, val }]
        };
        if count >= 2 {
            self.to.place(self.op.span.clone(), Vec::new());
            let mut body = Vec::new();
            self.fixed(&mut body, &add(other, head));
            self.fixed(&mut body, &add(head, other));
            let times = Draw::Fixed(count / 2);
            out.push(Step::Repeat { times, body });
        }
        if count.is_multiple_of(2) {
            return head;
        }
        self.fixed(out, &add(other, head));
        other
    }

    fn erase_any(&mut self, out: &mut Vec<Step>) {
        let obj = self.slot("obj");
        self.to.place(self.op.span.clone(), Vec::new());
        let arms = [Field(0), Field(1)].map(|field| {
            let mut body = Vec::new();
            self.fixed(&mut body, &[Op::Erase { obj, field }]);
            Arm { weight: 1, body }
        });
        out.push(Step::Mix {
            times: Draw::Fixed(1),
            arms: arms.into(),
        });
    }
}

/// Reading the arguments, whose kinds were checked when the step was read.
impl Lowered<'_, '_> {
    fn fixed(&mut self, out: &mut Vec<Step>, ops: &[Op]) {
        for op in ops {
            self.push(out, Step::Fixed(*op));
        }
    }

    fn push(&mut self, out: &mut Vec<Step>, step: Step) {
        self.to.place(self.op.span.clone(), self.registers.clone());
        out.push(step);
    }

    fn slot(&mut self, key: &str) -> Slot {
        match self.op.arg(key) {
            Some((Arg::Register(name), _)) => self.to.slot(name),
            Some((Arg::Object(object), _)) => self.to.held_slot(*object),
            _ => unreachable!("`{key}` is a register"),
        }
    }

    fn shape(&self) -> Option<Shape> {
        match self.op.arg("shape")? {
            (Arg::Shape(shape), _) => Some(*shape),
            _ => None,
        }
    }

    fn field(&self) -> AnyField {
        match self.op.arg("field") {
            Some((Arg::Field(field), _)) => *field,
            _ => unreachable!("`field` is a field"),
        }
    }

    fn global(&self) -> Global {
        let number = match (self.op.arg("mailbox"), self.op.arg("object")) {
            (Some((Arg::Mailbox(number), _)), _) => self.to.objects.len() + number,
            (_, Some((Arg::Object(number), _))) => *number,
            _ => unreachable!("it has one of them"),
        };
        Global(u16::try_from(number).expect("their number is checked"))
    }

    fn amount(&self, key: &str) -> Result<Draw, Complaint> {
        match self.op.arg(key) {
            Some((Arg::Amount(amount), _)) => self.settle(amount, key),
            _ => unreachable!("`{key}` is an amount"),
        }
    }

    fn settle(&self, amount: &Amount, key: &str) -> Result<Draw, Complaint> {
        amount.settle(self.to.values, ELEMENTS_MAX, &format!("`{key}`"))
    }

    fn count_or_leave(&self) -> Result<(&'static str, Draw), Complaint> {
        match (self.op.arg("count"), self.op.arg("leave")) {
            (Some((Arg::Amount(count), _)), None) => Ok(("count", self.settle(count, "count")?)),
            (None, Some((Arg::Amount(leave), _))) => Ok(("leave", self.settle(leave, "leave")?)),
            _ => {
                let message = format!(
                    "`{}` needs one of `count` and `leave`, and not both",
                    self.op.form.name
                );
                Err(Complaint::new(self.op.span.clone(), message).hint(self.op.form.about))
            }
        }
    }

    fn number(&self, key: &str, low: u64, high: u64) -> Result<u64, Complaint> {
        match self.op.arg(key) {
            Some((Arg::Number(expr), _)) => {
                expr.within(self.to.values, low, high, &format!("`{key}`"))
            }
            _ => unreachable!("`{key}` is a number"),
        }
    }

    /// A number of either sign; 1 if it is not there.
    fn signed(&self, key: &str) -> Result<i64, Complaint> {
        match self.op.arg(key) {
            Some((Arg::Number(expr), _)) => expr.eval(self.to.values),
            _ => Ok(1),
        }
    }
}
