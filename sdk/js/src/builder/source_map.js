/** Finds the author's file and line of a place in a bundle, for the plugin and for the build. */

import { isAbsolute, relative, resolve } from "node:path";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The sources of each line of a bundle, for `stack.js`: `files`, and `lines` with a comma
 * between two lines. A line has parts `column:file:line`, with `|` between two. A part begins where
 * the file or the line changes, since a bundle joins lines.
 */
export function origins(map, sdk) {
  const { sources, mappings } = JSON.parse(map);
  let source = 0;
  let line = 0;
  const lines = mappings.split(";").map((text) => {
    const parts = [];
    let column = 0;
    let before = "";
    for (const segment of text.split(",").filter(Boolean)) {
      const fields = numbers(segment);
      column += fields[0];
      if (fields.length < 4) continue;
      source += fields[1];
      line += fields[2];
      const here = `${source}:${line + 1}`;
      if (here !== before) parts.push(`${column}:${here}`);
      before = here;
    }
    return parts.join("|");
  });
  const files = sources.map((file) => {
    const whole = resolve(process.cwd(), file);
    const inSdk = relative(sdk, whole);
    return inSdk.startsWith("..") || isAbsolute(inSdk) ? relative(process.cwd(), whole) : `mockfleet:${inSdk}`;
  });
  return { files, lines: lines.join(",") };
}

/** The file and line of a place in a bundle, both from one: `device.js:3`; `undefined` for none. */
export function place({ files, lines }, line, column) {
  const parts = (lines.split(",")[line - 1] ?? "").split("|").filter(Boolean);
  const found = parts.findLast((part) => Number(part.split(":")[0]) < column) ?? parts[0];
  if (found === undefined) return undefined;
  const [, file, at] = found.split(":");
  return `${files[Number(file)]}:${at}`;
}

/** The numbers of a segment, in base 64 with variable length. */
function numbers(segment) {
  const fields = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits < 32) {
      fields.push(value & 1 ? -(value >> 1) : value >> 1);
      value = shift = 0;
    }
  }
  return fields;
}
