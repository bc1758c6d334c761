/** Runs one device natively, on a clock of its own, without WebAssembly. */

import type { Device, Duration, Link, Message, Outcome, Settings } from "./index.js";

/** A class that derives from `Device`. */
export type DeviceClass<D extends Device<any>> = { new (): D; config: Settings; channels: readonly string[] };

/** Who the device is, and how often it ticks. */
export interface Setup {
  id?: string;
  group?: string;
  index?: number;
  /** 1 unless it is said. */
  seed?: number;
  /** When it is switched on; its first tick is due then. */
  born?: Date;
  /** From tick to tick; 1 s unless it is said. */
  every?: Duration;
}

/** One device on a clock of its own. */
export class Trial<D extends Device<any> = Device<any>> {
  constructor(device: DeviceClass<D>, config?: object, setup?: Setup);
  /** What the device has sent so far. */
  readonly messages: { at: Date; message: Message }[];
  /** Every change of status, and when it was. */
  readonly statuses: { at: Date; status: string }[];
  /** What the device did with its connection, and when. */
  readonly links: { at: Date; link: Link }[];
  /** Why the device retired, once it has. */
  readonly retired: string | null;
  /** The device itself. */
  get device(): D;
  get now(): Date;
  /** When the next tick is due. */
  get due(): Date;
  /** The status that the device last reported. */
  get status(): string | null;
  /** What the device has sent on this channel so far, read as JSON. */
  on(channel: string): any[];
  /** Moves the clock to the next tick that is due, and runs it. */
  tick(): this;
  /** Runs so many ticks; fewer when the device retires. */
  ticks(count: number): this;
  /** Moves the clock on, and runs every tick that is due before it gets there. */
  run(length: Duration): this;
  /** Sends the device a message, now: bytes as they are, anything else as JSON. */
  receive(channel: string, value: unknown): this;
  connected(): this;
  disconnected(reason?: string): this;
  settled(sequence: number, channel: string, outcome?: Outcome): this;
}

/** Switches a device on with settings as they stand in the fleet file, and runs so many ticks. */
export function run<D extends Device<any>>(device: DeviceClass<D>, config?: object, setup?: Setup & { ticks?: number }): Trial<D>;

/** The JSON Schema of the settings, as the host gets it. */
export function schema(device: DeviceClass<Device<any>>): object;

/** Says what the fleet file says about the group of the devices that follow. */
export function groupContext(given?: {
  data?: Record<string, Uint8Array>;
  channels?: string[];
  downlink?: string[];
  interval?: number;
}): void;
