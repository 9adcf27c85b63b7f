//! The end of a case: the heap settles, everything reachable is recorded, and all of it is let go
//! of.

use super::Session;
use crate::evidence::{Emptied, Moment, Name, Place, Seen, Settled, Survey, Trace};
use crate::heap::{Fault, Global, Slot};
use crate::run::painter::Painter;
use crate::run::walk::{Marks, Walk};

/// How many elements a list of a case may claim to have, for each object that there is room for; a
/// longer list is reported as impossible.
const ELEMENTS_MAX: u64 = 64;

impl Session<'_> {
    /// Settles the heap and takes a picture of what is left.
    pub(super) fn settle(&mut self, trace: &mut Trace) {
        self.rest_all();
        let mut settled = Settled {
            defect: self.heap.settle().err(),
            ..Settled::default()
        };
        self.turns_done += 1;
        self.look(trace);
        self.walk(&mut settled);
        settled.upgrades = self.upgrades();
        self.rest_all();
        let mut counts = Vec::new();
        settled.census = self.heap.census(&mut |belief| {
            counts.extend(Name::of(belief.id).map(|name| (name, belief.count)));
        });
        counts.sort_unstable();
        settled.counts = counts;
        trace.settled = Some(settled);
    }

    fn walk(&mut self, settled: &mut Settled) {
        let mut survey = Survey::new(Moment::End, 0);
        let mut marks = Marks::default();
        let mut painter = Painter::default();
        let case = self.case;
        for number in 0..case.mutators.len() {
            for slot in 0..case.mutators[number].registers {
                // Mutators are few, so the number fits.
                let place = Place::Register(u32::try_from(number).unwrap_or(u32::MAX), slot);
                self.walk_from(
                    (number, Slot(slot)),
                    place,
                    &mut survey,
                    &mut marks,
                    &mut painter,
                );
            }
        }
        let setup = self.setup();
        let spare = self.spare(setup);
        let passed_over = u16::from(self.fault == Some(Fault::WalkSkipsRoot));
        for root in 0..case.roots.saturating_sub(passed_over) {
            if self.mutator(setup).fetch(spare, Global(root)) {
                let place = Place::Root(root);
                self.walk_from((setup, spare), place, &mut survey, &mut marks, &mut painter);
            }
            self.mutator(setup).clear(spare);
        }
        settled.picture = painter.picture;
        settled.dangling = survey.dangling;
        settled.premature = survey.premature;
        settled.incomplete = survey.incomplete;
    }

    fn walk_from(
        &mut self,
        (number, slot): (usize, Slot),
        place: Place,
        survey: &mut Survey,
        marks: &mut Marks,
        painter: &mut Painter,
    ) {
        let (fault, capacity) = (self.fault, self.case.capacity);
        let scratch = self.spare(number).0 + 1;
        let depth_max = self.players[number].seat.slots - scratch;
        let mut walk = Walk {
            mutator: self.mutator(number).as_mutator(),
            marks,
            survey,
            witness: painter,
            scratch,
            depth_max,
            len_max: u64::from(capacity) * ELEMENTS_MAX,
            fault,
        };
        let seen = walk.visit_root(slot, &|| place.to_string());
        if let Some(name) = seen.and_then(Name::of) {
            painter.picture.places.push((place, name));
        }
    }

    /// Tries to upgrade every register, and returns what each successful upgrade led to.
    fn upgrades(&mut self) -> Vec<(u32, u32, Seen)> {
        let mut upgrades = Vec::new();
        for number in 0..self.case.mutators.len() {
            let spare = self.spare(number);
            for slot in 0..spare.0 {
                let mutator = self.mutator(number);
                if mutator.upgrade(spare, Slot(slot)) {
                    let seen = self.see(number, spare);
                    let number = u32::try_from(number).unwrap_or(u32::MAX);
                    upgrades.push((number, slot, seen));
                }
                self.mutator(number).clear(spare);
            }
        }
        upgrades
    }

    /// Lets go of everything until finalizers bring nothing back, and records what is left.
    pub(super) fn let_go(&mut self, trace: &mut Trace) {
        let setup = self.setup();
        (0..self.case.mutators.len()).for_each(|number| self.leave(number));
        let mut emptied = Emptied::default();
        if self.is_alone
            && let Err(broke) = self.rejoin(setup)
        {
            trace.broke = Some(broke);
            return;
        }
        loop {
            let before = self.finalized();
            let spare = self.spare(setup);
            for root in 0..self.case.roots {
                self.mutator(setup).publish(Global(root), spare);
            }
            self.rest_all();
            if let Err(defect) = self.heap.settle() {
                emptied.defect = Some(defect);
            }
            if self.finalized() == before {
                break;
            }
        }
        self.leave(setup);
        let alive = self.players.iter().flat_map(|player| &player.births);
        let alive = alive.filter(|id| id.state().is_alive());
        emptied.alive = alive.copied().filter_map(Name::of).collect();
        for player in &mut self.players {
            let notes = player.producer.notes();
            emptied.died_twice += notes.double_deaths.count;
            emptied.finalized_twice += notes.stray_finalizations.count;
            emptied.unfinalized += notes.unfinalized_deaths.count;
        }
        emptied.census = self.heap.census(&mut |_| {});
        trace.emptied = Some(emptied);
    }

    fn finalized(&mut self) -> u64 {
        let players = self.players.iter_mut();
        players
            .map(|player| player.producer.notes().finalized)
            .sum()
    }
}
