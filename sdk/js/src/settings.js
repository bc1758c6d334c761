/**
 * Reads the settings of a device and describes them as a JSON Schema. A setting `moveChance` is the
 * key `move-chance` in the fleet file.
 */

import { InvalidConfig } from "./errors.js";
import { parseSpan, EXPECTED, writeSpan } from "./generate/span.js";

/** Marks a value that could not be read. */
const INVALID = Symbol("wrong");

/** One kind of setting: its schema, and a function that reads its value. */
class Setting {
  constructor(schema, read, options = {}) {
    const { default: standard, description, optional = false, ...others } = options;
    const unknown = Object.keys(others);
    if (unknown.length > 0) throw new TypeError(`there is no option ${unknown.join(", ")} of this setting`);
    this.schema = description === undefined ? schema : { ...schema, description };
    this.read = read;
    this.standard = standard;
    this.required = standard === undefined && !optional;
  }
}

/** A number. */
export function number({ min, max, ...options } = {}) {
  return new Setting(bounds("number", min, max), numeric("number", Number.isFinite, min, max), options);
}

/** A whole number. */
export function integer({ min, max, ...options } = {}) {
  return new Setting(bounds("integer", min, max), numeric("whole number", Number.isInteger, min, max), options);
}

function bounds(type, minimum, maximum) {
  return { type, ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }) };
}

function numeric(what, right, min, max) {
  return (value, wrong) => {
    if (typeof value !== "number" || !right(value)) return wrong(`${shown(value)} is no ${what}`);
    if (value < min) return wrong(`${value} is less than ${min}, the least there may be`);
    if (value > max) return wrong(`${value} is more than ${max}, the most there may be`);
    return value;
  };
}

/** A text. */
export function text(options = {}) {
  const read = (value, wrong) => (typeof value === "string" ? value : wrong(`${shown(value)} is no text`));
  return new Setting({ type: "string" }, read, options);
}

/** True or false. */
export function flag(options = {}) {
  const read = (value, wrong) =>
    typeof value === "boolean" ? value : wrong(`${shown(value)} is neither true nor false`);
  return new Setting({ type: "boolean" }, read, options);
}

/** One of these values. */
export function choice(choices, options = {}) {
  const read = (value, wrong) =>
    choices.includes(value) ? value : wrong(`${shown(value)} is none of ${choices.map(shown).join(", ")}`);
  return new Setting({ enum: [...choices] }, read, options);
}

/** A duration: `"1h30m"` in the fleet file, and a number of seconds here. */
export function duration(options = {}) {
  const read = (value, wrong) => {
    const micros = typeof value === "string" ? parseSpan(value) : null;
    return micros === null ? wrong(`${shown(value)} is no duration; ${EXPECTED}`) : micros / 1_000_000;
  };
  const pattern = "^\\s*([0-9]+(\\.[0-9]+)?\\s*(us|µs|ms|s|m|h|d)\\s*)+$";
  const setting = new Setting({ type: "string", pattern, examples: ["500ms", "1h30m"] }, read, options);
  setting.plain = (seconds) => writeSpan(Math.round(seconds * 1_000_000));
  return setting;
}

/** A list of values of one kind. */
export function list(of, options = {}) {
  const read = (value, wrong, path, problems) => {
    if (!Array.isArray(value)) return wrong(`${shown(value)} is no list`);
    return value.map((entry, place) => readOne(of, entry, join(path, String(place)), problems));
  };
  return new Setting({ type: "array", items: of.schema }, read, options);
}

/** Values of one kind by names from the fleet file. */
export function table(of, options = {}) {
  const read = (value, wrong, path, problems) => {
    if (!isTable(value)) return wrong(`${shown(value)} is no table`);
    const entries = Object.entries(value);
    return Object.fromEntries(entries.map(([key, entry]) => [key, readOne(of, entry, join(path, key), problems)]));
  };
  return new Setting({ type: "object", additionalProperties: of.schema }, read, options);
}

/** A group of settings under one key. */
export function group(settings, options = {}) {
  const read = (value, _wrong, path, problems) => readGroup(settings, value, path, problems);
  return new Setting(objectSchema(settings), read, options);
}

/** The key of a setting in the fleet file. */
export function keyOf(name) {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The JSON Schema of settings, defaults included. */
export function schemaOf(settings) {
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...objectSchema(settings) };
}

function objectSchema(settings) {
  const properties = {};
  const required = [];
  for (const [name, setting] of Object.entries(settings)) {
    const { schema, standard, plain = (value) => value } = setting;
    properties[keyOf(name)] = standard === undefined ? schema : { ...schema, default: plain(standard) };
    if (setting.required) required.push(keyOf(name));
  }
  const schema = { type: "object", properties, additionalProperties: false };
  return required.length > 0 ? { ...schema, required } : schema;
}

/** Parses settings from their JSON. `InvalidConfig` has all their problems. */
export function readSettings(settings, json) {
  let value;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new InvalidConfig(`this is no JSON: ${error.message}`);
  }
  const problems = {};
  const found = readGroup(settings, value, "", problems);
  if (Object.keys(problems).length > 0) throw new InvalidConfig(problems);
  return Object.freeze(found);
}

function readGroup(settings, value, path, problems) {
  if (!isTable(value)) {
    problems[path] = `${shown(value)} is no table of settings`;
    return INVALID;
  }
  const names = Object.keys(settings);
  const known = new Map(names.map((name) => [keyOf(name), name]));
  for (const key of Object.keys(value)) {
    if (known.has(key)) continue;
    const there = [...known.keys()].sort().join(", ");
    problems[join(path, key)] = `there is no such setting; there ${there ? `are ${there}` : "is none"}`;
  }
  const found = {};
  for (const [key, name] of known) {
    const setting = settings[name];
    const place = join(path, key);
    if (Object.hasOwn(value, key)) found[name] = readOne(setting, value[key], place, problems);
    else if (setting.required) problems[place] = "it is missing, and has no default";
    else if (setting.standard !== undefined) found[name] = setting.standard;
  }
  return found;
}

function readOne(setting, value, path, problems) {
  const wrong = (said) => {
    problems[path] = said;
    return INVALID;
  };
  return setting.read(value, wrong, path, problems);
}

function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path, key) {
  return path === "" ? key : `${path}.${key}`;
}

function shown(value) {
  const said = JSON.stringify(value) ?? String(value);
  return said.length <= 60 ? said : `${said.slice(0, 57)}...`;
}
