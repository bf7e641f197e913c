#include "data/mask_tokens.h"

#include "base/random.h"
#include "data/tokens.h"

#include <stdbool.h>

static const double usual_rate = 0.15, as_mask = 0.8, as_random = 0.9;

/* Three numbers of the stream for every token: whether, how and behind what. */
static void hide(const hesse_batch *b, int i, double rate, int mask, uint64_t seed)
{
    const uint64_t first = 3 * (uint64_t)i;
    const bool padding = b->seen && i % b->context >= b->seen[i];
    const bool chosen =
        !padding && hesse_uniform(seed, HESSE_RANDOM_MASK, first) < rate;
    const double how = hesse_uniform(seed, HESSE_RANDOM_MASK, first + 1);
    b->target[i] = chosen ? b->input[i] : HESSE_IGNORED;
    if (!chosen || how >= as_random) return;
    b->input[i] =
        how < as_mask
            ? mask
            : (int)(hesse_uniform(seed, HESSE_RANDOM_MASK, first + 2) * b->vocabulary);
}

hesse_status hesse_mask_tokens(hesse_batch *b, double rate, int mask, uint64_t seed,
                               hesse_why *why)
{
    if (rate == 0) rate = usual_rate;
    if (mask < 0) mask = b->classes;
    for (int i = 0; i < b->sequences * b->context; i++) hide(b, i, rate, mask, seed);
    if (mask >= b->vocabulary) b->vocabulary = mask + 1;
    if (mask >= b->classes) b->classes = mask + 1;
    if (hesse_batch_targets(b) > 0) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "of %d tokens none was hidden: take more of them, another "
                      "data.seed or a higher data.mask_rate",
                      b->sequences * b->context);
}
