//! Answers one request and closes the connection. No part of a request is repeated in an answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::request::{self, Asked, Form, Host, Request, Unheard};
use super::{Audience, Pages};
use crate::clock::{Clock, Stamp};

/// How long a client may take to send its head, and to receive the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long, and how many bytes of, a body is discarded after the answer: a connection that is
/// closed with unread data is reset, and the answer may be lost.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// The headers of every answer. They forbid a page to fetch or run anything, whatever it contains,
/// and forbid caching, since it changes every second.
const HEADERS: &str = "\
Connection: close\r\n\
Cache-Control: no-store\r\n\
Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
Cross-Origin-Resource-Policy: same-origin\r\n\
Referrer-Policy: no-referrer\r\n\
X-Content-Type-Options: nosniff\r\n";

const PLAIN: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// An answer.
struct Answer<'a> {
    status: &'static str,
    kind: &'static str,
    body: &'a str,
    form: Form,
    /// Further headers of this answer.
    extra: &'static str,
}

/// Reads a request and answers it. `shown` is called for the pages once there is a request.
pub(super) fn attend(
    stream: &TcpStream,
    audience: Audience,
    shown: impl FnOnce() -> Option<Arc<Pages>>,
) -> io::Result<()> {
    let asked = request::read(&mut Timed::new(stream, PATIENCE));
    if asked == Err(Unheard::Gone) {
        return Ok(());
    }
    let pages = shown();
    let answer = answer(&asked, audience, pages.as_deref());
    let mut stream = Timed::new(stream, PATIENCE);
    stream.write_all(answer.head().as_bytes())?;
    if answer.form == Form::Whole {
        stream.write_all(answer.body.as_bytes())?;
    }
    linger(stream.stream)
}

fn answer<'a>(
    asked: &Result<Asked, Unheard>,
    audience: Audience,
    pages: Option<&'a Pages>,
) -> Answer<'a> {
    let said = |status, body| Answer {
        status,
        kind: PLAIN,
        body,
        form: Form::Whole,
        extra: "",
    };
    let request = match asked {
        // A page from another site whose name now resolves to this machine (DNS rebinding) can make
        // a browser here send requests, and must not read the answers.
        Ok(asked) if audience == Audience::Here && asked.host == Host::Other => {
            return said("421 Misdirected Request", "ask localhost\n");
        }
        Ok(asked) => asked.request,
        Err(Unheard::TooLong) => {
            return said("431 Request Header Fields Too Large", "too long\n");
        }
        Err(Unheard::TooSlow) => return said("408 Request Timeout", "too slow\n"),
        Err(Unheard::Nonsense | Unheard::Gone) => {
            return said("400 Bad Request", "not understood\n");
        }
    };
    let (form, found) = match request {
        Request::Change => {
            return Answer {
                extra: "Allow: GET, HEAD\r\n",
                ..said("405 Method Not Allowed", "read only\n")
            };
        }
        Request::Nothing(form) => (form, said("404 Not Found", "not found\n")),
        Request::Page(form) | Request::Metrics(form) | Request::Health(form) => {
            let found = pages.map(|pages| found(request, pages));
            let early = || said("503 Service Unavailable", "not yet\n");
            (form, found.unwrap_or_else(early))
        }
    };
    Answer { form, ..found }
}

/// The answer with a page.
fn found(request: Request, pages: &Pages) -> Answer<'_> {
    let health = &pages.health;
    let is_late = || Clock::get().since(health.round_over) > health.patience;
    let (status, kind, body) = match request {
        Request::Metrics(_) => ("200 OK", PROMETHEUS, &pages.metrics),
        Request::Health(_) if is_late() => ("503 Service Unavailable", PLAIN, &health.late),
        Request::Health(_) => ("200 OK", PLAIN, &health.well),
        _ => ("200 OK", HTML, &pages.page),
    };
    Answer {
        status,
        kind,
        body,
        form: Form::Whole,
        extra: "",
    }
}

impl Answer<'_> {
    fn head(&self) -> String {
        format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}{HEADERS}\r\n",
            self.status,
            self.kind,
            self.body.len(),
            self.extra
        )
    }
}

/// Ends the answer, and discards what the client still sends, up to a limit.
fn linger(stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let mut rest = [0; 4096];
    let mut from = Timed::new(stream, LINGER);
    let mut thrown = 0;
    while thrown < LINGER_BYTES {
        match from.read(&mut rest) {
            Ok(0) => break,
            Ok(more) => thrown += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A connection with one time limit for all reads, or all writes, together: the system's own
/// timeouts begin anew with each byte.
struct Timed<'a> {
    stream: &'a TcpStream,
    start: Stamp,
    limit: Duration,
}

impl<'a> Timed<'a> {
    fn new(stream: &'a TcpStream, limit: Duration) -> Self {
        Self {
            stream,
            start: Clock::get().now(),
            limit,
        }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.limit.saturating_sub(Clock::get().since(self.start));
        match left.is_zero() {
            true => Err(ErrorKind::TimedOut.into()),
            false => Ok(left),
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(into)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
