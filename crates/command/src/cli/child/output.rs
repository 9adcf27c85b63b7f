//! What comes from a child: its reports, and apart from them what it prints.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::mpsc::Sender;

use crate::soak::Told;

/// How much of the end of what a child prints is kept, in bytes.
const SAID_MAX: usize = 8 << 10;

/// What to do with what a child prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Printed {
    /// Nobody reads it.
    Dropped,
    /// It is copied to standard error.
    PassedOn,
}

impl Printed {
    fn pass_on(self, bytes: &[u8]) {
        if self == Self::PassedOn {
            // If nobody reads it, it is lost.
            let _ = io::stderr().write_all(bytes);
        }
    }
}

/// What a child leaves behind.
#[derive(Debug, Default)]
pub(in crate::cli) struct ChildOutput {
    /// The end of what it printed.
    pub(in crate::cli) said: String,
}

impl ChildOutput {
    /// How a child ended that left no result, and what it said about that.
    pub(in crate::cli) fn how(&self, status: ExitStatus) -> String {
        let how = match status.signal() {
            Some(signal) => format!("it was killed by signal {signal}"),
            None => format!("it ended without a result ({status})"),
        };
        match self.first_words() {
            Some(words) => format!("{how}: {words}"),
            None => how,
        }
    }

    /// The first line of that which is not empty. A stack or a hint may follow it.
    pub(in crate::cli) fn first_words(&self) -> Option<&str> {
        self.said
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
    }
}

/// Sends the reports of a child to `tell`. An error while reading counts as the end. What is printed
/// before the child [keeps its reports apart](super::inside) is left out: the command, which is the
/// same program, has printed it as well.
pub(super) fn read_reports(out: impl Read, tell: &Sender<Told>) {
    for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
        if let Some(told) = Told::read(&String::from_utf8_lossy(&line)) {
            // If nobody listens any more, the pipe is emptied nevertheless.
            let _ = tell.send(told);
        }
    }
}

/// The end of what a child prints, since the last output matters most.
pub(super) fn end_of(stream: impl Read, printed: Printed) -> String {
    let mut last = VecDeque::with_capacity(SAID_MAX);
    let mut stream = BufReader::new(stream);
    // An error while reading counts as the end.
    while let Ok(bytes) = stream.fill_buf() {
        if bytes.is_empty() {
            break;
        }
        printed.pass_on(bytes);
        last.extend(bytes);
        let length = bytes.len();
        stream.consume(length);
        let surplus = last.len().saturating_sub(SAID_MAX);
        last.drain(..surplus);
    }
    String::from_utf8_lossy(last.make_contiguous()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::soak::Beat;

    /// Goal: of endless output only the end is kept.
    #[test]
    fn the_end_is_kept() {
        let long = "x".repeat(100_000) + "the end";
        let last = end_of(long.as_bytes(), Printed::Dropped);
        assert!(last.len() == SAID_MAX && last.ends_with("xthe end"));
        assert_eq!(end_of("short".as_bytes(), Printed::Dropped), "short");
    }

    /// Goal: reports are read, whatever was printed before them.
    #[test]
    fn reports_are_told_from_the_rest() {
        let beat = Told::Beat {
            beat: Beat::default(),
            surveys: 0,
            steps: 1,
        };
        let mut printed = b"{\n\xff\n".to_vec();
        printed.extend(beat.line().expect("it is written").as_bytes());
        let (tell, told) = channel();
        read_reports(&printed[..], &tell);
        drop(tell);
        assert_eq!(told.iter().collect::<Vec<_>>(), [beat]);
    }

    /// Goal: how a child ended is described with its reason, without the stack that follows.
    #[test]
    fn the_reason_is_told() {
        let how = |said: &str| {
            let output = ChildOutput {
                said: said.to_owned(),
            };
            output.how(ExitStatus::from_raw(6))
        };
        let said = "\nmemory allocation of 9 bytes failed\nstack backtrace:\n";
        let told = "it was killed by signal 6: memory allocation of 9 bytes failed";
        assert_eq!(how(said), told);
        assert_eq!(how("\n"), "it was killed by signal 6");
    }
}
