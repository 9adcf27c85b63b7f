//! Who watches a soak: the file of metrics, and what is served.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use crate::harness::{Done, Place};
use crate::interrupt::{signal, wait_until};

/// The value of the only sample whose line begins so.
fn value(metrics: &str, start: &str) -> Option<f64> {
    let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(start));
    lines.next()?.rsplit(' ').next()?.parse().ok()
}

/// Starts a soak that serves, and returns where.
fn serving(place: &Place, line: &str) -> (Child, String) {
    let mut command = place.command(line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let err = child.stderr.take().expect("it was piped");
    let mut lines = BufReader::new(err).lines();
    let first = lines.next().expect("a line").expect("text");
    let address = first.strip_prefix("serving http://").expect("where");
    let address = address.trim_end_matches('/').to_owned();
    // Somebody has to read what else it says.
    std::thread::Builder::new()
        .spawn(move || lines.count())
        .expect("a thread");
    (child, address)
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it serves");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// Goal: the file is there while a soak goes on, whole whenever it is looked at, replaced with
/// newer ones, and says at the end that it was one.
#[test]
fn metrics_are_kept() {
    let place = Place::new();
    let path = place.path().join("soak.prom");
    // So small batches that a round which got the processor at all has made one.
    let line = "soak counter --heap gil -D batch=100 --round 50ms --budget 1h \
                --metrics-file soak.prom --out o";
    let mut command = place.command(line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    let text = || std::fs::read_to_string(&path).unwrap_or_default();
    let held = "gcstorm_soak_rounds_total{workload=\"counter\",heap=\"gil\",outcome=\"held\"}";
    let mut seen = Vec::new();
    wait_until("the file is replaced", || {
        let text = text();
        assert!(text.is_empty() || text.ends_with("} 0\n"), "{text}");
        assert!(text.is_empty() || value(&text, "gcstorm_soak_under_way") == Some(1.0));
        seen.extend(value(&text, held).filter(|rounds| *rounds > 0.0));
        seen.dedup();
        seen.len() >= 2
    });
    assert!(seen.is_sorted(), "{seen:?}");
    signal(&child, "INT");
    Done::from(child.wait_with_output().expect("it ends")).code(130);
    assert_eq!(value(&text(), "gcstorm_soak_under_way"), Some(0.0));
    assert_eq!(value(&text(), "gcstorm_soak_failures_total"), Some(0.0));
    let files = place.files();
    let outside = files.iter().filter(|file| !file.starts_with("o"));
    assert_eq!(outside.count(), 1, "{files:?}");
}

/// Goal: what is shown of a soak under way is served where it says, and ends with it.
#[test]
fn pages_are_served() {
    let place = Place::new();
    let line = "-q soak churn --heap gil --round 100ms --budget 1h --serve 127.0.0.1:0 --out o";
    let (mut child, address) = serving(&place, line);
    wait_until("a round is over", || {
        get(&address, "/metrics").contains("gcstorm_soak_last_round_end_time_seconds ")
    });
    let page = get(&address, "/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(
        page.contains("churn on gil") && page.ends_with("</html>\n"),
        "{page}"
    );
    let health = get(&address, "/healthz");
    assert!(health.contains("\r\n\r\nwell: "), "{health}");
    signal(&child, "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(TcpStream::connect(&address).is_err());
}

/// Goal: what failed is on the page, with the line that does it again.
#[test]
fn failures_are_served() {
    let place = Place::new();
    let line = "soak churn --heap gil --fault get-without-increment --round 100ms --seed 1 \
                --budget 1h --max-failures 1000000 --serve 127.0.0.1:0 --out o";
    let (mut child, address) = serving(&place, line);
    let mut page = String::new();
    wait_until("a failure is shown", || {
        page = get(&address, "/");
        page.contains("<code>gcstorm run churn ")
    });
    assert!(page.contains("class=\"banner violated\""), "{page}");
    child.kill().expect("it is there");
    child.wait().expect("it has ended");
}

/// Goal: what cannot be written to or listened on is refused before anything runs, and whatever is
/// wanted beyond this machine has to be said.
#[test]
fn bad_places_are_refused() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = format!("soak --serve {}", taken.local_addr().expect("it has one"));
    for (line, words) in [
        (taken.as_str(), "port 0 chooses a free port"),
        ("soak --serve 0.0.0.0:0", "--serve-anyone"),
        ("soak --serve nowhere", "127.0.0.1:9464"),
        ("soak --serve-anyone", "--serve"),
        ("soak --metrics-file no/such/directory.prom", "no/such"),
        ("soak --metrics-file .", "failed to write"),
    ] {
        place.run(line).code(2).warns(words);
    }
    assert_eq!(place.files().len(), 0);
    let line = "soak counter --heap gil --round 20ms --budget 30ms --metrics-file m.txt --out o";
    place.run(line).warns("end in .prom only");
}

/// Goal: a file that can no longer be written is reported once, and the soak goes on.
#[test]
fn a_lost_file_is_told_of() {
    let place = Place::new();
    let gone = place.path().join("metrics");
    std::fs::create_dir(&gone).expect("a directory");
    let line = "soak counter --heap gil --round 50ms --budget 5s --out o \
                --metrics-file metrics/soak.prom";
    let mut command = place.command(line);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    wait_until("the file is there", || gone.join("soak.prom").exists());
    // It may be about to write another one.
    wait_until("the directory is gone", || {
        std::fs::remove_dir_all(&gone).is_ok() || !gone.exists()
    });
    // Where the machine is busy a round of this length may do nothing.
    let done = Done::from(child.wait_with_output().expect("it ends"));
    assert!(matches!(done.code, Some(0 | 3)), "{}", done.err);
    assert_eq!(
        done.err.matches("failed to write").count(),
        1,
        "{}",
        done.err
    );
}
