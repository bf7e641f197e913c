/* What tells a family's checkpoints apart, one table a family; the names of the parameters
   themselves are in network/params.c. Before a name stands the
   prefix of a wrapper (of a compiled or distributed model), then that of the model; so
   a layout is found by trying both lists on a tensor that every such model has. Models that
   a builder describes have no such tensor in common: there a wrapper is what all names of
   the file begin with. */
#include "network/layout.h"
#include "files/file.h"
#include "network/families/families.h"
#include "network/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIXES = 3, NAMES = 4 };

typedef struct names {
    const char *prefixes[PREFIXES]; /* the usual one first */
    const char *anchor;             /* in every checkpoint of the family */
    const char *embedding;
    const char *layers;         /* before the number of a layer    */
    const char *buffers[NAMES]; /* in a layer, and nothing learned */
    const char *biases[NAMES];  /* outside the layers              */
} names;

static const names families[] = {
    [HESSE_GPT2] = {.prefixes = {"transformer.", "", "model."},
                    .anchor = "h.0.attn.c_attn.weight",
                    .embedding = "wte.weight",
                    .layers = "h.",
                    .buffers = {"attn.bias", "attn.masked_bias"},
                    .biases = {"ln_f.bias"}},
    [HESSE_LLAMA] = {.prefixes = {"model.", "", "transformer."},
                     .anchor = "layers.0.input_layernorm.weight",
                     .embedding = "embed_tokens.weight",
                     .layers = "layers.",
                     .buffers = {"self_attn.rotary_emb.inv_freq"},
                     .biases = {"norm.bias"}},
};

static const char *const wrappers[] = {"", "_orig_mod.", "module.", "module._orig_mod.",
                                       "_orig_mod.module."};
static const char head[] = "lm_head.weight", head_bias[] = "lm_head.bias";

/* What follows a prefix, or NULL. */
static const char *after(const char *name, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 ? name + n : NULL;
}

static const hesse_tensor *find(const hesse_safetensors *file, const char *prefix,
                                const char *rest)
{
    char name[2 * HESSE_NAME];
    snprintf(name, sizeof name, "%s%s", prefix, rest);
    return hesse_safetensors_find(file, name);
}

/* BERT's first checkpoints call gain and bias of a norm gamma and beta. */
static const hesse_tensor *find_old(const hesse_safetensors *file, const char *prefix,
                                    const char *name)
{
    static const char *const ends[][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                          {"LayerNorm.bias", "LayerNorm.beta"}};
    char old[2 * HESSE_NAME];
    for (int i = 0; i < 2; i++) {
        if (!hesse_file_ends_with(name, ends[i][0])) continue;
        const int length = (int)(strlen(name) - strlen(ends[i][0]));
        snprintf(old, sizeof old, "%.*s%s", length, name, ends[i][1]);
        return find(file, prefix, old);
    }
    return NULL;
}

/* The longest wrapper that the prefix begins with. */
static const char *wrapper_of(const hesse_arch *arch)
{
    const char *best = "";
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
        if (after(arch->layout.prefix, wrappers[i]) &&
            strlen(wrappers[i]) > strlen(best))
            best = wrappers[i];
    return best;
}

static const char *prefix_of(const hesse_arch *arch, const hesse_param *param)
{
    if (!hesse_family_is_decoder(arch->family)) return arch->layout.prefix;
    return strcmp(param->tensor, head) == 0 ? wrapper_of(arch) : "";
}

void hesse_layout_name(const hesse_arch *arch, const hesse_param *param,
                       char name[2 * HESSE_NAME])
{
    snprintf(name, 2 * HESSE_NAME, "%s%s", prefix_of(arch, param), param->tensor);
}

const hesse_tensor *hesse_layout_find(const hesse_safetensors *file,
                                      const hesse_arch *arch, const hesse_param *param)
{
    const char *prefix = prefix_of(arch, param);
    const hesse_tensor *t = find(file, prefix, param->tensor);
    return t ? t : find_old(file, prefix, param->tensor);
}

/* What a name in a layer holds after the number; NULL: it is in no layer. */
static const char *in_layer(const hesse_arch *arch, const char *rest, int *layer)
{
    const char *number = after(rest, families[arch->family].layers);
    const size_t digits = number ? strspn(number, "0123456789") : 0;
    if (!digits || number[digits] != '.') return NULL;
    *layer = digits > 6 ? arch->layers : (int)strtol(number, NULL, 10);
    return number + digits + 1;
}

static bool is_one_of(const char *name, const char *const list[NAMES])
{
    for (int i = 0; i < NAMES && list[i]; i++)
        if (strcmp(name, list[i]) == 0) return true;
    return false;
}

/* What modules of other families keep beside their parameters. */
static bool is_kept(const char *name)
{
    static const char *const ends[] = {"running_mean", "running_var",
                                       "num_batches_tracked", "position_ids"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (hesse_file_ends_with(name, ends[i])) return true;
    return false;
}

/* Heads that a checkpoint of an encoder has for other tasks than the model's. */
static bool is_other_head(const hesse_arch *arch, const char *name)
{
    if (arch->family == HESSE_VIT) return after(name, "vit.pooler.");
    if (arch->family != HESSE_BERT) return false;
    if (!arch->masked) return after(name, "cls.");
    return after(name, "bert.pooler.") || after(name, "cls.seq_relationship.") ||
           after(name, "classifier.") ||
           strcmp(name, "cls.predictions.decoder.bias") == 0;
}

/* Of families that a builder describes. */
static hesse_extra extra_of_others(const hesse_arch *arch, const char *wrapped)
{
    const char *name = wrapped + strlen(arch->layout.prefix);
    const bool masked = arch->family == HESSE_BERT && arch->masked;
    if (masked && strcmp(name, "cls.predictions.decoder.weight") == 0)
        return HESSE_EXTRA_HEAD;
    if (is_other_head(arch, name)) return HESSE_EXTRA_UNKNOWN;
    return is_kept(name) ? HESSE_EXTRA_BUFFER : HESSE_EXTRA_PARAMETER;
}

hesse_extra hesse_layout_extra(const hesse_arch *arch, const char *name)
{
    if (!hesse_family_is_decoder(arch->family)) return extra_of_others(arch, name);
    const names *known = &families[arch->family];
    const char *outside = after(name, wrapper_of(arch));
    const char *inside = after(name, arch->layout.prefix);
    int layer = 0;
    if (outside && strcmp(outside, head) == 0) return HESSE_EXTRA_HEAD;
    if (outside && strcmp(outside, head_bias) == 0) return HESSE_EXTRA_PARAMETER;
    if (!inside) return HESSE_EXTRA_UNKNOWN;
    const char *part = in_layer(arch, inside, &layer);
    if (!part)
        return is_one_of(inside, known->biases) ? HESSE_EXTRA_PARAMETER
                                                : HESSE_EXTRA_UNKNOWN;
    return layer < arch->layers && is_one_of(part, known->buffers)
               ? HESSE_EXTRA_BUFFER
               : HESSE_EXTRA_PARAMETER;
}

/* Names differ in one place, most often before a common end: count what agrees at both
   ends. */
static size_t likeness(const char *a, const char *b)
{
    const size_t m = strlen(a), n = strlen(b), most = m < n ? m : n;
    size_t first = 0, last = 0;
    while (first < most && a[first] == b[first]) first++;
    while (last < most - first && a[m - 1 - last] == b[n - 1 - last]) last++;
    return first + last;
}

const char *hesse_layout_nearest(const hesse_safetensors *file, const char *expected)
{
    const char *nearest = "nothing";
    size_t best = 0;
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        const char *name = hesse_safetensors_tensor(file, i)->name;
        const size_t like = likeness(expected, name);
        if (i == 0 || like > best) nearest = name, best = like;
    }
    return nearest;
}

static hesse_status find_prefix(const hesse_safetensors *file, const char *path,
                                hesse_arch *arch, hesse_why *why)
{
    const names *known = &families[arch->family];
    char prefix[sizeof arch->layout.prefix], expected[HESSE_NAME];
    for (size_t w = 0; w < sizeof wrappers / sizeof *wrappers; w++)
        for (int p = 0; p < PREFIXES; p++) {
            snprintf(prefix, sizeof prefix, "%s%s", wrappers[w], known->prefixes[p]);
            if (!find(file, prefix, known->anchor)) continue;
            strcpy(arch->layout.prefix, prefix);
            return HESSE_OK;
        }
    snprintf(expected, sizeof expected, "%s%s", known->prefixes[0], known->anchor);
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: no %s checkpoint: expected a tensor '%s', nearest is '%.160s'", path,
        arch->family == HESSE_GPT2 ? "gpt2" : "llama", expected,
        hesse_layout_nearest(file, expected));
}

/* Query, key and value side by side make the outputs three times the inputs. */
static hesse_status find_order(const hesse_safetensors *file, const char *path,
                               hesse_arch *arch, hesse_why *why)
{
    const hesse_tensor *t =
        find(file, arch->layout.prefix, families[HESSE_GPT2].anchor);
    const size_t width = (size_t)arch->width;
    char shape[HESSE_SHAPE_SHOWN];
    arch->layout.out_first = t->rank == 2 && t->shape[0] == 3 * width;
    if (t->rank == 2 && t->shape[arch->layout.out_first] == width &&
        t->shape[!arch->layout.out_first] == 3 * width)
        return HESSE_OK;
    hesse_shape_show(t->rank, t->shape, shape);
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: tensor '%s' has shape %s, expected [%zu, %zu], or the other "
                      "way round",
                      path, t->name, shape, width, 3 * width);
}

static bool has_biases(const hesse_safetensors *file, const hesse_arch *arch)
{
    static const char *const some[] = {
        "h.0.ln_1.bias", "h.0.attn.c_attn.bias", "h.0.attn.c_proj.bias",
        "h.0.ln_2.bias", "h.0.mlp.c_fc.bias",    "h.0.mlp.c_proj.bias",
        "ln_f.bias"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (find(file, arch->layout.prefix, some[i])) return true;
    return false;
}

static hesse_status find_head(const hesse_safetensors *file, const char *path,
                              hesse_arch *arch, hesse_why *why)
{
    const char *embedding = families[arch->family].embedding;
    const char *prefix = arch->layout.prefix;
    const bool stored = find(file, wrapper_of(arch), head);
    arch->layout.tied_as_head = false;
    if (!find(file, prefix, embedding)) {
        arch->layout.tied_as_head = arch->tied && stored;
        if (arch->tied && stored) return HESSE_OK;
        return hesse_fail(why, HESSE_E_INPUT, "%s: expected a tensor '%s%s'%s", path,
                          prefix, embedding,
                          stored ? "; only the head is stored: is tie_word_embeddings: "
                                   "true meant?"
                                 : ", found neither it nor a head");
    }
    if (arch->tied || stored) return HESSE_OK;
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: expected a tensor '%s%s', the embedding not being tied to the "
        "head: is tie_word_embeddings: true meant?",
        path, wrapper_of(arch), head);
}

static bool all_begin_with(const hesse_safetensors *file, const char *prefix)
{
    for (size_t i = 0; i < hesse_safetensors_count(file); i++)
        if (!after(hesse_safetensors_tensor(file, i)->name, prefix)) return false;
    return hesse_safetensors_count(file);
}

/* Wrappers, and wrappers of these, of models that a builder describes: none of their own names
   begins so, as llama's do. */
static hesse_layout wrapped(const hesse_safetensors *file)
{
    static const char *const some[] = {"module.", "_orig_mod.", "model.", "net."};
    hesse_layout layout = {0};
    char longer[sizeof layout.prefix];
    for (size_t i = 0; i < sizeof some / sizeof *some;) {
        const int n = snprintf(longer, sizeof longer, "%s%s", layout.prefix, some[i++]);
        if (n >= (int)sizeof longer || !all_begin_with(file, longer)) continue;
        strcpy(layout.prefix, longer);
        i = 0;
    }
    return layout;
}

hesse_status hesse_weights_probe(const hesse_safetensors *file, const char *path,
                                 hesse_arch *arch, hesse_why *why)
{
    hesse_arch found = *arch;
    if (!hesse_family_is_decoder(arch->family)) {
        arch->layout = wrapped(file);
        return HESSE_OK;
    }
    found.layout = (hesse_layout){0};
    hesse_status s = find_prefix(file, path, &found, why);
    if (!s && found.family == HESSE_GPT2) {
        s = find_order(file, path, &found, why);
        if (!s && !has_biases(file, &found))
            found.attention_bias = found.mlp_bias = false;
    }
    if (!s) s = find_head(file, path, &found, why);
    if (!s) *arch = found;
    return s;
}
