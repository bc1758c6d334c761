"""Imports and paths are resolved to the files that they name."""

from pathlib import Path

import layout
from checkout import write
from rust_imports import read_crate


def arrows(root: Path, files: dict[str, str]) -> set[tuple[str, str, str]]:
    """Returns the arrows of a crate as source, target and item, re-exports not followed."""
    crate = read_crate(write(root, files))
    return {
        (source.relative_to(root).as_posix(), target.relative_to(root).as_posix(), name)
        for (source, target), names in crate.direct.items()
        for name in names
    }


def test_nested_use_is_resolved_to_its_files(tmp_path):
    found = arrows(
        tmp_path,
        {
            "lib.rs": "mod a; mod room;",
            "a.rs": "pub struct A;",
            "room/mod.rs": "mod b; mod c; pub struct R;",
            "room/b.rs": "pub struct B;",
            "room/c.rs": "use super::{R, b::{self, B as Other}}; use crate::a::{A}; use std::io;",
        },
    )
    assert found == {
        ("room/c.rs", "room/mod.rs", "R"),
        ("room/c.rs", "room/b.rs", "B"),
        ("room/c.rs", "a.rs", "A"),
    }


def test_paths_without_use_are_arrows(tmp_path):
    found = arrows(
        tmp_path,
        {
            "lib.rs": "mod a; mod b;",
            "a.rs": "use crate::b; fn f() { crate::b::one(); b::two::<u8>(); self::f(); Vec::<u8>::new() }",
            "b.rs": "pub fn one() {} pub fn two<T>() {}",
        },
    )
    assert found == {("a.rs", "b.rs", "one"), ("a.rs", "b.rs", "two")}


def test_comments_strings_and_tests_are_no_arrows(tmp_path):
    found = arrows(
        tmp_path,
        {
            "lib.rs": "mod a; mod b; #[cfg(test)] mod tests;",
            "a.rs": """
            // crate::b::one()
            /* crate::b::two() /* nested */ crate::b::three() */
            /// [`crate::b::four`]
            fn f() -> char { let _ = "crate::b::five()"; let _ = r#"" crate::b::six()"#; '"' }
            pub(in crate::b::seven) fn g<'a>(x: &'a str) {}
            #[cfg(test)]
            mod tests { use crate::b::eight; fn f() { crate::b::nine(); } }
            #[cfg(test)]
            use crate::b::ten;
        """,
            "b.rs": "use crate::a::f;",
            "tests.rs": "use crate::a::f;",
        },
    )
    assert found == {("b.rs", "a.rs", "f")}


def test_tests_are_no_entries_of_a_folder(tmp_path):
    crate = read_crate(
        write(
            tmp_path,
            {
                "lib.rs": "mod a; #[cfg(test)] mod tests;",
                "a.rs": "#[cfg(test)] mod tests;",
                "a/tests.rs": "",
                "tests.rs": "",
            },
        )
    )
    assert layout.folders(crate) == {tmp_path: {"a.rs"}}


def test_exported_macro_is_no_arrow_to_the_root(tmp_path):
    found = arrows(
        tmp_path,
        {
            "lib.rs": "mod a; mod b; pub const C: u8 = 1;",
            "a.rs": "#[macro_export] macro_rules! out { () => { $crate::b::write() } }",
            "b.rs": "fn write() { crate::out!(); let _ = crate::C != 1; }",
        },
    )
    assert found == {("a.rs", "b.rs", "write"), ("b.rs", "lib.rs", "C")}
