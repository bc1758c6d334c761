"""Reads the fenced code blocks of the documents."""

import re

from support.fleet import ROOT

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def all_blocks(page):
    """Language and text of each block of a document, a path below the repository."""
    return FENCE.findall((ROOT / page).read_text())


def code_blocks(page, language):
    """The texts of a document's blocks in one language."""
    return [text for found, text in all_blocks(page) if found == language]
