/**
 * Generates values that change over time as a sensor's do: for the same seed the same as in the
 * Rust and the Python SDK.
 */

export { Bucket, Normal, Walk } from "./random_values.js";
export { Curve, Profile } from "./time_values.js";
export { Generator, Specification } from "./generator.js";
export { Markov } from "./markov.js";
export { Rng } from "./rng.js";
