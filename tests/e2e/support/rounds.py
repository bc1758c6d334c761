"""Sets the counts and the seed of tests that repeat or draw at random.

`MOCKFLEET_LONG=1` raises the counts. `MOCKFLEET_TEST_SEED` sets the seed, which pytest prints
in the head of its report; the same seed draws the same values.
"""

import os
import random

LONG = os.environ.get("MOCKFLEET_LONG", "") not in ("", "0")
SEED = int(os.environ.get("MOCKFLEET_TEST_SEED", "7"))


def rounds(usual, full):
    """The number of repetitions: `usual` in the gate, `full` in the long run."""
    return full if LONG else usual


def generator(name):
    """A random generator of its own for each name, from the seed of the run."""
    return random.Random(f"{SEED}/{name}")


def fleet_seeds(full):
    """Seeds of fleets for `--seed`: one in the gate, `full` of them in the long run."""
    drawn = generator("fleet seeds")
    return ["7", *(str(drawn.randrange(1 << 32)) for _ in range(rounds(1, full) - 1))]
