/* A job is a tree (the file), overrides merged over it and defaults under it, checked,
   and only then given to libcyaml, which makes the struct of it. So every message is
   about what was written, and an absent key and a zero are never confused. */
#include "job/job.h"

#include "job/job_check.h"
#include "job/job_schema.h"
#include "job/job_tree.h"
#include "job/size.h"

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
    FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
    if (!f)
        return hesse_fail(why, HESSE_E_JOB, "%s: cannot be opened: %s", path,
                          strerror(errno));
    char *bytes = malloc(HESSE_JOB_BYTES + 2);
    const size_t count = bytes ? fread(bytes, 1, HESSE_JOB_BYTES + 1, f) : 0;
    const int error = ferror(f) ? errno : 0;
    if (f != stdin) fclose(f);
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

/* Parse text and merge it into a tree; both are mappings. */
static hesse_status merge_defaults(hesse_yaml *root, const char *text, hesse_why *why)
{
    static const hesse_origin defaults = {NULL, NULL};
    hesse_yaml *tree;
    hesse_status s = hesse_tree_parse(text, strlen(text), &defaults, &tree, why);
    if (!s && tree) hesse_tree_merge(root, tree, false);
    return s;
}

/* Whether a key is words with dots between them, as short as keys are. */
static bool is_dotted(const char *key, size_t length)
{
    bool word = false;
    for (size_t i = 0; i < length; i++) {
        if (key[i] == '.' && !word) return false;
        word = key[i] != '.';
    }
    return word && length <= 100;
}

/* A value inside of the mappings that its dotted key names; NULL: out of memory. */
static hesse_yaml *wrap(const char *key, size_t length, hesse_yaml *value)
{
    size_t begin = length;
    while (begin && key[begin - 1] != '.') begin--;
    value = hesse_tree_wrap(key + begin, length - begin, value);
    return begin && value ? wrap(key, begin - 1, value) : value;
}

/* "section.key=VALUE", VALUE in YAML. */
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
    tree = wrap(set, (size_t)(equals - set), tree);
    if (!tree) return exhausted(why);
    hesse_tree_merge(root, tree, true);
    return HESSE_OK;
}

/* Which defaults apply is seen in the tree itself. */
static hesse_status complete(hesse_yaml *root, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    const hesse_yaml *procedure = hesse_tree_find(root, "spectrum.lanczos.procedure");
    if (procedure && procedure->text && strcmp(procedure->text, "paper") == 0)
        s = merge_defaults(root, hesse_job_defaults_paper, why);
    if (!s) s = merge_defaults(root, hesse_job_defaults, why);
    if (!s &&
        (hesse_tree_given(root, "data.text") || hesse_tree_given(root, "data.texts")))
        s = merge_defaults(root, hesse_job_defaults_text, why);
    const hesse_yaml *family = hesse_tree_find(root, "model.family");
    const char *name = family && family->text ? family->text : "";
    if (!s) s = merge_defaults(root, hesse_job_defaults_always(name), why);
    if (s || hesse_tree_given(root, "model.config")) return s;
    s = merge_defaults(root, hesse_job_defaults_family(name), why);
    return s ? s : merge_defaults(root, hesse_job_defaults_model, why);
}

/* libcyaml's first complaint; what follows it is where in the text, which is not the
   user's. */
static void note(cyaml_log_t level, void *context, const char *format, va_list args)
{
    hesse_words *words = context;
    (void)level;
    if (*words->text) return;
    vsnprintf(words->text, sizeof words->text, format, args);
    words->text[strcspn(words->text, "\n")] = '\0';
}

static const cyaml_config_t quiet = {.mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};

static hesse_status load(const hesse_yaml *root, const char *path, hesse_job **job,
                         hesse_why *why)
{
    size_t length;
    char *text = hesse_tree_emit(root, &length);
    if (!text) return exhausted(why);
    hesse_words complaint = {""};
    cyaml_config_t config = quiet;
    config.log_fn = note;
    config.log_ctx = &complaint;
    cyaml_data_t *loaded = NULL;
    const cyaml_err_t error = cyaml_load_data((const uint8_t *)text, length, &config,
                                              &hesse_job_schema, &loaded, NULL);
    if (!error) {
        *job = loaded;
        (*job)->complete = text;
        return HESSE_OK;
    }
    free(text);
    if (error == CYAML_ERR_OOM) return exhausted(why);
    return hesse_fail(why, HESSE_E_JOB, "%s: %s", path,
                      *complaint.text ? complaint.text : cyaml_strerror(error));
}

/* Sizes that follow from others where they are absent. */
static void derive(hesse_job *job, const hesse_yaml *root)
{
    hesse_job_model *m = &job->model;
    job->data.shuffle = hesse_tree_given(root, "data.seed") != NULL;
    job->data.with_mask_id = hesse_tree_given(root, "data.mask_id") != NULL;
    job->data.recipe.classes = job->data.classes;
    if (job->hessian.memory)
        hesse_size_parse(job->hessian.memory, &job->hessian.budget);
    if (job->model.config) return;
    if (!m->kv_heads) m->kv_heads = m->heads;
    if (!m->head_size) m->head_size = m->width / m->heads;
    if (!m->inner) m->inner = 4 * m->width;
    if (!m->token_inner) m->token_inner = m->width / 2;
    if (!m->value_size) m->value_size = m->head_size;
}

/* A path of the job file's folder; absolute ones stay. NULL: out of memory. */
static char *beside(const char *job, const char *path)
{
    const char *slash = strrchr(job, '/');
    const size_t folder = *path == '/' || !slash ? 0 : (size_t)(slash - job) + 1;
    char *joined = malloc(folder + strlen(path) + 1);
    if (!joined) return NULL;
    memcpy(joined, job, folder);
    strcpy(joined + folder, path);
    return joined;
}

/* job.yaml and job.yml give job.h5. */
static char *named_after(const char *job)
{
    size_t length = strlen(job);
    if (length > 5 && strcmp(job + length - 5, ".yaml") == 0)
        length -= 5;
    else if (length > 4 && strcmp(job + length - 4, ".yml") == 0)
        length -= 4;
    char *name = malloc(length + 4);
    if (!name) return NULL;
    memcpy(name, job, length);
    strcpy(name + length, ".h5");
    return name;
}

static hesse_status find_paths(hesse_job *job, const char *path, hesse_why *why)
{
    const struct {
        const char *written;
        char **usable;
    } paths[] = {{job->model.config, &job->paths.config},
                 {job->model.checkpoint, &job->paths.checkpoint},
                 {job->data.tokens, &job->paths.tokens},
                 {job->data.text, &job->paths.text},
                 {job->data.inputs, &job->paths.inputs},
                 {job->data.images, &job->paths.images},
                 {job->data.labels, &job->paths.labels},
                 {job->data.targets, &job->paths.targets},
                 {job->output.file, &job->paths.output}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i].written) {
            *paths[i].usable = beside(path, paths[i].written);
            if (!*paths[i].usable) return exhausted(why);
        }
    if (!job->output.file) job->paths.output = named_after(path);
    job->paths.texts = calloc((size_t)job->data.n_texts + 1, sizeof(char *));
    bool good = job->paths.texts && job->paths.output;
    for (int i = 0; good && i < job->data.n_texts; i++)
        good = (job->paths.texts[i] = beside(path, job->data.texts[i])) != NULL;
    return good ? HESSE_OK : exhausted(why);
}

static hesse_status record(hesse_job *job, const char *text, size_t length,
                           const char *const *sets, int n_sets, hesse_why *why)
{
    size_t recorded;
    FILE *memory = open_memstream(&job->text, &recorded);
    if (!memory) return exhausted(why);
    fwrite(text, 1, length, memory);
    if (n_sets && length && text[length - 1] != '\n') fputc('\n', memory);
    for (int i = 0; i < n_sets; i++) fprintf(memory, "# --set %s\n", sets[i]);
    return fclose(memory) ? exhausted(why) : HESSE_OK;
}

/* The tree of everything: the file, overrides, defaults. */
static hesse_status gather(const char *text, size_t length, const hesse_origin *file,
                           const hesse_origin *overrides, int n_sets, hesse_yaml **root,
                           hesse_why *why)
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
    for (int i = 0; !s && i < n_sets; i++)
        s = merge_override(*root, &overrides[i], why);
    if (!s) s = complete(*root, why);
    return s;
}

static hesse_status understand(const hesse_yaml *root, const char *path, hesse_job *job,
                               hesse_why *why)
{
    derive(job, root);
    hesse_status s = find_paths(job, path, why);
    return s ? s : hesse_job_check_sense(root, path, job, why);
}

hesse_status hesse_job_parse(const char *text, size_t length, const char *path,
                             const char *const *sets, int n_sets, hesse_job **job,
                             hesse_why *why)
{
    *job = NULL;
    const hesse_origin file = {.path = path};
    hesse_origin *overrides = calloc((size_t)n_sets + 1, sizeof *overrides);
    if (!overrides) return exhausted(why);
    for (int i = 0; i < n_sets; i++) overrides[i].set = sets[i];
    hesse_yaml *root = NULL;
    hesse_job *made = NULL;
    hesse_status s = gather(text, length, &file, overrides, n_sets, &root, why);
    if (!s) s = hesse_job_check_shape(root, why);
    if (!s) s = load(root, path, &made, why);
    if (!s) s = understand(root, path, made, why);
    if (!s) s = record(made, text, length, sets, n_sets, why);
    hesse_tree_free(root);
    free(overrides);
    if (s)
        hesse_job_free(made);
    else
        *job = made;
    return s;
}

hesse_status hesse_job_read(const char *path, const char *const *sets, int n_sets,
                            hesse_job **job, hesse_why *why)
{
    char *text;
    size_t length;
    *job = NULL;
    hesse_status s = hesse_job_text(path, &text, &length, why);
    if (!s) s = hesse_job_parse(text, length, path, sets, n_sets, job, why);
    free(text);
    return s;
}

void hesse_job_free(hesse_job *job)
{
    if (!job) return;
    free(job->paths.config);
    free(job->paths.checkpoint);
    free(job->paths.tokens);
    free(job->paths.text);
    free(job->paths.inputs);
    free(job->paths.images);
    free(job->paths.labels);
    free(job->paths.targets);
    free(job->paths.output);
    for (int i = 0; job->paths.texts && job->paths.texts[i]; i++)
        free(job->paths.texts[i]);
    free(job->paths.texts);
    free(job->text);
    free(job->complete);
    cyaml_free(&quiet, &hesse_job_schema, job, 0);
}

/* Sizes of a list, as far as the arch has room for them. */
static int copy_sizes(int n, const int *from, int *to)
{
    for (int i = 0; i < n; i++) to[i] = from[i];
    return n;
}

/* What only some families have. */
static void family_arch(const hesse_job_model *m, hesse_arch *arch)
{
    arch->image.patch = m->patch, arch->image.token_inner = m->token_inner,
    arch->types = m->types;
    arch->data.outputs = m->classes, arch->image.pool = m->pool;
    arch->image.batch_norm = m->batch_norm, arch->image.small_stem = m->small_stem;
    arch->data.loss = m->loss, arch->deviation = m->deviation;
    arch->attention.value_size = m->value_size, arch->attention.output = m->output;
    arch->lists.n_widths = m->family == HESSE_RESNET
                               ? copy_sizes(m->n_blocks, m->blocks, arch->lists.widths)
                               : copy_sizes(m->n_widths, m->widths, arch->lists.widths);
    arch->lists.n_dense = copy_sizes(m->n_dense, m->dense, arch->lists.dense);
    arch->lists.n_multipliers = m->n_multipliers;
    for (int i = 0; i < m->n_multipliers; i++)
        arch->lists.multipliers[i] = m->multipliers[i];
}

void hesse_job_arch(const hesse_job *job, hesse_arch *arch)
{
    const hesse_job_model *m = &job->model;
    if (!m->config) {
        *arch = (hesse_arch){.layers = m->layers,
                             .width = m->width,
                             .inner = m->inner,
                             .vocabulary = m->vocabulary,
                             .positions = m->context,
                             .attention = {.heads = m->heads,
                                           .kv_heads = m->kv_heads,
                                           .size = m->head_size,
                                           .rope_theta = m->rope_theta},
                             .activation = m->activation,
                             .norm_eps = m->norm_eps,
                             .tied = m->tied,
                             .attention_bias = m->bias,
                             .mlp_bias = m->bias};
        family_arch(m, arch);
    }
    snprintf(arch->family, sizeof arch->family, "%s",
             hesse_job_word("model.family", (int)m->family));
    if (m->temperature > 0) arch->attention.temperature = m->temperature;
    arch->attention.full = m->full;
    arch->attention.kernel = m->kernel;
    arch->masked = m->family == HESSE_BERT && m->masked;
    if (m->family == HESSE_LINEAR_TRANSFORMER)
        arch->attention.heads = arch->attention.kv_heads = arch->attention.size = 1;
}
