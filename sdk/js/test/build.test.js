import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { test } from "node:test";

import { digest, stamp } from "../src/builder/inputs.js";
import { engineError, importError, problemLines } from "../src/builder/messages.js";
import { limitStack, number } from "../src/builder/stack_limit.js";
import { origins, place } from "../src/builder/source_map.js";

const location = { file: "device.js", line: 3, column: 14, lineText: "  const z = {a: 1;" };

test("an import that a plugin cannot have is one sentence", () => {
  const said = (text) => problemLines({ text, location }).join("\n");
  for (const name of ["fs", "node:fs", "fs/promises"]) {
    const problem = said(`Could not resolve "${name}"`);
    assert.equal(problem, `device.js:3: ${name} is a module of Node.js, which a plugin does not have; do without it`);
  }
  const add = "adds it to the project";
  assert.equal(said('Could not resolve "dayjs/utc.js"'), `device.js:3: there is no package dayjs/utc.js; \`npm install dayjs\` ${add}`);
  assert.equal(said('Could not resolve "@a/b/c"'), `device.js:3: there is no package @a/b/c; \`npm install @a/b\` ${add}`);
  assert.equal(said('Could not resolve "./gone.js"'), "device.js:3: there is no file ./gone.js");
  assert.match(said('No loader is configured for ".node" files: x.node'), /^device\.js:3: .* native code/);
});

test("a syntax error is a sentence with file, line and column", () => {
  const said = (problem) => problemLines({ text: 'Expected "}" but found ";"', location, ...problem });
  const lines = ['device.js:3:15: SyntaxError: Expected "}" but found ";"', "    const z = {a: 1;"];
  assert.deepEqual(said({}), lines);
  const note = { text: "here", location: { ...location, line: 1 } };
  assert.equal(said({ notes: [note] })[0], `${lines[0]} (see device.js:1)`);
  assert.deepEqual(said({ location: null }), ['the device: Expected "}" but found ";"']);
});

test("a name that is not exported is said with those that are", () => {
  const text = 'No matching export in "sdk/index.js" for import "string"';
  const exported = { [resolve("sdk/index.js")]: ["text", "Device"] };
  const said = problemLines({ text, location }, exported);
  assert.deepEqual(said, ["device.js:3: the SDK exports no string here; it has Device, text"]);
  assert.deepEqual(problemLines({ text, location }), ["device.js:3: sdk/index.js exports no string"]);
});

test("an error of the engine has the place in the author's file", () => {
  const said = `: Failed to evaluate user JavaScript module: Failed to finish JavaScript module evaluation: Error: Intl is not defined
    at <anonymous> (componentize-qjs:user.js:489:13)
`;
  const sentence = "device.js:489: Error: Intl is not defined; this fails inside the plugin only, and not natively";
  assert.equal(engineError(said, (line) => `device.js:${line}`), sentence);
  assert.equal(engineError("no place", () => "x"), undefined);
});

test("the runtime of QuickJS gets a limit of its stack", () => {
  const words = (...values) => Buffer.from(Uint32Array.from(values).buffer);
  const section = (kind, body) => Buffer.concat([Buffer.from([kind]), number(body.length), body]);
  const binary = (...sections) => Buffer.concat([Buffer.from("\0asm....", "latin1"), ...sections]);
  const segment = (bytes) => Buffer.concat([Buffer.from([0, 0x41, 0x80, 0x80, 0xc0, 0x00, 0x0b, bytes.length]), bytes]);
  const data = (...segments) => section(11, Buffer.concat([number(segments.length), ...segments]));
  // Beside the runtime is a number that is near to the top of the stack by chance.
  const runtime = segment(words(0, 0xffff0, 7, 0, 4, 0, 0xffe60, 0, 0, 4));
  const limit = Buffer.concat([Buffer.from([0, 0x41, 0x9c, 0x80, 0xc0, 0x00, 0x0b, 4]), words(0x100000 - 0x20000)]);
  const other = section(1, binary(section(10, Buffer.from("code"))));
  const component = (module) => binary(other, section(4, binary(section(1, module), section(7, Buffer.from("type")))));
  const limited = limitStack(component(binary(data(runtime))));
  assert.deepEqual(limited, component(binary(data(runtime, limit))));
  assert.throws(() => limitStack(component(binary(data(segment(words(1, 2)))))), /^Error: 0 modules have the memory of QuickJS/);
});

test("a line that the bundle joins has its place by its column", () => {
  // The mappings of `a();\n\nb(\n  c);` in one line, and of another file.
  const map = JSON.stringify({ sources: ["device.js", "other.js"], mappings: "AAAA,IAEA,EACE;;ACAF" });
  const found = origins(map, "/sdk");
  assert.deepEqual(found, { files: ["device.js", "other.js"], lines: "0:0:1|4:0:3|6:0:4,,0:1:4" });
  const at = (line, column) => place(found, line, column);
  assert.deepEqual([at(1, 1), at(1, 5), at(1, 7), at(1, 99)], ["device.js:1", "device.js:3", "device.js:4", "device.js:4"]);
  assert.deepEqual([at(3, 1), at(2, 1), at(9, 1)], ["other.js:4", undefined, undefined]);
});

test("an error at import has the author's file and line", () => {
  const error = new RangeError("no");
  error.stack = `RangeError: no
    at <anonymous> (/tmp/m-1/device.js:7:3)
    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)
    at check (file:///sdk/src/build.js:126:5)`;
  const lines = importError(error, "device.js", "/tmp/m-1", "/sdk/src");
  assert.deepEqual(lines, ["device.js:7: RangeError: no; this fails while the file is imported"]);
  error.stack = "RangeError: no";
  assert.deepEqual(importError(error, "device.js", "/tmp/m-1", "/sdk/src"), ["device.js is no device: no"]);
});

test("the digest is that of a list of sha256sum", () => {
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  const list = `${sha256("1")}  a.js\n${sha256("2")}  b.js\n`;
  assert.equal(digest({ "b.js": "2", "a.js": "1" }), sha256(list));
  const stamped = stamp(Buffer.from("component"), "ab");
  assert.equal(stamped.toString("latin1"), "component\0\x13\x10mockfleet-inputsab");
});
