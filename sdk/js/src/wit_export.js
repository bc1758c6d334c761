/**
 * Exports the plugin, and converts the types of the contract to those of the SDK and back. The
 * build bundles it with the author's device under the name `mockfleet:device-module`.
 */

import * as data from "mockfleet:device/data@0.2.0";
import * as group from "mockfleet:device/group@0.2.0";
import * as module from "mockfleet:device-module";

import { Message } from "./device.js";
import { InvalidConfig, Retired } from "./errors.js";
import { checkDevice, findDevice, hasStart, DeviceSlot } from "./device_slot.js";
import { schemaOf } from "./settings.js";
import { ownStack } from "./stack.js";
import { setSource } from "./group_context.js";

const kind = findDevice(module);
checkDevice(kind);
const schema = JSON.stringify(schemaOf(kind.config));

// StarlingMonkey gives 64 bits as BigInts, QuickJS as numbers; the SDK has numbers.
const callHost = (call) => {
  try {
    return call();
  } catch (error) {
    throw new Error(error?.payload ?? (typeof error === "string" ? error : error?.message ?? String(error)));
  }
};

setSource({
  size: (name) => Number(callHost(() => data.size(name))),
  read: (name, offset, length) => Uint8Array.from(callHost(() => data.read(name, big(offset), length))),
  channels: () => group.channels() ?? null,
  downlink: () => group.downlink() ?? null,
  interval() {
    const micros = group.interval() ?? null;
    return micros === null ? null : Number(micros) / 1_000_000;
  },
});

/** An integer in the type of the engine. */
function big(number) {
  return MOCKFLEET_BIGINT ? BigInt(number) : number;
}

/** Errors whose stacks have been printed: each is printed once a cell. */
const printed = new Set();

function reportErrors(call) {
  try {
    return call();
  } catch (error) {
    // An author's text may be none, or have half of a character.
    const said = String(error?.message ?? error).replaceAll(/[\ud800-\udfff]/gu, "\ufffd");
    if (error instanceof InvalidConfig) throw { tag: "invalid-config", val: said };
    if (error instanceof Retired) throw { tag: "retired", val: said };
    if (error?.cause && !printed.has(said)) {
      printed.add(said);
      console.error([`${error.cause.name ?? "Error"}: ${error.cause.message ?? error.cause}`, ...ownStack(error.cause)].join("\n"));
    }
    throw { tag: "failed", val: said };
  }
}

function toTurn({ messages, status, nextTick, link }) {
  const absent = MOCKFLEET_BIGINT ? undefined : null;
  const some = (value) => value ?? absent;
  return {
    messages: messages.map(({ channel, payload, contentType, properties }) => ({
      channel,
      payload,
      contentType: some(contentType),
      properties: Object.entries(properties),
    })),
    status: some(status),
    nextTick: nextTick === null ? absent : big(nextTick),
    link: link === null ? absent : link.tag === "vanish" ? { tag: "vanish", val: big(link.val) } : link,
  };
}

function toEvent({ tag, val }) {
  switch (tag) {
    case "disconnected":
      return { kind: "disconnected", reason: val };
    case "received": {
      const { channel, payload, contentType, properties } = val;
      return {
        kind: "received",
        message: new Message(channel, Uint8Array.from(payload), {
          contentType: contentType ?? undefined,
          properties: Object.fromEntries(properties),
        }),
      };
    }
    case "settled":
      return {
        kind: "settled",
        sequence: Number(val.sequence),
        channel: val.channel,
        outcome: val.outcome,
        latency: val.latency === undefined || val.latency === null ? undefined : Number(val.latency) / 1_000_000,
        detail: val.detail ?? undefined,
      };
    default:
      return { kind: "connected" };
  }
}

class Device {
  constructor(slot) {
    this.slot = slot;
  }

  static create(spec) {
    const { id, group, index, config } = spec;
    const identity = { id, group, index, seed: Number(spec.seed), born: Number(spec.born) };
    return reportErrors(() => new Device(new DeviceSlot(kind, identity, config)));
  }

  start(at, firstTick) {
    const first = firstTick === undefined || firstTick === null ? null : Number(firstTick);
    return reportErrors(() => toTurn(this.slot.start(Number(at), first)));
  }

  tick({ at, sequence }) {
    return reportErrors(() => toTurn(this.slot.tick(Number(at), Number(sequence))));
  }

  handle(at, event) {
    return reportErrors(() => toTurn(this.slot.handle(Number(at), toEvent(event))));
  }
}

export const behaviour = {
  Device,
  describe() {
    const absent = MOCKFLEET_BIGINT ? undefined : null;
    return {
      name: MOCKFLEET_NAME,
      version: MOCKFLEET_VERSION,
      summary: kind.summary ?? "",
      configSchema: schema ?? absent,
      channels: [...kind.channels],
      statuses: [...kind.statuses],
      interests: {
        link: kind.events.includes("link"),
        downlink: kind.events.includes("downlink"),
        receipts: kind.events.includes("receipts"),
        start: hasStart(kind),
      },
    };
  },
};
