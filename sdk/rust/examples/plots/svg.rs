//! A small SVG writer: one picture of stacked panels with axes, legible on light and on
//! dark pages. Owns how things are drawn; must not know what they mean.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 18.0;
const HEAD: f64 = 66.0;
const GAP: f64 = 46.0;

/// Light colours, and dark ones for pages that ask for them. Said class by class, since some
/// readers of SVG know no variables.
const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#6b7280}\
.title{font-size:16px;font-weight:600;fill:#1f2937}.name{fill:#1f2937;font-weight:600}\
.code{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1f2937}\
.bg{fill:#fff}.halo{stroke:#fff;stroke-width:4px}.grid{stroke:#e5e7eb}path,line{fill:none}\
.line{stroke-width:1.6;stroke-linejoin:round}.dash{stroke-dasharray:4 4}.thin{stroke-width:1}\
.sa{stroke:#2563eb}.sb{stroke:#d97706}.sc{stroke:#059669}.sd{stroke:#db2777}.sg{stroke:#9ca3af}\
.fa{fill:#2563eb}.fb{fill:#d97706}.fc{fill:#059669}.fd{fill:#db2777}.fg{fill:#9ca3af}.bar{opacity:.75}\
@media(prefers-color-scheme:dark){text{fill:#9da7b3}.title,.name,.code{fill:#e6edf3}\
.bg{fill:#0d1117}.halo{stroke:#0d1117}.grid{stroke:#2b323b}\
.sa{stroke:#60a5fa}.sb{stroke:#fbbf24}.sc{stroke:#34d399}.sd{stroke:#f472b6}.sg{stroke:#6e7781}\
.fa{fill:#60a5fa}.fb{fill:#fbbf24}.fc{fill:#34d399}.fd{fill:#f472b6}.fg{fill:#6e7781}}";

/// A colour of a series.
#[derive(Clone, Copy)]
pub(crate) enum Ink {
    /// The first series.
    A,
    /// The second one.
    B,
    /// The third one.
    C,
    /// The fourth one.
    D,
    /// What stands behind: the truth, a bound.
    Soft,
}

impl Ink {
    const fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
            Self::C => 'c',
            Self::D => 'd',
            Self::Soft => 'g',
        }
    }

    /// One for each of several devices.
    pub(crate) const fn of(number: usize) -> Self {
        match number % 4 {
            0 => Self::A,
            1 => Self::B,
            2 => Self::C,
            _ => Self::D,
        }
    }
}

/// One picture.
pub(crate) struct Picture {
    title: String,
    body: String,
    height: f64,
}

/// A pair of axes in a picture: horizontal and vertical ranges in the data's own units.
pub(crate) struct Panel {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    x: (f64, f64),
    y: (f64, f64),
    body: String,
}

/// What stands beside an axis' ticks.
pub(crate) enum Ticks {
    /// Numbers at round steps.
    Numbers,
    /// These words at these places.
    Words(Vec<(f64, String)>),
}

impl Picture {
    pub(crate) fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            body: String::new(),
            height: HEAD,
        }
    }

    /// A panel over the whole width, below those that are there.
    pub(crate) fn panel(&self, height: f64, x: (f64, f64), y: (f64, f64)) -> Panel {
        self.part(0.0, 1.0, height, x, y)
    }

    /// A panel from one share of the width to another, below those that are there.
    pub(crate) fn part(
        &self,
        from: f64,
        to: f64,
        height: f64,
        x: (f64, f64),
        y: (f64, f64),
    ) -> Panel {
        let whole = WIDTH - LEFT - RIGHT;
        Panel {
            left: LEFT + whole * from,
            top: self.height,
            width: whole * (to - from),
            height,
            x,
            y,
            body: String::new(),
        }
    }

    /// Puts a panel in. The next one stands beside it, until `below` is called.
    pub(crate) fn put(&mut self, panel: Panel) {
        self.body.push_str(&panel.body);
    }

    /// Goes on below a height.
    pub(crate) fn below(&mut self, height: f64) {
        self.height += height + GAP;
    }

    /// A line of text in the typewriter's letters, and its name.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        let y = self.height;
        let _ = write!(
            self.body,
            "<text class=\"name\" x=\"20\" y=\"{y:.0}\">{}</text><text class=\"code\" x=\"190\" y=\"{y:.0}\">{}</text>",
            escaped(name),
            escaped(text)
        );
        self.height += 21.0;
    }

    /// A gap between lines of text.
    pub(crate) fn space(&mut self) {
        self.height += 10.0;
    }

    pub(crate) fn finish(self, trailing: f64) -> String {
        let height = self.height - trailing;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" role=\"img\">\
             <title>{title}</title><style>{STYLE}</style><rect width=\"100%\" height=\"100%\" rx=\"8\" class=\"bg\"/>\
             <text class=\"title\" x=\"20\" y=\"28\">{title}</text>{}</svg>\n",
            self.body,
            title = escaped(&self.title),
        )
    }
}

impl Panel {
    fn px(&self, x: f64) -> f64 {
        self.left + (x - self.x.0) / (self.x.1 - self.x.0) * self.width
    }

    fn py(&self, y: f64) -> f64 {
        self.top + self.height - (y - self.y.0) / (self.y.1 - self.y.0) * self.height
    }

    /// Draws grid, ticks and names. `unit` stands at the end of the horizontal axis.
    pub(crate) fn axes(&mut self, name: &str, unit: &str, x: &Ticks, y: &Ticks) {
        for (at, word) in ticks(x, self.x, 8.0) {
            let px = self.px(at);
            let (top, bottom) = (self.top, self.top + self.height);
            let _ = write!(
                self.body,
                "<line class=\"grid\" x1=\"{px:.1}\" x2=\"{px:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\"/>\
                 <text x=\"{px:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 16.0,
                escaped(&word)
            );
        }
        for (at, word) in ticks(y, self.y, (self.height / 32.0).max(2.0)) {
            let py = self.py(at);
            let (left, right) = (self.left, self.left + self.width);
            let _ = write!(
                self.body,
                "<line class=\"grid\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{py:.1}\" y2=\"{py:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 7.0,
                py + 4.0,
                escaped(&word)
            );
        }
        let (x, y) = (self.left, self.top - 8.0);
        let _ = write!(
            self.body,
            "<text class=\"name\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escaped(name)
        );
        let x = self.left + self.width;
        let _ = write!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>",
            escaped(unit)
        );
    }

    /// A line through points; where a value is missing it is broken.
    pub(crate) fn line(&mut self, points: &[(f64, Option<f64>)], ink: Ink, style: &str) {
        self.path(points, ink, style, false);
    }

    /// As a line, but a value holds until the next one.
    pub(crate) fn steps(&mut self, points: &[(f64, Option<f64>)], ink: Ink) {
        self.path(points, ink, "", true);
    }

    fn path(&mut self, points: &[(f64, Option<f64>)], ink: Ink, style: &str, steps: bool) {
        let mut path = String::new();
        let mut down = false;
        for (x, y) in points {
            let Some(y) = y else {
                down = false;
                continue;
            };
            let (px, py) = (self.px(*x), self.py(*y));
            let _ = match (down, steps) {
                (false, _) => write!(path, "M{px:.1} {py:.1}"),
                (true, false) => write!(path, "L{px:.1} {py:.1}"),
                (true, true) => write!(path, "H{px:.1}V{py:.1}"),
            };
            down = true;
        }
        let _ = write!(
            self.body,
            "<path class=\"line s{} {style}\" d=\"{path}\"/>",
            ink.letter()
        );
    }

    /// A dot at each point that is there and within the axes.
    pub(crate) fn dots(&mut self, points: &[(f64, Option<f64>)], ink: Ink, radius: f64) {
        for (x, y) in points {
            let Some(y) = y.filter(|y| (self.y.0..=self.y.1).contains(y)) else {
                continue;
            };
            let (px, py) = (self.px(*x), self.py(y));
            let _ = write!(
                self.body,
                "<circle class=\"f{}\" cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"{radius}\"/>",
                ink.letter()
            );
        }
    }

    /// Bars from the bottom: from, to, and how high.
    pub(crate) fn bars(&mut self, bars: &[(f64, f64, f64)], ink: Ink) {
        for (from, to, high) in bars {
            let (left, right) = (self.px(*from), self.px(*to));
            let (top, bottom) = (self.py(*high), self.py(self.y.0));
            let _ = write!(
                self.body,
                "<rect class=\"bar f{}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                ink.letter(),
                left + 0.5,
                (right - left - 1.0).max(0.5),
                bottom - top
            );
        }
    }

    /// A dashed line from left to right.
    pub(crate) fn level(&mut self, y: f64) {
        let points = [(self.x.0, Some(y)), (self.x.1, Some(y))];
        self.line(&points, Ink::Soft, "dash");
    }

    /// Names of series, in their colours, in the upper right corner.
    pub(crate) fn legend(&mut self, names: &[(&str, Ink)]) {
        let mut x = self.left + self.width - 6.0;
        let y = self.top + 15.0;
        for (name, ink) in names.iter().rev() {
            let _ = write!(
                self.body,
                "<text class=\"halo\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">● {name}</text>\
                 <text class=\"f{}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">● {name}</text>",
                ink.letter(),
                name = escaped(name),
            );
            #[expect(clippy::cast_precision_loss, reason = "a short word")]
            let width = (name.chars().count() as f64 + 2.0) * 7.2 + 8.0;
            x -= width;
        }
    }
}

/// Places and words of an axis' ticks; `most` of them at the utmost.
fn ticks(ticks: &Ticks, (low, high): (f64, f64), most: f64) -> Vec<(f64, String)> {
    if let Ticks::Words(words) = ticks {
        return words.clone();
    }
    let rough = (high - low) / most;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let mut found = Vec::new();
    let mut at = (low / step - 1e-9).ceil() * step;
    while at <= high + step * 1e-6 {
        // Without the zeros and the minus that rounding leaves.
        let text = format!("{:.6}", at + 0.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        let text = if text == "-0" { "0" } else { text };
        found.push((at, text.replace('-', "\u{2212}")));
        at += step;
    }
    found
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
