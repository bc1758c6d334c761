"""The README's device and its test are true."""

import re
import sys
import types
from pathlib import Path

import pytest

BLOCKS = re.findall(
    r"^```python\n(.*?)^```$",
    (Path(__file__).parents[1] / "README.md").read_text(),
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture
def readme():
    module = types.ModuleType("readme")
    # Dataclasses look their module up.
    sys.modules["readme"] = module
    for block in BLOCKS:
        exec("from mockfleet import NoConfig\n" + block, vars(module))
    yield module
    del sys.modules["readme"]


def test_the_test_of_the_readme_passes(readme):
    readme.test_a_door_that_always_moves_is_open_every_other_time()


def test_the_generators_of_the_readme_give_values(readme):
    room = readme.run(readme.Room, ticks=2)
    assert room.on("telemetry")[0] == {"people": 0, "t": 21.0}
