//! Writes lines of comma-separated values, quoted where needed (RFC 4180).

use mockfleet_sdk::generate::Value;

use crate::config;
use crate::payload::template::Template;
use crate::payload::template_context::TemplateContext;

/// A line of cells.
#[derive(Debug)]
pub(crate) struct Csv {
    /// The header line, if there is one.
    header: Vec<u8>,
    cells: Vec<Template>,
    separator: char,
}

impl Csv {
    pub(crate) fn read(written: &config::Csv, context: &mut TemplateContext<'_>) -> Option<Self> {
        let separator = written.separator;
        if separator == '"' || separator.is_control() && separator != '\t' {
            context.report(
                "csv.separator",
                format_args!(
                    "{separator:?} cannot part columns; use a comma, a semicolon or a tab"
                ),
            );
        }
        let mut header = Vec::new();
        if let Some(names) = &written.header {
            if names.len() != written.columns.len() {
                context.report(
                    "csv.header",
                    format_args!(
                        "each column has one name: names {}, columns {}",
                        names.len(),
                        written.columns.len()
                    ),
                );
            }
            for (place, name) in names.iter().enumerate() {
                part(place, separator, &mut header);
                let start = header.len();
                header.extend_from_slice(name.as_bytes());
                quote(start, separator, &mut header);
            }
            header.extend_from_slice(b"\r\n");
        }
        if written.columns.is_empty() {
            context.report("csv.columns", "there are none; name at least one");
        }
        let cells: Vec<Option<Template>> = written
            .columns
            .iter()
            .enumerate()
            .map(|(place, text)| Template::read(text, &format!("csv.columns.{place}"), context))
            .collect();
        Some(Self {
            header,
            cells: cells.into_iter().collect::<Option<_>>()?,
            separator,
        })
    }

    pub(crate) fn write(&self, values: &[Value], into: &mut Vec<u8>) {
        into.extend_from_slice(&self.header);
        for (place, cell) in self.cells.iter().enumerate() {
            part(place, self.separator, into);
            let start = into.len();
            cell.write(values, into);
            quote(start, self.separator, into);
        }
        into.extend_from_slice(b"\r\n");
    }
}

fn part(place: usize, separator: char, into: &mut Vec<u8>) {
    if place > 0 {
        into.extend_from_slice(separator.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Quotes the text from `start` on, if it must be quoted.
fn quote(start: usize, separator: char, into: &mut Vec<u8>) {
    let written = into.get(start..).unwrap_or_default();
    let text = String::from_utf8_lossy(written);
    if !text.contains(['"', '\r', '\n', separator]) {
        return;
    }
    let quoted = format!("\"{}\"", text.replace('"', "\"\""));
    into.truncate(start);
    into.extend_from_slice(quoted.as_bytes());
}

#[cfg(test)]
mod tests {
    use crate::payload::tests::{payload, problems_of};
    use mockfleet_sdk::generate::Value;
    use serde_json::json;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let csv = json!({ "columns": ["{{ a }}", "x", "{{ b }}!"], "header": ["a", "b;c", "d"], "separator": ";" });
        let payload = payload(json!({ "csv": csv })).unwrap();
        let written = payload
            .write(&[Value::text("say \"x\""), Value::Number(1.5)])
            .unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "a;\"b;c\";d\r\n\"say \"\"x\"\"\";x;1.5!\r\n"
        );
    }

    #[test]
    fn a_header_names_each_column() {
        let found = problems_of(json!({ "csv": { "columns": ["{{ a }}"], "header": ["a", "b"] } }));
        assert_eq!(
            found,
            [(
                "csv.header".into(),
                "each column has one name: names 2, columns 1".into()
            )]
        );
    }
}
