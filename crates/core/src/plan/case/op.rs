//! One operation in words: its name and its operands, in the order of its fields.

use std::fmt::{self, Display, Formatter};

use crate::plan::Op;
use crate::plan::op::each_op;

/// An operation in words.
pub(super) struct InWords(pub(super) Op);

macro_rules! define_write {
    (
        kinds { $($kind:tt)* }
        ops { $(
            $(#[$doc:meta])*
            $op:ident: $of:ident $name:literal $(if $with:ident)? $(unless $without:ident)?
            $({ $($field:ident: $type:ty = $how:ident),* })?,
        )* }
    ) => {
        impl Display for InWords {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $(Op::$op $({ $($field),* })? => {
                        f.write_str($name)?;
                        $($(write::$how(f, $field)?;)*)?
                        Ok(())
                    })*
                }
            }
        }
    };
}
each_op!(define_write);

/// Each kind of operand in words.
mod write {
    use std::fmt::{Formatter, Result};

    use crate::heap::{Field, Finalizer, Global, Shape, Slot};

    pub(super) fn slot(f: &mut Formatter<'_>, Slot(slot): Slot) -> Result {
        write!(f, " r{slot}")
    }

    pub(super) fn root(f: &mut Formatter<'_>, Global(root): Global) -> Result {
        write!(f, " g{root}")
    }

    pub(super) fn shape(f: &mut Formatter<'_>, shape: Shape) -> Result {
        write!(f, " {}", shape.name())
    }

    pub(super) fn finalizer(f: &mut Formatter<'_>, finalizer: Finalizer) -> Result {
        match finalizer {
            Finalizer::Witness => Ok(()),
            Finalizer::Resurrect(global) => root(f, global),
        }
    }

    pub(super) fn field(f: &mut Formatter<'_>, Field(field): Field) -> Result {
        write!(f, " {field}")
    }

    pub(super) fn index(f: &mut Formatter<'_>, index: u32) -> Result {
        write!(f, " {index}")
    }

    pub(super) fn count(f: &mut Formatter<'_>, count: u64) -> Result {
        write!(f, " {count}")
    }

    pub(super) fn leave(f: &mut Formatter<'_>, leave: u64) -> Result {
        write!(f, " leave {leave}")
    }

    pub(super) fn above(f: &mut Formatter<'_>, above: u64) -> Result {
        match above {
            u64::MAX => Ok(()),
            above => write!(f, " above {above}"),
        }
    }

    pub(super) fn signed(f: &mut Formatter<'_>, number: i64) -> Result {
        write!(f, " {number}")
    }

    pub(super) fn millis(f: &mut Formatter<'_>, millis: u32) -> Result {
        write!(f, " {millis}")
    }
}
