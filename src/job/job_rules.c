/* Rules between keys. Each is a function that says nothing when it is kept; a rule
   binds what was written, so defaults never break one. */
#include "job/job_check.h"
#include "job/size.h"

#include <stdio.h>
#include <string.h>

typedef struct sense {
    const hesse_yaml *root;
    const char *path;
    const hesse_job *job;
    hesse_why *why;
} sense;

static const hesse_yaml *given(const sense *c, const char *key)
{
    return hesse_tree_given(c->root, key);
}

/* "job.yaml:3: ..." of a key that was given. */
static hesse_status wrong(const sense *c, const char *key, const char *what)
{
    const hesse_words where = hesse_yaml_where(given(c, key));
    return hesse_fail(c->why, HESSE_E_JOB, "%s: '%s' %s", where.text, key, what);
}

/* A key that only some families have, or kinds of data. */
typedef struct owned {
    const char *key, *owners;
} owned;

/* "data.images", or the word for a generator. */
static const char *kind_of(const sense *c, const char *key)
{
    return strcmp(key, "data.generator") == 0
               ? hesse_job_word(key, c->job->data.generator)
               : key + strlen("data.");
}

static bool is_among(const char *kinds, const char *kind)
{
    const size_t length = strlen(kind);
    const char *at = kinds;
    while (strcspn(at, ",") != length || strncmp(at, kind, length) != 0) {
        at += strcspn(at, ",");
        if (!*at) return false;
        at += 2;
    }
    return true;
}

/* The first of these keys that is given and has other owners. */
static hesse_status check_owners(const sense *c, const owned *keys, size_t count,
                                 const char *what, const char *who)
{
    char text[160];
    for (size_t i = 0; i < count; i++) {
        if (!given(c, keys[i].key) || is_among(keys[i].owners, who)) continue;
        snprintf(text, sizeof text, "is for %s, and the %s %s", keys[i].owners, what,
                 who);
        return wrong(c, keys[i].key, text);
    }
    return HESSE_OK;
}

/* Where data come from; NULL for those of a quadratic. */
static hesse_status find_kind(const sense *c, const char **found)
{
    static const char *const keys[] = {"data.tokens", "data.text",   "data.texts",
                                       "data.inputs", "data.images", "data.generator"};
    char what[100];
    const bool quadratic = c->job->model.family == HESSE_QUADRATIC;
    *found = NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!given(c, keys[i])) continue;
        snprintf(what, sizeof what, "stands beside '%s', expected one of them", *found);
        if (*found) return wrong(c, keys[i], what);
        if (quadratic)
            return wrong(c, keys[i], "is not for quadratic, which has no data");
        *found = keys[i];
    }
    if (*found || quadratic) return HESSE_OK;
    return hesse_fail(c->why, HESSE_E_JOB,
                      "%s: there are no data, expected 'data.tokens', 'data.text', "
                      "'data.texts', 'data.inputs', 'data.images' or 'data.generator'",
                      c->path);
}

static hesse_status check_data(const sense *c)
{
    static const owned keys[] = {{"data.size", "images"},
                                 {"data.normalise", "images"},
                                 {"data.classes", "images, gaussian, clusters"},
                                 {"data.labels", "images, inputs"},
                                 {"data.targets", "inputs"},
                                 {"data.vocabulary", "text, texts"},
                                 {"data.context", "tokens, text, texts"},
                                 {"data.features", "gaussian, clusters, regression"},
                                 {"data.noise", "clusters"},
                                 {"data.examples", "regression"},
                                 {"data.covariates", "regression"},
                                 {"data.shape", "regression"},
                                 {"data.contour", "pathfinder"},
                                 {"data.mask_rate", "tokens, text"},
                                 {"data.mask_id", "tokens, text"}};
    const hesse_job_model *m = &c->job->model;
    const hesse_job_data *d = &c->job->data;
    const char *found;
    hesse_status s = find_kind(c, &found);
    if (s || !found) return s;
    const char *kind = kind_of(c, found);
    if (strcmp(kind, "none") == 0) return wrong(c, found, "is none: there are no data");
    s = check_owners(c, keys, sizeof keys / sizeof *keys, "data are", kind);
    if (s) return s;
    if (d->inputs && !d->labels == !d->targets)
        return wrong(c, "data.inputs",
                     "goes with 'data.labels' or 'data.targets', expected one of them");
    if (given(c, "data.shape") && d->recipe.covariates != HESSE_COVARIATES_GAMMA)
        return wrong(c, "data.shape", "is for 'data.covariates: gamma'");
    if ((given(c, "data.mask_rate") || given(c, "data.mask_id")) &&
        (m->family != HESSE_BERT || !m->masked))
        return wrong(c, given(c, "data.mask_id") ? "data.mask_id" : "data.mask_rate",
                     "is for bert with 'model.task: masked'");
    return HESSE_OK;
}

/* What a config.json says itself. */
static hesse_status check_config(const sense *c)
{
    static const char *const keys[] = {
        "model.layers",   "model.heads",      "model.kv_heads",   "model.head_size",
        "model.width",    "model.inner",      "model.vocabulary", "model.activation",
        "model.norm_eps", "model.rope_theta", "model.tied",       "model.bias",
        "model.patch",    "model.types",      "model.classes"};
    if (!given(c, "model.config")) return HESSE_OK;
    if (c->job->model.family > HESSE_VIT)
        return wrong(
            c, "model.config",
            "is for gpt2, llama, bert and vit; other families are told their sizes by "
            "keys");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (given(c, keys[i]))
            return wrong(c, keys[i], "stands beside 'model.config', which says it");
    if (given(c, "model.context"))
        return wrong(c, "model.context",
                     "stands beside 'model.config', which says it; "
                     "'data.context' is for shorter sequences");
    return HESSE_OK;
}

/* Of heads * size numbers the key named last is the one to blame. */
static hesse_status check_heads(const sense *c)
{
    const hesse_job_model *m = &c->job->model;
    const char *blamed = given(c, "model.head_size") ? "model.head_size"
                         : given(c, "model.heads")   ? "model.heads"
                                                     : "model.width";
    char what[120];
    if (!given(c, "model.head_size") && m->width % m->heads) {
        snprintf(what, sizeof what, "does not fit: width %d is no multiple of %d heads",
                 m->width, m->heads);
        return wrong(c, blamed, what);
    }
    if (m->family == HESSE_GPT2 && m->heads * m->head_size != m->width) {
        snprintf(what, sizeof what,
                 "does not fit: %d heads of size %d are not width %d", m->heads,
                 m->head_size, m->width);
        return wrong(c, blamed, what);
    }
    if (m->family == HESSE_LLAMA && m->head_size % 2) {
        snprintf(
            what, sizeof what,
            "does not fit: the size of a head is %d, rotary angles need an even one",
            m->head_size);
        return wrong(c, blamed, what);
    }
    if (m->heads % m->kv_heads) {
        snprintf(what, sizeof what, "is %d, expected a divisor of %d heads",
                 m->kv_heads, m->heads);
        return wrong(c, "model.kv_heads", what);
    }
    return HESSE_OK;
}

/* Lists that must be as long as others say. */
static hesse_status check_lists(const sense *c)
{
    const hesse_job_model *m = &c->job->model;
    char what[120];
    long sum = 0;
    if (m->family == HESSE_MLP && m->n_multipliers &&
        m->n_multipliers != m->n_widths + 1) {
        snprintf(what, sizeof what,
                 "has %d entries, expected one for each of %d layers", m->n_multipliers,
                 m->n_widths + 1);
        return wrong(c, "model.multipliers", what);
    }
    for (int i = 0; i < m->n_widths; i++) {
        sum += m->widths[i];
        if (!m->widths[i] && m->family != HESSE_VGG)
            return wrong(c, "model.widths", "holds 0, expected sizes from 1");
    }
    if (m->family != HESSE_QUADRATIC) return HESSE_OK;
    if (!given(c, "model.widths") || !given(c, "model.eigenvalues"))
        return hesse_fail(
            c->why, HESSE_E_JOB,
            "%s: quadratic needs 'model.widths', the sizes of its blocks, "
            "and 'model.eigenvalues'",
            c->path);
    if (sum == m->n_eigenvalues) return HESSE_OK;
    snprintf(what, sizeof what, "has %d entries, expected %ld by 'model.widths'",
             m->n_eigenvalues, sum);
    return wrong(c, "model.eigenvalues", what);
}

/* What other families would not look at. */
static hesse_status check_families(const sense *c)
{
    static const owned keys[] = {
        {"model.layers", "gpt2, llama, bert, vit, mixer, linear_transformer"},
        {"model.heads", "gpt2, llama, bert, vit, attention"},
        {"model.kv_heads", "llama"},
        {"model.head_size", "gpt2, llama, bert, vit, attention"},
        {"model.width", "gpt2, llama, bert, vit, mixer, resnet, attention"},
        {"model.inner", "gpt2, llama, bert, vit, mixer"},
        {"model.context", "gpt2, llama, bert"},
        {"model.vocabulary", "gpt2, llama, bert"},
        {"model.classes", "bert, vit, mlp, mixer, vgg, resnet"},
        {"model.activation", "gpt2, llama, bert, vit, mlp, mixer, vgg, resnet"},
        {"model.norm_eps", "gpt2, llama, bert, vit, mixer, vgg, resnet"},
        {"model.rope_theta", "llama"},
        {"model.tied", "gpt2, llama"},
        {"model.bias", "gpt2, llama, bert, vit, mlp"},
        {"model.temperature", "gpt2, llama, bert, vit, attention"},
        {"model.attention", "gpt2, llama, bert, vit, linear_transformer, attention"},
        {"model.kernel", "gpt2, llama, bert, vit, linear_transformer, attention"},
        {"model.value_size", "attention"},
        {"model.output", "attention"},
        {"model.task", "bert"},
        {"model.types", "bert"},
        {"model.patch", "vit, mixer"},
        {"model.token_inner", "mixer"},
        {"model.widths", "mlp, vgg, quadratic"},
        {"model.multipliers", "mlp"},
        {"model.dense", "vgg"},
        {"model.pool", "vgg"},
        {"model.blocks", "resnet"},
        {"model.stem", "resnet"},
        {"model.batch_norm", "vgg, resnet"},
        {"model.eigenvalues", "quadratic"},
        {"model.loss",
         "bert, vit, mlp, mixer, vgg, resnet, linear_transformer, attention"},
        {"model.deviation", "linear_transformer, attention"}};
    return check_owners(c, keys, sizeof keys / sizeof *keys, "family is",
                        hesse_job_word("model.family", (int)c->job->model.family));
}

static hesse_status check_model(const sense *c)
{
    if (!given(c, "model.family"))
        return hesse_fail(
            c->why, HESSE_E_JOB,
            "%s: 'model.family' is missing, expected gpt2, llama, bert, "
            "vit, mlp, mixer, vgg, resnet, linear_transformer, attention or "
            "quadratic",
            c->path);
    hesse_status s = check_families(c);
    if (!s) s = check_config(c);
    if (s || given(c, "model.config")) return s;
    s = check_lists(c);
    if (s) return s;
    if (c->job->model.family == HESSE_BERT && c->job->model.masked &&
        given(c, "model.classes"))
        return wrong(c, "model.classes", "is for bert with 'model.task: classify'");
    if (c->job->data.context > c->job->model.context) {
        char what[120];
        snprintf(what, sizeof what, "is %d, expected at most the model's context, %d",
                 c->job->data.context, c->job->model.context);
        return wrong(c, "data.context", what);
    }
    switch (c->job->model.family) {
    case HESSE_GPT2:
    case HESSE_LLAMA:
    case HESSE_BERT:
    case HESSE_VIT:
        return check_heads(c);
    default:
        return HESSE_OK;
    }
}

static hesse_status check_memory(const sense *c)
{
    size_t bytes;
    const char *memory = c->job->hessian.memory;
    if (!memory || hesse_size_parse(memory, &bytes)) return HESSE_OK;
    char what[300];
    snprintf(what, sizeof what, "is %s, expected a size such as 4GiB or 500 MB",
             hesse_yaml_found(given(c, "hessian.memory")).text);
    return wrong(c, "hessian.memory", what);
}

/* What one way of finding spectra has and the other has not. */
static hesse_status check_method(const sense *c)
{
    const hesse_job *job = c->job;
    const hesse_method method = job->hessian.method;
    if (method == HESSE_METHOD_LANCZOS && job->output.matrices)
        return wrong(c, "output.matrices",
                     "is true, but 'hessian.method: lanczos' forms no matrices");
    if (method == HESSE_METHOD_EXACT &&
        (job->spectrum.extreme.pairs || job->spectrum.hutchinson.probes))
        return wrong(c,
                     job->spectrum.extreme.pairs ? "spectrum.extreme.pairs"
                                                 : "spectrum.hutchinson.probes",
                     "is for matrices that are not formed, and 'hessian.method: exact' "
                     "forms all");
    if (job->spectrum.hutchinson.sketch && !job->spectrum.hutchinson.probes)
        return wrong(c, "spectrum.hutchinson.sketch",
                     "stands without 'spectrum.hutchinson.probes'");
    if (job->hessian.blocks && given(c, "hessian.only"))
        return wrong(c, "hessian.only",
                     "stands beside 'hessian.blocks', expected one of them");
    if (job->hessian.blocks && job->hessian.partition != HESSE_CUT_TENSOR)
        return wrong(c, "hessian.partition",
                     "is not tensor, as 'hessian.blocks' expects");
    if (job->spectrum.lanczos.paper && method == HESSE_METHOD_EXACT)
        return wrong(c, "spectrum.lanczos.procedure",
                     "is paper, and 'hessian.method: exact' forms all matrices");
    if (job->spectrum.lanczos.paper &&
        job->spectrum.lanczos.reorthogonalise != HESSE_ORTHOGONALITY_NONE)
        return wrong(c, "spectrum.lanczos.reorthogonalise",
                     "is not none, as the published procedure has it");
    if (method != HESSE_METHOD_AUTO && given(c, "hessian.seconds"))
        return wrong(c, "hessian.seconds", "is for 'hessian.method: auto'");
    if (job->hessian.reduction != HESSE_SUM_OF_BATCHES && given(c, "data.batch"))
        return wrong(c, "data.batch", "is for 'hessian.reduction: micro_batches'");
    return HESSE_OK;
}

hesse_status hesse_job_check_sense(const hesse_yaml *root, const char *path,
                                   const hesse_job *job, hesse_why *why)
{
    const sense c = {root, path, job, why};
    hesse_status s = check_model(&c);
    if (!s) s = check_data(&c);
    if (!s) s = check_memory(&c);
    if (!s) s = check_method(&c);
    return s;
}
