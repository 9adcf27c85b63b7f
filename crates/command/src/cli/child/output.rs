//! What comes from a child: its reports, and apart from them what it prints.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use signal_hook::consts::SIGALRM;

use crate::evidence::Crash;
use crate::report::crash;
use crate::result::figures;
use crate::soak::Told;

/// How much of the end of what a child prints is kept, in bytes.
const SAID_MAX: usize = 8 << 10;

/// What a child prints between one program and the next. What a heap prints is cut there as well, if it
/// prints this.
pub(super) const MARK: u8 = 0x1e;

/// How many pieces of what a child prints may wait to be copied; a piece has 8 KiB at most.
const PIECES_MAX: usize = 64;

/// What to do with what a child prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Printed {
    /// Nobody reads it.
    Dropped,
    /// It is copied to standard error.
    PassedOn,
}

/// What a child leaves behind.
#[derive(Debug, Default)]
pub(in crate::cli) struct ChildOutput {
    /// The end of what it printed since it [marked](super::inside::mark) its output last.
    pub(in crate::cli) said: String,
    /// Where a signal ended it, if it could say so.
    pub(in crate::cli) crash: Option<Crash>,
}

impl ChildOutput {
    /// How a child ended that left no result, and what it said about that.
    pub(in crate::cli) fn how(&self, status: ExitStatus) -> String {
        let how = match status.signal() {
            Some(SIGALRM) => {
                format!(
                    "it was killed by signal {SIGALRM}: it crashed, and hung when it was to say where"
                )
            }
            Some(signal) => format!("it was killed by signal {signal}"),
            None => format!("it ended without a result ({status})"),
        };
        let words = self.first_words().map(|words| format!(": {words}"));
        let place = self.crash.as_ref().and_then(crash::place);
        let place = place.map(|place| format!("; it was {place}"));
        how + &words.unwrap_or_default() + &place.unwrap_or_default()
    }

    /// The first line of that which is not empty, nor drawn; a stack or a hint may follow it. Of what a
    /// sanitizer says, which is longer than what is kept, the line that sums it up.
    pub(in crate::cli) fn first_words(&self) -> Option<&str> {
        let lines = self.said.lines().map(str::trim);
        let sum = lines
            .clone()
            .find_map(|line| line.strip_prefix("SUMMARY: "));
        let has_words = |line: &&str| line.contains(char::is_alphanumeric);
        sum.or_else(|| lines.clone().find(has_words))
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

/// The end of what a child prints, since the last output matters most. A thread reads it.
#[derive(Debug, Default)]
pub(super) struct PrintedEnd {
    last: Arc<Mutex<VecDeque<u8>>>,
    /// Closed once all has been read and copied.
    over: Option<Receiver<Infallible>>,
}

impl PrintedEnd {
    /// Begins to read.
    pub(super) fn of(stream: impl Read + Send + 'static, printed: Printed) -> io::Result<Self> {
        let last = Arc::default();
        let end = Arc::clone(&last);
        let (is_reading, over) = channel();
        let mut copy = match printed {
            Printed::Dropped => None,
            Printed::PassedOn => Some(Relay::to(io::stderr())?),
        };
        std::thread::Builder::new().spawn(move || {
            read_end(stream, &end, &mut copy);
            if let Some(copy) = copy {
                copy.finish();
            }
            drop(is_reading);
        })?;
        Ok(Self {
            last,
            over: Some(over),
        })
    }

    /// What has been read at the end of the stream, or after this time if that comes first: another
    /// process may keep the stream open, and perhaps nobody reads the copy.
    pub(super) fn read_within(&self, limit: Duration) -> String {
        if let Some(over) = &self.over {
            // Nothing is ever sent. Either error says that the wait is over.
            let _ = over.recv_timeout(limit);
        }
        let mut last = lock(&self.last);
        let since = last.make_contiguous().rsplit(|&byte| byte == MARK).next();
        String::from_utf8_lossy(since.unwrap_or_default()).into_owned()
    }
}

fn lock(last: &Mutex<VecDeque<u8>>) -> MutexGuard<'_, VecDeque<u8>> {
    last.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_end(stream: impl Read, end: &Mutex<VecDeque<u8>>, copy: &mut Option<Relay>) {
    let mut stream = BufReader::new(stream);
    // An error while reading counts as the end.
    while let Ok(bytes) = stream.fill_buf() {
        if bytes.is_empty() {
            break;
        }
        if let Some(copy) = copy {
            bytes
                .split(|&byte| byte == MARK)
                .for_each(|piece| copy.add(piece));
        }
        let mut last = lock(end);
        last.extend(bytes);
        let surplus = last.len().saturating_sub(SAID_MAX);
        last.drain(..surplus);
        drop(last);
        let length = bytes.len();
        stream.consume(length);
    }
}

/// The copy of what a child prints. A thread of its own writes it: where nobody reads it, as in a
/// pager, that thread waits, and neither the reader nor the heap under test does. What does not fit
/// into its queue is left out.
#[derive(Debug)]
struct Relay {
    queue: SyncSender<Vec<u8>>,
    left_out: usize,
    writer: JoinHandle<()>,
}

impl Relay {
    fn to(mut out: impl io::Write + Send + 'static) -> io::Result<Self> {
        let (queue, queued) = sync_channel::<Vec<u8>>(PIECES_MAX);
        let write = move || {
            for piece in queued {
                // If nobody can read it, it is lost.
                let _ = out.write_all(&piece);
            }
        };
        Ok(Self {
            queue,
            left_out: 0,
            writer: std::thread::Builder::new().spawn(write)?,
        })
    }

    fn add(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.left_out > 0 && self.queue.try_send(self.gap()).is_ok() {
            self.left_out = 0;
        }
        if self.left_out > 0 || self.queue.try_send(bytes.to_vec()).is_err() {
            self.left_out += bytes.len();
        }
    }

    fn gap(&self) -> Vec<u8> {
        let bytes = figures::several(self.left_out as u64, "byte", "bytes");
        format!("\n[{bytes} that the heap printed are left out: nobody read them]\n").into()
    }

    /// Waits until all is written.
    fn finish(self) {
        if self.left_out > 0 {
            let _ = self.queue.send(self.gap());
        }
        drop(self.queue);
        let _ = self.writer.join();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::soak::Beat;

    /// Goal: of endless output only the end is kept.
    #[test]
    fn the_end_is_kept() {
        let end_of = |text: String| {
            let printed = PrintedEnd::of(io::Cursor::new(text), Printed::Dropped);
            printed.expect("a thread").read_within(Duration::MAX)
        };
        let last = end_of("x".repeat(100_000) + "the end");
        assert!(last.len() == SAID_MAX && last.ends_with("xthe end"));
        assert_eq!(end_of("short".to_owned()), "short");
    }

    /// Goal: what was printed before a mark is no reason for what comes later; marks are not copied.
    #[test]
    fn what_is_before_a_mark_is_not_told() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let mut copy = Some(Relay::to(writer).expect("a thread"));
        let text = b"\x1ea warning\n\x1e\x1ethe reason\n";
        let printed = PrintedEnd::of(&text[..], Printed::Dropped).expect("a thread");
        assert_eq!(printed.read_within(Duration::MAX), "the reason\n");
        read_end(&text[..], &Mutex::default(), &mut copy);
        copy.expect("it is there").finish();
        let copied = io::read_to_string(reader).expect("it ends");
        assert_eq!(copied, "a warning\nthe reason\n");
    }

    /// Goal: what was printed is known even if somebody keeps the stream open for ever.
    #[test]
    fn an_end_that_does_not_come_is_not_waited_for() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let printed = PrintedEnd::of(reader, Printed::Dropped).expect("a thread");
        writer.write_all(b"a word").expect("it is written");
        while printed.read_within(Duration::from_millis(1)) != "a word" {}
        drop(writer);
    }

    /// Goal: where nobody reads the copy, what is printed is read all the same; the copy says how
    /// much of it is left out.
    #[test]
    fn a_copy_keeps_nobody_waiting() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut copy = Some(Relay::to(writer).expect("a thread"));
        let text = "x".repeat(10_000_000);
        let end = Mutex::default();
        read_end(text.as_bytes(), &end, &mut copy);
        let copying = std::thread::Builder::new()
            .spawn(|| copy.expect("it is there").finish())
            .expect("a thread");
        let mut copied = String::new();
        reader.read_to_string(&mut copied).expect("it ends");
        copying.join().expect("it ends");
        assert!(copied.ends_with("nobody read them]\n"));
        let gaps = copied.split('[').skip(1).map(|gap| {
            let (bytes, _) = gap.split_once(" byte").expect("how many");
            let digits: String = bytes.chars().filter(char::is_ascii_digit).collect();
            digits.parse::<usize>().expect("a number")
        });
        let left_out: usize = gaps.sum();
        assert_eq!(left_out + copied.matches('x').count(), text.len());
    }

    /// Goal: reports are read, whatever was printed before them.
    #[test]
    fn reports_are_told_from_the_rest() {
        let beat = Told::Beat {
            beat: Beat::default(),
            surveys: 0,
            steps: 1,
            settling_ms: None,
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
                crash: None,
            };
            output.how(ExitStatus::from_raw(6))
        };
        let said = "\nmemory allocation of 9 bytes failed\nstack backtrace:\n";
        let told = "it was killed by signal 6: memory allocation of 9 bytes failed";
        assert_eq!(how(said), told);
        assert_eq!(how("\n=====\n"), "it was killed by signal 6");
        let said = "=====\n==1==ERROR: A: x\n#0 a\nSUMMARY: A: x in a.c:1\n==1==ABORTING\n";
        assert_eq!(how(said), "it was killed by signal 6: A: x in a.c:1");
    }
}
