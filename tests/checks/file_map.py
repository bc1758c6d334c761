#!/usr/bin/env python3
"""Writes docs/files.md: each source file with the first sentence that it says of itself.

    file_map.py           writes the page
    file_map.py --check   exits with 1 if the page is not what the sources give
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/files.md"
HEAD = """# Source files

Each source file with the first sentence that it says of itself, for a search when
[ARCHITECTURE.md](../ARCHITECTURE.md) has no row for a question. Written by
`python3 tests/checks/file_map.py`; a test holds that it is in date. Template files, and files
without a sentence, are left out.
"""
#: What is listed: folders of source files.
SOURCES = ("host", "plugins", "sdk", "fuzz", "tests/e2e", "tests/checks", "tests/guests")
ENDINGS = {".rs", ".py", ".js", ".c", ".h", ".zig", ".sh", ".wit"}
LEFT_OUT = ("sdk/templates/", "host/crates/builtin/", "fuzz/seeds/")
COMMENT = re.compile(r"^(?://!|///|//|/\*\*?|\*/?|#|\"\"\"|'''|--)?\s?")


def files():
    """Returns the source files that git has, below SOURCES."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *SOURCES]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = sorted(set(listed.splitlines()))
    wanted = [path for path in paths if Path(path).suffix in ENDINGS and not path.startswith(LEFT_OUT)]
    return [path for path in wanted if (ROOT / path).is_file()]


def sentence(path):
    """Returns the first sentence of a file's head, without the marks of a comment."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    head = []
    for line in lines[:12]:
        text = line.strip()
        if text.startswith(("#!", "use ", "import ", "const std")):
            continue
        is_comment = text.startswith(("//", "/*", "*", "#", '"""'))
        if not is_comment and not head:
            if text:
                break
            continue
        text = COMMENT.sub("", text).removesuffix("*/").removesuffix('"""').strip()
        if not text:
            if head:
                break
            continue
        head.append(text)
        if re.search(r"[.:?!]$", text) or re.search(r"[.?!] [A-Z]", text):
            break
    text = " ".join(head)
    first = re.split(r"(?<=[.?!:]) (?=[A-Z`])", text, maxsplit=1)[0]
    return first.rstrip(":").replace("|", "\\|")


def page():
    """Returns the text of the page."""
    rows = {}
    for path in files():
        if said := sentence(path):
            folder, name = path.rsplit("/", 1)
            rows.setdefault(folder, []).append(f"| `{name}` | {said} |")
    parts = [HEAD]
    for folder, lines in rows.items():
        parts.append(f"\n## {folder}\n\n| file | |\n|---|---|\n" + "\n".join(lines) + "\n")
    return "".join(parts)


def main():
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/files.md is not what the sources give: run python3 tests/checks/file_map.py")


if __name__ == "__main__":
    main()
