/* Every rule on several keys is one function. A message is about a key that the user
   wrote: defaults never break a rule. */
#include "job/values.h"
#include "network/families/families.h"

#include <stdio.h>
#include <string.h>

typedef struct rules {
    const hesse_values *values;
    const char *path; /* of the job file */
    const hesse_job *job;
    hesse_why *why;
} rules;

static bool given(const rules *r, const char *key)
{
    return hesse_values_given(r->values, key) != NULL;
}

/* Fail with "job.yaml:3: ..." about a key that was given. */
static hesse_status wrong(const rules *r, const char *key, const char *what)
{
    const hesse_yaml *node = hesse_values_given(r->values, key);
    return hesse_fail(r->why, HESSE_E_JOB, "%s: '%s' %s", hesse_yaml_where(node).text,
                      key, what);
}

/* The first of some keys that was given; NULL: none. */
static const char *first_given(const rules *r, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (given(r, keys[i])) return keys[i];
    return NULL;
}

static hesse_status need_family(const rules *r)
{
    char words[400] = "";
    if (*r->job->arch.family) return HESSE_OK;
    for (int i = 0; hesse_families[i]; i++) {
        const size_t length = strlen(words);
        snprintf(words + length, sizeof words - length, "%s%s",
                 !i                      ? ""
                 : hesse_families[i + 1] ? ", "
                                         : " or ",
                 hesse_families[i]->name);
    }
    return hesse_fail(
        r->why, HESSE_E_JOB,
        "%s: 'model.family' is missing, and there is no 'model.config' that "
        "tells it; expected %s",
        r->path, words);
}

/* A family has its own keys, and so has a kind of data. */
static hesse_status check_owners(const rules *r, const char *section, const char *owner,
                                 const char *what)
{
    char owners[HESSE_OWNERS], text[HESSE_OWNERS + 100];
    const char *standard;
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        if (strncmp(key->path, section, strlen(section)) != 0 || !given(r, key->path) ||
            hesse_key_is_of(key, owner, &standard))
            continue;
        hesse_key_owners(key, owners);
        snprintf(text, sizeof text, "is for %s, and the %s %s", owners, what, owner);
        return wrong(r, key->path, text);
    }
    return HESSE_OK;
}

static hesse_status check_family(const rules *r)
{
    return check_owners(r, "model.", r->job->arch.family, "family is");
}

/* A value that is in a config must not be given by a key, too. */
static hesse_status check_config(const rules *r)
{
    for (int i = 0; given(r, "model.config") && hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        if (!key->in_config || !given(r, key->path)) continue;
        return wrong(r, key->path,
                     strcmp(key->path, "model.context") == 0
                         ? "stands beside 'model.config', which says it; "
                           "'data.context' is for shorter sequences"
                         : "stands beside 'model.config', which says it");
    }
    return HESSE_OK;
}

/* A network that is given as data has all its sizes in a file of its own. */
static hesse_status check_graph(const rules *r)
{
    if (!hesse_family_of(&r->job->arch)->fit) return HESSE_OK;
    if (given(r, "model.graph")) return HESSE_OK;
    return hesse_fail(r->why, HESSE_E_JOB,
                      "%s: the family is graph, and 'model.graph' is missing, a file "
                      "that `hesse graph` prints",
                      r->path);
}

/* List the keys that name a source of data, as "'a', 'b' or 'c'". */
static void list_sources(char *words, size_t room)
{
    const char *last = NULL;
    *words = '\0';
    for (int i = 0; hesse_key_at(i); i++) {
        if (!hesse_key_is_source(hesse_key_at(i))) continue;
        const size_t length = strlen(words);
        if (last)
            snprintf(words + length, room - length, "%s'%s'", length ? ", " : "", last);
        last = hesse_key_at(i)->path;
    }
    const size_t length = strlen(words);
    snprintf(words + length, room - length, " or '%s'", last);
}

/* A series replaces the checkpoint, and only a series has steps. */
static hesse_status check_series(const rules *r)
{
    if (given(r, "model.checkpoints") && given(r, "model.checkpoint"))
        return wrong(r, "model.checkpoints",
                     "stands beside 'model.checkpoint', expected one of them");
    if (given(r, "series.step") && !given(r, "model.checkpoints"))
        return wrong(r, "series.step", "is for 'model.checkpoints'");
    return HESSE_OK;
}

/* Data come from exactly one source, unless the family defines them. */
static hesse_status need_data(const rules *r)
{
    const bool own = hesse_family_of(&r->job->arch)->data;
    const char *found = NULL;
    char what[100];
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        if (!given(r, key->path) || !hesse_key_is_source(key)) continue;
        if (own) {
            snprintf(what, sizeof what, "is not for %s, which has no data",
                     r->job->arch.family);
            return wrong(r, key->path, what);
        }
        if (found) {
            snprintf(what, sizeof what, "stands beside '%s', expected one of them",
                     found);
            return wrong(r, key->path, what);
        }
        found = key->path;
    }
    if (found || own) return HESSE_OK;
    char sources[300];
    list_sources(sources, sizeof sources);
    return hesse_fail(r->why, HESSE_E_JOB, "%s: there are no data, expected %s",
                      r->path, sources);
}

static hesse_status check_kind(const rules *r)
{
    return check_owners(r, "data.", r->job->data.kind, "data are");
}

static hesse_status check_targets(const rules *r)
{
    const hesse_data_options *d = &r->job->data;
    if (strcmp(d->kind, "inputs") != 0 || !d->labels != !d->targets) return HESSE_OK;
    return wrong(r, "data.inputs",
                 "goes with 'data.labels' or 'data.targets', expected one of them");
}

static hesse_status check_shape(const rules *r)
{
    if (!given(r, "data.shape") ||
        r->job->data.recipe.covariates == HESSE_COVARIATES_GAMMA)
        return HESSE_OK;
    return wrong(r, "data.shape", "is for 'data.covariates: gamma'");
}

static hesse_status check_masks(const rules *r)
{
    static const char *const keys[] = {"data.mask_id", "data.mask_rate"};
    const char *key = first_given(r, keys, 2);
    if (!key || r->job->arch.task == HESSE_TASK_MASKED) return HESSE_OK;
    return wrong(r, key, "is for encoders with 'model.task: masked'");
}

static hesse_status check_classes(const rules *r)
{
    if (r->job->arch.task != HESSE_TASK_MASKED || !given(r, "model.classes"))
        return HESSE_OK;
    return wrong(r, "model.classes",
                 "is for 'model.task: classify' and 'model.task: tokens'");
}

static hesse_status check_context(const rules *r)
{
    const hesse_job *job = r->job;
    char what[120];
    if (given(r, "model.config") || !job->arch.positions ||
        job->data.context <= job->arch.positions)
        return HESSE_OK;
    snprintf(what, sizeof what, "is %d, expected at most the model's context, %d",
             job->data.context, job->arch.positions);
    return wrong(r, "data.context", what);
}

/* If heads * size numbers do not fit, the message is about the last of width, heads and
   head_size that the user wrote. */
static hesse_status check_heads(const rules *r)
{
    const hesse_arch *a = &r->job->arch;
    const hesse_attention *t = &a->attention;
    const hesse_family *f = hesse_family_of(a);
    const char *blamed = given(r, "model.head_size") ? "model.head_size"
                         : given(r, "model.heads")   ? "model.heads"
                                                     : "model.width";
    char what[120] = "";
    if (given(r, "model.config") || !f->read_config) return HESSE_OK;
    if (!given(r, "model.head_size") && a->width % t->heads)
        snprintf(what, sizeof what, "does not fit: width %d is no multiple of %d heads",
                 a->width, t->heads);
    else if (f->whole_heads && t->heads * t->size != a->width)
        snprintf(what, sizeof what,
                 "does not fit: %d heads of size %d are not width %d", t->heads,
                 t->size, a->width);
    else if (f->even_heads && t->size % 2)
        snprintf(what, sizeof what,
                 "does not fit: the size of a head is %d, rotary angles need an even "
                 "one",
                 t->size);
    else if (t->heads % t->kv_heads)
        snprintf(what, sizeof what, "is %d, expected a divisor of %d heads",
                 t->kv_heads, t->heads),
            blamed = "model.kv_heads";
    return *what ? wrong(r, blamed, what) : HESSE_OK;
}

/* There must be one multiplier for each layer. */
static hesse_status check_multipliers(const rules *r)
{
    const hesse_arch_lists *l = &r->job->arch.lists;
    char what[120];
    if (!l->n_multipliers || l->n_multipliers == l->n_widths + 1) return HESSE_OK;
    snprintf(what, sizeof what, "has %d entries, expected one for each of %d layers",
             l->n_multipliers, l->n_widths + 1);
    return wrong(r, "model.multipliers", what);
}

/* A width of 0 is a pooling, if the family has poolings. */
static hesse_status check_widths(const rules *r)
{
    const hesse_arch *a = &r->job->arch;
    const bool pools = hesse_family_of(a)->pools;
    for (int i = 0; !pools && i < a->lists.n_widths; i++)
        if (!a->lists.widths[i])
            return wrong(r, "model.widths", "holds 0, expected sizes from 1");
    return HESSE_OK;
}

static hesse_status check_quadratic(const rules *r)
{
    const hesse_job *job = r->job;
    char what[120];
    long sum = 0;
    if (strcmp(job->data.kind, "quadratic") != 0) return HESSE_OK;
    if (!given(r, "model.widths") || !given(r, "model.eigenvalues"))
        return hesse_fail(r->why, HESSE_E_JOB,
                          "%s: quadratic needs 'model.widths', the orders of its "
                          "blocks, and 'model.eigenvalues'",
                          r->path);
    for (int i = 0; i < job->arch.lists.n_widths; i++) sum += job->arch.lists.widths[i];
    if (sum == job->n_eigenvalues) return HESSE_OK;
    snprintf(what, sizeof what, "has %d entries, expected %ld by 'model.widths'",
             job->n_eigenvalues, sum);
    return wrong(r, "model.eigenvalues", what);
}

static hesse_status check_matrices(const rules *r)
{
    if (r->job->analysis.method != HESSE_METHOD_LANCZOS || !r->job->analysis.matrices)
        return HESSE_OK;
    return wrong(r, "output.matrices",
                 "is true, but 'hessian.method: lanczos' forms no matrices");
}

static hesse_status check_kronecker(const rules *r)
{
    if (r->job->analysis.method != HESSE_METHOD_LANCZOS || !r->job->analysis.kronecker)
        return HESSE_OK;
    return wrong(r, "measures.kronecker",
                 "is true, but 'hessian.method: lanczos' forms no matrices");
}

/* Kronecker products are those of shares as they are. */
static hesse_status check_products(const rules *r)
{
    const hesse_analysis_options *a = &r->job->analysis;
    if (!a->kronecker || a->scaling.from == HESSE_SCALING_NONE) return HESSE_OK;
    return wrong(r, "measures.kronecker",
                 "stands beside 'measures.scaling', expected one of them");
}

/* Estimates are for matrices that are not formed. */
static hesse_status check_estimates(const rules *r)
{
    const hesse_analysis_options *a = &r->job->analysis;
    if (a->hutchinson.sketch && !a->hutchinson.probes)
        return wrong(r, "spectrum.hutchinson.sketch",
                     "stands without 'spectrum.hutchinson.probes'");
    if (a->method != HESSE_METHOD_EXACT || (!a->extreme.pairs && !a->hutchinson.probes))
        return HESSE_OK;
    return wrong(
        r, a->extreme.pairs ? "spectrum.extreme.pairs" : "spectrum.hutchinson.probes",
        "is for matrices that are not formed, and 'hessian.method: exact' "
        "forms all");
}

/* A published list replaces names and partition. */
static hesse_status check_preset(const rules *r)
{
    if (!r->job->analysis.preset) return HESSE_OK;
    if (given(r, "hessian.only"))
        return wrong(r, "hessian.only",
                     "stands beside 'hessian.blocks', expected one of them");
    if (r->job->analysis.partition != HESSE_CUT_TENSOR)
        return wrong(r, "hessian.partition",
                     "is not tensor, as 'hessian.blocks' expects");
    return HESSE_OK;
}

static hesse_status check_procedure(const rules *r)
{
    const hesse_analysis_options *a = &r->job->analysis;
    if (!r->job->spectrum.paper) return HESSE_OK;
    if (a->method == HESSE_METHOD_EXACT)
        return wrong(r, "spectrum.lanczos.procedure",
                     "is paper, and 'hessian.method: exact' forms all matrices");
    if (a->lanczos.orthogonality != HESSE_ORTHOGONALITY_NONE)
        return wrong(r, "spectrum.lanczos.reorthogonalise",
                     "is not none, as the published procedure has it");
    return HESSE_OK;
}

static hesse_status check_seconds(const rules *r)
{
    if (r->job->analysis.method == HESSE_METHOD_AUTO || !given(r, "hessian.seconds"))
        return HESSE_OK;
    return wrong(r, "hessian.seconds", "is for 'hessian.method: auto'");
}

static hesse_status check_batch(const rules *r)
{
    if (r->job->reduction == HESSE_SUM_OF_BATCHES || !given(r, "data.batch"))
        return HESSE_OK;
    return wrong(r, "data.batch", "is for 'hessian.reduction: micro_batches'");
}

static hesse_status check_scaling(const rules *r)
{
    const hesse_scaling_source from = r->job->analysis.scaling.from;
    const bool moments = from == HESSE_SCALING_MOMENTS;
    if (moments && !r->job->paths.moments)
        return wrong(r, "measures.scaling.name",
                     "is exp_avg_sq, expected 'measures.scaling.file' beside it");
    if (!moments && given(r, "measures.scaling.file"))
        return wrong(r, "measures.scaling.file",
                     "is for 'measures.scaling.name: exp_avg_sq'");
    if (from == HESSE_SCALING_DIAGONAL || from == HESSE_SCALING_GAUSS_NEWTON) {
        if (r->job->analysis.method == HESSE_METHOD_LANCZOS)
            return wrong(r, "measures.scaling.name",
                         "needs a diagonal, which 'hessian.method: lanczos' does not "
                         "give; expected exp_avg_sq or gradient");
    }
    return HESSE_OK;
}

/* An analysis refuses the same; here the message has the key and its line. */
static hesse_status check_precision(const rules *r)
{
    const hesse_analysis_options *a = &r->job->analysis;
    const bool library = !hesse_engine_serves_single(a->engine);
    const char *key = a->eigenvectors ? "spectrum.eigenvectors"
                      : library       ? "spectrum.engine"
                      : a->n_index    ? "measures.index"
                      : a->kronecker  ? "measures.kronecker"
                      : a->matrices   ? "output.matrices"
                                      : NULL;
    if (a->precision == HESSE_PRECISION_DOUBLE) return HESSE_OK;
    if (a->method == HESSE_METHOD_LANCZOS)
        return wrong(r, "hessian.precision",
                     "is that of formed matrices, and Lanczos quadrature forms none");
    if (!key) return HESSE_OK;
    return wrong(r, key,
                 library && !a->eigenvectors
                     ? "is for 'hessian.precision: double'; in single precision there "
                       "are auto, band and small"
                     : "is for 'hessian.precision: double'");
}

static hesse_status check_landscape(const rules *r)
{
    const hesse_job_landscape *l = &r->job->landscape;
    const char *const *d = l->directions;
    if (l->options.axes == 2 && strcmp(d[0], d[1]) == 0 && strcmp(d[0], "random") != 0)
        return wrong(r, "landscape.directions",
                     "has the same direction twice, and only random ones differ then");
    if (l->n_range == 3)
        return wrong(r, "landscape.range",
                     "has 3 numbers, expected 2 for both axes, or 2 for each");
    for (int i = 0; i + 1 < l->n_range; i += 2)
        if (!(l->range[i] < l->range[i + 1]))
            return wrong(r, "landscape.range",
                         "has ends that do not ascend, expected such as [-1, 1]");
    if (l->options.axes == 1 && l->n_range > 2)
        return wrong(r, "landscape.range", "has 4 numbers for one direction");
    if (l->options.axes == 1 && l->n_points > 1)
        return wrong(r, "landscape.points", "has 2 numbers for one direction");
    return HESSE_OK;
}

hesse_status hesse_job_check_rules(const hesse_values *values, const char *path,
                                   const hesse_job *job, hesse_why *why)
{
    typedef hesse_status rule(const rules *r);
    static rule *const all[] = {
        need_family,     check_family,    check_graph,       check_config,
        check_widths,    check_heads,     check_multipliers, check_quadratic,
        check_classes,   need_data,       check_kind,        check_context,
        check_targets,   check_shape,     check_masks,       check_matrices,
        check_estimates, check_preset,    check_procedure,   check_seconds,
        check_batch,     check_series,    check_scaling,     check_kronecker,
        check_products,  check_precision, check_landscape};
    const rules r = {values, path, job, why};
    hesse_status s = HESSE_OK;
    for (size_t i = 0; !s && i < sizeof all / sizeof *all; i++) s = all[i](&r);
    return s;
}
