//! Reads the command line of a benchmark.

/// Returns the number after an option. Without the option it is `usual`, or `small` with
/// `--short`.
pub(crate) fn option(name: &str, usual: u32, small: u32) -> u32 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    let value = arguments.nth(1);
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(pick(usual, small))
}

/// Returns whether an option without a value is given.
fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}

/// Returns whether the benchmark only proves that it runs.
pub(crate) fn short() -> bool {
    flag("--short")
}

/// Returns `usual`, or `small` with `--short`.
pub(crate) fn pick<T>(usual: T, small: T) -> T {
    if short() { small } else { usual }
}

/// Converts a count to floating point. Counts of benchmarks stay below 2^53.
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
