//! Renders runs as HTML pages, JUnit XML and plots.
//!
//! Internal to mockfleet: it has no stable API. It returns texts, and writes no file.
//!
//! | module | content |
//! |---|---|
//! | `page` | the HTML page of a run |
//! | `chart` | charts of the page |
//! | `junit` | JUnit XML for CI servers |
//! | `plot` | lines of a value over time, in a terminal or as SVG |
//! | `axis` | scales, ticks and labels of axes |
//! | `escape`, `num` | escaped texts, conversions |

mod axis;
mod chart;
mod escape;
mod junit;
mod num;
mod page;
mod plot;

pub use junit::junit;
pub use page::{PageData, page};
pub use plot::{Line, MAX_LINES, Plot, svg, terminal};
