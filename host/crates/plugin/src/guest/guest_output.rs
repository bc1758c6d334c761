//! Splits the output of guests into lines with the device's id.
//!
//! Lines have a maximum length and a maximum number a second. Above that they are only
//! counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The maximum length of a line, 4 KiB; the rest of the line is dropped.
const MAX_LINE_BYTES: usize = 4096;

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StdStream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One line that a guest printed.
#[derive(Debug)]
pub struct OutputLine<'a> {
    /// The called device, or the plugin's name between calls.
    pub from: &'a str,
    /// The stream that it was printed to.
    pub stream: StdStream,
    /// The line, without its line break.
    pub text: &'a str,
    /// The number of lines of this cell that the limit dropped since the last line. The
    /// last count of a cell has an empty text.
    pub skipped: u64,
}

/// Receives the lines of all cells, on the threads that call guests.
pub type Console = Arc<dyn Fn(OutputLine<'_>) + Send + Sync>;

/// The output of one cell, shared with its two streams.
#[derive(Clone)]
pub(crate) struct GuestOutput(Arc<Shared>);

struct Shared {
    /// The current call: the number of calls, above the 32 bits of the device's handle.
    /// It is set before each call, and read only when a guest prints.
    call: AtomicU64,
    inner: Mutex<Inner>,
}

struct Inner {
    console: Console,
    /// The call that printed last, and its device.
    call: u64,
    from: Arc<str>,
    /// The ids of the devices, by handle.
    names: Vec<Arc<str>>,
    lines: [Vec<u8>; 2],
    limit: u32,
    second: Instant,
    printed: u32,
    skipped: u64,
    /// The lines of the call on standard error. A panic's message has several, and
    /// describes the cause of a crash best.
    stderr_tail: Vec<String>,
}

/// The number of lines of a Rust panic: the place, the message, the note.
const STDERR_TAIL_LINES: usize = 4;

impl GuestOutput {
    /// Sends at most `limit` lines a second to the console.
    pub(crate) fn new(console: Console, limit: u32, from: &str) -> Self {
        Self(Arc::new(Shared {
            call: AtomicU64::new(0),
            inner: Mutex::new(Inner {
                console,
                call: 0,
                from: from.into(),
                names: Vec::new(),
                lines: [Vec::new(), Vec::new()],
                limit,
                second: Instant::now(),
                printed: 0,
                skipped: 0,
                stderr_tail: Vec::new(),
            }),
        }))
    }

    /// Adds a device, which has the next handle.
    pub(crate) fn add_device(&self, device: &str) {
        self.lock().names.push(device.into());
    }

    /// Starts a call of a device.
    #[inline]
    pub(crate) fn begin_call(&self, handle: u32) {
        // One thread at a time calls a cell.
        let call = self.0.call.load(Ordering::Relaxed) >> 32;
        let call = (call + 1) << 32 | u64::from(handle);
        self.0.call.store(call, Ordering::Relaxed);
    }

    /// Returns the lines that the guest printed on standard error in this call.
    pub(crate) fn stderr_tail(&self) -> Option<String> {
        let mut inner = self.lock();
        inner.end_line(StdStream::Err);
        let text = inner.stderr_tail.join(" ");
        (!text.is_empty()).then_some(text)
    }

    /// Writes bytes that a guest printed.
    pub(crate) fn write(&self, stream: StdStream, bytes: &[u8]) {
        self.lock().write(stream, bytes);
    }

    /// Locks the state, after it has taken over the current call.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        let inner = self.0.inner.lock();
        let mut inner = inner.unwrap_or_else(PoisonError::into_inner);
        inner.set_call(self.0.call.load(Ordering::Relaxed));
        inner
    }
}

impl Inner {
    fn set_call(&mut self, call: u64) {
        if call == self.call {
            return;
        }
        self.call = call;
        self.stderr_tail.clear();
        let handle = usize::try_from(call & u64::from(u32::MAX));
        if let Some(name) = handle.ok().and_then(|handle| self.names.get(handle)) {
            self.from = Arc::clone(name);
        }
    }

    fn write(&mut self, stream: StdStream, bytes: &[u8]) {
        let mut parts = bytes.split(|byte| *byte == b'\n');
        if let Some(first) = parts.next() {
            self.push(stream, first);
        }
        for part in parts {
            self.end_line(stream);
            self.push(stream, part);
        }
    }

    fn push(&mut self, stream: StdStream, bytes: &[u8]) {
        let [out, err] = &mut self.lines;
        let line = match stream {
            StdStream::Out => out,
            StdStream::Err => err,
        };
        let room = MAX_LINE_BYTES.saturating_sub(line.len()).min(bytes.len());
        line.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }

    fn end_line(&mut self, stream: StdStream) {
        let [out, err] = &mut self.lines;
        let line = std::mem::take(match stream {
            StdStream::Out => out,
            StdStream::Err => err,
        });
        if line.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        if stream == StdStream::Err && self.stderr_tail.len() < STDERR_TAIL_LINES {
            self.stderr_tail
                .extend(panic_text(&text).map(str::to_owned));
        }
        if self.second.elapsed() >= Duration::from_secs(1) {
            self.second = Instant::now();
            self.printed = 0;
        }
        if self.printed >= self.limit {
            self.skipped += 1;
            return;
        }
        self.printed += 1;
        (self.console)(OutputLine {
            from: &self.from,
            stream,
            text: text.trim_end_matches('\r'),
            skipped: std::mem::take(&mut self.skipped),
        });
    }
}

/// Returns the part of a line that explains a crash.
///
/// A Rust panic also names a thread and an environment variable. A guest has one thread
/// and no environment.
fn panic_text(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.starts_with("note: run with `RUST_BACKTRACE") {
        return None;
    }
    let is_thread = line.starts_with("thread '");
    match line.find("panicked at ") {
        Some(place) if is_thread => line.get(place..),
        _ => Some(line),
    }
}

impl Drop for Inner {
    /// Reports the dropped lines that were not reported yet.
    fn drop(&mut self) {
        if self.skipped > 0 {
            (self.console)(OutputLine {
                from: &self.from,
                stream: StdStream::Out,
                text: "",
                skipped: self.skipped,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(limit: u32) -> (GuestOutput, Arc<Mutex<Vec<String>>>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let console: Console = Arc::new(move |line| {
            let text = format!("{}: {} ({})", line.from, line.text, line.skipped);
            sink.lock().unwrap().push(text);
        });
        (GuestOutput::new(console, limit, "p"), seen)
    }

    #[test]
    fn lines_have_the_name_of_the_device() {
        let (output, seen) = output(10);
        output.write(StdStream::Out, b"hel");
        output.add_device("d-0");
        output.add_device("d-1");
        output.begin_call(1);
        output.write(StdStream::Out, b"lo\nworld\n\nopen");
        assert_eq!(*seen.lock().unwrap(), ["d-1: hello (0)", "d-1: world (0)"]);
    }

    #[test]
    fn lines_above_the_limit_are_only_counted() {
        let (output, seen) = output(3);
        for _ in 0..100_000 {
            output.write(StdStream::Out, &[b'x'; 100]);
            output.write(StdStream::Out, b"\n");
        }
        output.write(StdStream::Err, &vec![b'y'; 10 * MAX_LINE_BYTES]);
        assert_eq!(seen.lock().unwrap().len(), 3);
        {
            let inner = output.lock();
            assert!(inner.lines.iter().all(|line| line.len() <= MAX_LINE_BYTES));
        }
        drop(output);
        let seen = seen.lock().unwrap();
        assert_eq!(seen.last().map(String::as_str), Some("p:  (99997)"));
    }

    #[test]
    fn stderr_tail_has_the_lines_of_the_call() {
        let (output, _) = output(0);
        output.write(StdStream::Err, b"old\n");
        output.add_device("d-0");
        output.begin_call(0);
        assert_eq!(output.stderr_tail(), None);
        output.write(
            StdStream::Err,
            b"\nthread '<unnamed>' (1) panicked at lib.rs:3:\nno more paper\nnote: run with `RUST_BACKTRACE=1` to see\n",
        );
        let words = output.stderr_tail();
        assert_eq!(
            words.as_deref(),
            Some("panicked at lib.rs:3: no more paper")
        );
    }
}
