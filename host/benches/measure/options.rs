//! The command line of a benchmark.

/// The number after an option; where it is not given, `usual`, or `small` with
/// `--short`.
pub(crate) fn option(name: &str, usual: u32, small: u32) -> u32 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    let value = arguments.nth(1);
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(pick(usual, small))
}

/// Whether an option without a value is given.
fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

/// Whether the benchmark only has to prove that it runs.
pub(crate) fn short() -> bool {
    flag("--short")
}

/// One or the other, by `--short`.
pub(crate) fn pick<T>(usual: T, small: T) -> T {
    if short() { small } else { usual }
}

/// A count as a number to calculate with; counts of benchmarks stay below 2^53.
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
