/**
 * Defines the base of every generator: a specification that is checked once, and a small state of
 * each device.
 */

import { Failed, InvalidConfig } from "../errors.js";
import { roundAway } from "./libm.js";
import { Rng } from "./rng.js";

/** A specification with the state of one device. */
export class Generator {
  #spec;
  #context;
  #state;

  constructor(spec, rng, context) {
    this.#spec = spec;
    this.#context = context;
    this.#state = spec.initialState(rng);
  }

  /** Makes the next value, at the time of the present tick or event. */
  next() {
    return this.#spec.value(this.#state, this.#context());
  }
}

/** A specification, shared by all devices that use it: create it once, outside of the class. */
export class Specification {
  /** Takes the given keys over the defaults, and rejects others. */
  constructor(defaults, given, check) {
    const checked = new Check();
    for (const key of Object.keys(given)) {
      const there = Object.keys(defaults).join(", ");
      checked.expect(key in defaults, key, `there is no such key; there are ${there}`);
    }
    Object.assign(this, defaults, given);
    check.call(this, checked);
    checked.end();
  }

  /**
   * Starts the generator of one device. `name` is the name of its stream of random numbers: a
   * different one for each generator of a device.
   */
  of(device, name) {
    return new Generator(this, new Rng(device.seed).stream(name), () => device.generatorContext());
  }
}

/** Rounds a number to these decimals; with 0 it becomes an integer. */
export function number(value, decimals) {
  if (!Number.isFinite(value)) {
    throw new Failed(`the value became ${value}, which JSON cannot say; keep it in bounds`);
  }
  if (decimals === undefined) return value;
  const scale = 10 ** decimals;
  const scaled = value * scale;
  return Math.abs(scaled) < 9007199254740992 ? roundAway(scaled) / scale : value;
}

/** The value, or the bound that it passes. */
export function clamp(value, min, max) {
  if (min !== undefined && value < min) return min;
  if (max !== undefined && value > max) return max;
  return value;
}

/** The problems of a specification. */
export class Check {
  problems = {};

  /** Reports a problem unless `right`. Returns `right`. */
  expect(right, key, text) {
    if (!right && !(key in this.problems)) this.problems[key] = text;
    return right;
  }

  finite(key, value) {
    return this.expect(Number.isFinite(value), key, `${value} is no number to work with; a finite one is`);
  }

  notNegative(key, value) {
    return this.finite(key, value) && this.expect(value >= 0, key, `${value} is below zero; 0 and more is right`);
  }

  share(key, value, what = "share") {
    this.expect(value >= 0 && value <= 1, key, `${value} is no ${what}; it lies between 0 and 1`);
  }

  bounds(min, max) {
    const low = min === undefined || this.finite("min", min);
    const high = max === undefined || this.finite("max", max);
    if (low && high && min !== undefined && max !== undefined) {
      this.expect(min <= max, "min", `${min} lies above max, ${max}; the lower one is min`);
    }
  }

  decimals(decimals) {
    const right = decimals === undefined || (Number.isInteger(decimals) && decimals >= 0 && decimals <= 15);
    this.expect(right, "decimals", `${decimals} decimals are not what a number has; 0 to 15 are right`);
  }

  /** Throws the reported problems. */
  end() {
    if (Object.keys(this.problems).length > 0) throw new InvalidConfig(this.problems);
  }
}
