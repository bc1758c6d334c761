/**
 * Describes errors by the author's files and lines. In a plugin, stacks have the places of the
 * bundle, and the build adds where these come from.
 */

/** The name of the bundle in stacks of QuickJS, and a place in it. */
const BUNDLE = "componentize-qjs:user.js";
const PLACE = /componentize-qjs:user\.js:(\d+)(?::(\d+))?/g;

/** `TypeError: x is not a function (device.js:14, in tick)`. */
export function describeError(error) {
  if (!(error instanceof Error)) return `it threw ${JSON.stringify(error) ?? String(error)}`;
  const said = `${error.name}: ${error.message}`.replaceAll("\n", ", ");
  const own = frames(error).find((frame) => !frame.inSdk);
  return own === undefined ? said : `${said} (${own.place}${own.call ? `, in ${own.call}` : ""})`;
}

/** The frames of one place that a stack shows one after the other. */
const MAX_SAME_FRAMES = 3;

/** The lines of a stack in the author's code, innermost first. */
export function ownStack(error) {
  const own = error instanceof Error ? frames(error).filter((frame) => !frame.inSdk) : [];
  const lines = own.map(({ place, call }) => `    at ${call ? `${call} (${place})` : place}`);
  return lines.filter((line, at) => at < MAX_SAME_FRAMES || lines.slice(at - MAX_SAME_FRAMES, at).some((one) => one !== line));
}

/**
 * The source files of a bundle, and the sources of its lines, from one: `column:file:line`, with `|`
 * between two; `null` without a bundle. The build stores them as a text, since only errors need them.
 */
function origins() {
  const given = globalThis.mockfleetOrigins;
  return given === undefined ? null : { files: given.files, lines: given.lines.split(",") };
}

/** The file and line of a place in a bundle; `["", 0]` for none. */
function originOf({ files, lines }, line, column) {
  const parts = (lines[line - 1] ?? "").split("|").map((part) => part.split(":").map(Number));
  // Columns of stacks begin with one.
  const [, file, at] = parts.findLast(([from]) => from < column) ?? parts[0];
  return files[file] === undefined ? ["", 0] : [files[file], at];
}

function frames(error) {
  const found = [];
  const origin = origins();
  // V8 and QuickJS: "    at call (file:14:5)"; SpiderMonkey: "call@file:14:5".
  for (const text of String(error.stack ?? "").split("\n")) {
    const frame =
      /^\s*at (?:(?:new )?(.*?) )?\(?([^()\s]+?):(\d+)(?::(\d+))?\)?$/.exec(text) ?? /^(.*?)@(.+?):(\d+)(?::(\d+))?$/.exec(text);
    if (frame === null) continue;
    const call = (frame[1] ?? "").split(".").pop().replaceAll(/[<>]/g, "");
    const [file, line] = origin === null ? [frame[2], Number(frame[3])] : originOf(origin, Number(frame[3]), Number(frame[4] ?? 1));
    const name = file.split("/").pop();
    // On Node the SDK is the folder of this file; in a bundle the build marks its files.
    const here = origin === null ? file.startsWith(sdkFolder()) || file.startsWith("node:") : file.startsWith("mockfleet:");
    found.push({ place: `${origin === null ? name : file}:${line}`, call, inSdk: here || file === "" });
  }
  return found;
}

/** A text in which the places in the bundle are those in the author's files. */
export function withSources(text) {
  const origin = text.includes(BUNDLE) ? origins() : null;
  if (origin === null) return text;
  return text.replaceAll(PLACE, (whole, line, column) => {
    const [file, at] = originOf(origin, Number(line), Number(column ?? 1));
    return file === "" ? whole : `${file}:${at}`;
  });
}

function sdkFolder() {
  return String(import.meta.url ?? "").replace(/[^/]*$/, "");
}
