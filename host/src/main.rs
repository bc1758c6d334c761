//! The command `mockfleet`.

use std::process::ExitCode;

/// Payloads are freed on other threads than they were made on, and in great numbers;
/// the system's allocator holds on to them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    mockfleet::cli::main()
}
