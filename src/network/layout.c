/* A name in a file is a wrapper's prefix (of a compiled or distributed network), then
   the prefix of the family's checkpoints, then the parameter's own name. A decoder's
   layout is found by trying all prefixes of both kinds on a tensor that every
   checkpoint has. Other families have no such tensor: there the wrapper is the prefix
   that all names of the file begin with. */
#include "network/layout.h"
#include "files/file.h"
#include "network/families/families.h"
#include "network/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const wrappers[] = {"", "_orig_mod.", "module.", "module._orig_mod.",
                                       "_orig_mod.module."};

/* Return the rest of a name after a prefix; NULL if it does not begin with it. */
static const char *after(const char *name, const char *prefix)
{
    const size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 ? name + n : NULL;
}

static const hesse_tensor *find_inside(const hesse_safetensors *file,
                                       const char *wrapper, const char *prefix,
                                       const char *rest)
{
    char name[2 * HESSE_NAME];
    snprintf(name, sizeof name, "%.48s%.16s%.240s", wrapper, prefix, rest);
    return hesse_safetensors_find(file, name);
}

static const hesse_tensor *find(const hesse_safetensors *file, const char *wrapper,
                                const char *rest)
{
    return find_inside(file, wrapper, "", rest);
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
static hesse_extra extra_of_others(const hesse_arch *arch, const char *wrapped)
{
    const hesse_family *f = hesse_family_of(arch);
    const char *name = wrapped + strlen(arch->layout.wrapper);
    const hesse_extra extra = f->extra ? f->extra(arch, name) : HESSE_EXTRA_PARAMETER;
    if (extra != HESSE_EXTRA_PARAMETER) return extra;
    return is_kept(name) ? HESSE_EXTRA_BUFFER : HESSE_EXTRA_PARAMETER;
}

hesse_extra hesse_layout_extra(const hesse_arch *arch, const char *name)
{
    const hesse_decoder_names *known = hesse_family_of(arch)->decoder;
    if (!known) return extra_of_others(arch, name);
    const char *outside = after(name, arch->layout.wrapper);
    const char *inside = outside ? after(outside, arch->layout.prefix) : NULL;
    int layer = 0;
    const char *of_head = outside ? after(outside, known->head) : NULL;
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

static hesse_status find_prefix(const hesse_safetensors *file, const char *path,
                                hesse_arch *arch, hesse_why *why)
{
    const hesse_decoder_names *known = hesse_family_of(arch)->decoder;
    char expected[HESSE_NAME];
    for (size_t w = 0; w < sizeof wrappers / sizeof *wrappers; w++)
        for (int p = 0; p < HESSE_PREFIXES; p++) {
            if (!find_inside(file, wrappers[w], known->prefixes[p], known->anchor))
                continue;
            strcpy(arch->layout.wrapper, wrappers[w]);
            strcpy(arch->layout.prefix, known->prefixes[p]);
            return HESSE_OK;
        }
    snprintf(expected, sizeof expected, "%s%s", known->prefixes[0], known->anchor);
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: no %s checkpoint: expected a tensor '%s', nearest is '%.160s'", path,
        arch->family, expected, hesse_layout_nearest(file, expected));
}

static bool all_begin_with(const hesse_safetensors *file, const char *prefix)
{
    for (size_t i = 0; i < hesse_safetensors_count(file); i++)
        if (!after(hesse_safetensors_tensor(file, i)->name, prefix)) return false;
    return hesse_safetensors_count(file);
}

/* Find the wrappers, and wrappers of wrappers, of a model that a builder describes. No
   name of such a model begins like a wrapper itself, as names of llama do. */
static hesse_layout wrapped(const hesse_safetensors *file)
{
    static const char *const some[] = {"module.", "_orig_mod.", "model.", "net."};
    hesse_layout layout = {0};
    char longer[sizeof layout.wrapper];
    for (size_t i = 0; i < sizeof some / sizeof *some;) {
        const int n =
            snprintf(longer, sizeof longer, "%s%s", layout.wrapper, some[i++]);
        if (n >= (int)sizeof longer || !all_begin_with(file, longer)) continue;
        strcpy(layout.wrapper, longer);
        i = 0;
    }
    return layout;
}

hesse_status hesse_weights_probe(const hesse_safetensors *file, const char *path,
                                 hesse_arch *arch, hesse_why *why)
{
    const hesse_family *f = hesse_family_of(arch);
    hesse_arch found = *arch;
    hesse_family_complete(&found);
    found.layout = f->decoder ? (hesse_layout){0} : wrapped(file);
    hesse_status s = HESSE_OK;
    if (f->decoder) s = find_prefix(file, path, &found, why);
    if (!s && f->probe) s = f->probe(file, path, &found, why);
    if (!s) *arch = found;
    return s;
}
