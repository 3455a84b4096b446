/* Vector helpers shared by the native training kernels.
 *
 * A `vec` holds the same quantity for 16 neighbouring pixels.  GCC's vector
 * extension does the arithmetic; only the operations that it lowers badly
 * (maximum, selection by sign) are spelled out, with a portable fallback for
 * machines without AVX-512.
 */
#ifndef TESSERA_NATIVE_COMMON_H
#define TESSERA_NATIVE_COMMON_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define LANES 16
typedef float vec __attribute__((vector_size(64)));
typedef int32_t ivec __attribute__((vector_size(64)));
/* The same vector without an alignment promise, for shifted rows. */
typedef float loose_vec __attribute__((vector_size(64), aligned(4), may_alias));

#define EACH16(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) \
    M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)

static inline vec load(const float *source) { return *(const loose_vec *)source; }
static inline void store(float *target, vec value) { *(loose_vec *)target = value; }
static inline vec splat(float value) { return value - (vec){0}; }

/* Loads up to 16 floats; the lanes from `count` on become zero. */
static inline vec load_some(const float *source, long count)
{
    if (count >= LANES) return load(source);
#ifdef __AVX512F__
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), source);
#else
    vec value = {0};
    memcpy(&value, source, count * sizeof(float));
    return value;
#endif
}

static inline void store_some(float *target, vec value, long count)
{
    if (count >= LANES) { store(target, value); return; }
#ifdef __AVX512F__
    _mm512_mask_storeu_ps(target, (__mmask16)((1u << count) - 1), (__m512)value);
#else
    memcpy(target, &value, count * sizeof(float));
#endif
}

/* condition != 0 ? yes : no, lane by lane (condition is a vector comparison). */
static inline vec choose(ivec condition, vec yes, vec no)
{
    return (vec)(((ivec)yes & condition) | ((ivec)no & ~condition));
}

static inline vec relu(vec value)
{
#ifdef __AVX512F__
    return (vec)_mm512_max_ps((__m512)value, _mm512_setzero_ps());
#else
    return choose(value > 0, value, (vec){0});
#endif
}

/* value where gate > 0, otherwise zero: the backward pass of relu. */
static inline vec where_positive(vec gate, vec value)
{
#ifdef __AVX512F__
    return (vec)_mm512_maskz_mov_ps(
        _mm512_cmp_ps_mask((__m512)gate, _mm512_setzero_ps(), _CMP_GT_OQ), (__m512)value);
#else
    return choose(gate > 0, value, (vec){0});
#endif
}

static inline vec clamp(vec value, float low, float high)
{
#ifdef __AVX512F__
    return (vec)_mm512_min_ps(_mm512_max_ps((__m512)value, _mm512_set1_ps(low)),
                              _mm512_set1_ps(high));
#else
    value = choose(value < low, splat(low), value);
    return choose(value > high, splat(high), value);
#endif
}

static inline float lane_sum(vec value)
{
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += value[lane];
    return sum;
}

static inline long round_up(long value) { return (value + LANES - 1) / LANES * LANES; }

/* Scratch memory that each thread keeps between calls, because fresh large
 * allocations cost a page fault for every 4 KiB.  Contents are undefined. */
static inline float *scratch(float **slot, size_t *size, size_t floats)
{
    if (*size < floats) {
        free(*slot);
        *slot = aligned_alloc(64, round_up(floats) * sizeof(float));
        *size = floats;
    }
    return *slot;
}

#endif
