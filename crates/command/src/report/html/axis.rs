//! An axis: where a value lies between its ends, and the ticks by which a reader finds it.

use super::unit::Unit;

/// What is laid out evenly: values themselves, or their logarithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
}

impl Scale {
    fn of(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.log10(),
        }
    }

    fn undo(self, at: f64) -> f64 {
        match self {
            Self::Linear => at,
            Self::Log => 10_f64.powf(at),
        }
    }
}

/// One axis of a picture.
#[derive(Debug)]
pub(crate) struct Axis {
    pub(super) title: String,
    unit: Unit,
    scale: Scale,
    /// The ends, on that scale.
    from: f64,
    to: f64,
    /// Where, from 0 to 1, and what each is called.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// With a tick at each multiple of `step` between the ends, all of them on that scale.
    fn new(title: &str, unit: Unit, scale: Scale, (from, to): (f64, f64), step: f64) -> Self {
        let first = (from / step).ceil();
        let ticks = (0..).map(|number| (first + f64::from(number)) * step);
        let ticks = ticks.take_while(|at| *at <= to);
        let name = |at: f64| match (scale, at) {
            (Scale::Linear, 0.0) => "0".to_owned(),
            // A tick is a round figure, so the digits that make it look exact say nothing.
            _ => unit.show(scale.undo(at)).replacen(".0 ", " ", 1),
        };
        Self {
            title: title.to_owned(),
            unit,
            scale,
            from,
            to,
            ticks: ticks
                .map(|at| ((at - from) / (to - from), name(at)))
                .collect(),
        }
    }

    /// Logarithmic, from the power of ten below the least to that above the most.
    fn decades(title: &str, (least, most): (f64, f64), unit: Unit) -> Self {
        let first = least.log10().floor();
        let last = most.log10().ceil().max(first + 1.0);
        // Names of more than seven would touch each other.
        let step = ((last - first) / 7.0).ceil();
        Self::new(title, unit, Scale::Log, (first, last), step)
    }

    /// From zero to the next round figure that is not below `most`.
    pub(super) fn from_zero(title: &str, most: f64, unit: Unit) -> Self {
        let most = if most > 0.0 { most } else { 1.0 };
        let step = round_step(most / 4.0);
        let ends = (0.0, (most / step).ceil() * step);
        Self::new(title, unit, Scale::Linear, ends, step)
    }

    /// Bytes, from zero to a figure that is round in the unit in which it is written.
    fn memory(title: &str, most: f64) -> Self {
        let mut unit = 1.0;
        while most / unit >= 1024.0 {
            unit *= 1024.0;
        }
        let step = round_step(most.max(1.0) / unit / 4.0) * unit;
        let ends = (0.0, (most / step).ceil().max(1.0) * step);
        Self::new(title, Unit::Memory, Scale::Linear, ends, step)
    }

    /// From one value to another, with ticks at round figures.
    pub(crate) fn between(title: &str, from: f64, to: f64, unit: Unit) -> Self {
        let to = to.max(from + 1.0);
        let step = round_step((to - from) / 4.0);
        Self::new(title, unit, Scale::Linear, (from, to), step)
    }

    /// An axis of percentiles, on which equal steps divide the share of values beyond by equal
    /// factors. A position is one over that share: 1 for the least value, 1000 for p99.9.
    pub(super) fn percentiles(most: f64) -> Self {
        Self::decades("percentile", (1.0, most.max(100.0)), Unit::Beyond)
    }

    /// Where a value lies, from 0 to 1. What is outside lies at the edge.
    pub(super) fn place(&self, value: f64) -> f64 {
        ((self.scale.of(value) - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    /// What the script needs to tell values from places: the scale, its ends, and the unit.
    pub(super) fn told(&self) -> String {
        let scale = match self.scale {
            Scale::Linear => "linear",
            Scale::Log => "log",
        };
        let (from, to, unit) = (self.from, self.to, self.unit.name());
        format!("{scale} {from} {to} {unit}")
    }
}

impl Unit {
    /// The axis for these values: of times a logarithmic one, of others one from zero. `None` if
    /// there is nothing to show.
    pub(crate) fn axis(
        self,
        title: &str,
        values: impl Iterator<Item = f64> + Clone,
    ) -> Option<Axis> {
        let most = values.clone().reduce(f64::max)?;
        match self {
            Self::Time | Self::Beyond => {
                let least = values.filter(|value| *value > 0.0).reduce(f64::min)?;
                Some(Axis::decades(title, (least, most), self))
            }
            Self::Memory => Some(Axis::memory(title, most)),
            _ => Some(Axis::from_zero(title, most, self)),
        }
    }
}

/// The next round figure that is not below this.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power);
    steps
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, name)| name.as_str()).collect()
    }

    /// Goal: ticks are round figures that enclose the values, and few enough to be read.
    #[test]
    fn ticks_are_round() {
        let times = |values: &[f64]| Unit::Time.axis("t", values.iter().copied());
        let axis = times(&[25.0, 0.0, 4e6]).expect("times");
        assert_eq!(
            named(&axis),
            [
                "10 ns", "100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms"
            ]
        );
        assert_eq!(axis.place(1.0), 0.0);
        assert!((axis.place(10_000.0) - 0.5).abs() < 1e-9);
        let wide = times(&[1.0, 3e12]).expect("times");
        assert!(named(&wide).len() <= 8, "{:?}", named(&wide));
        assert!(times(&[0.0]).is_none() && times(&[]).is_none());
        let axis = Axis::from_zero("n", 930.0, Unit::Objects);
        assert_eq!(named(&axis), ["0", "250", "500", "750", "1 k"]);
        let axis = Axis::memory("m", 300.0 * 1024.0 * 1024.0);
        assert_eq!(named(&axis)[..2], ["0", "100 MiB"]);
        let axis = Axis::between("r", 880.0, 1000.0, Unit::Objects);
        assert_eq!(named(&axis), ["900", "950", "1 k"]);
        assert_eq!((axis.place(880.0), axis.place(940.0)), (0.0, 0.5));
        let axis = Axis::percentiles(100_000.0);
        assert_eq!(named(&axis), ["0", "90", "99", "99.9", "99.99", "99.999"]);
    }
}
