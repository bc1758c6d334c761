/**
 * Calls a device by the rules of the contract. It reads the settings, reports a status only when it
 * changed, and turns exceptions into errors. The exports of a plugin and `mockfleet/testing` both
 * use it, so tests run the code of the plugin.
 */

import { toTurn } from "./answer.js";
import { Device, construct } from "./device.js";
import { Failed, InvalidConfig, Retired } from "./errors.js";
import { readSettings, schemaOf } from "./settings.js";
import { describeError } from "./stack.js";

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
    const turn = toTurn(answer, this.device.constructor.channels);
    return { ...turn, status: Device.changed(this.device, turn.status) };
  }
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
