//! Minimum mutator utilization: over all windows of one length, the least share of a window that
//! was not lost inside the heap.
//!
//! The measure is Cheng and Blelloch's (*A parallel, real-time garbage collector*, PLDI 2001). What
//! is *lost* is the time of holds that the heap noted on the mutator's own thread; of nested holds
//! the outermost counts. The time of the operation itself is not lost. Time for which the system
//! ran something else is lost only within a hold, since it cannot be told apart there. On a noisy
//! machine (see the hiccups) short windows therefore look worse than the heap is. A window lies
//! between the mutator's first operation and its last, so there is no value for windows that are
//! longer than that.
//!
//! Several mutators can be looked at in two ways. *Each by itself*, and then the worst: for heaps
//! whose mutators run at the same time. *Together*: lost is the time in which all were held up at
//! once; for heaps with one lock, where the wait of one is the turn of another.

use super::MmuPoint;

/// The lengths of windows, in milliseconds: from what a frame of an animation can spare to what
/// every user notices.
pub const WINDOWS_MS: [u64; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/// The time of one mutator, or of several together, in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MutatorTime {
    /// Its first moment.
    pub from: u64,
    /// Its last.
    pub to: u64,
    /// The stretches that were lost, each from and to; in the order of time, without overlaps,
    /// between `from` and `to`.
    pub lost: Vec<(u64, u64)>,
}

impl MutatorTime {
    /// The least share of a window of `window` nanoseconds that was not lost; `None` if the mutator
    /// did not run that long.
    pub fn utilization(&self, window: u64) -> Option<f64> {
        if window == 0 || self.to.saturating_sub(self.from) < window {
            return None;
        }
        // The windows that lose most include one that begins where a lost stretch begins, ends
        // where one ends, or lies at an end of the mutator's time: any other window can be moved to
        // such a place without losing less.
        let starts = self.lost.iter().map(|lost| lost.0);
        let ends = self.lost.iter().map(|lost| lost.1.saturating_sub(window));
        let last = self.to - window;
        let sums = self.sums();
        let most = starts
            .chain(ends)
            .chain([self.from])
            .map(|start| start.clamp(self.from, last))
            .map(|start| self.before(&sums, start + window) - self.before(&sums, start))
            .max()
            .unwrap_or(0);
        Some(1.0 - most as f64 / window as f64)
    }

    /// How much was lost before each of the lost stretches.
    fn sums(&self) -> Vec<u64> {
        let lengths = self.lost.iter().map(|lost| lost.1 - lost.0);
        let mut sum = 0;
        let sums = lengths.map(|length| {
            sum += length;
            sum - length
        });
        sums.collect()
    }

    /// How much was lost before a moment.
    fn before(&self, sums: &[u64], moment: u64) -> u64 {
        let begun = self.lost.partition_point(|lost| lost.0 < moment);
        let Some(last) = begun.checked_sub(1) else {
            return 0;
        };
        let (start, end) = self.lost[last];
        sums[last] + end.min(moment) - start
    }

    /// All mutators as one: a moment is lost if every mutator that runs at that moment is held up.
    pub fn together(lanes: &[Self]) -> Self {
        let from = lanes.iter().map(|lane| lane.from).min().unwrap_or(0);
        let to = lanes.iter().map(|lane| lane.to).max().unwrap_or(0);
        // Each step is a moment, the change in how many mutators run, and the change in how many do
        // not use the moment, because they are held up or do not run.
        let mut steps: Vec<(u64, i64, i64)> = Vec::new();
        for lane in lanes {
            steps.extend([(lane.from, 1, -1), (lane.to, -1, 1)]);
            for &(start, end) in &lane.lost {
                steps.extend([(start, 0, 1), (end, 0, -1)]);
            }
        }
        steps.sort_unstable_by_key(|step| step.0);
        let all = lanes.len() as i64;
        let (mut there, mut aside) = (0, all);
        let mut lost = Vec::<(u64, u64)>::new();
        for pair in steps.windows(2) {
            let ((start, more_there, more_aside), (end, ..)) = (pair[0], pair[1]);
            there += more_there;
            aside += more_aside;
            if start == end || there == 0 || aside < all {
                continue;
            }
            match lost.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => lost.push((start, end)),
            }
        }
        Self { from, to, lost }
    }
}

/// The curve of minimum mutator utilization. Under a global lock it is that of all mutators
/// together, elsewhere that of the worst-off mutator.
pub fn curve(lanes: &[MutatorTime], has_global_lock: bool) -> Vec<MmuPoint> {
    let together = has_global_lock.then(|| MutatorTime::together(lanes));
    let point = |window_ms: u64| {
        let window = window_ms * 1_000_000;
        let each = lanes
            .iter()
            .filter_map(|lane| lane.utilization(window))
            .min_by(f64::total_cmp);
        let utilization = match &together {
            Some(all) => all.utilization(window),
            None => each,
        };
        Some(MmuPoint {
            window_ms,
            utilization: utilization?,
            each,
        })
    };
    WINDOWS_MS.into_iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn lane(from: u64, to: u64, lost: &[(u64, u64)]) -> MutatorTime {
        MutatorTime {
            from,
            to,
            lost: lost.to_vec(),
        }
    }

    /// Goal: where the answer is known it is given: one pause, none, periodic ones, a stretch
    /// shorter than a pause, several pauses in a stretch, pauses at the ends, a lane shorter than
    /// the stretch.
    #[test]
    fn known_answers() {
        let one = lane(0, 1000, &[(400, 410)]);
        let periodic: Vec<_> = (0..10).map(|n| (n * 100, n * 100 + 20)).collect();
        let periodic = lane(0, 1000, &periodic);
        let burst = lane(0, 1000, &[(100, 110), (115, 125), (900, 905)]);
        let ends = lane(50, 1050, &[(50, 60), (1030, 1050)]);
        for (name, lane, window, expected) in [
            ("none", &lane(0, 1000, &[]), 100, Some(1.0)),
            ("one pause in a longer stretch", &one, 100, Some(0.9)),
            ("one pause as long as the stretch", &one, 10, Some(0.0)),
            ("one pause longer than the stretch", &one, 5, Some(0.0)),
            ("one pause in all there is", &one, 1000, Some(0.99)),
            ("longer than all there is", &one, 1001, None),
            ("no length", &one, 0, None),
            // A stretch of 120 holds two whole pauses and one of 220 three.
            ("periodic", &periodic, 100, Some(0.8)),
            (
                "periodic, two pauses",
                &periodic,
                120,
                Some(1.0 - 40.0 / 120.0),
            ),
            (
                "periodic, three pauses",
                &periodic,
                220,
                Some(1.0 - 60.0 / 220.0),
            ),
            ("two near ones", &burst, 25, Some(0.2)),
            ("two near ones in part", &burst, 20, Some(0.25)),
            ("at the end", &ends, 20, Some(0.0)),
            ("at the end, longer", &ends, 40, Some(0.5)),
        ] {
            let got = lane.utilization(window);
            let is_same = match (got, expected) {
                (Some(got), Some(expected)) => (got - expected).abs() < 1e-12,
                (got, expected) => got == expected,
            };
            assert!(is_same, "{name}: {got:?} and not {expected:?}");
        }
    }

    /// Goal: a moment is lost together if and only if all mutators that run at it lose it.
    #[test]
    fn together_is_what_all_lose() {
        let one = lane(0, 100, &[(10, 40), (60, 70)]);
        let two = lane(20, 80, &[(30, 50), (70, 75)]);
        let both = MutatorTime::together(&[one.clone(), two.clone()]);
        // Before 20 and after 80 only one runs. At 70 a lost stretch of one ends and one of the
        // other begins.
        assert_eq!(both, lane(0, 100, &[(10, 20), (30, 40)]));
        assert_eq!(MutatorTime::together(std::slice::from_ref(&one)), one);
        let alone = lane(0, 10, &[]);
        let later = lane(20, 30, &[(20, 30)]);
        // From 10 to 20 no mutator runs, so nothing is lost.
        let gap = MutatorTime::together(&[alone, later]);
        assert_eq!(gap.lost.last(), Some(&(20, 30)));
    }

    /// Goal: the curve leaves out windows that are longer than the run, and is that of the worst
    /// mutator or of all together, depending on the heap.
    #[test]
    fn the_curve_is_the_heaps() {
        const MS: u64 = 1_000_000;
        let one = lane(0, 100 * MS, &[(0, 50 * MS)]);
        let two = lane(0, 100 * MS, &[(50 * MS, 100 * MS)]);
        let locked = curve(&[one.clone(), two.clone()], true);
        let free = curve(&[one, two], false);
        let windows: Vec<u64> = free.iter().map(|point| point.window_ms).collect();
        assert_eq!(windows, [1, 2, 5, 10, 20, 50, 100]);
        assert!(locked.iter().all(|point| point.utilization >= 1.0));
        assert!(locked.iter().take(6).all(|point| point.each == Some(0.0)));
        assert!(free.iter().take(6).all(|point| point.utilization <= 0.0));
        assert_eq!(free.last().map(|point| point.utilization), Some(0.5));
    }

    /// Lost stretches from the lengths of what is lost and what is not, in turn.
    fn lost(lengths: &[(u64, u64)]) -> (Vec<(u64, u64)>, u64) {
        let mut at = 0;
        let mut lost = Vec::new();
        for &(busy, gone) in lengths {
            at += busy;
            lost.push((at, at + gone));
            at += gone;
        }
        (lost, at)
    }

    proptest! {
        /// Goal: the answer is the greatest loss of all windows that begin at a whole moment.
        #[test]
        fn agrees_with_looking_everywhere(
            lengths in vec((1..20_u64, 1..20_u64), 0..12),
            tail in 0..20_u64,
            window in 1..60_u64,
        ) {
            let (lost, end) = lost(&lengths);
            let to = end + tail;
            let lane = lane(0, to, &lost);
            let is_lost = |at: u64| lost.iter().any(|lost| (lost.0..lost.1).contains(&at));
            let in_stretch = |start: u64| (start..start + window).filter(|&at| is_lost(at)).count();
            let most = (to >= window).then(|| (0..=to - window).map(in_stretch).max());
            let expected = most.flatten().map(|most| 1.0 - most as f64 / window as f64);
            prop_assert_eq!(lane.utilization(window), expected);
        }

        /// Goal: each moment is lost together if and only if all mutators that run at it lose it.
        #[test]
        fn together_agrees_with_looking_everywhere(
            first in vec((1..9_u64, 1..9_u64), 0..8),
            second in vec((1..9_u64, 1..9_u64), 0..8),
            shift in 0..20_u64,
        ) {
            let lanes = [(first, 0), (second, shift)].map(|(lengths, shift)| {
                let (lost, end) = lost(&lengths);
                let lost = lost.iter().map(|lost| (lost.0 + shift, lost.1 + shift)).collect();
                MutatorTime { from: shift, to: end + shift + 3, lost }
            });
            let both = MutatorTime::together(&lanes);
            for at in both.from..both.to {
                let is_there = |lane: &&MutatorTime| (lane.from..lane.to).contains(&at);
                let loses = |lane: &MutatorTime| lane.lost.iter().any(|it| (it.0..it.1).contains(&at));
                let mut there = lanes.iter().filter(is_there).peekable();
                let expected = there.peek().is_some() && there.all(loses);
                prop_assert_eq!(loses(&both), expected, "at {}", at);
            }
        }
    }
}
