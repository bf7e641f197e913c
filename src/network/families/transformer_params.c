/* A family is a table of the tensors around and in a layer, in the order of first use.
   What an architecture lacks (a bias, a separate head) is left out of its list. */
#include "network/families/transformer.h"

#include "base/memory.h"
#include "network/families/families.h"

#include <math.h>
#include <stdio.h>

/* Which sizes a tensor has: in x out for a matrix, out for a vector. */
typedef enum axis {
    AXIS_NONE,
    AXIS_WIDTH,
    AXIS_INNER,
    AXIS_Q,
    AXIS_KV,
    AXIS_VOCAB,
    AXIS_POS
} axis;

/* When a tensor exists. */
typedef enum presence { ALWAYS, IF_ATTENTION_BIAS, IF_MLP_BIAS, IF_UNTIED } presence;

typedef struct row {
    const char *tensor, *part; /* names: of the tensor after its prefix, of the part */
    hesse_role role;
    int at, of; /* part at of so many */
    axis in, out;
    presence when;
} row;

/* An embedding maps a token (in) to channels (out), but its output neurons, as those of
   the head that it may be tied to, are its rows: one a token. */
static const row gpt2_before[] = {
    {"wte.weight", "", HESSE_ROLE_EMBEDDING, 0, 1, AXIS_VOCAB, AXIS_WIDTH, ALWAYS},
    {"wpe.weight", "", HESSE_ROLE_POSITION, 0, 1, AXIS_POS, AXIS_WIDTH, ALWAYS},
    {0},
};

#define QKV(W, B)                                                                      \
    {W, ".query", HESSE_ROLE_QUERY, 0, 3, AXIS_WIDTH, AXIS_Q, ALWAYS},                 \
        {B, ".query", HESSE_ROLE_QUERY, 0, 3, AXIS_NONE, AXIS_Q, IF_ATTENTION_BIAS},   \
        {W, ".key", HESSE_ROLE_KEY, 1, 3, AXIS_WIDTH, AXIS_KV, ALWAYS},                \
        {B, ".key", HESSE_ROLE_KEY, 1, 3, AXIS_NONE, AXIS_KV, IF_ATTENTION_BIAS},      \
        {W, ".value", HESSE_ROLE_VALUE, 2, 3, AXIS_WIDTH, AXIS_KV, ALWAYS},            \
    {                                                                                  \
        B, ".value", HESSE_ROLE_VALUE, 2, 3, AXIS_NONE, AXIS_KV, IF_ATTENTION_BIAS     \
    }

static const row gpt2_layer[] = {
    {"ln_1.weight", "", HESSE_ROLE_NORM, 0, 1, AXIS_NONE, AXIS_WIDTH, ALWAYS},
    {"ln_1.bias", "", HESSE_ROLE_NORM, 0, 1, AXIS_NONE, AXIS_WIDTH, IF_MLP_BIAS},
    QKV("attn.c_attn.weight", "attn.c_attn.bias"),
    {"attn.c_proj.weight", "", HESSE_ROLE_OUTPUT, 0, 1, AXIS_Q, AXIS_WIDTH, ALWAYS},
    {"attn.c_proj.bias", "", HESSE_ROLE_OUTPUT, 0, 1, AXIS_NONE, AXIS_WIDTH,
     IF_ATTENTION_BIAS},
    {"ln_2.weight", "", HESSE_ROLE_NORM, 0, 1, AXIS_NONE, AXIS_WIDTH, ALWAYS},
    {"ln_2.bias", "", HESSE_ROLE_NORM, 0, 1, AXIS_NONE, AXIS_WIDTH, IF_MLP_BIAS},
    {"mlp.c_fc.weight", "", HESSE_ROLE_UP, 0, 1, AXIS_WIDTH, AXIS_INNER, ALWAYS},
    {"mlp.c_fc.bias", "", HESSE_ROLE_UP, 0, 1, AXIS_NONE, AXIS_INNER, IF_MLP_BIAS},
    {"mlp.c_proj.weight", "", HESSE_ROLE_DOWN, 0, 1, AXIS_INNER, AXIS_WIDTH, ALWAYS},
    {"mlp.c_proj.bias", "", HESSE_ROLE_DOWN, 0, 1, AXIS_NONE, AXIS_WIDTH, IF_MLP_BIAS},
    {0},
};

static const row gpt2_after[] = {
    {"ln_f.weight", "", HESSE_ROLE_NORM, 0, 1, AXIS_NONE, AXIS_WIDTH, ALWAYS},
    {"ln_f.bias", "", HESSE_ROLE_NORM, 0, 1, AXIS_NONE, AXIS_WIDTH, IF_MLP_BIAS},
    {"lm_head.weight", "", HESSE_ROLE_HEAD, 0, 1, AXIS_WIDTH, AXIS_VOCAB, IF_UNTIED},
    {0},
};

static const row llama_before[] = {
    {"embed_tokens.weight", "", HESSE_ROLE_EMBEDDING, 0, 1, AXIS_VOCAB, AXIS_WIDTH,
     ALWAYS},
    {0},
};

static const row llama_layer[] = {
    {"input_layernorm.weight", "", HESSE_ROLE_NORM, 0, 1, AXIS_NONE, AXIS_WIDTH,
     ALWAYS},
    {"self_attn.q_proj.weight", "", HESSE_ROLE_QUERY, 0, 1, AXIS_WIDTH, AXIS_Q, ALWAYS},
    {"self_attn.q_proj.bias", "", HESSE_ROLE_QUERY, 0, 1, AXIS_NONE, AXIS_Q,
     IF_ATTENTION_BIAS},
    {"self_attn.k_proj.weight", "", HESSE_ROLE_KEY, 0, 1, AXIS_WIDTH, AXIS_KV, ALWAYS},
    {"self_attn.k_proj.bias", "", HESSE_ROLE_KEY, 0, 1, AXIS_NONE, AXIS_KV,
     IF_ATTENTION_BIAS},
    {"self_attn.v_proj.weight", "", HESSE_ROLE_VALUE, 0, 1, AXIS_WIDTH, AXIS_KV,
     ALWAYS},
    {"self_attn.v_proj.bias", "", HESSE_ROLE_VALUE, 0, 1, AXIS_NONE, AXIS_KV,
     IF_ATTENTION_BIAS},
    {"self_attn.o_proj.weight", "", HESSE_ROLE_OUTPUT, 0, 1, AXIS_Q, AXIS_WIDTH,
     ALWAYS},
    {"self_attn.o_proj.bias", "", HESSE_ROLE_OUTPUT, 0, 1, AXIS_NONE, AXIS_WIDTH,
     IF_ATTENTION_BIAS},
    {"post_attention_layernorm.weight", "", HESSE_ROLE_NORM, 0, 1, AXIS_NONE,
     AXIS_WIDTH, ALWAYS},
    {"mlp.gate_proj.weight", "", HESSE_ROLE_GATE, 0, 1, AXIS_WIDTH, AXIS_INNER, ALWAYS},
    {"mlp.gate_proj.bias", "", HESSE_ROLE_GATE, 0, 1, AXIS_NONE, AXIS_INNER,
     IF_MLP_BIAS},
    {"mlp.up_proj.weight", "", HESSE_ROLE_UP, 0, 1, AXIS_WIDTH, AXIS_INNER, ALWAYS},
    {"mlp.up_proj.bias", "", HESSE_ROLE_UP, 0, 1, AXIS_NONE, AXIS_INNER, IF_MLP_BIAS},
    {"mlp.down_proj.weight", "", HESSE_ROLE_DOWN, 0, 1, AXIS_INNER, AXIS_WIDTH, ALWAYS},
    {"mlp.down_proj.bias", "", HESSE_ROLE_DOWN, 0, 1, AXIS_NONE, AXIS_WIDTH,
     IF_MLP_BIAS},
    {0},
};

static const row llama_after[] = {
    {"norm.weight", "", HESSE_ROLE_NORM, 0, 1, AXIS_NONE, AXIS_WIDTH, ALWAYS},
    {"lm_head.weight", "", HESSE_ROLE_HEAD, 0, 1, AXIS_WIDTH, AXIS_VOCAB, IF_UNTIED},
    {0},
};

typedef struct table {
    const row *before, *layer, *after;
    const char *layers; /* before the number of a layer    */
    const char *prefix; /* before all names but the head's */
} table;

static const table tables[] = {
    [HESSE_GPT2] = {gpt2_before, gpt2_layer, gpt2_after, "h", "transformer."},
    [HESSE_LLAMA] = {llama_before, llama_layer, llama_after, "layers", "model."},
};

hesse_layout hesse_layout_of(hesse_family family)
{
    hesse_layout layout = {.out_first = false};
    if (hesse_family_is_table(family))
        snprintf(layout.prefix, sizeof layout.prefix, "%s", tables[family].prefix);
    return layout;
}

static int length(const hesse_arch *a, axis x)
{
    switch (x) {
    case AXIS_WIDTH:
        return a->width;
    case AXIS_INNER:
        return a->inner;
    case AXIS_Q:
        return a->attention.heads * a->attention.size;
    case AXIS_KV:
        return a->attention.kv_heads * a->attention.size;
    case AXIS_VOCAB:
        return a->vocabulary;
    case AXIS_POS:
        return a->positions;
    default:
        return 1;
    }
}

static bool exists(const hesse_arch *a, presence when)
{
    switch (when) {
    case IF_ATTENTION_BIAS:
        return a->attention_bias;
    case IF_MLP_BIAS:
        return a->mlp_bias;
    case IF_UNTIED:
        return !a->tied;
    default:
        return true;
    }
}

/* The name of the file for a tensor: the head stands outside the prefix. */
static void name_tensor(const hesse_arch *a, const row *r, int layer, char *name)
{
    const bool lies_as_head =
        r->role == HESSE_ROLE_HEAD ||
        (r->role == HESSE_ROLE_EMBEDDING && a->tied && a->layout.tied_as_head);
    if (lies_as_head)
        snprintf(name, HESSE_NAME, "lm_head.weight");
    else if (layer < 0)
        snprintf(name, HESSE_NAME, "%s%s", a->layout.prefix, r->tensor);
    else
        snprintf(name, HESSE_NAME, "%s%s.%d.%s", a->layout.prefix,
                 tables[a->family].layers, layer, r->tensor);
}

/* Of two vectors of a norm the first is the gain. */
static hesse_init init_of(const hesse_params *params, const hesse_arch *a,
                          const hesse_param *p)
{
    const bool residual = p->role == HESSE_ROLE_OUTPUT || p->role == HESSE_ROLE_DOWN;
    const bool second = p > params->list && p[-1].role == HESSE_ROLE_NORM;
    if (p->vector) return (hesse_init){.mean = p->role == HESSE_ROLE_NORM && !second};
    return (hesse_init){.spread = residual ? 0.02 / sqrt(2.0 * a->layers) : 0.02};
}

static void append(hesse_params *params, const hesse_arch *a, const row *r, int layer)
{
    if (!exists(a, r->when)) return;
    hesse_param *p = &params->list[params->count++];
    const int in = length(a, r->in), out = length(a, r->out);
    const bool lookup =
        r->role == HESSE_ROLE_EMBEDDING || r->role == HESSE_ROLE_POSITION;
    const bool out_first =
        a->family == HESSE_LLAMA || a->layout.out_first || r->role == HESSE_ROLE_HEAD;
    *p = (hesse_param){.part = r->at,
                       .parts = r->of,
                       .role = r->role,
                       .layer = layer,
                       .vector = r->in == AXIS_NONE};
    p->out_rows = !p->vector && (lookup || out_first);
    p->rows = p->vector ? 1 : lookup || !out_first ? in : out;
    p->cols = p->vector || lookup || !out_first ? out : in;
    p->offset = params->size;
    p->init = init_of(params, a, p);
    name_tensor(a, r, layer, p->tensor);
    snprintf(p->name, sizeof p->name, "%.140s%s", p->tensor, r->part);
    params->size += hesse_param_size(p);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_attention *t = &a->attention;
    const struct {
        const char *name;
        int value;
    } sizes[] = {{"layers", a->layers},       {"width", a->width},
                 {"inner", a->inner},         {"vocabulary", a->vocabulary},
                 {"positions", a->positions}, {"heads", t->heads},
                 {"kv_heads", t->kv_heads},   {"head size", t->size}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value < 1 || sizes[i].value > 1 << 24)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: %s is %d, expected a positive number below 2^24",
                              sizes[i].name, sizes[i].value);
    if ((long)t->heads * t->size > 1 << 24)
        return hesse_fail(
            why, HESSE_E_JOB,
            "model: %d heads of %d channels, expected less than 2^24 channels",
            t->heads, t->size);
    if (a->layers > 4096)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: layers is %d, expected at most 4096", a->layers);
    if (t->heads % t->kv_heads)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: %d heads cannot share %d key and value heads",
                          t->heads, t->kv_heads);
    if (a->family == HESSE_GPT2 &&
        (t->kv_heads != t->heads || t->heads * t->size != a->width))
        return hesse_fail(why, HESSE_E_JOB,
                          "model: width %d is not a multiple of %d heads", a->width,
                          t->heads);
    if (a->family == HESSE_LLAMA && t->size % 2)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: rotary embedding needs an even head size, found %d",
                          t->size);
    return HESSE_OK;
}

static int rows_of(const row *r)
{
    int n = 0;
    while (r[n].tensor) n++;
    return n;
}

hesse_status hesse_transformer_params(const hesse_arch *arch, hesse_params *params,
                                      hesse_why *why)
{
    hesse_status s = check(arch, why);
    if (s) return s;
    const table *t = &tables[arch->family];
    const int most =
        rows_of(t->before) + arch->layers * rows_of(t->layer) + rows_of(t->after);
    params->list = hesse_calloc((size_t)most, sizeof *params->list);
    if (!params->list)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d parameters", most);
    for (const row *r = t->before; r->tensor; r++) append(params, arch, r, -1);
    for (int l = 0; l < arch->layers; l++)
        for (const row *r = t->layer; r->tensor; r++) append(params, arch, r, l);
    for (const row *r = t->after; r->tensor; r++) append(params, arch, r, -1);
    return HESSE_OK;
}
