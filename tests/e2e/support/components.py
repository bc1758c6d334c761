"""Writes WebAssembly components that need more of the host than their size says."""

CORE_MODULE, CORE_INSTANCE, COMPONENT, INSTANCE = 1, 2, 4, 5
MODULE_HEADER = b"\0asm\1\0\0\0"
COMPONENT_HEADER = b"\0asm\x0d\0\1\0"


def leb128(number):
    """An unsigned number as WebAssembly writes it."""
    digits = bytearray()
    while True:
        number, digit = number >> 7, number & 0x7F
        digits.append(digit | 0x80 if number else digit)
        if not number:
            return bytes(digits)


def section(kind, content):
    return bytes([kind]) + leb128(len(content)) + content


def many_instances(depth, width):
    """A component in a component, `depth` levels, each instantiated `width` times: width**depth
    instances of one core module with a table."""
    # One table of funcref with one element.
    module = MODULE_HEADER + section(4, b"\1\x70\0\1")
    component = COMPONENT_HEADER + section(CORE_MODULE, module)
    component += section(CORE_INSTANCE, b"\1\0\0\0")
    for _ in range(depth):
        instances = leb128(width) + b"\0\0\0" * width
        component = COMPONENT_HEADER + section(COMPONENT, component) + section(INSTANCE, instances)
    return component


def nested(depth):
    """A component in a component, `depth` levels."""
    component = COMPONENT_HEADER
    for _ in range(depth):
        component = COMPONENT_HEADER + section(COMPONENT, component)
    return component
