"""docs/files.md has each source file, with its first sentence."""

import file_map


def test_page_is_what_the_sources_give():
    assert file_map.PAGE.read_text(encoding="utf-8") == file_map.page()


def test_sentence_ends_before_the_second_one(tmp_path, monkeypatch):
    monkeypatch.setattr(file_map, "ROOT", tmp_path)
    for name, text, said in [
        ("a.rs", "//! Sends messages.\n//!\n//! More.\n", "Sends messages."),
        ("b.py", '#!/usr/bin/env python3\n"""Builds a thing. And\nmore."""\n', "Builds a thing."),
        ("c.js", "/**\n * Walks through a chain\n * of states. More.\n */\n", "Walks through a chain of states."),
        ("d.rs", "use std::fmt;\n\nfn main() {}\n", ""),
        ("e.js", '/** Draws values. */\n\nimport x from "y";\n', "Draws values."),
    ]:
        (tmp_path / name).write_text(text)
        assert file_map.sentence(name) == said
