//! Renders columns of text.

use mockfleet_files::foreign_text::for_line;

/// Columns with a head, as wide as their widest cell.
#[derive(Debug)]
pub struct TextTable<const N: usize>(Vec<[String; N]>);

impl<const N: usize> TextTable<N> {
    /// Starts a table with these column heads.
    #[must_use]
    pub fn new(head: [&str; N]) -> Self {
        Self(vec![head.map(str::to_owned)])
    }

    /// Appends a row. Each cell becomes one line that a terminal shows as it is.
    pub fn push_row(&mut self, cells: [String; N]) {
        self.0.push(cells.map(|cell| for_line(&cell).into_owned()));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_others_stay_in_their_row() {
        let mut table = TextTable::new(["run", "rows"]);
        table.push_row(["a\nwarning: b\u{1b}[2J".into(), "1".into()]);
        let text = table.render();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains(r"a\nwarning: b\u{1b}[2J  1"), "{text}");
    }
}
