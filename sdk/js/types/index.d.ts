/** Write the behaviour of a virtual IoT device for mockfleet, in JavaScript or TypeScript. */

import type { Rng } from "./generate.js";

/** A length of time: seconds, or a text such as `"1h30m"`. */
export type Duration = number | string;

/** One kind of setting; its values are of the type `T`. */
export interface Setting<T> {
  readonly schema: object;
  /** Only for the compiler. */
  readonly type?: T;
}

/** What every setting can say of itself; without a default it must be given. */
export interface Options<T> {
  readonly default?: T;
  /** What the fleet's owner should know of it. */
  readonly description?: string;
}

/** A setting that may be left out and has no default. */
export interface Optional {
  readonly optional: true;
  readonly description?: string;
}

/** A number. */
export function number(options: Optional & { min?: number; max?: number }): Setting<number | undefined>;
export function number(options?: Options<number> & { min?: number; max?: number }): Setting<number>;
/** A whole number. */
export function integer(options: Optional & { min?: number; max?: number }): Setting<number | undefined>;
export function integer(options?: Options<number> & { min?: number; max?: number }): Setting<number>;
/** A text. */
export function text(options: Optional): Setting<string | undefined>;
export function text(options?: Options<string>): Setting<string>;
/** True or false. */
export function flag(options: Optional): Setting<boolean | undefined>;
export function flag(options?: Options<boolean>): Setting<boolean>;
/** One of these values. */
export function choice<const T extends string | number>(choices: readonly T[], options: Optional): Setting<T | undefined>;
export function choice<const T extends string | number>(choices: readonly T[], options?: Options<NoInfer<T>>): Setting<T>;
/** A length of time, in the fleet file `"1h30m"` and here a number of seconds. */
export function duration(options: Optional): Setting<number | undefined>;
export function duration(options?: Options<number>): Setting<number>;
/** A list of values of one kind. */
export function list<T>(of: Setting<T>, options: Optional): Setting<T[] | undefined>;
export function list<T>(of: Setting<T>, options?: Options<T[]>): Setting<T[]>;
/** Values of one kind by names that the fleet file gives them. */
export function table<T>(of: Setting<T>, options: Optional): Setting<Record<string, T> | undefined>;
export function table<T>(of: Setting<T>, options?: Options<Record<string, T>>): Setting<Record<string, T>>;
/** Settings of their own under one key. */
export function group<S extends Settings>(settings: S, options: Optional): Setting<Values<S> | undefined>;
export function group<S extends Settings>(settings: S, options?: Options<Values<S>>): Setting<Values<S>>;

/** The settings of a device by their names; `moveChance` is the key `move-chance` in the fleet file. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** The values of settings. */
export type Values<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** One scheduled call. */
export interface Tick {
  /** When this tick was due, to the millisecond. Late calls still carry the time they were due. */
  readonly at: Date;
  /** The same in microseconds since 1970, UTC. */
  readonly micros: number;
  /** Ticks that this device has had before this one. */
  readonly sequence: number;
}

/** What became of a message; `sent`: it is on the wire, and nothing confirms it. */
export type Outcome = "acked" | "sent" | "failed" | "dropped";

/** Something that happened to a device between ticks; `micros` says when, since 1970, UTC. */
export type Event = { readonly micros: number } & (
  | { readonly kind: "connected" }
  | { readonly kind: "disconnected"; readonly reason: string }
  | { readonly kind: "received"; readonly message: Message }
  | {
      readonly kind: "settled";
      /** The message's number: its place among all messages of this device. */
      readonly sequence: number;
      readonly channel: string;
      readonly outcome: Outcome;
      /** Seconds from sending to confirmation. */
      readonly latency?: number;
      /** The protocol's own words, for example an HTTP status or a reason code. */
      readonly detail?: string;
    }
);

/** What a device does with its connection, once the turn's messages are on their way. */
export type Link = "reconnect" | { readonly vanish: Duration };

/** What a device does in answer to a tick or an event. */
export interface Turn {
  /** What to send now, in this order. */
  readonly messages?: Message | Iterable<Message> | undefined;
  /** The device's status. May be said in every turn: only a change is reported. */
  readonly status?: string | undefined;
  /** Tick next after this long; the tick after that is the fleet file's again. */
  readonly nextTick?: Duration | undefined;
  readonly link?: Link | undefined;
}

/** What `tick` and `handle` may return. A generator counts as several messages. */
export type Answer = Turn | Message | Iterable<Message> | undefined | void;

/** One message that a device sends or receives. */
export class Message {
  /** `payload`: bytes, or a text that is sent as UTF-8. */
  constructor(
    channel: string,
    payload: Uint8Array | string,
    options?: { contentType?: string; properties?: Readonly<Record<string, string>> },
  );
  /** The logical channel, for example `telemetry`. The fleet file maps it. */
  readonly channel: string;
  /** The bytes on the wire, unchanged. */
  readonly payload: Uint8Array;
  readonly contentType: string | undefined;
  /** MQTT 5 user properties, or HTTP headers. */
  readonly properties: Readonly<Record<string, string>>;
  /** The payload as text. */
  text(): string;
  /** The payload read as JSON. */
  json(): any;
}

/**
 * One virtual device. The plugin's file exports one class that derives from this one.
 *
 * The same seed must give the same life: take randomness from `this.random` and from
 * `mockfleet/generate`, time from the calls, and keep nothing outside of the device, since
 * thousands of devices share one instance of the plugin.
 */
export abstract class Device<S extends Settings = {}> {
  /** One sentence on what the device is. */
  static summary?: string;
  /** Every channel that the device may send on; the fleet file maps each. None: its settings name them. */
  static channels: readonly string[];
  /** Every status that the device may report. */
  static statuses: readonly string[];
  /** The kinds of events that `handle` is called for. */
  static events: readonly ("link" | "downlink" | "receipts")[];
  /** The settings. */
  static config: Settings;

  constructor();
  /** The settings' values, as they stand under `config` in the fleet file. */
  readonly config: Values<S>;
  /** Unique in the fleet, for example `thermometer-00042`. */
  readonly id: string;
  /** The group of the fleet file that the device belongs to. */
  readonly group: string;
  /** Its position in the group, counted from zero. */
  readonly index: number;
  /** The seed for all of its randomness: same seed, same life. Above 2^53 it is rounded. */
  readonly seed: number;
  /** Randomness from the device's seed. */
  readonly random: Rng;
  /** When the device was switched on, to the millisecond. */
  get born(): Date;
  /** When the tick was due, or the event was, to the millisecond. */
  get now(): Date;
  /** Seconds since the device was switched on. */
  get age(): number;

  /** Called on schedule. Returns what to send, or a turn with what else to do. */
  abstract tick(tick: Tick): Answer;
  /** Called for the events that `events` names. */
  handle(event: Event): Answer;
  /** A message on this channel with this value as JSON. */
  message(channel: string, value: unknown, options?: { properties?: Readonly<Record<string, string>> }): Message;
  /** The device is done, for good. Nothing of this call is sent. */
  retire(why: string): never;
}

/** The settings cannot work: a sentence, or several by the key that each is about. */
export class InvalidConfig extends Error {
  constructor(problems: string | Readonly<Record<string, string>>);
  readonly problems: Readonly<Record<string, string>>;
  within(key: string): InvalidConfig;
}

/** This call failed: nothing of it is sent, the device lives on and is called again. */
export class Failed extends Error {
  constructor(why: string);
}

/** The device is done, for good; `device.retire(why)` throws it. */
export class Retired extends Error {
  constructor(why: string);
}

/** The data files of the device's group. The host holds each once: share what you make of it. */
export const data: {
  size(name: string): number;
  /** Fewer bytes at the file's end, and at most 1 MiB in one call. */
  read(name: string, offset: number, length: number): Uint8Array;
  readAll(name: string): Uint8Array;
};

/** What the fleet file says about the device's group; `null` where it is only tried. */
export const fleet: {
  channels(): string[] | null;
  downlink(): string[] | null;
  /** Seconds from tick to tick. */
  interval(): number | null;
};
