/* Every token has three numbers of the stream. They decide if it is masked, in which
   way, and by which id. */
#include "data/mask_tokens.h"

#include "base/random.h"

static const double usual_rate = 0.15, as_mask = 0.8, as_random = 0.9;

static void mask_token(const hesse_batch *b, int i, double rate, int mask,
                       uint64_t seed)
{
    const uint64_t first = 3 * (uint64_t)i;
    const bool padding = b->end && i % b->context >= b->end[i];
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

hesse_status hesse_mask_tokens(const hesse_data_options *options,
                               const hesse_data_needs *needs, hesse_batch *b,
                               hesse_why *why)
{
    const double rate = options->mask_rate != 0 ? options->mask_rate : usual_rate;
    const int mask = options->mask_id ? *options->mask_id : b->classes;
    const int tokens = b->sequences * b->context;
    for (int i = 0; i < tokens; i++) mask_token(b, i, rate, mask, options->seed);
    if (mask >= b->vocabulary) b->vocabulary = mask + 1;
    if (mask >= b->classes) b->classes = mask + 1;
    if (hesse_batch_targets(b) == 0)
        return hesse_fail(why, HESSE_E_JOB,
                          "none of %d tokens was masked: take more of them, another "
                          "seed or a higher mask rate",
                          tokens);
    if (!needs->vocabulary || b->vocabulary <= needs->vocabulary) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "the id of masked tokens is %d, expected an id of the model's "
                      "vocabulary of %d",
                      b->vocabulary - 1, needs->vocabulary);
}
