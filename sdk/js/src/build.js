#!/usr/bin/env node
/**
 * Builds a plugin from a device: `mockfleet-build device.js -o door.wasm`. esbuild bundles the
 * device (JavaScript or TypeScript), its imports, and the SDK. componentize-qjs makes a component
 * with QuickJS from the bundle, or componentize-js one with StarlingMonkey.
 */

import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync, mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { digest, stamp } from "./builder/inputs.js";
import { engineError, importError, problemLines } from "./builder/messages.js";
import { origins, place } from "./builder/source_map.js";
import { AFFECTED, limitStack } from "./builder/stack_limit.js";

const SDK = dirname(fileURLToPath(import.meta.url));

const ENGINES = {
  quickjs: { package: "componentize-qjs", pinned: "componentize-qjs@0.4.5" },
  starlingmonkey: {
    package: "@bytecodealliance/componentize-js",
    // The package lacks a dependency, and its peer dependencies contradict each other.
    pinned: "--legacy-peer-deps @bytecodealliance/componentize-js@0.23.0 @bytecodealliance/preview2-shim@0.26.0",
  },
};

const USAGE = `Usage: mockfleet-build FILE [-o PLUGIN.wasm] [--engine quickjs|starlingmonkey] [--name NAME] [--version VERSION]

Name and version are those of plugin.toml unless they are given here.`;

function fail(text) {
  console.error(`mockfleet-build: ${text}`);
  process.exit(1);
}

/** Loads a package of the project, or one that was installed with the SDK. */
async function load(name, pinned) {
  for (const from of [join(process.cwd(), "package.json"), fileURLToPath(import.meta.url)]) {
    try {
      return await import(pathToFileURL(createRequire(from).resolve(name)));
    } catch (error) {
      if (!["MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"].includes(error.code)) throw error;
      const folder = join(dirname(from), "node_modules", name);
      if (existsSync(folder)) return import(pathToFileURL(join(folder, entry(folder))));
    }
  }
  return fail(`the package ${name} is missing; \`npm install --save-dev ${pinned}\` installs it`);
}

/** The name and version of an engine's package, as it is installed. */
function engineVersion(engine) {
  const name = ENGINES[engine].package;
  const places = [process.cwd(), SDK].flatMap((folder) => [folder, dirname(folder), dirname(dirname(folder))]);
  const file = places.map((folder) => join(folder, "node_modules", name, "package.json")).find(existsSync);
  return file === undefined ? name : `${name} ${JSON.parse(readFileSync(file, "utf8")).version}`;
}

/** The entry file of a package that only has one for \`import\`. */
function entry(folder) {
  const { exports, main } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const root = exports?.["."] ?? exports;
  return root?.import?.default ?? root?.import ?? root?.default ?? main ?? "index.js";
}

/** The name and version in the plugin.toml of the device's folder or one above it. */
function nameAndVersion(folder) {
  for (let above = 0; above < 3; above += 1, folder = dirname(folder)) {
    const file = join(folder, "plugin.toml");
    if (!existsSync(file)) continue;
    const text = readFileSync(file, "utf8");
    const key = (name) => new RegExp(`^${name}\\s*=\\s*["']([^"']*)["']`, "m").exec(text)?.[1];
    return { name: key("name") ?? "device", version: key("version") ?? "0.0.0" };
  }
  return { name: "device", version: "0.0.0" };
}

/** Objects of Node.js that a plugin does not have. */
const ABSENT = { process: "undefined", Buffer: "undefined", global: "undefined", "process.env.NODE_ENV": '"production"' };

/** The modules of the SDK, by the name of their import. */
const MODULES = { mockfleet: "index.js", "mockfleet/generate": "generate/index.js", "mockfleet/testing": "testing.js" };

/** The options of all bundles, with the places of the device and the SDK. */
function bundling(file) {
  const sdk = (name) => ({ path: join(SDK, name) });
  return {
    bundle: true,
    write: false,
    format: "esm",
    target: "es2023",
    // The APIs of Node and of browsers do not exist in a plugin.
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["import", "default"],
    // The check runs on Node.js, which has these.
    define: ABSENT,
    outdir: process.cwd(),
    entryNames: "plugin",
    sourcemap: "external",
    logLevel: "silent",
    plugins: [
      {
        name: "mockfleet",
        setup(build) {
          build.onResolve({ filter: /^mockfleet:device-module$/ }, () => ({ path: file }));
          build.onResolve({ filter: /^(mockfleet:device|wasi:cli)\// }, ({ path }) => ({ path, external: true }));
          build.onResolve({ filter: /^mockfleet(\/|$)/ }, ({ path }) => (path in MODULES ? sdk(MODULES[path]) : undefined));
        },
      },
    ],
  };
}

async function bundle(esbuild, file, options) {
  try {
    return await esbuild.build({ ...bundling(file), ...options });
  } catch (error) {
    if (!Array.isArray(error.errors)) throw error;
    const exported = {};
    for (const name of Object.values(MODULES)) {
      exported[join(SDK, name)] = Object.keys(await import(pathToFileURL(join(SDK, name))));
    }
    const lines = error.errors.flatMap((problem) => problemLines(problem, exported));
    process.stderr.write(`${lines.join("\n")}\n`);
    return process.exit(1);
  }
}

/** Imports the device natively and checks it. Returns whether it is one. */
async function check(esbuild, file) {
  const contents = `
    import * as module from "mockfleet:device-module";
    import { checkDevice, findDevice } from ${JSON.stringify(join(SDK, "device_slot.js"))};
    checkDevice(findDevice(module));`;
  const { outputFiles } = await bundle(esbuild, file, {
    stdin: { contents, resolveDir: SDK, sourcefile: "check.js" },
    sourcemap: "inline",
  });
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "mockfleet-"));
  const copy = join(folder, "check.mjs");
  try {
    writeFileSync(copy, outputFiles[0].contents);
    process.setSourceMapsEnabled(true);
    await import(pathToFileURL(copy));
  } catch (error) {
    console.error(importError(error, relative(process.cwd(), file), folder, SDK).join("\n"));
    process.exitCode = 1;
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
  return true;
}

/** Compiles the bundle with the chosen engine. */
async function componentize(engine, source) {
  const wit = join(SDK, "..", "wit");
  const tool = await load(ENGINES[engine].package, ENGINES[engine].pinned);
  if (engine === "quickjs") {
    // Without the asynchronous ABI, which calls of a device do not use.
    const options = { witPath: wit, jsSource: source, world: "plugin", optSize: true, sync: true };
    const { component } = await (tool.componentize ?? tool.default.componentize)(options);
    return engineVersion(engine) === AFFECTED ? limitStack(component) : component;
  }
  const options = { witPath: join(wit, "deps", "device.wit"), worldName: "plugin", disableFeatures: ["http", "fetch-event"] };
  return (await tool.componentize(source, options)).component;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      output: { type: "string", short: "o" },
      engine: { type: "string", default: "quickjs" },
      name: { type: "string" },
      version: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help || positionals.length !== 1) {
    console.error(USAGE);
    process.exit(values.help ? 0 : 1);
  }
  if (!(values.engine in ENGINES)) fail(`there is no engine ${values.engine}; there are quickjs and starlingmonkey`);
  const file = resolve(positionals[0]);
  if (!existsSync(file)) fail(`there is no file ${positionals[0]}`);
  const stamped = nameAndVersion(dirname(file));
  const name = values.name ?? stamped.name;
  const version = values.version ?? stamped.version;
  const esbuild = await load("esbuild", "esbuild@0.28.2");
  if (!(await check(esbuild, file))) return;
  const { outputFiles } = await bundle(esbuild, file, {
    stdin: {
      // StarlingMonkey has a console.
      contents: `${values.engine === "quickjs" ? 'import "./console.js";' : ""} export * from "./wit_export.js";`,
      resolveDir: SDK,
      sourcefile: join(SDK, "plugin.js"),
    },
    define: {
      ...ABSENT,
      MOCKFLEET_NAME: JSON.stringify(name),
      MOCKFLEET_VERSION: JSON.stringify(version),
      MOCKFLEET_BIGINT: String(values.engine === "starlingmonkey"),
    },
  });
  const map = outputFiles.find((output) => output.path.endsWith(".map"));
  const code = outputFiles.find((output) => output.path.endsWith(".js"));
  const lines = origins(map.text, SDK);
  const source = `${code.text}globalThis.mockfleetOrigins = ${JSON.stringify(lines)};\n`;
  const wit = join(SDK, "..", "wit", "deps", "device.wit");
  const inputs = digest({ "plugin.js": source, "device.wit": readFileSync(wit), engine: engineVersion(values.engine) });
  let component;
  try {
    component = stamp(await componentize(values.engine, source), inputs);
  } catch (error) {
    const said = engineError(String(error?.message ?? error), (line, column) => place(lines, line, column));
    if (said === undefined) {
      console.error(error?.message ?? error);
      fail(`${ENGINES[values.engine].package} could not make a component of it; what it said stands above`);
    }
    console.error(said);
    process.exit(1);
  }
  const output = resolve(values.output ?? `${name}.wasm`);
  mkdirSync(dirname(output), { recursive: true });
  // A reader of the old plugin sees a complete file.
  writeFileSync(`${output}.part`, component);
  renameSync(`${output}.part`, output);
}

await main();
