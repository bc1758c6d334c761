"""Splits Rust source into tokens, without comments and without code that only tests compile.

Reads plain text, no macros and no types: enough for imports, names, docs and messages.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

LEXER = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<outer>///(?!/)[^\n]*)
    | (?P<inner>//![^\n]*)
    | (?P<line>//[^\n]*)
    | (?P<block>/\*)
    | (?P<raw>(?:b|c)?r(?P<hashes>\#*)"(?s:(?P<rawtext>.*?))"(?P=hashes))
    | (?P<string>(?:b|c)?"(?s:(?:[^"\\]|\\.)*)")
    | (?P<char>b?'(?:\\'|\\[^']*|[^'\\\n])')
    | (?P<lifetime>'[A-Za-z_]\w*)
    | (?P<ident>(?:r\#)?[^\W\d]\w*)
    | (?P<number>\d\w*)
    | (?P<punct>::|->|=>|.)
    """,
    re.VERBOSE,
)
BLOCK_EDGE = re.compile(r"/\*|\*/")
ESCAPE = re.compile(r"\\(\n\s*|u\{[^}]*\}|x[0-9A-Fa-f]{2}|.)", re.DOTALL)
OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = set(OPENING.values())
MODIFIERS = {"pub", "unsafe", "async", "const", "extern", "default", "static"}
#: Items that end at a semicolon even where braces come first.
UNTIL_SEMICOLON = {"use", "let", "const", "static", "type"}
#: Items that end at a semicolon or a closing brace, never at a comma.
NO_COMMA = {"fn", "impl", "struct", "enum", "union", "mod", "trait", "unsafe", "async", "extern"}
#: Attributes whose text is not for users of the program.
SILENT_ATTRIBUTES = {"allow", "expect", "warn", "deny", "doc", "cfg", "cfg_attr", "path"}


class Token(NamedTuple):
    """One token; `kind` is ident, punct, string, outer, inner, lifetime, char or number."""

    kind: str
    text: str
    line: int


def unescape(text: str) -> str:
    """Returns the text of a string literal; escapes other than quotes become spaces."""
    return ESCAPE.sub(lambda m: m[1] if m[1] in "\"'\\" else "" if m[1][0] == "\n" else " ", text)


def skip_block(text: str, start: int) -> int:
    """Returns the end of the block comment at `start`; block comments nest."""
    depth, at = 0, start
    while edge := BLOCK_EDGE.search(text, at):
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
        if depth == 0:
            return at
    return len(text)


def tokenize(text: str) -> list[Token]:
    """Returns the tokens of a source text; plain comments are left out."""
    tokens: list[Token] = []
    at, line = 0, 1
    while at < len(text):
        match = LEXER.match(text, at)
        assert match, "the last alternative takes any character"
        kind = match.lastgroup or ""
        end = match.end()
        if match["block"]:
            end = skip_block(text, at)
        elif match["raw"] is not None:
            tokens.append(Token("string", match["rawtext"], line))
        elif match["string"]:
            tokens.append(Token("string", unescape(match[0].split('"', 1)[1][:-1]), line))
        elif kind in ("outer", "inner"):
            tokens.append(Token(kind, match[0][3:].removeprefix(" ").rstrip(), line))
        elif kind not in ("space", "line"):
            tokens.append(Token(kind, match[0].removeprefix("r#"), line))
        line += text.count("\n", at, end)
        at = end
    return tokens


def match_end(tokens: list[Token], start: int) -> int:
    """Returns the index after the bracket that closes the one at `start`."""
    depth = 0
    for at in range(start, len(tokens)):
        if tokens[at].kind == "punct":
            if tokens[at].text in OPENING:
                depth += 1
            elif tokens[at].text in CLOSING:
                depth -= 1
                if depth == 0:
                    return at + 1
    return len(tokens)


def attribute_at(tokens: list[Token], at: int) -> int:
    """Returns the end of the attribute at `at`, or `at` where there is none."""
    if at < len(tokens) and tokens[at].text == "#" and tokens[at].kind == "punct":
        bracket = at + 1 + (at + 1 < len(tokens) and tokens[at + 1].text == "!")
        if bracket < len(tokens) and tokens[bracket].text == "[":
            return match_end(tokens, bracket)
    return at


def is_compiled(condition: list[Token]) -> bool:
    """Returns whether a `cfg` can hold outside of tests; other options may be set or not."""

    def value(at: int) -> tuple[bool, bool, int]:
        """Returns whether the condition at `at` can hold, whether it can fail, and its end."""
        word, at = condition[at].text, at + 1
        if at < len(condition) and condition[at].text == "(":
            holds, fails, at = [], [], at + 1
            while at < len(condition) and condition[at].text != ")":
                can_hold, can_fail, at = value(at)
                holds.append(can_hold)
                fails.append(can_fail)
                at += at < len(condition) and condition[at].text == ","
            if word == "any":
                return any(holds), all(fails), at + 1
            if word == "all":
                return all(holds), any(fails), at + 1
            return any(fails), any(holds), at + 1
        if at < len(condition) and condition[at].text == "=":
            at += 2
        return word not in ("test", "doctest"), True, at

    return not condition or value(0)[0]


def item_end(tokens: list[Token], start: int) -> int:
    """Returns the end of the item, field or statement at `start`, its attributes skipped."""
    at = start
    while (after := attribute_at(tokens, at)) != at or (
        at < len(tokens) and tokens[at].kind in ("outer", "inner")
    ):
        at = after if after != at else at + 1
    first = keyword(tokens, at)
    while at < len(tokens):
        text = tokens[at].text if tokens[at].kind == "punct" else ""
        if text == ";" or (text == "," and first not in NO_COMMA | UNTIL_SEMICOLON):
            return at + 1
        if text in CLOSING:
            return at
        if text in OPENING:
            end = match_end(tokens, at)
            if text == "{" and first not in UNTIL_SEMICOLON:
                return end
            at = end
        else:
            at += 1
    return at


def keyword(tokens: list[Token], at: int) -> str:
    """Returns the word that tells the kind of the item at `at`, after visibility and modifiers."""
    last = ""
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "ident" and token.text in MODIFIERS:
            last = token.text
        elif token.kind == "string" and last == "extern":
            pass
        elif token.text == "(" and last == "pub":
            at = match_end(tokens, at) - 1
        elif token.kind == "ident" and (
            last not in ("const", "static") or token.text in ("fn", "unsafe", "async", "extern")
        ):
            return token.text
        else:
            return last
        at += 1
    return last


def without_tests(tokens: list[Token]) -> list[Token]:
    """Returns the tokens without the items that only a test build compiles."""
    kept: list[Token] = []
    at = 0
    while at < len(tokens):
        end = attribute_at(tokens, at)
        if end == at:
            kept.append(tokens[at])
            at += 1
            continue
        words = tokens[at:end]
        whole_file = words[1].text == "!"
        name = words[3 if whole_file else 2].text
        if name == "cfg" and not is_compiled(words[(5 if whole_file else 4) : -2]):
            if whole_file:
                return []
            while kept and kept[-1].kind == "outer":
                kept.pop()
            at = item_end(tokens, at)
        elif name in SILENT_ATTRIBUTES and name != "path":
            at = end
        else:
            kept.extend(words)
            at = end
    return kept


def items(tokens: list[Token]) -> Iterator[tuple[str, list[Token]]]:
    """Yields kind and tokens of each item at the top level."""
    at = 0
    while at < len(tokens):
        if tokens[at].kind == "inner":
            at += 1
            continue
        end = attribute_at(tokens, at)
        if end != at and tokens[at + 1].text == "!":
            at = end
            continue
        end = max(item_end(tokens, at), at + 1)
        body = at
        while body < end:
            after = attribute_at(tokens, body)
            if after == body and tokens[body].kind != "outer":
                break
            body = after if after != body else body + 1
        yield keyword(tokens, body), tokens[at:end]
        at = end


def docs(tokens: list[Token]) -> list[tuple[str, int, list[str]]]:
    """Returns kind (outer or inner), first line number and lines of each doc comment."""
    blocks: list[tuple[str, int, list[str]]] = []
    last = None
    for token in tokens:
        if token.kind in ("outer", "inner"):
            if last and last.kind == token.kind and last.line + 1 == token.line:
                blocks[-1][2].append(token.text)
            else:
                blocks.append((token.kind, token.line, [token.text]))
            last = token
    return blocks


def use_tree(tokens: list[Token]) -> list[tuple[list[str], str]]:
    """Returns each path of a `use` with the name it gets; `*` ends a glob."""
    prefix: list[str] = []
    at = 0
    while at < len(tokens):
        text = tokens[at].text
        if text == "{":
            found: list[tuple[list[str], str]] = []
            inside = tokens[at + 1 : match_end(tokens, at) - 1]
            for part in split_commas(inside):
                for names, alias in use_tree(part):
                    if names == ["self"]:
                        alias = prefix[-1] if alias == "self" and prefix else alias
                        names = []
                    found.append((prefix + names, alias))
            return found
        if text == "as":
            return [(prefix, tokens[at + 1].text)]
        if text == "::" and not prefix:
            return []
        if text != "::":
            prefix.append(text)
        at += 1
    return [(prefix, prefix[-1])] if prefix else []


def split_commas(tokens: list[Token]) -> list[list[Token]]:
    """Splits at the commas outside of braces."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text == "{") - (token.text == "}")
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]
