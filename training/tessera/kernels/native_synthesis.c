/* The per-pixel perceptron and the 3x3 residual convolution, with gradients. */
#include "native_common.h"

#define FEATURES 7
#define HIDDEN 48
#define COLOURS 3
#define SYNTHESIS_WEIGHTS (HIDDEN * FEATURES + HIDDEN + COLOURS * HIDDEN + COLOURS)
#define CONVOLUTION_WEIGHTS (81 + 3)
/* Vectors of 16 pixels that one pass over the hidden units handles. */
#define CHUNK 16

#define EACH7(M, u) M(u, 0) M(u, 1) M(u, 2) M(u, 3) M(u, 4) M(u, 5) M(u, 6)

/* target[vector][plane] = `count` pixels from `first` on of each plane, then zeros. */
static void load_planes(vec *target, const float *source, int planes, long plane, long first,
                        long count)
{
    for (int p = 0; p < planes; p++)
        for (long g = 0; g < CHUNK; g++) {
            long left = count - g * LANES;
            target[g * planes + p] = left > 0 ? load_some(source + p * plane + first + g * LANES, left)
                                              : (vec){0};
        }
}

/* features [batch, 7, pixels] -> output [batch, 3, pixels]. */
void tessera_synthesis_forward(const float *features, long batch, long pixels, const float *w1,
                               const float *b1, const float *w2, const float *b2, float *output,
                               int threads)
{
    const long step = 2 * LANES, chunks = (pixels + step - 1) / step;
#pragma omp parallel for num_threads(threads) collapse(2) schedule(static)
    for (long item = 0; item < batch; item++)
        for (long c = 0; c < chunks; c++) {
            const float *source = features + item * FEATURES * pixels + c * step;
            float *target = output + item * COLOURS * pixels + c * step;
            long count = pixels - c * step, rest = count > LANES ? count - LANES : 0;
#define LOAD(u, i) vec x##i = load_some(source + i * pixels, count), \
                       y##i = load_some(source + i * pixels + LANES, rest);
            EACH7(LOAD, 0)
            vec p0 = splat(b2[0]), p1 = splat(b2[1]), p2 = splat(b2[2]);
            vec q0 = p0, q1 = p1, q2 = p2;
#pragma GCC unroll 4
            for (int h = 0; h < HIDDEN; h++) {
                vec p = splat(b1[h]), q = p;
#define HIDE(u, i) p += x##i * w1[h * FEATURES + i]; q += y##i * w1[h * FEATURES + i];
                EACH7(HIDE, 0)
                p = relu(p), q = relu(q);
                p0 += p * w2[h], p1 += p * w2[HIDDEN + h], p2 += p * w2[2 * HIDDEN + h];
                q0 += q * w2[h], q1 += q * w2[HIDDEN + h], q2 += q * w2[2 * HIDDEN + h];
            }
            store_some(target, p0, count);
            store_some(target + pixels, p1, count);
            store_some(target + 2 * pixels, p2, count);
            if (!rest) continue;
            store_some(target + LANES, q0, rest);
            store_some(target + pixels + LANES, q1, rest);
            store_some(target + 2 * pixels + LANES, q2, rest);
        }
}

/* Adds to the lane totals and writes the feature gradients of one chunk.  Two
 * hidden units at a time keep their 22 weight gradient sums in registers while
 * all pixels of the chunk go by; the hidden layer is recomputed. */
static void synthesis_backward_chunk(const vec *restrict x, const vec *restrict gradient,
                                     vec *restrict x_gradient, const float *w1, const float *b1,
                                     const float *w2, vec *total)
{
    vec *total_b1 = total + HIDDEN * FEATURES, *total_w2 = total_b1 + HIDDEN;
    vec *total_b2 = total_w2 + COLOURS * HIDDEN;
    memset(x_gradient, 0, CHUNK * FEATURES * sizeof(vec));
    for (int h = 0; h < HIDDEN; h += 2) {
        const float *unit0 = w1 + h * FEATURES, *unit1 = unit0 + FEATURES;
        const float *v0 = w2 + h, *v1 = v0 + 1;
#define ZERO(u, i) vec sum##u##i = {0};
        EACH7(ZERO, 0) EACH7(ZERO, 1)
        vec bias0 = {0}, bias1 = {0};
        vec r00 = {0}, r01 = {0}, r02 = {0}, r10 = {0}, r11 = {0}, r12 = {0};
        for (int g = 0; g < CHUNK; g++) {
            const vec *xs = x + g * FEATURES;
            vec *dx = x_gradient + g * FEATURES;
            vec g0 = gradient[g * COLOURS], g1 = gradient[g * COLOURS + 1],
                g2 = gradient[g * COLOURS + 2];
            vec a0 = splat(b1[h]), a1 = splat(b1[h + 1]);
#define FORWARD(u, i) a##u += xs[i] * unit##u[i];
            EACH7(FORWARD, 0) EACH7(FORWARD, 1)
            a0 = relu(a0), a1 = relu(a1);
            vec d0 = where_positive(a0, g0 * v0[0] + g1 * v0[HIDDEN] + g2 * v0[2 * HIDDEN]);
            vec d1 = where_positive(a1, g0 * v1[0] + g1 * v1[HIDDEN] + g2 * v1[2 * HIDDEN]);
            r00 += a0 * g0, r01 += a0 * g1, r02 += a0 * g2;
            r10 += a1 * g0, r11 += a1 * g1, r12 += a1 * g2;
            bias0 += d0, bias1 += d1;
#define BACKWARD(u, i) dx[i] += d0 * unit0[i] + d1 * unit1[i]; \
            sum0##i += d0 * xs[i]; sum1##i += d1 * xs[i];
            EACH7(BACKWARD, 0)
        }
#define TOTAL(u, i) total[(h + u) * FEATURES + i] += sum##u##i;
        EACH7(TOTAL, 0) EACH7(TOTAL, 1)
        total_b1[h] += bias0, total_b1[h + 1] += bias1;
        total_w2[h] += r00, total_w2[HIDDEN + h] += r01, total_w2[2 * HIDDEN + h] += r02;
        vec *next_w2 = total_w2 + 1;
        next_w2[h] += r10, next_w2[HIDDEN + h] += r11, next_w2[2 * HIDDEN + h] += r12;
    }
    for (int g = 0; g < CHUNK; g++)
        for (int c = 0; c < COLOURS; c++) total_b2[c] += gradient[g * COLOURS + c];
}

/* output_gradient [batch, 3, pixels] -> feature_gradient [batch, 7, pixels] and
 * weight_gradient [w1 b1 w2 b2]. */
void tessera_synthesis_backward(const float *features, long batch, long pixels, const float *w1,
                                const float *b1, const float *w2, const float *output_gradient,
                                float *feature_gradient, float *weight_gradient, int threads)
{
    const long step = CHUNK * LANES, chunks = (pixels + step - 1) / step;
    float (*partial)[SYNTHESIS_WEIGHTS] = calloc(threads, sizeof *partial);
    /* One share per thread, whether or not OpenMP grants that many threads, so
     * that the sums never depend on scheduling. */
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int share = 0; share < threads; share++) {
        vec total[SYNTHESIS_WEIGHTS];
        vec x[CHUNK * FEATURES], gradient[CHUNK * COLOURS], x_gradient[CHUNK * FEATURES];
        memset(total, 0, sizeof total);
        const long begin = batch * chunks * share / threads;
        const long end = batch * chunks * (share + 1) / threads;
        for (long n = begin; n < end; n++) {
            long item = n / chunks, first = n % chunks * step;
            long count = pixels - first < step ? pixels - first : step;
            load_planes(x, features + item * FEATURES * pixels, FEATURES, pixels, first, count);
            load_planes(gradient, output_gradient + item * COLOURS * pixels, COLOURS, pixels, first,
                        count);
            synthesis_backward_chunk(x, gradient, x_gradient, w1, b1, w2, total);
            float *target = feature_gradient + item * FEATURES * pixels + first;
            for (int i = 0; i < FEATURES; i++)
                for (long g = 0; g * LANES < count; g++)
                    store_some(target + i * pixels + g * LANES, x_gradient[g * FEATURES + i],
                               count - g * LANES);
        }
        for (int i = 0; i < SYNTHESIS_WEIGHTS; i++) partial[share][i] = lane_sum(total[i]);
    }
    memset(weight_gradient, 0, SYNTHESIS_WEIGHTS * sizeof(float));
    for (int share = 0; share < threads; share++)
        for (int i = 0; i < SYNTHESIS_WEIGHTS; i++) weight_gradient[i] += partial[share][i];
    free(partial);
}

/* output[o][y][x] = bias[o] + sum of weight[o][i][r][c] source[i][y + r][x + c]
 * for an output of height x width; source rows are `stride` floats apart. */
static void convolve(const float *source, long stride, long source_plane, const float *weight,
                     const float *bias, int rectify, float *output, long height, long width)
{
    for (long y = 0; y < height; y++)
        for (long x = 0; x < width; x += LANES) {
            long count = width - x;
            vec s0 = splat(bias ? bias[0] : 0), s1 = splat(bias ? bias[1] : 0),
                s2 = splat(bias ? bias[2] : 0);
#pragma GCC unroll 9
            for (int t = 0; t < 9; t++) {
                const float *tap = source + (y + t / 3) * stride + x + t % 3;
#pragma GCC unroll 3
                for (int i = 0; i < 3; i++) {
                    vec value = load_some(tap + i * source_plane, count);
                    s0 += value * weight[i * 9 + t];
                    s1 += value * weight[27 + i * 9 + t];
                    s2 += value * weight[54 + i * 9 + t];
                }
            }
            float *target = output + y * width + x;
            store_some(target, rectify ? relu(s0) : s0, count);
            store_some(target + height * width, rectify ? relu(s1) : s1, count);
            store_some(target + 2 * height * width, rectify ? relu(s2) : s2, count);
        }
}

/* x [batch, 3, height, width] -> output [batch, 3, height - 2, width - 2]. */
void tessera_convolution_forward(const float *x, long batch, long height, long width,
                                 const float *w, const float *b, int rectify, float *output,
                                 int threads)
{
    float weight[81];
    memcpy(weight, w, sizeof weight);
    for (int c = 0; c < 3; c++) weight[c * 27 + c * 9 + 4] += 1;  /* the residual */
#pragma omp parallel for num_threads(threads)
    for (long item = 0; item < batch; item++)
        convolve(x + item * 3 * height * width, width, height * width, weight, b, rectify,
                 output + item * 3 * (height - 2) * (width - 2), height - 2, width - 2);
}

/* total[o][i][tap] and total[81 + o]: sums over one item of the output gradient
 * (padded rows, see below) times the input under each tap. */
static void convolution_weight_gradient(const float *x, long height, long width,
                                        const float *gradient, long stride, long plane, vec *total)
{
    for (int i = 0; i < 3; i++)
        for (long y = 0; y < height - 2; y++) {
            const float *g = gradient + y * stride, *source = x + (i * height + y) * width;
#define EACH_TAP(M) M(0, 0) M(0, 1) M(0, 2) M(1, 0) M(1, 1) M(1, 2) M(2, 0) M(2, 1) M(2, 2)
#define TAP_START(r, c) vec s0##r##c = total[i * 9 + r * 3 + c], \
    s1##r##c = total[27 + i * 9 + r * 3 + c], s2##r##c = total[54 + i * 9 + r * 3 + c];
            EACH_TAP(TAP_START)
            for (long p = 0; p < width - 2; p += LANES) {
                vec g0 = load(g + p), g1 = load(g + plane + p), g2 = load(g + 2 * plane + p);
#define TAP_STEP(r, c) { \
    vec value = load_some(source + r * width + p + c, width - 2 - p); \
    s0##r##c += g0 * value; s1##r##c += g1 * value; s2##r##c += g2 * value; }
                EACH_TAP(TAP_STEP)
                if (i == 0) total[81] += g0, total[82] += g1, total[83] += g2;
            }
#define TAP_END(r, c) total[i * 9 + r * 3 + c] = s0##r##c; \
    total[27 + i * 9 + r * 3 + c] = s1##r##c; total[54 + i * 9 + r * 3 + c] = s2##r##c;
            EACH_TAP(TAP_END)
        }
}

/* output is the forward result when it was rectified, otherwise NULL;
 * weight_gradient is [w b]. */
void tessera_convolution_backward(const float *x, long batch, long height, long width,
                                  const float *w, const float *output,
                                  const float *output_gradient, float *x_gradient,
                                  float *weight_gradient, int threads)
{
    const long inner = (height - 2) * (width - 2), stride = round_up(width + 2) + LANES;
    const long plane = (height + 2) * stride;
    float mirrored[81];
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < 3; i++)
            for (int t = 0; t < 9; t++)
                mirrored[i * 27 + o * 9 + 8 - t] = w[o * 27 + i * 9 + t] + (o == i && t == 4);
    float (*partial)[CONVOLUTION_WEIGHTS] = malloc(batch * sizeof *partial);
#pragma omp parallel for num_threads(threads)
    for (long item = 0; item < batch; item++) {
        static __thread float *memory;
        static __thread size_t memory_size;
        /* Output gradient with two zeros all around, and zeros up to the stride. */
        float *padded = scratch(&memory, &memory_size, 3 * plane);
        memset(padded, 0, 3 * plane * sizeof(float));
        for (int c = 0; c < 3; c++)
            for (long y = 0; y < height - 2; y++) {
                long start = (item * 3 + c) * inner + y * (width - 2);
                float *target = padded + c * plane + (y + 2) * stride + 2;
                for (long p = 0; p < width - 2; p++)
                    target[p] = !output || output[start + p] > 0 ? output_gradient[start + p] : 0;
            }
        convolve(padded, stride, plane, mirrored, NULL, 0, x_gradient + item * 3 * height * width,
                 height, width);
        vec total[CONVOLUTION_WEIGHTS];
        memset(total, 0, sizeof total);
        convolution_weight_gradient(x + item * 3 * height * width, height, width,
                                    padded + 2 * stride + 2, stride, plane, total);
        for (int i = 0; i < CONVOLUTION_WEIGHTS; i++) partial[item][i] = lane_sum(total[i]);
    }
    memset(weight_gradient, 0, CONVOLUTION_WEIGHTS * sizeof(float));
    for (long item = 0; item < batch; item++)
        for (int i = 0; i < CONVOLUTION_WEIGHTS; i++) weight_gradient[i] += partial[item][i];
    free(partial);
}
