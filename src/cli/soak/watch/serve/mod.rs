//! Serves what a soak's own thread has rendered: `/`, `/metrics` and `/healthz`.
//!
//! Nothing of the soak is in here but finished text behind a lock that is held for as long as it takes to
//! count a reference, so whoever asks can neither slow a soak down nor change anything. The threads end
//! with the process.
//!
//! Whoever asks may be anybody's program. A request has so many bytes and seconds and no more, its body is
//! thrown away, at most [`SEATS`] are listened to at once, and one that dawdles gives up its seat to the
//! next. Why not a library: of those without an asynchronous runtime the one that is known, tiny_http
//! 0.12, sets no timeout on what it accepts and offers none, reads lines of a head without a limit, and
//! starts a thread for every connection; none of that can be changed from outside. What is needed of HTTP
//! here is one line.

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

/// How many connections are listened to at once: some browsers and Prometheus servers need a few.
const SEATS: usize = 64;
/// How long one may sit when others wait. Who only asks and listens is done in far less, even where the
/// processors are busy with something else.
const SITTING: Duration = Duration::from_secs(2);
/// How long to wait when the system has no more connections to give.
const BREATH: Duration = Duration::from_millis(100);
/// The stack of a connection's thread, which does little.
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

/// Whether rounds end in time, which is found out when somebody asks: who does not go on renders nothing.
#[derive(Debug)]
pub(super) struct Health {
    /// A line if they do.
    pub(super) well: String,
    /// A line if they do not.
    pub(super) late: String,
    /// When one did last.
    pub(super) round_over: Stamp,
    /// How long the next may take.
    pub(super) patience: Duration,
}

/// The last pages; none before the first.
type Shown = Mutex<Option<Arc<Pages>>>;

/// See the module.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    shown: Arc<Shown>,
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli::soak) enum Audience {
    /// Programs on this machine.
    Here,
    /// Whoever can reach it.
    Anyone,
}

impl Server {
    /// Listens at `address`, which has to be one of this machine's own unless anyone may ask.
    pub(super) fn start(address: SocketAddr, audience: Audience) -> Result<Self, Usage> {
        let is_loopback = address.ip().to_canonical().is_loopback();
        if !is_loopback && audience == Audience::Here {
            return Err(
                Usage::new(format!("{address} can be reached from other machines")).hint(format!(
                    "serve on 127.0.0.1:{}, or say --serve-anyone: whoever reaches it may read",
                    address.port()
                )),
            );
        }
        Self::bind(address).map_err(|error| {
            Usage::new(format!("failed to serve on {address}: {error}"))
                .hint("port 0 takes one that is free, and says which")
        })
    }

    fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shown = Arc::new(Shown::default());
        let theirs = Arc::clone(&shown);
        Builder::new()
            .name("serve".to_owned())
            .spawn(move || accept(&listener, &theirs))?;
        Ok(Self { address, shown })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// These are served from now on.
    pub(super) fn show(&self, pages: Pages) {
        let pages = Arc::new(pages);
        // The old ones are dropped outside of the lock.
        let _old = locked(&self.shown).replace(pages);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens for ever.
fn accept(listener: &TcpListener, shown: &Arc<Shown>) {
    let seats = Arc::new(Seats::default());
    for stream in listener.incoming() {
        let seat = stream.and_then(|stream| Seats::take(&seats, stream));
        let Ok(seat) = seat else {
            thread::park_timeout(BREATH);
            continue;
        };
        let shown = Arc::clone(shown);
        let attend = Builder::new()
            .name("serve-one".to_owned())
            .stack_size(STACK);
        // If there is no thread for it the connection is closed.
        let _ = attend.spawn(move || {
            // Whoever asked may have gone.
            let _ = answer::attend(&seat.stream, || locked(&shown).clone());
        });
    }
}

/// Who is listened to at the moment, the longest first.
#[derive(Debug, Default)]
struct Seats {
    taken: Mutex<Taken>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    by: VecDeque<Sitter>,
}

#[derive(Debug)]
struct Sitter {
    number: u64,
    since: Stamp,
    /// A hand on the connection, so that it can be ended.
    stream: TcpStream,
}

/// One who is listened to; over when it is dropped.
#[derive(Debug)]
struct Seat {
    seats: Arc<Seats>,
    number: u64,
    stream: TcpStream,
}

impl Seats {
    /// A seat for this one. If none becomes free, whoever has sat longest has to go when it was long.
    fn take(seats: &Arc<Self>, stream: TcpStream) -> io::Result<Seat> {
        let hand = stream.try_clone()?;
        let clock = Clock::get();
        let mut taken = locked(&seats.taken);
        while taken.by.len() >= SEATS {
            let longest = taken.by.front().map(|sitter| clock.since(sitter.since));
            let left = SITTING.saturating_sub(longest.unwrap_or_default());
            if !left.is_zero() {
                let waited = seats.left.wait_timeout(taken, left);
                (taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
            } else if let Some(longest) = taken.by.pop_front() {
                // It may have gone by itself.
                let _ = longest.stream.shutdown(Shutdown::Both);
            }
        }
        let number = taken.next;
        taken.next += 1;
        taken.by.push_back(Sitter {
            number,
            since: clock.now(),
            stream: hand,
        });
        drop(taken);
        Ok(Seat {
            seats: Arc::clone(seats),
            number,
            stream,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = locked(&self.seats.taken);
        taken.by.retain(|sitter| sitter.number != self.number);
        drop(taken);
        self.seats.left.notify_one();
    }
}

#[cfg(test)]
mod tests;
