"""The function that begins a list is wrapped in the one module that has it, and nothing else
changes; a component without it is refused."""

import pytest

from mockfleet import payloads

_HEAD = b"\0asm\x01\0\0\0"
_COMPONENT = b"\0asm\x0d\0\x01\0"


def _name(text: bytes) -> bytes:
    return payloads._number(len(text)) + text


def _module() -> bytes:
    """An imported function, and three of its own: a list begins, ends, and bytes are freed."""
    i32 = b"\x7f"
    types = [b"\x60\x03" + i32 * 3 + b"\x01" + i32, b"\x60\x02" + i32 * 2 + b"\0", b"\x60\x05" + i32 * 5 + b"\0"]
    exports = [
        _name(name) + b"\0" + payloads._number(index)
        for name, index in ((b"wit_dylib_pop_list", 1), (b"wit_dylib_pop_iter", 2), (b"wit_dylib_dealloc_bytes", 3))
    ]
    bodies = [b"\x04\0\x41\x07\x0b", b"\x02\0\x0b", b"\x02\0\x0b"]
    sections = (
        (1, payloads._list(types)),
        (payloads._IMPORTS, payloads._list([_name(b"env") + _name(b"f") + b"\0\x01"])),
        (payloads._FUNCTIONS, payloads._list([b"\0", b"\x01", b"\x02"])),
        (payloads._EXPORTS, payloads._list(exports)),
        (payloads._CODE, payloads._list(bodies)),
        (0, _name(b"note") + b"stays"),
    )
    return _HEAD + b"".join(payloads._section(kind, body) for kind, body in sections)


def _component(*modules: bytes) -> bytes:
    return _COMPONENT + b"".join(payloads._section(payloads._MODULE, module) for module in modules)


def test_the_function_is_wrapped_where_it_is() -> None:
    other = _HEAD + payloads._section(0, _name(b"note") + b"another")
    made = payloads.free_payloads(_component(other, _module()))
    (_, first), (_, second) = payloads._sections(made)
    assert first == other
    before = dict(payloads._sections(_module()))
    after = dict(payloads._sections(second))
    # The fourth of its own, after the one that is imported, has its place and its type.
    exports = payloads._exports(after[payloads._EXPORTS])
    assert exports == payloads._exports(before[payloads._EXPORTS]) | {b"wit_dylib_pop_list": 4}
    assert payloads._types_of_functions(after[payloads._FUNCTIONS]) == [0, 1, 2, 0]
    bodies = after[payloads._CODE]
    assert bodies[0] == 4 and bodies[1:].startswith(before[payloads._CODE][1:])
    # It calls the one that it wraps, and the two that free.
    added = bodies[len(before[payloads._CODE]) :]
    assert all(b"\x10" + bytes([called]) in added for called in (1, 2, 3))
    assert (after[1], after[0]) == (before[1], before[0])


@pytest.mark.parametrize("modules", [(), (_module(), _module()), (_HEAD,)])
def test_anything_else_is_refused(modules: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="modules copy payloads, and one should"):
        payloads.free_payloads(_component(*modules))


def test_numbers_are_read_as_they_are_written() -> None:
    for number in (0, 1, 127, 128, 300, 2**31):
        assert payloads._read(payloads._number(number), 0) == (number, len(payloads._number(number)))
