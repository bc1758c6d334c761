// The README's device and its tests are true.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import test from "node:test";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map(([, block]) => block);

test("the test of the readme passes", async () => {
  const [device, its, room] = blocks;
  // Below this package, since only there it is found by its name.
  const file = new URL("./readme.tmp.mjs", import.meta.url);
  const code = [
    'import assert from "node:assert/strict";',
    'import { Profile } from "mockfleet/generate";',
    device,
    "const test = (_, body) => body();",
    its,
    room.replace("// in tick: this.people.next()", "tick() { return this.message('people', this.people.next()); }"),
    'assert.deepEqual(run(Room, {}, { ticks: 1 }).on("people"), [0]);',
  ];
  writeFileSync(file, code.join("\n"));
  try {
    await import(file);
  } finally {
    rmSync(file);
  }
});
