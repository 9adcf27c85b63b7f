//! Reads an operation, from a line of a case or from a step of a workload.

use super::Op;
use super::op::each_op;
use crate::heap::{Field, Finalizer, Global, Shape, Slot};

/// The longest stall, in milliseconds: a minute, which is longer than any scheduler suspends a
/// thread.
pub(crate) const STALL_MILLIS_MAX: u32 = 60_000;

/// Where the operands of one operation are read from, in the order of its fields. Each is asked for
/// by the field's name.
pub(crate) trait Operands {
    /// What is wrong with an operand.
    type Error;
    /// Whether there is an operand of this name, or an operand that begins with this word.
    fn has(&mut self, key: &str) -> bool;
    /// A register.
    fn slot(&mut self, key: &str) -> Result<Slot, Self::Error>;
    /// A shared root.
    fn root(&mut self, key: &str) -> Result<Global, Self::Error>;
    /// A shape.
    fn shape(&mut self, key: &str) -> Result<Shape, Self::Error>;
    /// The shared root in which a finalizer resurrects its object, if there is one.
    fn finalizer(&mut self, key: &str) -> Result<Finalizer, Self::Error>;
    /// A field of a node.
    fn field(&mut self, key: &str) -> Result<Field, Self::Error>;
    /// A place in a list.
    fn index(&mut self, key: &str) -> Result<u32, Self::Error>;
    /// How many elements.
    fn count(&mut self, key: &str) -> Result<u64, Self::Error>;
    /// How many elements to leave.
    fn leave(&mut self, key: &str) -> Result<u64, Self::Error>;
    /// The length above which a read length is counted; `u64::MAX` if none is given.
    fn above(&mut self, key: &str) -> Result<u64, Self::Error>;
    /// A number of either sign.
    fn signed(&mut self, key: &str) -> Result<i64, Self::Error>;
    /// From 1 to [`STALL_MILLIS_MAX`] milliseconds.
    fn millis(&mut self, key: &str) -> Result<u32, Self::Error>;
}

macro_rules! define_read {
    (
        kinds { $($kind:tt)* }
        ops { $(
            $(#[$doc:meta])*
            $op:ident: $of:ident $name:literal $(if $with:ident)? $(unless $without:ident)?
            $({ $($field:ident: $type:ty = $how:ident),* })?,
        )* }
    ) => {
        impl Op {
            /// Reads the operation of this name; `None` if there is none.
            pub(crate) fn read<O: Operands>(name: &str, from: &mut O) -> Result<Option<Self>, O::Error> {
                $(
                    if name == $name
                        $(&& from.has(stringify!($with)))?
                        $(&& !from.has(stringify!($without)))?
                    {
                        return Ok(Some(Self::$op $({ $($field: from.$how(stringify!($field))?),* })?));
                    }
                )*
                Ok(None)
            }
        }
    };
}
each_op!(define_read);
