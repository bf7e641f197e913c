/* Linear transformers that learn regression in context, also of values that are not
   linear in x: then an MLP comes first, and P and Q act on x and y together.
   Source: Ahn et al., arXiv:2310.01082. */
#include "network/families/family.h"

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

/* x Q and x P' as the definition has them: Q stored [in, out], P [out, in]. */
static hesse_stream square(hesse_builder *b, hesse_stream x, const char *name,
                           hesse_role role, bool in_first)
{
    hesse_affine map = map_of(b, x.width, x.width, role);
    map.in_first = in_first;
    return hesse_build_map(b, x, map, name);
}

/* x + weights v / n, where the last token, which is the question, is not attended to.
 */
static hesse_stream step(hesse_builder *b, hesse_stream x, hesse_stream weights,
                         hesse_stream v)
{
    const int n = x.tokens - 1;
    v = hesse_build_mix(b, weights, hesse_build_mask(b, v, n));
    v = hesse_build_apply(b, &hesse_op_scale, (hesse_dims){.a = 1.0 / n}, v);
    return hesse_build_join(b, &hesse_op_sum, x, v);
}

/* The values of a trainable MLP of x, for every token. */
static hesse_stream features(hesse_builder *b, hesse_stream x, int inner)
{
    const int d = x.width;
    if (!inner) return x;
    x = hesse_build_linear(b, x, hesse_affine_uniform(d, inner, true, HESSE_ROLE_UP),
                           "mlp.0");
    x = hesse_build_apply(b, &hesse_op_relu, (hesse_dims){0}, x);
    return hesse_build_linear(
        b, x, hesse_affine_uniform(inner, d, true, HESSE_ROLE_DOWN), "mlp.2");
}

/* The y of every token after all layers, where P and Q are d x d: they leave y out, or
   keep it, so both streams have their own way, and y's change by the same weights. */
static hesse_stream separate(hesse_builder *b, hesse_stream x, hesse_stream y)
{
    for (int l = 0; l < b->arch->layers; l++) {
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
    return y;
}

/* The same where P and Q act on the tokens z = (x, y). */
static hesse_stream joint(hesse_builder *b, hesse_stream x, hesse_stream y)
{
    const int d = x.width;
    hesse_stream z = hesse_build_append(b, x, y);
    for (int l = 0; l < b->arch->layers; l++) {
        char module[32];
        snprintf(module, sizeof module, "layers.%d.", l);
        b->module = module, b->layer = l;
        const hesse_stream v = square(b, z, "P", HESSE_ROLE_VALUE, false);
        const hesse_stream q = square(b, z, "Q", HESSE_ROLE_QUERY, true);
        z = step(b, z, hesse_build_weights(b, q, z, 1), v);
    }
    b->module = "", b->layer = -1;
    return hesse_build_channels(b, z, d, 1);
}

/* Tokens are (x, y). */
static void build(hesse_builder *b)
{
    const hesse_stream both = hesse_build_numbers(b);
    const int d = both.width - 1;
    const hesse_stream y = hesse_build_channels(b, both, d, 1);
    hesse_stream x = hesse_build_channels(b, both, 0, d);
    x = features(b, x, b->arch->inner);
    const hesse_stream last = b->arch->joint ? joint(b, x, y) : separate(b, x, y);
    hesse_build_loss(b, hesse_build_select(b, last, both.tokens - 1));
}

/* One head, as wide as its inputs. */
static void complete(hesse_arch *arch)
{
    arch->attention.heads = arch->attention.kv_heads = arch->attention.size = 1;
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_size_limit own[] = {{"layers", a->layers, HESSE_CONFIG_LAYERS}};
    const hesse_size_limit inner[] = {{"inner", a->inner, 0}};
    hesse_status s = hesse_check_sizes(1, own, why);
    if (!s && a->inner) s = hesse_check_sizes(1, inner, why);
    if (!s && (a->data.inputs < 2 || a->positions < 2))
        return hesse_fail(why, HESSE_E_JOB,
                          "model: linear_transformer reads tokens (x, y) of a context "
                          "and a question, and the data have %d tokens of %d numbers",
                          a->positions, a->data.inputs);
    if (!s && a->data.outputs != 1)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: linear_transformer predicts one number, and the data "
                          "want %d",
                          a->data.outputs);
    return s;
}

static const hesse_owned_key keys[] = {{"layers", "2"},       {"attention", "full"},
                                       {"kernel", "linear"},  {"loss", "squared_error"},
                                       {"deviation", "0.05"}, {"inner", NULL},
                                       {"joint", "false"},    {NULL, NULL}};

const hesse_family hesse_family_linear_transformer = {
    .name = "linear_transformer",
    .help = "Layers of linear attention that learn linear regression in context.",
    .reads = HESSE_READS_NUMBERS,
    .keys = keys,
    .complete = complete,
    .check = check,
    .build = build,
};
