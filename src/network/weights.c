/* The shapes of all parameters are checked first, then the other tensors of the file,
   then the numbers are read: so a checkpoint of the wrong model is refused before the
   long part. A fused tensor is read once for each of its slices, which keeps parameter
   and tensor apart. Names and hesse_weights_probe are in layout.c. */
#include "network/weights.h"

#include "base/memory.h"
#include "files/safetensors_write.h"
#include "network/families/families.h"
#include "network/graph.h"
#include "network/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 4 }; /* names in a note */

/* Give the shape of the tensor that a parameter is stored in, whole or fused; returns
   its rank. */
static int stored_shape(const hesse_param *p, size_t shape[4])
{
    const size_t total = (size_t)p->slice.total;
    for (int i = 0; i < p->rank; i++) shape[i] = (size_t)p->shape[i];
    if (p->rank) return p->rank;
    shape[0] = total && p->out_rows ? total : (size_t)p->rows;
    shape[1] = total && !p->out_rows ? total : (size_t)p->cols;
    if (!p->vector) return 2;
    shape[0] = shape[1];
    return 1;
}

/* A head that the checkpoint lacks may have initial values. */
static bool is_seeded(const hesse_arch *arch, const hesse_param *p)
{
    return arch->seeded_head && p->role == HESSE_ROLE_HEAD;
}

static hesse_status check_shape(const char *path, const hesse_tensor *t,
                                const hesse_param *p, const char *more, hesse_why *why)
{
    size_t shape[4];
    const int rank = stored_shape(p, shape);
    if (t->rank == rank && memcmp(t->shape, shape, (size_t)rank * sizeof *shape) == 0)
        return HESSE_OK;
    char found[HESSE_SHAPE_SHOWN], expected[HESSE_SHAPE_SHOWN];
    hesse_shape_show(t->rank, t->shape, found);
    hesse_shape_show(rank, shape, expected);
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: tensor '%s' has shape %s, expected %s by the model's sizes%s", path,
        t->name, found, expected, more);
}

static hesse_status check_tensor(const hesse_safetensors *file, const char *path,
                                 const hesse_arch *arch, const hesse_param *p,
                                 hesse_why *why)
{
    const hesse_tensor *t = hesse_layout_find(file, arch, p);
    if (!t && is_seeded(arch, p)) return HESSE_OK;
    if (!t) {
        char name[2 * HESSE_NAME];
        const bool head = p->role == HESSE_ROLE_HEAD && !hesse_family_of(arch)->decoder;
        hesse_layout_name(arch, p, name);
        return hesse_fail(
            why, HESSE_E_INPUT, "%s: expected a tensor '%s', nearest is '%.160s'%s",
            path, name, hesse_layout_nearest(file, name),
            head ? "; a head that is not stored can be drawn from the seed" : "");
    }
    const bool grid = p->role == HESSE_ROLE_POSITION && p->rank == 3 && p->rows > 1;
    return check_shape(
        path, t, p,
        grid ? "; a position table of another grid of patches can be interpolated" : "",
        why);
}

hesse_status hesse_weights_widen(const hesse_safetensors *file, const char *path,
                                 hesse_arch *arch, bool told, hesse_why *why)
{
    hesse_params params = {0};
    hesse_status s = hesse_layout_find_wrapper(file, path, arch, why);
    if (s) return s;
    if (hesse_family_of(arch)->widen) hesse_family_of(arch)->widen(file, arch);
    if (told || arch->data.outputs < 1 || arch->data.loss != HESSE_LOSS_CROSS_ENTROPY)
        return HESSE_OK;
    s = hesse_params_new(arch, &params, why);
    for (int i = 0; !s && i < params.count; i++) {
        const hesse_param *p = &params.list[i];
        const bool head = p->role == HESSE_ROLE_HEAD && !p->vector && p->out_rows &&
                          p->rows == arch->data.outputs;
        const hesse_tensor *t = head ? hesse_layout_find(file, arch, p) : NULL;
        if (t && t->rank == 2 && t->shape[1] == (size_t)p->cols &&
            t->shape[0] > (size_t)p->rows && t->shape[0] <= 1 << 20)
            arch->data.outputs = (int)t->shape[0];
    }
    hesse_params_free(&params);
    return s;
}

/* Outputs are rows of `run` numbers, or columns, of which each row holds one number. */
void hesse_slice_copy(const hesse_param *p, double *fused, double *theta, bool back)
{
    const hesse_slice *s = &p->slice;
    if (!s->total) {
        memcpy(back ? fused : theta, back ? theta : fused,
               hesse_param_size(p) * sizeof *theta);
        return;
    }
    const size_t run = p->out_rows ? (size_t)p->cols : 1;
    const size_t rows = p->out_rows ? 1 : (size_t)p->rows, groups = (size_t)s->groups;
    const size_t own = hesse_param_size(p) / rows / groups; /* of a group */
    const size_t all = (size_t)s->total * run / groups;
    for (size_t i = 0; i < rows * groups; i++) {
        double *part = fused + i * all + (size_t)s->first * run;
        if (back)
            memcpy(part, theta + i * own, own * sizeof *theta);
        else
            memcpy(theta + i * own, part, own * sizeof *theta);
    }
}

static hesse_status read_tensor(const hesse_safetensors *file, const char *path,
                                const hesse_tensor *t, const hesse_param *p,
                                double *theta, hesse_why *why)
{
    if (!p->slice.total) return hesse_safetensors_read(file, t, theta, why);
    double *fused = hesse_alloc(t->count);
    if (!fused)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for '%s'", path,
                          t->name);
    hesse_status s = hesse_safetensors_read(file, t, fused, why);
    if (!s) hesse_slice_copy(p, fused, theta, false);
    free(fused);
    return s;
}

static hesse_status read_param(const hesse_safetensors *file, const char *path,
                               const hesse_arch *arch, const hesse_param *p,
                               double *theta, hesse_why *why)
{
    const hesse_tensor *t = hesse_layout_find(file, arch, p);
    if (!t) return HESSE_OK; /* its initial values stay */
    return read_tensor(file, path, t, p, theta, why);
}

/* Mark the tensors that parameters are stored in. */
static void mark_wanted(const hesse_safetensors *file, const hesse_arch *arch,
                        const hesse_tensors *part, bool *wanted)
{
    const hesse_tensor *first = hesse_safetensors_tensor(file, 0);
    for (int i = 0; i < part->list->count; i++) {
        const hesse_tensor *t = hesse_layout_find(file, arch, &part->list->list[i]);
        if (t) wanted[t - first] = true;
    }
}

/* Add a name to the note "ignored: a, b, c and 5 more". The first names show the kind
   of the rest. */
static void mention(const char *name, hesse_extra extra, size_t earlier,
                    hesse_why *note)
{
    const size_t at = strlen(note->text), room = sizeof note->text - at;
    const char *what = extra == HESSE_EXTRA_HEAD     ? " (equal to the tied embedding)"
                       : extra == HESSE_EXTRA_BUFFER ? " (a buffer)"
                                                     : "";
    if (earlier < SHOWN)
        snprintf(note->text + at, room, "%s%.160s%s",
                 earlier ? ", " : "ignored: ", name, what);
}

static void conclude(size_t ignored, hesse_why *note)
{
    const size_t at = strlen(note->text), room = sizeof note->text - at;
    if (ignored > SHOWN)
        snprintf(note->text + at, room, " and %zu more", ignored - SHOWN);
}

/* Add the tensors that have initial values: "; drawn from the seed: a, b". */
static void mention_seeded(const hesse_safetensors *file, const hesse_arch *arch,
                           const hesse_params *params, hesse_why *note)
{
    size_t seeded = 0;
    for (int i = 0; arch->seeded_head && i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        const size_t at = strlen(note->text), room = sizeof note->text - at;
        if (!is_seeded(arch, p) || hesse_layout_find(file, arch, p)) continue;
        snprintf(note->text + at, room, "%s%.160s",
                 seeded++ ? ", "
                 : at     ? "; drawn from the seed: "
                          : "drawn from the seed: ",
                 p->tensor);
    }
}

static hesse_status refuse_extra(const char *path, const char *name, hesse_why *why)
{
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: tensor '%.160s' is no parameter of this model, and with it "
        "another function would be computed: do layers, biases and family "
        "fit the checkpoint?",
        path, name);
}

/* Refuse or mention every tensor that no parameter is stored in, and find a copy of the
   head. */
static hesse_status check_extras(const hesse_safetensors *file, const char *path,
                                 const hesse_arch *arch, const bool *wanted,
                                 const hesse_tensor **copy, hesse_why *note,
                                 hesse_why *why)
{
    size_t ignored = 0;
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        const hesse_tensor *t = hesse_safetensors_tensor(file, i);
        if (wanted[i]) continue;
        const hesse_extra extra = hesse_layout_extra(arch, t->name);
        if (extra == HESSE_EXTRA_PARAMETER) return refuse_extra(path, t->name, why);
        if (extra == HESSE_EXTRA_HEAD) *copy = t;
        mention(t->name, extra, ignored++, note);
    }
    conclude(ignored, note);
    return HESSE_OK;
}

static hesse_status find_extras(const hesse_safetensors *file, const char *path,
                                const hesse_arch *arch, const hesse_tensors *parts,
                                int n_parts, const hesse_tensor **copy, hesse_why *note,
                                hesse_why *why)
{
    bool *wanted = hesse_calloc(hesse_safetensors_count(file), sizeof *wanted);
    if (!wanted) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    for (int i = 0; i < n_parts; i++) mark_wanted(file, arch, &parts[i], wanted);
    hesse_status s = check_extras(file, path, arch, wanted, copy, note, why);
    if (!s && n_parts) mention_seeded(file, arch, parts->list, note);
    free(wanted);
    return s;
}

/* Return the parameter that the copy of a tied head equals: the embedding, which comes
   first, or the one that a graph names. */
static const hesse_param *original_of(const hesse_arch *arch,
                                      const hesse_params *params)
{
    for (int i = 0; arch->graph && i < params->count; i++)
        if (strcmp(params->list[i].tensor, arch->graph->extras.original) == 0)
            return &params->list[i];
    return params->list;
}

static hesse_status check_copy(const hesse_safetensors *file, const char *path,
                               const hesse_param *embedding, const hesse_tensor *copy,
                               const double *theta, hesse_why *why)
{
    const size_t count = hesse_param_size(embedding);
    double *values = copy->count == count ? hesse_alloc(count) : NULL;
    hesse_status s = HESSE_OK;
    if (copy->count == count && !values)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for '%s'", path,
                          copy->name);
    if (values) s = hesse_safetensors_read(file, copy, values, why);
    if (!s && (!values || memcmp(values, theta, count * sizeof *theta) != 0))
        s = hesse_fail(why, HESSE_E_INPUT,
                       "%s: '%s' differs from '%s', which it is tied to: is "
                       "tie_word_embeddings: false meant?",
                       path, copy->name, embedding->tensor);
    free(values);
    return s;
}

static hesse_status check_tensors(const hesse_safetensors *file, const char *path,
                                  const hesse_arch *arch, const hesse_tensors *part,
                                  hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < part->list->count; i++)
        s = check_tensor(file, path, arch, &part->list->list[i], why);
    return s;
}

static hesse_status read_tensors(const hesse_safetensors *file, const char *path,
                                 const hesse_arch *arch, const hesse_tensors *part,
                                 hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < part->list->count; i++) {
        const hesse_param *p = &part->list->list[i];
        s = read_param(file, path, arch, p, part->values + p->offset, why);
    }
    return s;
}

/* Check everything but the numbers; `copy` is a stored copy of a tied head. */
static hesse_status check_file(const hesse_safetensors *file, const char *path,
                               const hesse_arch *arch, const hesse_tensors *lists,
                               int n_lists, const hesse_tensor **copy, hesse_why *note,
                               hesse_why *why)
{
    hesse_status s = HESSE_OK;
    note->text[0] = '\0';
    for (int i = 0; !s && i < n_lists; i++)
        s = check_tensors(file, path, arch, &lists[i], why);
    return s ? s : find_extras(file, path, arch, lists, n_lists, copy, note, why);
}

hesse_status hesse_weights_check(const hesse_safetensors *file, const char *path,
                                 const hesse_arch *arch, const hesse_tensors *lists,
                                 int n_lists, hesse_why *note, hesse_why *why)
{
    const hesse_tensor *copy = NULL;
    return check_file(file, path, arch, lists, n_lists, &copy, note, why);
}

hesse_status hesse_weights_note(const hesse_safetensors *file, const hesse_arch *arch,
                                const hesse_tensors *lists, int n_lists,
                                hesse_graph *graph, hesse_why *why)
{
    const size_t count = hesse_safetensors_count(file);
    bool *wanted = hesse_calloc(count, sizeof *wanted);
    if (!wanted) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a graph");
    for (int i = 0; i < n_lists; i++) mark_wanted(file, arch, &lists[i], wanted);
    const size_t wrapper = strlen(arch->layout.wrapper);
    for (size_t i = 0; i < count; i++) {
        const char *name = hesse_safetensors_tensor(file, i)->name;
        if (wanted[i]) continue;
        const bool head = hesse_layout_extra(arch, name) == HESSE_EXTRA_HEAD;
        if (strncmp(name, arch->layout.wrapper, wrapper) == 0) name += wrapper;
        hesse_graph_extras *e = &graph->extras;
        if (!head || lists->list->list->slice.total) {
            hesse_graph_ignore(graph, name);
            continue;
        }
        snprintf(e->copy, sizeof e->copy, "%s", name);
        snprintf(e->original, sizeof e->original, "%s", lists->list->list->tensor);
    }
    free(wanted);
    return HESSE_OK;
}

hesse_status hesse_weights_read(const hesse_safetensors *file, const char *path,
                                const hesse_arch *arch, const hesse_tensors *lists,
                                int n_lists, hesse_why *note,
                                char digest[HESSE_DIGEST_LENGTH], hesse_why *why)
{
    const hesse_tensor *copy = NULL;
    hesse_status s = check_file(file, path, arch, lists, n_lists, &copy, note, why);
    for (int i = 0; !s && i < n_lists; i++)
        s = read_tensors(file, path, arch, &lists[i], why);
    if (!s && copy) {
        const hesse_param *embedding = original_of(arch, lists->list);
        s = check_copy(file, path, embedding, copy, lists->values + embedding->offset,
                       why);
    }
    if (!s) s = hesse_safetensors_digest(file, digest, why);
    return s;
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t length = strlen(text), end = strlen(ending);
    return length >= end && strcmp(text + length - end, ending) == 0;
}

static bool any_ends_with(const hesse_safetensors *file, const char *ending)
{
    bool any = false;
    for (size_t i = 0; !any && i < hesse_safetensors_count(file); i++)
        any = ends_with(hesse_safetensors_tensor(file, i)->name, ending);
    return any;
}

/* Find the tensor of a parameter in a state. Optimisers drop the wrapper that a
   checkpoint may have. */
static const hesse_tensor *find_state(const hesse_safetensors *file,
                                      const hesse_arch *arch, const hesse_param *p,
                                      const char *ending,
                                      char name[2 * HESSE_NAME + 16])
{
    char plain[2 * HESSE_NAME];
    hesse_layout_name(arch, p, plain);
    snprintf(name, 2 * HESSE_NAME + 16, "%s%s", plain, ending);
    const hesse_tensor *t = hesse_safetensors_find(file, name);
    if (t) return t;
    char unwrapped[2 * HESSE_NAME + 16];
    snprintf(unwrapped, sizeof unwrapped, "%s%s", p->tensor, ending);
    t = hesse_safetensors_find(file, unwrapped);
    return t || *ending ? t : hesse_layout_find(file, arch, p);
}

hesse_status hesse_weights_read_state(const hesse_safetensors *file, const char *path,
                                      const hesse_arch *arch,
                                      const hesse_params *params, const char *ending,
                                      double *values, char digest[HESSE_DIGEST_LENGTH],
                                      hesse_why *why)
{
    char name[2 * HESSE_NAME + 16];
    hesse_status s = HESSE_OK;
    if (!any_ends_with(file, ending)) ending = "";
    for (int i = 0; !s && i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        const hesse_tensor *t = find_state(file, arch, p, ending, name);
        s = t ? check_shape(path, t, p, "", why)
              : hesse_fail(why, HESSE_E_INPUT,
                           "%s: expected a tensor '%s', nearest is '%.160s'", path,
                           name, hesse_layout_nearest(file, name));
    }
    for (int i = 0; !s && i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        s = read_tensor(file, path, find_state(file, arch, p, ending, name), p,
                        values + p->offset, why);
    }
    if (!s) s = hesse_safetensors_digest(file, digest, why);
    return s;
}

/* The tensors of a checkpoint that is written, and memory for putting a fused one
   together. */
typedef struct output {
    size_t count;
    hesse_tensor_out *tensors;
    char (*names)[2 * HESSE_NAME];
    const hesse_params **lists; /* [count] list that has the tensor's parameter */
    const double **values;      /* [count] numbers of that list */
    const hesse_param **params; /* [count] the first slice                     */
    const double *steps;        /* the last tensor; NULL: there is none */
    double *fused;
} output;

static void output_free(output *o)
{
    free(o->tensors);
    free(o->names);
    free(o->lists);
    free(o->values);
    free(o->params);
    free(o->fused);
}

static bool output_new(const hesse_arch *arch, const hesse_tensors *lists, int n_lists,
                       const double *steps, output *o)
{
    size_t most = 1;
    for (int i = 0; i < n_lists; i++) most += (size_t)lists[i].list->count;
    *o = (output){.steps = steps,
                  .tensors = hesse_calloc(most, sizeof *o->tensors),
                  .names = hesse_calloc(most, sizeof *o->names),
                  .lists = hesse_calloc(most, sizeof(void *)),
                  .values = hesse_calloc(most, sizeof(void *)),
                  .params = hesse_calloc(most, sizeof(void *))};
    if (!o->tensors || !o->names || !o->lists || !o->values || !o->params) return false;
    for (int i = 0; i < n_lists; i++)
        for (int j = 0; j < lists[i].list->count; j++) {
            const hesse_param *p = &lists[i].list->list[j];
            const size_t at = o->count;
            if (p->slice.first) continue; /* it is written with the first slice */
            if (lists[i].without && lists[i].without[j]) continue;
            hesse_layout_name(arch, p, o->names[at]);
            if (lists[i].suffix)
                strncat(o->names[at], lists[i].suffix,
                        sizeof o->names[at] - strlen(o->names[at]) - 1);
            o->tensors[at].name = o->names[at];
            o->tensors[at].rank = stored_shape(p, o->tensors[at].shape);
            o->lists[at] = lists[i].list, o->values[at] = lists[i].values;
            o->params[at] = p;
            o->count++;
        }
    if (o->steps)
        o->tensors[o->count++] =
            (hesse_tensor_out){.name = "step", .rank = 1, .shape = {1}};
    return true;
}

static const double *output_values(void *context, size_t i)
{
    output *o = context;
    const hesse_param *first = o->params[i];
    const hesse_params *list = o->lists[i];
    if (!first) return o->steps;
    if (!first->slice.total) return o->values[i] + first->offset;
    free(o->fused);
    const int own = first->out_rows ? first->rows : first->cols;
    o->fused =
        hesse_alloc(hesse_param_size(first) / (size_t)own * (size_t)first->slice.total);
    for (int j = 0; o->fused && j < list->count; j++)
        if (strcmp(list->list[j].tensor, first->tensor) == 0)
            hesse_slice_copy(&list->list[j], o->fused,
                             (double *)o->values[i] + list->list[j].offset, true);
    return o->fused;
}

hesse_status hesse_weights_write(const char *path, const hesse_arch *arch,
                                 const hesse_tensors *lists, int n_lists,
                                 const double *steps, int bytes, hesse_why *why)
{
    output o;
    hesse_status s = HESSE_OK;
    if (!output_new(arch, lists, n_lists, steps, &o))
        s = hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    if (!s)
        s = hesse_safetensors_write(path, o.count, o.tensors, bytes, output_values, &o,
                                    why);
    output_free(&o);
    return s;
}
