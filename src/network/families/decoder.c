/* The residual stream x runs through layers of attention and MLP. A layer is

     x += after(attention(before(x))),  x += after(mlp(before(x)))

   with the norms `before` and `after` that the architecture has; a parallel layer reads
   x once for both. Source of the initial values: Radford et al., Language Models are
   Unsupervised Multitask Learners (2019), section 2.3. */
#include "network/families/decoder.h"

#include "network/families/families.h"
#include "network/layout.h"

#include <math.h>
#include <stdio.h>

/* The network, as the functions below need it. */
typedef struct decoder {
    hesse_builder *b;
    const hesse_arch *a;
    const hesse_arch_decoder *d;
    const hesse_decoder_names *names;
} decoder;

static hesse_affine map_of(const decoder *x, int out, bool bias, hesse_role role)
{
    const bool residual = role == HESSE_ROLE_OUTPUT || role == HESSE_ROLE_DOWN;
    const double spread = x->a->deviation > 0 ? x->a->deviation
                          : residual          ? 0.02 / sqrt(2.0 * x->a->layers)
                                              : 0.02;
    return (hesse_affine){.out = out,
                          .bias = bias,
                          .in_first = x->names->in_first && !x->a->layout.out_first,
                          .role = role,
                          .init = {.spread = spread}};
}

/* The deviation of the initial values of embeddings; 0: the usual one. */
static double embedding_spread(const decoder *x)
{
    return x->a->embedding_deviation > 0 ? x->a->embedding_deviation : x->a->deviation;
}

static hesse_stream norm(const decoder *x, hesse_stream s, const char *name)
{
    return hesse_build_norm(x->b, s, x->d->norm, 0, name);
}

/* Return the value of the table of rotary frequencies, which all layers share. */
static int frequencies(const decoder *x)
{
    const hesse_rotary *r = &x->d->rotary;
    double theta[HESSE_MOST_PAIRS];
    const int turned = (int)(x->a->attention.size * r->fraction);
    if (x->b->frequencies >= 0) return x->b->frequencies;
    for (int j = 0; j < turned / 2; j++)
        theta[j] = pow(x->a->attention.rope_theta, -2.0 * j / turned);
    x->b->frequencies =
        hesse_graph_table(x->b->graph, 1, r->pairs ? r->pairs : turned / 2,
                          r->pairs ? r->frequency : theta);
    return x->b->frequencies;
}

static bool is_listed(const unsigned char layers[HESSE_MOST_LAYERS / 8], int l)
{
    return layers[l / 8] >> l % 8 & 1;
}

/* Queries or keys, ready for their scores. */
static hesse_stream prepared(const decoder *x, hesse_stream s, int heads,
                             const char *norm_name)
{
    const hesse_rotary *r = &x->d->rotary;
    if (x->d->query_key_norm)
        s = hesse_build_norm(
            x->b, s, x->d->norm,
            x->d->query_key_norm == HESSE_QUERY_KEY_NORM_HEAD ? heads : 0, norm_name);
    if (r->fraction == 0 || is_listed(x->d->unrotated, x->b->layer)) return s;
    return hesse_build_rotary(x->b, s, heads, frequencies(x),
                              r->scale > 0 ? r->scale : 1);
}

/* Query, key and value: three tensors, or slices of one. */
static void project(const decoder *x, hesse_stream s, hesse_stream y[3])
{
    static const char *const slices[] = {".query", ".key", ".value"};
    static const hesse_role roles[] = {HESSE_ROLE_QUERY, HESSE_ROLE_KEY,
                                       HESSE_ROLE_VALUE};
    const hesse_decoder_names *n = x->names;
    const hesse_attention *t = &x->a->attention;
    const char *const separate[] = {n->query, n->key, n->value};
    const int heads[] = {t->heads, t->kv_heads, t->kv_heads};
    const int groups = n->by_head ? t->heads : 1;
    int first = 0;
    for (int i = 0; i < 3; i++) {
        const int out = heads[i] * t->size;
        hesse_affine map = map_of(x, out, x->a->attention_bias, roles[i]);
        if (n->fused)
            map.slice = (hesse_slice){slices[i], first,
                                      (t->heads + 2 * t->kv_heads) * t->size, groups};
        first += out / groups;
        y[i] = hesse_build_linear(x->b, s, map, n->fused ? n->fused : separate[i]);
    }
}

static double score_scale(const decoder *x)
{
    const hesse_attention *t = &x->a->attention;
    const double own = x->d->score_divisor > 0 ? x->d->score_divisor : sqrt(t->size);
    const double root = t->temperature > 0 ? t->temperature : own;
    return 1 / (root * (t->by_layer ? x->b->layer + 1 : 1));
}

static hesse_stream attention(const decoder *x, hesse_stream s)
{
    const hesse_attention *t = &x->a->attention;
    hesse_stream y[3];
    project(x, s, y);
    const hesse_stream q = prepared(x, y[0], t->heads, x->names->query_norm);
    const hesse_stream k = prepared(x, y[1], t->kv_heads, x->names->key_norm);
    s = hesse_build_mix(x->b, hesse_build_weights(x->b, q, k, score_scale(x)), y[2]);
    return hesse_build_linear(
        x->b, s, map_of(x, x->a->width, x->d->output_bias, HESSE_ROLE_OUTPUT),
        x->names->output);
}

/* The first layer of the MLP: its activation, times a linear map if it is gated. */
static hesse_stream hidden(const decoder *x, hesse_stream s)
{
    const hesse_decoder_names *n = x->names;
    const int inner = x->a->inner;
    const bool bias = x->a->mlp_bias;
    hesse_affine up = map_of(x, inner, bias, HESSE_ROLE_UP);
    if (!n->gate && !n->gate_up)
        return hesse_build_activation(x->b, hesse_build_linear(x->b, s, up, n->up));
    hesse_affine gate = map_of(x, inner, bias, HESSE_ROLE_GATE);
    if (n->gate_up) {
        gate.slice = (hesse_slice){".gate", 0, 2 * inner, 1};
        up.slice = (hesse_slice){".up", inner, 2 * inner, 1};
    }
    const hesse_stream y = hesse_build_activation(
        x->b, hesse_build_linear(x->b, s, gate, n->gate_up ? n->gate_up : n->gate));
    return hesse_build_join(
        x->b, &hesse_op_product, y,
        hesse_build_linear(x->b, s, up, n->gate_up ? n->gate_up : n->up));
}

static hesse_stream mlp(const decoder *x, hesse_stream s)
{
    return hesse_build_linear(x->b, hidden(x, s),
                              map_of(x, x->a->width, x->a->mlp_bias, HESSE_ROLE_DOWN),
                              x->names->down);
}

/* Add what attention or MLP gave to the residual stream. */
static hesse_stream sum(const decoder *x, hesse_stream s, hesse_stream y,
                        const char *name, const char *after)
{
    if (x->d->norm_after) y = norm(x, y, after);
    y = hesse_build_scale(x->b, y, x->d->residual_scale);
    s = x->a->no_residual ? y : hesse_build_sum(x->b, s, y);
    return x->d->norm_sum ? norm(x, s, name) : s;
}

static hesse_stream layer(const decoder *x, hesse_stream s)
{
    const hesse_decoder_names *n = x->names;
    hesse_stream in = x->d->norm_before ? norm(x, s, n->before_attention) : s;
    hesse_stream y = attention(x, in);
    if (x->d->parallel) {
        if (!x->d->one_norm) in = norm(x, s, n->before_mlp);
        return hesse_build_sum(x->b, hesse_build_sum(x->b, mlp(x, in), y), s);
    }
    s = sum(x, s, y, n->before_attention, n->after_attention);
    in = x->d->norm_before ? norm(x, s, n->before_mlp) : s;
    return sum(x, s, mlp(x, in), n->before_mlp, n->after_mlp);
}

/* The embedding of the tokens, in *table; a tied one may be stored as the head. */
static hesse_stream embedding(const decoder *x, int *table)
{
    hesse_builder *b = x->b;
    const bool as_head = x->a->tied && x->a->layout.tied_as_head;
    const char *module = b->module;
    char head[HESSE_NAME];
    const int width = x->d->embedding_width ? x->d->embedding_width : x->a->width;
    hesse_lookup tokens = {
        x->names->embedding, x->a->vocabulary,   width, 0, HESSE_ROLE_EMBEDDING,
        HESSE_IDS_TOKENS,    embedding_spread(x)};
    snprintf(head, sizeof head, "%.100s.weight", x->names->head);
    if (as_head) b->module = "", tokens.name = head;
    hesse_stream s = hesse_build_embedding(b, tokens, table);
    b->module = module;
    s = hesse_build_scale(b, s, x->d->embedding_scale);
    if (width != x->a->width)
        s = hesse_build_linear(b, s,
                               map_of(x, x->a->width, false, HESSE_ROLE_EMBEDDING),
                               x->names->project_in);
    return s;
}

static hesse_stream positions(const decoder *x, hesse_stream s)
{
    int table;
    const int first = x->d->first_position;
    if (!x->names->positions) return s;
    const hesse_lookup lookup = {
        x->names->positions, x->a->positions + first, x->a->width,        first,
        HESSE_ROLE_POSITION, HESSE_IDS_POSITIONS,     embedding_spread(x)};
    return hesse_build_sum(x->b, s, hesse_build_embedding(x->b, lookup, &table));
}

static hesse_stream head(const decoder *x, hesse_stream s, int table)
{
    const hesse_arch *a = x->a;
    char bias[HESSE_NAME];
    snprintf(bias, sizeof bias, "%.100s.bias", x->names->head);
    if (a->tied) {
        const int width = x->d->embedding_width ? x->d->embedding_width : a->width;
        if (width != a->width)
            s = hesse_build_linear(x->b, s, map_of(x, width, false, HESSE_ROLE_HEAD),
                                   x->names->project_out);
        x->b->module = "";
        return hesse_build_tied(x->b, s, table, a->vocabulary,
                                x->d->head_bias ? bias : NULL);
    }
    x->b->module = "";
    const hesse_affine map = {
        .out = a->vocabulary,
        .bias = x->d->head_bias,
        .role = HESSE_ROLE_HEAD,
        .init = {.spread = a->deviation > 0 ? a->deviation : 0.02}};
    return hesse_build_linear(x->b, s, map, x->names->head);
}

void hesse_decoder_build(hesse_builder *b)
{
    const decoder x = {b, b->arch, &b->arch->decoder,
                       hesse_family_of(b->arch)->decoder};
    char outside[HESSE_NAME], module[HESSE_NAME];
    int table;
    snprintf(outside, sizeof outside, "%s", x.a->layout.prefix);
    b->module = outside;
    hesse_stream s = positions(&x, embedding(&x, &table));
    for (int l = 0; l < x.a->layers; l++) {
        snprintf(module, sizeof module, "%.60s%.40s%d.", outside, x.names->layers, l);
        b->module = module, b->layer = l;
        s = layer(&x, s);
    }
    b->module = outside, b->layer = -1;
    if (x.d->final_norm) s = norm(&x, s, x.names->final_norm);
    s = hesse_build_scale(b, head(&x, s, table), x.d->logit_scale);
    hesse_build_loss(b, hesse_build_cap(b, s, x.d->logit_cap));
}

void hesse_layers_add(unsigned char layers[HESSE_MOST_LAYERS / 8], int l)
{
    layers[l / 8] |= (unsigned char)(1 << l % 8);
}

static hesse_status check_attention(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    if (t->heads % t->kv_heads)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: %d heads cannot share %d key and value heads",
                          t->heads, t->kv_heads);
    if (hesse_family_of(a)->decoder->by_head && t->heads != t->kv_heads)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: %s has equally many heads of queries and of keys, "
                          "found %d and %d",
                          a->family, t->heads, t->kv_heads);
    if (a->decoder.window && t->full)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: attention to all tokens has no sliding window");
    if ((a->decoder.window || a->decoder.score_cap > 0) &&
        t->kernel != HESSE_KERNEL_SOFTMAX)
        return hesse_fail(
            why, HESSE_E_JOB,
            "model: a sliding window or a cap of the scores needs softmax "
            "attention");
    return HESSE_OK;
}

static hesse_status check_rotary(const hesse_arch *a, hesse_why *why)
{
    const hesse_rotary *r = &a->decoder.rotary;
    const int turned = (int)(a->attention.size * r->fraction);
    if (!(r->fraction > 0)) return HESSE_OK;
    if (turned % 2 || turned < 2)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: rotary embedding turns an even number of a head's "
                          "channels, found %d of %d",
                          turned, a->attention.size);
    if (turned / 2 > HESSE_MOST_PAIRS || (r->pairs && r->pairs != turned / 2))
        return hesse_fail(why, HESSE_E_JOB,
                          "model: rotary embedding turns %d channels of a head, "
                          "expected at most %d",
                          turned, 2 * HESSE_MOST_PAIRS);
    return HESSE_OK;
}

hesse_status hesse_decoder_check(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    const hesse_size_limit own[] = {{"vocabulary", a->vocabulary, 0},
                                    {"positions", a->positions, 0},
                                    {"kv_heads", t->kv_heads, 0}};
    hesse_status s = hesse_check_transformer(a, why);
    if (!s) s = hesse_check_sizes(sizeof own / sizeof *own, own, why);
    if (!s) s = check_attention(a, why);
    return s ? s : check_rotary(a, why);
}

hesse_status hesse_decoder_find_head(const hesse_safetensors *file, const char *path,
                                     hesse_arch *arch, hesse_why *why)
{
    const hesse_decoder_names *names = hesse_family_of(arch)->decoder;
    const char *wrapper = arch->layout.wrapper, *prefix = arch->layout.prefix;
    const bool stored = hesse_layout_head(file, arch);
    arch->layout.tied_as_head = false;
    if (!hesse_layout_tensor(file, arch, names->embedding)) {
        arch->layout.tied_as_head = arch->tied && stored;
        if (arch->tied && stored) return HESSE_OK;
        return hesse_fail(why, HESSE_E_INPUT, "%s: expected a tensor '%s%s%s'%s", path,
                          wrapper, prefix, names->embedding,
                          stored ? "; only the head is stored: is tie_word_embeddings: "
                                   "true meant?"
                                 : ", found neither it nor a head");
    }
    if (arch->tied || stored) return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: expected a tensor '%s%s.weight', the embedding not being tied to the "
        "head: is tie_word_embeddings: true meant?",
        path, wrapper, names->head);
}
