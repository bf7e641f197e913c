/* A multilayer perceptron, its layers named "layers.0", "layers.1", ... Initial values
   are PyTorch's. */
#include "network/families/family.h"

#include <stdio.h>

static void build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    hesse_stream x = hesse_build_numbers(b);
    for (int l = 0; l <= a->lists.n_widths; l++) {
        const bool last = l == a->lists.n_widths;
        const int out = last ? a->data.outputs : a->lists.widths[l];
        char name[32];
        snprintf(name, sizeof name, "layers.%d", l);
        b->layer = l;
        const double factor = a->lists.n_multipliers ? a->lists.multipliers[l] : 1;
        hesse_affine map = hesse_affine_uniform(x.width, out, a->mlp_bias,
                                                last ? HESSE_ROLE_HEAD : HESSE_ROLE_UP);
        if (a->lists.compensated)
            map.init.spread /= factor, map.bias_init.spread /= factor;
        x = hesse_build_linear(b, x, map, name);
        if (factor != 1)
            x = hesse_build_apply(b, &hesse_op_scale, (hesse_dims){.a = factor}, x);
        if (!last) x = hesse_build_activation(b, x);
    }
    hesse_build_loss(b, x);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_arch_lists *l = &a->lists;
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < l->n_widths; i++)
        s = hesse_check_sizes(
            1, &(hesse_size_limit){"width of a hidden layer", l->widths[i], 0}, why);
    for (int i = 0; !s && l->compensated && i < l->n_multipliers; i++)
        if (l->multipliers[i] == 0)
            s = hesse_fail(why, HESSE_E_JOB,
                           "model: multiplier %d (from 0) is 0, and initial values are "
                           "divided by it; expected another number",
                           i);
    if (s) return s;
    if (!l->n_multipliers || l->n_multipliers == l->n_widths + 1) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "model: %d multipliers, expected one for each of %d layers",
                      l->n_multipliers, l->n_widths + 1);
}

static const hesse_owned_key keys[] = {
    {"classes", NULL},         {"activation", "relu"},
    {"bias", "true"},          {"widths", "[8]"},
    {"multipliers", NULL},     {"compensated", "false"},
    {"loss", "cross_entropy"}, {NULL, NULL}};

const hesse_family hesse_family_mlp = {
    .name = "mlp",
    .help = "Multilayer perceptron; each layer's output may have a fixed multiplier.",
    .reads = HESSE_READS_NUMBERS,
    .flat = true,
    .per_token = true,
    .keys = keys,
    .check = check,
    .build = build,
};
