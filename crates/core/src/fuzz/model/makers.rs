//! Says of the objects in a finding which turn made them. Their names count what a mutator has made,
//! which nobody does who looks at a program.

use super::Finding;
use crate::plan::{Case, OpKind};

/// What every name of an object begins with.
const NAME: &str = "object ";

impl Finding {
    /// The same, with the turn that made it behind each object that is named, where that is certain: where
    /// no allocation can have been refused.
    #[must_use]
    pub(in crate::fuzz) fn with_makers(mut self, case: &Case) -> Self {
        if u64::from(case.capacity) >= case.room_needed() {
            self.text = told(&self.text, case);
        }
        self
    }
}

fn told(text: &str, case: &Case) -> String {
    let (mut told, mut rest) = (String::new(), text);
    let mut named = Vec::new();
    while let Some(at) = rest.find(NAME) {
        let begin = at + NAME.len();
        told += &rest[..begin];
        rest = &rest[begin..];
        let Some((length, maker, number)) = name(rest, case) else {
            continue;
        };
        let known = made_by(case, maker, number).filter(|_| !named.contains(&(maker, number)));
        told += &rest[..length];
        rest = &rest[length..];
        if let Some(known) = known {
            named.push((maker, number));
            told += &format!(" ({known})");
        }
    }
    told + rest
}

/// How much of the text is the rest of a name, as in `2 of mutator 0` and `2 of m0`, the maker's number, and
/// the object's among its own.
fn name(text: &str, case: &Case) -> Option<(usize, usize, usize)> {
    let (number, rest) = text.split_once(" of ")?;
    let number: usize = number.parse().ok()?;
    let before = text.len() - rest.len();
    if let Some(digits) = rest.strip_prefix("mutator ") {
        let end = digits.find(|it: char| !it.is_ascii_digit());
        let digits = &digits[..end.unwrap_or(digits.len())];
        let length = before + "mutator ".len() + digits.len();
        return Some((length, digits.parse().ok()?, number));
    }
    let setup = ("the setup", case.mutators.len());
    let makers = (0..).zip(&case.mutators);
    let makers = makers.map(|(at, mutator)| (mutator.name.as_str(), at));
    let is_here = |name: &str| {
        let behind = rest.strip_prefix(name).map(|behind| behind.chars().next());
        behind.is_some_and(|next| next.is_none_or(|next| !next.is_alphanumeric() && next != '_'))
    };
    let mut makers = makers.chain([setup]);
    let (name, maker) = makers.find(|(name, _)| is_here(name))?;
    Some((before + name.len(), maker, number))
}

/// What made this object, in words.
fn made_by(case: &Case, maker: usize, number: usize) -> Option<String> {
    if maker == case.mutators.len() {
        let shared = case.shared.get(number)?;
        return Some(format!("the shared object {}", shared.name));
    }
    let mut own = (1_usize..).zip(case.all_turns()).filter(|(_, turn)| {
        let makes = matches!(turn.op.kind(), OpKind::Alloc | OpKind::AllocFinalized);
        makes && turn.mutator as usize == maker
    });
    let (at, turn) = own.nth(number)?;
    Some(format!("turn {at}: {}", case.line_of(turn)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: each object in a finding is told by the turn that made it, once, by whichever name; what is
    /// shared has no such turn; and where an allocation may have been refused nothing is told.
    #[test]
    fn objects_are_told_by_their_turns() {
        let text = "gcstorm-case 1\nschedule steps\nseed 1\ncapacity 4\nroots 1\nshared met list\n\
                    mutator m0 registers 2\nmutator m1 registers 2\n\nm1 alloc r0 leaf\nm0 alloc r0 list\nm0 alloc r1 leaf\n";
        let case = Case::parse("a.case", text).expect("it is a case");
        let finding = |text: &str| Finding::of_lost("completeness", text.to_owned());
        let told = |text: &str| finding(text).with_makers(&case).text;
        assert_eq!(
            told("object 1 of mutator 0 is kept, and object 1 of mutator 0 has 2 of them"),
            "object 1 of mutator 0 (turn 3: m0 alloc r1 leaf) is kept, and object 1 of mutator 0 has 2 of them"
        );
        assert_eq!(
            told("root 0 has object 0 of mutator 2; object 0 of m1"),
            "root 0 has object 0 of mutator 2 (the shared object met); object 0 of m1 (turn 1: m1 alloc r0 leaf)"
        );
        for unknown in [
            "object 9 of m0",
            "object 0 of m10",
            "an object of long ago",
            "object ",
        ] {
            assert_eq!(told(unknown), unknown);
        }
        let full = Case {
            capacity: 3,
            ..case.clone()
        };
        let text = "object 0 of m1";
        assert_eq!(finding(text).with_makers(&full).text, text);
    }
}
