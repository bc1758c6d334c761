/** Write virtual IoT devices for mockfleet in JavaScript or TypeScript. */

export { Device, Message } from "./device.js";
export { Failed, InvalidConfig, Retired } from "./errors.js";
export { choice, duration, flag, group, integer, list, number, table, text } from "./settings.js";
export { data, fleet } from "./group_context.js";
