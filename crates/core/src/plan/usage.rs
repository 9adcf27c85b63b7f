//! How the programs of a plan use a shared list: what a check may conclude from its contents.

/// Which mutators do what to one shared list. Filled in when the plan is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListUsage {
    /// Mutators that append to it.
    pub appenders: Vec<u32>,
    /// Mutators that change it in any way.
    pub writers: Vec<u32>,
    /// Every element was appended right after it was made, by the mutator that made it, and nothing
    /// is ever put into the middle (`set`): so the elements of each producer are in the order in
    /// which it made them.
    pub fresh_only: bool,
    /// No object gets into it more than once: each is put in by the mutator that made it, with the
    /// reference that `alloc` left in the register, and not with a copy.
    pub once: bool,
    /// While the program's rounds run, each appender makes objects for this list only, and elements
    /// are removed only by `del l[:n]`: so the elements of each producer are the last ones that it
    /// made, without a gap.
    pub gapless: bool,
    /// A mutator may change the object (a list or a counter) through a register that does not hold
    /// it from the start, so that no tally counts the change.
    pub aliased: bool,
    /// A mutator pops from it.
    pub pops: bool,
    /// A mutator sets its elements.
    pub sets: bool,
    /// A mutator truncates it from the front.
    pub truncates_front: bool,
    /// A mutator truncates it from the back.
    pub truncates_back: bool,
}
