/**
 * Values that change over time as a sensor's do: the same for the same seed as those of the
 * Rust and the Python SDK.
 */

export { Bucket, Normal, Walk } from "./chance.js";
export { Curve, Profile } from "./clock.js";
export { Generator, Kind } from "./kind.js";
export { Markov } from "./markov.js";
export { Rng } from "./rng.js";
