/* A job is a tree (the file) with overrides merged over it. The tree is compared with
   the table of keys, defaults replace absent keys, values go into the struct, and rules
   on several keys are checked. So every message is about text that the user wrote, and
   an absent key is never confused with a zero. */
#include "job/job.h"

#include "base/memory.h"
#include "job/job_tree.h"
#include "job/values.h"
#include "job/variants.h"
#include "network/families/families.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the job file");
}

hesse_status hesse_job_text(const char *path, char **text, size_t *length,
                            hesse_why *why)
{
    *text = NULL;
    const bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "rb");
    if (!f)
        return hesse_fail(why, HESSE_E_JOB, "%s: cannot be opened: %s", path,
                          strerror(errno));
    char *bytes = malloc(HESSE_JOB_BYTES + 2);
    const size_t count = bytes ? fread(bytes, 1, HESSE_JOB_BYTES + 1, f) : 0;
    const int error = ferror(f) ? errno : 0;
    if (!standard) fclose(f);
    hesse_status s = HESSE_OK;
    if (!bytes)
        s = exhausted(why);
    else if (error)
        s = hesse_fail(why, HESSE_E_JOB, "%s: cannot be read: %s", path,
                       strerror(error));
    else if (count > HESSE_JOB_BYTES)
        s = hesse_fail(why, HESSE_E_JOB,
                       "%s: is larger than 1 MiB, expected a job file", path);
    if (s) {
        free(bytes);
        return s;
    }
    bytes[count] = '\0';
    *text = bytes;
    *length = count;
    return HESSE_OK;
}

/* True if a key is words with dots between them, and is no longer than keys can be. */
static bool is_dotted(const char *key, size_t length)
{
    bool word = false;
    for (size_t i = 0; i < length; i++) {
        if (key[i] == '.' && !word) return false;
        word = key[i] != '.';
    }
    return word && length <= 100;
}

/* Merge "section.key=VALUE" into the tree; VALUE is in YAML. */
static hesse_status merge_override(hesse_yaml *root, const hesse_origin *source,
                                   hesse_why *why)
{
    const hesse_words where = hesse_origin_where(source, 0);
    const char *set = source->set, *equals = strchr(set, '=');
    hesse_yaml *tree = NULL;
    if (!equals || !is_dotted(set, (size_t)(equals - set)))
        return hesse_fail(why, HESSE_E_JOB, "%s: expected section.key=VALUE",
                          where.text);
    for (const char *c = set; *c; c++)
        if ((unsigned char)*c < ' ')
            return hesse_fail(why, HESSE_E_JOB,
                              "%s: holds a control character, expected one line",
                              where.text);
    hesse_status s =
        hesse_tree_parse(equals + 1, strlen(equals + 1), source, &tree, why);
    if (s) return s;
    if (!tree)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: has no value, expected section.key=VALUE", where.text);
    tree = hesse_tree_wrap_path(set, (size_t)(equals - set), tree);
    if (!tree) return exhausted(why);
    hesse_tree_merge(root, tree);
    return HESSE_OK;
}

/* Set absent sizes that follow from others. */
static void derive_arch(hesse_arch *a, bool config)
{
    hesse_attention *t = &a->attention;
    a->mlp_bias = a->attention_bias;
    hesse_family_complete(a);
    if (config) return;
    if (!t->kv_heads) t->kv_heads = t->heads;
    if (!t->size && t->heads) t->size = a->width / t->heads;
    if (!t->value_size) t->value_size = t->size;
    if (!a->inner) a->inner = 4 * a->width;
    if (!a->image.token_inner) a->image.token_inner = a->width / 2;
}

static void derive(hesse_job *job, const hesse_values *values)
{
    hesse_data_options *d = &job->data;
    derive_arch(&job->arch, job->paths.config != NULL);
    d->kind = hesse_values_kind(values);
    d->shuffle = hesse_values_given(values, "data.seed") != NULL;
    if (hesse_values_given(values, "data.mask_id")) d->mask_id = &job->mask_id;
    if (hesse_values_given(values, "data.padding")) d->padding = &job->padding;
    if (hesse_family_brings(d->kind)) d->seed = job->seed;
    d->recipe.classes = d->classes;
    d->sizes = job->arch.lists.widths;
    d->n_sizes = strcmp(d->kind, "quadratic") == 0 ? job->arch.lists.n_widths : 0;
}

/* Apply the effects of keys on each other, after the rules have been checked. */
static void settle(hesse_analysis_options *a, bool paper)
{
    if (paper) a->lanczos.orthogonality = HESSE_ORTHOGONALITY_PAPER;
    if (a->matrices) a->method = HESSE_METHOD_EXACT; /* stored matrices are dense */
}

/* Find the two dots that separate two checkpoints; NULL: there are none. Dots that are
   the folder above, "../", separate nothing. */
static const char *separator_of(const char *text, const char *from)
{
    for (const char *c = from; (c = strstr(c, "..")); c++) {
        const bool folder =
            (c == from || c[-1] == '/') && (c[2] == '/' || c[2] == '\0');
        if (!folder && c > text) return c;
        if (folder) c++;
    }
    return NULL;
}

/* Read "FILE" or "FILE_A..FILE_B". */
static hesse_status read_files(hesse_job *job, const char *path, const char *key,
                               const char *text, hesse_job_direction *d, hesse_why *why)
{
    const char *dots = separator_of(text, text), *file = dots ? dots + 2 : text;
    if (dots && (!*file || separator_of(text, file)))
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: '%s' holds '%.200s', expected gradient, FILE or "
                          "FILE_A..FILE_B, with '..' once",
                          path, key, text);
    if (dots) {
        char *first = hesse_job_room(job, (size_t)(dots - text) + 1);
        if (!first) return exhausted(why);
        memcpy(first, text, (size_t)(dots - text));
        d->from = hesse_job_beside(job, path, first);
        d->whole = hesse_job_beside(job, path, text);
        if (!d->from || !d->whole) return exhausted(why);
    }
    d->file = hesse_job_beside(job, path, file);
    return d->file ? HESSE_OK : exhausted(why);
}

static hesse_status read_directions(hesse_job *job, const char *path, hesse_why *why)
{
    hesse_job_measures *m = &job->measures;
    if (!m->n_directions) return HESSE_OK;
    hesse_job_direction *list =
        hesse_job_room(job, (size_t)m->n_directions * sizeof *list);
    hesse_status s = list ? HESSE_OK : exhausted(why);
    for (int i = 0; !s && i < m->n_directions; i++) {
        list[i] = (hesse_job_direction){.name = m->directions[i]};
        if (strcmp(list[i].name, "gradient") != 0)
            s = read_files(job, path, "measures.directions", list[i].name, &list[i],
                           why);
    }
    m->vectors = list;
    return s;
}

/* Read "random", "gradient", "eigenvector:K" or files. */
static hesse_status read_landscape_direction(hesse_job *job, const char *path,
                                             const char *text, hesse_job_direction *d,
                                             hesse_landscape_direction *to,
                                             hesse_why *why)
{
    const char *number = text + strlen("eigenvector:");
    char *end = NULL;
    *d = (hesse_job_direction){.name = text};
    *to = (hesse_landscape_direction){.name = text};
    if (strcmp(text, "random") == 0) {
        to->origin = HESSE_DIRECTION_RANDOM;
    } else if (strcmp(text, "gradient") == 0) {
        to->origin = HESSE_DIRECTION_GRADIENT;
    } else if (strncmp(text, "eigenvector", strlen("eigenvector")) == 0 &&
               (!text[strlen("eigenvector")] || number[-1] == ':')) {
        to->origin = HESSE_DIRECTION_EIGENVECTOR;
        const long k = number[-1] == ':' ? strtol(number, &end, 10) : 0;
        if (!end || end == number || *end || k == 0 || k > 1000 || k < -1000)
            return hesse_fail(why, HESSE_E_JOB,
                              "%s: 'landscape.directions' holds '%.200s', expected "
                              "eigenvector:K with K from 1 to 1000 or from -1 to -1000",
                              path, text);
        to->eigenvector = (int)k;
    } else {
        to->origin = HESSE_DIRECTION_VALUES;
        return read_files(job, path, "landscape.directions", text, d, why);
    }
    return HESSE_OK;
}

/* Fill in the options of a landscape. */
static hesse_status read_landscape(hesse_job *job, const char *path, bool normalised,
                                   hesse_why *why)
{
    hesse_job_landscape *l = &job->landscape;
    hesse_landscape_options *o = &l->options;
    hesse_job_direction *list = hesse_job_room(job, (size_t)o->axes * sizeof *list);
    hesse_status s = list ? HESSE_OK : exhausted(why);
    bool random = true;
    for (int i = 0; !s && i < o->axes; i++) {
        const double *ends = l->range + (l->n_range > 2 ? 2 * i : 0);
        s = read_landscape_direction(job, path, l->directions[i], &list[i],
                                     &o->direction[i], why);
        random &= o->direction[i].origin == HESSE_DIRECTION_RANDOM;
        o->axis[i] = (hesse_landscape_axis){ends[0], ends[1],
                                            l->points[l->n_points > 1 ? i : 0]};
    }
    o->normalise = normalised ? l->normalise
                   : random   ? HESSE_NORMALISE_FILTER
                              : HESSE_NORMALISE_NONE;
    l->vectors = list;
    return s;
}

/* job.yaml and job.yml give job.h5, and the folder job. */
static hesse_status name_output(hesse_job *job, const char *path, hesse_why *why)
{
    size_t length = strlen(path);
    if (length > 5 && strcmp(path + length - 5, ".yaml") == 0)
        length -= 5;
    else if (length > 4 && strcmp(path + length - 4, ".yml") == 0)
        length -= 4;
    char *name = hesse_job_room(job, length + 4),
         *folder = hesse_job_room(job, length + 5);
    if (!name || !folder) return exhausted(why);
    snprintf(name, length + 4, "%.*s.h5", (int)length, path);
    snprintf(folder, length + 5, "%.*s%s", (int)length, path,
             path[length] ? "" : ".run");
    if (!job->paths.output) job->paths.output = name;
    if (!job->paths.folder) job->paths.folder = folder;
    return HESSE_OK;
}

/* Write the resolved job: a line for each section and each key, in the order of the
   table. */
static void write_complete(const hesse_job *job, FILE *out)
{
    const char *before = "";
    for (int i = 0; hesse_key_at(i); i++) {
        if (!job->values[i]) continue;
        const char *path = hesse_key_at(i)->path, *word = path;
        int depth = 0;
        for (const char *dot; (dot = strchr(word, '.')); word = dot + 1, depth++)
            if (strncmp(before, path, (size_t)(dot - path) + 1) != 0)
                fprintf(out, "%*s%.*s:\n", 2 * depth, "", (int)(dot - word), word);
        fprintf(out, "%*s%s: %s\n", 2 * depth, "", word, job->values[i]);
        before = path;
    }
}

static hesse_status record(hesse_job *job, const char *text, size_t length,
                           const hesse_job_choice *choice, hesse_why *why)
{
    size_t recorded;
    const bool swept = job->sweep.points > 1;
    const bool more = choice->n_sets || choice->full || swept;
    FILE *memory = open_memstream(&job->text, &recorded);
    if (!memory) return exhausted(why);
    fwrite(text, 1, length, memory);
    if (more && length && text[length - 1] != '\n') fputc('\n', memory);
    if (choice->full) fputs("# --full\n", memory);
    if (swept) fprintf(memory, "# --point %s\n", job->sweep.name);
    for (int i = 0; i < choice->n_sets; i++)
        fprintf(memory, "# --set %s\n", choice->sets[i]);
    if (fclose(memory)) return exhausted(why);
    memory = open_memstream(&job->complete, &recorded);
    if (!memory) return exhausted(why);
    write_complete(job, memory);
    return fclose(memory) ? exhausted(why) : HESSE_OK;
}

static bool of_variants(const hesse_origin *source)
{
    return strncmp(source->set, "sweep", 5) == 0 ||
           strncmp(source->set, "full", 4) == 0;
}

/* Make one tree of everything that the user wrote: the file, its full size, a point of
   its sweep, and the overrides, of which those of `sweep` and `full` come first. */
static hesse_status gather(const char *text, size_t length, const hesse_origin *file,
                           const hesse_origin *overrides,
                           const hesse_job_choice *choice, hesse_yaml **root,
                           hesse_job_sweep *sweep, hesse_why *why)
{
    hesse_status s = hesse_tree_parse(text, length, file, root, why);
    if (s) return s;
    if (!*root)
        return hesse_fail(
            why, HESSE_E_JOB,
            "%s: is empty, expected a job with the keys 'model' and 'data'",
            file->path);
    s = (*root)->kind == HESSE_YAML_MAPPING
            ? HESSE_OK
            : hesse_fail(why, HESSE_E_JOB,
                         "%s: the file is %s, expected a mapping of keys",
                         hesse_yaml_where(*root).text, hesse_yaml_found(*root).text);
    for (int i = 0; !s && i < choice->n_sets; i++)
        if (of_variants(&overrides[i])) s = merge_override(*root, &overrides[i], why);
    if (!s) s = hesse_variants_apply(*root, file->path, choice, sweep, why);
    for (int i = 0; !s && i < choice->n_sets; i++)
        if (!of_variants(&overrides[i])) s = merge_override(*root, &overrides[i], why);
    return s;
}

static hesse_status understand(const hesse_yaml *root, const char *path,
                               const hesse_told *told, hesse_job *job, hesse_why *why)
{
    hesse_values values = {.told = told};
    hesse_status s = hesse_values_read(root, &values, why);
    if (!s) s = hesse_values_complete(&values, why);
    if (!s) s = hesse_values_store(&values, path, job, why);
    if (!s) derive(job, &values);
    if (!s) s = name_output(job, path, why);
    if (!s) s = read_directions(job, path, why);
    if (!s)
        s = read_landscape(
            job, path, hesse_values_given(&values, "landscape.normalise") != NULL, why);
    if (!s) s = hesse_job_check_rules(&values, path, job, why);
    if (!s) s = hesse_job_settle_training(&values, job, why);
    if (!s) settle(&job->analysis, job->spectrum.paper);
    hesse_values_free(&values);
    return s;
}

/* The tree of a job; its nodes point to their origins. */
typedef struct tree {
    hesse_origin file, *overrides;
    hesse_yaml *root;
    hesse_job_sweep sweep;
} tree;

static const hesse_job_choice AS_WRITTEN = {0};

static hesse_status tree_new(const char *text, size_t length, const char *path,
                             const hesse_job_choice *choice, tree *x, hesse_why *why)
{
    *x = (tree){.file = {.path = path}};
    x->overrides = hesse_calloc((size_t)choice->n_sets + 1, sizeof *x->overrides);
    if (!x->overrides) return exhausted(why);
    for (int i = 0; i < choice->n_sets; i++) x->overrides[i].set = choice->sets[i];
    return gather(text, length, &x->file, x->overrides, choice, &x->root, &x->sweep,
                  why);
}

static void tree_free(tree *x)
{
    hesse_tree_free(x->root);
    free(x->overrides);
}

hesse_status hesse_job_tell(const char *text, size_t length, const char *path,
                            const hesse_job_choice *choice, hesse_told *told,
                            hesse_why *why)
{
    tree x;
    hesse_values values = {0};
    hesse_job scratch = {0};
    *told = (hesse_told){0};
    hesse_status s =
        tree_new(text, length, path, choice ? choice : &AS_WRITTEN, &x, why);
    if (!s) s = hesse_values_read(x.root, &values, why);
    const hesse_yaml *config = s ? NULL : hesse_values_given(&values, "model.config");
    if (config) {
        const bool family = !hesse_values_given(&values, "model.family");
        const char *file = hesse_job_beside(&scratch, path, config->text);
        s = file ? hesse_config_tell(file, family, told, why) : exhausted(why);
        if (s == HESSE_E_INPUT) {
            const size_t at = strlen(why->text);
            snprintf(why->text + at, sizeof why->text - at, " (key: model.config)");
        }
    }
    hesse_job_release(&scratch);
    tree_free(&x);
    return s;
}

hesse_status hesse_job_parse(const char *text, size_t length, const char *path,
                             const hesse_job_choice *choice, const hesse_told *told,
                             hesse_job **job, hesse_why *why)
{
    *job = NULL;
    tree x;
    hesse_job *made = hesse_calloc(1, sizeof *made);
    if (!choice) choice = &AS_WRITTEN;
    hesse_status s = tree_new(text, length, path, choice, &x, why);
    if (!s && !made) s = exhausted(why);
    if (!s) made->sweep = x.sweep;
    if (!s) s = understand(x.root, path, told, made, why);
    if (!s) s = record(made, text, length, choice, why);
    tree_free(&x);
    if (s)
        hesse_job_free(made);
    else
        *job = made;
    return s;
}

hesse_status hesse_job_read(const char *path, const hesse_job_choice *choice,
                            hesse_job **job, hesse_why *why)
{
    char *text;
    size_t length;
    *job = NULL;
    hesse_told told;
    hesse_status s = hesse_job_text(path, &text, &length, why);
    if (!s) s = hesse_job_tell(text, length, path, choice, &told, why);
    if (!s) s = hesse_job_parse(text, length, path, choice, &told, job, why);
    free(text);
    return s;
}

void hesse_job_free(hesse_job *job)
{
    if (!job) return;
    hesse_job_release(job);
    free(job->text);
    free(job->complete);
    free(job);
}

int hesse_job_paths_of(const hesse_job *job, int key, const char *const **paths)
{
    const hesse_key *k = hesse_key_at(key);
    const char *at = (const char *)job + k->offset;
    if (!job->values[key]) return 0;
    *paths = k->count ? *(const char *const *const *)(const void *)at
                      : (const char *const *)(const void *)at;
    return k->count ? *(const int *)(const void *)((const char *)job + k->count) : 1;
}
