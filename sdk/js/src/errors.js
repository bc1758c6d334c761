/** Defines the errors of a call: the three cases of the contract. */

/**
 * The settings cannot work. Thrown only while a device is created; the run does not start.
 *
 * `problems` is a sentence, or several by their keys: `new InvalidConfig({ "route.2.lat": "91 is no
 * latitude" })`.
 */
export class InvalidConfig extends Error {
  constructor(problems) {
    const all = typeof problems === "string" ? { "": problems } : problems;
    const lines = Object.entries(all).map(([path, text]) => {
      // A line is a problem: its text must not have several.
      const said = text.replaceAll("\n", ", ");
      return path ? `config.${path}: ${said}` : `config: ${said}`;
    });
    super(lines.join("\n"));
    this.name = "InvalidConfig";
    this.problems = all;
  }

  /** The same problems below `key`, which is put before their keys. */
  within(key) {
    const entries = Object.entries(this.problems);
    return new InvalidConfig(Object.fromEntries(entries.map(([path, text]) => [path ? `${key}.${path}` : key, text])));
  }
}

/** This call failed: nothing of it is sent, and the device stays on and is called again. */
export class Failed extends Error {
  constructor(why) {
    super(why);
    this.name = "Failed";
  }
}

/** The device is done, for good; `device.retire(why)` throws it. */
export class Retired extends Error {
  constructor(why) {
    super(why);
    this.name = "Retired";
  }
}
