/** Computes values from the time: curves, and profiles of the day or the week. */

import { Specification, number } from "./generator.js";
import { Interpolant } from "./interpolation.js";
import { span, EXPECTED } from "./span.js";

const DAY = 86_400_000_000;

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

function interpolated(check, interpolation) {
  check.expect(
    ["linear", "step", "smooth"].includes(interpolation),
    "interpolation",
    `"${interpolation}" is no interpolation; there are "linear", "step" and "smooth"`,
  );
}

/** Reports a point that does not come after the one before. */
function inOrder(check, key, points, at, text, before) {
  if (points.length > 0) {
    const [last] = points[points.length - 1];
    check.expect(last < at, key, `${text} does not come after ${before}; points are in order of time`);
  }
}

/** A curve through points. */
export class Curve extends Specification {
  constructor(given) {
    const defaults = {
      points: [],
      period: undefined,
      interpolation: "linear",
      jitter: 0,
      spread: undefined,
      origin: "born",
      decimals: undefined,
    };
    super(defaults, given, function (check) {
      check.notNegative("jitter", this.jitter);
      check.decimals(this.decimals);
      interpolated(check, this.interpolation);
      check.expect(this.points.length > 0, "points", "a curve has one point at least");
      const points = [];
      this.points.forEach(([at, value], place) => {
        check.finite(`points.${place}.value`, value);
        const micros = span(at);
        const key = `points.${place}.at`;
        if (!check.expect(micros !== null, key, `${JSON.stringify(at)} is no time; ${EXPECTED}`)) return;
        inOrder(check, key, points, micros, at, this.points[place - 1]?.[0]);
        points.push([micros, value]);
      });
      const period = this.period === undefined ? null : span(this.period);
      if (this.period !== undefined) {
        const longer = period !== null && (points.length === 0 || period > points[points.length - 1][0]);
        check.expect(longer, "period", `${this.period} is not longer than the last point; it must be`);
      }
      if (this.spread !== undefined) {
        const right = span(this.spread) !== null;
        check.expect(right, "spread", `${JSON.stringify(this.spread)} is no time; ${EXPECTED}`);
      }
      const { origin } = this;
      check.expect(
        origin === "born" || origin === "status" || origin instanceof Date,
        "origin",
        `${JSON.stringify(origin)} is no origin; there are "born", "status", and a Date`,
      );
      if (points.length > 0) this.curve = new Interpolant(points, this.interpolation, period);
    });
  }

  initialState(rng) {
    return { rng, ahead: this.spread === undefined ? 0 : rng.below(span(this.spread)) };
  }

  value(state, context) {
    const { origin } = this;
    const from =
      origin === "born" ? context.born : origin === "status" ? context.statusSince : origin.getTime() * 1000;
    let value = this.curve.valueAt(context.now - from + state.ahead);
    if (this.jitter > 0) value = state.rng.normal(value, this.jitter);
    return number(value, this.decimals);
  }
}

/** Values by the time of day, UTC: the same each day or by the day of the week. */
export class Profile extends Specification {
  constructor(given) {
    const defaults = { daily: [], weekly: {}, interpolation: "linear", jitter: 0, decimals: undefined };
    super(defaults, given, function (check) {
      check.notNegative("jitter", this.jitter);
      check.decimals(this.decimals);
      interpolated(check, this.interpolation);
      const daily = day(check, "daily", this.daily);
      for (const name of Object.keys(this.weekly)) {
        check.expect(
          DAYS.includes(name),
          `weekly.${name}`,
          `there is no such day; there are ${DAYS.join(", ")}`,
        );
      }
      const points = DAYS.flatMap((name, place) => {
        const own = name in this.weekly ? day(check, `weekly.${name}`, this.weekly[name]) : daily;
        return own.map(([at, value]) => [place * DAY + at, value]);
      });
      check.expect(points.length > 0, "daily", "a profile has one point at least, here or in weekly");
      if (points.length > 0) this.curve = new Interpolant(points, this.interpolation, 7 * DAY);
    });
  }

  initialState(rng) {
    return rng;
  }

  value(rng, context) {
    // 1970-01-01 was a Thursday.
    let value = this.curve.valueAt((context.now + 3 * DAY) % (7 * DAY));
    if (this.jitter > 0) value = rng.normal(value, this.jitter);
    return number(value, this.decimals);
  }
}

function day(check, key, given) {
  const points = [];
  given.forEach(([text, value], place) => {
    check.finite(`${key}.${place}.value`, value);
    const at = timeOfDay(text);
    const right = `${JSON.stringify(text)} is no time of day; from "00:00" to "23:59:59" is right`;
    if (!check.expect(at !== null, `${key}.${place}.at`, right)) return;
    inOrder(check, `${key}.${place}.at`, points, at, text, given[place - 1]?.[0]);
    points.push([at, value]);
  });
  return points;
}

/** `06:00`, `06:00:30`, `06:00:30.25`, in microseconds since midnight. */
function timeOfDay(text) {
  const found = /^([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]+))?)?$/.exec(text);
  if (found === null) return null;
  const [, hour, minute, second = "0", fraction = ""] = found;
  const seconds = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  return seconds * 1_000_000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
}
