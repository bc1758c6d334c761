/** Draws random values: normal numbers, walks, buckets. */

import { power } from "./libm.js";
import { clamp, Specification, number } from "./generator.js";
import { above } from "./interpolation.js";
import { span, EXPECTED } from "./span.js";

/** A number around a mean: the bell curve. */
export class Normal extends Specification {
  constructor(given) {
    const defaults = { mean: undefined, deviation: undefined, min: undefined, max: undefined, decimals: undefined };
    super(defaults, given, function (check) {
      check.finite("mean", this.mean);
      check.notNegative("deviation", this.deviation);
      check.bounds(this.min, this.max);
      check.decimals(this.decimals);
    });
  }

  initialState(rng) {
    return rng;
  }

  value(rng) {
    return number(clamp(rng.normal(this.mean, this.deviation), this.min, this.max), this.decimals);
  }
}

/** A random walk. */
export class Walk extends Specification {
  constructor(given = {}) {
    const defaults = {
      start: undefined,
      spread: 0,
      step: 1,
      mean: undefined,
      pull: 0.1,
      min: undefined,
      max: undefined,
      every: undefined,
      decimals: undefined,
    };
    super(defaults, given, function (check) {
      check.notNegative("spread", this.spread);
      check.notNegative("step", this.step);
      check.share("pull", this.pull);
      check.bounds(this.min, this.max);
      for (const key of ["start", "mean"]) {
        const value = this[key];
        if (value !== undefined && check.finite(key, value)) {
          const inside = clamp(value, this.min, this.max) === value;
          check.expect(inside, key, `${value} lies outside of min and max`);
        }
      }
      if (this.every !== undefined) {
        this.length = span(this.every);
        check.expect(this.length > 0, "every", `${JSON.stringify(this.every)} is no time; ${EXPECTED}`);
      }
      check.decimals(this.decimals);
    });
  }

  #initialValue() {
    const { start, mean, min, max } = this;
    if (start !== undefined) return start;
    if (mean !== undefined) return mean;
    return min !== undefined && max !== undefined ? min + (max - min) / 2 : 0;
  }

  /** Reflects a value at the bounds. */
  #reflect(value) {
    const { min, max } = this;
    if (min !== undefined && value < min) value = min + (min - value);
    else if (max !== undefined && value > max) value = max - (value - max);
    // A step longer than the range ends at the bound.
    return clamp(value, min, max);
  }

  initialState(rng) {
    let value = this.#initialValue();
    if (this.spread > 0) value = this.#reflect(rng.normal(value, this.spread));
    return { rng, value, last: 0 };
  }

  value(state, context) {
    const first = state.last === 0;
    const passed = Math.max(0, context.now - state.last);
    state.last = context.now;
    if (first) return number(state.value, this.decimals);
    let { pull, step } = this;
    if (this.every !== undefined) {
      const steps = passed / this.length;
      pull = 1 - power(1 - this.pull, steps);
      step = this.step * Math.sqrt(steps);
    }
    let value = state.value;
    if (this.mean !== undefined) value += (this.mean - value) * pull;
    if (step > 0) value = state.rng.normal(value, step);
    state.value = this.#reflect(value);
    return number(state.value, this.decimals);
  }
}

/** The sum of the weights up to each one. */
export function cumulativeSums(weights) {
  let sum = 0;
  return weights.map((weight) => (sum += weight));
}

/** The index that a share of the whole, 0 to 1, falls to; never one with the weight 0. */
export function weightedIndex(upTo, share) {
  const whole = upTo[upTo.length - 1];
  // The product may be rounded up to the whole.
  const end = upTo.findIndex((sum) => sum >= whole);
  return Math.min(above(upTo, share * whole), end);
}

/** One of several values of any type: at random, with or without weights, or in sequence. */
export class Bucket extends Specification {
  constructor(given) {
    super({ values: [], weights: undefined, order: "random" }, given, function (check) {
      const { values, weights, order } = this;
      check.expect(values.length > 0, "values", "a bucket has one value at least");
      check.expect(
        ["random", "sequence"].includes(order),
        "order",
        `"${order}" is no order; there are "random" and "sequence"`,
      );
      if (weights === undefined) return;
      check.expect(
        weights.length === values.length,
        "weights",
        `each value has one weight: weights ${weights.length}, values ${values.length}`,
      );
      weights.forEach((weight, at) => check.notNegative(`weights.${at}`, weight));
      this.upTo = cumulativeSums(weights);
      check.expect(
        weights.length === 0 || this.upTo[weights.length - 1] > 0,
        "weights",
        "all are 0, so that no value ever comes; one at least is above",
      );
      check.expect(
        order === "random",
        "weights",
        "values in sequence come equally often; take the weights away, or the order",
      );
    });
  }

  initialState(rng) {
    return { rng, taken: 0 };
  }

  value(state) {
    if (this.order === "sequence") {
      const value = this.values[state.taken];
      state.taken = (state.taken + 1) % this.values.length;
      return value;
    }
    if (this.upTo === undefined) return state.rng.pick(this.values);
    return this.values[weightedIndex(this.upTo, state.rng.unit())];
  }
}
