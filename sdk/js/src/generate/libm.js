/**
 * Computes functions that give the same bits on every machine. `Math.log` and `**` are the
 * engine's, and may differ in the last digit.
 *
 * `log` and `power` are FreeBSD's e_log.c and e_pow.c (Copyright (C) 1993, 2004 by Sun
 * Microsystems, Inc. Permission to use, copy, modify, and distribute this software is freely
 * granted, provided that this notice is preserved), for the arguments that occur here.
 */

const view = new DataView(new ArrayBuffer(8));

/** The high word, signed. */
function high(x) {
  view.setFloat64(0, x);
  return view.getInt32(0);
}

/** The number with the low word 0. */
function cut(x) {
  view.setFloat64(0, x);
  view.setInt32(4, 0);
  return view.getFloat64(0);
}

function withHigh(x, word) {
  view.setFloat64(0, x);
  view.setInt32(0, word);
  return view.getFloat64(0);
}

/** The natural logarithm of a number above 0 that is finite. */
export function log(x) {
  if (x === 1) return 0;
  let k = 0;
  let hx = high(x);
  if (hx < 0x00100000) {
    k -= 54;
    x *= 18014398509481984;
    hx = high(x);
  }
  hx += 0x3ff00000 - 0x3fe6a09e;
  k += (hx >> 20) - 0x3ff;
  x = withHigh(x, (hx & 0x000fffff) + 0x3fe6a09e);
  const f = x - 1;
  const hfsq = 0.5 * f * f;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const t1 = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
  const t2 =
    z *
    (6.66666666666673513e-1 +
      w * (2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1)));
  const r = t2 + t1;
  return s * (hfsq + r) + k * 1.90821492927058770002e-10 - hfsq + f + k * 6.9314718036912381649e-1;
}

/** `x` to the power of `y`, for x from 0 to 1, and y from 0 to 2^31. */
export function power(x, y) {
  if (y === 0 || x === 1) return 1;
  if (x === 0) return 0;
  if (y === 1) return x;
  if (y === 2) return x * x;
  if (y === 0.5) return Math.sqrt(x);
  let n = 0;
  let ax = x;
  let ix = high(ax);
  if (ix < 0x00100000) {
    ax *= 9007199254740992;
    n -= 53;
    ix = high(ax);
  }
  n += (ix >> 20) - 0x3ff;
  let j = ix & 0x000fffff;
  ix = j | 0x3ff00000;
  let k = 0;
  if (j > 0x3988e && j < 0xbb67a) {
    k = 1;
  } else if (j >= 0xbb67a) {
    n += 1;
    ix -= 0x00100000;
  }
  ax = withHigh(ax, ix);
  const bp = k === 0 ? 1 : 1.5;
  const dpHigh = k === 0 ? 0 : 5.84962487220764160156e-1;
  const dpLow = k === 0 ? 0 : 1.35003920212974897128e-8;
  let u = ax - bp;
  let v = 1 / (ax + bp);
  const ss = u * v;
  const sh = cut(ss);
  let th = withHigh(0, ((ix >> 1) | 0x20000000) + 0x00080000 + (k << 18));
  let tl = ax - (th - bp);
  const sl = v * (u - sh * th - sh * tl);
  let s2 = ss * ss;
  let r =
    s2 *
    s2 *
    (5.99999999999994648725e-1 +
      s2 *
        (4.28571428578550184252e-1 +
          s2 *
            (3.33333329818377432918e-1 +
              s2 *
                (2.72728123808534006489e-1 +
                  s2 * (2.30660745775561754067e-1 + s2 * 2.06975017800338417784e-1)))));
  r += sl * (sh + ss);
  s2 = sh * sh;
  th = cut(3 + s2 + r);
  tl = r - (th - 3 - s2);
  u = sh * th;
  v = sl * th + tl * ss;
  let ph = cut(u + v);
  let pl = v - (ph - u);
  const zh = 9.61796700954437255859e-1 * ph;
  const zl = -7.02846165095275826516e-9 * ph + pl * 9.61796693925975554329e-1 + dpLow;
  let t = n;
  let t1 = cut(zh + zl + dpHigh + t);
  const t2 = zl - (t1 - t - dpHigh - zh);
  const y1 = cut(y);
  pl = (y - y1) * t1 + y * t2;
  ph = y1 * t1;
  let z = pl + ph;
  // At most the smallest number.
  if (z <= -1075) return 0;
  j = high(z);
  const i = j & 0x7fffffff;
  k = (i >> 20) - 0x3ff;
  n = 0;
  if (i > 0x3fe00000) {
    n = (j + (0x00100000 >> (k + 1))) | 0;
    k = ((n & 0x7fffffff) >> 20) - 0x3ff;
    t = withHigh(0, n & ~(0x000fffff >> k));
    n = ((n & 0x000fffff) | 0x00100000) >> (20 - k);
    if (j < 0) n = -n;
    ph -= t;
  }
  t = cut(pl + ph);
  u = t * 6.93147182464599609375e-1;
  v = (pl - (t - ph)) * 6.93147180559945286227e-1 + t * -1.90465429995776804525e-9;
  z = u + v;
  const w = v - (z - u);
  t = z * z;
  t1 =
    z -
    t *
      (1.66666666666666019037e-1 +
        t *
          (-2.77777777770155933842e-3 +
            t * (6.61375632143793436117e-5 + t * (-1.6533902205465251539e-6 + t * 4.13813679705723846039e-8))));
  r = (z * t1) / (t1 - 2) - (w + z * w);
  z = 1 - (r - z);
  // In two steps: the power of two alone may be too small to be a number.
  const half = n >> 1;
  return z * 2 ** half * 2 ** (n - half);
}

/** To the nearest whole number, halves away from zero. */
export function roundAway(x) {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}
