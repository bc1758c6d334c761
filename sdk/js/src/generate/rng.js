/**
 * Generates the random numbers of devices: the same as those of the Rust SDK, bit for bit. 64 bits
 * are two halves of 32, which is several times faster than a BigInt.
 */

import { log } from "./libm.js";

/** The high half of the last product and sum; the low one is returned. */
let carry = 0;

/** The low 64 bits of a product. */
function multiply(aHigh, aLow, bHigh, bLow) {
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >>> 16);
  const other = a0 * b1 + (middle & 0xffff);
  // Both sums stay below 2^53.
  const top = a1 * b1 + Math.floor(middle / 65536) + Math.floor(other / 65536);
  carry = (top + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0;
  return (((other & 0xffff) << 16) | (low & 0xffff)) | 0;
}

/** The output function of SplitMix64: spreads any difference over all 64 bits. */
function mix(high, low) {
  let l = low ^ ((low >>> 30) | (high << 2));
  let h = high ^ (high >>> 30);
  l = multiply(h, l, 0xbf58476d, 0x1ce4e5b9);
  h = carry;
  const l2 = l ^ ((l >>> 27) | (h << 5));
  const h2 = h ^ (h >>> 27);
  l = multiply(h2, l2, 0x94d049bb, 0x133111eb);
  h = carry;
  carry = h ^ (h >>> 31);
  return l ^ ((l >>> 31) | (h << 1));
}

/** Advances the state. Returns the low half of the next 64 bits; the high one is the carry. */
function next(rng) {
  const low = (rng.low >>> 0) + 0x7f4a7c15;
  rng.high = (rng.high + 0x9e3779b9 + (low > 0xffffffff ? 1 : 0)) | 0;
  rng.low = low | 0;
  return mix(rng.high, rng.low);
}

/** Encodes a text in UTF-8. QuickJS has no TextEncoder. */
export function utf8(text) {
  const bytes = [];
  for (const character of text) {
    const code = character.codePointAt(0);
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) {
      // A lone surrogate is no character.
      const whole = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
      bytes.push(0xe0 | (whole >> 12), 0x80 | ((whole >> 6) & 63), 0x80 | (whole & 63));
    } else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
  }
  return Uint8Array.from(bytes);
}

/**
 * A deterministic random number generator of 8 bytes of state (SplitMix64: Steele, Lea and
 * Flood 2014). Not for secrets.
 */
export class Rng {
  /** A generator with this seed: a number, or a BigInt of 64 bits. */
  constructor(seed) {
    const whole = BigInt.asUintN(64, BigInt(seed));
    // Mixed, so that neighbouring seeds start far apart on the generator's cycle.
    this.low = mix(Number(whole >> 32n) ^ 0x6d6f636b, Number(whole & 0xffffffffn) ^ 0x666c6565);
    this.high = carry;
  }

  /** Derives another generator with numbers of its own, and does not change this one. */
  stream(name) {
    let high = 0xcbf29ce4;
    let low = 0x84222325;
    for (const byte of utf8(name)) {
      low = multiply(high, low ^ byte, 0x00000100, 0x000001b3);
      high = carry;
    }
    const hashed = mix(high, low);
    const stream = Object.create(Rng.prototype);
    stream.low = mix(this.high ^ carry, this.low ^ hashed);
    stream.high = carry;
    return stream;
  }

  /** The next 64 random bits, a BigInt. */
  bits() {
    const low = next(this);
    return (BigInt(carry >>> 0) << 32n) | BigInt(low >>> 0);
  }

  /** A number from 0 (included) to 1 (excluded), uniform. */
  unit() {
    const low = next(this);
    return ((carry >>> 0) * 2097152 + (low >>> 11)) * (1 / 9007199254740992);
  }

  /** A number from `low` (included) to `high` (excluded), uniform. */
  range(low, high) {
    return low + (high - low) * this.unit();
  }

  /** A whole number from 0 (included) to `end` (excluded), uniform; 0 if `end` is 0. */
  below(end) {
    return Number((this.bits() * BigInt(end)) >> 64n);
  }

  /** True with this probability. */
  chance(probability) {
    return this.unit() < probability;
  }

  /** A normally distributed number (Marsaglia's polar method). */
  normal(mean, deviation) {
    for (;;) {
      const x = this.range(-1, 1);
      const y = this.range(-1, 1);
      const square = x * x + y * y;
      if (square > 0 && square < 1) {
        return mean + deviation * x * Math.sqrt((-2 * log(square)) / square);
      }
    }
  }

  /** One of these, all equally likely. */
  pick(choices) {
    return choices[this.below(choices.length)];
  }
}
