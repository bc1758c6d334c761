//! Compiles a component in a child process with limits.
//!
//! The child reads the component from standard input. It writes one byte and then a text or the
//! code to standard output. A child that exceeds a limit is killed by the system.

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use crate::compile::compiled::Compiled;
use crate::compile::engine_config::MemoryReservation;

/// The argument of the program that makes it compile.
const ARGUMENT: &str = "compile-component";

/// Address space of a child, 2 GiB.
pub(crate) const MAX_MEMORY: u64 = 2 << 30;

/// Processor time of a child, 60 s.
pub(crate) const MAX_SECONDS: u64 = 60;

/// Threads of a child at most: each reserves addresses, of which the limit would leave too few
/// on a machine of a hundred cores.
const MAX_THREADS: usize = 8;

/// The reason why a child returned no code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CompileError {
    /// The bytes are no component.
    NoComponent(String),
    /// The component needs more than it may.
    TooLarge(String),
    /// There is no child, or it did not do as it should.
    NoCompiler(String),
}

impl CompileError {
    const NO_COMPONENT: u8 = 1;
    const TOO_LARGE: u8 = 2;
    const NO_COMPILER: u8 = 3;

    fn number(&self) -> (u8, &str) {
        match self {
            Self::NoComponent(text) => (Self::NO_COMPONENT, text),
            Self::TooLarge(text) => (Self::TOO_LARGE, text),
            Self::NoCompiler(text) => (Self::NO_COMPILER, text),
        }
    }
}

/// Compiles a component in a child process of this program.
pub(crate) fn compile(
    program: &Path,
    reservation: MemoryReservation,
    component: &[u8],
) -> Result<Compiled, CompileError> {
    let failed = |error: io::Error| {
        CompileError::NoCompiler(format!("{} does not run: {error}", program.display()))
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut child = Command::new(program)
        .args([ARGUMENT, reservation.name()])
        .env("RAYON_NUM_THREADS", threads.min(MAX_THREADS).to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut answer = Vec::new();
    let read = thread::scope(|scope| {
        // A child that is killed reads no further, which is no error of this write.
        scope.spawn(move || input.map(|mut input| input.write_all(component)));
        output.map(|mut output| output.read_to_end(&mut answer))
    });
    read.transpose().map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    decode(&answer, status)
}

fn decode(answer: &[u8], status: ExitStatus) -> Result<Compiled, CompileError> {
    if !status.success() {
        return Err(CompileError::TooLarge(cause_of_end(status)));
    }
    let unknown = || CompileError::NoCompiler("its compiler answered nothing that is known".into());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match answer.split_first() {
        Some((0, rest)) => {
            let (host_memory, code) = rest.split_first_chunk().ok_or_else(unknown)?;
            Ok(Compiled {
                host_memory: u64::from_le_bytes(*host_memory),
                code: code.to_owned(),
            })
        }
        Some((&CompileError::NO_COMPONENT, why)) => Err(CompileError::NoComponent(text(why))),
        Some((&CompileError::TOO_LARGE, why)) => Err(CompileError::TooLarge(text(why))),
        Some((&CompileError::NO_COMPILER, why)) => Err(CompileError::NoCompiler(text(why))),
        _ => Err(unknown()),
    }
}

/// Describes the end of a child by the limit that it exceeded.
fn cause_of_end(status: ExitStatus) -> String {
    /// The signal of the limit of processor time (POSIX).
    const SIGXCPU: i32 = 24;
    match status.signal() {
        Some(SIGXCPU) => format!("to compile it takes more than {MAX_SECONDS} s of processor time"),
        // A failed allocation aborts; a stack that cannot grow is a fault of memory.
        _ => format!(
            "to compile and start it takes more than {} GiB of memory, or its parts are nested too deep",
            MAX_MEMORY >> 30
        ),
    }
}

/// Writes the result of a child to standard output.
pub(crate) fn answer(result: &Result<Compiled, CompileError>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match result {
        Ok(compiled) => {
            output.write_all(&[0])?;
            output.write_all(&compiled.host_memory.to_le_bytes())?;
            output.write_all(&compiled.code)?;
        }
        Err(error) => {
            let (number, text) = error.number();
            output.write_all(&[number])?;
            output.write_all(text.as_bytes())?;
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_of_a_child_is_told_by_its_limit() {
        let ended = |signal| decode(&[], ExitStatus::from_raw(signal));
        let Err(CompileError::TooLarge(time)) = ended(24) else {
            panic!("a signal is no answer");
        };
        assert_eq!(time, "to compile it takes more than 60 s of processor time");
        let Err(CompileError::TooLarge(memory)) = ended(6) else {
            panic!("a signal is no answer");
        };
        assert!(memory.contains("more than 2 GiB of memory"), "{memory}");
    }

    #[test]
    fn answers_are_read_by_their_first_byte() {
        let read = |answer: &[u8]| decode(answer, ExitStatus::from_raw(0));
        let compiled = Compiled {
            code: b"code".to_vec(),
            host_memory: 7,
        };
        assert_eq!(read(b"\0\x07\0\0\0\0\0\0\0code"), Ok(compiled));
        assert_eq!(
            read(b"\x01why"),
            Err(CompileError::NoComponent("why".into()))
        );
        for answer in [&b""[..], b"\0\x07", b"x"] {
            assert!(
                matches!(read(answer), Err(CompileError::NoCompiler(_))),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn program_that_does_not_exist_is_named() {
        let compiled = compile(Path::new("/none"), MemoryReservation::OnDemand, b"x");
        let Err(CompileError::NoCompiler(why)) = compiled else {
            panic!("there is no such program");
        };
        assert!(why.starts_with("/none does not run"), "{why}");
    }
}
