//! "Did you mean": the known name nearest to an unknown one.

/// More names than this are a page, in which the one that was meant is lost.
const LISTED_MAX: usize = 60;

/// As many do not stand beside the one that was probably meant.
const BESIDE_MAX: usize = 50;

/// So many names are offered where none is near enough to be the one that was meant.
const NEAR_MAX: usize = 3;

/// The beginning of a name says nothing if it is shorter than this.
const BEGUN_MIN: usize = 3;

/// Nobody means a name by writing more bytes than this, and the distance takes quadratic time.
const WRITTEN_MAX: usize = 64;

/// A hint for somebody who wrote `name`: the nearest of the known names, if one is near enough to
/// be meant, and all of them, or how many, if they are too many to be looked through.
pub fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let listed = match known.as_slice() {
        [] => return "there are none here".to_owned(),
        [only] => format!("the only one here is `{only}`"),
        many if many.len() > LISTED_MAX => match alike(name, many) {
            alike if alike.is_empty() => format!("none of the {} is like it", many.len()),
            alike => format!("of {}, alike are {}", many.len(), quoted(&alike)),
        },
        several => format!("known are {}", quoted(several)),
    };
    match nearest(name, &known) {
        Some(nearest) if known.len() > BESIDE_MAX => format!("did you mean `{nearest}`?"),
        Some(nearest) => format!("did you mean `{nearest}`? {listed}"),
        None => listed,
    }
}

/// The same where the list is elsewhere: the nearest of the known names, or up to three that have a word
/// in common with it, and `place`, which has all of them.
pub fn hint_with_list_in<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    place: &str,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(nearest) = nearest(name, &known) {
        return format!("did you mean `{nearest}`? {place} has all of them");
    }
    match alike(name, &known) {
        alike if alike.is_empty() => format!("{place} has all of them"),
        alike => format!("alike are {}; {place} has all of them", quoted(&alike)),
    }
}

/// A few names that begin with this one, or have a word in common with it.
fn alike<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    let words = |name: &str| -> Vec<String> {
        let words = name
            .split(['-', '_'])
            .filter(|word| word.len() >= BEGUN_MIN);
        // `counts` and `count` are one.
        let words = words.map(|word| word.trim_end_matches('s').to_lowercase());
        words.collect()
    };
    let written = words(name);
    let has_one = |other: &str| words(other).iter().any(|word| written.contains(word));
    let is_alike = |other: &&str| is_begun(name, other) || has_one(other);
    let mut alike: Vec<&str> = known.iter().copied().filter(is_alike).collect();
    alike.sort_by_key(|other| !is_begun(name, other));
    alike.truncate(NEAR_MAX);
    alike
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The nearest name within a third of its length (two edits of five), at least one edit; otherwise the
/// only one that begins with what was written.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (distance(name, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= ((candidate.chars().count() + 1) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
        .or_else(|| begun(name, known))
}

/// The only name that begins with what was written, hyphens aside.
fn begun<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let mut begun = (known.iter()).filter(|candidate| is_begun(name, candidate));
    let only = begun.next()?;
    begun.next().is_none().then_some(*only)
}

fn is_begun(name: &str, candidate: &str) -> bool {
    let bare = |name: &str| name.replace(['-', '_'], "");
    let written = bare(name);
    written.len() >= BEGUN_MIN && bare(candidate).starts_with(&written)
}

/// Edits between two words: insertions, deletions, replacements, swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > WRITTEN_MAX {
        return usize::MAX;
    }
    strsim::osa_distance(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: where a name was probably meant, a page of others does not follow.
    #[test]
    fn a_page_of_names_is_left_out() {
        let names: Vec<String> = (0..=LISTED_MAX).map(|n| format!("name-{n}")).collect();
        let known = || names.iter().map(String::as_str);
        assert_eq!(hint("nam-0", known()), "did you mean `name-0`?");
        assert_eq!(hint("nothing", known()), "none of the 61 is like it");
        let alike = hint("other-names", known());
        assert!(alike.starts_with("of 61, alike are `name-"), "{alike}");
        assert_eq!(alike.matches('`').count(), 6, "{alike}");
        let begun = hint(
            "walk",
            known().chain(["walk-skips-root", "walk-skips-edge"]),
        );
        assert!(
            begun.ends_with("are `walk-skips-root`, `walk-skips-edge`"),
            "{begun}"
        );
        assert!(hint("nothing", known().take(60)).starts_with("known are `name-0`, "));
        assert!(hint("nam-0", known().take(2)).ends_with("known are `name-0`, `name-1`"));
    }

    /// Goal: where the list is elsewhere, at most three names are offered, and the place is said.
    #[test]
    fn few_names_are_offered() {
        let known = ["duration", "delays", "define", "threads", "rate"];
        let hint = |name| hint_with_list_in(name, known, "the page");
        assert_eq!(
            hint("durration"),
            "did you mean `duration`? the page has all of them"
        );
        assert_eq!(hint("lenght"), "the page has all of them");
        let alike = hint("threads-max");
        assert_eq!(alike, "alike are `threads`; the page has all of them");
    }

    /// Goal: slips of the finger are recognised, other words are not.
    #[test]
    fn slips_are_recognised() {
        let known = ["append", "append-new", "truncate-front", "len", "alloc"];
        for (written, meant) in [
            ("appned", Some("append")),
            ("truncate_front", Some("truncate-front")),
            ("ln", Some("len")),
            ("alocc", Some("alloc")),
            ("truncatef", Some("truncate-front")),
            ("tr", None),
            ("remove", None),
        ] {
            assert_eq!(nearest(written, &known), meant, "{written}");
        }
    }
}
