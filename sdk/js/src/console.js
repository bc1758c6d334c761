/** Defines `console` for QuickJS, which has none: log lines on standard output and standard error. */

import * as stderr from "wasi:cli/stderr@0.2.0";
import * as stdout from "wasi:cli/stdout@0.2.0";

import { utf8 } from "./generate/rng.js";
import { ownStack, withSources } from "./stack.js";

/** The largest write of WASI, in bytes. */
const MAX_WRITE_BYTES = 4096;

function shown(value) {
  if (typeof value === "string") return withSources(value);
  if (value instanceof Error) return [`${value.name}: ${value.message}`, ...ownStack(value)].join("\n");
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function printer(open) {
  let stream = null;
  return (...values) => {
    stream ??= open();
    const bytes = utf8(`${values.map(shown).join(" ")}\n`);
    for (let at = 0; at < bytes.length; at += MAX_WRITE_BYTES) {
      stream.blockingWriteAndFlush(bytes.slice(at, at + MAX_WRITE_BYTES));
    }
  };
}

const say = printer(() => stdout.getStdout());
const warn = printer(() => stderr.getStderr());

globalThis.console ??= { log: say, info: say, debug: say, warn, error: warn };
