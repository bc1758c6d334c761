/** Walks through a Markov chain: the next state depends on the present one. */

import { cumulativeSums, weightedIndex } from "./random_values.js";
import { Specification } from "./generator.js";
import { span, EXPECTED } from "./span.js";

/** Steps at most between two values of a chain with `every`. */
const MAX_STEPS_PER_VALUE = 10_000;

/** States, and the probability that one leads to another. */
export class Markov extends Specification {
  constructor(given) {
    super({ states: {}, start: undefined, every: undefined }, given, function (check) {
      const known = Object.keys(this.states).sort().join(", ");
      const find = (key, name) =>
        check.expect(
          Object.hasOwn(this.states, name),
          key,
          `no state is called ${JSON.stringify(name)}; there are ${known}`,
        );
      find("start", this.start);
      if (this.every !== undefined) {
        this.length = span(this.every);
        check.expect(this.length > 0, "every", `${JSON.stringify(this.every)} is no time; ${EXPECTED}`);
      }
      this.links = new Map();
      for (const [name, state] of Object.entries(this.states)) {
        const key = `states.${name}.to`;
        // Sorted by name, so that all languages have the same order.
        const others = Object.keys(state.to ?? {}).sort();
        for (const other of others) {
          find(key, other);
          check.share(`${key}.${other}`, state.to[other], "probability");
        }
        const total = others.reduce((sum, other) => sum + state.to[other], 0);
        check.expect(total <= 1 + 1e-9, key, `the probabilities add up to ${total}; at most 1 is right`);
        const weights = [...others.map((other) => state.to[other]), Math.max(0, 1 - total)];
        this.links.set(name, [cumulativeSums(weights), [...others, name]]);
      }
    });
  }

  initialState(rng) {
    return { rng, state: this.start, stepped: 0 };
  }

  value(state, context) {
    let steps = 1;
    if (this.every === undefined) {
      if (state.stepped === 0) steps = 0;
      state.stepped = context.now;
    } else {
      const since = Math.max(state.stepped, context.born);
      steps = Math.floor(Math.max(0, context.now - since) / this.length);
      state.stepped = since + steps * this.length;
      steps = Math.min(steps, MAX_STEPS_PER_VALUE);
    }
    for (let step = 0; step < steps; step += 1) {
      const [upTo, following] = this.links.get(state.state);
      state.state = following[weightedIndex(upTo, state.rng.unit())];
    }
    const here = this.states[state.state];
    return here.value === undefined ? state.state : here.value;
  }
}
