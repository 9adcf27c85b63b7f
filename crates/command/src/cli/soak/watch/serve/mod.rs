//! Serves what a soak's own thread has rendered: `/`, `/metrics` and `/healthz`.
//!
//! The server has only finished text, behind a lock that is held only to clone an `Arc`. So a
//! client can neither slow a soak down nor change anything. The threads end with the process.
//!
//! Clients are not trusted. The size and the duration of a request are bounded, its body is
//! discarded, at most [`CONNECTIONS_MAX`] connections are open at once, and a slow one is closed
//! when another client waits.
//!
//! No library is used, since what is needed of HTTP is one line, and the known library without an
//! asynchronous runtime (tiny_http 0.12) has no timeouts, no limit on the length of a head, and a
//! thread for every connection.

mod answer;
mod request;

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};
use std::time::Duration;

use crate::cli::usage::Usage;
use crate::clock::{Clock, Stamp};

/// The maximum number of connections at once: some browsers and Prometheus servers need a few.
const CONNECTIONS_MAX: usize = 64;
/// How long a connection may stay open while others wait. A client that only asks and reads is done
/// in far less, even on a busy machine.
const TURN: Duration = Duration::from_secs(2);
/// How long to wait when the system refuses a connection.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// The stack of a connection's thread, which calls little, in bytes.
const STACK: usize = 128 << 10;

/// What is served.
#[derive(Debug)]
pub(super) struct Pages {
    /// HTML.
    pub(super) page: String,
    /// Prometheus text.
    pub(super) metrics: String,
    pub(super) health: Health,
}

/// Whether rounds end in time. It is decided when a client asks, since a soak that is stuck renders
/// nothing.
#[derive(Debug)]
pub(super) struct Health {
    /// The answer if they do.
    pub(super) well: String,
    /// The answer if they do not.
    pub(super) late: String,
    /// When the last round ended.
    pub(super) round_over: Stamp,
    /// How long the next round may take.
    pub(super) patience: Duration,
}

/// The latest pages; `None` before the first.
type Shown = Mutex<Option<Arc<Pages>>>;

/// The server of a soak's pages.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    shown: Arc<Shown>,
}

/// Who is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::soak) enum Audience {
    /// Programs on this machine, by a name of this machine.
    Here,
    /// Everybody who can reach the address.
    Anyone,
}

impl Server {
    /// Listens at `address`, which must be a loopback address unless anyone is served.
    pub(super) fn start(address: SocketAddr, audience: Audience) -> Result<Self, Usage> {
        let is_loopback = address.ip().to_canonical().is_loopback();
        if !is_loopback && audience == Audience::Here {
            return Err(
                Usage::new(format!("{address} can be reached from other machines")).hint(format!(
                    "serve on 127.0.0.1:{}, or add --serve-anyone to let other machines read the pages",
                    address.port()
                )),
            );
        }
        Self::bind(address, audience).map_err(|error| {
            Usage::new(format!("failed to serve on {address}: {error}"))
                .hint("port 0 chooses a free port, and the soak prints which")
        })
    }

    fn bind(address: SocketAddr, audience: Audience) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shown = Arc::new(Shown::default());
        let theirs = Arc::clone(&shown);
        Builder::new()
            .name("serve".to_owned())
            .spawn(move || accept(&listener, audience, &theirs))?;
        Ok(Self { address, shown })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves these pages from now on.
    pub(super) fn show(&self, pages: Pages) {
        let pages = Arc::new(pages);
        // The old ones are dropped outside of the lock.
        let _old = locked(&self.shown).replace(pages);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Accepts connections for ever.
fn accept(listener: &TcpListener, audience: Audience, shown: &Arc<Shown>) {
    let connections = Arc::new(Connections::default());
    for stream in listener.incoming() {
        let connection = stream.and_then(|stream| Connections::take(&connections, stream));
        let Ok(connection) = connection else {
            thread::park_timeout(RETRY_AFTER);
            continue;
        };
        let shown = Arc::clone(shown);
        let attend = Builder::new()
            .name("serve-one".to_owned())
            .stack_size(STACK);
        // If the system gives no thread, the connection is closed.
        let _ = attend.spawn(move || {
            // The client may have gone.
            let _ = answer::attend(&connection.stream, audience, || locked(&shown).clone());
        });
    }
}

/// The connections that are open, the oldest first.
#[derive(Debug, Default)]
struct Connections {
    taken: Mutex<Taken>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    by: VecDeque<Admitted>,
}

#[derive(Debug)]
struct Admitted {
    number: u64,
    since: Stamp,
    /// A handle to the connection, to close it.
    stream: TcpStream,
}

/// An open connection, which counts until this is dropped.
#[derive(Debug)]
struct Connection {
    connections: Arc<Connections>,
    number: u64,
    stream: TcpStream,
}

impl Connections {
    /// Admits a connection. If there are too many, it waits until one ends or the oldest has had
    /// its turn, which is then closed.
    fn take(connections: &Arc<Self>, stream: TcpStream) -> io::Result<Connection> {
        let hand = stream.try_clone()?;
        let clock = Clock::get();
        let mut taken = locked(&connections.taken);
        while taken.by.len() >= CONNECTIONS_MAX {
            let longest = taken.by.front().map(|open| clock.since(open.since));
            let left = TURN.saturating_sub(longest.unwrap_or_default());
            if !left.is_zero() {
                let waited = connections.left.wait_timeout(taken, left);
                (taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
            } else if let Some(longest) = taken.by.pop_front() {
                // It may have been closed already.
                let _ = longest.stream.shutdown(Shutdown::Both);
            }
        }
        let number = taken.next;
        taken.next += 1;
        taken.by.push_back(Admitted {
            number,
            since: clock.now(),
            stream: hand,
        });
        drop(taken);
        Ok(Connection {
            connections: Arc::clone(connections),
            number,
            stream,
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut taken = locked(&self.connections.taken);
        taken.by.retain(|open| open.number != self.number);
        drop(taken);
        self.connections.left.notify_one();
    }
}

#[cfg(test)]
mod tests;
