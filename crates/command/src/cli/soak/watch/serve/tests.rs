//! The server on real connections.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;

use super::*;

/// A server of these pages, on a free port.
fn serving(patience: Duration) -> Server {
    let server = empty();
    server.show(Pages {
        page: "<p>page</p>".to_owned(),
        metrics: "metric 1\n".to_owned(),
        health: Health {
            well: "well\n".to_owned(),
            late: "late\n".to_owned(),
            round_over: Clock::get().now(),
            patience,
        },
    });
    server
}

fn empty() -> Server {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Server::start(address, Audience::Here).unwrap_or_else(|usage| panic!("{}", usage.text()))
}

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).expect("somebody listens")
}

/// Sends this and reads until the connection is closed.
fn ask(server: &Server, request: &str) -> String {
    let mut stream = connect(server);
    stream.write_all(request.as_bytes()).expect("it is sent");
    rest_of(stream)
}

fn rest_of(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is closed");
    answer
}

fn get(server: &Server, path: &str) -> String {
    ask(
        server,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    )
}

const HOUR: Duration = Duration::from_secs(3600);

/// Goal: each page is served with its content type, whole to GET and without its body to HEAD, and
/// with headers that forbid fetching, scripts, content sniffing and caching.
#[test]
fn pages_are_served() {
    let server = serving(HOUR);
    for (path, kind, body) in [
        ("/", "text/html; charset=utf-8", "<p>page</p>"),
        (
            "/metrics",
            "text/plain; version=0.0.4; charset=utf-8",
            "metric 1\n",
        ),
        ("/healthz", "text/plain; charset=utf-8", "well\n"),
    ] {
        let answer = get(&server, path);
        let (head, found) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(found, body);
        let length = format!("Content-Length: {}", body.len());
        for header in [
            &format!("Content-Type: {kind}"),
            &length,
            "Connection: close",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src \
             data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ] {
            assert!(
                head.lines().any(|line| line == header),
                "{header} in {head}"
            );
        }
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(ask(&server, &request), format!("{head}\r\n\r\n"));
    }
}

/// Goal: new pages are served at once, and before the first pages the answer is 503.
#[test]
fn the_last_pages_are_served() {
    let server = empty();
    for path in ["/", "/metrics", "/healthz"] {
        assert!(get(&server, path).starts_with("HTTP/1.1 503 "));
    }
    for number in 0..3 {
        server.show(Pages {
            page: format!("page {number}"),
            metrics: String::new(),
            health: Health {
                well: String::new(),
                late: String::new(),
                round_over: Clock::get().now(),
                patience: HOUR,
            },
        });
        assert!(get(&server, "/").ends_with(&format!("\r\n\r\npage {number}")));
    }
}

/// Goal: a soak whose rounds do not end is reported as late, although it renders no new pages.
#[test]
fn lateness_is_found_out() {
    let server = serving(Duration::ZERO);
    let answer = get(&server, "/healthz");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("\r\n\r\nlate\n"));
    assert!(get(&server, "/").starts_with("HTTP/1.1 200 "));
}

/// Goal: other requests are refused with the right status, and no part of a request is repeated in
/// an answer.
#[test]
fn the_rest_is_refused() {
    let server = serving(HOUR);
    let long = format!("GET / HTTP/1.1\r\nX: {}", "canary".repeat(20_000));
    for (request, status) in [
        ("POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\ncanary", "405"),
        ("DELETE /canary HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"),
        (
            "GET /canary?canary HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "404",
        ),
        ("HEAD /canary HTTP/1.1\r\n\r\n", "404"),
        ("canary\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        let answer = ask(&server, request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(!answer.contains("canary"), "{answer}");
        let is_405 = answer.contains("\r\nAllow: GET, HEAD\r\n");
        assert_eq!(is_405, status == "405", "{answer}");
    }
    // A long body is discarded and does not prevent the answer.
    let body = "canary".repeat(50_000);
    let answer = ask(&server, &format!("POST / HTTP/1.1\r\n\r\n{body}"));
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

/// Goal: a request to another host name is refused, unless anyone is served.
#[test]
fn other_names_are_refused() {
    let request = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    let answer = ask(&serving(HOUR), request);
    assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
    assert!(!answer.contains("metric"), "{answer}");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let anyone = Server::start(address, Audience::Anyone).expect("it may");
    assert!(ask(&anyone, request).starts_with("HTTP/1.1 503 "));
}

/// Goal: clients that connect and send nothing, however many, do not prevent others from being
/// answered.
#[test]
fn silence_blocks_nobody() {
    let server = serving(HOUR);
    let silent: Vec<TcpStream> = (0..CONNECTIONS_MAX + 8).map(|_| connect(&server)).collect();
    assert!(get(&server, "/metrics").ends_with("metric 1\n"));
    // Half a request is no better.
    let mut half = connect(&server);
    half.write_all(b"GET / HT").expect("it is sent");
    assert!(get(&server, "/").ends_with("<p>page</p>"));
    drop(silent);
    half.write_all(b"TP/1.1\r\n\r\n").expect("it is sent");
    assert!(rest_of(half).ends_with("<p>page</p>"));
}

/// Goal: a hundred at once are all answered.
#[test]
fn many_are_answered() {
    let server = serving(HOUR);
    let all = std::sync::Barrier::new(100);
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                all.wait();
                assert!(get(&server, "/metrics").ends_with("metric 1\n"));
            });
        }
    });
}

/// Goal: a connection that ends makes room for the next, and if none ends the oldest is closed.
#[test]
fn connections_are_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("it has one");
    let connections = Arc::new(Connections::default());
    let guest = || {
        let guest = TcpStream::connect(address).expect("somebody listens");
        let (stream, _) = listener.accept().expect("somebody came");
        (
            guest,
            Connections::take(&connections, stream).expect("a connection"),
        )
    };
    let mut guests: Vec<(TcpStream, Connection)> = (0..CONNECTIONS_MAX).map(|_| guest()).collect();
    // Somebody leaves, and the next one has a connection without anybody being sent away.
    drop(guests.remove(3));
    guests.push(guest());
    assert_eq!(locked(&connections.taken).by.len(), CONNECTIONS_MAX);
    let (first, _) = &mut guests[0];
    first.set_nonblocking(true).expect("it can be");
    let waits = first.read(&mut [0]).expect_err("nothing was sent");
    assert_eq!(waits.kind(), io::ErrorKind::WouldBlock);
    // Nobody leaves, and the first has to.
    guests.push(guest());
    let (first, _) = &mut guests[0];
    first.set_nonblocking(false).expect("it can be");
    assert_eq!(first.read(&mut [0]).expect("it was closed"), 0);
    assert_eq!(locked(&connections.taken).by.len(), CONNECTIONS_MAX);
    drop(guests);
    assert!(locked(&connections.taken).by.is_empty());
}

/// Goal: an address that other machines can reach, and a port that is in use, are refused with a
/// hint.
#[test]
fn addresses_are_looked_at() {
    let here = serving(HOUR);
    let taken = Server::start(here.address(), Audience::Here);
    let taken = taken.expect_err("it is taken").text().to_owned();
    assert!(taken.contains("failed to serve on 127.0.0.1:") && taken.contains("port 0"));
    for text in ["0.0.0.0:0", "[::]:0", "192.0.2.7:0"] {
        let address = text.parse().expect("an address");
        let refused = Server::start(address, Audience::Here);
        let refused = refused.expect_err("it is not of this machine alone");
        assert!(refused.text().contains("--serve-anyone"), "{text}");
    }
    let address = "0.0.0.0:0".parse().expect("an address");
    let anyone = Server::start(address, Audience::Anyone).expect("it may");
    assert!(anyone.address().port() != 0);
}
