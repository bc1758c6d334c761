"""Computes functions that give the same bits on every machine. Python's own `log` and `**` use
the system's, which may differ in the last digit.

`log` and `power` are FreeBSD's e_log.c and e_pow.c (Copyright (C) 1993, 2004 by Sun
Microsystems, Inc. Permission to use, copy, modify, and distribute this software is freely
granted, provided that this notice is preserved), for the arguments that occur here.
"""

import math
import struct

_DOUBLE, _BITS = struct.Struct("<d"), struct.Struct("<Q")


def _bits(x: float) -> int:
    return int(_BITS.unpack(_DOUBLE.pack(x))[0])


def _double(bits: int) -> float:
    return float(_DOUBLE.unpack(_BITS.pack(bits))[0])


def _high(x: float) -> int:
    """The high word, signed."""
    word = _bits(x) >> 32
    return word - (1 << 32) if word >> 31 else word


def _cut(x: float) -> float:
    """The number with the low word 0."""
    return _double(_bits(x) & 0xFFFF_FFFF_0000_0000)


def _with_high(x: float, word: int) -> float:
    return _double((_bits(x) & 0xFFFF_FFFF) | ((word & 0xFFFF_FFFF) << 32))


#: The high word of this is that of sqrt(2)/2.
_HALF_ROOT = _double(0x3FE6_A09E << 32)


def log(x: float) -> float:
    """The natural logarithm of a number above 0 that is finite."""
    if x == 1.0:
        return 0.0
    x, exponent = math.frexp(x)
    if x < _HALF_ROOT:
        x, exponent = x * 2.0, exponent - 1
    f = x - 1.0
    hfsq = 0.5 * f * f
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    t2 = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    r = t2 + t1
    k = float(exponent)
    return s * (hfsq + r) + k * 1.90821492927058770002e-10 - hfsq + f + k * 6.93147180369123816490e-01


def power(x: float, y: float) -> float:
    """`x` to the power of `y`, where x lies between 0 and 1, and y between 0 and 2^31."""
    if y == 0.0 or x == 1.0:
        return 1.0
    if x == 0.0:
        return 0.0
    if y == 1.0:
        return x
    if y == 2.0:
        return x * x
    if y == 0.5:
        return math.sqrt(x)
    n, ax = 0, x
    ix = _high(ax)
    if ix < 0x0010_0000:
        ax *= 9007199254740992.0
        n -= 53
        ix = _high(ax)
    n += (ix >> 20) - 0x3FF
    j = ix & 0x000F_FFFF
    ix = j | 0x3FF0_0000
    k = 0
    if 0x3988E < j < 0xBB67A:
        k = 1
    elif j >= 0xBB67A:
        n += 1
        ix -= 0x0010_0000
    ax = _with_high(ax, ix)
    bp = (1.0, 1.5)[k]
    dp_h = (0.0, 5.84962487220764160156e-01)[k]
    dp_l = (0.0, 1.35003920212974897128e-08)[k]
    u = ax - bp
    v = 1.0 / (ax + bp)
    ss = u * v
    s_h = _cut(ss)
    t_h = _with_high(0.0, ((ix >> 1) | 0x2000_0000) + 0x0008_0000 + (k << 18))
    t_l = ax - (t_h - bp)
    s_l = v * ((u - s_h * t_h) - s_h * t_l)
    s2 = ss * ss
    r = s2 * s2 * (
        5.99999999999994648725e-01
        + s2 * (
            4.28571428578550184252e-01
            + s2 * (
                3.33333329818377432918e-01
                + s2 * (
                    2.72728123808534006489e-01
                    + s2 * (2.30660745775561754067e-01 + s2 * 2.06975017800338417784e-01)
                )
            )
        )
    )
    r += s_l * (s_h + ss)
    s2 = s_h * s_h
    t_h = _cut(3.0 + s2 + r)
    t_l = r - ((t_h - 3.0) - s2)
    u = s_h * t_h
    v = s_l * t_h + t_l * ss
    p_h = _cut(u + v)
    p_l = v - (p_h - u)
    z_h = 9.61796700954437255859e-01 * p_h
    z_l = -7.02846165095275826516e-09 * p_h + p_l * 9.61796693925975554329e-01 + dp_l
    t = float(n)
    t1 = _cut(((z_h + z_l) + dp_h) + t)
    t2 = z_l - (((t1 - t) - dp_h) - z_h)
    y1 = _cut(y)
    p_l = (y - y1) * t1 + y * t2
    p_h = y1 * t1
    z = p_l + p_h
    # No more than the smallest number there is.
    if z <= -1075.0:
        return 0.0
    j = _high(z)
    i = j & 0x7FFF_FFFF
    k = (i >> 20) - 0x3FF
    n = 0
    if i > 0x3FE0_0000:
        n = (j + (0x0010_0000 >> (k + 1))) & 0xFFFF_FFFF
        k = ((n & 0x7FFF_FFFF) >> 20) - 0x3FF
        t = _with_high(0.0, n & ~(0x000F_FFFF >> k))
        n = ((n & 0x000F_FFFF) | 0x0010_0000) >> (20 - k)
        if j < 0:
            n = -n
        p_h -= t
    t = _cut(p_l + p_h)
    u = t * 6.93147182464599609375e-01
    v = (p_l - (t - p_h)) * 6.93147180559945286227e-01 + t * -1.90465429995776804525e-09
    z = u + v
    w = v - (z - u)
    t = z * z
    t1 = z - t * (
        1.66666666666666019037e-01
        + t * (
            -2.77777777770155933842e-03
            + t * (
                6.61375632143793436117e-05
                + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08)
            )
        )
    )
    r = (z * t1) / (t1 - 2.0) - (w + z * w)
    z = 1.0 - (r - z)
    return math.ldexp(z, n)


def round_away(x: float) -> float:
    """To the nearest whole number, halves away from zero."""
    whole = float(math.trunc(x))
    return whole + math.copysign(1.0, x) if abs(x - whole) >= 0.5 else whole
