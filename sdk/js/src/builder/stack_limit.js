/**
 * Gives QuickJS a limit of its stack. For WebAssembly, quickjs-ng checks none: a recursion without
 * end would exhaust the host's stack and end the cell, with all its devices. The limit is a field of
 * its runtime, which is 0 in the memory of the component. With a limit, the recursion is a RangeError
 * of the call.
 */

/** The version whose runtime has the field at this place. */
export const AFFECTED = "componentize-qjs 0.4.5";

/** The first address above the stack of the module, which begins at 0. */
const STACK_TOP = 1 << 20;

/**
 * The bytes of the stack that calls may use: 128 KiB, about 700 calls of a function. The host gives
 * a plugin 1.5 MiB, and its frames are up to ten times as large.
 */
const LIMIT_BYTES = 128 << 10;

/** The runtime starts this near to the top of its stack. */
const MAX_START_BYTES = 4096;

const CODE = { module: 1, component: 4, data: 11 };

/** The component with the limit. Throws if it has no runtime of QuickJS. */
export function limitStack(component) {
  let found = 0;
  const inside = (binary) =>
    rebuilt(binary, (kind, body) => {
      if (kind === CODE.component) return inside(body);
      if (kind !== CODE.module) return body;
      const changed = withLimit(body);
      found += changed === undefined ? 0 : 1;
      return changed ?? body;
    });
  const limited = inside(Buffer.from(component));
  if (found !== 1) throw new Error(`${found} modules have the memory of QuickJS, and one should`);
  return limited;
}

/** The module with one more data segment; `undefined` if its memory has no runtime. */
function withLimit(module) {
  let found = false;
  const changed = rebuilt(module, (kind, body) => {
    const address = kind === CODE.data ? limitAddress(memory(body)) : undefined;
    if (address === undefined) return body;
    found = true;
    const [count, begin] = read(body, 0);
    const value = Buffer.alloc(4);
    value.writeUInt32LE(STACK_TOP - LIMIT_BYTES);
    // An active segment at a constant address.
    return Buffer.concat([number(count + 1), body.subarray(begin), Buffer.from([0, 0x41]), signed(address), Buffer.from([0x0b, 4]), value]);
  });
  return found ? changed : undefined;
}

/**
 * The address of the limit in the memory. Before it are the size of the stack, 0, and the address of
 * its top. After it is the exception of the runtime, which is uninitialized: 0 and 4.
 */
function limitAddress(image) {
  for (let at = STACK_TOP; at + 20 <= image.length; at += 4) {
    const start = STACK_TOP - image.readUInt32LE(at + 4);
    if (start <= 0 || start > MAX_START_BYTES) continue;
    const others = [0, 8, 12, 16].map((offset) => image.readUInt32LE(at + offset));
    if (others.every((value, place) => value === [0, 0, 0, 4][place])) return at + 8;
  }
  return undefined;
}

/** The memory that the data segments of a module make. */
function memory(body) {
  const segments = [];
  let [count, place] = read(body, 0);
  for (; count > 0; count -= 1) {
    // Only an active segment with a constant address is of the first memory.
    if (body[place] !== 0 || body[place + 1] !== 0x41) return Buffer.alloc(0);
    const [address, end] = read(body, place + 2);
    const [size, begin] = read(body, end + 1);
    segments.push([address, body.subarray(begin, begin + size)]);
    place = begin + size;
  }
  const image = Buffer.alloc(Math.max(0, ...segments.map(([address, bytes]) => address + bytes.length)));
  for (const [address, bytes] of segments) bytes.copy(image, address);
  return image;
}

/** A module or component with other bodies of its sections. */
function rebuilt(binary, change) {
  const parts = [binary.subarray(0, 8)];
  for (let place = 8; place < binary.length; ) {
    const [size, begin] = read(binary, place + 1);
    const body = change(binary[place], binary.subarray(begin, begin + size));
    parts.push(Buffer.from([binary[place]]), number(body.length), body);
    place = begin + size;
  }
  return Buffer.concat(parts);
}

/** Reads a number in LEB128. Returns it and the place of its end. */
function read(binary, place) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = binary[place];
    place += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, place];
  }
}

/** A number in LEB128. */
export function number(value) {
  const bytes = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}

/** A positive number in signed LEB128: its last byte has no sign. */
function signed(value) {
  const bytes = [];
  for (; value >= 0x40; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}
