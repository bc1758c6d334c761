"""House.py finds each kind of breach in a small made-up checkout."""

import subprocess
import sys
from pathlib import Path

import pytest

from checkout import TABLE, places, write
from house import House

HERE = Path(__file__).resolve().parent


def test_circle_of_two_files_is_found_with_its_ties(tmp_path):
    [(where, problem)] = places(
        tmp_path,
        {
            "host/src/lib.rs": "mod a; mod b; mod c;",
            "host/src/a.rs": "use crate::b::B; pub struct A;",
            "host/src/b.rs": "pub struct B(super::a::A);",
            "host/src/c.rs": "use crate::a::A;",
        },
        "circles",
    )
    assert where == "host/src/a.rs"
    assert problem == "circle of 2 files (a.rs, b.rs): a.rs -> b.rs (B); b.rs -> a.rs (A)"


def test_circle_behind_reexports_is_found(tmp_path):
    files = {
        "host/src/lib.rs": "mod one; mod two;",
        "host/src/one/mod.rs": "mod a; pub use a::*;",
        "host/src/one/a.rs": "use crate::two::B; pub struct A;",
        "host/src/two/mod.rs": "mod b; pub use b::B;",
        "host/src/two/b.rs": "use crate::one::A; pub struct B;",
    }
    [(_, problem)] = places(tmp_path, files, "circles")
    assert "circle of 2 files (one/a.rs, two/b.rs)" in problem
    assert len(places(tmp_path, files, "rooms")) == 1


def test_circle_through_mod_rs_names_the_import(tmp_path):
    files = {
        "host/src/lib.rs": "mod room;",
        "host/src/room/mod.rs": "mod a; mod b; pub use a::A;",
        "host/src/room/a.rs": "pub struct A;",
        "host/src/room/b.rs": "use super::A;",
    }
    assert places(tmp_path, files, "circles") == []
    assert places(tmp_path, files, "parents") == [
        (
            "host/src/room/b.rs",
            "imports A from host/src/room/mod.rs, in a circle of 2 files",
        )
    ]


def test_leaf_named_directly_is_no_circle(tmp_path):
    files = {
        "host/src/lib.rs": "mod room;",
        "host/src/room/mod.rs": "mod a; mod b; pub use a::A; pub use b::B;",
        "host/src/room/a.rs": "pub struct A;",
        "host/src/room/b.rs": "use super::a::A; pub struct B;",
    }
    assert places(tmp_path, files, "parents") == places(tmp_path, files, "circles") == []


def test_rooms_with_arrows_both_ways_are_found(tmp_path):
    [(where, problem)] = places(
        tmp_path,
        {
            "host/src/lib.rs": "mod low; mod high;",
            "host/src/low/mod.rs": "mod a; mod b;",
            "host/src/low/a.rs": "pub struct A;",
            "host/src/low/b.rs": "use crate::high::c::C;",
            "host/src/high/mod.rs": "mod c; mod d;",
            "host/src/high/c.rs": "pub struct C;",
            "host/src/high/d.rs": "use crate::low::a::A;",
        },
        "rooms",
    )
    assert (where, problem) == ("host/src", "high -> low (A) and low -> high (C)")


def crates(sendlog: str, config: str, host: str = "") -> dict[str, str]:
    """Returns the manifests of a host with two crates, with these dependencies."""

    def manifest(name: str, needed: str) -> str:
        return (
            f'[package]\nname = "{name}"\n[dependencies]\n{needed}\n'
            '[dev-dependencies]\nparquet = "1"\n'
        )

    return {
        "host/Cargo.toml": manifest("mockfleet", host),
        "host/crates/sendlog/Cargo.toml": manifest("mockfleet-sendlog", sendlog),
        "host/crates/config/Cargo.toml": manifest("mockfleet-config", config),
    }


def test_dependency_against_the_order_is_found(tmp_path):
    needed = "mockfleet-{}.workspace = true"
    files = crates(needed.format("config"), needed.format("sendlog"), needed.format("sendlog"))
    assert places(tmp_path, files, "order") == [
        ("host/crates/config/Cargo.toml", "config must not depend on sendlog"),
    ]


def test_crate_without_a_place_in_the_map_is_found(tmp_path):
    files = crates("", "") | {
        "host/crates/tower/Cargo.toml": '[package]\nname = "mockfleet-tower"\n',
    }
    assert places(tmp_path, files, "order") == [
        ("host/crates/tower/Cargo.toml", "house.toml has no place for the crate tower"),
    ]


def test_library_outside_of_its_home_is_found(tmp_path):
    files = crates('parquet = "1"', 'parquet = "1"', 'clap = "4"') | {
        "host/src/main.rs": "mod cli; mod fetch;",
        "host/src/cli.rs": "use clap::Parser;",
        "host/src/fetch.rs": "use clap::Parser;",
    }
    assert places(tmp_path, files, "homes") == [
        ("host/crates/config/Cargo.toml", "parquet belongs to sendlog"),
        ("host/src/fetch.rs", "clap belongs to mockfleet/cli"),
    ]


def test_folder_with_thirteen_entries_is_found(tmp_path):
    names = [f"m{number}" for number in range(13)]
    files = {f"host/src/{name}.rs": "" for name in names}
    files["host/src/lib.rs"] = "".join(f"mod {name};" for name in names)
    assert places(tmp_path, files, "entries") == [("host/src", "13 entries")]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("mod a;\npub use a::A;\n#[cfg(test)]\nmod tests { fn f() {} }", 0),
        ("/// Doc.\npub(crate) struct A;\nimpl A { fn f() {} }", 2),
        ("pub const A: u8 = { 1 };\npub async fn f() -> impl Sized {}\nmod a;", 2),
    ],
)
def test_items_of_a_mod_rs_are_counted(tmp_path, text, count):
    found = places(
        tmp_path,
        {
            "host/src/lib.rs": "mod room;",
            "host/src/room/mod.rs": text,
            "host/src/room/a.rs": "",
        },
        "parent-items",
    )
    assert [int(problem.split()[0]) for _, problem in found] == [count] * (count > 0)


def test_what_is_counted_in_docs_and_not_in_code(tmp_path):
    house = House(
        write(
            tmp_path,
            {
                "host/src/lib.rs": '//! What is what.\n/// Four words without it\nfn what() { let _ = "what"; } // what',
            },
        ),
        TABLE,
    )
    house.measure()
    count = house.docs["host"]
    assert (count.words, count.hits["what"]) == (7, 2)


def test_module_without_a_doc_is_found(tmp_path):
    assert places(tmp_path, {"host/src/lib.rs": "mod a;"}, "first-lines") == [
        ("host/src/lib.rs", "no module doc (`//!`)"),
    ]


def test_doc_that_begins_with_what_is_found(tmp_path):
    assert places(
        tmp_path,
        {
            "host/src/lib.rs": "//! Reads.\n\n/// Where it is.\nfn a() {}\n/// Returns what is.\nfn b() {}\n",
        },
        "doc-starts",
    ) == [("host/src/lib.rs:3", '"Where it is."')]


def test_long_names_of_tests_are_found(tmp_path):
    long, short = "a" * 61, "b" * 60
    assert places(
        tmp_path,
        {
            "host/src/lib.rs": f"#[cfg(test)] mod tests {{ #[test] fn {long}() {{}} #[test] fn {short}() {{}} }}",
            "host/src/a.rs": f"#[cfg(test)]\nfn not_a_test_{long}() {{}}",
            "tests/e2e/test_a.py": f"def test_{short}():\n    pass\n\ndef {long}():\n    pass\n",
        },
        "tests",
    ) == [
        ("tests/e2e/test_a.py:1", f"65: test_{short}"),
        ("host/src/lib.rs:1", f"61: {long}"),
    ]


def test_names_of_the_old_language_are_found(tmp_path):
    found = places(
        tmp_path,
        {
            "host/src/lib.rs": "mod rush; /// Convoy\nstruct Convoy; struct ConvoyTwo; use other::Convoy as C;",
            "host/src/rush.rs": "",
        },
        "names",
    )
    assert [problem for _, problem in found] == ["`rush`", "`Convoy`"]


@pytest.mark.parametrize(("text", "code"), [("", 0), ("fn of() {}\nmod rush;", 1)])
def test_check_exits_with_1_on_a_breach(tmp_path, text, code):
    write(tmp_path, {"host/src/lib.rs": f"//! Runs.\n{text}", "host/src/rush.rs": "//! Runs.\n"})
    done = subprocess.run(
        [sys.executable, HERE / "house.py", "--root", tmp_path, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    if code:
        assert "  host/src/lib.rs:3: `rush`; take the term of GLOSSARY.md\n" in done.stdout
