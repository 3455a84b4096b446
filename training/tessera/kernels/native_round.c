/* Soft rounding twice with noise between, the training stand-in for rounding, and its derivative.
 *
 * Plain loops: the compiler takes floorf, tanhf and powf from libmvec, sixteen at a time.
 */
#include <math.h>
#include "native_common.h"

void tessera_noisy_round(const float *restrict values, const float *restrict uniform, long count,
                         float temperature, float shape, float *restrict out,
                         float *restrict derivative, int threads)
{
    const float inverse = 1 / temperature, scale = 0.5f / tanhf(0.5f * inverse);
    const float second = 1 / ((powf(2, shape) * (shape - 1) + 1) / shape), first = 1 / shape;
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (long i = 0; i < count; i++) {
        float centre = floorf(values[i]) + 0.5f;
        float slope = tanhf((values[i] - centre) * inverse);
        float once = centre + scale * slope;
        float gradient = scale * inverse * (1 - slope * slope);
        float rest = fmaxf(1 - uniform[i], 1e-7f);
        once += powf(1 - powf(rest, second), first) - 0.5f;
        centre = floorf(once) + 0.5f;
        slope = tanhf((once - centre) * inverse);
        out[i] = centre + scale * slope;
        derivative[i] = gradient * scale * inverse * (1 - slope * slope);
    }
}
