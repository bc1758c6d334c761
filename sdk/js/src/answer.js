/**
 * Checks the return value of a device's call, with a sentence for each mistake. The types of the
 * contract are strict: without these checks, a value of another type would end the cell in the
 * engine, without the author's file.
 */

import { Message } from "./device.js";
import { Failed } from "./errors.js";
import { span } from "./generate/span.js";
import { named } from "./payload.js";

const TURN = ["messages", "status", "nextTick", "link"];

/** The return value of a call as a turn. `channels` are the device's, for sentences. */
export function toTurn(answer, channels) {
  const turn = isTurn(answer) ? answer : { messages: answer };
  const { status, nextTick, link } = turn;
  if (status !== undefined && status !== null) checkText(status, "its status");
  return {
    messages: messages(turn.messages, channels),
    status,
    nextTick: nextTick === undefined || nextTick === null ? null : micros(nextTick, "nextTick"),
    link: link === undefined || link === null ? null : connection(link),
  };
}

function isTurn(answer) {
  if (typeof answer !== "object" || answer === null || answer instanceof Message) return false;
  if (typeof answer[Symbol.iterator] === "function" || ArrayBuffer.isView(answer)) return false;
  if (typeof answer.then === "function") {
    throw new Failed("it returned a promise; a call of a device answers at once, so start, tick and handle are not async");
  }
  for (const key of Object.keys(answer)) {
    if (!TURN.includes(key)) {
      throw new Failed(`it returned an object with ${key}; a turn has ${TURN.join(", ")}, and messages are made by this.message(channel, value)`);
    }
  }
  return true;
}

function messages(given, channels) {
  if (given === undefined || given === null) return [];
  if (given instanceof Message) return [checked(given)];
  const isList = typeof given === "object" && typeof given[Symbol.iterator] === "function" && !ArrayBuffer.isView(given);
  if (!isList) throw new Failed(`it returned ${named(given)}; ${wayOut(given, channels)}`);
  const all = [...given];
  for (const message of all) {
    if (!(message instanceof Message)) {
      throw new Failed(`it returned ${named(given)} with ${named(message)} in it; ${wayOut(message, channels)}`);
    }
    checked(message);
  }
  return all;
}

/** The way to return what was meant. */
function wayOut(value, [channel = "telemetry"]) {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return `return new Message("${channel}", bytes) to send bytes`;
  }
  return `return this.message("${channel}", value) to send a value as JSON, a list of such messages, or { messages, status }`;
}

/** A message whose parts have the types of the contract. */
function checked(message) {
  const { channel, contentType, properties } = message;
  checkText(channel, "the channel of its message");
  if (contentType !== undefined && contentType !== null) {
    checkText(contentType, `the contentType of its message on channel ${channel}`);
  }
  if (properties === undefined || properties === null) {
    message.properties = {};
    return message;
  }
  if (typeof properties !== "object" || typeof properties[Symbol.iterator] === "function") {
    throw new Failed(`the properties of its message on channel ${channel} are ${named(properties)}; an object of texts is right`);
  }
  for (const [name, value] of Object.entries(properties)) {
    checkText(name, `the name of a property of its message on channel ${channel}`);
    checkText(value, `the property ${name} of its message on channel ${channel}`);
  }
  return message;
}

/** Texts that were checked: those of devices are mostly the same. */
const known = new Set();

/** The number of texts that are kept. */
const MAX_KNOWN = 200;

function checkText(value, place) {
  if (known.has(value)) return;
  if (typeof value !== "string") throw new Failed(`${place} is ${named(value)}; a text is right`);
  // By code points, the pattern finds only a half without its other half.
  if (/[\ud800-\udfff]/u.test(value)) throw new Failed(`${place} has half of a character, which UTF-8 has not`);
  if (known.size < MAX_KNOWN) known.add(value);
}

function micros(length, key) {
  const found = span(length);
  if (!Number.isSafeInteger(found)) {
    throw new Failed(`${key} is ${shown(length)}; seconds or "1h30m" are right`);
  }
  return found;
}

function connection(link) {
  if (link === "reconnect") return { tag: "reconnect" };
  if (typeof link === "object" && "vanish" in link) {
    return { tag: "vanish", val: micros(link.vanish, "vanish") };
  }
  throw new Failed(`link is ${shown(link)}; "reconnect" or { vanish: seconds } is right`);
}

function shown(value) {
  return typeof value === "string" ? JSON.stringify(value) : typeof value === "number" ? String(value) : named(value);
}
