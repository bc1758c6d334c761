//! The command `mockfleet`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mockfleet::Allocator = mockfleet::Allocator;

fn main() -> ExitCode {
    mockfleet::cli::main()
}
