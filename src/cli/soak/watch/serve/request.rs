//! Reads as much of a request as an answer needs: its first line, and where its head ends. What else the
//! head says is not looked at.

use std::io::{ErrorKind, Read};

/// How long a head may be, in bytes.
pub(super) const HEAD_MAX: usize = 8 << 10;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Page(Form),
    Metrics(Form),
    Health(Form),
    /// Something that is not there.
    Nothing(Form),
    /// Something is to be changed, which nothing can be.
    Change,
}

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// GET
    Whole,
    /// HEAD
    Head,
}

/// Why there is no request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unheard {
    /// What was sent is no request.
    Nonsense,
    /// The head does not end where it must.
    TooLong,
    /// It was not there in time.
    TooSlow,
    /// There is nobody to answer.
    Gone,
}

/// Reads one. `from` gives up by itself when the time is over.
pub(super) fn read(from: &mut impl Read) -> Result<Request, Unheard> {
    let mut head = [0; HEAD_MAX];
    let mut length = 0;
    while !is_whole(&head[..length]) {
        if length == HEAD_MAX {
            return Err(Unheard::TooLong);
        }
        match from.read(&mut head[length..]) {
            Ok(0) => return Err(Unheard::Gone),
            Ok(more) => length += more,
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::TimedOut | ErrorKind::WouldBlock => return Err(Unheard::TooSlow),
                _ => return Err(Unheard::Gone),
            },
        }
    }
    parse(&head[..length]).ok_or(Unheard::Nonsense)
}

/// Whether the empty line is there that ends a head. Some end lines without a carriage return, which one
/// may accept (RFC 9112, 2.2).
fn is_whole(head: &[u8]) -> bool {
    let ends: [&[u8]; 2] = [b"\r\n\r\n", b"\n\n"];
    ends.iter()
        .any(|end| head.windows(end.len()).any(|window| window == *end))
}

/// `GET /metrics HTTP/1.1`
fn parse(head: &[u8]) -> Option<Request> {
    let line = head.split(|byte| *byte == b'\n').next()?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_method = !method.is_empty() && method.iter().all(u8::is_ascii_uppercase);
    let is_version = matches!(version, b"HTTP/1.0" | b"HTTP/1.1");
    if words.next().is_some() || !is_method || !is_version || target.is_empty() {
        return None;
    }
    let form = match method {
        b"GET" => Form::Whole,
        b"HEAD" => Form::Head,
        _ => return Some(Request::Change),
    };
    let path = target.split(|byte| *byte == b'?').next()?;
    Some(match path {
        b"/" => Request::Page(form),
        b"/metrics" => Request::Metrics(form),
        b"/healthz" => Request::Health(form),
        _ => Request::Nothing(form),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out a byte at a time, then ends.
    struct Dribble<'a>(&'a [u8]);

    impl Read for Dribble<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else {
                return Ok(0);
            };
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn asked(text: &str) -> Result<Request, Unheard> {
        let at_once = read(&mut text.as_bytes());
        assert_eq!(read(&mut Dribble(text.as_bytes())), at_once, "{text:?}");
        at_once
    }

    /// Goal: requests are understood in whichever pieces they come, and only whole ones.
    #[test]
    fn requests_are_understood() {
        use Form::{Head, Whole};
        for (text, request) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Request::Page(Whole)),
            ("HEAD /metrics HTTP/1.0\r\n\r\n", Request::Metrics(Head)),
            ("GET /healthz?a=/ HTTP/1.1\n\n", Request::Health(Whole)),
            ("GET /healthz/ HTTP/1.1\r\n\r\n", Request::Nothing(Whole)),
            ("GET http://a/ HTTP/1.1\r\n\r\n", Request::Nothing(Whole)),
            (
                "GET /../etc/passwd HTTP/1.1\r\n\r\n",
                Request::Nothing(Whole),
            ),
            ("POST / HTTP/1.1\r\n\r\nbody", Request::Change),
            ("OPTIONS * HTTP/1.1\r\n\r\n", Request::Change),
        ] {
            assert_eq!(asked(text), Ok(request), "{text:?}");
        }
        for text in [
            "GET /\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "get / HTTP/1.1\r\n\r\n",
            " / HTTP/1.1\r\n\r\n",
            "\r\n\r\n",
            "\u{16}\u{3}\u{1}\r\n\r\n",
        ] {
            assert_eq!(asked(text), Err(Unheard::Nonsense), "{text:?}");
        }
        for text in ["", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"] {
            assert_eq!(asked(text), Err(Unheard::Gone), "{text:?}");
        }
    }

    /// Goal: a head may have so many bytes and not one more.
    #[test]
    fn heads_are_bounded() {
        let of_length = |length: usize| {
            let frame = "GET / HTTP/1.1\r\nA: \r\n\r\n";
            let filling = "x".repeat(length - frame.len());
            asked(&format!("GET / HTTP/1.1\r\nA: {filling}\r\n\r\n"))
        };
        assert_eq!(of_length(HEAD_MAX), Ok(Request::Page(Form::Whole)));
        assert_eq!(of_length(HEAD_MAX + 1), Err(Unheard::TooLong));
        assert_eq!(asked(&"x".repeat(1 << 20)), Err(Unheard::TooLong));
    }
}
