/** Small GPT-2 and Llama models at reproducible parameters; together they have every
 *  operator of transformers. */
#ifndef HESSE_TEST_TRANSFORMERS_H
#define HESSE_TEST_TRANSFORMERS_H

#include "base/memory.h"
#include "check.h"
#include "network/families/families.h"
#include "network/sweep.h"

#include <stdlib.h>

static const hesse_arch tiny_gpt2 = {
    .family = "gpt2",
    .layers = 2,
    .width = 6,
    .inner = 8,
    .vocabulary = 7,
    .positions = 5,
    .attention = {.heads = 2, .kv_heads = 2, .size = 3},
    .activation = HESSE_ACT_GELU_TANH,
    .norm_eps = 1e-5,
    .tied = true,
    .attention_bias = true,
    .mlp_bias = true,
    .layout = {.prefix = "transformer."}};

static const hesse_arch tiny_llama = {
    .family = "llama",
    .layers = 1,
    .width = 6,
    .inner = 5,
    .vocabulary = 7,
    .positions = 5,
    .attention = {.heads = 2, .kv_heads = 1, .size = 4, .rope_theta = 100},
    .activation = HESSE_ACT_SILU,
    .norm_eps = 1e-5,
    .layout = {.prefix = "model."}};

/** Three sequences of five tokens, one of them without a target. */
static const int tiny_input[] = {1, 5, 2, 2, 0, 6, 3, 1, 4, 4, 0, 2, 6, 5, 1};
static const int tiny_target[] = {5, 2, 2, 0, 3, 3, 1, -100, 4, 2, 2, 6, 5, 1, 0};
static const hesse_batch tiny_batch = {.sequences = 3,
                                       .context = 5,
                                       .input = (int *)tiny_input,
                                       .target = (int *)tiny_target,
                                       .labels = 5};

typedef struct transformer {
    hesse_params params;
    hesse_tape *tape;
    double *theta, *gradient;
    double loss;
} transformer;

/** A transformer, its tape run once. */
static inline void transformer_new(transformer *m, const hesse_arch *arch)
{
    hesse_why why;
    uint64_t seed = 5;
    assert_int_equal(hesse_params_new(arch, &m->params, &why), HESSE_OK);
    assert_int_equal(hesse_family_build_tape(arch, &tiny_batch, NULL,
                                             &(hesse_weighting){.scale = 1}, &m->tape,
                                             &why),
                     HESSE_OK);
    assert_true(hesse_tape_freeze(m->tape));
    m->theta = hesse_alloc(m->params.size);
    m->gradient = hesse_alloc(m->params.size);
    assert_true(m->theta && m->gradient);
    for (size_t i = 0; i < m->params.size; i++) m->theta[i] = 0.6 * uniform(&seed);
    m->loss = hesse_tape_run(m->tape, m->theta, m->gradient);
}

static inline void transformer_free(transformer *m)
{
    hesse_tape_free(m->tape);
    hesse_params_free(&m->params);
    free(m->theta);
    free(m->gradient);
}

/** The share of some kinds in the whole Hessian, n x n, by dense directions. */
static inline double *transformer_share(const transformer *m, hesse_kinds kinds)
{
    const int n = (int)m->params.size, count = m->params.count, k = 16;
    double *h = hesse_alloc((size_t)n * n);
    real *v = hesse_alloc_real((size_t)n * k), *hv = hesse_alloc_real((size_t)n * k);
    bool *moves = hesse_calloc((size_t)count, sizeof *moves);
    hesse_rect *want = hesse_calloc((size_t)count, sizeof *want);
    hesse_sweep *s = hesse_sweep_new(m->tape, k, hesse_pace_of_panels);
    for (int p = 0; p < count; p++) {
        moves[p] = true;
        want[p] = (hesse_rect){0, m->params.list[p].rows, 0, m->params.list[p].cols};
    }
    assert_true(hesse_sweep_plan(s, moves, want));
    for (int first = 0; first < n; first += k) {
        const int w = n - first < k ? n - first : k;
        for (int i = 0; i < n * k; i++) v[i] = 0;
        for (int j = 0; j < w; j++) v[(first + j) * w + j] = 1;
        hesse_sweep_run(s, &(hesse_directions){.k = w, .v = v}, 0, m->tape->sequences,
                        1, &kinds, &hv);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < w; j++) h[(size_t)i * n + first + j] = hv[i * w + j];
    }
    hesse_sweep_free(s);
    free(want);
    free(moves);
    free(hv);
    free(v);
    return h;
}

#endif /* HESSE_TEST_TRANSFORMERS_H */
