/* Separable upsampling by two and separable smoothing, with gradients.
 *
 * Both filter along y first and along x second; the order does not change the
 * result, and along y the rows are the SIMD vectors.  The loops are plain C that
 * the compiler vectorises.
 */
#include "native_common.h"

/* Zeros on either side of a row, for the transposed filters. */
#define MARGIN 16

/* Upsampling kernel entry of tap j (input m + j) in the even and odd phase. */
static const int even_tap[4] = {1, 3, 2, 0}, odd_tap[4] = {0, 2, 3, 1};

static void add_taps(double *total, const float *sum, const int *entries, int taps)
{
    for (int j = 0; j < taps; j++) total[entries[j]] += sum[j];
}

static void combine4(float *restrict target, const float *a, const float *b, const float *c,
                     const float *d, const float *k, const int *tap, long count, int add)
{
    const float ka = k[tap[0]], kb = k[tap[1]], kc = k[tap[2]], kd = k[tap[3]];
    if (add)
        for (long x = 0; x < count; x++) target[x] += ka * a[x] + kb * b[x] + kc * c[x] + kd * d[x];
    else
        for (long x = 0; x < count; x++) target[x] = ka * a[x] + kb * b[x] + kc * c[x] + kd * d[x];
}

/* sum[j] = gradient . row[j] for four rows. */
static void products4(double *total, const float *gradient, const float *a, const float *b,
                      const float *c, const float *d, const int *tap, long count)
{
    float sum[4] = {0};
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (long x = 0; x < count; x++) {
        float g = gradient[x];
        s0 += g * a[x], s1 += g * b[x], s2 += g * c[x], s3 += g * d[x];
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2, sum[3] = s3;
    add_taps(total, sum, tap, 4);
}

/* Row r (of 2 height - 6) of the upsampling along y only. */
static void upsample_column_row(const float *x, long width, const float *k, long r, float *target)
{
    const float *row = x + r / 2 * width;
    combine4(target, row, row + width, row + 2 * width, row + 3 * width, k,
             r % 2 ? odd_tap : even_tap, width, 0);
}

/* x [planes, height, width] -> output [planes, 2 height - 6, 2 width - 6]. */
void tessera_upsample_forward(const float *x, long planes, long height, long width,
                              const float *k, float *output, int threads)
{
    const long rows = 2 * height - 6, half = width - 3;
    const float k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3];
#pragma omp parallel for num_threads(threads) collapse(2) schedule(static)
    for (long p = 0; p < planes; p++)
        for (long r = 0; r < rows; r++) {
            static __thread float *memory;
            static __thread size_t memory_size;
            float *t = scratch(&memory, &memory_size, width);
            float *restrict target = output + (p * rows + r) * 2 * half;
            upsample_column_row(x + p * height * width, width, k, r, t);
            for (long m = 0; m < half; m++) {
                float a = t[m], b = t[m + 1], c = t[m + 2], d = t[m + 3];
                target[2 * m] = k1 * a + k3 * b + k2 * c + k0 * d;
                target[2 * m + 1] = k0 * a + k2 * b + k3 * c + k1 * d;
            }
        }
}

/* x_gradient (same shape as x) and kernel_gradient [4]. */
void tessera_upsample_backward(const float *x, long planes, long height, long width,
                               const float *k, const float *output_gradient, float *x_gradient,
                               float *kernel_gradient, int threads)
{
    const long rows = 2 * height - 6, half = width - 3, padded = width + 2 * MARGIN;
    const float k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3];
    double total0 = 0, total1 = 0, total2 = 0, total3 = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total0, total1, total2, total3)
    for (long p = 0; p < planes; p++) {
        static __thread float *memory;
        static __thread size_t memory_size;
        float *even = scratch(&memory, &memory_size, 4 * padded);
        float *odd = even + padded, *t = odd + padded, *t_gradient = t + padded;
        memset(even, 0, 2 * padded * sizeof(float));
        even += MARGIN, odd += MARGIN;
        const float *plane = x + p * height * width;
        float *plane_gradient = x_gradient + p * height * width;
        memset(plane_gradient, 0, height * width * sizeof(float));
        double total[4] = {0};
        for (long r = 0; r < rows; r++) {
            const float *g = output_gradient + (p * rows + r) * 2 * half;
            for (long m = 0; m < half; m++) even[m] = g[2 * m], odd[m] = g[2 * m + 1];
            upsample_column_row(plane, width, k, r, t);
            products4(total, even, t, t + 1, t + 2, t + 3, even_tap, half);
            products4(total, odd, t, t + 1, t + 2, t + 3, odd_tap, half);
            for (long m = 0; m < width; m++)
                t_gradient[m] = k1 * even[m] + k3 * even[m - 1] + k2 * even[m - 2] + k0 * even[m - 3]
                              + k0 * odd[m] + k2 * odd[m - 1] + k3 * odd[m - 2] + k1 * odd[m - 3];
            const int *tap = r % 2 ? odd_tap : even_tap;
            const float *row = plane + r / 2 * width;
            products4(total, t_gradient, row, row + width, row + 2 * width, row + 3 * width, tap, width);
            for (int j = 0; j < 4; j++) {
                float weight = k[tap[j]], *restrict target = plane_gradient + (r / 2 + j) * width;
                for (long m = 0; m < width; m++) target[m] += weight * t_gradient[m];
            }
        }
        total0 += total[0], total1 += total[1], total2 += total[2], total3 += total[3];
    }
    kernel_gradient[0] = total0, kernel_gradient[1] = total1;
    kernel_gradient[2] = total2, kernel_gradient[3] = total3;
}

/* target[m] = (k3 k2 k1 k0 k1 k2 k3) applied to x[m + 0 .. m + 6 steps]. */
static void smooth_row(float *restrict target, const float *x, long step, const float *k, long count)
{
    const float k0 = k[0], k1 = k[1], k2 = k[2], k3 = k[3];
    for (long m = 0; m < count; m++)
        target[m] = k0 * x[m + 3 * step] + k1 * (x[m + 2 * step] + x[m + 4 * step])
                  + k2 * (x[m + step] + x[m + 5 * step]) + k3 * (x[m] + x[m + 6 * step]);
}

static void smooth_products(double *total, const float *gradient, const float *x, long step, long count)
{
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (long m = 0; m < count; m++) {
        float g = gradient[m];
        s0 += g * x[m + 3 * step];
        s1 += g * (x[m + 2 * step] + x[m + 4 * step]);
        s2 += g * (x[m + step] + x[m + 5 * step]);
        s3 += g * (x[m] + x[m + 6 * step]);
    }
    total[0] += s0, total[1] += s1, total[2] += s2, total[3] += s3;
}

/* x [planes, height, width] -> output [planes, height - 6, width - 6]. */
void tessera_smooth_forward(const float *x, long planes, long height, long width, const float *k,
                            float *output, int threads)
{
    const long rows = height - 6, columns = width - 6;
#pragma omp parallel for num_threads(threads) collapse(2) schedule(static)
    for (long p = 0; p < planes; p++)
        for (long r = 0; r < rows; r++) {
            static __thread float *memory;
            static __thread size_t memory_size;
            float *t = scratch(&memory, &memory_size, width);
            const float *source = x + (p * height + r) * width;
            float *restrict target = output + (p * rows + r) * columns;
            smooth_row(t, source, width, k, width);
            smooth_row(target, t, 1, k, columns);
            for (long m = 0; m < columns; m++) target[m] += source[3 * width + m + 3];
        }
}

/* x_gradient (same shape as x) and kernel_gradient [4]. */
void tessera_smooth_backward(const float *x, long planes, long height, long width, const float *k,
                             const float *output_gradient, float *x_gradient,
                             float *kernel_gradient, int threads)
{
    const long rows = height - 6, columns = width - 6, padded = width + 2 * MARGIN;
    double total0 = 0, total1 = 0, total2 = 0, total3 = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : total0, total1, total2, total3)
    for (long p = 0; p < planes; p++) {
        static __thread float *memory;
        static __thread size_t memory_size;
        /* A ring would do, but a plane of t gradients with six zero rows on either
         * side lets the transposed filter along y be the forward one. */
        float *g = scratch(&memory, &memory_size, 2 * padded + (height + 6) * width);
        float *t = g + padded, *t_gradient = t + padded;
        memset(g, 0, padded * sizeof(float));
        memset(t_gradient, 0, 6 * width * sizeof(float));
        memset(t_gradient + height * width, 0, 6 * width * sizeof(float));
        const float *plane = x + p * height * width;
        const float *gradient = output_gradient + p * rows * columns;
        double total[4] = {0};
        for (long r = 0; r < rows; r++) {
            const float *source = plane + r * width;
            float *t_row = t_gradient + (r + 6) * width;
            memcpy(g + 6, gradient + r * columns, columns * sizeof(float));
            smooth_row(t, source, width, k, width);
            smooth_products(total, g + 6, t, 1, columns);
            smooth_row(t_row, g, 1, k, width);
            smooth_products(total, t_row, source, width, width);
        }
        for (long y = 0; y < height; y++) {
            float *restrict target = x_gradient + (p * height + y) * width;
            smooth_row(target, t_gradient + y * width, width, k, width);
            if (y >= 3 && y < height - 3)
                for (long m = 0; m < columns; m++)
                    target[m + 3] += gradient[(y - 3) * columns + m];
        }
        total0 += total[0], total1 += total[1], total2 += total[2], total3 += total[3];
    }
    kernel_gradient[0] = total0, kernel_gradient[1] = total1;
    kernel_gradient[2] = total2, kernel_gradient[3] = total3;
}
