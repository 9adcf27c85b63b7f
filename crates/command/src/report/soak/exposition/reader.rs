//! Reads the text format of Prometheus as strictly as it is defined, to test what is written.

use std::collections::{BTreeMap, HashSet};

/// A metric with its samples.
#[derive(Debug)]
pub(in crate::report::soak) struct Metric {
    pub(in crate::report::soak) name: String,
    pub(in crate::report::soak) help: String,
    pub(in crate::report::soak) samples: Vec<Sample>,
}

/// One sample.
#[derive(Debug)]
pub(in crate::report::soak) struct Sample {
    pub(in crate::report::soak) labels: BTreeMap<String, String>,
    pub(in crate::report::soak) value: f64,
}

/// All metrics, in order. Errors, with their place, are: a metric without comments, without samples
/// or in two places; a sample that appears twice, has a timestamp or is no number; and a malformed
/// name.
pub(in crate::report::soak) fn read(text: &str) -> Result<Vec<Metric>, String> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line is not ended".to_owned());
    }
    let mut metrics: Vec<Metric> = Vec::new();
    let mut seen = HashSet::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let help = line
            .strip_prefix("# HELP ")
            .ok_or(format!("no help: {line}"))?;
        let (name, help) = help.split_once(' ').ok_or(format!("no text: {line}"))?;
        is_name(name)?;
        if metrics.iter().any(|metric| metric.name == name) {
            return Err(format!("{name} is in two places"));
        }
        let kind = lines.next().and_then(|line| line.strip_prefix("# TYPE "));
        let kind = kind.and_then(|line| line.strip_prefix(name)).map(str::trim);
        let kind = kind.filter(|kind| ["counter", "gauge"].contains(kind));
        let kind = kind.ok_or(format!("{name} has no type"))?;
        if name.ends_with("_total") != (kind == "counter") {
            return Err(format!("{name} is no name for a {kind}"));
        }
        let mut samples = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let rest = line
                .strip_prefix(name)
                .ok_or(format!("not {name}: {line}"))?;
            let sample = sample(rest).map_err(|why| format!("{why}: {line}"))?;
            if !seen.insert((name.to_owned(), sample.labels.clone())) {
                return Err(format!("it is there twice: {line}"));
            }
            samples.push(sample);
        }
        if samples.is_empty() {
            return Err(format!("{name} has no samples"));
        }
        metrics.push(Metric {
            name: name.to_owned(),
            help: unescaped(help, false)?,
            samples,
        });
    }
    Ok(metrics)
}

/// What follows the name.
fn sample(mut rest: &str) -> Result<Sample, String> {
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (name, after) = rest.split_once("=\"").ok_or("no value of a label")?;
            is_name(name)?;
            let end = closing(after).ok_or("a quote is not closed")?;
            let value = unescaped(&after[..end], true)?;
            if labels.insert(name.to_owned(), value).is_some() {
                return Err(format!("{name} is there twice"));
            }
            rest = &after[end + 1..];
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            rest = rest.strip_prefix(',').ok_or("no comma")?;
        }
    }
    let value = rest.strip_prefix(' ').ok_or("no blank before the value")?;
    if value.contains(' ') {
        return Err("there is a time".to_owned());
    }
    let value: f64 = value.parse().map_err(|_| "no number")?;
    Ok(Sample { labels, value })
}

/// Where the first quote is that is not escaped.
fn closing(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (place, letter) in text.char_indices() {
        match letter {
            '"' if !is_escaped => return Some(place),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}

fn unescaped(text: &str, is_quoted: bool) -> Result<String, String> {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, is_quoted) {
            ('\\', _) => plain.push(match letters.next() {
                Some('n') => '\n',
                Some('\\') => '\\',
                Some('"') if is_quoted => '"',
                other => return Err(format!("no escape: {other:?}")),
            }),
            ('"', true) => return Err("a bare quote".to_owned()),
            _ => plain.push(letter),
        }
    }
    Ok(plain)
}

fn is_name(name: &str) -> Result<(), String> {
    let mut letters = name.chars();
    let first = letters
        .next()
        .is_some_and(|it| it.is_ascii_alphabetic() || it == '_');
    let rest = letters.all(|it| it.is_ascii_alphanumeric() || it == '_');
    if first && rest {
        Ok(())
    } else {
        Err(format!("`{name}` is no name"))
    }
}

/// Goal: what is not well formed is refused, so that what is accepted is.
#[test]
fn is_strict() {
    let good = "# HELP a A.\n# TYPE a gauge\na{b=\"c\\\"\"} 1\na 2\n";
    assert!(read(good).is_ok_and(|metrics| metrics[0].samples.len() == 2));
    for (from, to) in [
        ("a 2\n", "a 2"),
        ("# HELP a A.\n", ""),
        ("# TYPE a gauge\n", ""),
        ("# TYPE a gauge", "# TYPE a counter"),
        ("# TYPE a gauge", "# TYPE a thing"),
        ("a 2", "a{b=\"c\\\"\"} 2"),
        ("a 2", "b 2"),
        ("a 2", "a 2 1700000000"),
        ("a 2", "a two"),
        ("a 2", "a"),
        ("a 2", "a{} 2"),
        ("c\\\"", "c\""),
        ("c\\\"", "c\\t"),
        ("b=", "b-b="),
        ("b=\"c\\\"\"", "b=\"c\\\"\",b=\"d\""),
        ("a{b=\"c\\\"\"} 1\na 2\n", ""),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(read(&bad).is_err(), "{bad}");
    }
    assert!(read(&format!("{good}{good}")).is_err());
}
