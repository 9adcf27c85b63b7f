//! What an interpreter is given to read, and what it writes: a thread for each of the three, so
//! that none of them waits for another.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The longest line of a report, in bytes: ten times what the largest history takes.
const LINE_MAX: u64 = 1 << 30;
/// How much of the end of standard error is kept, in bytes: the stacks of a hundred threads.
const SAID_MAX: usize = 256 << 10;

/// The streams of one process.
#[derive(Debug)]
pub(super) struct Streams {
    lines: Receiver<Vec<u8>>,
    said: Arc<Mutex<VecDeque<u8>>>,
    /// Closed once all of standard error has been read.
    over: Receiver<Infallible>,
}

impl Streams {
    /// Gives the process its program, and begins to read.
    pub(super) fn of(process: &mut Child, program: String) -> io::Result<Self> {
        let streams = (
            process.stdin.take(),
            process.stdout.take(),
            process.stderr.take(),
        );
        let (Some(mut input), Some(report), Some(mut errors)) = streams else {
            return Err(io::Error::other("the process has no streams"));
        };
        let spawn = |work: Box<dyn FnOnce() + Send>| thread::Builder::new().spawn(work).map(drop);
        spawn(Box::new(move || {
            // One that does not read to the end says by its own end why.
            let _ = input.write_all(program.as_bytes());
        }))?;
        let (tell, lines) = channel();
        spawn(Box::new(move || read_lines(BufReader::new(report), &tell)))?;
        let said = Arc::<Mutex<VecDeque<u8>>>::default();
        let kept = Arc::clone(&said);
        let (is_reading, over) = channel();
        spawn(Box::new(move || {
            let mut piece = [0; 4096];
            // An error counts as the end.
            while let Ok(length @ 1..) = errors.read(&mut piece) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&piece[..length]);
                let surplus = kept.len().saturating_sub(SAID_MAX);
                kept.drain(..surplus);
            }
            drop(is_reading);
        }))?;
        Ok(Self { lines, said, over })
    }

    /// The next line of the report; `Disconnected` once there are no more.
    pub(super) fn next(&self, timeout: Duration) -> Result<Vec<u8>, RecvTimeoutError> {
        self.lines.recv_timeout(timeout)
    }

    /// The end of standard error, when all has been read or after this time.
    pub(super) fn said_within(&self, limit: Duration) -> String {
        // Nothing is ever sent. Either error says that the wait is over.
        let _ = self.over.recv_timeout(limit);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(said.make_contiguous()).into_owned()
    }
}

/// Sends line by line, each without its end. What follows the last end of a line is none: its
/// writer was cut off.
fn read_lines(mut report: impl BufRead, tell: &Sender<Vec<u8>>) {
    loop {
        let mut line = Vec::new();
        let read = report.by_ref().take(LINE_MAX).read_until(b'\n', &mut line);
        let is_whole = line.pop() == Some(b'\n');
        if read.is_err() || !is_whole || tell.send(line).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: half a line, whose writer died over it, is no line.
    #[test]
    fn a_line_that_was_cut_off_is_none() {
        let (tell, lines) = channel();
        read_lines(&b"{}\n\n{\"do"[..], &tell);
        drop(tell);
        assert_eq!(
            lines.iter().collect::<Vec<_>>(),
            [b"{}".to_vec(), Vec::new()]
        );
    }
}
