"""The generators give the values of the shared test vectors, bit for bit."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from mockfleet import InvalidConfig
from mockfleet.generate import Bucket, Curve, Generator, Markov, Normal, Profile, Rng, State, Walk

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text())


def walk(spec):
    return Walk(**spec)


def curve(spec):
    points = [(point["at"], point["value"]) for point in spec.pop("points")]
    return Curve(points, **spec)


def day(points):
    return [(point["at"], point["value"]) for point in points]


def profile(spec):
    weekly = {name: day(points) for name, points in spec.pop("weekly", {}).items()}
    return Profile(day(spec.pop("daily")), weekly, **spec)


def markov(spec):
    return Markov({name: State(**state) for name, state in spec.pop("states").items()}, **spec)


KINDS = {
    "normal": lambda spec: Normal(**spec),
    "walk": walk,
    "curve": curve,
    "profile": profile,
    "bucket": lambda spec: Bucket(**spec),
    "markov": markov,
}

# Zones by name need data that a plugin would have to carry.
CASES = [
    case
    for case in VECTORS["cases"]
    if case["spec"]["kind"] in KINDS and "zone" not in case["spec"]
]


@dataclass
class Now:
    now: int = VECTORS["born_us"]
    born: int = VECTORS["born_us"]
    status_since: int = VECTORS["born_us"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_values_are_those_of_the_vectors(case):
    spec = dict(case["spec"])
    kind = KINDS[spec.pop("kind")](spec)
    moment = Now()
    generator = Generator(kind, Rng(VECTORS["seed"]).stream(case["name"]), moment)
    found = []
    for _ in case["values"]:
        found.append(generator.next())
        moment.now += case["every_us"]
    assert found == case["values"]


def test_the_randomness_is_that_of_the_vectors():
    rng, other, units = Rng(VECTORS["seed"]), Rng(VECTORS["seed"]), Rng(VECTORS["seed"])
    stream = other.stream("temperature")
    assert [f"{rng.bits():016x}" for _ in range(4)] == VECTORS["bits"]
    assert [f"{stream.bits():016x}" for _ in range(4)] == VECTORS["stream_temperature_bits"]
    assert [units.unit() for _ in range(4)] == VECTORS["unit"]


def test_all_problems_are_reported_at_once_with_paths():
    with pytest.raises(InvalidConfig) as refused:
        Walk(min=5, max=2, pull=3)
    assert refused.value.problems == {
        "pull": "3 is no share; it lies between 0 and 1",
        "min": "5 lies above max, 2; the lower one is min",
    }
    with pytest.raises(InvalidConfig, match="points.1.at: 1s does not come after 2s"):
        Curve([("2s", 1), ("1s", 2)])
