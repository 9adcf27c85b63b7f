//! How the programs of a plan use a shared list: what a check may conclude from its contents.

/// Which mutators do what to one shared list. Filled in when the plan is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListUsage {
    /// Mutators that append to it.
    pub appenders: Vec<u32>,
    /// Mutators that change it in any way.
    pub writers: Vec<u32>,
    /// Everything in it was appended right after it was made, by who made it, and nothing is ever
    /// put into its middle (`set`): each producer's elements stand in the producer's order.
    pub fresh_only: bool,
    /// While the program's rounds run, each appender makes objects for this list and for nothing
    /// else, and nothing but `del l[:n]` removes any: what is in it of one producer is a tail of
    /// all that this producer made, without a gap.
    pub gapless: bool,
    /// Somebody may change it (a counter, too) through another register than its own, where no
    /// mutator's tally sees it.
    pub aliased: bool,
    /// Somebody pops.
    pub pops: bool,
    /// Somebody sets.
    pub sets: bool,
    /// Somebody truncates from the front.
    pub truncates_front: bool,
    /// Somebody truncates from the back.
    pub truncates_back: bool,
}
