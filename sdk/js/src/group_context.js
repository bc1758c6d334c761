/** Provides the values of `data` and `fleet`: from the host in a plugin, from a test natively. */

/** The context that a test sets; see `groupContext` of `mockfleet/testing`. */
export class TestContext {
  constructor({ data = {}, channels, downlink, interval } = {}) {
    this.files = data;
    this.sends = channels ?? null;
    this.receives = downlink ?? null;
    this.every = interval ?? null;
  }

  #file(name) {
    if (!Object.hasOwn(this.files, name)) {
      const names = Object.keys(this.files).join(", ") || "none";
      throw new Error(`there is no data file "${name}"; there are ${names}`);
    }
    return this.files[name];
  }

  size(name) {
    return this.#file(name).length;
  }

  read(name, offset, length) {
    return this.#file(name).subarray(offset, offset + Math.min(length, 1 << 20));
  }

  channels() {
    return this.sends;
  }

  downlink() {
    return this.receives;
  }

  interval() {
    return this.every;
  }
}

let source = new TestContext();

/** Uses this source from now on. */
export function setSource(given) {
  source = given;
}

/** Reads the data files of the device's group. The host holds each once: share results among devices. */
export const data = {
  size: (name) => source.size(name),
  read: (name, offset, length) => source.read(name, offset, length),
  readAll(name) {
    const whole = new Uint8Array(source.size(name));
    for (let at = 0; at < whole.length; ) {
      const window = source.read(name, at, 1 << 20);
      whole.set(window, at);
      at += window.length;
    }
    return whole;
  },
};

/** Looks up the settings of the device's group and its target in the fleet file. */
export const fleet = {
  channels: () => source.channels(),
  downlink: () => source.downlink(),
  interval: () => source.interval(),
};
