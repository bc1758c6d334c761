/** Says why a device cannot be built, with the author's file and line. */

import { isBuiltin } from "node:module";
import { isAbsolute, join, relative } from "node:path";

/** A sentence for an error of esbuild; `undefined` if its own text is right. */
export function importProblem({ text, location }) {
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
  return undefined;
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
