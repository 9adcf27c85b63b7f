//! Metrics in the text format of Prometheus, version 0.0.4:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
//!
//! ```text
//! # HELP gcstorm_soak_rounds_total Rounds that are over.
//! # TYPE gcstorm_soak_rounds_total counter
//! gcstorm_soak_rounds_total{workload="churn",heap="gil",outcome="held"} 12
//! ```
//!
//! All samples of a metric stand together below its two comments. None has a timestamp, as the node
//! exporter would refuse it.

use std::fmt::{Display, Write as _};

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It never decreases.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Names and values of labels. A label with an empty value means the same as none, and is left out.
pub(super) type Labels<'a> = [(&'a str, &'a str)];

/// Metrics, written one after the other.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
    /// The name of the current metric, and its two comments until it has a sample.
    name: &'static str,
    pending: String,
}

impl Exposition {
    /// Begins a metric. It does not appear unless it has a sample.
    pub(super) fn metric(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.name = name;
        self.pending = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// Adds a sample of the current metric.
    pub(super) fn count(&mut self, labels: &Labels<'_>, value: u64) {
        self.sample(labels, value);
    }

    /// Adds a sample of the current metric, if it is a finite number.
    pub(super) fn value(&mut self, labels: &Labels<'_>, value: f64) {
        if value.is_finite() {
            self.sample(labels, value);
        }
    }

    fn sample(&mut self, labels: &Labels<'_>, value: impl Display) {
        self.text += &std::mem::take(&mut self.pending);
        self.text += self.name;
        let labels = labels.iter().filter(|(_, value)| !value.is_empty());
        let labels = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        let labels: Vec<String> = labels.collect();
        if !labels.is_empty() {
            let _ = write!(self.text, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// The whole text.
    pub(super) fn text(self) -> String {
        self.text
    }
}

/// The value of a label between its quotes. Other control characters are allowed there but
/// unreadable.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '\\' => escaped += "\\\\",
            '"' => escaped += "\\\"",
            '\n' => escaped += "\\n",
            _ if letter.is_control() => escaped.push(' '),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
pub(super) mod reader;

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: what is written reads back the same, whatever labels contain.
    #[test]
    fn labels_survive() {
        let evil = "a\"b\\n\nc},{x=\"y\" 7 #";
        let mut metrics = Exposition::default();
        metrics.metric(
            "a_total",
            Kind::Counter,
            "Help\nof two lines \\ and a half.",
        );
        metrics.count(&[("one", evil), ("none", ""), ("two", "é")], u64::MAX);
        metrics.metric("nothing", Kind::Gauge, "No sample.");
        metrics.value(&[], f64::NAN);
        metrics.metric("b_seconds", Kind::Gauge, "Small.");
        metrics.value(&[], 1.5e-9);
        metrics.value(&[("one", "\u{1b}[31m")], -2.0);
        let read = reader::read(&metrics.text()).expect("it is well formed");
        let names: Vec<&str> = read.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["a_total", "b_seconds"]);
        assert_eq!(read[0].help, "Help\nof two lines \\ and a half.");
        let labels = &read[0].samples[0].labels;
        assert_eq!(
            (labels["one"].as_str(), labels["two"].as_str()),
            (evil, "é")
        );
        assert_eq!(
            (labels.len(), read[0].samples[0].value),
            (2, u64::MAX as f64)
        );
        assert!((read[1].samples[0].value - 1.5e-9).abs() < 1e-18);
        assert_eq!(read[1].samples[1].labels["one"], " [31m");
    }
}
