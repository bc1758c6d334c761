"""Patches a plugin so that it frees the payloads that it returns. componentize-py 0.25.1 copies
each value of bytes for the caller and never frees it, and an empty list leaks 16 bytes: a device
would leak all its messages. The patch wraps the function that begins a list: a copy is freed with
the rest of the call, once the caller has read it, and an empty list takes no memory."""

from collections.abc import Iterator

#: The version that needs the patch, as printed by `componentize-py --version`. A later one may
#: free payloads itself, and freeing them twice would be worse than a leak.
AFFECTED = "componentize-py 0.25.1"

_COPIES = b"wit_dylib_pop_list"
_ENDS = b"wit_dylib_pop_iter"
_FREES = b"wit_dylib_dealloc_bytes"

# Sections of a module, and of a component the one that holds a module.
_IMPORTS, _FUNCTIONS, _EXPORTS, _CODE = 2, 3, 7, 10
_MODULE = 1

_I32 = b"\x7f"


def free_payloads(component: bytes) -> bytes:
    """The component with the function wrapped. Raises `ValueError` if it has no such
    function."""
    parts = [component[:8]]
    found = 0
    for kind, body in _sections(component):
        if kind == _MODULE and _COPIES in body and _FREES in body:
            wrapped = _wrapped(body)
            found += wrapped is not None
            body = wrapped or body
        parts.append(_section(kind, body))
    if found != 1:
        raise ValueError(f"{found} modules copy payloads, and one should")
    return b"".join(parts)


def _wrapped(module: bytes) -> bytes | None:
    sections = dict(_sections(module))
    exports = _exports(sections.get(_EXPORTS, b"\0"))
    if not {_COPIES, _ENDS, _FREES} <= exports.keys():
        return None
    imported = _imported_functions(sections.get(_IMPORTS, b"\0"))
    types = _types_of_functions(sections[_FUNCTIONS])
    copies, frees = exports[_COPIES], exports[_FREES]
    wrapper = imported + len(types)
    # Takes the call, the type of the list, and where to put the copy; returns its length.
    code = b"".join(
        (
            b"\x01\x02" + _I32,  # two locals: 3 its length, 4 the copy
            b"\x20\x00\x20\x01\x20\x02\x10" + _number(copies) + b"\x21\x03",
            b"\x20\x02\x28\x02\x00\x22\x04",  # what was put there; null is no copy
            b"\x04\x40",
            # The call, the copy, its length, its alignment; and not now, but with the call.
            b"\x20\x00\x20\x04\x20\x03\x41\x01\x41\x01\x10" + _number(frees),
            # No copy, and nothing to go through: the list is over, and lies at an address that
            # any type may have.
            b"\x05\x20\x03\x45\x04\x40\x20\x00\x20\x01\x10" + _number(exports[_ENDS]),
            b"\x20\x02\x41\x08\x36\x02\x00\x0b\x0b",
            b"\x20\x03\x0b",
        )
    )
    changed = {
        _FUNCTIONS: _list([_number(kind) for kind in [*types, types[copies - imported]]]),
        _EXPORTS: _moved(sections[_EXPORTS], wrapper),
        _CODE: _appended(sections[_CODE], _number(len(code)) + code),
    }
    parts = [module[:8]]
    # Custom sections, 0, may be repeated, and do not change.
    parts += [_section(kind, changed.get(kind, body)) for kind, body in _sections(module)]
    return b"".join(parts)


def _sections(binary: bytes) -> Iterator[tuple[int, bytes]]:
    place = 8
    while place < len(binary):
        size, begin = _read(binary, place + 1)
        yield binary[place], binary[begin : begin + size]
        place = begin + size


def _section(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _number(len(body)) + body


def _read(binary: bytes, place: int) -> tuple[int, int]:
    """Reads a number in LEB128. Returns it and the offset of its end."""
    value = shift = 0
    while True:
        byte = binary[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _list(items: list[bytes]) -> bytes:
    return _number(len(items)) + b"".join(items)


def _appended(items: bytes, item: bytes) -> bytes:
    count, begin = _read(items, 0)
    return _number(count + 1) + items[begin:] + item


def _types_of_functions(body: bytes) -> list[int]:
    count, place = _read(body, 0)
    types = []
    for _ in range(count):
        kind, place = _read(body, place)
        types.append(kind)
    return types


def _imported_functions(body: bytes) -> int:
    count, place = _read(body, 0)
    functions = 0
    for _ in range(count):
        for _ in range(2):  # module and name
            size, place = _read(body, place)
            place += size
        kind = body[place]
        place += 1
        if kind == 0:
            functions += 1
            _, place = _read(body, place)
        elif kind == 3:  # a global: its type, and whether it changes
            place += 2
        elif kind == 4:  # a tag
            _, place = _read(body, place + 1)
        else:  # a table has the type of its elements before its limits, a memory has limits
            place += kind == 1
            bounded = body[place] & 1
            _, place = _read(body, place + 1)
            if bounded:
                _, place = _read(body, place)
    return functions


def _entries(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, kind and index of each export."""
    count, place = _read(body, 0)
    for _ in range(count):
        size, place = _read(body, place)
        name = body[place : place + size]
        index, end = _read(body, place + size + 1)
        yield name, body[place + size], index
        place = end


def _exports(body: bytes) -> dict[bytes, int]:
    return {name: index for name, kind, index in _entries(body) if kind == 0}


def _moved(body: bytes, wrapper: int) -> bytes:
    entries = []
    for name, kind, index in _entries(body):
        new = wrapper if name == _COPIES and kind == 0 else index
        entries.append(_number(len(name)) + name + bytes([kind]) + _number(new))
    return _list(entries)
