//! The end: what is there is what the model has, and nothing else.

use super::Wrong;
use super::state::{Model, Register};
use crate::evidence::{Anomalies, Emptied, Name, Seen, Settled, Trace};
use crate::heap::Census;

/// How many differences are told.
const TOLD: usize = 3;

impl Model<'_> {
    /// Judges what was found when all turns were done, and when all was let go of.
    pub(super) fn end(&self, trace: &Trace) -> Result<(), Wrong> {
        if let Some(settled) = &trace.settled {
            self.settled(settled, trace)?;
        }
        match &trace.emptied {
            Some(emptied) => self::emptied(emptied, trace, |name| {
                !trace.caps.cycles && self.is_held(name, &emptied.alive)
            }),
            None => Ok(()),
        }
    }

    fn settled(&self, settled: &Settled, trace: &Trace) -> Result<(), Wrong> {
        defectless(settled)?;
        let expected = self.picture();
        if expected != settled.picture {
            let different = settled
                .picture
                .differences(&expected, "the heap", "the model", TOLD);
            return Err(Wrong::new("conservation", different.join("; ")));
        }
        if trace.caps.certifies_death {
            self.complete(trace.caps.cycles)?;
        }
        self.upgrades(settled)?;
        self.stored_counts(settled)?;
        settled.census.as_ref().map_or(Ok(()), leftovers)
    }

    /// Nothing that cannot be reached is alive; but where cycles are not reclaimed, what others of that
    /// kind refer to may be: programs close cycles by chance.
    fn complete(&self, cycles: bool) -> Result<(), Wrong> {
        let reached = self.reached(&self.roots);
        let counts = self.counts();
        let mut kept = self.objects.iter().zip(reached).zip(counts);
        let kept = kept
            .find(|((object, reached), count)| !reached && !object.dead && (cycles || *count == 0));
        match kept {
            None => Ok(()),
            Some(((object, _), _)) => {
                let text = format!("{} is unreachable, and kept", object.name);
                Err(Wrong::new("completeness", text))
            }
        }
    }

    /// Every weak reference whose target is reachable was won, and of the others at most those whose
    /// target lives on as garbage, which a heap that does not certify deaths may leave.
    fn upgrades(&self, settled: &Settled) -> Result<(), Wrong> {
        let reached = self.reached(&self.roots);
        let mut won = settled.upgrades.iter();
        for (mutator, file) in (0..).zip(&self.registers) {
            for (slot, register) in (0..).zip(file) {
                let Register::Weak(target, made_finalized) = *register else {
                    continue;
                };
                let name = self.objects[target].name;
                let should = reached[target] && self.stands(target, made_finalized);
                let place = |won: &&(u32, u32, Seen)| (won.0, won.1) == (mutator, slot);
                let led_to = won.clone().next().filter(place).map(|won| won.2);
                if led_to.is_some() {
                    won.next();
                }
                let is_left = !reached[target] && self.stands(target, made_finalized);
                let is_it = led_to == Some(Seen::Object(name));
                if !(is_left && is_it) && led_to != should.then_some(Seen::Object(name)) {
                    let what = match (led_to, should) {
                        (None, _) => "was cleared, but it is reachable",
                        (Some(_), true) => "was upgraded to something else",
                        (Some(_), false) => "was upgraded, but it is dead or was finalized since",
                    };
                    return Err(Wrong::new(
                        "weak",
                        format!("a weak reference to {name} {what}"),
                    ));
                }
            }
        }
        match won.next() {
            None => Ok(()),
            Some((mutator, slot, _)) => {
                let text = format!(
                    "register {slot} of mutator {mutator} was upgraded, and holds no weak reference"
                );
                Err(Wrong::new("weak", text))
            }
        }
    }

    /// Whether one of these refers to an object.
    fn is_held(&self, name: Name, by: &[Name]) -> bool {
        let mut holders = by.iter().filter_map(|holder| self.named(*holder));
        self.named(name).is_some_and(|object| {
            holders.any(|holder| self.objects[holder].refs.contains(&Some(object)))
        })
    }

    /// Stored counts are the references that there are.
    fn stored_counts(&self, settled: &Settled) -> Result<(), Wrong> {
        let counts = self.counts();
        for &(name, count) in &settled.counts {
            let Some(object) = self.named(name) else {
                continue;
            };
            if !self.objects[object].dead && counts[object] != count {
                let found = counts[object];
                let text = format!("{name} has count {count}, and {found} references");
                return Err(Wrong::new("refcounts", text));
            }
        }
        Ok(())
    }
}

/// What was walked at the end led to nothing that is broken.
fn defectless(settled: &Settled) -> Result<(), Wrong> {
    if let Some(defect) = &settled.defect {
        return Err(Wrong::defect(defect));
    }
    nothing("dangling", &settled.dangling)?;
    nothing("premature", &settled.premature)?;
    match &settled.incomplete {
        None => Ok(()),
        Some(why) => Err(Wrong::new("length", why)),
    }
}

/// What must hold of a heap that has settled, whatever is there.
pub(super) fn sound(settled: &Settled) -> Result<(), Wrong> {
    defectless(settled)?;
    settled.census.as_ref().map_or(Ok(()), leftovers)
}

/// Judges what was left when all was let go of; what is excused may be alive.
pub(super) fn emptied(
    emptied: &Emptied,
    trace: &Trace,
    is_excused: impl Fn(Name) -> bool,
) -> Result<(), Wrong> {
    if let Some(defect) = &emptied.defect {
        return Err(Wrong::defect(defect));
    }
    for (check, count, what) in [
        ("double-free", emptied.died_twice, "deaths of the dead"),
        ("finalizers", emptied.finalized_twice, "finalizers too many"),
        (
            "finalizers",
            emptied.unfinalized,
            "deaths without the finalizer that was due",
        ),
    ] {
        if count > 0 {
            return Err(Wrong::new(check, format!("{count} {what}")));
        }
    }
    let mut alive = emptied.alive.iter().copied();
    if let Some(name) = alive.find(|name| !is_excused(*name))
        && trace.caps.certifies_death
    {
        let text = format!("{name} is alive when nothing is reachable");
        return Err(Wrong::new("completeness", text));
    }
    emptied.census.as_ref().map_or(Ok(()), leftovers)
}

/// Nothing is left of the collector's own, and nobody wrote into what is free.
fn leftovers(census: &Census) -> Result<(), Wrong> {
    if census.spoiled > 0 {
        let text = format!("{} freed cells were written to", census.spoiled);
        return Err(Wrong::new("poison", text));
    }
    match census.leftovers.iter().find(|left| left.count > 0) {
        None => Ok(()),
        Some(left) => {
            let text = format!("found {} {}", left.count, left.what);
            Err(Wrong::new("collector-state", text))
        }
    }
}

fn nothing(check: &'static str, finding: &Anomalies) -> Result<(), Wrong> {
    match finding.first.first() {
        None => Ok(()),
        Some(text) => Err(Wrong::new(check, text)),
    }
}
