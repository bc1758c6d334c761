//! Renders columns of text.

/// Columns with a head, as wide as their widest cell.
#[derive(Debug)]
pub struct TextTable<const N: usize>(Vec<[String; N]>);

impl<const N: usize> TextTable<N> {
    /// Starts a table with these column heads.
    #[must_use]
    pub fn new(head: [&str; N]) -> Self {
        Self(vec![head.map(str::to_owned)])
    }

    /// Appends a row.
    pub fn push_row(&mut self, cells: [String; N]) {
        self.0.push(cells);
    }

    /// Renders the table, two spaces before each column.
    #[must_use]
    pub fn render(&self) -> String {
        let mut widths = [0; N];
        for push_row in &self.0 {
            for (width, cell) in widths.iter_mut().zip(push_row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let line = |push_row: &[String; N]| {
            let cells = push_row.iter().zip(widths);
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
