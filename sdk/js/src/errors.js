/** Why a call of a device fails: the three cases of the contract. */

/**
 * The settings cannot work. Only thrown while a device is made; the run does not start.
 *
 * `problems` is a sentence, or several by the key that each is about:
 * `new InvalidConfig({ "route.2.lat": "91 is no latitude" })`.
 */
export class InvalidConfig extends Error {
  constructor(problems) {
    const all = typeof problems === "string" ? { "": problems } : problems;
    const lines = Object.entries(all).map(([path, text]) => {
      // A line is a problem: what it says stays on it.
      const said = text.replaceAll("\n", ", ");
      return path ? `config.${path}: ${said}` : `config: ${said}`;
    });
    super(lines.join("\n"));
    this.name = "InvalidConfig";
    this.problems = all;
  }

  /** The same problems of a part of something larger: `key` goes before theirs. */
  within(key) {
    const entries = Object.entries(this.problems);
    return new InvalidConfig(Object.fromEntries(entries.map(([path, text]) => [path ? `${key}.${path}` : key, text])));
  }
}

/** This call failed: nothing of it is sent, the device lives on and is called again. */
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
