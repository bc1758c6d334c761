/** Defines the class that the author of a device derives from, and messages. */

import { Failed, Retired } from "./errors.js";
import { Rng, utf8 } from "./generate/rng.js";
import { bytesOf, named, toJson } from "./payload.js";

/** The identity and the settings of the device whose constructor is running. */
let construction = null;

/** Constructs a device of a class that derives from `Device`. */
export function construct(kind, identity, config) {
  construction = { identity, config };
  try {
    return new kind();
  } finally {
    construction = null;
  }
}

/** One virtual device. The plugin's file exports one class that derives from this one. */
export class Device {
  static channels = [];
  static statuses = [];
  static events = [];
  static config = {};

  #identity;
  #now;
  #status = null;
  #statusSince;

  constructor() {
    if (construction === null) throw new TypeError("devices are made by mockfleet, or by run() of mockfleet/testing");
    const { identity, config } = construction;
    this.#identity = identity;
    this.#now = identity.born;
    this.#statusSince = identity.born;
    this.config = config;
    this.id = identity.id;
    this.group = identity.group;
    this.index = identity.index;
    this.seed = identity.seed;
    this.random = new Rng(identity.seed);
  }

  /** Runs a scheduled call. */
  tick(_tick) {
    throw new TypeError(`${this.constructor.name} has no method tick`);
  }

  /** Starts a device that is switched on, before its first tick and event. */
  start(_start) {
    return undefined;
  }

  /** Handles the events that `events` names. */
  handle(_event) {
    return undefined;
  }

  get born() {
    return new Date(this.#identity.born / 1000);
  }

  get now() {
    return new Date(this.#now / 1000);
  }

  get age() {
    return (this.#now - this.#identity.born) / 1_000_000;
  }

  message(channel, value, { properties = {} } = {}) {
    // Bytes have no JSON form, and are what they are on the wire.
    const bytes = bytesOf(value);
    if (bytes !== null) return new Message(channel, bytes, { properties });
    let json;
    try {
      json = toJson(value);
    } catch (error) {
      // A recursion that is too deep is no fault of the value.
      if (["RangeError", "InternalError"].includes(error.name)) throw error;
      throw new Failed(`the message on channel ${channel} cannot be written as JSON: ${error.message}`);
    }
    if (json === undefined) {
      throw new Failed(`the message on channel ${channel} cannot be written as JSON: it is ${String(value)}`);
    }
    return new Message(channel, json, { contentType: "application/json", properties });
  }

  retire(why) {
    throw new Retired(why);
  }

  /** The times for generators, in microseconds since 1970. */
  generatorContext() {
    return { now: this.#now, born: this.#identity.born, statusSince: this.#statusSince };
  }

  /** Sets the time of the next call, for the slot. */
  static enter(device, micros) {
    device.#now = micros;
  }

  /** The status for the slot, if it differs from the last one. Stores it. */
  static changed(device, status) {
    if (status === undefined || status === null || status === device.#status) return null;
    device.#status = status;
    device.#statusSince = device.#now;
    return status;
  }
}

/** One message that a device sends or receives. */
export class Message {
  constructor(channel, payload, { contentType, properties = {} } = {}) {
    this.channel = channel;
    this.payload = typeof payload === "string" ? utf8(payload) : payloadOf(payload, channel);
    this.contentType = contentType;
    this.properties = properties;
  }

  /** The payload as text. */
  text() {
    return fromUtf8(this.payload);
  }

  /** The payload read as JSON. */
  json() {
    try {
      return JSON.parse(this.text());
    } catch (error) {
      throw new Failed(`the message on channel ${this.channel} cannot be read: ${error.message}`);
    }
  }
}

/** The bytes of a payload that is no text. */
function payloadOf(value, channel) {
  const isByte = (item) => Number.isInteger(item) && item >= 0 && item <= 255;
  const bytes = Array.isArray(value) && value.every(isByte) ? Uint8Array.from(value) : bytesOf(value);
  if (bytes !== null) return bytes;
  // A view of larger numbers is what its memory has.
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(
    `the payload of a message on channel ${channel} is ${named(value)}; a text or bytes (a Uint8Array) are right, and ` +
      "this.message(channel, value) writes a value as JSON",
  );
}

/** Decodes UTF-8; invalid bytes become U+FFFD. QuickJS has no TextDecoder. */
function fromUtf8(bytes) {
  let text = "";
  for (let place = 0; place < bytes.length; ) {
    const first = bytes[place];
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    let code = length === 1 ? first : first & (0xff >> (length + 1));
    let whole = length > 0 && first < 0xf5;
    for (let next = 1; whole && next < length; next += 1) {
      const byte = bytes[place + next];
      whole = byte !== undefined && (byte & 0xc0) === 0x80;
      code = (code << 6) | (byte & 63);
    }
    whole = whole && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    text += String.fromCodePoint(whole ? code : 0xfffd);
    place += whole ? length : 1;
  }
  return text;
}
