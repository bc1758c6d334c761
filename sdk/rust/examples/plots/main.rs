//! Draws what every generator gives, from real values, to `docs/generators/*.svg`.
//!
//! cargo run -p mockfleet-sdk --features generate --example plots
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what cannot be drawn may panic"
)]

mod faults;
mod random;
mod sampler;
mod svg;
mod texts;
mod time;
mod tracks;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/generators");
    std::fs::create_dir_all(&folder)?;
    for (name, picture) in [
        ("arrivals", random::arrivals()),
        ("bucket", random::bucket()),
        ("bulk", time::bulk()),
        ("counter", time::counter()),
        ("curve", time::curve()),
        ("distributions", random::distributions()),
        ("expression", texts::expression()),
        ("faulty", faults::faulty()),
        ("markov", random::markov()),
        ("profile", time::profile()),
        ("replay", tracks::replay()),
        ("route", tracks::route()),
        ("texts", texts::texts()),
        ("walk", random::walk()),
        ("wave", time::wave()),
    ] {
        std::fs::write(folder.join(format!("{name}.svg")), picture)?;
        println!("docs/generators/{name}.svg");
    }
    Ok(())
}
