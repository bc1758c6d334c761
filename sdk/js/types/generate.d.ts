/**
 * Values that change over time as a sensor's do: the same for the same seed as those of the
 * Rust and the Python SDK. A specification checks itself when it is made, and throws
 * `InvalidConfig` with all that is wrong.
 */

import type { Device, Duration } from "./index.js";

/** A deterministic random number generator of 8 bytes of state. Not for secrets. */
export class Rng {
  constructor(seed: number | bigint);
  /** Another generator, which gives numbers of its own for this name, and does not move this one. */
  stream(name: string): Rng;
  /** The next 64 random bits. */
  bits(): bigint;
  /** A number from 0 (included) to 1 (excluded), uniform. */
  unit(): number;
  /** A number from `low` (included) to `high` (excluded), uniform. */
  range(low: number, high: number): number;
  /** A whole number from 0 (included) to `end` (excluded), uniform. */
  below(end: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** A normally distributed number. */
  normal(mean: number, deviation: number): number;
  /** One of these, all equally likely. */
  pick<T>(choices: readonly T[]): T;
}

/** A specification with the state of one device. */
export class Generator<T> {
  constructor(spec: Specification<T>, rng: Rng, context: () => { now: number; born: number; statusSince: number });
  /** The value now: at the time of the tick or the event that is being handled. */
  next(): T;
}

/** A specification. Shared by all devices that use it: make it once, outside of the class. */
export abstract class Specification<T> {
  /**
   * The generator of one device. `name` is the name of its stream of random numbers: another
   * one for each generator of a device.
   */
  of(device: Device<any>, name: string): Generator<T>;
}

/** A number around a mean: the bell curve. What lies outside of `min` and `max` is set to them. */
export class Normal extends Specification<number> {
  constructor(spec: { mean: number; deviation: number; min?: number; max?: number; decimals?: number });
}

/** A random walk: each value is the one before and a step, kept within bounds and drawn back to a mean. */
export class Walk extends Specification<number> {
  constructor(spec?: {
    /** The first value. Absent: `mean`, else the middle of `min` and `max`, else 0. */
    start?: number;
    /** How far devices differ in their first value: its standard deviation. */
    spread?: number;
    /** The standard deviation of one step; 1. */
    step?: number;
    /** Where the walk is drawn back to. */
    mean?: number;
    /** Which share of the way to `mean` is taken with each step, 0 to 1; 0.1. */
    pull?: number;
    /** The walk turns back there. */
    min?: number;
    max?: number;
    /** The time that one step stands for. Absent: one step a value. */
    every?: Duration;
    decimals?: number;
  });
}

/** What lies between two points: a straight line, the value of the point before, or a smooth curve. */
export type Interpolation = "linear" | "step" | "smooth";

/** A curve through points: times, counted from the origin, and values. */
export class Curve extends Specification<number> {
  constructor(spec: {
    points: readonly (readonly [Duration, number])[];
    /** Begins again after this long. */
    period?: Duration;
    interpolation?: Interpolation;
    /** How far values stray from the curve: their standard deviation. */
    jitter?: number;
    /** Devices are ahead by up to this much, each by its own. */
    spread?: Duration;
    /** From when time counts: the device's construction, its last change of status, or a moment. */
    origin?: "born" | "status" | Date;
    decimals?: number;
  });
}

/** Points of a day: the time of day, `06:30` or `06:30:15`, and the value there. */
export type Day = readonly (readonly [string, number])[];

/** Values by the time of day, UTC: the same each day or by the day of the week. */
export class Profile extends Specification<number> {
  constructor(spec: {
    daily?: Day;
    weekly?: { mon?: Day; tue?: Day; wed?: Day; thu?: Day; fri?: Day; sat?: Day; sun?: Day };
    interpolation?: Interpolation;
    jitter?: number;
    decimals?: number;
  });
}

/** One of several values: by chance, with or without weights, or in turn. */
export class Bucket<const T> extends Specification<T> {
  constructor(spec: { values: readonly T[]; weights?: readonly number[]; order?: "random" | "sequence" });
}

/** A Markov chain: states, and how likely one leads to another; what is left to 1 is to stay. */
export class Markov<T = string> extends Specification<T> {
  constructor(spec: {
    states: Readonly<Record<string, { value?: T; to?: Readonly<Record<string, number>> }>>;
    /** The first state. */
    start: string;
    /** Takes a step after each of these lengths of time. Absent: a step a value. */
    every?: Duration;
  });
}
