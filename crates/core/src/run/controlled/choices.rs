//! The choices of a schedule: recorded while a scheduler makes them, kept as one word, and
//! replayed.
//!
//! A choice is the number of the thread that runs next where more than one could. The word is the
//! number of the execution in hexadecimal digits (the heap's random numbers depend on nothing
//! else), a point, and then each chosen thread as letters, `a` for the first, followed by how often
//! it was chosen in a row if that is more than once: `2f.a3bc12a`. It is valid only for builds in
//! which every thread takes the same steps as in the one that wrote it.

use std::fmt;

/// A schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Choices {
    /// What the random numbers of the execution are drawn from.
    pub(super) seed: u64,
    /// Threads, each with how often it was chosen in a row.
    runs: Vec<(usize, u32)>,
}

impl Choices {
    /// A schedule without choices yet.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            runs: Vec::new(),
        }
    }

    /// Adds the choice of this thread.
    pub(super) fn push(&mut self, thread: usize) {
        match self.runs.last_mut() {
            Some((last, times)) if *last == thread && *times < u32::MAX => *times += 1,
            _ => self.runs.push((thread, 1)),
        }
    }

    /// The chosen threads, choice by choice.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        let runs = self.runs.iter();
        runs.flat_map(|&(thread, times)| std::iter::repeat_n(thread, times as usize))
    }

    /// Reads what [`Display`](fmt::Display) wrote; `None` if the text is not a schedule.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (seed, mut rest) = text.split_once('.')?;
        let mut choices = Self::new(u64::from_str_radix(seed, 16).ok()?);
        while !rest.is_empty() {
            let capitals = rest.bytes().take_while(u8::is_ascii_uppercase).count();
            let (name, after) = rest.split_at_checked(capitals + 1)?;
            let thread = number_of(name)?;
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let (times, after) = after.split_at(digits);
            let times = match times {
                "" => 1,
                times => times.parse().ok().filter(|times| *times > 0)?,
            };
            choices.runs.push((thread, times));
            rest = after;
        }
        Some(choices)
    }
}

/// A thread's number as letters: base 26, all digits but the last in capitals, which shows where a
/// number ends.
fn letters_of(thread: usize) -> String {
    let digit = |value: usize, from: u8| char::from(from + u8::try_from(value % 26).unwrap_or(0));
    let mut letters = vec![digit(thread, b'a')];
    let mut rest = thread / 26;
    while rest > 0 {
        letters.push(digit(rest, b'A'));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

fn number_of(letters: &str) -> Option<usize> {
    let (last, capitals) = letters.as_bytes().split_last()?;
    let high = capitals.iter().try_fold(0_usize, |number, letter| {
        number
            .checked_mul(26)?
            .checked_add(usize::from(letter - b'A'))
    })?;
    let low = last
        .is_ascii_lowercase()
        .then(|| usize::from(last - b'a'))?;
    high.checked_mul(26)?.checked_add(low)
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.", self.seed)?;
        for &(thread, times) in &self.runs {
            f.write_str(&letters_of(thread))?;
            if times > 1 {
                write!(f, "{times}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a written schedule is read back unchanged, for threads of any number, and other texts
    /// are refused.
    #[test]
    fn words_lead_back() {
        let mut choices = Choices::new(0x2f);
        for thread in [0, 0, 0, 1, 2, 2, 25, 26, 26, 700, 18_000, 0] {
            choices.push(thread);
        }
        let text = choices.to_string();
        assert_eq!(text, "2f.a3bc2zBa2BAyBAQia");
        let read = Choices::parse(&text);
        assert_eq!(read.as_ref(), Some(&choices));
        assert_eq!(read.map(|it| it.iter().count()), Some(12));
        for wrong in ["", "2f", "x.a", "2f.3", "2f.A", "2f.a0", "2f.a b"] {
            assert_eq!(Choices::parse(wrong), None, "{wrong}");
        }
    }
}
