/** Runs one device natively, on a clock of its own, without WebAssembly. */

import type { Device, Duration, Link, Message, Outcome, Settings } from "./index.js";

/** A class that derives from `Device`. */
export type DeviceClass<D extends Device<any>> = { new (): D; config: Settings; channels: readonly string[] };

/** The identity and the interval of a device. */
export interface Setup {
  id?: string;
  group?: string;
  index?: number;
  /** Default: 1. */
  seed?: number;
  /** The time at which it is switched on. */
  born?: Date;
  /** The time from then to its first tick on schedule. Default: 0. */
  phase?: Duration;
  /** The interval of the ticks. Default: 1 s. */
  every?: Duration;
}

/** One device on a clock of its own. */
export class Trial<D extends Device<any> = Device<any>> {
  constructor(device: DeviceClass<D>, config?: object, setup?: Setup);
  /** The messages that the device has sent. */
  readonly messages: { at: Date; message: Message }[];
  /** Every change of status with its time. */
  readonly statuses: { at: Date; status: string }[];
  /** Every connection change of the device with its time. */
  readonly links: { at: Date; link: Link }[];
  /** The reason why the device retired, once it has. */
  readonly retired: string | null;
  /** The device itself. */
  get device(): D;
  get now(): Date;
  /** The due time of the next tick. */
  get due(): Date;
  /** The last reported status. */
  get status(): string | null;
  /** The payloads that the device has sent on this channel, as JSON. */
  on(channel: string): any[];
  /** Moves the clock to the next tick and runs it. */
  tick(): this;
  /** Runs this many ticks; fewer when the device retires. */
  ticks(count: number): this;
  /** Moves the clock by this time, and runs every tick that is due before its end. */
  run(length: Duration): this;
  /** Sends the device a message, now: bytes as they are, anything else as JSON. */
  receive(channel: string, value: unknown): this;
  connected(): this;
  disconnected(reason?: string): this;
  settled(sequence: number, channel: string, outcome?: Outcome): this;
}

/** Switches a device on with settings as in the fleet file, and runs this many ticks. */
export function run<D extends Device<any>>(device: DeviceClass<D>, config?: object, setup?: Setup & { ticks?: number }): Trial<D>;

/** The JSON Schema of the settings, as the host gets it. */
export function schema(device: DeviceClass<Device<any>>): object;

/** Sets the context of the group of the next devices. */
export function groupContext(given?: {
  data?: Record<string, Uint8Array>;
  channels?: string[];
  downlink?: string[];
  interval?: number;
}): void;
