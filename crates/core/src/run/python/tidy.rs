//! Registers that are emptied at the end of a turn although the next turn fills them first.
//!
//! A Python programmer does not write `a = None` before `a = Node()`. So it stands behind the loop,
//! where somebody may look at the registers. Until then an object may be referred to for part of a
//! turn longer, which nobody can tell.

use super::text::Lines;

/// Takes the emptying of registers out of the body of a loop that is run at least once; says which are
/// to be emptied behind it.
pub(super) fn emptied_behind(body: &mut Lines, registers: &[String]) -> Vec<String> {
    let ends_thread = body.all().any(|(_, line)| line.starts_with("yield"));
    let registers = registers.iter().filter(|_| !ends_thread);
    let behind: Vec<String> = registers
        .filter(|register| is_filled_first(body, register))
        .cloned()
        .collect();
    for register in &behind {
        let emptied = format!("{register} = None");
        body.retain(|line| line != emptied);
    }
    behind
}

/// Whether each turn fills a register before it uses it, whatever else it does, and empties it last.
fn is_filled_first(body: &Lines, register: &str) -> bool {
    let mut lines = body.all().filter(|(_, line)| mentions(line, register));
    let mut is_empty = true;
    let fill = format!("{register} = ");
    lines.all(|(depth, line)| {
        let filled = line.strip_prefix(&fill);
        let was_empty = is_empty;
        is_empty = filled == Some("None");
        let fills = filled.is_some_and(|value| !mentions(value, register));
        depth == 0 && (!was_empty || fills)
    }) && is_empty
        && body.all().any(|(_, line)| mentions(line, register))
}

/// Whether this name stands in a line.
fn mentions(line: &str, name: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(lines: &[(usize, &str)]) -> (Vec<String>, String) {
        let mut body = Lines::default();
        for (depth, line) in lines {
            match depth {
                0 => body.push(*line),
                _ => body.indented(|inner| inner.push(*line)),
            }
        }
        let behind = emptied_behind(&mut body, &["a".to_owned()]);
        (behind, body.text())
    }

    /// Goal: only what is filled in every turn before it is used is emptied behind the loop.
    #[test]
    fn what_is_filled_first_is_emptied_behind() {
        let (behind, text) = tidied(&[(0, "a = Node()"), (0, "l.append(a)"), (0, "a = None")]);
        assert_eq!(behind, ["a"]);
        assert_eq!(text, "a = Node()\nl.append(a)\n");
        for kept in [
            &[(0, "l.append(a)"), (0, "a = Node()"), (0, "a = None")][..],
            &[(0, "if k:"), (1, "a = Node()"), (0, "a = None")],
            &[(0, "a = a.x"), (0, "a = None")],
            &[(0, "a = None"), (0, "a = Node()")],
            &[(0, "a = Node()"), (0, "a = None"), (0, "l.append(a)")],
            &[(0, "a = Node()"), (0, "a = None"), (0, "yield  # ends")],
            &[(0, "ab = Node()"), (0, "ab = None")],
        ] {
            assert_eq!(tidied(kept).0, [""; 0], "{kept:?}");
        }
    }
}
