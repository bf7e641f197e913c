/* Philox: a number is a function of its key and index, so ranks need not share a state.
   Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011). */
#include "base/random.h"

#include <math.h>

void hesse_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t bits[4])
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t k[2] = {key[0], key[1]};
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xD2511F53u * c[0],
                       b = (uint64_t)0xCD9E8D57u * c[2];
        const uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b,
                                  (uint32_t)(a >> 32) ^ c[3] ^ k[1], (uint32_t)a};
        for (int i = 0; i < 4; i++) c[i] = next[i];
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++) bits[i] = c[i];
}

/* Two uniform numbers in [0, 1) with 53 random bits each. */
static void pair(uint64_t seed, hesse_purpose purpose, uint64_t i, double u[2])
{
    const uint32_t counter[4] = {(uint32_t)i, (uint32_t)(i >> 32), (uint32_t)purpose,
                                 0};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t bits[4];
    hesse_philox(counter, key, bits);
    for (int j = 0; j < 2; j++)
        u[j] =
            (double)(((uint64_t)bits[2 * j] << 32 | bits[2 * j + 1]) >> 11) * 0x1p-53;
}

double hesse_uniform(uint64_t seed, hesse_purpose purpose, uint64_t i)
{
    double u[2];
    pair(seed, purpose, i, u);
    return u[0];
}

double hesse_normal(uint64_t seed, hesse_purpose purpose, uint64_t i)
{
    double u[2];
    pair(seed, purpose, i, u);
    return sqrt(-2 * log1p(-u[0])) * cos(2 * 3.14159265358979323846 * u[1]);
}
