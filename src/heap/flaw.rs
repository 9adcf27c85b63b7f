//! Faults planted on purpose, to see that something catches them.
//!
//! A [`Fault`](super::Fault) is what a heap recognises about itself at run time; a *flaw* is one
//! small change for the worse that somebody asked for (`--fault NAME`, or a model). A heap that can
//! have flaws is generic over [`Flaws`]: with [`Flawless`], each question is a constant and costs
//! nothing, so the heap that is measured is the heap that ships. With a flaw it is another type.
//!
//! What is known here is a flaw's name and the change. Which heap can have it the heap says itself;
//! what should catch it is not a heap's business.

/// Which flaws a heap has.
pub trait Flaws: Copy + std::fmt::Debug + Send + Sync + 'static {
    /// Whether it has this one.
    fn has(self, flaw: Flaw) -> bool;
}

/// None at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flawless;

impl Flaws for Flawless {
    #[inline]
    fn has(self, _: Flaw) -> bool {
        false
    }
}

/// One, or none: what is known at run time only.
impl Flaws for Option<Flaw> {
    #[inline]
    fn has(self, flaw: Flaw) -> bool {
        self == Some(flaw)
    }
}

/// One table, from which the type, the names and the descriptions are made.
macro_rules! flaws {
    ($($variant:ident $name:literal: $change:literal;)*) => {
        /// One small change for the worse.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Flaw {
            $(#[doc = $change] $variant,)*
        }

        impl Flaw {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name on the command line and in results.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What is changed, in a line.
            pub fn change(self) -> &'static str {
                match self {
                    $(Self::$variant => $change,)*
                }
            }
        }
    };
}

flaws! {
    TrustHint "trust-hint": "an append believes the hint, and does not look at the slot below";
    LookBelowFirst "look-below-first": "an append looks at the slot below first and at the empty slot then";
    FastOnAnyStamp "fast-on-any-stamp": "an append's fast path takes any empty slot, not only an untouched one";
    LocalStamps "local-stamps": "stamps of empty slots are the old one plus one, and 0 below, not unique";
    NoHeadLoad "no-head-load": "an append does not look at the head";
    GetNotPassed "get-not-passed": "`get` is content with a head that did not pass its position";
    PlainSet "plain-set": "`set` exchanges the element without a record";
    ClampedTruncate "clamped-truncate": "`del l[:n]` with a large n uses the length it read";
    CompareCounts "compare-counts": "the collector compares counts, not words";
    NoGrace "no-grace-before-validation": "the collector does not wait for a grace period before it validates";
    RereadSlots "reread-slots": "the collector follows the slots of now when it validates";
    SoleByCount "sole-by-count": "a truncated element with count 1 is freed without a read-modify-write, shared or not";
    ClearOneByOne "clear-one-by-one": "the mark of a candidate is cleared one by one, as words are read";
    MoveIntoItself "move-into-itself": "a reference is moved into the very object that it names";
    NoVerdict "no-verdict": "condemned objects are killed one by one, without a verdict for all";
    ForgetSuspects "forget-suspects": "what was suspected and not freed is forgotten";
}

impl Flaw {
    /// The flaw of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|flaw| flaw.name() == name)
    }
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: each flaw has a name of its own, by which it is found.
    #[test]
    fn names_lead_back() {
        for &flaw in Flaw::ALL {
            assert_eq!(Flaw::named(flaw.name()), Some(flaw));
        }
        assert_eq!(Flaw::named(""), None);
    }
}
