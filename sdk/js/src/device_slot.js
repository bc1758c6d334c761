/**
 * Calls a device by the rules of the contract. It reads the settings, reports a status only when it
 * changed, and turns exceptions into errors. The exports of a plugin and `mockfleet/testing` both
 * use it, so tests run the code of the plugin.
 */

import { Device, construct, Message } from "./device.js";
import { Failed, InvalidConfig, Retired } from "./errors.js";
import { span } from "./generate/span.js";
import { readSettings, schemaOf } from "./settings.js";

/** Settings by their text, which are parsed once a cell. They are frozen, so devices can share them. */
const shared = new Map();

/** The device class among the exports of a module: `default`, or the only one. */
export function findDevice(module) {
  const found = new Set(Object.values(module).filter((value) => value?.prototype instanceof Device));
  if (found.has(module.default)) return module.default;
  const [only] = found;
  if (found.size === 1) return only;
  const names = [...found].map((kind) => kind.name).join(", ") || "none";
  throw new TypeError(
    `a plugin exports one class that extends Device; there ${found.size > 1 ? "are" : "is"} ${names}`,
  );
}

/** Rejects a class that would fail later. */
export function checkDevice(kind) {
  const { name, prototype, events } = kind;
  if (prototype.tick === Device.prototype.tick) throw new TypeError(`${name} has no method tick(tick)`);
  for (const key of ["channels", "statuses", "events"]) {
    if (!Array.isArray(kind[key])) throw new TypeError(`static ${key} of ${name} is no array; one of texts is right`);
  }
  const unknown = events.filter((event) => !["link", "downlink", "receipts"].includes(event));
  if (unknown.length > 0) {
    throw new TypeError(`static events of ${name} names ${unknown.join(", ")}; there are link, downlink, receipts`);
  }
  if (prototype.handle !== Device.prototype.handle && events.length === 0) {
    throw new TypeError(
      `${name} has a method handle, and no events that it is called for; static events = ["downlink"] names one`,
    );
  }
  schemaOf(kind.config);
}

/** Whether the class has a start of its own. The host calls no other. */
export function hasStart(kind) {
  return kind.prototype.start !== Device.prototype.start;
}

/** A device and its calls. */
export class DeviceSlot {
  constructor(kind, identity, config) {
    failOnThrow(() => {
      let settings = shared.get(config);
      if (settings === undefined || settings.kind !== kind) {
        settings = { kind, read: readSettings(kind.config, config) };
        shared.set(config, settings);
      }
      this.device = construct(kind, identity, settings.read);
    });
  }

  /** Starts the device. Throws `Failed` or `Retired`. */
  start(micros, firstTickMicros) {
    return failOnThrow(() => {
      Device.enter(this.device, micros);
      const firstTick = firstTickMicros === null ? null : new Date(firstTickMicros / 1000);
      return this.#turn(this.device.start({ at: new Date(micros / 1000), micros, firstTick, firstTickMicros }));
    });
  }

  /** Runs a scheduled call. Throws `Failed` or `Retired`. */
  tick(micros, sequence) {
    return failOnThrow(() => {
      Device.enter(this.device, micros);
      return this.#turn(this.device.tick({ at: new Date(micros / 1000), micros, sequence }));
    });
  }

  /** Delivers an event to the device. Throws `Failed` or `Retired`. */
  handle(micros, event) {
    return failOnThrow(() => {
      Device.enter(this.device, micros);
      return this.#turn(this.device.handle({ ...event, micros }));
    });
  }

  #turn(answer) {
    const turn = isTurn(answer) ? answer : { messages: answer };
    const { status, nextTick, link } = turn;
    return {
      messages: messages(turn.messages),
      status: Device.changed(this.device, status),
      nextTick: nextTick === undefined ? null : micros(nextTick, "nextTick"),
      link: link === undefined ? null : connection(link),
    };
  }
}

const TURN = ["messages", "status", "nextTick", "link"];

function isTurn(answer) {
  if (typeof answer !== "object" || answer === null || answer instanceof Message) return false;
  if (typeof answer[Symbol.iterator] === "function") return false;
  if (typeof answer.then === "function") {
    throw new TypeError("it returned a promise; a call of a device answers at once, so start, tick and handle are not async");
  }
  for (const key of Object.keys(answer)) {
    if (!TURN.includes(key)) {
      throw new TypeError(`it returned an object with ${key}; a turn has ${TURN.join(", ")}, and messages are made by this.message(channel, value)`);
    }
  }
  return true;
}

function messages(given) {
  if (given === undefined || given === null) return [];
  if (given instanceof Message) return [given];
  if (typeof given !== "object" || typeof given[Symbol.iterator] !== "function") {
    throw new TypeError(`it returned a ${typeof given}; messages are made by this.message(channel, value)`);
  }
  const all = [...given];
  if (!all.every((message) => message instanceof Message)) {
    throw new TypeError("it returned what is no message; this.message(channel, value) makes one");
  }
  return all;
}

function micros(length, key) {
  const found = span(length);
  if (found === null) throw new TypeError(`${key} is ${JSON.stringify(length)}; seconds or "1h30m" are right`);
  return found;
}

function connection(link) {
  if (link === "reconnect") return { tag: "reconnect" };
  if (typeof link === "object" && link !== null && "vanish" in link) {
    return { tag: "vanish", val: micros(link.vanish, "vanish") };
  }
  throw new TypeError(`link is ${JSON.stringify(link)}; "reconnect" or { vanish: seconds } is right`);
}

/** Turns anything that the author's code throws into `Failed`, with its place in the source. */
function failOnThrow(call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof Failed || error instanceof InvalidConfig || error instanceof Retired) throw error;
    const failed = new Failed(describeError(error));
    failed.cause = error;
    throw failed;
  }
}

/** `TypeError: x is not a function (device.js:14, in tick)`. */
export function describeError(error) {
  if (!(error instanceof Error)) return `it threw ${JSON.stringify(error) ?? String(error)}`;
  const said = `${error.name}: ${error.message}`.replaceAll("\n", ", ");
  const own = frames(error).find((frame) => !frame.inSdk);
  return own === undefined ? said : `${said} (${own.place}${own.call ? `, in ${own.call}` : ""})`;
}

/** The lines of a stack in the author's code, innermost first. */
export function ownStack(error) {
  const own = error instanceof Error ? frames(error).filter((frame) => !frame.inSdk) : [];
  return own.map(({ place, call }) => `    at ${call ? `${call} (${place})` : place}`);
}

/**
 * The sources of the lines of a bundle: `[file, line]` by line, from one; `null` without a bundle.
 * The build stores them as a text, since only errors need them.
 */
function origins() {
  const given = globalThis.mockfleetOrigins;
  if (given === undefined) return null;
  const lines = given.lines.split(",").map((text) => {
    const [file, line] = text.split(":");
    return line === undefined ? ["", 0] : [given.files[Number(file)], Number(line)];
  });
  return [["", 0], ...lines];
}

function frames(error) {
  const found = [];
  const origin = origins();
  // V8 and QuickJS: "    at call (file:14:5)"; SpiderMonkey: "call@file:14:5".
  for (const text of String(error.stack ?? "").split("\n")) {
    const frame =
      /^\s*at (?:(?:new )?(.*?) )?\(?([^()\s]+?):(\d+)(?::\d+)?\)?$/.exec(text) ?? /^(.*?)@(.+?):(\d+)(?::\d+)?$/.exec(text);
    if (frame === null) continue;
    const call = (frame[1] ?? "").split(".").pop().replaceAll(/[<>]/g, "");
    const [file, line] = origin === null ? [frame[2], Number(frame[3])] : (origin[Number(frame[3])] ?? ["", 0]);
    const name = file.split("/").pop();
    // On Node the SDK is the folder of this file; in a bundle the build marks its files.
    const here = origin === null ? file.startsWith(sdkFolder()) || file.startsWith("node:") : file.startsWith("mockfleet:");
    found.push({ place: `${origin === null ? name : file}:${line}`, call, inSdk: here || file === "" });
  }
  return found;
}

function sdkFolder() {
  return String(import.meta.url ?? "").replace(/[^/]*$/, "");
}
