"""Source text is read as documents, messages and code."""

import pytest

import prose
from rust_source import docs, tokenize, without_tests


def test_code_of_fuzzing_and_of_platforms_stays():
    kept = without_tests(
        tokenize(
            "#[cfg(any(test, fuzzing))] fn a() {} #[cfg(not(test))] fn b() {} #[cfg(not(unix))] fn c() {}"
            " #[cfg(all(test, unix))] fn d() {} struct S { #[cfg(test)] e: u8, f: u8 }"
        )
    )
    assert [token.text for token in kept if token.text in list("abcdef")] == ["a", "b", "c", "f"]


def test_code_blocks_of_pages_are_not_counted(tmp_path):
    page = tmp_path / "a.md"
    page.write_text("One what.\n\n```sh\nwhat what\n```\n\nTwo.\n")
    count = prose.page_count([page], tmp_path)
    assert (count.words, count.hits["what"]) == (3, 1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Uploads finished files to the store.", None),
        (
            "Uploads files: see below. What follows is long, and has many more words than twelve.",
            None,
        ),
        ("What the store has.", 'the first line begins with "What": What the store has'),
        (
            "One two three four five six seven\n//! eight nine ten eleven twelve thirteen.",
            "the first line has 13 words",
        ),
    ],
)
def test_first_line_is_short_and_begins_with_a_verb(line, problem):
    found = prose.first_line_problem(tokenize(f"//! {line}\n//!\n//! What comes after is free.\n"))
    assert found == problem or (problem and found and found.startswith(problem))


def test_docs_keep_their_lines_together():
    found = docs(tokenize("//! One\n//! two\n\n/// Three\nfn f() {}\n/// Four\nfn g() {}"))
    assert [(kind, line, len(lines)) for kind, line, lines in found] == [
        ("inner", 1, 2),
        ("outer", 4, 1),
        ("outer", 6, 1),
    ]
