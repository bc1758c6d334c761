//! Tests the forms of data files that a replay reads.

use crate::generate::planning::scope::Scope;
use crate::generate::replay::options::TimeUnit;
use crate::generate::replay::spec::Replay;
use crate::generate::spec::kinds::Spec;
use crate::generate::testing::TestGenerator;

/// The first three values of a file, or the problems.
fn values(replay: &Replay, content: &[u8]) -> Result<String, String> {
    let content = content.to_vec();
    let scope = Scope::new().files(move |_| Some(content.clone()));
    match Spec::from(replay.clone()).plan(&scope) {
        Ok(plan) => Ok(TestGenerator::start(&plan, 1).json(3)),
        Err(problems) => Err(problems.to_string()),
    }
}

fn said(replay: &Replay, content: &str) -> String {
    values(replay, content.as_bytes()).unwrap_err()
}

#[test]
fn files_of_all_grammars_have_the_same_values() {
    let replay = Replay::new("f").column("t").time("at");
    for content in [
        "at,t\n2020-11-08T10:02:05Z,21.5\n2020-11-08T10:02:06Z,22\n",
        "\u{feff}at;t\r\n2020-11-08 12:02:05+02;21.5\r\n2020-11-08 12:02:06+02;22\r\n",
        "at;t\n1604829725000;21,5\n1604829726000;22\n",
        "at;t\n1604829725,0;21,50\n1604829726,0;22,0\n",
        "at\tt\n1604829725\t21,5\n1604829726\t22\n",
        "at|t\n2020-11-08 10:02:05.000 UTC|21.5\n2020-11-08 10:02:06|22\n",
        "at,t\n1.604829725e9,\"21.5\"\n1604829726000000000,22\n",
    ] {
        let found = values(&replay, content.as_bytes());
        assert_eq!(found.unwrap(), "[21.5,22.0,21.5]", "{content}");
    }
    for content in [
        "{\"at\":1604829725000,\"t\":21.5}\n{\"at\":1604829726000,\"t\":22.0}\n",
        "\u{feff}[\n  {\"at\": 1604829725000, \"t\": 21.5},\n  {\"t\": 22.0, \"at\": \"2020-11-08 12:02:06+02\"}\n]\n",
        "[{\"at\":\"2020-11-08 12:02:05+02\",\"t\":21.5},{\"at\":1604829726,\"t\":22.0}]",
    ] {
        let found = values(&replay, content.as_bytes());
        assert_eq!(found.unwrap(), "[21.5,22.0,21.5]", "{content}");
    }
}

#[test]
fn unit_of_times_can_be_given() {
    let replay = Replay {
        time_unit: Some(TimeUnit::Ms),
        ..Replay::new("f").column("t").time("at")
    };
    let content = b"at,t\n0,1\n2000,2\n4000,3\n";
    assert_eq!(values(&replay, content).unwrap(), "[1,1,2]");
}

#[test]
fn number_with_a_comma_is_refused_in_a_file_of_commas() {
    let replay = Replay::new("f").column("t");
    assert_eq!(
        said(&replay, "at,t\n1,\"21,5\"\n2,22\n"),
        "file: f:2:3: \"21,5\" has a comma, and so has the delimiter of this file: write 21.5, separate the columns by \";\", or give the column the type \"text\""
    );
    let text: Replay =
        serde_json::from_str(r#"{ "file": "f", "column": { "name": "t", "type": "text" } }"#)
            .unwrap();
    let content = b"at,t\n1,\"21,5\"\n2,22\n";
    assert_eq!(values(&text, content).unwrap(), r#"["21,5","22","21,5"]"#);
}

#[test]
fn digits_in_groups_and_mixed_marks_are_refused() {
    let replay = Replay::new("f").column("t");
    assert_eq!(
        said(&replay, "at;t\n1;1.234,5\n"),
        "file: f:2:3: \"1.234,5\" has its digits in groups; write them without separators, or give the column the type \"text\""
    );
    assert_eq!(
        said(&replay, "at;t\n1;21,5\n2;22\n3;1.234\n"),
        "file: f:4:3: \"1.234\" and the number at 2:3 have a comma and a point; write all numbers of the column with one of the two"
    );
}

#[test]
fn cells_without_a_number_do_not_make_texts_of_a_column() {
    let replay = Replay::new("f").column("t");
    assert_eq!(
        said(&replay, "at,t\n1,NaN\n2,21.5\n"),
        "file: f:2:3: \"NaN\" is no number that a message can hold; leave the cell empty for a missing value, or give the column the type \"text\""
    );
    let content = b"at,t\n1,-\n2,ok\n";
    assert_eq!(values(&replay, content).unwrap(), r#"["-","ok","-"]"#);
}

#[test]
fn nan_in_json_is_named_with_its_place() {
    let replay = Replay::new("f").column("t");
    assert_eq!(
        said(
            &replay,
            "{\"s\":\"NaN\",\"t\":1}\n{\"s\":\"\",\"t\": NaN}\n"
        ),
        "file: f:2:14: NaN is no JSON, which has no such number (RFC 8259); write null, or leave the member out"
    );
    let text = said(&replay, "[{\"t\":1},\n {\"t\":\n  -Infinity}]");
    assert!(
        text.starts_with("file: f:3:3: -Infinity is no JSON"),
        "{text}"
    );
    let text = said(&replay, "[{\"t\":1},\n {\"t\":\n  }]");
    assert_eq!(
        text,
        "file: f:3:3: expected value; a list of JSON objects is right"
    );
    assert_eq!(
        said(&replay, "[{\"t\":1}"),
        "file: f:1:9: the list has no end; a ] is missing"
    );
}

#[test]
fn file_without_a_header_needs_the_names() {
    const CONTENT: &str = "2026-01-01T00:00:00Z,21.5\n2026-01-01T00:00:01Z,22\n";
    assert_eq!(
        said(&Replay::new("f"), CONTENT),
        "file: f:1:1: the first line has values instead of names; write the names of the columns above it, or give them as header = [\"time\", \"value\"]; if these are names, list the columns that you need under columns"
    );
    assert_eq!(
        said(&Replay::new("f").column("t"), CONTENT),
        "column: f has no column \"t\"; there are 2026-01-01T00:00:00Z, 21.5, since the first line has values instead of names; write the names of the columns above it, or give them as header = [\"time\", \"value\"]"
    );
    let named = Replay::new("f").header(["at", "t"]);
    assert_eq!(
        values(&named, CONTENT.as_bytes()).unwrap(),
        r#"[{"at":"2026-01-01T00:00:00Z","t":21.5},{"at":"2026-01-01T00:00:01Z","t":22.0},{"at":"2026-01-01T00:00:00Z","t":21.5}]"#
    );
    assert_eq!(
        said(&Replay::new("f").header(["a", "b", "c"]), "1,2\n"),
        "file: f:1:4: the row has 2 fields and the header 3; quote a field that holds the delimiter"
    );
    assert_eq!(
        said(&Replay::new("f").header(["a", "a"]), "1,2\n"),
        "header: \"a\" is there twice, or is no name; each column needs a name of its own"
    );
    assert_eq!(
        said(&Replay::new("f").header(["a"]), "{\"a\":1}\n"),
        "header: f is JSON, and only CSV has this key; leave it out"
    );
    // Years are names where the line below has other kinds of values, or where one is asked for.
    let years = b"2025,2026\n1,2\n";
    assert_eq!(
        values(&Replay::new("f").column("2026"), years).unwrap(),
        "[2,2,2]"
    );
}

#[test]
fn file_in_another_encoding_is_refused_with_the_way_out() {
    let bytes: Vec<u8> = "\u{feff}at,t\n1,2\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(
        values(&Replay::new("f"), &bytes).unwrap_err(),
        "file: f: this is UTF-16 (its first bytes are FF FE), and a data file is UTF-8; iconv -f utf-16 -t utf-8 OLD > NEW converts it"
    );
}

#[test]
fn field_without_its_closing_quote_is_refused() {
    let content = format!("a,b\n1,\"{}", "x,y\n".repeat(300_000));
    let text = said(&Replay::new("f"), &content);
    assert!(
        text.starts_with("file: f:2:1: this row is longer than 1 MiB; is a quote not closed?"),
        "{text}"
    );
}
