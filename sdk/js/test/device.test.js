// What the author of a device may rely on.

import assert from "node:assert/strict";
import test from "node:test";

import { choice, data, Device, duration, Failed, fleet, group, integer, list, Message, number, text } from "mockfleet";
import { run, schema, groupContext } from "mockfleet/testing";

import { describeError, ownStack, withSources } from "../src/stack.js";

/** Does what its setting says at tick 2. */
class Probe extends Device {
  static channels = ["telemetry", "reply"];
  static statuses = ["odd", "even"];
  static events = ["downlink", "link"];
  static config = {
    doWhat: text({ default: "", description: "What to do at tick 2." }),
    mode: choice(["eco", "boost"], { default: "eco" }),
    size: integer({ default: 1, min: 1, max: 5 }),
    pause: duration({ default: 5400 }),
    route: list(group({ lat: number({ min: -90, max: 90 }), lon: number({ default: 0 }) }), { default: [] }),
    limit: number({ optional: true }),
  };

  tick(tick) {
    const message = this.message("telemetry", { n: tick.sequence, r: this.random.unit() });
    if (tick.sequence === 2) {
      switch (this.config.doWhat) {
        case "trip":
          return this.trip(null);
        case "fail":
          throw new Failed("told to");
        case "throw":
          throw "a text";
        case "retire":
          this.retire("told to");
          break;
        case "hurry":
          return { messages: message, nextTick: 0.01 };
        case "vanish":
          return { messages: message, link: { vanish: 5 } };
        case "stray":
          return new Message("nowhere", "1");
        case "number":
          return 7;
        case "turn":
          return { message };
        case "promise":
          return Promise.resolve(message);
        case "several":
          return this.several();
      }
    }
    return { messages: message, status: tick.sequence < 4 ? "even" : "odd" };
  }

  trip(nothing) {
    return nothing.x;
  }

  *several() {
    for (let n = 0; n < 3; n += 1) yield this.message("telemetry", { n });
  }

  handle(event) {
    if (event.kind === "received") return { messages: this.message("reply", event.message.json()), nextTick: "1m" };
  }
}

const seconds = (trial) => trial.messages.map(({ at }) => (at - trial.device.born) / 1000);

test("ticks follow the schedule of the fleet or of the device", () => {
  assert.deepEqual(seconds(run(Probe, { "do-what": "hurry" }, { ticks: 5 })), [0, 1, 2, 2.01, 3.01]);
});

test("the same seed gives the same bytes and another one others", () => {
  const payloads = (seed) => run(Probe, {}, { ticks: 9, seed }).messages.map(({ message }) => message.text());
  assert.deepEqual(payloads(3), payloads(3));
  assert.notDeepEqual(payloads(3), payloads(4));
});

test("only a change of status is reported", () => {
  const { statuses } = run(Probe, {}, { ticks: 9 });
  assert.deepEqual(statuses.map(({ status }) => status), ["even", "odd"]);
});

test("an exception is a failed call that names its place in the source", () => {
  const trial = run(Probe, { "do-what": "trip" }, { ticks: 2 });
  assert.throws(() => trial.tick(), {
    name: "Failed",
    message: /^TypeError: Cannot read .* \(device\.test\.js:\d+, in trip\)$/,
  });
  trial.tick();
  assert.deepEqual(seconds(trial), [0, 1, 3]);
});

test("a thrown failure has its own text only", () => {
  assert.throws(() => run(Probe, { "do-what": "fail" }, { ticks: 3 }), { message: "told to" });
  assert.throws(() => run(Probe, { "do-what": "throw" }, { ticks: 3 }), { message: 'it threw "a text"' });
});

test("a retired device is not called again", () => {
  const trial = run(Probe, { "do-what": "retire" }, { ticks: 9 });
  assert.equal(trial.retired, "told to");
  assert.equal(trial.messages.length, 2);
});

test("connection changes are recorded", () => {
  const [{ link }] = run(Probe, { "do-what": "vanish" }, { ticks: 3 }).links;
  assert.deepEqual(link, { vanish: 5 });
});

test("a generator gives several messages", () => {
  assert.equal(run(Probe, { "do-what": "several" }, { ticks: 3 }).messages.length, 5);
});

test("a wrong return value is a failed call", () => {
  const said = {
    number: /returned a number; return this\.message\("telemetry", value\) to send/,
    turn: /an object with message; a turn has messages, status, nextTick, link/,
    promise: /returned a promise/,
  };
  for (const [what, message] of Object.entries(said)) {
    assert.throws(() => run(Probe, { "do-what": what }, { ticks: 3 }), { message });
  }
});

/** The error of a tick that returns this, or what it sends. */
function answered(answer) {
  class Answering extends Device {
    static channels = ["telemetry"];
    tick() {
      return answer.call(this);
    }
  }
  return run(Answering, {}, { ticks: 1 }).messages.map(({ message }) => message);
}

test("bytes are sent as they are", () => {
  const bytes = Uint8Array.from([9, 1, 2, 3]);
  const part = bytes.subarray(1, 3);
  const forms = { bytes: part, view: new DataView(bytes.buffer, 1, 2), clamped: new Uint8ClampedArray(bytes.buffer, 1, 2), buffer: bytes.slice(1, 3).buffer };
  for (const [form, value] of Object.entries(forms)) {
    const made = [() => new Message("telemetry", value), () => answered(function () { return this.message("telemetry", value); })[0]];
    for (const make of made) assert.deepEqual([...make().payload], [1, 2], form);
  }
  assert.deepEqual([...new Message("raw", [1, 2]).payload], [1, 2]);
  assert.equal(new Message("raw", new Float32Array(2)).payload.length, 8);
});

test("a value that JSON has no form for is refused", () => {
  const said = (value) => {
    let found;
    assert.throws(() => answered(function () { return this.message("telemetry", value); }), (error) => {
      found = error.message;
      return true;
    });
    return found.replace("the message on channel telemetry cannot be written as JSON: ", "");
  };
  assert.equal(said({ raw: new Uint8Array(2) }), "raw is a Uint8Array, which has no JSON form; Array.from(…) makes a list of it");
  assert.equal(said(new Float32Array(2)), "it is a Float32Array, which has no JSON form; Array.from(…) makes a list of it");
  assert.equal(said(new Map()), "it is a Map, which has no JSON form; Object.fromEntries(…) makes an object of it");
  // Elsewhere in the process, JSON is what it was.
  assert.equal(JSON.stringify([new Uint8Array(1), new Map()]), '[{"0":0},{}]');
});

test("a wrong answer is named by its type", () => {
  const cases = {
    'it returned a string; return this.message("telemetry", value) to send': () => "hello",
    'it returned a Uint8Array; return new Message("telemetry", bytes) to send bytes': () => new Uint8Array(1),
    "it returned an array with an object in it; return this.message": () => [{ a: 1 }],
    "the channel of its message is a number; a text is right": () => new Message(3, "a"),
    "the contentType of its message on channel telemetry is a number": () => new Message("telemetry", "a", { contentType: 3 }),
    "the contentType of its message on channel telemetry has half of a character": () => new Message("telemetry", "a", { contentType: "\ud800" }),
    "the property a of its message on channel telemetry is a number": () => new Message("telemetry", "a", { properties: { a: 1 } }),
    "the properties of its message on channel telemetry are a Map": () => new Message("telemetry", "a", { properties: new Map() }),
    "TypeError: the payload of a message on channel telemetry is an object; a text or bytes": () => new Message("telemetry", { a: 1 }),
    "its status is a number; a text is right": () => ({ status: 3 }),
    'nextTick is "soon"; seconds or "1h30m" are right': () => ({ nextTick: "soon" }),
    "nextTick is NaN; seconds": () => ({ nextTick: NaN }),
    "nextTick is Infinity; seconds": () => ({ nextTick: Infinity }),
    'link is "gone"; "reconnect" or': () => ({ link: "gone" }),
  };
  for (const [words, answer] of Object.entries(cases)) {
    assert.throws(() => answered(answer), (error) => error.name === "Failed" && error.message.startsWith(words), words);
  }
});

test("places in a bundle are those in the author's files", () => {
  globalThis.mockfleetOrigins = { files: ["device.js", "mockfleet:device.js"], lines: "0:0:7|20:0:9,0:1:3," };
  try {
    const error = new Error("no");
    const at = (call, line, column) => `    at ${call} (componentize-qjs:user.js:${line}:${column})`;
    const rest = [...Array(9)].map(() => at("tick", 1, 5));
    error.stack = [at("deep", 1, 25), at("sdk", 2, 1), at("gone", 3, 1), ...rest].join("\n");
    assert.equal(describeError(error), "Error: no (device.js:9, in deep)");
    assert.deepEqual(ownStack(error), ["    at deep (device.js:9)", ...Array(3).fill("    at tick (device.js:7)")]);
    assert.equal(withSources(at("a", 1, 21)), "    at a (device.js:9)");
    assert.equal(withSources(at("a", 3, 1)), at("a", 3, 1));
  } finally {
    delete globalThis.mockfleetOrigins;
  }
});

test("a message to the device is answered and moves its next tick", () => {
  const trial = run(Probe, {}, { ticks: 1 }).receive("command", { do: "stop ☂ 🚲" });
  assert.deepEqual(trial.on("reply"), [{ do: "stop ☂ 🚲" }]);
  assert.equal(trial.due - trial.now, 60_000);
  const broken = () => trial.receive("command", Uint8Array.from([0x7b]));
  assert.throws(broken, { message: /the message on channel command cannot be read/ });
});

test("text and bytes are those of the platform's own encoders", () => {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  for (const sample of ["", "abc", "Müller ☂ 🚲", "\ud800x", "\u0000\u007f\u0080\u07ff\u0800\uffff"]) {
    const { payload } = new Message("a", sample);
    assert.deepEqual(payload, encoder.encode(sample));
    assert.equal(new Message("a", payload).text(), sample.toWellFormed?.() ?? decoder.decode(payload));
  }
  assert.equal(new Message("a", Uint8Array.from([0x41, 0xff, 0x42])).text(), "A\ufffdB");
});

test("a trial rejects undeclared names", () => {
  const stray = () => run(Probe, { "do-what": "stray" }, { ticks: 3 });
  assert.throws(stray, { message: 'static channels of Probe doesn\'t name "nowhere"' });
  assert.throws(() => run(Probe).settled(0, "telemetry"), { message: /doesn't name receipts/ });
});

test("all settings that do not fit are refused at once with their keys", () => {
  const config = {
    "do-waht": "x",
    mode: "turbo",
    size: 9,
    pause: "soon",
    route: [{ lat: 1 }, { lat: 91, lon: "a" }, {}],
  };
  assert.throws(() => run(Probe, config), {
    name: "InvalidConfig",
    message: [
      "config.do-waht: there is no such setting; there are do-what, limit, mode, pause, route, size",
      'config.mode: "turbo" is none of "eco", "boost"',
      "config.size: 9 is more than 5, the most there may be",
      'config.pause: "soon" is no duration; a number with a unit is right, such as "500ms", "10s" or "1h30m" (us, ms, s, m, h, d)',
      "config.route.1.lat: 91 is more than 90, the most there may be",
      'config.route.1.lon: "a" is no number',
      "config.route.2.lat: it is missing, and has no default",
    ].join("\n"),
  });
});

test("settings have their declared types", () => {
  const { config } = run(Probe, { pause: "1h30m", route: [{ lat: 5 }] }).device;
  assert.deepEqual(config, { doWhat: "", mode: "eco", size: 1, pause: 5400, route: [{ lat: 5, lon: 0 }] });
});

test("the schema has words, bounds and defaults, and refuses the unknown", () => {
  const { properties, additionalProperties } = schema(Probe);
  assert.equal(additionalProperties, false);
  assert.deepEqual(properties["do-what"], { type: "string", description: "What to do at tick 2.", default: "" });
  assert.equal(properties.size.maximum, 5);
  assert.equal(properties.pause.default, "1h30m");
  assert.deepEqual(properties.mode.enum, ["eco", "boost"]);
  assert.deepEqual(properties.route.items.required, ["lat"]);
});

test("the group context of the test is used", () => {
  groupContext({ data: { weather: Uint8Array.from([1, 2]) }, channels: ["a"], interval: 2 });
  assert.deepEqual(data.readAll("weather"), Uint8Array.from([1, 2]));
  assert.deepEqual([fleet.channels(), fleet.downlink(), fleet.interval()], [["a"], null, 2]);
  assert.throws(() => data.size("wether"), { message: /there are weather/ });
  groupContext();
});

test("mistakes of a class are found before it runs", () => {
  class NoTick extends Device {}
  class Deaf extends Device {
    tick() {}
    handle() {}
  }
  class Odd extends Device {
    static events = ["downlnk"];
    tick() {}
  }
  assert.throws(() => run(NoTick), { message: "NoTick has no method tick(tick)" });
  assert.throws(() => run(Deaf), { message: /Deaf has a method handle, and no events/ });
  assert.throws(() => run(Odd), { message: /names downlnk; there are link, downlink, receipts/ });
  assert.throws(() => number({ mni: 1 }), { message: /there is no option mni/ });
});

/** Has a call before its first tick, and keeps its schedule. */
class Starter extends Device {
  static channels = ["telemetry"];

  start({ at, firstTickMicros }) {
    this.firstTick = firstTickMicros;
    return { messages: this.message("telemetry", { start: at }), nextTick: 10 };
  }

  tick({ micros, sequence }) {
    const rest = (this.firstTick - micros) / 1_000_000;
    return { messages: this.message("telemetry", { tick: sequence }), nextTick: rest > 0 ? rest : undefined };
  }
}

test("the start comes first, and its next tick holds", () => {
  const device = run(Starter, {}, { every: "1h", phase: "30m", ticks: 3 });
  const seconds = device.messages.map(({ at }) => (at - device.device.born) / 1000);
  assert.deepEqual(seconds, [0, 10, 1800, 5400]);
  assert.deepEqual(device.on("telemetry"), [{ start: "2026-01-01T00:00:00.000Z" }, { tick: 0 }, { tick: 1 }, { tick: 2 }]);
});

test("a class without a start has its first tick on schedule", () => {
  const device = run(Probe, {}, { phase: 5, ticks: 1 });
  assert.equal(device.now.toISOString(), "2026-01-01T00:00:05.000Z");
});

test("a start may retire the device", () => {
  class Tired extends Starter {
    start() {
      this.retire("no");
    }
  }
  const device = run(Tired, {}, { ticks: 2 });
  assert.equal(device.retired, "no");
  assert.deepEqual(device.messages, []);
});
