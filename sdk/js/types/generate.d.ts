/**
 * Generates values that change over time as a sensor's do: for the same seed the same as in the
 * Rust and the Python SDK. A specification checks itself when it is created, and throws
 * `InvalidConfig` with all its problems.
 */

import type { Device, Duration } from "./index.js";

/** A deterministic random number generator of 8 bytes of state. Not for secrets. */
export class Rng {
  constructor(seed: number | bigint);
  /** Derives another generator with numbers of its own, and does not change this one. */
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
  /** Makes the next value, at the time of the present tick or event. */
  next(): T;
}

/** A specification, shared by all devices that use it: create it once, outside of the class. */
export abstract class Specification<T> {
  /**
   * Starts the generator of one device. `name` is the name of its stream of random numbers: a
   * different one for each generator of a device.
   */
  of(device: Device<any>, name: string): Generator<T>;
}

/** A number around a mean: the bell curve. Values outside of `min` and `max` are set to them. */
export class Normal extends Specification<number> {
  constructor(spec: { mean: number; deviation: number; min?: number; max?: number; decimals?: number });
}

/** A random walk: each value is the one before plus a step, within bounds and pulled back to a mean. */
export class Walk extends Specification<number> {
  constructor(spec?: {
    /** The first value. Absent: `mean`, else the middle of `min` and `max`, else 0. */
    start?: number;
    /** The standard deviation of the first value between devices. */
    spread?: number;
    /** The standard deviation of one step. Default: 1. */
    step?: number;
    /** The value that the walk is pulled back to. */
    mean?: number;
    /** The share of the distance to `mean` that each step takes, 0 to 1. Default: 0.1. */
    pull?: number;
    /** The bounds at which the walk is reflected. */
    min?: number;
    max?: number;
    /** The time of one step. Absent: one step a value. */
    every?: Duration;
    decimals?: number;
  });
}

/** The interpolation between two points: a straight line, the value of the point before, or a smooth curve. */
export type Interpolation = "linear" | "step" | "smooth";

/** A curve through points: times, counted from the origin, and values. */
export class Curve extends Specification<number> {
  constructor(spec: {
    points: readonly (readonly [Duration, number])[];
    /** The period after which it repeats. */
    period?: Duration;
    interpolation?: Interpolation;
    /** The standard deviation of values from the curve. */
    jitter?: number;
    /** The largest time by which a device is ahead, drawn for each. */
    spread?: Duration;
    /** The origin of time: the device's start, its last change of status, or a fixed time. */
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

/** One of several values: at random, with or without weights, or in sequence. */
export class Bucket<const T> extends Specification<T> {
  constructor(spec: { values: readonly T[]; weights?: readonly number[]; order?: "random" | "sequence" });
}

/**
 * A Markov chain: states, and the probability that one leads to another. The remainder to 1 is the
 * probability to stay.
 */
export class Markov<T = string> extends Specification<T> {
  constructor(spec: {
    states: Readonly<Record<string, { value?: T; to?: Readonly<Record<string, number>> }>>;
    /** The first state. */
    start: string;
    /** Takes a step after each of these intervals. Absent: a step a value. */
    every?: Duration;
  });
}
