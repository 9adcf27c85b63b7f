//! The stacks of a process that hangs.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long the debugger may take: it reads the symbols of a large program in seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// The stacks of a process's threads, if there is a debugger.
pub(super) fn of(pid: u32) -> Option<String> {
    let mut debugger = Command::new("gdb")
        .args(["--batch", "--nx", "-ex", "thread apply all bt 30", "-p"])
        .arg(pid.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut out = debugger.stdout.take()?;
    let (tell, told) = channel();
    let read = move || {
        let mut bytes = Vec::new();
        // After an error, what could be read is sent.
        let _ = out.read_to_end(&mut bytes);
        let _ = tell.send(bytes);
    };
    let reading = std::thread::Builder::new().spawn(read);
    let bytes = reading.ok().and_then(|_| told.recv_timeout(LIMIT).ok());
    // May have ended by itself.
    let _ = debugger.kill();
    let _ = debugger.wait();
    let text = String::from_utf8_lossy(&bytes?).into_owned();
    text.contains("Thread").then_some(text)
}
