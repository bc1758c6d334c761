//! A small table of text.

/// Columns with a head, as wide as their widest cell.
#[derive(Debug)]
pub struct Columns<const N: usize>(Vec<[String; N]>);

impl<const N: usize> Columns<N> {
    /// Starts a table with these column heads.
    #[must_use]
    pub fn new(head: [&str; N]) -> Self {
        Self(vec![head.map(str::to_owned)])
    }

    /// Appends a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.0.push(cells);
    }

    /// Renders the table, two spaces before each column.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut widths = [0; N];
        for row in &self.0 {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let line = |row: &[String; N]| {
            let cells = row.iter().zip(widths);
            let cells: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            format!("  {}", cells.join("  ").trim_end())
        };
        let rule = widths.map(|width| "─".repeat(width));
        let mut lines: Vec<String> = self.0.iter().map(line).collect();
        lines.insert(1, line(&rule));
        lines.join("\n")
    }
}
