/** Says why a device cannot be built, with the author's file and line. */

import { isBuiltin } from "node:module";
import { isAbsolute, join, relative, resolve } from "node:path";

/**
 * The lines for an error of esbuild: a sentence with the author's file and line, and the line itself
 * if it is wrong. `exported` has the names that the files of the SDK export.
 */
export function problemLines({ text, location, notes = [] }, exported = {}) {
  const said = importProblem({ text, location }, exported);
  if (said !== undefined) return [said];
  if (location === null) return [`the device: ${text}`];
  const others = notes.map((note) => note.location).filter((at) => at && (at.file !== location.file || at.line !== location.line));
  const see = others.length > 0 ? ` (see ${others[0].file}:${others[0].line})` : "";
  const lines = [`${location.file}:${location.line}:${location.column + 1}: SyntaxError: ${text}${see}`];
  return location.lineText.trim() ? [...lines, `    ${location.lineText.trim()}`] : lines;
}

/** A sentence for an import that cannot work; `undefined` for another error. */
function importProblem({ text, location }, exported) {
  const place = location === null ? "the device" : `${location.file}:${location.line}`;
  const name = /^Could not resolve "(.*)"$/.exec(text)?.[1];
  if (name !== undefined && isBuiltin(name)) {
    return `${place}: ${name} is a module of Node.js, which a plugin does not have; do without it`;
  }
  if (name?.startsWith(".") || (name !== undefined && isAbsolute(name))) return `${place}: there is no file ${name}`;
  if (name !== undefined) {
    const parts = name.split("/");
    const wanted = parts.slice(0, name.startsWith("@") ? 2 : 1).join("/");
    return `${place}: there is no package ${name}; \`npm install ${wanted}\` adds it to the project`;
  }
  if (/^No loader is configured for "\.node" files/.test(text)) {
    return `${place}: this imports native code, which does not run in a plugin; use a package in pure JavaScript, or do without it`;
  }
  const [, file, wanted] = /^No matching export in "(.*)" for import "(.*)"$/.exec(text) ?? [];
  if (file !== undefined) {
    const known = exported[resolve(file)];
    return known === undefined
      ? `${place}: ${file} exports no ${wanted}`
      : `${place}: the SDK exports no ${wanted} here; it has ${known.sort().join(", ")}`;
  }
  return undefined;
}

/**
 * A sentence for an error of an engine that ran the device's file for the first time; `undefined` if
 * it has no place. `place` finds the author's file and line.
 */
export function engineError(said, place) {
  const at = /user\.js:(\d+)(?::(\d+))?/.exec(said);
  const found = at === null ? undefined : place(Number(at[1]), Number(at[2] ?? 1));
  const [, why] = /((?:\w*Error|Exception): .*|\w+ is not defined.*)/.exec(said) ?? [];
  if (found === undefined || why === undefined) return undefined;
  // The last of several: the engine puts its own words before the error.
  const error = why.split(/: (?=\w*Error: )/).pop();
  return `${found}: ${error}; this fails inside the plugin only, and not natively`;
}

/**
 * The lines for an error of a device that was imported from `folder`. Its frames have paths of
 * the project, as if this was the project's folder.
 */
export function importError(error, file, folder, sdk) {
  if (!(error instanceof Error)) return [`${file}: it throws ${JSON.stringify(error) ?? String(error)} while it is imported`];
  const own = [];
  for (const line of String(error.stack ?? "").split("\n")) {
    const frame = /^\s*at (?:(.*?) \()?(?:file:\/\/)?(\/.*?):(\d+):\d+\)?$/.exec(line);
    if (frame === null || !frame[2].startsWith(folder)) continue;
    const path = relative(folder, frame[2]);
    if (join(process.cwd(), path).startsWith(sdk) || path.endsWith(".mjs")) continue;
    own.push({ place: `${path}:${frame[3]}`, call: (frame[1] ?? "").replace(/^<anonymous>$/, "") });
  }
  const said = `${error.name}: ${error.message}`;
  if (own.length === 0) return [`${file} is no device: ${error.message}`];
  const stack = own.map(({ place, call }) => `    at ${call ? `${call} (${place})` : place}`);
  return [`${own[0].place}: ${said}; this fails while the file is imported`, ...(own.length > 1 ? stack : [])];
}
