//! Every operation that a step can name, with its keys: the vocabulary of the language.
//!
//! Operations of a plan have the same names as [there](crate::plan::Op::names). Besides them there
//! are `reload`, which is a `fetch`, and `append-new`, `ring` and `chain`, which are expanded to
//! several operations.

use crate::heap;
use crate::plan::{Needs, OpKind};

/// One operation's form.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    /// The name after `op =`.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The keys it takes.
    pub keys: &'static [Key],
    /// What it is expanded to, if it is no operation of a plan.
    made_of: &'static [OpKind],
}

impl Form {
    /// What a heap must be able to do, whatever the values of its keys.
    pub fn needs(&self) -> Needs {
        let kinds = OpKind::ALL.into_iter();
        let kinds = kinds.filter(|kind| {
            self.made_of.contains(kind)
                || self.made_of.is_empty() && kind.ops().contains(&self.name)
        });
        Needs {
            // No operation makes a cycle by itself; this is one.
            cycles: self.name == "ring",
            ..Needs::of(kinds)
        }
    }

    /// What it must be able to do besides, for some of these values.
    pub fn may_need(&self) -> Needs {
        let has = |kind| self.keys.iter().any(|key| key.kind == kind);
        let mut needs = Needs {
            globals: has(Mailbox),
            ..Needs::default()
        };
        if has(Shape) {
            heap::Shape::ALL
                .into_iter()
                .for_each(|shape| needs.add_shape(shape));
        }
        needs
    }
}

/// One key of an operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub kind: KeyKind,
    /// Whether it may be left out.
    pub presence: Presence,
}

/// Whether a key may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must be there.
    Needed,
    /// It may be left out.
    Optional,
}

/// What a key's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A register, or a shared object, that is read and keeps its reference.
    Read,
    /// A register whose reference moves away.
    Moved,
    /// A register that is written.
    Written,
    /// A shared object.
    Object,
    /// A mailbox.
    Mailbox,
    /// `leaf`, `node`, `list` or `counter`.
    Shape,
    /// 0, 1 or `any`, which draws one.
    Field,
    /// A number from 0, or a distribution of such numbers.
    Amount,
    /// A number from 0.
    Number,
    /// A number of either sign.
    Signed,
}

const fn key(name: &'static str, kind: KeyKind) -> Key {
    Key {
        name,
        kind,
        presence: Presence::Needed,
    }
}

const fn optional(name: &'static str, kind: KeyKind) -> Key {
    Key {
        name,
        kind,
        presence: Presence::Optional,
    }
}

const fn form(name: &'static str, about: &'static str, keys: &'static [Key]) -> Form {
    Form {
        name,
        about,
        keys,
        made_of: &[],
    }
}

const fn expanded(
    name: &'static str,
    about: &'static str,
    keys: &'static [Key],
    made_of: &'static [OpKind],
) -> Form {
    Form {
        made_of,
        ..form(name, about, keys)
    }
}

use KeyKind::{Amount, Field, Mailbox, Moved, Number, Object, Read, Shape, Signed, Written};

/// Every operation.
pub const FORMS: &[Form] = &[
    form(
        "alloc",
        "makes an object",
        &[key("dst", Written), key("shape", Shape)],
    ),
    form(
        "alloc-finalized",
        "makes an object with a finalizer, which publishes it in the `mailbox`, if one is given",
        &[
            key("dst", Written),
            key("shape", Shape),
            optional("mailbox", Mailbox),
        ],
    ),
    form(
        "copy",
        "makes `dst` refer to what `src` refers to, as well",
        &[key("dst", Written), key("src", Read)],
    ),
    form("clear", "empties a register", &[key("slot", Moved)]),
    form(
        "load",
        "makes `dst` refer to what a node's field refers to",
        &[key("dst", Written), key("obj", Read), key("field", Field)],
    ),
    form(
        "store",
        "moves `val` into a node's field",
        &[key("obj", Read), key("field", Field), key("val", Moved)],
    ),
    form(
        "erase",
        "empties a node's field",
        &[key("obj", Read), key("field", Field)],
    ),
    form(
        "peek",
        "reads an object's tag through the reference",
        &[key("slot", Read)],
    ),
    form("safepoint", "lets the heap hold the thread up", &[]),
    form("collect", "runs a full collection", &[]),
    form(
        "append",
        "moves `val` to the end of a list",
        &[key("list", Read), key("val", Moved)],
    ),
    form(
        "len",
        "reads a list's length; lengths above `note_above` are counted as `noted`",
        &[key("list", Read), optional("note_above", Number)],
    ),
    form(
        "get",
        "makes `dst` refer to a list's element",
        &[key("dst", Written), key("list", Read), key("index", Amount)],
    ),
    form(
        "set",
        "moves `val` to a place in a list",
        &[key("list", Read), key("index", Amount), key("val", Moved)],
    ),
    form(
        "pop",
        "moves a list's last element into `dst`",
        &[key("dst", Written), key("list", Read)],
    ),
    form(
        "truncate-front",
        "removes the first `count` elements, or all but the last `leave`",
        &[
            key("list", Read),
            optional("count", Amount),
            optional("leave", Amount),
        ],
    ),
    form(
        "truncate-back",
        "removes the last `count` elements, or all but the first `leave`",
        &[
            key("list", Read),
            optional("count", Amount),
            optional("leave", Amount),
        ],
    ),
    form(
        "add",
        "adds to a counter, as one operation",
        &[key("counter", Read), optional("by", Signed)],
    ),
    form(
        "read",
        "reads a counter into the thread's accumulator",
        &[key("counter", Read)],
    ),
    form(
        "write-back",
        "overwrites a counter with the accumulator plus `add`",
        &[key("counter", Read), optional("add", Signed)],
    ),
    form(
        "publish",
        "moves `src` into a mailbox",
        &[key("mailbox", Mailbox), key("src", Moved)],
    ),
    form(
        "fetch",
        "makes `dst` refer to what is in a mailbox",
        &[key("dst", Written), key("mailbox", Mailbox)],
    ),
    form(
        "downgrade",
        "makes `dst` a weak reference to what `src` refers to",
        &[key("dst", Written), key("src", Read)],
    ),
    form(
        "upgrade",
        "makes `dst` a strong reference again, unless the object died",
        &[key("dst", Written), key("weak", Read)],
    ),
    expanded(
        "append-new",
        "makes an object (a node unless `shape` says otherwise) and appends it",
        &[key("list", Read), optional("shape", Shape)],
        &[OpKind::Alloc, OpKind::Append],
    ),
    expanded(
        "reload",
        "fetches a shared object into its register again, as LOAD_GLOBAL does",
        &[key("object", Object)],
        &[OpKind::Fetch],
    ),
    expanded(
        "ring",
        "makes a cycle of `size` nodes (1: a node that refers to itself), and drops it unless \
         there is a `dst`",
        &[key("size", Number), optional("dst", Written)],
        &[OpKind::Alloc, OpKind::Copy, OpKind::Clear, OpKind::Store],
    ),
    expanded(
        "chain",
        "makes `size` nodes, each referring to the one before; `dst` holds the last",
        &[key("size", Number), key("dst", Written)],
        &[OpKind::Alloc, OpKind::Store],
    ),
    form(
        "rejoin",
        "leaves the heap, which empties every register, and comes back; shared objects are then in \
         their registers again",
        &[],
    ),
    form(
        "stall",
        "does nothing for `ms` milliseconds, without a safepoint: whatever the thread holds, it \
         keeps meanwhile",
        &[key("ms", Number)],
    ),
];

/// The form with this name.
pub(super) fn find(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Op, OpSource, ProgramPart};
    use crate::workload::Workload;
    use std::collections::BTreeSet;

    /// Goal: a workload can name every operation that a case can, and besides them only those that
    /// are made of them.
    #[test]
    fn names_are_those_of_operations() {
        let plain = FORMS.iter().filter(|form| form.made_of.is_empty());
        let mut forms: Vec<&str> = plain.map(|form| form.name).collect();
        let mut names = Op::names();
        forms.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, forms);
    }

    fn kinds_of(step: &str) -> BTreeSet<OpKind> {
        let text = format!(
            "summary = \"x\"\n[objects]\nlist = \"list\"\n[limits]\nlive_objects = 100\n\
             [[threads]]\nname = \"a\"\nloop = [{{ {step} }}]\n"
        );
        let workload = Workload::parse("one.toml", text.as_str()).expect("a workload");
        let plan = workload.plan(&[], 1).expect("a plan");
        let mut source = OpSource::new(&plan.mutators[0], 1, 0, ProgramPart::Rounds, Some(1));
        let mut kinds = BTreeSet::new();
        while let Some(batch) = source.next_batch() {
            kinds.extend(batch.ops.iter().map(Op::kind));
        }
        kinds
    }

    /// Goal: what is expanded to several operations needs what these need, and is made of no others.
    #[test]
    fn what_is_expanded_needs_what_it_is_made_of() {
        for (step, name) in [
            ("op = \"append-new\", list = \"list\"", "append-new"),
            ("op = \"reload\", object = \"list\"", "reload"),
            ("op = \"ring\", size = 4", "ring"),
            ("op = \"chain\", size = 4, dst = \"x\"", "chain"),
        ] {
            let form = find(name).expect("it is there");
            let made_of: BTreeSet<_> = form.made_of.iter().copied().collect();
            assert_eq!(kinds_of(step), made_of, "{name}");
        }
    }
}
