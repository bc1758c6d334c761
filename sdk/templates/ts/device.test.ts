import assert from "node:assert/strict";
import test from "node:test";

import { run } from "mockfleet/testing";

import Sensor from "./device.js";

test("a sensor with a lower limit becomes hot", () => {
  const sensor = run(Sensor, { base: 21, limit: 30 }, { ticks: 1 });
  assert.deepEqual(sensor.on("telemetry"), [{ temperature: 21, limit: 30 }]);
  assert.equal(sensor.status, "ok");

  sensor.receive("command", { limit: 10 }).ticks(1);
  assert.equal(sensor.status, "hot");
});
