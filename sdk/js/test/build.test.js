import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { digest, stamp } from "../src/builder/inputs.js";
import { importError, importProblem } from "../src/builder/messages.js";

const location = { file: "device.js", line: 3 };

test("an import that a plugin cannot have is one sentence", () => {
  const said = (text) => importProblem({ text, location });
  for (const name of ["fs", "node:fs", "fs/promises"]) {
    const problem = said(`Could not resolve "${name}"`);
    assert.equal(problem, `device.js:3: ${name} is a module of Node.js, which a plugin does not have; do without it`);
  }
  const add = "adds it to the project";
  assert.equal(said('Could not resolve "dayjs/utc.js"'), `device.js:3: there is no package dayjs/utc.js; \`npm install dayjs\` ${add}`);
  assert.equal(said('Could not resolve "@a/b/c"'), `device.js:3: there is no package @a/b/c; \`npm install @a/b\` ${add}`);
  assert.equal(said('Could not resolve "./gone.js"'), "device.js:3: there is no file ./gone.js");
  assert.match(said('No loader is configured for ".node" files: x.node'), /^device\.js:3: .* native code/);
  assert.equal(said('Expected ";" but found "x"'), undefined);
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
