/* What theory looks at.
   Sources: Ormaniec, Dangel & Singh, arXiv:2410.10986, one layer of attention; Song et al.,
   arXiv:2411.07538, its kernels; Ahn et al., arXiv:2310.01082, linear transformers; Zhang et
   al., arXiv:2402.16788, section 3, quadratics with given blocks. */
#include "network/families/families.h"

#include <math.h>
#include <stdio.h>

static hesse_affine map_of(const hesse_builder *b, int in, int out, hesse_role role)
{
    const double own = b->arch->deviation;
    return (hesse_affine){.out = out,
                          .in_first = true,
                          .role = role,
                          .init = {.spread = own > 0 ? own : 1 / sqrt(in)}};
}

void hesse_build_attention(hesse_builder *b)
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
    const hesse_stream v = hesse_build_linear(
        b, x, map_of(b, in, t->heads * t->value_size, HESSE_ROLE_VALUE), "value");
    hesse_stream y = hesse_build_mix(b, hesse_build_weights(b, q, k, 1 / root), v);
    if (t->output)
        y = hesse_build_linear(
            b, y, map_of(b, y.width, a->data.outputs, HESSE_ROLE_OUTPUT), "output");
    hesse_build_loss(b, y);
}

/* x Q and x P' as the definition has them: Q stored [in, out], P [out, in]. */
static hesse_stream square(hesse_builder *b, hesse_stream x, const char *name,
                           hesse_role role, bool in_first)
{
    hesse_affine map = map_of(b, x.width, x.width, role);
    map.in_first = in_first;
    return hesse_build_map(b, x, map, name);
}

/* x + weights v / n, where the last token, which is the question, is not attended to. */
static hesse_stream step(hesse_builder *b, hesse_stream x, hesse_stream weights,
                         hesse_stream v)
{
    const int n = x.tokens - 1;
    v = hesse_build_mix(b, weights, hesse_build_mask(b, v, n));
    v = hesse_build_apply(b, &hesse_op_scale, (hesse_dims){.a = 1.0 / n}, v);
    return hesse_build_join(b, &hesse_op_sum, x, v);
}

/* Tokens are (x, y). As the matrices P and Q leave y out, or keep it, both streams have
   their own way: y's change by the same weights. */
void hesse_build_linear_transformer(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    const hesse_stream both = hesse_build_numbers(b);
    const int d = both.width - 1;
    hesse_stream x = hesse_build_channels(b, both, 0, d);
    hesse_stream y = hesse_build_channels(b, both, d, 1);
    for (int l = 0; l < a->layers; l++) {
        char module[32];
        snprintf(module, sizeof module, "layers.%d.", l);
        b->module = module, b->layer = l;
        const hesse_stream v = square(b, x, "P", HESSE_ROLE_VALUE, false);
        const hesse_stream q = square(b, x, "Q", HESSE_ROLE_QUERY, true);
        const hesse_stream weights = hesse_build_weights(b, q, x, 1);
        x = step(b, x, weights, v);
        y = step(b, y, weights, y);
    }
    b->module = "", b->layer = -1;
    hesse_build_loss(b, hesse_build_select(b, y, both.tokens - 1));
}

/* Examples are the rows of A, diagonal by blocks as H = A' A is: y = A w, and with 0 wanted
   of it the loss is 1/2 |y|^2 = 1/2 w' H w, whatever the reduction. */
void hesse_build_quadratic(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    const hesse_stream rows = hesse_build_numbers(b);
    hesse_stream y = {0};
    for (int l = 0, first = 0; l < a->lists.n_widths; first += a->lists.widths[l++]) {
        char name[32];
        snprintf(name, sizeof name, "blocks.%d", l);
        const hesse_affine map = {
            .out = 1, .role = HESSE_ROLE_UP, .init = {.spread = 1}};
        const hesse_stream x = hesse_build_channels(b, rows, first, a->lists.widths[l]);
        const hesse_stream part = hesse_build_map(b, x, map, name);
        y = l ? hesse_build_join(b, &hesse_op_sum, y, part) : part;
    }
    b->graph->loss_weight = 0.5;
    hesse_build_loss(b, y);
}
