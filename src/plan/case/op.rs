//! One operation in words: its name and what it works on, in the order of its fields.
//!
//! The names are those of [`OpKind`](crate::plan::OpKind), but for `erase` and `write-back`, as in
//! workloads.

use std::fmt::{self, Display, Formatter};

use crate::heap::{Field, Finalizer, Global, Shape, Slot};
use crate::plan::Op;

/// Every name, with the words that follow it.
pub(super) const FORMS: &[(&str, &str)] = &[
    ("alloc", "DST SHAPE"),
    ("alloc-finalized", "DST SHAPE [ROOT]"),
    ("copy", "DST SRC"),
    ("clear", "SLOT"),
    ("load", "DST OBJ FIELD"),
    ("store", "OBJ FIELD VAL"),
    ("erase", "OBJ FIELD"),
    ("peek", "SLOT"),
    ("safepoint", ""),
    ("collect", ""),
    ("append", "LIST VAL"),
    ("len", "LIST [above N]"),
    ("get", "DST LIST INDEX"),
    ("set", "LIST INDEX VAL"),
    ("pop", "DST LIST"),
    ("truncate-front", "LIST COUNT | LIST leave N"),
    ("truncate-back", "LIST COUNT | LIST leave N"),
    ("add", "COUNTER BY"),
    ("read", "COUNTER"),
    ("write-back", "COUNTER ADD"),
    ("publish", "ROOT SRC"),
    ("fetch", "DST ROOT"),
    ("downgrade", "DST SRC"),
    ("upgrade", "DST WEAK"),
    ("rejoin", ""),
    ("stall", "MILLIS"),
];

/// The longest stall, in milliseconds: as in workloads.
const STALL_MAX: u32 = 60_000;

/// The words of a line after the mutator's name, as they are read.
pub(super) trait Words {
    /// What is wrong with a word.
    type Error;
    /// `r0`, `r1`, …
    fn slot(&mut self) -> Result<Slot, Self::Error>;
    /// `g0`, `g1`, …
    fn root(&mut self) -> Result<Global, Self::Error>;
    /// `leaf`, `node`, `list`, `counter`
    fn shape(&mut self) -> Result<Shape, Self::Error>;
    /// 0 or 1
    fn field(&mut self) -> Result<Field, Self::Error>;
    /// A number from 0 to `most`.
    fn number(&mut self, most: u64) -> Result<u64, Self::Error>;
    /// A number of either sign.
    fn signed(&mut self) -> Result<i64, Self::Error>;
    /// Whether the line goes on; with this word, if one is given, which is then passed.
    fn goes_on(&mut self, with: Option<&str>) -> bool;
}

/// The operation of this name; `None` if there is none.
pub(super) fn read<W: Words>(name: &str, words: &mut W) -> Result<Option<Op>, W::Error> {
    if let Some(op) = read_object_op(name, words)? {
        return Ok(Some(op));
    }
    if let Some(op) = read_list_op(name, words)? {
        return Ok(Some(op));
    }
    read_other(name, words)
}

fn read_object_op<W: Words>(name: &str, words: &mut W) -> Result<Option<Op>, W::Error> {
    Ok(Some(match name {
        "alloc" => Op::Alloc {
            dst: words.slot()?,
            shape: words.shape()?,
        },
        "alloc-finalized" => Op::AllocFinalized {
            dst: words.slot()?,
            shape: words.shape()?,
            finalizer: if words.goes_on(None) {
                Finalizer::Resurrect(words.root()?)
            } else {
                Finalizer::Witness
            },
        },
        "copy" => Op::Copy {
            dst: words.slot()?,
            src: words.slot()?,
        },
        "clear" => Op::Clear {
            slot: words.slot()?,
        },
        "load" => Op::Load {
            dst: words.slot()?,
            obj: words.slot()?,
            field: words.field()?,
        },
        "store" => Op::Store {
            obj: words.slot()?,
            field: words.field()?,
            val: words.slot()?,
        },
        "erase" => Op::Erase {
            obj: words.slot()?,
            field: words.field()?,
        },
        "peek" => Op::Peek {
            slot: words.slot()?,
        },
        "safepoint" => Op::Safepoint,
        "collect" => Op::Collect,
        _ => return Ok(None),
    }))
}

fn read_list_op<W: Words>(name: &str, words: &mut W) -> Result<Option<Op>, W::Error> {
    Ok(Some(match name {
        "append" => Op::Append {
            list: words.slot()?,
            val: words.slot()?,
        },
        "len" => Op::Len {
            list: words.slot()?,
            note_above: if words.goes_on(Some("above")) {
                words.number(u64::MAX - 1)?
            } else {
                u64::MAX
            },
        },
        "get" => Op::Get {
            dst: words.slot()?,
            list: words.slot()?,
            index: index(words, u32::MAX)?,
        },
        "set" => Op::Set {
            list: words.slot()?,
            index: index(words, u32::MAX)?,
            val: words.slot()?,
        },
        "pop" => Op::Pop {
            dst: words.slot()?,
            list: words.slot()?,
        },
        "truncate-front" => {
            let list = words.slot()?;
            if words.goes_on(Some("leave")) {
                let leave = words.number(u64::MAX)?;
                Op::TruncateFrontTo { list, leave }
            } else {
                let count = words.number(u64::MAX)?;
                Op::TruncateFront { list, count }
            }
        }
        "truncate-back" => {
            let list = words.slot()?;
            if words.goes_on(Some("leave")) {
                let leave = words.number(u64::MAX)?;
                Op::TruncateBackTo { list, leave }
            } else {
                let count = words.number(u64::MAX)?;
                Op::TruncateBack { list, count }
            }
        }
        _ => return Ok(None),
    }))
}

fn read_other<W: Words>(name: &str, words: &mut W) -> Result<Option<Op>, W::Error> {
    Ok(Some(match name {
        "add" => Op::Add {
            counter: words.slot()?,
            by: words.signed()?,
        },
        "read" => Op::Read {
            counter: words.slot()?,
        },
        "write-back" => Op::WriteBack {
            counter: words.slot()?,
            add: words.signed()?,
        },
        "publish" => Op::Publish {
            global: words.root()?,
            src: words.slot()?,
        },
        "fetch" => Op::Fetch {
            dst: words.slot()?,
            global: words.root()?,
        },
        "downgrade" => Op::Downgrade {
            dst: words.slot()?,
            src: words.slot()?,
        },
        "upgrade" => Op::Upgrade {
            dst: words.slot()?,
            weak: words.slot()?,
        },
        "rejoin" => Op::Rejoin,
        "stall" => Op::Stall {
            millis: index(words, STALL_MAX)?,
        },
        _ => return Ok(None),
    }))
}

/// An index, or a number as small.
fn index<W: Words>(words: &mut W, most: u32) -> Result<u32, W::Error> {
    let number = words.number(most.into())?;
    Ok(u32::try_from(number).unwrap_or(most))
}

/// The name of a shape.
pub(super) fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Leaf => "leaf",
        Shape::Node => "node",
        Shape::List => "list",
        Shape::Counter => "counter",
    }
}

/// An operation in words.
pub(super) struct InWords(pub(super) Op);

impl Display for InWords {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Op::Alloc {
                dst: Slot(dst),
                shape,
            } => write!(f, "alloc r{dst} {}", shape_name(shape)),
            Op::AllocFinalized {
                dst: Slot(dst),
                shape,
                finalizer,
            } => {
                write!(f, "alloc-finalized r{dst} {}", shape_name(shape))?;
                match finalizer {
                    Finalizer::Witness => Ok(()),
                    Finalizer::Resurrect(Global(root)) => write!(f, " g{root}"),
                }
            }
            Op::Copy {
                dst: Slot(dst),
                src: Slot(src),
            } => write!(f, "copy r{dst} r{src}"),
            Op::Clear { slot: Slot(slot) } => write!(f, "clear r{slot}"),
            Op::Load {
                dst: Slot(dst),
                obj: Slot(obj),
                field: Field(field),
            } => write!(f, "load r{dst} r{obj} {field}"),
            Op::Store {
                obj: Slot(obj),
                field: Field(field),
                val: Slot(val),
            } => write!(f, "store r{obj} {field} r{val}"),
            Op::Erase {
                obj: Slot(obj),
                field: Field(field),
            } => write!(f, "erase r{obj} {field}"),
            Op::Peek { slot: Slot(slot) } => write!(f, "peek r{slot}"),
            Op::Safepoint => f.write_str("safepoint"),
            Op::Collect => f.write_str("collect"),
            Op::Add {
                counter: Slot(counter),
                by,
            } => write!(f, "add r{counter} {by}"),
            Op::Read {
                counter: Slot(counter),
            } => write!(f, "read r{counter}"),
            Op::WriteBack {
                counter: Slot(counter),
                add,
            } => write!(f, "write-back r{counter} {add}"),
            Op::Publish {
                global: Global(root),
                src: Slot(src),
            } => write!(f, "publish g{root} r{src}"),
            Op::Fetch {
                dst: Slot(dst),
                global: Global(root),
            } => write!(f, "fetch r{dst} g{root}"),
            Op::Downgrade {
                dst: Slot(dst),
                src: Slot(src),
            } => write!(f, "downgrade r{dst} r{src}"),
            Op::Upgrade {
                dst: Slot(dst),
                weak: Slot(weak),
            } => write!(f, "upgrade r{dst} r{weak}"),
            Op::Rejoin => f.write_str("rejoin"),
            Op::Stall { millis } => write!(f, "stall {millis}"),
            op => write_list_op(op, f),
        }
    }
}

fn write_list_op(op: Op, f: &mut Formatter<'_>) -> fmt::Result {
    match op {
        Op::Append {
            list: Slot(list),
            val: Slot(val),
        } => write!(f, "append r{list} r{val}"),
        Op::Len {
            list: Slot(list),
            note_above,
        } => match note_above {
            u64::MAX => write!(f, "len r{list}"),
            above => write!(f, "len r{list} above {above}"),
        },
        Op::Get {
            dst: Slot(dst),
            list: Slot(list),
            index,
        } => write!(f, "get r{dst} r{list} {index}"),
        Op::Set {
            list: Slot(list),
            index,
            val: Slot(val),
        } => write!(f, "set r{list} {index} r{val}"),
        Op::Pop {
            dst: Slot(dst),
            list: Slot(list),
        } => write!(f, "pop r{dst} r{list}"),
        Op::TruncateFront {
            list: Slot(list),
            count,
        } => write!(f, "truncate-front r{list} {count}"),
        Op::TruncateFrontTo {
            list: Slot(list),
            leave,
        } => write!(f, "truncate-front r{list} leave {leave}"),
        Op::TruncateBack {
            list: Slot(list),
            count,
        } => write!(f, "truncate-back r{list} {count}"),
        Op::TruncateBackTo {
            list: Slot(list),
            leave,
        } => write!(f, "truncate-back r{list} leave {leave}"),
        _ => unreachable!("only operations on lists come here"),
    }
}
