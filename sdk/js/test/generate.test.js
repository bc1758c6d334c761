// The generators give the values of the shared test vectors, bit for bit.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { Bucket, Curve, Generator, Markov, Normal, Profile, Rng, Walk } from "mockfleet/generate";

const vectors = JSON.parse(readFileSync(new URL("../../vectors.json", import.meta.url), "utf8"));

const pairs = (points) => points.map(({ at, value }) => [at, value]);

const kinds = {
  normal: (spec) => new Normal(spec),
  walk: (spec) => new Walk(spec),
  curve: ({ points, ...spec }) => new Curve({ points: pairs(points), ...spec }),
  profile: ({ daily, weekly = {}, ...spec }) => {
    const days = Object.entries(weekly).map(([name, points]) => [name, pairs(points)]);
    return new Profile({ daily: pairs(daily), weekly: Object.fromEntries(days), ...spec });
  },
  bucket: (spec) => new Bucket(spec),
  markov: (spec) => new Markov(spec),
};

for (const { name, every_us: every, spec, values } of vectors.cases) {
  // Zones by name need data that a plugin would have to carry.
  if (!(spec.kind in kinds) || "zone" in spec) continue;
  test(`the values of ${name} are those of the vectors`, () => {
    const { kind, ...rest } = spec;
    const moment = { now: vectors.born_us, born: vectors.born_us, statusSince: vectors.born_us };
    const generator = new Generator(kinds[kind](rest), new Rng(vectors.seed).stream(name), () => moment);
    const found = values.map(() => {
      const value = generator.next();
      moment.now += every;
      return value;
    });
    assert.deepEqual(found, values);
  });
}

test("the randomness is that of the vectors", () => {
  const hex = (rng) => Array.from({ length: 4 }, () => rng.bits().toString(16).padStart(16, "0"));
  assert.deepEqual(hex(new Rng(vectors.seed)), vectors.bits);
  assert.deepEqual(hex(new Rng(vectors.seed).stream("temperature")), vectors.stream_temperature_bits);
  const rng = new Rng(vectors.seed);
  assert.deepEqual(Array.from({ length: 4 }, () => rng.unit()), vectors.unit);
});

test("all problems are reported at once with their paths", () => {
  assert.throws(() => new Walk({ min: 5, max: 2, pull: 3, speed: 1 }), {
    name: "InvalidConfig",
    problems: {
      speed: "there is no such key; there are start, spread, step, mean, pull, min, max, every, decimals",
      pull: "3 is no share; it lies between 0 and 1",
      min: "5 lies above max, 2; the lower one is min",
    },
  });
});
