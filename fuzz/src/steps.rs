//! Bytes as a program, so that whatever a fuzzer does to them leaves one.
//!
//! Three bytes say how many mutators, registers and roots there are; then every four bytes are a
//! turn: what is done, by whom and to which register, and two operands that mean what the operation
//! takes. A byte that is changed changes one operand, and bytes that are cut out are turns that are
//! left out.

use gcstorm::fuzz::check_steps;
use gcstorm::heap::counted::open_gil;
use gcstorm::heap::{Field, Finalizer, Global, Shape, Slot, lock_free};
use gcstorm::plan::case::Shared;
use gcstorm::plan::{Case, Op, Turn};

/// More turns find nothing that fewer do not, and take their time.
const TURNS_MAX: usize = 256;
/// Room beyond what the turns can fill: heaps hand it out by the chunk.
const SPARE_ROOM: u32 = 16;
/// Shared objects: a list and a counter.
const SHARED: u16 = 2;

/// A program, on both heaps, against the model.
pub fn steps(bytes: &[u8]) {
    let Some(case) = decode(bytes) else {
        return;
    };
    let judged = check_steps(|config| Ok(open_gil(config)), &case);
    judged.unwrap_or_else(|wrong| panic!("gil: {wrong}"));
    let judged = check_steps(|config| Ok(lock_free::open(config)), &case);
    judged.unwrap_or_else(|wrong| panic!("lock-free: {wrong}"));
}

/// The program that these bytes say; `None` if they are too few.
fn decode(bytes: &[u8]) -> Option<Case> {
    let (&[mutators, registers, roots], turns) = bytes.split_first_chunk()?;
    let (mutators, registers) = (1 + u32::from(mutators) % 3, 2 + u32::from(registers) % 5);
    let roots = SHARED + 1 + u16::from(roots) % 3;
    let turns = turns.chunks_exact(4).take(TURNS_MAX);
    let room = u32::try_from(turns.len()).unwrap_or(u32::MAX);
    let mut case = Case::of_mutators(mutators, registers, roots, room + SPARE_ROOM);
    for (name, shape) in [("l", Shape::List), ("c", Shape::Counter)] {
        let name = name.to_owned();
        case.shared.push(Shared { name, shape });
    }
    for mutator in &mut case.mutators {
        mutator.held = vec![(Slot(0), 0), (Slot(1), 1)];
    }
    let read = turns.map(|turn| {
        let whom = u32::from(turn[1]);
        let dst = Slot(whom / 4 % registers);
        Turn {
            mutator: whom % 4 % mutators,
            op: Operands::new(dst, turn[2], turn[3], registers, roots).op(turn[0]),
        }
    });
    case.turns = read.collect();
    Some(case)
}

/// What the bytes of a turn can mean.
struct Operands {
    dst: Slot,
    src: Slot,
    /// The second operand as a register.
    val: Slot,
    shape: Shape,
    field: Field,
    root: Global,
    /// One that no shared object is in.
    mailbox: Global,
    number: u8,
}

impl Operands {
    fn new(dst: Slot, first: u8, second: u8, registers: u32, roots: u16) -> Self {
        Self {
            dst,
            src: Slot(u32::from(first) % registers),
            val: Slot(u32::from(second) % registers),
            shape: [Shape::Leaf, Shape::Node, Shape::List, Shape::Counter][usize::from(first % 4)],
            field: Field(second % 2),
            root: Global(u16::from(first) % roots),
            mailbox: Global(SHARED + u16::from(second) % (roots - SHARED)),
            number: second,
        }
    }

    fn op(&self, kind: u8) -> Op {
        let Self {
            dst,
            src,
            val,
            shape,
            field,
            root: global,
            mailbox,
            number,
        } = *self;
        match kind % 28 {
            0 => Op::Alloc { dst, shape },
            1 | 2 => Op::AllocFinalized {
                dst,
                shape,
                finalizer: match kind % 28 {
                    1 => Finalizer::Witness,
                    _ => Finalizer::Resurrect(mailbox),
                },
            },
            3 => Op::Copy { dst, src },
            4 => Op::Clear { slot: dst },
            5 => Op::Load {
                dst,
                obj: src,
                field,
            },
            6 => Op::Store {
                obj: src,
                field,
                val: dst,
            },
            7 => Op::Erase { obj: src, field },
            8 => Op::Peek { slot: dst },
            9 => Op::Collect,
            10 => Op::Publish {
                global: mailbox,
                src: dst,
            },
            11 => Op::Fetch { dst, global },
            12 => Op::Downgrade { dst, src },
            13 => Op::Upgrade { dst, weak: src },
            14 => Op::Rejoin,
            15 => Op::Safepoint,
            kind => Self::on_contents(kind, dst, src, val, number),
        }
    }

    /// What is done to lists and counters.
    fn on_contents(kind: u8, dst: Slot, list: Slot, val: Slot, number: u8) -> Op {
        let (counter, index) = (list, u32::from(number) % 8);
        let (count, leave, by) = (
            u64::from(number % 8),
            u64::from(number % 8),
            i64::from(number) - 128,
        );
        match kind {
            16 | 17 => Op::Append { list, val: dst },
            18 => Op::Len {
                list,
                note_above: u64::MAX,
            },
            19 => Op::Get { dst, list, index },
            20 => Op::Set { list, index, val },
            21 => Op::Pop { dst, list },
            22 => Op::TruncateFront { list, count },
            23 => Op::TruncateFrontTo { list, leave },
            24 => Op::TruncateBack { list, count },
            25 => Op::TruncateBackTo { list, leave },
            26 => Op::Add { counter, by },
            _ if number.is_multiple_of(2) => Op::Read { counter },
            _ => Op::WriteBack { counter, add: by },
        }
    }
}
