/** Converts values to payloads: bytes as they are, and anything else as JSON. */

/** Whether a message is written: only then, values without a JSON form are refused. */
let writes = false;

/**
 * Objects that JSON would write as if they were empty, or with numbers as keys. A check of each
 * value would take longer than the writing; a `toJSON` takes no time for other values.
 */
const NO_FORM = {
  "send bytes alone, as the value of this.message(channel, bytes), or as Array.from(bytes)": [ArrayBuffer, DataView],
  "Array.from(…) makes a list of it": [Object.getPrototypeOf(Uint8Array), Set],
  "Object.fromEntries(…) makes an object of it": [Map],
};

for (const [wayOut, kinds] of Object.entries(NO_FORM)) {
  for (const { prototype } of kinds) {
    if (Object.hasOwn(prototype, "toJSON")) continue;
    const value = function toJSON(key) {
      if (!writes) return this;
      throw new TypeError(`${key === "" ? "it" : key} is ${named(this)}, which has no JSON form; ${wayOut}`);
    };
    Object.defineProperty(prototype, "toJSON", { value, writable: true, configurable: true });
  }
}

/** A value as JSON. Throws for a value that JSON has no form for. */
export function toJson(value) {
  writes = true;
  try {
    return JSON.stringify(value);
  } finally {
    writes = false;
  }
}

/** The bytes of a value that is bytes; else `null`. */
export function bytesOf(value) {
  if (typeof value !== "object" || value === null) return null;
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value instanceof Uint8ClampedArray || value instanceof DataView) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return null;
}

/** `a number`, `an Uint8Array`, `undefined`: what a value is, for a sentence. */
export function named(value) {
  if (value === undefined || value === null) return String(value);
  const kind = typeof value;
  const name = kind === "object" ? (value.constructor?.name ?? "object") : kind;
  const shown = name === "Object" || name === "Array" ? name.toLowerCase() : name;
  return `${/^[aeio]/i.test(shown) ? "an" : "a"} ${shown}`;
}
