//! Tests the replay of data files.

use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::planning::scope::Scope;
use crate::generate::replay::options::ReplayEnd;
use crate::generate::replay::spec::Replay;
use crate::generate::spec::kinds::{Plan, Spec};
use crate::generate::testing::{BORN, TestGenerator};
use std::rc::Rc;

fn scope(files: &'static [(&'static str, &'static str)]) -> Scope {
    Scope::new().files(move |name| {
        let file = files.iter().find(|(known, _)| *known == name)?;
        Some(file.1.into())
    })
}

fn plan(replay: Replay, file: (&'static str, &'static str)) -> Result<Plan, String> {
    let files: &'static [(&str, &str)] = Box::leak(Box::new([file]));
    Spec::from(replay)
        .plan(&scope(files))
        .map_err(|problems| problems.to_string())
}

fn life(replay: Replay, file: (&'static str, &'static str)) -> TestGenerator {
    TestGenerator::start(&plan(replay, file).unwrap(), 1)
}

const WEATHER: (&str, &str) = (
    "weather.csv",
    "\u{feff}time,t,\"place, or so\"\r\n\
     2026-01-01T00:00:00Z,1,\"Ulm, \"\"old\"\"\"\r\n\
     2026-01-01T00:00:02Z,2.5,\r\n\r\n\
     2026-01-01T00:00:03Z,,Bonn\r\n",
);

#[test]
fn each_value_takes_a_row_and_the_end_is_obeyed() {
    let column = || Replay::new("weather.csv").column("t");
    assert_eq!(life(column(), WEATHER).json(5), "[1.0,2.5,null,1.0,2.5]");
    assert_eq!(
        life(column().end(ReplayEnd::Hold), WEATHER).json(5),
        "[1.0,2.5,null,null,null]"
    );
    let mut stopped = life(column().end(ReplayEnd::Stop), WEATHER);
    stopped.values(3);
    assert_eq!(stopped.next().unwrap(), Value::Missing);
}

#[test]
fn replay_of_all_columns_gives_an_object() {
    assert_eq!(
        life(Replay::new("weather.csv"), WEATHER).json(3),
        r#"[{"time":"2026-01-01T00:00:00Z","t":1.0,"place, or so":"Ulm, \"old\""},{"time":"2026-01-01T00:00:02Z","t":2.5,"place, or so":""},{"time":"2026-01-01T00:00:03Z","place, or so":"Bonn"}]"#
    );
    let mapped: Spec = serde_json::from_str(
        r#"{ "kind": "replay", "file": "weather.csv", "columns": { "a": "t", "b": { "name": "t", "type": "text" } } }"#,
    )
    .unwrap();
    let plan = mapped.plan(&scope(Box::leak(Box::new([WEATHER])))).unwrap();
    assert_eq!(
        TestGenerator::start(&plan, 1).json(1),
        r#"[{"a":1.0,"b":"1"}]"#
    );
}

#[test]
fn with_a_time_rows_come_at_their_original_spacing_and_say_when() {
    let mut life = life(Replay::new("weather.csv").column("t").time("time"), WEATHER);
    // A round is 3 s and the mean gap, 1.5 s; values come each second.
    let seconds = |seconds: u64| BORN + Span::from_micros(seconds * 500_000).into();
    assert_eq!(life.due(), Some(seconds(4)));
    assert_eq!(life.json(9), "[1.0,1.0,2.5,null,null,1.0,1.0,2.5,null]");
    assert_eq!(life.due(), Some(seconds(18 + 4)), "9 s are two rounds");
}

#[test]
fn at_a_given_interval_a_row_lasts_so_long() {
    let every = Replay::new("weather.csv")
        .column("t")
        .every(Span::from_micros(2_000_000));
    let mut found = life(every.clone().end(ReplayEnd::Stop), WEATHER);
    assert_eq!(found.json(5), "[1.0,1.0,2.5,2.5,null]");
    assert_eq!(
        found.due(),
        Some(BORN + Span::from_micros(6_000_000).into())
    );
    found.values(1);
    assert_eq!(found.due(), None, "the recording is over");
    let anywhere = plan(every.anywhere(), WEATHER).unwrap();
    let first = |seed| TestGenerator::start(&anywhere, seed).json(1);
    assert!((0..20).any(|seed| first(seed) != first(0)));
}

#[test]
fn json_lines_are_replayed_by_path() {
    let lines = (
        "log.jsonl",
        "{\"at\":1.5,\"a\":{\"b\":[7]}}\n\n{\"at\":3.5,\"a\":{}}\n",
    );
    let replay = Replay::new("log.jsonl").column("a.b.0").time("at");
    assert_eq!(life(replay, lines).json(4), "[7,7,null,null]");
    assert_eq!(
        life(Replay::new("log.jsonl"), lines).json(1),
        r#"[{"a":{"b":[7]},"at":1.5}]"#
    );
}

#[test]
fn broken_file_is_reported_with_line_and_column() {
    let ragged = ("w.csv", "a,b\n1,2\n\"x,\ny\",3,4\n5\n");
    assert_eq!(
        plan(Replay::new("w.csv"), ragged).unwrap_err(),
        "file: w.csv:4:6: the row has 3 fields and the header 2; quote a field that holds the delimiter\n\
         file: w.csv:5:2: the row has 1 field and the header 2; quote a field that holds the delimiter"
    );
    let numbers = ("w.csv", "zeit;täglich\n1;2\n2;ähm\n3;n/a\n");
    let german = Replay::new("w.csv").column("täglich");
    assert_eq!(
        plan(german, numbers).unwrap_err(),
        "file: w.csv:3:3: \"ähm\" is no number, as the column's others are; mend it, or give the column the type \"text\"\n\
         file: w.csv:4:3: \"n/a\" is no number, as the column's others are; leave the cell empty for a missing value, or give the column the type \"text\""
    );
    let times = ("w.csv", "t,v\n5,1\n4,1\nnoon,1\n");
    assert_eq!(
        plan(Replay::new("w.csv").column("v").time("t"), times).unwrap_err(),
        "file: w.csv:3:1: the time \"4\" lies before the one above; sort the rows by time\n\
         file: w.csv:4:1: \"noon\" is no time; RFC 3339 such as \"2026-01-31T06:00:00Z\" or a number is right"
    );
    let lines = ("l.jsonl", "{\"a\":1}\n{\"a\":}\n[1]\n");
    let text = plan(Replay::new("l.jsonl"), lines).unwrap_err();
    assert!(
        text.starts_with("file: l.jsonl:2:6: expected value; a JSON object a line is right\n"),
        "{text}"
    );
    assert!(text.contains("file: l.jsonl:3:"), "{text}");
}

#[test]
fn unknown_column_is_refused_with_the_known_ones() {
    assert_eq!(
        plan(Replay::new("x.csv"), WEATHER).unwrap_err(),
        "file: there is no data file \"x.csv\"; name it under data in the fleet file's group"
    );
    assert_eq!(
        plan(Replay::new("weather.csv").column("T").time("when"), WEATHER).unwrap_err(),
        "column: weather.csv has no column \"T\"; there are time, t, place, or so\n\
         time: weather.csv has no column \"when\"; there are time, t, place, or so"
    );
    assert_eq!(
        plan(Replay::new("e.csv"), ("e.csv", "a,b\n")).unwrap_err(),
        "file: e.csv:2:1: the file has no rows"
    );
    let many: &str = Box::leak(("a,b\n".to_owned() + &"1\n".repeat(30)).into_boxed_str());
    let text = plan(Replay::new("m.csv"), ("m.csv", many)).unwrap_err();
    assert_eq!(text.lines().count(), 11);
    assert!(text.ends_with("file: m.csv has 20 more mistakes"), "{text}");
}

#[test]
fn a_file_is_read_once_for_a_scope() {
    let reads = Rc::new(std::cell::Cell::new(0));
    let count = Rc::clone(&reads);
    let scope = Scope::new().files(move |_| {
        count.set(count.get() + 1);
        Some(WEATHER.1.into())
    });
    for column in ["t", "time"] {
        Replay::new("weather.csv")
            .column(column)
            .plan(&scope)
            .unwrap();
    }
    assert_eq!(reads.get(), 1);
}

proptest::proptest! {
    #[test]
    fn nothing_in_a_file_makes_a_replay_panic(text in "[a0-9,;\"\n\r{}: .-]{0,80}", lines: bool) {
        let name = if lines { "x.jsonl" } else { "x.csv" };
        let bytes = text.into_bytes();
        let scope = Scope::new().files(move |_| Some(bytes.clone()));
        if let Ok(plan) = Replay::new(name).plan(&scope) {
            TestGenerator::start(&plan, 1).values(5);
        }
    }
}

#[test]
fn columns_of_one_name_or_without_one_are_refused() {
    const FILE: (&str, &str) = ("c.csv", "a,\" a \",b,,c\n1,2,3,4,5\n");
    assert_eq!(
        plan(Replay::new("c.csv"), FILE).unwrap_err(),
        "file: c.csv:1:3: this column is called \"a\", as the one at 1:1; give it another name\n\
         file: c.csv:1:11: this column has no name; write one in the first line, or list the columns that you need under columns"
    );
    assert_eq!(
        plan(Replay::new("c.csv").column("a"), FILE).unwrap_err(),
        "column: c.csv has two columns \"a\", at 1:1 and 1:3; give one of them another name"
    );
    let timed = Replay::new("c.csv").column("b").time("a");
    assert_eq!(
        plan(timed, FILE).unwrap_err(),
        "time: c.csv has two columns \"a\", at 1:1 and 1:3; give one of them another name"
    );
    assert_eq!(life(Replay::new("c.csv").column("c"), FILE).json(1), "[5]");
}

#[test]
fn members_of_one_name_are_refused_at_every_depth() {
    const FILE: (&str, &str) = (
        "l.jsonl",
        "{\"a\":1}\n{\"a\":{\"b\":[{\"c\":1,\"c\":2}]}}\n",
    );
    assert_eq!(
        plan(Replay::new("l.jsonl"), FILE).unwrap_err(),
        "file: l.jsonl:2:21: two members are called \"c\", and each needs a name of its own; a JSON object a line is right"
    );
}

#[test]
fn object_of_all_members_has_those_of_its_own_line() {
    const FILE: (&str, &str) = ("l.jsonl", "{\"a\":1}\n{\"b\":2}\n");
    assert_eq!(
        life(Replay::new("l.jsonl"), FILE).json(2),
        "[{\"a\":1},{\"b\":2}]"
    );
}

#[test]
fn parts_of_a_row_are_known_from_the_file() {
    let known = |replay: Replay, file| {
        let parts = plan(replay, file).unwrap().known_parts();
        parts.missing_part("row", &[Rc::from("x")], &[])
    };
    const CSV: (&str, &str) = ("c.csv", "a.b,c\n1,2\n");
    assert_eq!(
        known(Replay::new("c.csv"), CSV).unwrap(),
        "row has no part \"x\"; there are a.b, c"
    );
    assert_eq!(
        known(Replay::new("c.csv").column("a.b"), CSV).unwrap(),
        "row is a single value, which has no part \"x\""
    );
    const LINES: (&str, &str) = ("l.jsonl", "{\"a.b\":1}\n{\"b\":{\"x\":2}}\n");
    assert_eq!(
        known(Replay::new("l.jsonl"), LINES).unwrap(),
        "row has no part \"x\"; there are a.b, b"
    );
    assert_eq!(known(Replay::new("l.jsonl").column("b"), LINES), None);
    const NESTED: (&str, &str) = ("l.jsonl", "{\"a\":{\"b\":[1,2]}}\n{\"a\":{\"k\":2}}\n");
    assert_eq!(
        known(Replay::new("l.jsonl").column("a"), NESTED).unwrap(),
        "row has no part \"x\"; there are b, k"
    );
    assert_eq!(
        known(Replay::new("l.jsonl").column("a.b"), NESTED).unwrap(),
        "row has no part \"x\"; it is a list of 2, counted from 0"
    );
    assert_eq!(
        life(Replay::new("l.jsonl").column("a.b"), LINES).json(1),
        "[1]"
    );
}

#[test]
fn numbers_of_a_file_keep_their_digits_and_have_one_type() {
    const FILE: (&str, &str) = (
        "n.csv",
        "id,t,zip\n18446744073709551615,30,007\n9007199254740993,28.20,12\n-1,0.10000000000000001,3\n",
    );
    let mut whole = life(Replay::new("n.csv").column("id"), FILE);
    let written: Vec<String> = whole.values(3).iter().map(Value::to_string).collect();
    assert_eq!(written, ["18446744073709551615", "9007199254740993", "-1"]);
    let mut measured = life(Replay::new("n.csv").column("t"), FILE);
    let written: Vec<String> = measured.values(3).iter().map(Value::to_string).collect();
    assert_eq!(written, ["30.0", "28.2", "0.10000000000000001"]);
    let mut ids = life(Replay::new("n.csv").column("zip"), FILE);
    assert_eq!(ids.json(2), "[\"007\",\"12\"]");
    const LINES: (&str, &str) = ("l.jsonl", "{\"n\":18446744073709551616}\n");
    let mut line = life(Replay::new("l.jsonl").column("n"), LINES);
    assert_eq!(line.next().unwrap().to_string(), "18446744073709551616");
    const MIXED: (&str, &str) = ("l.jsonl", "{\"x\":1}\n{\"x\":2.5}\n{\"x\":3}\n");
    let mut column = life(Replay::new("l.jsonl").column("x"), MIXED);
    assert_eq!(column.json(3), "[1.0,2.5,3.0]");
    let mut rows = life(Replay::new("l.jsonl"), MIXED);
    assert_eq!(rows.json(3), "[{\"x\":1.0},{\"x\":2.5},{\"x\":3.0}]");
    for (file, place) in [
        (
            ("c.csv", "a\n1e400\n2\n"),
            "file: c.csv:2:1: \"1e400\" is larger",
        ),
        (
            ("c.csv", "a\n\n\u{2212}5\n2\n"),
            "file: c.csv:3:1: \"\u{2212}5\" has a character",
        ),
    ] {
        let said = plan(Replay::new("c.csv").column("a"), file).unwrap_err();
        assert!(said.starts_with(place), "{said}");
    }
}
