"""Stamps a component with the digest of its inputs.

componentize-py keeps the state of a started Python. That has random numbers in it, so two builds
of one source differ. The digest of the inputs is the same."""

import hashlib
from collections.abc import Mapping

from . import payloads

#: The custom section with the digest, for all languages.
SECTION = "mockfleet-inputs"


def digest(parts: Mapping[str, bytes]) -> str:
    """The SHA-256 of a list as `sha256sum` prints it: the digest and the name of each part, by
    name."""
    lines = (f"{hashlib.sha256(parts[name]).hexdigest()}  {name}\n" for name in sorted(parts))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def stamp(component: bytes, inputs: str) -> bytes:
    """The component with one more custom section."""
    name = SECTION.encode()
    return component + payloads._section(0, payloads._number(len(name)) + name + inputs.encode())
