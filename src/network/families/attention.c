/* One layer of self-attention, with any kernel.
   Sources: Ormaniec, Dangel & Singh, arXiv:2410.10986; Song et al., arXiv:2411.07538.
 */
#include "network/families/family.h"

#include <math.h>

static hesse_affine map_of(const hesse_builder *b, int in, int out, hesse_role role)
{
    const double own = b->arch->deviation;
    return (hesse_affine){.out = out,
                          .in_first = true,
                          .role = role,
                          .init = {.spread = own > 0 ? own : 1 / sqrt(in)}};
}

static void build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    const hesse_attention *t = &a->attention;
    const double root = t->temperature > 0 ? t->temperature : sqrt(t->size);
    const hesse_stream x = hesse_build_numbers(b);
    const int in = x.width;
    const hesse_stream q = hesse_build_linear(
        b, x, map_of(b, in, t->heads * t->size, HESSE_ROLE_QUERY), "query");
    const hesse_stream k = hesse_build_linear(
        b, x, map_of(b, in, t->heads * t->size, HESSE_ROLE_KEY), "key");
    hesse_stream y, v;
    if (t->identity) {
        y = hesse_build_weights(b, q, k, 1 / root);
    } else {
        v = hesse_build_linear(
            b, x, map_of(b, in, t->heads * t->value_size, HESSE_ROLE_VALUE), "value");
        y = hesse_build_mix(b, hesse_build_weights(b, q, k, 1 / root), v);
    }
    if (t->output)
        y = hesse_build_linear(
            b, y, map_of(b, y.width, a->data.outputs, HESSE_ROLE_OUTPUT), "output");
    hesse_build_loss(b, y);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    const hesse_size_limit own[] = {{"heads", t->heads, 0},
                                    {"head size", t->size, 0},
                                    {"value_size", t->value_size, 0}};
    const hesse_status s = hesse_check_sizes(sizeof own / sizeof *own, own, why);
    if (s || t->output || t->identity || t->heads * t->value_size == a->data.outputs)
        return s;
    return hesse_fail(why, HESSE_E_JOB,
                      "model: %d heads with values of %d numbers give %d, and the data "
                      "want %d; an output matrix brings them to any number",
                      t->heads, t->value_size, t->heads * t->value_size,
                      a->data.outputs);
}

static const hesse_owned_key keys[] = {{"heads", "2"},        {"head_size", NULL},
                                       {"width", "32"},       {"temperature", NULL},
                                       {"attention", "full"}, {"kernel", "softmax"},
                                       {"value_size", NULL},  {"values", "learned"},
                                       {"output", "false"},   {"loss", "squared_error"},
                                       {"deviation", NULL},   {NULL, NULL}};

const hesse_family hesse_family_attention = {
    .name = "attention",
    .help = "One layer of self-attention, as theory studies it.",
    .reads = HESSE_READS_NUMBERS,
    .per_token = true,
    .keys = keys,
    .check = check,
    .build = build,
};
