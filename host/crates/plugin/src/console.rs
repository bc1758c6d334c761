//! What guests print: bytes become lines with the device's id, at most so many a
//! second and so long. A guest that prints without end costs a counter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most bytes of a line that are kept; the rest of the line is left out.
const LINE: usize = 4096;

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One line that a guest printed.
#[derive(Debug)]
pub struct Line<'a> {
    /// The device that was being called, or the plugin's name between calls.
    pub from: &'a str,
    /// Where it was printed.
    pub stream: Stream,
    /// The line, without its end.
    pub text: &'a str,
    /// Lines of this cell that were left out since the last one, by the limit. The
    /// last count of a cell comes without a text.
    pub skipped: u64,
}

/// Takes the lines of all cells; called on the threads that call guests.
pub type Console = Arc<dyn Fn(Line<'_>) + Send + Sync>;

/// The printing side of one cell, shared with its output streams.
#[derive(Clone)]
pub(super) struct Printer(Arc<Shared>);

struct Shared {
    /// The call at hand: how many there have been, above the 32 bits of its seat. Said
    /// before each call, and looked at only when something is printed.
    call: AtomicU64,
    inner: Mutex<Inner>,
}

struct Inner {
    console: Console,
    /// The call that printed last, and whose it was.
    call: u64,
    from: Arc<str>,
    /// The devices, by seat.
    names: Vec<Arc<str>>,
    lines: [Vec<u8>; 2],
    limit: u32,
    second: Instant,
    printed: u32,
    skipped: u64,
    /// The last lines on standard error: a panic's message comes in several, and
    /// is the best cause that a fault can name.
    last_words: Vec<String>,
}

/// Enough for a Rust panic: the place, the message, the note.
const LAST_WORDS: usize = 4;

impl Printer {
    pub(super) fn new(console: Console, limit: u32, from: &str) -> Self {
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
                last_words: Vec::new(),
            }),
        }))
    }

    /// The device takes the next seat.
    pub(super) fn seated(&self, device: &str) {
        self.lock().names.push(device.into());
    }

    /// Says whose call follows.
    pub(super) fn called(&self, seat: u32) {
        // One thread at a time calls a cell.
        let call = self.0.call.load(Ordering::Relaxed) >> 32;
        let call = (call + 1) << 32 | u64::from(seat);
        self.0.call.store(call, Ordering::Relaxed);
    }

    /// What the guest said on standard error in this call.
    pub(super) fn last_words(&self) -> Option<String> {
        let mut inner = self.lock();
        inner.end_line(Stream::Err);
        let text = inner.last_words.join(" ");
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn write(&self, stream: Stream, bytes: &[u8]) {
        self.lock().write(stream, bytes);
    }

    /// What is kept, told of the call at hand.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        let inner = self.0.inner.lock();
        let mut inner = inner.unwrap_or_else(PoisonError::into_inner);
        inner.follow(self.0.call.load(Ordering::Relaxed));
        inner
    }
}

impl Inner {
    fn follow(&mut self, call: u64) {
        if call == self.call {
            return;
        }
        self.call = call;
        self.last_words.clear();
        let seat = usize::try_from(call & u64::from(u32::MAX));
        if let Some(name) = seat.ok().and_then(|seat| self.names.get(seat)) {
            self.from = Arc::clone(name);
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let mut parts = bytes.split(|byte| *byte == b'\n');
        if let Some(first) = parts.next() {
            self.push(stream, first);
        }
        for part in parts {
            self.end_line(stream);
            self.push(stream, part);
        }
    }

    fn push(&mut self, stream: Stream, bytes: &[u8]) {
        let [out, err] = &mut self.lines;
        let line = match stream {
            Stream::Out => out,
            Stream::Err => err,
        };
        let room = LINE.saturating_sub(line.len()).min(bytes.len());
        line.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }

    fn end_line(&mut self, stream: Stream) {
        let [out, err] = &mut self.lines;
        let line = std::mem::take(match stream {
            Stream::Out => out,
            Stream::Err => err,
        });
        if line.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        if stream == Stream::Err && self.last_words.len() < LAST_WORDS {
            self.last_words.extend(telling(&text).map(str::to_owned));
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
        (self.console)(Line {
            from: &self.from,
            stream,
            text: text.trim_end_matches('\r'),
            skipped: std::mem::take(&mut self.skipped),
        });
    }
}

/// What a line says of why a guest ended. A Rust panic also names a thread, of which a
/// guest has one, and a variable of the environment, which it has not.
fn telling(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.starts_with("note: run with `RUST_BACKTRACE") {
        return None;
    }
    let of_thread = line.starts_with("thread '");
    match line.find("panicked at ") {
        Some(place) if of_thread => line.get(place..),
        _ => Some(line),
    }
}

impl Drop for Inner {
    /// A cell ends: what was left out and not yet said is said now.
    fn drop(&mut self) {
        if self.skipped > 0 {
            (self.console)(Line {
                from: &self.from,
                stream: Stream::Out,
                text: "",
                skipped: self.skipped,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printer(limit: u32) -> (Printer, Arc<Mutex<Vec<String>>>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let console: Console = Arc::new(move |line| {
            let text = format!("{}: {} ({})", line.from, line.text, line.skipped);
            sink.lock().unwrap().push(text);
        });
        (Printer::new(console, limit, "p"), seen)
    }

    #[test]
    fn bytes_become_lines_with_the_name_of_the_device() {
        let (printer, seen) = printer(10);
        printer.write(Stream::Out, b"hel");
        printer.seated("d-0");
        printer.seated("d-1");
        printer.called(1);
        printer.write(Stream::Out, b"lo\nworld\n\nopen");
        assert_eq!(*seen.lock().unwrap(), ["d-1: hello (0)", "d-1: world (0)"]);
    }

    #[test]
    fn a_guest_that_prints_without_end_costs_a_counter() {
        let (printer, seen) = printer(3);
        for _ in 0..100_000 {
            printer.write(Stream::Out, &[b'x'; 100]);
            printer.write(Stream::Out, b"\n");
        }
        printer.write(Stream::Err, &vec![b'y'; 10 * LINE]);
        assert_eq!(seen.lock().unwrap().len(), 3);
        {
            let inner = printer.lock();
            assert!(inner.lines.iter().all(|line| line.len() <= LINE));
        }
        drop(printer);
        let seen = seen.lock().unwrap();
        assert_eq!(seen.last().map(String::as_str), Some("p:  (99997)"));
    }

    #[test]
    fn the_last_words_are_those_of_the_call() {
        let (printer, _) = printer(0);
        printer.write(Stream::Err, b"old\n");
        printer.seated("d-0");
        printer.called(0);
        assert_eq!(printer.last_words(), None);
        printer.write(
            Stream::Err,
            b"\nthread '<unnamed>' (1) panicked at lib.rs:3:\nno more paper\nnote: run with `RUST_BACKTRACE=1` to see\n",
        );
        let words = printer.last_words();
        assert_eq!(
            words.as_deref(),
            Some("panicked at lib.rs:3: no more paper")
        );
    }
}
