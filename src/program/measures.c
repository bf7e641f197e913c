/* Directions are read after the analysis, because only then are they needed. Their
   digests are computed at the start, so a missing file is found early. */
#include "program/measures.h"

#include "base/memory.h"
#include "base/units.h"
#include "curvature/measures.h"
#include "files/file.h"
#include "files/safetensors.h"
#include "parallel/team.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PARTITIONS = 16 };

/* The options of the error of blocks, with room for what they point to. */
typedef struct error_options {
    hesse_block_error_options of;
    hesse_cut cuts[MOST_PARTITIONS];
    const char *names[MOST_PARTITIONS];
} error_options;

static hesse_directions_options directions_of(const hesse_job *job)
{
    const hesse_job_measures *m = &job->measures;
    return (hesse_directions_options){.count = m->n_directions,
                                      .parts = m->parts,
                                      .n_parts = m->n_parts,
                                      .products = m->products,
                                      .keep = m->keep_products};
}

/* A published list of blocks has a partition of its own. */
static hesse_cut own_cut(const hesse_job *job)
{
    return job->analysis.preset == HESSE_PRESET_PAPER_VIT ? HESSE_CUT_FUSED
                                                          : job->analysis.partition;
}

static void block_error_of(const hesse_job *job, error_options *o)
{
    const hesse_job_measures *m = &job->measures;
    int count = 0;
    for (int q = 0; q < m->n_block_error && q < MOST_PARTITIONS; q++) {
        const bool own = m->block_error[q] == HESSE_OWN_PARTITION;
        const hesse_cut cut = own ? own_cut(job) : (hesse_cut)m->block_error[q];
        bool known = false;
        for (int i = 0; i < count; i++) known |= o->cuts[i] == cut;
        if (known) continue; /* `own` is also named */
        o->cuts[count] = cut;
        o->names[count++] = hesse_job_word("hessian.partition", (int)cut);
    }
    o->of = (hesse_block_error_options){.partitions = o->cuts,
                                        .names = o->names,
                                        .n_partitions = count,
                                        .parts = m->parts,
                                        .n_parts = m->n_parts,
                                        .probes = m->probes,
                                        .seed = job->analysis.lanczos.seed,
                                        .products = m->products};
}

/* Add the key that allows more products. */
static hesse_status advise(hesse_why *why, hesse_status s)
{
    const size_t length = strlen(why->text);
    if (s == HESSE_E_JOB)
        snprintf(why->text + length, sizeof why->text - length,
                 " ('measures.products')");
    return s;
}

/* Local. Find the costs; rates may be NULL. */
static hesse_status find_costs(const hesse_job *job, const hesse_analysis *analysis,
                               const hesse_rates *rates, hesse_measure_cost *directions,
                               hesse_measure_cost *errors, hesse_why *why)
{
    const hesse_directions_options d = directions_of(job);
    error_options e;
    hesse_status s = HESSE_OK;
    block_error_of(job, &e);
    if (d.count) s = hesse_directions_cost(analysis, &d, rates, directions, why);
    if (!s && e.of.n_partitions)
        s = hesse_block_error_cost(analysis, &e.of, rates, errors, why);
    return s ? advise(why, s) : s;
}

hesse_status hesse_measures_check(hesse_team *team, const hesse_job *job,
                                  const hesse_network *network,
                                  const hesse_analysis *analysis)
{
    hesse_measure_cost directions, errors;
    hesse_status s = hesse_agree(team, find_costs(job, analysis, NULL, &directions,
                                                  &errors, hesse_team_why(team)));
    for (int i = 0; !s && i < job->measures.n_directions; i++) {
        const hesse_job_direction *d = &job->measures.vectors[i];
        if (d->from) s = hesse_network_read(team, network, d->from, NULL);
        if (!s && d->file) s = hesse_network_read(team, network, d->file, NULL);
    }
    return s;
}

hesse_status hesse_measures_plan(hesse_team *team, const hesse_job *job,
                                 const hesse_analysis *analysis,
                                 hesse_planned_measures *planned)
{
    hesse_rates rates = {0};
    hesse_status s = HESSE_OK;
    *planned = (hesse_planned_measures){.directions = {0}};
    if (!job->measures.n_directions && !job->measures.n_block_error) return HESSE_OK;
    s = hesse_rates_measure(&rates, hesse_team_why(team));
    if (!s)
        s = find_costs(job, analysis, &rates, &planned->directions,
                       &planned->block_error, hesse_team_why(team));
    return hesse_agree(team, s);
}

hesse_status hesse_directions_read(hesse_team *team, const hesse_network *network,
                                   const hesse_job_direction *d, double *values)
{
    const size_t n = hesse_network_size(network);
    double *from = NULL;
    hesse_status s = hesse_network_read(team, network, d->file, values);
    if (!s && d->from) {
        if (!(from = hesse_alloc(n)))
            s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                           "out of memory for a direction");
        s = hesse_agree(team, s);
        if (!s) s = hesse_network_read(team, network, d->from, from);
        for (size_t i = 0; !s && i < n; i++) values[i] -= from[i];
        free(from);
    }
    return s;
}

static hesse_status run_directions(hesse_team *team, const hesse_job *job,
                                   const hesse_network *network,
                                   hesse_analysis *analysis,
                                   const hesse_run_options *run, hesse_measured *m)
{
    hesse_directions_options o = directions_of(job);
    const size_t n = hesse_network_size(network), count = (size_t)o.count;
    hesse_direction *list = hesse_calloc(count, sizeof *list);
    double *values = hesse_alloc(n * count);
    hesse_status s = HESSE_OK;
    if (!list || !values)
        s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                       "out of memory for %zu directions", count);
    s = hesse_agree(team, s);
    for (size_t i = 0; !s && i < count; i++) {
        const hesse_job_direction *d = &job->measures.vectors[i];
        list[i].name = d->name;
        if (!d->file) continue;
        s = hesse_directions_read(team, network, d, values + i * n);
        list[i].values = values + i * n;
    }
    o.list = list;
    if (!s) s = hesse_directions_run_with(analysis, &o, run, &m->directions);
    free(values);
    free(list);
    return s;
}

hesse_status hesse_measures_begin(const hesse_job *job, hesse_analysis *analysis,
                                  hesse_measured *m)
{
    if (!job->analysis.kronecker) return HESSE_OK;
    return hesse_kronecker_begin(analysis, &m->formed);
}

hesse_status hesse_measures_take(hesse_measured *m, int share, int block,
                                 const hesse_held *matrix)
{
    return m->formed ? hesse_kronecker_take(m->formed, share, block, matrix) : HESSE_OK;
}

hesse_status hesse_measures_run(hesse_team *team, const hesse_job *job,
                                const hesse_network *network, hesse_analysis *analysis,
                                const hesse_run_options *run, hesse_measured *m)
{
    error_options e;
    hesse_status s = HESSE_OK;
    block_error_of(job, &e);
    if (m->formed) s = hesse_kronecker_end(m->formed, &m->kronecker);
    if (!s && job->measures.n_directions)
        s = run_directions(team, job, network, analysis, run, m);
    if (!s && e.of.n_partitions)
        s = hesse_block_error_run_with(analysis, &e.of, run, &m->block_error);
    return s;
}

void hesse_measures_free(hesse_measured *m)
{
    hesse_directions_free(m->directions);
    hesse_block_error_free(m->block_error);
    hesse_kronecker_measure_free(m->formed);
    hesse_kronecker_free(m->kronecker);
    *m = (hesse_measured){.directions = NULL};
}

hesse_status hesse_measures_write(const hesse_job *job, const hesse_measured *m,
                                  hesse_result *result, const char *prefix)
{
    hesse_status s = HESSE_OK;
    if (m->directions) s = hesse_result_directions(result, prefix, m->directions);
    if (!s && m->block_error)
        s = hesse_result_block_error(result, prefix, m->block_error,
                                     job->analysis.lanczos.seed);
    if (!s && m->kronecker) s = hesse_result_kronecker(result, prefix, m->kronecker);
    return s;
}

/* Local. Add the digest of one file, and explain dots in a name. */
static hesse_status add_file(const hesse_job_direction *d, const char *path, FILE *out,
                             hesse_why *why)
{
    hesse_safetensors *file = NULL;
    char digest[HESSE_DIGEST_LENGTH];
    hesse_status s = hesse_safetensors_open(path, &file, why);
    if (!s) s = hesse_safetensors_digest(file, digest, why);
    hesse_safetensors_close(file);
    if (!s) fprintf(out, "%s\n", digest);
    const size_t length = strlen(why->text);
    if (s && d->from)
        snprintf(why->text + length, sizeof why->text - length,
                 " ('..' in '%.100s' separates two files; rename a file that has it in "
                 "its own name)",
                 d->name);
    return s;
}

hesse_status hesse_directions_digest(int count, const hesse_job_direction *list,
                                     const char *key, char digest[HESSE_DIGEST_LENGTH],
                                     hesse_why *why)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    hesse_status s = HESSE_OK;
    digest[0] = '\0';
    for (int i = 0; memory && !s && i < count; i++) {
        const hesse_job_direction *d = &list[i];
        if (d->whole && hesse_file_exists(d->whole))
            s = hesse_fail(
                why, HESSE_E_INPUT,
                "%s: is there, but in '%s' '..' separates two files; expected "
                "a file without '..' in its name",
                d->whole, key);
        if (!s && d->from) s = add_file(d, d->from, memory, why);
        if (!s && d->file) s = add_file(d, d->file, memory, why);
    }
    if (!memory || fclose(memory))
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a digest");
    if (!s && length) hesse_digest(text, length, digest);
    free(text);
    return s;
}
