//! The stacks of a process that hangs.

use std::process::{Command, Stdio};

/// The stacks of a process's threads, if there is a debugger.
pub(super) fn of(pid: u32) -> Option<String> {
    let output = Command::new("gdb")
        .args(["--batch", "--nx", "-ex", "thread apply all bt 30", "-p"])
        .arg(pid.to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let text = String::from_utf8_lossy(&output.ok()?.stdout).into_owned();
    text.contains("Thread").then_some(text)
}
