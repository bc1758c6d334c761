/** Parses and writes durations: `500ms`, `10s`, `1h30m`. */

const UNITS = { d: 86_400_000_000, h: 3_600_000_000, m: 60_000_000, s: 1_000_000, ms: 1_000, us: 1, µs: 1 };

export const EXPECTED = 'a number with a unit is right, such as "500ms", "10s" or "1h30m" (us, ms, s, m, h, d)';

/** The microseconds of `1h30m`; `null` for a text that is no duration. */
export function parseSpan(text) {
  const piece = /\s*([0-9]+)(?:\.([0-9]*))?\s*(us|µs|ms|s|m|h|d)\s*/y;
  let total = 0;
  let place = 0;
  while (place < text.length) {
    piece.lastIndex = place;
    const found = piece.exec(text);
    if (found === null) return null;
    const [all, whole, fraction, unit] = found;
    const digits = (fraction ?? "").slice(0, 15);
    total += Number(whole) * UNITS[unit];
    if (digits) total += Number((BigInt(digits) * BigInt(UNITS[unit])) / 10n ** BigInt(digits.length));
    place += all.length;
  }
  return text.trim() === "" ? null : total;
}

/** Writes the largest units first: `1h30m`. */
export function writeSpan(micros) {
  if (micros === 0) return "0s";
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms", "us"]) {
    const count = Math.floor(micros / UNITS[unit]);
    micros -= count * UNITS[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** The microseconds of a text such as `1h30m` or of seconds; `null` for any other value. */
export function span(length) {
  if (typeof length === "string") return parseSpan(length);
  return typeof length === "number" && length >= 0 ? Math.round(length * 1_000_000) : null;
}
