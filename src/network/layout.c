/* A name in a file is a wrapper's prefix (of a compiled or distributed network, of a
   trainer, of a model with images and text), then the prefix of the family's
   checkpoints, then the parameter's own name. Any text may be the wrapper's. It is
   found from names that are expected: the text before them. For a decoder one name is
   enough, which every checkpoint of the family has. For other families it is the text
   with which most names are found. */
#include "network/layout.h"
#include "files/file.h"
#include "network/families/families.h"
#include "network/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Return the rest of a name after a prefix; NULL if it does not begin with it. */
static const char *after(const char *name, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 ? name + n : NULL;
}

/* Copy a name without the modules that stand inside of it only because they wrap a
   layer: for sharding, for recomputing activations, or compiled. */
static void see_through(const char *name, char plain[2 * HESSE_NAME])
{
    static const char *const inner[] = {"_fsdp_wrapped_module.", "_fpw_module.",
                                        "_checkpoint_wrapped_module.", "_orig_mod."};
    size_t at = 0;
    for (bool begins = true; *name && at + 1 < 2 * HESSE_NAME;) {
        const char *rest = NULL;
        for (size_t i = 0; begins && !rest && i < sizeof inner / sizeof *inner; i++)
            rest = after(name, inner[i]);
        if (rest) {
            name = rest;
            continue;
        }
        begins = *name == '.';
        plain[at++] = *name++;
    }
    plain[at] = '\0';
}

/* Find the tensor whose name is, seen through, `rest` after the wrapper. */
static const hesse_tensor *find(const hesse_safetensors *file, const char *wrapper,
                                const char *rest)
{
    char name[2 * HESSE_NAME];
    snprintf(name, sizeof name, "%s%s", wrapper, rest);
    const hesse_tensor *t = hesse_safetensors_find(file, name);
    for (size_t i = 0; !t && i < hesse_safetensors_count(file); i++) {
        const hesse_tensor *other = hesse_safetensors_tensor(file, i);
        const char *inside = after(other->name, wrapper);
        if (!inside || !strstr(inside, "_mod")) continue; /* it has no such module */
        see_through(inside, name);
        if (strcmp(name, rest) == 0) t = other;
    }
    return t;
}

static const hesse_tensor *find_inside(const hesse_safetensors *file,
                                       const char *wrapper, const char *prefix,
                                       const char *rest)
{
    char name[2 * HESSE_NAME];
    snprintf(name, sizeof name, "%s%s", prefix, rest);
    return find(file, wrapper, name);
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

bool hesse_layout_has(const hesse_safetensors *file, const char *name)
{
    const size_t n = strlen(name);
    char plain[2 * HESSE_NAME];
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        see_through(hesse_safetensors_tensor(file, i)->name, plain);
        const size_t m = strlen(plain);
        if (m >= n && strcmp(plain + m - n, name) == 0 &&
            (m == n || plain[m - n - 1] == '.'))
            return true;
    }
    return false;
}

const hesse_tensor *hesse_layout_tensor(const hesse_safetensors *file,
                                        const hesse_arch *arch, const char *name)
{
    return find_inside(file, arch->layout.wrapper, arch->layout.prefix, name);
}

const hesse_tensor *hesse_layout_head(const hesse_safetensors *file,
                                      const hesse_arch *arch)
{
    char head[HESSE_NAME];
    snprintf(head, sizeof head, "%s.weight", hesse_family_of(arch)->decoder->head);
    return find(file, arch->layout.wrapper, head);
}

void hesse_layout_name(const hesse_arch *arch, const hesse_param *param,
                       char name[2 * HESSE_NAME])
{
    snprintf(name, 2 * HESSE_NAME, "%s%s", arch->layout.wrapper, param->tensor);
}

const hesse_tensor *hesse_layout_find(const hesse_safetensors *file,
                                      const hesse_arch *arch, const hesse_param *param)
{
    const hesse_tensor *t = find(file, arch->layout.wrapper, param->tensor);
    return t ? t : find_old(file, arch->layout.wrapper, param->tensor);
}

/* Return the part of a name after the number of its layer; NULL: it is in no layer. */
static const char *in_layer(const hesse_arch *arch, const char *rest, int *layer)
{
    const char *number = after(rest, hesse_family_of(arch)->decoder->layers);
    const size_t digits = number ? strspn(number, "0123456789") : 0;
    if (!digits || number[digits] != '.') return NULL;
    *layer = digits > 6 ? arch->layers : (int)strtol(number, NULL, 10);
    return number + digits + 1;
}

static bool is_one_of(const char *name, const char *const list[HESSE_LISTED])
{
    for (int i = 0; i < HESSE_LISTED && list[i]; i++)
        if (strcmp(name, list[i]) == 0) return true;
    return false;
}

/* True for tensors that modules of other families keep beside their parameters. */
static bool is_kept(const char *name)
{
    static const char *const ends[] = {"running_mean", "running_var",
                                       "num_batches_tracked", "position_ids"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (hesse_file_ends_with(name, ends[i])) return true;
    return false;
}

/* Return the kind for families that are no decoders. */
static hesse_extra extra_of_others(const hesse_arch *arch, const char *name)
{
    const hesse_family *f = hesse_family_of(arch);
    const hesse_extra extra = f->extra ? f->extra(arch, name) : HESSE_EXTRA_PARAMETER;
    if (extra != HESSE_EXTRA_PARAMETER) return extra;
    return is_kept(name) ? HESSE_EXTRA_BUFFER : HESSE_EXTRA_PARAMETER;
}

hesse_extra hesse_layout_extra(const hesse_arch *arch, const char *name)
{
    const hesse_decoder_names *known = hesse_family_of(arch)->decoder;
    const char *wrapped = after(name, arch->layout.wrapper);
    char outside[2 * HESSE_NAME];
    if (!wrapped) return HESSE_EXTRA_UNKNOWN;
    see_through(wrapped, outside);
    if (!known) return extra_of_others(arch, outside);
    const char *inside = after(outside, arch->layout.prefix);
    int layer = 0;
    const char *of_head = after(outside, known->head);
    if (of_head && strcmp(of_head, ".weight") == 0) return HESSE_EXTRA_HEAD;
    if (of_head && strcmp(of_head, ".bias") == 0) return HESSE_EXTRA_PARAMETER;
    if (!inside) return HESSE_EXTRA_UNKNOWN;
    const char *part = in_layer(arch, inside, &layer);
    if (!part)
        return is_one_of(inside, known->biases) ? HESSE_EXTRA_PARAMETER
                                                : HESSE_EXTRA_UNKNOWN;
    return layer < arch->layers && is_one_of(part, known->buffers)
               ? HESSE_EXTRA_BUFFER
               : HESSE_EXTRA_PARAMETER;
}

/* Count the characters that agree at both ends: names differ in one place, most often
   before a common end. */
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

/* Return the last place in a name after which the rest is, seen through, `rest`; NULL
   if there is none. The text before it is the wrapper's. */
static const char *last_place(const char *name, const char *rest)
{
    char plain[2 * HESSE_NAME];
    const char *last = NULL, *end = name + strlen(name);
    for (const char *at = name, *dot; at; at = dot ? dot + 1 : NULL) {
        dot = strchr(at, '.');
        if (end - at >= (long)sizeof plain) continue; /* longer than any name */
        see_through(at, plain);
        if (strcmp(plain, rest) == 0) last = at;
    }
    return last;
}

/* Names that tell what is wrong with a file. */
static hesse_status check_kind(const hesse_safetensors *file, const char *path,
                               hesse_why *why)
{
    static const char *const adapter[] = {".base_layer.", ".lora_",
                                          ".modules_to_save."};
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        const char *name = hesse_safetensors_tensor(file, i)->name;
        for (size_t j = 0; j < sizeof adapter / sizeof *adapter; j++)
            if (strstr(name, adapter[j]))
                return hesse_fail(why, HESSE_E_INPUT,
                                  "%s: tensor '%.160s' belongs to an adapter that is "
                                  "not merged, expected the weights of one model: "
                                  "merge_and_unload() of peft makes them",
                                  path, name);
    }
    return HESSE_OK;
}

static hesse_status refuse_decoder(const hesse_safetensors *file, const char *path,
                                   const hesse_arch *arch, hesse_why *why)
{
    const hesse_decoder_names *known = hesse_family_of(arch)->decoder;
    char expected[HESSE_NAME];
    snprintf(expected, sizeof expected, "%s%s", known->prefixes[0], known->anchor);
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        const char *name = hesse_safetensors_tensor(file, i)->name;
        if (hesse_file_ends_with(name, "layers.0.attention.wq.weight"))
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: tensor '%.160s' has a name of Meta's own files, "
                              "expected '%s': convert_llama_weights_to_hf.py of "
                              "transformers converts them",
                              path, name, expected);
    }
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: no %s checkpoint: expected a tensor '%s', nearest is '%.160s'", path,
        arch->family, expected, hesse_layout_nearest(file, expected));
}

/* Take the text before a place of a name as the wrapper's; false if it is too long. */
static bool take_wrapper(hesse_layout *layout, const char *name, const char *place)
{
    const size_t length = (size_t)(place - name);
    if (length >= sizeof layout->wrapper) return false;
    memcpy(layout->wrapper, name, length);
    layout->wrapper[length] = '\0';
    return true;
}

/* Find a head outside of the model that has the tensor `name`. The text between the
   head's wrapper and the anchor becomes the prefix. */
static bool find_outer_head(const hesse_safetensors *file, const char *name,
                            const char *place, hesse_arch *arch)
{
    hesse_layout *layout = &arch->layout;
    for (const char *at = place; at >= name; at--) {
        if (at > name && at[-1] != '.') continue;
        if ((size_t)(place - at) >= sizeof layout->prefix) break;
        if (!take_wrapper(layout, name, at) || !hesse_layout_head(file, arch)) continue;
        snprintf(layout->prefix, sizeof layout->prefix, "%.*s", (int)(place - at), at);
        return true;
    }
    return false;
}

/* Divide the text before the anchor into the wrapper's prefix and the family's: so that
   there is a head, if possible, and with a usual prefix. */
static bool divide(const hesse_safetensors *file, const char *name, hesse_arch *arch)
{
    const hesse_decoder_names *known = hesse_family_of(arch)->decoder;
    hesse_layout first = {0};
    bool found = false;
    char rest[2 * HESSE_NAME];
    for (int bare = 0; bare < 2; bare++)
        for (int p = 0; p < HESSE_PREFIXES; p++) {
            const bool is_bare = !*known->prefixes[p];
            if (is_bare != bare) continue;
            snprintf(rest, sizeof rest, "%s%s", known->prefixes[p], known->anchor);
            const char *place = last_place(name, rest);
            if (!place || !take_wrapper(&arch->layout, name, place)) continue;
            strcpy(arch->layout.prefix, known->prefixes[p]);
            if (hesse_layout_head(file, arch)) return true;
            if (!found) first = arch->layout;
            found = true;
        }
    const char *place = last_place(name, known->anchor);
    if (find_outer_head(file, name, place, arch)) return true;
    arch->layout = first;
    return found;
}

/* A file can hold other networks beside the decoder, such as one for images, whose
   layers have the same names. Only decoders have an embedding of tokens. */
static hesse_status find_prefix(const hesse_safetensors *file, const char *path,
                                hesse_arch *arch, hesse_why *why)
{
    const hesse_decoder_names *known = hesse_family_of(arch)->decoder;
    hesse_arch best = {0};
    const char *first = NULL, *rival = NULL;
    bool sure = false;
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        const char *name = hesse_safetensors_tensor(file, i)->name;
        hesse_arch now = *arch;
        if (!last_place(name, known->anchor) || !divide(file, name, &now)) continue;
        const bool whole = hesse_layout_tensor(file, &now, known->embedding);
        if (first && !whole && sure) continue;
        rival = first && whole == sure ? name : NULL;
        if (!rival) first = name, sure = whole, best = now;
        if (rival && sure) break;
    }
    if (rival)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: found several models, with the tensors '%.160s' and "
                          "'%.160s', expected one",
                          path, first, rival);
    if (!first) return refuse_decoder(file, path, arch, why);
    *arch = best;
    return HESSE_OK;
}

/* Count the parameters that are found with a wrapper. */
static int count_found(const hesse_safetensors *file, const hesse_arch *arch,
                       const hesse_params *params)
{
    int found = 0;
    for (int i = 0; i < params->count; i++)
        found += hesse_layout_find(file, arch, &params->list[i]) != NULL;
    return found;
}

/* Find the wrapper of a network that a builder describes, among the texts before the
   name of one parameter. */
static hesse_status find_wrapper(const hesse_safetensors *file, const char *path,
                                 const hesse_params *params, const char *expected,
                                 hesse_arch *arch, hesse_why *why)
{
    hesse_arch now = *arch;
    int most = 0;
    bool several = false;
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        const char *name = hesse_safetensors_tensor(file, i)->name;
        const char *place = last_place(name, expected);
        if (!place || !take_wrapper(&now.layout, name, place)) continue;
        const int found = count_found(file, &now, params);
        if (found < most) continue;
        several = found == most;
        most = found;
        arch->layout = now.layout;
    }
    if (!several) return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: found several models, in which '%s' follows '%s' or another "
                      "text, expected one",
                      path, expected, arch->layout.wrapper);
}

/* Any parameter may be the one that the file lacks. */
hesse_status hesse_layout_find_wrapper(const hesse_safetensors *file, const char *path,
                                       hesse_arch *arch, hesse_why *why)
{
    hesse_params params = {0};
    if (hesse_family_of(arch)->decoder) return HESSE_OK;
    hesse_status s = hesse_params_new(arch, &params, why);
    for (int i = 0; !s && i < params.count; i++) {
        s = find_wrapper(file, path, &params, params.list[i].tensor, arch, why);
        if (s || count_found(file, arch, &params)) break;
    }
    hesse_params_free(&params);
    return s;
}

hesse_status hesse_weights_probe(const hesse_safetensors *file, const char *path,
                                 hesse_arch *arch, hesse_why *why)
{
    const hesse_family *f = hesse_family_of(arch);
    hesse_arch found = *arch;
    hesse_family_complete(&found);
    found.layout = (hesse_layout){0};
    hesse_status s = check_kind(file, path, why);
    if (!s && f->decoder) s = find_prefix(file, path, &found, why);
    if (!s && f->probe) s = f->probe(file, path, &found, why);
    if (!s) *arch = found;
    return s;
}
