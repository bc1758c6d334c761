/**
 * Stamps a component with the digest of its inputs. An engine keeps the state of a started
 * interpreter, with random numbers in it, so two builds of one source differ. The digest of the
 * inputs is the same.
 */

import { createHash } from "node:crypto";

import { number } from "./stack_limit.js";

/** The custom section with the digest, for all languages. */
const SECTION = "mockfleet-inputs";

const sha256 = (content) => createHash("sha256").update(content).digest("hex");

/**
 * The SHA-256 of a list as `sha256sum` prints it: the digest and the name of each part, by name.
 */
export function digest(parts) {
  const names = Object.keys(parts).sort();
  return sha256(names.map((name) => `${sha256(parts[name])}  ${name}\n`).join(""));
}

/** The component with one more custom section. */
export function stamp(component, inputs) {
  const name = Buffer.from(SECTION);
  const body = Buffer.concat([number(name.length), name, Buffer.from(inputs)]);
  return Buffer.concat([component, Buffer.from([0]), number(body.length), body]);
}
