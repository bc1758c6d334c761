/** Write virtual IoT devices for mockfleet in JavaScript or TypeScript. */

import type { Rng } from "./generate.js";

/** A duration: seconds, or a text such as `"1h30m"`. */
export type Duration = number | string;

/** One kind of setting; its values are of the type `T`. */
export interface Setting<T> {
  readonly schema: object;
  /** For the compiler only. */
  readonly type?: T;
}

/** The options of every setting. Without a default it is required. */
export interface Options<T> {
  readonly default?: T;
  /** A sentence for the person who runs the fleet. */
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
/** A duration: `"1h30m"` in the fleet file, and a number of seconds here. */
export function duration(options: Optional): Setting<number | undefined>;
export function duration(options?: Options<number>): Setting<number>;
/** A list of values of one kind. */
export function list<T>(of: Setting<T>, options: Optional): Setting<T[] | undefined>;
export function list<T>(of: Setting<T>, options?: Options<T[]>): Setting<T[]>;
/** Values of one kind by names from the fleet file. */
export function table<T>(of: Setting<T>, options: Optional): Setting<Record<string, T> | undefined>;
export function table<T>(of: Setting<T>, options?: Options<Record<string, T>>): Setting<Record<string, T>>;
/** A group of settings under one key. */
export function group<S extends Settings>(settings: S, options: Optional): Setting<Values<S> | undefined>;
export function group<S extends Settings>(settings: S, options?: Options<Values<S>>): Setting<Values<S>>;

/** The settings of a device by their names; `moveChance` is the key `move-chance` in the fleet file. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** The values of settings. */
export type Values<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** The start of a device. */
export interface Start {
  /** The time at which the device is switched on, or its cell has restarted, to the millisecond. */
  readonly at: Date;
  /** The same in microseconds since 1970, UTC. */
  readonly micros: number;
  /** The time of its first tick on schedule, which may be the same; `null` if the schedule has none. */
  readonly firstTick: Date | null;
  /** The same in microseconds since 1970, UTC. */
  readonly firstTickMicros: number | null;
}

/** One scheduled call. */
export interface Tick {
  /** The time at which this tick was due, to the millisecond. A late call carries its due time, too. */
  readonly at: Date;
  /** The same in microseconds since 1970, UTC. */
  readonly micros: number;
  /** The number of ticks of this device before this one. */
  readonly sequence: number;
}

/** The outcome of a message; `sent`: it is on the wire, and the protocol has no confirmation. */
export type Outcome = "acked" | "sent" | "failed" | "dropped";

/** Something that happened to a device between ticks; `micros` is its time since 1970, UTC. */
export type Event = { readonly micros: number } & (
  | { readonly kind: "connected" }
  | { readonly kind: "disconnected"; readonly reason: string }
  | { readonly kind: "received"; readonly message: Message }
  | {
      readonly kind: "settled";
      /** The message's number among all messages of this device, from zero. */
      readonly sequence: number;
      readonly channel: string;
      readonly outcome: Outcome;
      /** Seconds from sending to confirmation. */
      readonly latency?: number;
      /** The protocol's own text, for example an HTTP status or a reason code. */
      readonly detail?: string;
    }
);

/** The connection change of a device, after the turn's messages. */
export type Link = "reconnect" | { readonly vanish: Duration };

/** The answer of a device to its start, a tick or an event. */
export interface Turn {
  /** The messages to send now, in this order. */
  readonly messages?: Message | Iterable<Message> | undefined;
  /** The device's status. Every turn may set it: only a change is reported. */
  readonly status?: string | undefined;
  /** The time until the next tick. The tick after it follows the fleet file again. */
  readonly nextTick?: Duration | undefined;
  readonly link?: Link | undefined;
}

/** The return values of `start`, `tick` and `handle`. A generator counts as several messages. */
export type Answer = Turn | Message | Iterable<Message> | undefined | void;

/** One message that a device sends or receives. */
export class Message {
  /** `payload`: bytes, or a text that is sent as UTF-8. */
  constructor(
    channel: string,
    payload: ArrayBufferView | ArrayBuffer | readonly number[] | string,
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
 * The same seed must give the same messages: take randomness from `this.random` and from
 * `mockfleet/generate`, and time from the calls. Keep nothing outside of the device, since
 * thousands of devices share one instance of the plugin.
 */
export abstract class Device<S extends Settings = {}> {
  /** Describes the device in one sentence. */
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
  /** The values of the settings, written under `config` in the fleet file. */
  readonly config: Values<S>;
  /** Unique in the fleet, for example `thermometer-00042`. */
  readonly id: string;
  /** The group of the fleet file that the device belongs to. */
  readonly group: string;
  /** Its position in the group, counted from zero. */
  readonly index: number;
  /** The seed of all its random numbers: the same seed gives the same messages. Above 2^53 it is rounded. */
  readonly seed: number;
  /** A random number generator with the device's seed. */
  readonly random: Rng;
  /** The time at which the device was switched on, to the millisecond. */
  get born(): Date;
  /** The due time of the tick, or the time of the start or the event, to the millisecond. */
  get now(): Date;
  /** Seconds since the device was switched on. */
  get age(): number;

  /** Runs a scheduled call. Returns messages, or a turn with a status or other actions. */
  abstract tick(tick: Tick): Answer;
  /**
   * Starts a device that is switched on, before its first tick and event. Returns the same as
   * `tick`. A `nextTick` here comes in place of the first tick on schedule, and the tick after it
   * follows from there. After a restart of its cell, the device is made and started again.
   */
  start(start: Start): Answer;
  /** Handles the events that `events` names. */
  handle(event: Event): Answer;
  /** A message on this channel with this value as JSON, or with its bytes. */
  message(channel: string, value: unknown, options?: { properties?: Readonly<Record<string, string>> }): Message;
  /** The device is done, for good. Nothing of this call is sent. */
  retire(why: string): never;
}

/** The settings cannot work: a sentence, or several by their keys. */
export class InvalidConfig extends Error {
  constructor(problems: string | Readonly<Record<string, string>>);
  readonly problems: Readonly<Record<string, string>>;
  within(key: string): InvalidConfig;
}

/** This call failed: nothing of it is sent, and the device stays on and is called again. */
export class Failed extends Error {
  constructor(why: string);
}

/** The device is done, for good; `device.retire(why)` throws it. */
export class Retired extends Error {
  constructor(why: string);
}

/** The data files of the device's group. The host holds each once: share results among devices. */
export const data: {
  size(name: string): number;
  /** Fewer bytes at the file's end, and at most 1 MiB in one call. */
  read(name: string, offset: number, length: number): Uint8Array;
  readAll(name: string): Uint8Array;
};

/** The settings of the device's group in the fleet file; `null` without a target, as in `mockfleet try`. */
export const fleet: {
  channels(): string[] | null;
  downlink(): string[] | null;
  /** The interval of the ticks in seconds. */
  interval(): number | null;
};
