//! Measures the growth of memory over a day of virtual time.
//!
//! Calls cells of 64 thermometers once for each of 86,400 seconds, flat out.
//!
//! ```text
//! cargo bench -- day [--cells 4] [--short]
//! ```

use crate::measure::guests::{Guests, plugin};
use crate::measure::{Bar, Bench, Case, float, option, pick, resident};
use mockfleet_plugin::Engine;
use serde_json::json;

const DAY: u64 = 86_400;

pub(crate) fn main() {
    let (rounds, cells) = (option("--rounds", 1, 1), option("--cells", 4, 1));
    let day = pick(DAY, 600);
    let engine = Engine::new().expect("WebAssembly runs here");
    let (plugin, console) = plugin(&engine);
    let name = format!("growth over 24 h of virtual time, {} devices", cells * 64);
    let mut case = Case::new(name, "KiB").bar(Bar::at_most(1_024.0));
    for _ in 0..rounds {
        let made = (0..cells).map(|_| Guests::new(&plugin, &console, 64));
        let mut made: Vec<Guests> = made.collect();
        let mut seen = Vec::new();
        for second in 1..=day {
            made.iter_mut().for_each(|guests| guests.second(second));
            // Buffers grow to their size in the first minute.
            if second == 60 || second % (day / 8) == 0 {
                seen.push((second, resident()));
            }
        }
        let first = seen.first().map_or(0, |(_, kib)| *kib);
        let last = seen.last().map_or(0, |(_, kib)| *kib);
        let details =
            json!({ "resident_kib_at_second": seen, "ticks": u64::from(cells) * 64 * day });
        case.add_alone(float(last) - float(first), details);
    }
    let mut bench = Bench::new("day");
    bench.add(&case);
    bench.finish();
}
