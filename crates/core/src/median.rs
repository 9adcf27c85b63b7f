//! The value in the middle.

/// The median of these, of which there is one in the sample: of an even number the upper of the two
/// in the middle. `None` of none.
pub fn of_sample(values: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.into_iter().collect();
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable(middle).1)
}

/// The median of these, whatever their order, which it changes: of an even number halfway between
/// the two in the middle, and 0 of none.
pub fn median(values: &mut [f64]) -> f64 {
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

    /// Goal: the median of whole numbers is one of them.
    #[test]
    fn is_one_of_the_sample() {
        for (values, middle) in [
            (&[][..], None),
            (&[7], Some(7)),
            (&[9, 1], Some(9)),
            (&[5, 1, 9], Some(5)),
        ] {
            assert_eq!(of_sample(values.iter().copied()), middle);
        }
    }
}
