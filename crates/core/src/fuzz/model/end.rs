//! Judges the end of a case: the heap must contain exactly what the model contains.

use super::Wrong;
use super::state::{Model, Register};
use crate::evidence::{Anomalies, Emptied, Name, Seen, Settled, Trace};
use crate::heap::Census;

/// How many differences are listed.
const TOLD: usize = 3;

impl Model<'_> {
    /// Judges what was found when all turns were done, and when all references had been dropped.
    pub(super) fn end(&self, trace: &Trace) -> Result<(), Wrong> {
        if let Some(settled) = &trace.settled {
            self.settled(settled, trace)?;
        }
        if let Some(emptied) = &trace.emptied {
            self::emptied(emptied, trace, |name| {
                !trace.caps.cycles && self.is_held(name, &emptied.alive)
            })?;
        }
        trace.settled.as_ref().map_or(Ok(()), listed)
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

    /// No unreachable object may be alive. In a heap that does not reclaim cycles, an unreachable
    /// object may be alive if another living object refers to it: random programs close cycles by
    /// chance.
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

    /// The upgrade of every valid weak reference whose target is reachable must have succeeded. Of
    /// the others, only those may have succeeded whose target is alive as garbage, which a heap
    /// that does not certify deaths may keep.
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
                    "register {slot} of mutator {mutator} was upgraded, but holds no weak reference"
                );
                Err(Wrong::new("weak", text))
            }
        }
    }

    /// Whether one of the objects in `by` refers to this object.
    fn is_held(&self, name: Name, by: &[Name]) -> bool {
        let mut holders = by.iter().filter_map(|holder| self.named(*holder));
        self.named(name).is_some_and(|object| {
            holders.any(|holder| self.objects[holder].refs.contains(&Some(object)))
        })
    }

    /// Each stored count must be the number of references in the model.
    fn stored_counts(&self, settled: &Settled) -> Result<(), Wrong> {
        let counts = self.counts();
        for &(name, count) in &settled.counts {
            let Some(object) = self.named(name) else {
                continue;
            };
            if !self.objects[object].dead && counts[object] != count {
                let found = counts[object];
                let text = format!("{name} has count {count}; references to it: {found}");
                return Err(Wrong::new("refcounts", text));
            }
        }
        Ok(())
    }
}

/// The walk at the end must be complete, and must have met no broken reference.
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

/// What must hold for a heap that has settled, whatever objects it contains.
pub(super) fn sound(settled: &Settled) -> Result<(), Wrong> {
    defectless(settled)?;
    settled.census.as_ref().map_or(Ok(()), leftovers)
}

/// A census must list each object that was found, and no object twice. It is judged last: if an object
/// was freed too early, the census cannot list it, and that is not what is wrong.
pub(super) fn listed(settled: &Settled) -> Result<(), Wrong> {
    if settled.census.is_none() {
        return Ok(());
    }
    // They are in order.
    let counts = &settled.counts;
    let is_missing = |name: &&Name| counts.binary_search_by_key(*name, |it| it.0).is_err();
    let omitted = settled.picture.objects.keys().find(is_missing);
    let omitted =
        omitted.map(|name| format!("the census does not show {name}, which is reachable"));
    let twice = || {
        let pair = counts.windows(2).find(|pair| pair[0].0 == pair[1].0)?;
        Some(format!("the census shows {} twice", pair[0].0))
    };
    let text = omitted.or_else(twice);
    text.map_or(Ok(()), |text| Err(Wrong::new("refcounts", text)))
}

/// Judges what was left when all references had been dropped. Objects that are excused may be
/// alive.
pub(super) fn emptied(
    emptied: &Emptied,
    trace: &Trace,
    is_excused: impl Fn(Name) -> bool,
) -> Result<(), Wrong> {
    if let Some(defect) = &emptied.defect {
        return Err(Wrong::defect(defect));
    }
    for (check, count, what) in [
        (
            "double-free",
            emptied.died_twice,
            "deaths of objects that were already dead",
        ),
        (
            "finalizers",
            emptied.finalized_twice,
            "finalizers that should not have run",
        ),
        (
            "finalizers",
            emptied.unfinalized,
            "deaths of objects whose finalizer had not run",
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

/// The collector must have left nothing behind, and free cells must not have been written to.
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
