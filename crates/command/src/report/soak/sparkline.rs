//! Values as a row of small bars, from zero to the greatest.

/// From one eighth of a line's height to all of it.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar for each value, a blank where there is none.
pub(super) fn sparkline(values: &[Option<f64>]) -> String {
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: &Option<f64>| match value {
        Some(value) if most > 0.0 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of the bars there are"
            )]
            let bar = (value / most * BARS.len() as f64).ceil() as usize;
            BARS[bar.clamp(1, BARS.len()) - 1]
        }
        Some(_) => BARS[0],
        None => ' ',
    };
    values.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: bars are as high as their values, and a gap is one.
    #[test]
    fn bars_are_as_high() {
        let values: Vec<_> = (0..=8).map(|value| Some(f64::from(value))).collect();
        assert_eq!(sparkline(&values), "▁▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[Some(3.0), None, Some(3.0)]), "█ █");
        assert_eq!(sparkline(&[Some(0.0), None]), "▁ ");
        assert_eq!(sparkline(&[]), "");
    }
}
