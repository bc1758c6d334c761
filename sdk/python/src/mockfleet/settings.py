"""Reads settings as dataclasses and describes them as a JSON Schema.

A field `move_chance` is the key `move-chance` in the fleet file. Fields may be `bool`, `int`,
`float`, `str`, `timedelta` (written `"1h30m"`), `Literal[...]`, another dataclass, `list[...]`
or `dict[str, ...]` of these, and `... | None`.
"""

import dataclasses
import enum
import json
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from .errors import InvalidConfig
from .generate.span import EXPECTED, parse_span, write_span

_SPAN = r"^\s*([0-9]+(\.[0-9]+)?\s*(us|µs|ms|s|m|h|d)\s*)+$"


def setting(
    default: Any = dataclasses.MISSING,
    *,
    factory: Callable[[], Any] | None = None,
    description: str | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Sequence[Any] | None = None,
) -> Any:
    """A field of the settings, with its description and limits. Without a default (or a
    `factory` that makes one, for lists) it is required."""
    rules = {
        "description": description,
        "minimum": minimum,
        "maximum": maximum,
        "choices": None if choices is None else list(choices),
    }
    metadata = {"mockfleet": {key: rule for key, rule in rules.items() if rule is not None}}
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def key_of(field: str) -> str:
    """The key of a field in the fleet file."""
    return field.replace("_", "-")


@dataclasses.dataclass(frozen=True)
class _Field:
    name: str
    key: str
    kind: Any
    rules: Mapping[str, Any]
    required: bool
    default: Callable[[], Any]


@cache
def _fields(config: type) -> tuple[_Field, ...]:
    if not dataclasses.is_dataclass(config):
        raise TypeError(f"{config.__name__} is no dataclass; put @dataclass before it")
    hints = typing.get_type_hints(config)
    fields = []
    for field in dataclasses.fields(config):
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory
        else:
            default = _constant(field.default)
        fields.append(
            _Field(
                name=field.name,
                key=key_of(field.name),
                kind=hints[field.name],
                rules=field.metadata.get("mockfleet", {}),
                required=field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING,
                default=default,
            )
        )
    return tuple(fields)


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def schema_of(config: type) -> dict[str, Any]:
    """The JSON Schema of a dataclass, defaults included."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object(config)}


def _object(config: type) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for field in _fields(config):
        found = {**_schema(field.kind, f"{config.__name__}.{field.name}")}
        rules = field.rules
        for rule in ("description", "minimum", "maximum"):
            if rule in rules:
                found[rule] = rules[rule]
        if "choices" in rules:
            found["enum"] = rules["choices"]
        if not field.required:
            found["default"] = _plain(field.default())
        properties[field.key] = found
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    required = [field.key for field in _fields(config) if field.required]
    if required:
        schema["required"] = required
    return schema


def _schema(kind: Any, where: str) -> dict[str, Any]:
    simple: dict[Any, dict[str, Any]] = {
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        float: {"type": "number"},
        str: {"type": "string"},
        timedelta: {"type": "string", "pattern": _SPAN, "examples": ["500ms", "1h30m"]},
        Any: {},
    }
    if isinstance(kind, typing.Hashable) and kind in simple:
        return simple[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        rest = [argument for argument in arguments if argument is not type(None)]
        if len(rest) == 1:
            return {"anyOf": [_schema(rest[0], where), {"type": "null"}]}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], where)}
    if origin is dict and arguments[0] is str:
        return {"type": "object", "additionalProperties": _schema(arguments[1], where)}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _object(kind)
    raise TypeError(
        f"{where} is a {getattr(kind, '__name__', kind)}, which is no type of settings; there are "
        "bool, int, float, str, timedelta, Literal, dataclasses, lists and dicts of these, and | None"
    )


def _plain(value: Any) -> Any:
    """A default as it is written in the fleet file."""
    if isinstance(value, timedelta):
        return write_span(round(value.total_seconds() * 1_000_000))
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.key: _plain(getattr(value, field.name))
            for field in _fields(type(value))
            if getattr(value, field.name) is not None
        }
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return value


def read_settings(config: type, text: str) -> Any:
    """Parses settings from their JSON. `InvalidConfig` has all their problems."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidConfig(f"this is no JSON: {error}") from error
    problems: dict[str, str] = {}
    found = _read_object(config, value, "", problems)
    if problems:
        raise InvalidConfig(problems)
    return found


#: Marks a value that could not be read.
_WRONG = object()


def _read_object(config: type, value: Any, path: str, problems: dict[str, str]) -> Any:
    if not isinstance(value, dict):
        return _wrong(problems, path, f"{_shown(value)} is no table of settings")
    before = len(problems)
    fields = _fields(config)
    known = {field.key for field in fields}
    for key in value:
        if key not in known:
            there = ", ".join(sorted(known))
            _wrong(
                problems,
                _join(path, key),
                f"there is no such setting; there {'are ' + there if known else 'is none'}",
            )
    arguments = {}
    for field in fields:
        place = _join(path, field.key)
        if field.key in value:
            found = _read(field.kind, value[field.key], place, problems)
            if found is not _WRONG:
                _hold(field.rules, value[field.key], place, problems)
            arguments[field.name] = found
        elif field.required:
            _wrong(problems, place, "it is missing, and has no default")
    if len(problems) > before:
        return _WRONG
    try:
        return config(**arguments)
    except InvalidConfig as error:
        problems.update(error.within(path).problems if path else error.problems)
    except ValueError as error:
        # Raised by a `__post_init__`.
        _wrong(problems, path, str(error))
    return _WRONG


def _read(kind: Any, value: Any, path: str, problems: dict[str, str]) -> Any:
    if kind is Any:
        return value
    if kind is bool:
        if not isinstance(value, bool):
            return _wrong(problems, path, f"{_shown(value)} is neither true nor false")
        return value
    if kind is int:
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or isinstance(value, bool):
            return _wrong(problems, path, f"{_shown(value)} is no whole number")
        return int(value)
    if kind is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return _wrong(problems, path, f"{_shown(value)} is no number")
        return float(value)
    if kind is str:
        if not isinstance(value, str):
            return _wrong(problems, path, f"{_shown(value)} is no text")
        return value
    if kind is timedelta:
        micros = parse_span(value) if isinstance(value, str) else None
        if micros is None:
            return _wrong(problems, path, f"{_shown(value)} is no duration; {EXPECTED}")
        return timedelta(microseconds=micros)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        if value not in arguments:
            return _wrong(problems, path, _no_choice(value, arguments))
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        (rest,) = (argument for argument in arguments if argument is not type(None))
        return _read(rest, value, path, problems)
    if origin is list:
        if not isinstance(value, list):
            return _wrong(problems, path, f"{_shown(value)} is no list")
        return [
            _read(arguments[0], entry, _join(path, str(place)), problems)
            for place, entry in enumerate(value)
        ]
    if origin is dict:
        if not isinstance(value, dict):
            return _wrong(problems, path, f"{_shown(value)} is no table")
        return {
            key: _read(arguments[1], entry, _join(path, key), problems)
            for key, entry in value.items()
        }
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        members = {member.value: member for member in kind}
        if value not in members:
            return _wrong(problems, path, _no_choice(value, tuple(members)))
        return members[value]
    return _read_object(kind, value, path, problems)


def _hold(rules: Mapping[str, Any], value: Any, path: str, problems: dict[str, str]) -> None:
    if "choices" in rules and value not in rules["choices"]:
        _wrong(problems, path, _no_choice(value, rules["choices"]))
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    minimum, maximum = rules.get("minimum"), rules.get("maximum")
    if not math.isfinite(value):
        _wrong(problems, path, f"{value} is no number to work with; a finite one is")
    elif minimum is not None and value < minimum:
        _wrong(problems, path, f"{_shown(value)} is less than {_shown(minimum)}, the least there may be")
    elif maximum is not None and value > maximum:
        _wrong(problems, path, f"{_shown(value)} is more than {_shown(maximum)}, the most there may be")


def _no_choice(value: Any, choices: Sequence[Any]) -> str:
    return f"{_shown(value)} is none of {', '.join(_shown(choice) for choice in choices)}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _wrong(problems: dict[str, str], path: str, text: str) -> Any:
    problems[path] = text
    return _WRONG
