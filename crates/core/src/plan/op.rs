//! One operation of one mutator: sixteen bytes that mirror the heap's contract.
//!
//! The table below is the only list of operations: the type, its kinds, their names, and how an
//! operation is [read](super::operands) and [written](super::case::text) are made from it.

use crate::heap::{Field, Finalizer, Global, Shape, Slot};

/// Hands the table to the macro `$then`.
///
/// First come the kinds of operations, by which latencies are recorded, with their names in tables
/// and results. Then comes each operation: its kind, its name in workloads and cases, and its
/// operands, each with the function that reads and writes it. Where two operations have the same
/// name, `if KEY` and `unless KEY` tell them apart.
macro_rules! each_op {
    ($then:ident) => {
        $then! {
            kinds {
                Alloc "alloc",
                AllocFinalized "alloc-finalized",
                Copy "copy",
                Clear "clear",
                Load "load",
                Store "store",
                Peek "peek",
                Safepoint "safepoint",
                Collect "collect",
                Append "append",
                Len "len",
                Get "get",
                Set "set",
                Pop "pop",
                TruncateFront "truncate-front",
                TruncateBack "truncate-back",
                Add "add",
                Read "read",
                Write "write",
                Publish "publish",
                Fetch "fetch",
                Downgrade "downgrade",
                Upgrade "upgrade",
                Rejoin "rejoin",
                Stall "stall",
            }
            ops {
                Alloc: Alloc "alloc" { dst: Slot = slot, shape: Shape = shape },
                /// `alloc_with_finalizer`
                AllocFinalized: AllocFinalized "alloc-finalized" {
                    dst: Slot = slot, shape: Shape = shape, finalizer: Finalizer = finalizer
                },
                Copy: Copy "copy" { dst: Slot = slot, src: Slot = slot },
                Clear: Clear "clear" { slot: Slot = slot },
                Load: Load "load" { dst: Slot = slot, obj: Slot = slot, field: Field = field },
                Store: Store "store" { obj: Slot = slot, field: Field = field, val: Slot = slot },
                /// `store` of nothing.
                Erase: Store "erase" { obj: Slot = slot, field: Field = field },
                Peek: Peek "peek" { slot: Slot = slot },
                Safepoint: Safepoint "safepoint",
                Collect: Collect "collect",
                Append: Append "append" { list: Slot = slot, val: Slot = slot },
                /// `len`; lengths above `note_above` are counted (`u64::MAX`: none are).
                Len: Len "len" { list: Slot = slot, note_above: u64 = above },
                Get: Get "get" { dst: Slot = slot, list: Slot = slot, index: u32 = index },
                Set: Set "set" { list: Slot = slot, index: u32 = index, val: Slot = slot },
                Pop: Pop "pop" { dst: Slot = slot, list: Slot = slot },
                TruncateFront: TruncateFront "truncate-front" unless leave {
                    list: Slot = slot, count: u64 = count
                },
                /// `del l[:len(l) - leave]`, as two operations of the heap: `len`, then
                /// `truncate_front`.
                TruncateFrontTo: TruncateFront "truncate-front" if leave {
                    list: Slot = slot, leave: u64 = leave
                },
                TruncateBack: TruncateBack "truncate-back" unless leave {
                    list: Slot = slot, count: u64 = count
                },
                /// `del l[leave:]`, as two operations of the heap: `len`, then `truncate_back`.
                TruncateBackTo: TruncateBack "truncate-back" if leave {
                    list: Slot = slot, leave: u64 = leave
                },
                Add: Add "add" { counter: Slot = slot, by: i64 = signed },
                /// `read` into the mutator's accumulator.
                Read: Read "read" { counter: Slot = slot },
                /// `write` of the accumulator plus `add`.
                WriteBack: Write "write-back" { counter: Slot = slot, add: i64 = signed },
                Publish: Publish "publish" { global: Global = root, src: Slot = slot },
                Fetch: Fetch "fetch" { dst: Slot = slot, global: Global = root },
                Downgrade: Downgrade "downgrade" { dst: Slot = slot, src: Slot = slot },
                Upgrade: Upgrade "upgrade" { dst: Slot = slot, weak: Slot = slot },
                /// The mutator leaves the heap, which empties all its registers, and attaches anew;
                /// then the shared objects it holds are fetched again.
                Rejoin: Rejoin "rejoin",
                /// The mutator does nothing for this time, in the middle of an operation: it
                /// reaches no safepoint, and keeps locks and pins that hold others up.
                Stall: Stall "stall" { millis: u32 = millis },
            }
        }
    };
}
pub(super) use each_op;

macro_rules! define {
    (
        kinds { $($kind:ident $kind_name:literal,)* }
        ops { $(
            $(#[$doc:meta])*
            $op:ident: $of:ident $name:literal $(if $with:ident)? $(unless $without:ident)?
            $({ $($field:ident: $type:ty = $how:ident),* })?,
        )* }
    ) => {
        /// What a mutator does next. See [`Mutator`](crate::heap::Mutator) for what each means;
        /// those that are not its methods are described here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the fields are those of the method of the same name")]
        pub enum Op { $( $(#[$doc])* $op $({ $($field: $type),* })?, )* }

        /// The kind of an operation, by which latencies are recorded.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "named like the operations")]
        #[repr(u8)]
        pub enum OpKind { $($kind,)* }

        impl OpKind {
            /// Every kind, in the order of their numbers.
            pub const ALL: [Self; [$($kind_name),*].len()] = [$(Self::$kind),*];

            /// The name in tables and results.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $kind_name,)* }
            }

            /// The operations of this kind, by their names in workloads and cases.
            pub fn ops(self) -> Vec<&'static str> {
                let all = [$((Self::$of, $name)),*].into_iter();
                let mut ops: Vec<_> = all.filter(|op| op.0 == self).map(|op| op.1).collect();
                ops.dedup();
                ops
            }
        }

        impl Op {
            /// The names in workloads and cases, in the order of the table.
            pub fn names() -> Vec<&'static str> {
                let mut names = vec![$($name),*];
                names.dedup();
                names
            }

            /// What its latency is recorded as.
            #[inline]
            pub fn kind(&self) -> OpKind {
                match self { $(Self::$op { .. } => OpKind::$of,)* }
            }
        }
    };
}
each_op!(define);

const _: () = assert!(size_of::<Op>() <= 16);

impl Op {
    /// The register whose reference the operation replaces or moves away. No operation changes two,
    /// except that `Rejoin` changes all of them and is not counted here.
    pub fn changes(&self) -> Option<Slot> {
        match *self {
            Self::Alloc { dst, .. }
            | Self::AllocFinalized { dst, .. }
            | Self::Copy { dst, .. }
            | Self::Clear { slot: dst }
            | Self::Load { dst, .. }
            | Self::Store { val: dst, .. }
            | Self::Append { val: dst, .. }
            | Self::Get { dst, .. }
            | Self::Set { val: dst, .. }
            | Self::Pop { dst, .. }
            | Self::Publish { src: dst, .. }
            | Self::Fetch { dst, .. }
            | Self::Downgrade { dst, .. }
            | Self::Upgrade { dst, .. } => Some(dst),
            Self::Erase { .. }
            | Self::Peek { .. }
            | Self::Safepoint
            | Self::Collect
            | Self::Len { .. }
            | Self::TruncateFront { .. }
            | Self::TruncateFrontTo { .. }
            | Self::TruncateBack { .. }
            | Self::TruncateBackTo { .. }
            | Self::Add { .. }
            | Self::Read { .. }
            | Self::WriteBack { .. }
            | Self::Rejoin
            | Self::Stall { .. } => None,
        }
    }

    /// Whether the operation concerns the mutator's seat or thread and not objects. The run does
    /// such an operation itself, and it is alone in its [`Batch`](super::Batch).
    pub fn stands_alone(&self) -> bool {
        matches!(self, Self::Rejoin | Self::Stall { .. })
    }
}
