//! Reads as much of a request as an answer needs: its first line, the host name that it was sent
//! to, and where its head ends. The rest of the head is ignored.

use std::io::{ErrorKind, Read};
use std::net::IpAddr;

/// How long a head may be, in bytes.
pub(super) const HEAD_MAX: usize = 8 << 10;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Page(Form),
    Metrics(Form),
    Health(Form),
    /// A path that does not exist.
    Nothing(Form),
    /// A method other than GET and HEAD.
    Change,
}

/// Which part of an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// GET
    Whole,
    /// HEAD
    Head,
}

/// The host name in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// The request has none. Requests of browsers always have one.
    Unsaid,
    /// A name that always means the machine itself, whatever name servers say.
    Loopback,
    /// Any other name.
    Other,
}

/// A request, and the host name that it was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) host: Host,
}

/// Why there is no request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unheard {
    /// What was sent is not a request.
    Nonsense,
    /// The head does not end where it must.
    TooLong,
    /// It did not arrive in time.
    TooSlow,
    /// The client has closed the connection.
    Gone,
}

/// Reads a request. `from` fails by itself when the time is over.
pub(super) fn read(from: &mut impl Read) -> Result<Asked, Unheard> {
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
    let head = &head[..length];
    let asked = parse(head).zip(host(head));
    let asked = asked.map(|(request, host)| Asked { request, host });
    asked.ok_or(Unheard::Nonsense)
}

/// Whether the head is complete: it ends with an empty line. Lines without a carriage return are
/// accepted, as RFC 9112 (2.2) allows.
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

/// The host in the only `Host` line of a head; `None` if there are several, which RFC 9112 (3.2)
/// forbids.
fn host(head: &[u8]) -> Option<Host> {
    let lines = head.split(|byte| *byte == b'\n').skip(1);
    let hosts = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        name.eq_ignore_ascii_case(b"host").then_some(value)
    });
    match hosts.collect::<Vec<_>>()[..] {
        [] => Some(Host::Unsaid),
        [value] => Some(match std::str::from_utf8(value) {
            Ok(value) if is_loopback(value.trim()) => Host::Loopback,
            _ => Host::Other,
        }),
        _ => None,
    }
}

/// Whether this is an address or a name of the machine itself, with a port or without.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_address = |address: IpAddr| address.to_canonical().is_loopback();
    let name = name.to_ascii_lowercase();
    // RFC 6761 reserves `localhost` and names that end in it for the machine itself.
    name == "localhost" || name.ends_with(".localhost") || name.parse().is_ok_and(is_address)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Yields a byte at a time, then ends.
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
        at_once.map(|asked| asked.request)
    }

    /// Goal: names that always mean the machine itself are distinguished from those that a name
    /// server resolves.
    #[test]
    fn hosts_are_told_apart() {
        for (line, host) in [
            ("", Host::Unsaid),
            ("Host: localhost\r\n", Host::Loopback),
            ("HOST:LocalHost:9464\r\n", Host::Loopback),
            ("host: a.localhost\r\n", Host::Loopback),
            ("Host: 127.0.0.1:9464\r\n", Host::Loopback),
            ("Host: 127.1.2.3\r\n", Host::Loopback),
            ("Host: [::1]:80\r\n", Host::Loopback),
            ("Host: [::ffff:127.0.0.1]\r\n", Host::Loopback),
            ("Host:\r\n", Host::Other),
            ("Host: evil.example\r\n", Host::Other),
            ("Host: localhost.evil.example:9464\r\n", Host::Other),
            ("Host: 127.0.0.1.evil.example\r\n", Host::Other),
            ("Host: evillocalhost\r\n", Host::Other),
            ("Host: 192.0.2.7\r\n", Host::Other),
            ("Host: [::2]:80\r\n", Host::Other),
            ("Host: 0x7f.1\r\n", Host::Other),
            ("X: y\r\nHost: \u{e9}\r\n", Host::Other),
        ] {
            let text = format!("GET / HTTP/1.1\r\n{line}\r\n");
            let asked = read(&mut text.as_bytes()).map(|asked| asked.host);
            assert_eq!(asked, Ok(host), "{line:?}");
        }
        let twice = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n";
        assert_eq!(asked(twice), Err(Unheard::Nonsense));
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

    /// Goal: a head may have exactly [`HEAD_MAX`] bytes, and not one more.
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
