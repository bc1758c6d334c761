"""What the author of a device may rely on."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from mockfleet import (
    Answer,
    Device,
    Event,
    Failed,
    InvalidConfig,
    Message,
    NoConfig,
    Received,
    Reconnect,
    Start,
    Tick,
    Turn,
    Vanish,
    data,
    group,
    setting,
)
from mockfleet.device_slot import find_device, has_start
from mockfleet.testing import Trial, run, schema, group_context


@dataclass(frozen=True)
class Point:
    lat: float = setting(minimum=-90, maximum=90)
    lon: float = 0.0


@dataclass(frozen=True)
class Settings:
    do_what: str = setting("", description="What to do at tick 2.")
    mode: Literal["eco", "boost"] = "eco"
    size: int = setting(1, minimum=1, maximum=5)
    pause: timedelta = timedelta(minutes=90)
    route: list[Point] = setting(factory=list)
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.do_what == "refuse":
            raise ValueError("I do refuse")


class Probe(Device[Settings]):
    """Does what its setting says at tick 2."""

    channels = ["telemetry", "reply"]
    statuses = ["odd", "even"]
    events = ["downlink", "link"]

    def tick(self, tick: Tick) -> Answer:
        message = self.message("telemetry", {"n": tick.sequence, "r": self.random.random()})
        if tick.sequence == 2:
            match self.config.do_what:
                case "divide":
                    return self.divide(0)  # type: ignore[no-any-return]
                case "fail":
                    raise Failed("told to")
                case "retire":
                    self.retire("told to")
                case "hurry":
                    return Turn(message, next_tick=0.01)
                case "vanish":
                    return Turn(message, link=Vanish(5))
                case "reconnect":
                    return Turn(link=Reconnect())
                case "stray":
                    return Message("nowhere", b"1")
                case "number":
                    return 7  # type: ignore[return-value]
                case "several":
                    return self.several()
        return Turn(message, status="even" if tick.sequence < 4 else "odd")

    def divide(self, by: int) -> Any:
        return 1 / by

    def several(self) -> Iterator[Message]:
        for n in range(3):
            yield self.message("telemetry", {"n": n})

    def handle(self, event: Event) -> Answer:
        if isinstance(event, Received):
            return Turn(self.message("reply", event.message.json()), next_tick=timedelta(minutes=1))
        return None


def seconds(trial: Trial) -> list[float]:
    return [(sent.at - trial.device.born).total_seconds() for sent in trial.messages]


def test_ticks_follow_the_schedule_of_fleet_or_device() -> None:
    assert seconds(run(Probe, {"do-what": "hurry"}, ticks=5)) == [0, 1, 2, 2.01, 3.01]


def test_same_seed_gives_same_bytes_and_another_one_others() -> None:
    def payloads(seed: int) -> list[bytes]:
        return [sent.message.payload for sent in run(Probe, ticks=9, seed=seed).messages]

    assert payloads(3) == payloads(3) != payloads(4)


def test_only_a_change_of_status_is_reported() -> None:
    assert [status for _, status in run(Probe, ticks=9).statuses] == ["even", "odd"]


def test_exception_is_a_failed_call_with_its_source_location() -> None:
    trial = run(Probe, {"do-what": "divide"}, ticks=2)
    with pytest.raises(Failed) as failed:
        trial.tick()
    assert str(failed.value).startswith("ZeroDivisionError: division by zero (")
    assert str(failed.value).endswith(", in divide: return 1 / by)")
    assert "test_device.py:" in str(failed.value)
    trial.tick()
    assert seconds(trial) == [0, 1, 3]


def test_raised_failure_has_its_own_text_only() -> None:
    with pytest.raises(Failed, match="^told to$"):
        run(Probe, {"do-what": "fail"}, ticks=3)


def test_a_retired_device_is_not_called_again() -> None:
    trial = run(Probe, {"do-what": "retire"}, ticks=9)
    assert trial.retired == "told to"
    assert len(trial.messages) == 2


def test_connection_changes_are_recorded() -> None:
    (link,) = run(Probe, {"do-what": "vanish"}, ticks=3).links
    assert link[1] == Vanish(5)
    (link,) = run(Probe, {"do-what": "reconnect"}, ticks=3).links
    assert link[1] == Reconnect()


def test_a_generator_gives_several_messages() -> None:
    assert len(run(Probe, {"do-what": "several"}, ticks=3).messages) == 5


def test_wrong_return_value_is_a_failed_call() -> None:
    with pytest.raises(Failed, match=r'returned an int; return self.message\("telemetry", value\) to send'):
        run(Probe, {"do-what": "number"}, ticks=3)


def _said(answer: Any) -> str:
    """The error of a tick that returns this."""

    class Wrong(Device[NoConfig]):
        channels = ["telemetry"]

        def tick(self, tick: Tick) -> Answer:
            is_call = callable(answer) and not isinstance(answer, type)
            given: Answer = answer() if is_call else answer
            return given

    with pytest.raises(Failed) as failed:
        run(Wrong, ticks=1)
    return str(failed.value)


async def _later() -> None:
    return None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"temperature": 3}, 'it returned a dict; return self.message("telemetry", value) to send'),
        ([{"temperature": 3}], "it returned a list with a dict in it; return self.message"),
        (("telemetry", {}), "it returned a tuple with a str in it; return self.message"),
        ("hello", "it returned a str; return self.message"),
        (b"abc", 'it returned bytes; return Message("telemetry", payload) to send bytes'),
        (Message, "it returned the class Message; return self.message"),
        (_later, "it returned a coroutine; a call of a device answers at once"),
        (Turn({"a": 1}), "it returned a dict; return self.message"),  # type: ignore[dict-item]
    ],
    ids=str,
)
def test_wrong_answer_is_named_by_its_type(answer: Any, words: str) -> None:
    assert _said(answer).startswith(words)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (("telemetry", "text"), "the payload of its message on channel telemetry is a str, and bytes"),
        (("telemetry", {"a": 1}), "the payload of its message on channel telemetry is a dict, and"),
        ((3, b""), "the channel of its message is an int; a text is right"),
        (("telemetry", b"", 3), "the content_type of its message on channel telemetry is an int"),
        (("telemetry", b"", "\ud800"), "the content_type of its message on channel telemetry is"),
        (("telemetry", b"", None, {"a": 1}), "the property a of its message on channel telemetry is"),
        (("telemetry", b"", None, [("a", "b")]), "the properties of its message on channel"),
    ],
    ids=str,
)
def test_wrong_part_of_a_message_is_named(message: tuple[Any, ...], words: str) -> None:
    assert _said(Message(*message)).startswith(words)


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        ({"status": 3}, "its status is an int; a text is right"),
        ({"next_tick": "1s"}, "its next_tick is '1s'; a number of seconds or a timedelta is right"),
        ({"next_tick": math.nan}, "its next_tick is nan; a number of seconds"),
        ({"next_tick": math.inf}, "its next_tick is inf; a number of seconds"),
        ({"next_tick": 1e300}, "its next_tick is 1e+300; a number of seconds"),
        ({"link": "reconnect"}, "its link is a str; Reconnect() or Vanish(seconds) is right"),
        ({"link": Reconnect}, "its link is the class Reconnect; Reconnect() or"),
        ({"link": Vanish(math.nan)}, "the length of its Vanish is nan; a number of seconds"),
    ],
    ids=str,
)
def test_wrong_part_of_a_turn_is_named(turn: dict[str, Any], words: str) -> None:
    assert _said(Turn(**turn)).startswith(words)


def test_bytes_of_other_types_are_a_payload() -> None:
    class Raw(Device[NoConfig]):
        channels = ["raw"]

        def tick(self, tick: Tick) -> Answer:
            given: list[Any] = [kind(b"abc") for kind in (bytes, bytearray, memoryview)]
            return [Message("raw", payload) for payload in given]

    assert [sent.message.payload for sent in run(Raw, ticks=1).messages] == [b"abc"] * 3


def test_error_in_the_library_has_the_line_of_the_author() -> None:
    def wrong() -> Answer:
        return Message("telemetry", json.loads("{"))

    assert re.search(r"\(\S*test_device\.py:\d+, in wrong: return Message", _said(wrong))


def test_exit_and_recursion_fail_only_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    def leave() -> Answer:
        raise SystemExit(3)

    def deeper() -> Answer:
        return deeper()

    assert "self.retire(why) ends the device" in _said(leave)
    assert _said(deeper).startswith("RecursionError: maximum recursion depth exceeded")
    printed = capsys.readouterr().err
    assert printed.count("in deeper") == 3 and "... and so on" in printed


def test_downlink_is_answered_and_moves_the_next_tick() -> None:
    trial = run(Probe, ticks=1).receive("command", {"do": "stop"})
    assert trial.on("reply") == [{"do": "stop"}]
    assert trial.due - trial.now == timedelta(minutes=1)
    with pytest.raises(Failed, match="the message on channel command cannot be read"):
        trial.receive("command", b"{")


def test_json_that_is_nested_too_deep_is_a_failed_call() -> None:
    with pytest.raises(Failed, match="channel command cannot be read: it is nested more than 500 deep"):
        run(Probe, ticks=1).receive("command", b"[" * 100_000)
    wide = {"do": "stop", "list": [{}] * 900, "text": "[" * 900}
    assert run(Probe, ticks=1).receive("command", wide).on("reply") == [wide]


def test_trial_rejects_undeclared_names() -> None:
    with pytest.raises(AssertionError, match='Probe.channels doesn\'t name "nowhere"'):
        run(Probe, {"do-what": "stray"}, ticks=3)
    with pytest.raises(AssertionError, match="Probe.events doesn't name receipts"):
        run(Probe).settled(0, "telemetry")


def test_all_invalid_settings_are_refused_at_once_with_keys() -> None:
    with pytest.raises(InvalidConfig) as refused:
        run(
            Probe,
            {
                "do-waht": "x",
                "mode": "turbo",
                "size": 9,
                "pause": "soon",
                "route": [{"lat": 1}, {"lat": 91, "lon": "a"}, {}],
            },
        )
    assert str(refused.value).splitlines() == [
        "config.do-waht: there is no such setting; there are do-what, limit, mode, pause, route, size",
        'config.mode: "turbo" is none of "eco", "boost"',
        "config.size: 9 is more than 5, the most there may be",
        'config.pause: "soon" is no duration; a number with a unit is right, such as "500ms", '
        '"10s" or "1h30m" (us, ms, s, m, h, d)',
        "config.route.1.lat: 91 is more than 90, the most there may be",
        'config.route.1.lon: "a" is no number',
        "config.route.2.lat: it is missing, and has no default",
    ]
    with pytest.raises(InvalidConfig, match="^config: I do refuse$"):
        run(Probe, {"do-what": "refuse"})


def test_settings_have_their_declared_types() -> None:
    device = run(Probe, {"pause": "1h30m", "route": [{"lat": 5}], "limit": 3}).device
    assert device.config.pause == timedelta(hours=1, minutes=30)
    assert device.config.route == [Point(5.0, 0.0)]
    assert device.config.limit == 3.0
    assert run(Probe).device.config.limit is None


def test_schema_has_texts_bounds_and_defaults_only_for_known() -> None:
    found = schema(Probe)
    assert found["additionalProperties"] is False
    assert found["properties"]["do-what"] == {
        "type": "string",
        "description": "What to do at tick 2.",
        "default": "",
    }
    assert found["properties"]["size"]["maximum"] == 5
    assert found["properties"]["pause"]["default"] == "1h30m"
    assert found["properties"]["mode"]["enum"] == ["eco", "boost"]
    assert found["properties"]["route"]["items"]["required"] == ["lat"]


def test_message_is_compact_json_or_fails() -> None:
    device = run(Probe).device
    at = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
    message = device.message("telemetry", {"at": at, "name": "Müller"}, properties={"unit": "C"})
    assert message.payload.decode() == '{"at":"2026-11-24T07:30:00.000000Z","name":"Müller"}'
    assert (message.content_type, message.properties) == ("application/json", {"unit": "C"})
    for value in ({"x": object()}, {"x": math.nan}):
        with pytest.raises(Failed, match="channel telemetry cannot be written as JSON"):
            device.message("telemetry", value)


def test_group_context_of_the_test_is_used() -> None:
    group_context(data={"weather": b"1,2"}, channels=["a"], interval=2)
    try:
        assert data.read_all("weather") == b"1,2"
        assert (group.channels(), group.downlink(), group.interval()) == (["a"], None, 2.0)
        with pytest.raises(FileNotFoundError, match="there are weather"):
            data.size("wether")
    finally:
        group_context()


def test_mistakes_of_a_class_are_found_before_it_runs() -> None:
    class NoTick(Device[NoConfig]):
        pass

    class Deaf(Device[NoConfig]):
        def tick(self, tick: Tick) -> Answer:
            return None

        def handle(self, event: Event) -> Answer:
            return None

    class Odd(Device[NoConfig]):
        events = "downlink"  # type: ignore[assignment]
        tick = Deaf.tick

    @dataclass
    class Wrong:
        when: complex = field(default=1j)

    class Complex(Device[Wrong]):
        tick = Deaf.tick

    for kind, said in (
        (NoTick, "NoTick has no method tick"),
        (Deaf, "Deaf has a method handle, and no events"),
        (Odd, "Odd.events names 'downlink'"),
    ):
        with pytest.raises(TypeError, match=said):
            run(kind)
    Wrong.__annotations__["when"] = complex
    with pytest.raises(TypeError, match="Wrong.when is a complex, which is no type of settings"):
        run(Complex)


def test_a_plugin_has_one_device() -> None:
    import types

    module = types.ModuleType("plugin")
    with pytest.raises(TypeError, match="there is none"):
        find_device(module)


def test_json_reads_what_json_wrote() -> None:
    assert json.loads(Message.of_json("a", [1, "x"], None).payload) == [1, "x"]


class Starter(Device[NoConfig]):
    """Has a call before its first tick, and keeps its schedule."""

    channels = ["telemetry"]

    def start(self, start: Start) -> Answer:
        assert start.first_tick is not None
        self.first_tick = start.first_tick
        hello = self.message("telemetry", {"start": start.at})
        return Turn(hello, next_tick=10)

    def tick(self, tick: Tick) -> Answer:
        message = self.message("telemetry", {"tick": tick.sequence})
        rest = self.first_tick - tick.at
        return Turn(message, next_tick=rest if rest > timedelta(0) else None)


def test_start_comes_first_and_its_next_tick_holds() -> None:
    device = run(Starter, every=3600, phase=1800, ticks=3)
    seconds = [(sent.at - device.device.born).total_seconds() for sent in device.messages]
    assert seconds == [0, 10, 1800, 5400]
    assert device.on("telemetry") == [
        {"start": "2026-01-01T00:00:00.000000Z"},
        {"tick": 0},
        {"tick": 1},
        {"tick": 2},
    ]


def test_start_is_requested_by_classes_that_have_it() -> None:
    assert has_start(Starter)
    assert not has_start(Probe)
    assert run(Probe, phase=5, ticks=1).now == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)


def test_start_may_retire_the_device() -> None:
    class Tired(Starter):
        def start(self, start: Start) -> Answer:
            self.retire("no")

    device = run(Tired, ticks=2)
    assert (device.retired, device.messages) == ("no", [])
