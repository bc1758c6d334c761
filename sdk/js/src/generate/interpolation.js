/** Interpolates between points, once or repeated. */

export class Interpolant {
  #times;
  #values;
  #interpolation;
  #period;
  #slopes;

  /**
   * Makes a curve through `points`, which are microseconds and values: in order, at different
   * times, and within the period.
   */
  constructor(points, interpolation, period) {
    // With a period the first point is repeated at the end: each time is between two points.
    const all = period === null ? points : [...points, [points[0][0] + period, points[0][1]]];
    this.#times = all.map(([at]) => at);
    this.#values = all.map(([, value]) => value);
    this.#interpolation = interpolation;
    this.#period = period;
    this.#slopes = interpolation === "smooth" ? slopes(all, period !== null) : [];
  }

  /** The value at a time. Before and after the points it is the first and the last value. */
  valueAt(micros) {
    const times = this.#times;
    if (this.#period !== null) {
      const since = (micros - times[0]) % this.#period;
      micros = times[0] + (since < 0 ? since + this.#period : since);
    }
    const after = above(times, micros);
    if (after === 0) return this.#values[0];
    if (after === times.length) return this.#values[times.length - 1];
    return this.#interpolate(after - 1, micros);
  }

  #interpolate(place, micros) {
    const start = this.#values[place];
    const end = this.#values[place + 1];
    const length = this.#times[place + 1] - this.#times[place];
    const part = (micros - this.#times[place]) / length;
    if (this.#interpolation === "step") return start;
    if (this.#interpolation === "linear") return start + (end - start) * part;
    const left = this.#slopes[place] * length;
    const right = this.#slopes[place + 1] * length;
    const rest = 1 - part;
    // Hermite's form around the first point: exact there, and between equal values.
    return (
      start +
      (end - start) * part * part * (3 - 2 * part) +
      left * part * rest * rest -
      right * part * part * rest
    );
  }
}

/** The number of sorted numbers that are not above this one. */
export function above(sorted, number) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Slopes that keep the curve between its points (Fritsch and Butland 1984). */
function slopes(points, round) {
  const pieces = [];
  for (let place = 1; place < points.length; place += 1) {
    const length = points[place][0] - points[place - 1][0];
    pieces.push([length, (points[place][1] - points[place - 1][1]) / length]);
  }
  const last = Math.max(0, pieces.length - 1);
  return points.map((_, place) => {
    const before = place > 0 ? pieces[place - 1] : round ? pieces[last] : undefined;
    const after = place > last && round ? pieces[0] : pieces[place];
    if (before && after) return innerSlope(before, after);
    return (before ?? after)?.[1] ?? 0;
  });
}

function innerSlope([before, left], [after, right]) {
  if (left * right <= 0) return 0;
  const first = 2 * after + before;
  const second = after + 2 * before;
  return (first + second) / (first / left + second / right);
}
