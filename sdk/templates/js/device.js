// A room sensor: its temperature varies, and it reports when it is hot.

import { Device, number } from "mockfleet";
import { Walk } from "mockfleet/generate";

// The settings under `config` in the fleet file.
const config = {
  base: number({ default: 21, min: -40, max: 85, description: "The first temperature, in °C." }),
  limit: number({ default: 22, description: "The temperature above which the sensor is hot, in °C." }),
};

/** @extends {Device<typeof config>} */
export default class Sensor extends Device {
  static summary = "A room sensor: its temperature varies, and it reports when it is hot";
  static channels = ["telemetry"];
  static statuses = ["ok", "hot"];
  static events = ["downlink"];
  static config = config;

  limit = this.config.limit;
  temperature = new Walk({ start: this.config.base, step: 0.3, decimals: 2 }).of(this, "temperature");

  tick(tick) {
    const temperature = this.temperature.next();
    return {
      messages: this.message("telemetry", { temperature, limit: this.limit }),
      status: temperature > this.limit ? "hot" : "ok",
    };
  }

  /** A command from the backend: {"limit": 25}. */
  handle(event) {
    if (event.kind === "received") this.limit = Number(event.message.json().limit);
  }
}
