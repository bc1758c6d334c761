/* Generates the random numbers of generators: the same as those of the other SDKs, bit for bit. */

#include <math.h>
#include <string.h>

#include "internal.h"

/* The output function of SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

mf_rng mf_rng_new(uint64_t seed) {
    // Mixed, so that neighbouring seeds start far apart on the generator's cycle.
    return (mf_rng){mix(seed ^ UINT64_C(0x6D6F636B666C6565))};
}

mf_rng mf_rng_stream(const mf_rng *rng, const char *name) {
    uint64_t hashed = UINT64_C(0xCBF29CE484222325);
    for (const char *at = name; *at != '\0'; at++) hashed = (hashed ^ (unsigned char)*at) * UINT64_C(0x100000001B3);
    return (mf_rng){mix(rng->state ^ mix(hashed))};
}

mf_rng mf_random(const mf_device *device, const char *name) {
    mf_rng rng = mf_rng_new(device->seed);
    return mf_rng_stream(&rng, name);
}

uint64_t mf_bits(mf_rng *rng) {
    rng->state += UINT64_C(0x9E3779B97F4A7C15);
    return mix(rng->state);
}

double mf_unit(mf_rng *rng) {
    return (double)(mf_bits(rng) >> 11) * (1.0 / 9007199254740992.0);
}

double mf_range(mf_rng *rng, double low, double high) {
    return low + (high - low) * mf_unit(rng);
}

uint64_t mf_below(mf_rng *rng, uint64_t end) {
    return (uint64_t)((unsigned __int128)mf_bits(rng) * end >> 64);
}

bool mf_chance(mf_rng *rng, double probability) {
    return mf_unit(rng) < probability;
}

/* The natural logarithm of a number above 0 and below 1, with the same bits on every machine.
 *
 * FreeBSD's e_log.c. Copyright (C) 1993 by Sun Microsystems, Inc. Permission to use, copy, modify,
 * and distribute this software is freely granted, provided that this notice is preserved. */
static double logarithm(double x) {
    int exponent;
    x = frexp(x, &exponent);
    // The double whose upper half is that of sqrt(2)/2.
    if (x < 0x1.6a09ep-1) {
        x *= 2.0;
        exponent--;
    }
    double f = x - 1.0, hfsq = 0.5 * f * f, s = f / (2.0 + f), z = s * s, w = z * z, k = exponent;
    double t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    double t2 = z * (6.666666666666735130e-01 +
                     w * (2.857142874366239149e-01 +
                          w * (1.818357216161805012e-01 + w * 1.479819860510658591e-01)));
    double r = t2 + t1;
    return s * (hfsq + r) + k * 1.90821492927058770002e-10 - hfsq + f + k * 6.93147180369123816490e-01;
}

/* Marsaglia's polar method. */
double mf_normal(mf_rng *rng, double mean, double deviation) {
    for (;;) {
        double x = mf_range(rng, -1.0, 1.0), y = mf_range(rng, -1.0, 1.0), square = x * x + y * y;
        if (square > 0.0 && square < 1.0) {
            return mean + deviation * x * sqrt(-2.0 * logarithm(square) / square);
        }
    }
}

double mf_round(double value, unsigned decimals) {
    double scale = 1.0;
    for (unsigned i = 0; i < decimals; i++) scale *= 10.0;
    double scaled = value * scale;
    if (!(fabs(scaled) < 9007199254740992.0)) return value;
    double whole = trunc(scaled);
    if (fabs(scaled - whole) >= 0.5) whole += copysign(1.0, scaled);
    return whole / scale;
}

static double clamped(mf_bounds bounds, double value) {
    if (bounds.has_min && value < bounds.min) return bounds.min;
    if (bounds.has_max && value > bounds.max) return bounds.max;
    return value;
}

double mf_walk_next(mf_walk *walk) {
    if (!walk->begun) {
        walk->begun = true;
        return walk->value;
    }
    mf_bounds bounds = walk->bounds;
    double value = walk->value;
    if (walk->pull > 0.0) value += (walk->mean - value) * walk->pull;
    if (walk->step > 0.0) value = mf_normal(&walk->rng, value, walk->step);
    if (bounds.has_min && value < bounds.min) value = bounds.min + (bounds.min - value);
    else if (bounds.has_max && value > bounds.max) value = bounds.max - (value - bounds.max);
    // A step longer than the range ends at the bound.
    walk->value = clamped(bounds, value);
    return walk->value;
}
