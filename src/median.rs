//! The value in the middle.

/// The median of these, whatever their order, which it changes: of an even number halfway between the two
/// in the middle, and 0 of none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = below.iter().copied().max_by(f64::total_cmp);
    match lower {
        Some(lower) if values.len().is_multiple_of(2) => f64::midpoint(lower, upper),
        _ => upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: half of the values lie on each side, in whatever order they come.
    #[test]
    fn lies_in_the_middle() {
        let cases: [(&[f64], f64); 5] = [
            (&[], 0.0),
            (&[7.0], 7.0),
            (&[9.0, 1.0], 5.0),
            (&[5.0, 1.0, 9.0], 5.0),
            (&[4.0, 8.0, 1.0, 2.0], 3.0),
        ];
        for (values, middle) in cases {
            assert_eq!(median(&mut values.to_vec()), middle);
        }
    }
}
