/**
 * Runs one device natively, on a clock of its own, to test it without WebAssembly. The calls use
 * the same code as in the plugin. A trial is stricter than the host: it throws when a device uses a
 * channel, a status or an event that its class does not name.
 */

import { Message } from "./device.js";
import { Retired } from "./errors.js";
import { span } from "./generate/span.js";
import { checkDevice, DeviceSlot, hasStart } from "./device_slot.js";
import { schemaOf } from "./settings.js";
import { TestContext, setSource } from "./group_context.js";

/** 2026-01-01T00:00:00Z: the default time at which a device is switched on. */
const BORN = new Date(1_767_225_600_000);

/** The shortest interval that a device can schedule, as in the host. */
const MIN_TICK_INTERVAL = 1_000;

/** One device on a clock of its own. `run` makes one. */
export class Trial {
  #slot;
  #every;
  #now;
  #due;
  #sequence = 0;

  constructor(kind, config = {}, setup = {}) {
    const { id = "device-00000", group = "device", index = 0, seed = 1, born = BORN, every = 1, phase = 0 } = setup;
    checkDevice(kind);
    this.kind = kind;
    this.messages = [];
    this.statuses = [];
    this.links = [];
    this.retired = null;
    this.#now = born.getTime() * 1000;
    this.#due = this.#now + span(phase);
    this.#every = span(every);
    this.#slot = new DeviceSlot(kind, { id, group, index, seed, born: this.#now }, JSON.stringify(config));
    if (hasStart(kind)) this.#take(() => this.#slot.start(this.#now, this.#due));
  }

  get device() {
    return this.#slot.device;
  }

  get now() {
    return new Date(this.#now / 1000);
  }

  get due() {
    return new Date(this.#due / 1000);
  }

  get status() {
    return this.statuses.length > 0 ? this.statuses[this.statuses.length - 1].status : null;
  }

  on(channel) {
    return this.messages.filter(({ message }) => message.channel === channel).map(({ message }) => message.json());
  }

  tick() {
    if (this.retired !== null) return this;
    this.#now = this.#due;
    this.#due += this.#every;
    const sequence = this.#sequence;
    this.#sequence += 1;
    return this.#take(() => this.#slot.tick(this.#now, sequence));
  }

  ticks(count) {
    for (let tick = 0; tick < count; tick += 1) this.tick();
    return this;
  }

  run(length) {
    const end = this.#now + span(length);
    while (this.#due < end && this.retired === null) this.tick();
    this.#now = end;
    return this;
  }

  receive(channel, value) {
    const payload = value instanceof Uint8Array ? value : JSON.stringify(value);
    return this.#event("downlink", { kind: "received", message: new Message(channel, payload) });
  }

  connected() {
    return this.#event("link", { kind: "connected" });
  }

  disconnected(reason = "as asked") {
    return this.#event("link", { kind: "disconnected", reason });
  }

  settled(sequence, channel, outcome = "acked") {
    return this.#event("receipts", { kind: "settled", sequence, channel, outcome });
  }

  #event(name, event) {
    if (!this.kind.events.includes(name)) {
      throw new Error(
        `static events of ${this.kind.name} doesn't name ${name}, and the host would not deliver this event`,
      );
    }
    return this.retired === null ? this.#take(() => this.#slot.handle(this.#now, event)) : this;
  }

  #take(call) {
    let turn;
    try {
      turn = call();
    } catch (error) {
      if (!(error instanceof Retired)) throw error;
      this.retired = error.message;
      return this;
    }
    const at = this.now;
    for (const message of turn.messages) {
      this.#declared("channels", message.channel);
      this.messages.push({ at, message });
    }
    if (turn.status !== null) {
      this.#declared("statuses", turn.status);
      this.statuses.push({ at, status: turn.status });
    }
    if (turn.link !== null) {
      const link = turn.link.tag === "vanish" ? { vanish: turn.link.val / 1_000_000 } : "reconnect";
      this.links.push({ at, link });
    }
    if (turn.nextTick !== null) this.#due = this.#now + Math.max(MIN_TICK_INTERVAL, turn.nextTick);
    return this;
  }

  #declared(key, name) {
    const names = this.kind[key];
    // The settings name them where the class names none.
    if (names.length > 0 && !names.includes(name)) {
      throw new Error(`static ${key} of ${this.kind.name} doesn't name "${name}"`);
    }
  }
}

/** Switches a device on and runs this many ticks. */
export function run(kind, config = {}, { ticks = 0, ...setup } = {}) {
  return new Trial(kind, config, setup).ticks(ticks);
}

/** The JSON Schema of the settings, as the host gets it. */
export function schema(kind) {
  return schemaOf(kind.config);
}

/** Sets the context of the group of the next devices. */
export function groupContext(given = {}) {
  setSource(new TestContext(given));
}
