/* Code length of a latent grid under the causal context model, with gradients.
 *
 * One pass computes the bits and, when asked, the gradient of each item's total
 * with respect to the latent and every weight.  Sixteen neighbouring positions
 * of a row (a group) are processed at a time, one per SIMD lane, so that every
 * layer is a sequence of "lane vector times broadcast weight" operations.
 */
#include "native_common.h"

#define TAPS 16
#define WEIGHT_COUNT (2 * (256 + 16) + 32 + 2)
#define LARGEST_SYMBOL 127.0f
#define LOWEST_LOG_SCALE -3.0f
#define HIGHEST_LOG_SCALE 5.0f
#define PROBABILITY_FLOOR 0x1p-15f
/* Groups whose activations are kept until their weight gradients are formed:
 * enough to amortise the accumulator traffic, few enough for the first cache. */
#define BATCHED_GROUPS 8

static const int tap_row[TAPS] = {-3, -3, -2, -2, -2, -2, -2, -1, -1, -1, -1, -1, -1, 0, 0, 0};
static const int tap_column[TAPS] = {0, 1, -2, -1, 0, 1, 2, -3, -2, -1, 0, 1, 2, -3, -2, -1};

/* Weights in both orders.  The skip connection of each hidden layer is folded in
 * as an added identity, which leaves the weight gradients unchanged. */
typedef struct {
    float forward1[256], forward2[256];    /* [input][output] */
    float backward1[256], backward2[256];  /* [output][input] */
    float bias1[16], bias2[16];
    float output_weight[32], output_bias[2];
} model;

/* Activations and their gradients for one group of 16 positions. */
typedef struct {
    vec context[16], hidden1[16], hidden2[16];
    vec gradient1[16], gradient2[16];  /* with respect to the layer sums */
    vec output_gradient[2];
} group;

/* Sums over positions, still separate for each lane. */
typedef struct {
    vec weight1[256], bias1[16], weight2[256], bias2[16], output_weight[32], output_bias[2];
} lane_totals;

static void prepare_model(model *m, const float *w1, const float *b1, const float *w2,
                          const float *b2, const float *w3, const float *b3, float offset)
{
    for (int o = 0; o < 16; o++)
        for (int i = 0; i < 16; i++) {
            float identity = o == i;
            m->forward1[i * 16 + o] = m->backward1[o * 16 + i] = w1[o * 16 + i] + identity;
            m->forward2[i * 16 + o] = m->backward2[o * 16 + i] = w2[o * 16 + i] + identity;
        }
    memcpy(m->bias1, b1, sizeof m->bias1);
    memcpy(m->bias2, b2, sizeof m->bias2);
    memcpy(m->output_weight, w3, sizeof m->output_weight);
    m->output_bias[0] = b3[0];
    m->output_bias[1] = b3[1] + offset;
}

/* exp(x), relative error about 1e-7; underflows to about 1e-38. */
static inline vec exponential(vec x)
{
    vec t = x * 1.44269504f;
    t = clamp(t, -126.0f, 126.0f);
    /* Truncation of a positive number is the floor; the offset makes it positive. */
    ivec n = __builtin_convertvector(t + 128.5f, ivec) - 128;
    vec r = (t - __builtin_convertvector(n, vec)) * 0.693147181f;
    vec e = 1.0f / 5040 * r + 1.0f / 720;
    e = e * r + 1.0f / 120;
    e = e * r + 1.0f / 24;
    e = e * r + 1.0f / 6;
    e = e * r + 0.5f;
    e = e * r + 1.0f;
    e = e * r + 1.0f;
    return (vec)((ivec)e + (n << 23));
}

/* log2 of a positive normal number, through the series of the inverse
 * hyperbolic tangent around 1. */
static inline vec logarithm2(vec x)
{
    /* Exponent chosen so that the mantissa lies in [sqrt(1/2), sqrt(2)). */
    ivec n = ((ivec)x - 0x3f3504f3) >> 23;
    vec m = (vec)((ivec)x - (n << 23));
    vec z = (m - 1.0f) / (m + 1.0f), z2 = z * z;
    vec s = 1.0f / 9 * z2 + 1.0f / 7;
    s = s * z2 + 1.0f / 5;
    s = s * z2 + 1.0f / 3;
    s = s * z2 + 1.0f;
    return 2.88539008f * z * s + __builtin_convertvector(n, vec);
}

/* Bits of `symbol` and their derivatives by the raw location and log scale.
 *
 * With near = exp(-|d - 1/2| / b) and far = exp(-(d + 1/2) / b) the mass has one
 * form outside the central bin and another inside, but both have the same
 * derivatives by d and by log b. */
static inline vec laplace_bits(vec symbol, vec location, vec raw_log_scale,
                               vec *location_gradient, vec *log_scale_gradient)
{
    vec log_scale = clamp(raw_log_scale, LOWEST_LOG_SCALE, HIGHEST_LOG_SCALE);
    vec inverse_scale = exponential(-log_scale);
    vec difference = symbol - clamp(location, -LARGEST_SYMBOL, LARGEST_SYMBOL);
    ivec sign = (ivec)difference & (int32_t)0x80000000;
    vec distance = (vec)((ivec)difference ^ sign);
    vec inner = distance - 0.5f, outer = distance + 0.5f;
    vec near = exponential((vec)((ivec)inner | (int32_t)0x80000000) * inverse_scale);
    vec far = exponential(-outer * inverse_scale);
    vec mass = choose(distance >= 0.5f, 0.5f * (near - far), 1.0f - 0.5f * (near + far));
    vec probability = mass + PROBABILITY_FLOOR;
    if (location_gradient) {
        vec common = 0.721347520f * inverse_scale / probability;  /* 1 / (2 ln 2 b p) */
        /* bits fall when the location approaches the symbol */
        *location_gradient = (vec)((ivec)((far - near) * common) ^ sign);
        vec by_log_scale = (outer * far - inner * near) * common;
        /* A clamped log scale learns only from gradients that bring it back. */
        ivec blocked = ((raw_log_scale < LOWEST_LOG_SCALE) & (by_log_scale > 0))
                     | ((raw_log_scale > HIGHEST_LOG_SCALE) & (by_log_scale < 0));
        *log_scale_gradient = (vec)((ivec)by_log_scale & ~blocked);
    }
    return -logarithm2(probability);
}

/* output[o] = bias[o] + sum over i of weight[i][o] input[i], sixteen by sixteen. */
#define START(o) vec sum##o = splat(bias ? bias[o] : 0);
#define STEP(o) sum##o += x * row[o];
#define RELU(o) output[o] = relu(sum##o);
#define GATE(o) output[o] = where_positive(gate[o], sum##o);
#define KEEP(o) store(rows + (o) * stride, sum##o);
#define MULTIPLY \
    EACH16(START) \
    for (int i = 0; i < 16; i++) { \
        vec x = input[i]; \
        const float *row = weight + i * 16; \
        EACH16(STEP) \
    }

static inline void layer_relu(vec *output, const vec *input, const float *weight, const float *bias)
{
    MULTIPLY
    EACH16(RELU)
}

static inline void layer_backward(vec *output, const vec *input, const float *weight, const vec *gate)
{
    const float *bias = NULL;
    MULTIPLY
    EACH16(GATE)
}

static inline void layer_backward_rows(float *rows, long stride, const vec *input, const float *weight)
{
    const float *bias = NULL;
    MULTIPLY
    EACH16(KEEP)
}

/* total[o][i] += sum over groups of left[o] right[i], in tiles of 4 by 4 that
 * fit the registers.  `left` and `right` point into the first group. */
static void add_outer_products(vec *total, const vec *left, const vec *right, int groups)
{
    const long stride = sizeof(group) / sizeof(vec);
#define EACH_TILE(M) M(0, 0) M(0, 1) M(0, 2) M(0, 3) M(1, 0) M(1, 1) M(1, 2) M(1, 3) \
    M(2, 0) M(2, 1) M(2, 2) M(2, 3) M(3, 0) M(3, 1) M(3, 2) M(3, 3)
#define TILE_START(a, b) vec sum##a##b = t[(a) * 16 + b];
#define TILE_STEP(a, b) sum##a##b += l##a * r##b;
#define TILE_END(a, b) t[(a) * 16 + b] = sum##a##b;
    for (int o = 0; o < 16; o += 4)
        for (int i = 0; i < 16; i += 4) {
            vec *t = total + o * 16 + i;
            const vec *l = left + o, *r = right + i;
            EACH_TILE(TILE_START)
            for (int g = 0; g < groups; g++, l += stride, r += stride) {
                vec l0 = l[0], l1 = l[1], l2 = l[2], l3 = l[3];
                vec r0 = r[0], r1 = r[1], r2 = r[2], r3 = r[3];
                EACH_TILE(TILE_STEP)
            }
            EACH_TILE(TILE_END)
        }
}

static void add_weight_gradients(lane_totals *total, const group *groups, int count)
{
    add_outer_products(total->weight1, groups->gradient1, groups->context, count);
    add_outer_products(total->weight2, groups->gradient2, groups->hidden1, count);
    for (int o = 0; o < 16; o++) {
        vec bias1 = {0}, bias2 = {0}, location = {0}, scale = {0};
        for (int g = 0; g < count; g++) {
            bias1 += groups[g].gradient1[o];
            bias2 += groups[g].gradient2[o];
            location += groups[g].output_gradient[0] * groups[g].hidden2[o];
            scale += groups[g].output_gradient[1] * groups[g].hidden2[o];
        }
        total->bias1[o] += bias1;
        total->bias2[o] += bias2;
        total->output_weight[o] += location;
        total->output_weight[16 + o] += scale;
    }
    for (int g = 0; g < count; g++) {
        total->output_bias[0] += groups[g].output_gradient[0];
        total->output_bias[1] += groups[g].output_gradient[1];
    }
}

/* Adds one row of tap gradients (tap-major, `stride` apart, zero margins) to the
 * four rows of the latent that they come from; target row 3 is the row itself.
 * Written as a gather: overlapping read-modify-writes would stall. */
static void add_tap_gradients(float *target, long target_stride, const float *taps,
                              long stride, long width)
{
    for (long x = 0; x < width; x += LANES)
        for (int first = 0, next; first < TAPS; first = next) {
            vec sum = {0};
            for (next = first; next < TAPS && tap_row[next] == tap_row[first]; next++)
                sum += load(taps + next * stride + x - tap_column[next]);
            float *cell = target + (3 + tap_row[first]) * target_stride + x;
            store(cell, load(cell) + sum);
        }
}

/* Rows [top, bottom) of one grid.  Returns their bits; fills map, the direct
 * symbol gradient, the context gradient (bottom - top + 3 rows from top - 3) and
 * the weight gradients where those pointers are given.  `importance`, if given,
 * multiplies the bits of every position, but not those in the map. */
static double process_band(const model *m, const float *latent, const float *importance,
                           long width, long top, long bottom, float *map, float *symbol_gradient, float *context_gradient,
                           float *weight_gradient)
{
    static __thread float *memory;
    static __thread size_t memory_size;
    const long padded = round_up(width), stride = padded + 2 * LANES, rows = bottom - top + 3;
    float *clamped = scratch(&memory, &memory_size, (rows + TAPS) * stride);
    float *tap_gradient = clamped + rows * stride;
    memset(clamped, 0, (rows + TAPS) * stride * sizeof(float));
    for (long y = 0; y < rows; y++)
        if (y + top >= 3)
            for (long x = 0; x < width; x++) {
                float value = latent[(y + top - 3) * width + x];
                value = value < -LARGEST_SYMBOL ? -LARGEST_SYMBOL : value;
                clamped[y * stride + LANES + x] = value > LARGEST_SYMBOL ? LARGEST_SYMBOL : value;
            }
    lane_totals totals;
    group groups[BATCHED_GROUPS];
    int pending = 0;
    const int learn = weight_gradient != NULL;
    const ivec lane_number = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    if (learn) {
        memset(&totals, 0, sizeof totals);
        memset(context_gradient, 0, rows * padded * sizeof(float));
    }
    double bits = 0;
    for (long y = top; y < bottom; y++) {
        vec row_bits = {0};
        for (long x = 0; x < width; x += LANES) {
            const float *centre = clamped + (y - top + 3) * stride + LANES + x;
            group *g = &groups[pending];
            for (int k = 0; k < TAPS; k++)
                g->context[k] = load(centre + tap_row[k] * stride + tap_column[k]);
            layer_relu(g->hidden1, g->context, m->forward1, m->bias1);
            layer_relu(g->hidden2, g->hidden1, m->forward2, m->bias2);
            vec location = splat(m->output_bias[0]), log_scale = splat(m->output_bias[1]);
            vec location2 = {0}, log_scale2 = {0};
            for (int i = 0; i < 16; i += 2) {
                location += m->output_weight[i] * g->hidden2[i];
                log_scale += m->output_weight[16 + i] * g->hidden2[i];
                location2 += m->output_weight[i + 1] * g->hidden2[i + 1];
                log_scale2 += m->output_weight[17 + i] * g->hidden2[i + 1];
            }
            location += location2;
            log_scale += log_scale2;
            ivec valid = lane_number < (int32_t)(width - x);
            vec symbol = load_some(latent + y * width + x, width - x);
            vec by_location = {0}, by_scale = {0};
            vec cost = laplace_bits(symbol, location, log_scale,
                                    learn ? &by_location : NULL, &by_scale);
            vec counted = cost;
            if (importance) {
                vec factor = load_some(importance + y * width + x, width - x);
                counted *= factor;
                by_location *= factor;
                by_scale *= factor;
            }
            row_bits += (vec)((ivec)counted & valid);
            if (map) store_some(map + y * width + x, cost, width - x);
            if (!learn) continue;
            by_location = g->output_gradient[0] = (vec)((ivec)by_location & valid);
            by_scale = g->output_gradient[1] = (vec)((ivec)by_scale & valid);
            store_some(symbol_gradient + y * width + x, -by_location, width - x);
            for (int i = 0; i < 16; i++)
                g->gradient2[i] = where_positive(g->hidden2[i],
                    m->output_weight[i] * by_location + m->output_weight[16 + i] * by_scale);
            layer_backward(g->gradient1, g->gradient2, m->backward2, g->hidden1);
            layer_backward_rows(tap_gradient + LANES + x, stride, g->gradient1, m->backward1);
            if (++pending == BATCHED_GROUPS) {
                add_weight_gradients(&totals, groups, pending);
                pending = 0;
            }
        }
        bits += lane_sum(row_bits);
        if (learn)
            add_tap_gradients(context_gradient + (y - top) * padded, padded,
                              tap_gradient + LANES, stride, width);
    }
    if (learn) {
        if (pending) add_weight_gradients(&totals, groups, pending);
        const vec *total = (const vec *)&totals;
        for (int i = 0; i < WEIGHT_COUNT; i++) weight_gradient[i] = lane_sum(total[i]);
    }
    return bits;
}

/* latent and importance (or NULL) [batch, height, width] -> bits [batch]; optionally map (same shape as
 * latent), and latent_gradient (same shape) with weight_gradient
 * [batch, w1 b1 w2 b2 w3 b3] for an upstream gradient of one. */
void tessera_context_bits(const float *latent, const float *importance, long batch, long height, long width,
                          const float *w1, const float *b1, const float *w2, const float *b2,
                          const float *w3, const float *b3, float log_scale_offset,
                          float *bits, float *map, float *latent_gradient,
                          float *weight_gradient, int threads)
{
    model m;
    prepare_model(&m, w1, b1, w2, b2, w3, b3, log_scale_offset);
    /* Bands of at least four rows overlap only their upper neighbour's context. */
    long bands = threads == 1 ? 1 : (4 * threads + batch - 1) / batch;
    if (bands > height / 4) bands = height / 4 ? height / 4 : 1;
    const long tasks = batch * bands, padded = round_up(width);
    const long longest = (height + bands - 1) / bands + 3, plane = longest * padded;
    static __thread float *memory;
    static __thread size_t memory_size;
    float *context = NULL;
    if (latent_gradient) context = scratch(&memory, &memory_size, tasks * (plane + WEIGHT_COUNT));
    float *weights = context ? context + tasks * plane : NULL;
    double *cost = malloc(tasks * sizeof(double));
#define BAND_START(band) ((band) * height / bands)
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (long task = 0; task < tasks; task++) {
        long item = task / bands, band = task % bands, start = item * height * width;
        cost[task] = process_band(
            &m, latent + start, importance ? importance + start : NULL, width, BAND_START(band), BAND_START(band + 1),
            map ? map + start : NULL, context ? latent_gradient + start : NULL,
            context ? context + task * plane : NULL,
            context ? weights + task * WEIGHT_COUNT : NULL);
    }
    for (long item = 0; item < batch; item++) {
        double sum = 0;
        for (long band = 0; band < bands; band++) sum += cost[item * bands + band];
        bits[item] = sum;
    }
    free(cost);
    if (!context) return;
    memset(weight_gradient, 0, batch * WEIGHT_COUNT * sizeof(float));
    for (long task = 0; task < tasks; task++)
        for (int i = 0; i < WEIGHT_COUNT; i++)
            weight_gradient[task / bands * WEIGHT_COUNT + i] += weights[task * WEIGHT_COUNT + i];
    /* Each row's context gradient: from its own band and, near the end of the
     * band, from the three halo rows of the next one. */
#pragma omp parallel for num_threads(threads)
    for (long task = 0; task < tasks; task++) {
        long item = task / bands, band = task % bands;
        long top = BAND_START(band), bottom = BAND_START(band + 1);
        for (long y = top; y < bottom; y++) {
            const float *own = context + task * plane + (y - top + 3) * padded;
            const float *halo = band + 1 < bands && y >= bottom - 3
                ? context + (task + 1) * plane + (y - bottom + 3) * padded : NULL;
            const float *value = latent + (item * height + y) * width;
            float *target = latent_gradient + (item * height + y) * width;
            for (long x = 0; x < width; x++) {
                float sum = own[x] + (halo ? halo[x] : 0);
                target[x] += value[x] >= -LARGEST_SYMBOL && value[x] <= LARGEST_SYMBOL ? sum : 0;
            }
        }
    }
}
