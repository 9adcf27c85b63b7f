//! Lowers one operation of a workload to operations of a plan.
//!
//! Operations that stand for several are expanded, but repetitions are not: a chain of a million
//! links is one [`Step::Repeat`] of four operations. When a cycle is made, the container of the
//! store stays in another register than the one whose reference moves, as heaps require.

use std::ops::Range;

use super::lower::Lowering;
use super::step::{Arg, OpNode};
use crate::diagnostic::Complaint;
use crate::heap::{Field, Finalizer, Global, Shape, Slot};
use crate::plan::{Arm, Draw, Op, Operands, STALL_MILLIS_MAX, Step, Template};

/// The maximum number of elements that an operation on a list may name: more than a heap has cells.
const ELEMENTS_MAX: u64 = u32::MAX as u64 - 1;

/// The maximum number of nodes of a ring or chain: as many as a heap may have objects.
const NODES_MAX: u64 = super::LIVE_MAX;

/// The registers that expanded operations use for themselves. Their names contain spaces, which
/// names in a workload do not.
const SCRATCH: [&str; 3] = ["the new object", "the other new object", "the ring"];

/// One operation, while it is being lowered.
struct Lowered<'a, 'b> {
    op: &'a OpNode,
    to: &'a mut Lowering<'b>,
    registers: Vec<(Slot, Range<usize>)>,
    /// The distribution of its number, if that is to be drawn.
    drawn: Option<Draw>,
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
            drawn: None,
        };
        lowered.lower(out)
    }
}

impl Lowered<'_, '_> {
    fn lower(&mut self, out: &mut Vec<Step>) -> Result<(), Complaint> {
        match self.op.form.name {
            "append-new" => {
                let (list, dst) = (self.register("list"), self.to.slot(SCRATCH[0]));
                let shape = self.shape("shape")?;
                self.fixed(
                    out,
                    &[Op::Alloc { dst, shape }, Op::Append { list, val: dst }],
                );
            }
            "reload" => {
                let Some((Arg::Object(object), _)) = self.op.arg("object") else {
                    unreachable!("`object` is an object");
                };
                let (dst, global) = (self.to.held_slot(*object), global(*object));
                self.fixed(out, &[Op::Fetch { dst, global }]);
            }
            "ring" => self.ring(out)?,
            "chain" => {
                let (dst, size) = (self.register("dst"), self.number("size", 1, NODES_MAX)?);
                let other = self.to.slot(SCRATCH[1]);
                // New nodes are made in the two registers by turns; the last one must be in `dst`.
                let (first, second) = if size.is_multiple_of(2) {
                    (other, dst)
                } else {
                    (dst, other)
                };
                let shape = Shape::Node;
                self.fixed(out, &[Op::Alloc { dst: first, shape }]);
                self.links(out, first, second, size - 1);
            }
            "erase" if self.any_field() => self.erase_any(out),
            name => {
                if matches!(name, "truncate-front" | "truncate-back") {
                    self.one_of_count_and_leave()?;
                }
                let op = Op::read(name, self)?;
                let op = op.unwrap_or_else(|| unreachable!("`{name}` is no operation"));
                let step = match self.drawn.take() {
                    Some(number) => Step::Drawn(Template { op, number }),
                    None => Step::Fixed(op),
                };
                self.push(out, step);
            }
        }
        Ok(())
    }

    /// Makes a ring. The first node stays in a register while the others are linked to it, so that
    /// the container of the last store is not in the register that moves.
    fn ring(&mut self, out: &mut Vec<Step>) -> Result<(), Complaint> {
        let size = self.number("size", 1, NODES_MAX)?;
        let kept = self.op.arg("dst").is_some();
        let first = if kept {
            self.register("dst")
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

    /// Adds `count` nodes in front of the node in `head`; returns the register that holds the last.
    /// Two registers are used by turns, which saves a copy for each node.
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
        let obj = self.register("obj");
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

/// How arguments are read. Their kinds were checked when the step was read.
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

    fn register(&mut self, key: &str) -> Slot {
        match self.op.arg(key) {
            Some((Arg::Register(name), _)) => self.to.slot(name),
            Some((Arg::Object(object), _)) => self.to.held_slot(*object),
            _ => unreachable!("`{key}` is a register"),
        }
    }

    fn any_field(&self) -> bool {
        let field = self.op.arg("field");
        !matches!(field, Some((Arg::Field(Draw::Fixed(_)), _)))
    }

    /// The number given for this key; if it is to be drawn, the distribution is kept, and 0 stands
    /// for the number.
    fn drawn_or_fixed(&mut self, key: &str) -> Result<u64, Complaint> {
        let draw = match self.op.arg(key) {
            Some((Arg::Amount(amount), _)) => {
                amount.settle(self.to.values, ELEMENTS_MAX, &format!("`{key}`"))?
            }
            Some((Arg::Field(field), _)) => *field,
            _ => unreachable!("`{key}` is a number or a field"),
        };
        match draw {
            Draw::Fixed(number) => Ok(number),
            Draw::Uniform { .. } | Draw::Geometric { .. } => {
                self.drawn = Some(draw);
                Ok(0)
            }
        }
    }

    fn one_of_count_and_leave(&mut self) -> Result<(), Complaint> {
        if self.has("count") != self.has("leave") {
            return Ok(());
        }
        let name = self.op.form.name;
        let message = format!("`{name}` needs one of `count` and `leave`, and not both");
        Err(Complaint::new(self.op.span.clone(), message).hint(self.op.form.about))
    }

    fn number(&self, key: &str, low: u64, high: u64) -> Result<u64, Complaint> {
        match self.op.arg(key) {
            Some((Arg::Number(expr), _)) => {
                expr.within(self.to.values, low, high, &format!("`{key}`"))
            }
            _ => unreachable!("`{key}` is a number"),
        }
    }
}

/// Operands by their keys, which have the names of the fields, except `mailbox` and `ms`.
impl Operands for Lowered<'_, '_> {
    type Error = Complaint;

    fn has(&mut self, key: &str) -> bool {
        self.op.arg(key).is_some()
    }

    fn slot(&mut self, key: &str) -> Result<Slot, Complaint> {
        Ok(self.register(key))
    }

    fn root(&mut self, _: &str) -> Result<Global, Complaint> {
        let number = match self.op.arg("mailbox") {
            Some((Arg::Mailbox(number), _)) => self.to.objects.len() + number,
            _ => unreachable!("`mailbox` is a mailbox"),
        };
        Ok(global(number))
    }

    /// A node, if no shape is given.
    fn shape(&mut self, key: &str) -> Result<Shape, Complaint> {
        match self.op.arg(key) {
            Some((Arg::Shape(shape), _)) => Ok(*shape),
            _ => Ok(Shape::Node),
        }
    }

    fn finalizer(&mut self, key: &str) -> Result<Finalizer, Complaint> {
        match self.has("mailbox") {
            true => Ok(Finalizer::Resurrect(self.root(key)?)),
            false => Ok(Finalizer::Witness),
        }
    }

    fn field(&mut self, key: &str) -> Result<Field, Complaint> {
        Ok(Field(u8::from(self.drawn_or_fixed(key)? != 0)))
    }

    fn index(&mut self, key: &str) -> Result<u32, Complaint> {
        Ok(u32::try_from(self.drawn_or_fixed(key)?).unwrap_or(u32::MAX))
    }

    fn count(&mut self, key: &str) -> Result<u64, Complaint> {
        self.drawn_or_fixed(key)
    }

    fn leave(&mut self, key: &str) -> Result<u64, Complaint> {
        self.drawn_or_fixed(key)
    }

    fn above(&mut self, key: &str) -> Result<u64, Complaint> {
        match self.has(key) {
            true => self.number(key, 0, ELEMENTS_MAX),
            false => Ok(u64::MAX),
        }
    }

    /// 1, if no number is given.
    fn signed(&mut self, key: &str) -> Result<i64, Complaint> {
        match self.op.arg(key) {
            Some((Arg::Number(expr), _)) => expr.eval(self.to.values),
            _ => Ok(1),
        }
    }

    fn millis(&mut self, _: &str) -> Result<u32, Complaint> {
        let millis = self.number("ms", 1, STALL_MILLIS_MAX.into())?;
        Ok(u32::try_from(millis).unwrap_or(STALL_MILLIS_MAX))
    }
}

fn global(number: usize) -> Global {
    Global(u16::try_from(number).expect("their number is checked"))
}
