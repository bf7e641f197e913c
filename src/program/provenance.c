/* Every attribute is one line, in functions for the program, the job, the model, the
   data and times. Together they are what other people need to repeat and check a
   run. */
#include "program/provenance.h"
#include "network/families/config.h"
#include "network/families/families.h"
#include "network/graph_json.h"

#include "ops/gemm.h"
#include "program/blas_core.h"

#include <assert.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void add(hesse_provenance *p, hesse_note note)
{
    assert(p->count < HESSE_NOTES);
    p->list[p->count++] = note;
}

static void text(hesse_provenance *p, const char *name, const char *value)
{
    add(p, (hesse_note){.name = name, .kind = HESSE_NOTE_TEXT, .text = value});
}

static void whole(hesse_provenance *p, const char *name, int64_t value)
{
    add(p, (hesse_note){.name = name, .kind = HESSE_NOTE_WHOLE, .whole = value});
}

static void number(hesse_provenance *p, const char *name, double value)
{
    add(p, (hesse_note){.name = name, .kind = HESSE_NOTE_NUMBER, .number = value});
}

static void note_program(hesse_provenance *p, int ranks, int threads)
{
    text(p, "hesse_version", HESSE_VERSION);
    text(p, "git_commit", HESSE_GIT_COMMIT);
    text(p, "created", p->created);
    text(p, "command", p->command);
    text(p, "host", p->host);
    whole(p, "ranks", ranks);
    whole(p, "threads", threads);
    text(p, "blas", p->blas);
    whole(p, "blas_threads", hesse_blas_threads());
    whole(p, "blas_mended", hesse_blas_mended() != NULL);
    text(p, "simd", hesse_gemm_level());
    text(p, "environment", p->environment);
    text(p, "mpi", p->mpi);
    text(p, "hdf5", p->hdf5);
}

/* Note which settings of the published procedure the job has changed. */
static void note_procedure(hesse_provenance *p, const hesse_job *job)
{
    const hesse_lanczos_settings *l = &job->analysis.lanczos;
    const hesse_density *d = &job->spectrum.density;
    const struct {
        const char *key;
        bool changed;
    } all[] = {{"hessian.method", job->analysis.method != HESSE_METHOD_LANCZOS},
               {"hessian.reduction", job->reduction != HESSE_SUM_OF_BATCHES},
               {"steps", l->steps != 100},
               {"probes", l->probes != 10},
               {"density.points", d->points != 50000},
               {"density.bandwidth", !d->absolute || d->bandwidth != sqrt(1e-5)},
               {"density.past", d->past != 1},
               {"density.scale", d->tenth}};
    int at =
        snprintf(p->procedure, sizeof p->procedure,
                 "as published with Why Transformers Need Adam (arXiv:2402.16788): "
                 "docs/math.md, section 11");
    const char *before = "; but for ";
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].changed) continue;
        at += snprintf(p->procedure + at, sizeof p->procedure - (size_t)at, "%s%s",
                       before, all[i].key);
        before = ", ";
    }
    text(p, "lanczos_procedure", p->procedure);
}

/* Note which numbers another run of the job repeats exactly. */
static void note_repeatable(hesse_provenance *p, const hesse_job *job,
                            const hesse_plan_summary *plan)
{
    const bool estimated = plan->method != HESSE_METHOD_EXACT;
    const bool drifts =
        estimated && job->analysis.lanczos.orthogonality == HESSE_ORTHOGONALITY_NONE;
    const bool scalapack = job->analysis.engine == HESSE_ENGINE_SCALAPACK;
    snprintf(p->repeatable, sizeof p->repeatable,
             "the same bits on the same number of ranks, and the same numbers up to "
             "rounding on another%s%s",
             drifts
                 ? "; but nodes and weights of quadratures, whose Lanczos vectors "
                   "are not all orthogonalised, only on the same number of ranks: on "
                   "another one only their traces and Frobenius norms are the same"
                 : "",
             scalapack ? "; but on three or more ranks ScaLAPACK may round eigenvalues "
                         "differently from run to run"
                       : "");
    text(p, "repeatable", p->repeatable);
}

static void note_job(hesse_provenance *p, const hesse_job *job,
                     const hesse_plan_summary *plan)
{
    text(p, "job", job->text);
    text(p, "job_complete", job->complete);
    text(p, "method", hesse_job_word("hessian.method", (int)plan->method));
    text(p, "scope", hesse_job_word("hessian.scope", (int)job->analysis.scope));
    text(p, "partition",
         hesse_job_word("hessian.partition", (int)job->analysis.partition));
    text(p, "reduction", hesse_job_word("hessian.reduction", job->reduction));
    if (job->analysis.precision == HESSE_PRECISION_SINGLE)
        text(p, "precision",
             hesse_job_word("hessian.precision", HESSE_PRECISION_SINGLE));
    whole(p, "panel", plan->panel);
    whole(p, "predicted_bytes_per_rank", (int64_t)plan->peak);
    number(p, "predicted_seconds",
           plan->seconds * (job->series.count ? job->series.count
                            : *job->points    ? job->sweep.taken * job->repeats
                                              : 1));
    note_repeatable(p, job, plan);
    if (job->spectrum.paper) note_procedure(p, job);
    if (job->reduction == HESSE_SUM_OF_BATCHES)
        whole(p, "micro_batch", job->data.batch ? job->data.batch : 1);
}

static bool owns(const hesse_family *f, const char *key)
{
    const hesse_owned_key *k = f->keys;
    while (k->name && strcmp(k->name, key) != 0) k++;
    return k->name;
}

/* Note the sizes that the family has. */
static void note_arch(hesse_provenance *p, const hesse_arch *a)
{
    const hesse_family *f = hesse_family_of(a);
    const hesse_attention *t = &a->attention;
    const struct {
        const char *name, *key;
        int value;
    } sizes[] = {{"model_layers", "layers", a->layers},
                 {"model_width", "width", a->width},
                 {"model_inner", "inner", a->inner},
                 {"model_heads", "heads", t->heads},
                 {"model_kv_heads", "tied", t->kv_heads},
                 {"model_head_size", "head_size", t->size},
                 {"model_vocabulary", "vocabulary", a->vocabulary},
                 {"model_positions", "context", a->positions},
                 {"model_types", "types", a->types},
                 {"model_patch", "patch", a->image.patch}};
    text(p, "model_family", f->name);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (owns(f, sizes[i].key)) whole(p, sizes[i].name, sizes[i].value);
    if (hesse_family_reads(a) != HESSE_READS_IDS)
        whole(p, "model_inputs", a->data.inputs);
    if (!f->decoder && a->task != HESSE_TASK_MASKED)
        whole(p, "model_outputs", a->data.outputs);
    if (owns(f, "kernel"))
        text(p, "model_kernel", hesse_job_word("model.kernel", (int)t->kernel));
    if (owns(f, "batch_norm"))
        text(p, "model_batch_norm",
             hesse_job_word("model.batch_norm", (int)a->image.batch_norm));
    if (owns(f, "norm_eps")) number(p, "model_norm_eps", a->norm_eps);
    if (owns(f, "task"))
        text(p, "model_task", hesse_job_word("model.task", (int)a->task));
    if (owns(f, "loss"))
        text(p, "model_loss", hesse_job_word("model.loss", (int)a->data.loss));
    if (!f->decoder) return;
    text(p, "model_activation", hesse_job_word("model.activation", (int)a->activation));
    text(p, "model_attention", hesse_job_word("model.attention", t->full));
    number(p, "model_temperature", t->temperature > 0 ? t->temperature : sqrt(t->size));
    whole(p, "model_temperature_by_layer", t->by_layer);
    if (owns(f, "rope_theta")) number(p, "model_rope_theta", t->rope_theta);
    whole(p, "model_tied", a->tied);
    whole(p, "model_attention_bias", a->attention_bias);
    whole(p, "model_mlp_bias", a->mlp_bias);
}

/* Note the source of the parameters, which is a seed or a checkpoint. */
static void note_network(hesse_provenance *p, const hesse_job *job,
                         const hesse_problem *problem, const char *checkpoint)
{
    const hesse_network *n = problem->network;
    note_arch(p, hesse_network_arch(n));
    whole(p, "parameters", (int64_t)hesse_network_size(n));
    if (!job->paths.checkpoint) whole(p, "model_seed", (int64_t)job->seed);
    text(p, "config_sha256", p->config);
    text(p, "graph_sha256", p->graph);
    text(p, "checkpoint_sha256", checkpoint);
    text(p, "moments_sha256", job->moments);
    if (job->series.count || *job->points) return; /* every step and run has its own */
    text(p, "checkpoint_note", hesse_network_note(n));
    if (problem->objective)
        number(p, "loss", hesse_objective_last_loss(problem->objective));
}

static void note_data(hesse_provenance *p, const hesse_job *job,
                      const hesse_problem *problem)
{
    const int examples = hesse_dataset_examples(problem->dataset);
    const int tokens = hesse_dataset_tokens(problem->dataset);
    const hesse_data_reading *reading = hesse_dataset_reading(problem->dataset);
    text(p, "data_sha256", hesse_dataset_digest(problem->dataset));
    text(p, "data_dtype", reading->type);
    text(p, "data_layout", reading->layout);
    if (reading->vocabulary) whole(p, "data_vocabulary", reading->vocabulary);
    text(p, "data_vocabulary_source", reading->source);
    text(p, "data_mask", reading->mask);
    text(p, "data_labels", reading->labels);
    text(p, "images", hesse_dataset_form(problem->dataset));
    if (job->data.shuffle) whole(p, "data_seed", (int64_t)job->data.seed);
    whole(p, "sequences", examples);
    if (problem->objective)
        whole(p, "sequences_at_once", hesse_objective_window(problem->objective));
    whole(p, "context", tokens);
    whole(p, "tokens", (int64_t)examples * tokens);
}

static void note_times(hesse_provenance *p, const hesse_phases *t)
{
    number(p, "seconds_open", t->open);
    number(p, "seconds_plan", t->plan);
    number(p, "seconds_compute", t->compute);
    number(p, "seconds_assembly", t->assembly);
    number(p, "seconds_eigenvalues", t->eigenvalues);
    number(p, "seconds_distances", t->distances);
    number(p, "seconds_write", t->write);
    number(p, "wall_seconds", t->open + t->plan + t->compute + t->distances + t->write);
}

void hesse_phases_add(hesse_phases *all, const hesse_phases *step)
{
    all->compute += step->compute;
    all->assembly += step->assembly;
    all->eigenvalues += step->eigenvalues;
    all->distances += step->distances;
    all->write += step->write;
}

int hesse_provenance_of_step(const hesse_problem *problem, const hesse_phases *t,
                             hesse_note list[HESSE_STEP_NOTES])
{
    const hesse_network *n = problem->network;
    const hesse_note notes[] = {
        {.name = "loss",
         .kind = HESSE_NOTE_NUMBER,
         .number = hesse_objective_last_loss(problem->objective)},
        {.name = "checkpoint_sha256", .text = hesse_network_digest(n)},
        {.name = "checkpoint_note", .text = hesse_network_note(n)},
        {.name = "seconds_compute", .kind = HESSE_NOTE_NUMBER, .number = t->compute},
        {.name = "seconds_assembly", .kind = HESSE_NOTE_NUMBER, .number = t->assembly},
        {.name = "seconds_eigenvalues",
         .kind = HESSE_NOTE_NUMBER,
         .number = t->eigenvalues},
        {.name = "seconds_distances",
         .kind = HESSE_NOTE_NUMBER,
         .number = t->distances},
        {.name = "seconds_write", .kind = HESSE_NOTE_NUMBER, .number = t->write}};
    memcpy(list, notes, sizeof notes);
    return sizeof notes / sizeof *notes;
}

/* Read the command line from the system; words are separated by spaces. */
static void read_command(char *command, size_t room)
{
    size_t length = 0;
    FILE *f = fopen("/proc/self/cmdline", "rb");
    if (f) {
        length = fread(command, 1, room - 1, f);
        fclose(f);
    }
    for (size_t i = 0; i + 1 < length; i++)
        if (!command[i]) command[i] = ' ';
    command[length] = '\0';
}

/* Read the variables with which a user can change rounding, or the order in which
   libraries add numbers. They are NAME=VALUE, separated by spaces. */
static void read_environment(char *text, size_t room)
{
    static const char *const prefixes[] = {
        "OMP_",           "OPENBLAS_",     "GOTO_",       "MKL_",
        "BLIS_",          "ELPA_",         "HDF5_",       "OMPI_MCA_io",
        "OMPI_MCA_op",    "OMPI_MCA_coll", "LD_PRELOAD=", "LD_LIBRARY_PATH=",
        "GLIBC_TUNABLES="};
    size_t length = 0;
    for (char **e = environ; *e; e++)
        for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
            if (strncmp(*e, prefixes[i], strlen(prefixes[i])) == 0 && length < room)
                length += (size_t)snprintf(text + length, room - length, "%s%s",
                                           length ? " " : "", *e);
}

static void read_machine(hesse_provenance *p)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    unsigned major, minor, release;
    const time_t now = time(NULL);
    struct tm utc;
    read_command(p->command, sizeof p->command);
    read_environment(p->environment, sizeof p->environment);
    gethostname(p->host, sizeof p->host - 1);
    strftime(p->created, sizeof p->created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    MPI_Get_library_version(version, &length);
    snprintf(p->mpi, sizeof p->mpi, "%.*s", (int)strcspn(version, ",\n"), version);
    H5get_libversion(&major, &minor, &release);
    snprintf(p->hdf5, sizeof p->hdf5, "%u.%u.%u", major, minor, release);
    snprintf(p->blas, sizeof p->blas, "%s", hesse_blas_core());
}

/* The file was read before; if it is missing now, its digest is not known. */
static void read_inputs(hesse_provenance *p, const char *config, const char *graph)
{
    hesse_why why;
    if (config && hesse_config_digest(config, p->config, &why)) p->config[0] = '\0';
    if (graph && hesse_graph_digest(graph, p->graph, &why)) p->graph[0] = '\0';
}

void hesse_provenance_of(const hesse_analysis *analysis, const hesse_problem *problem,
                         const hesse_job *job, const hesse_phases *phases,
                         const hesse_resume *resume, int failed, bool speaks,
                         hesse_provenance *p)
{
    const hesse_plan_summary plan = hesse_analysis_summary(analysis);
    *p = (hesse_provenance){0};
    read_machine(p);
    if (speaks) read_inputs(p, job->paths.config, job->paths.graph);
    note_program(p, plan.ranks, plan.threads);
    note_job(p, job, &plan);
    text(p, "job_identity", resume->identity.job);
    text(p, "output_identity", resume->identity.output);
    text(p, "directions_sha256", resume->identity.directions);
    whole(p, "earlier_runs", hesse_checkpoint_runs(resume->checkpoint));
    if (job->series.count) whole(p, "steps", job->series.count);
    if (job->series.count) whole(p, "failed_steps", failed);
    if (*job->points) {
        whole(p, "points", job->sweep.taken);
        whole(p, "repeats", job->repeats);
        whole(p, "failed_runs", failed);
        text(p, "points_sha256", job->points);
    }
    note_network(p, job, problem, resume->identity.checkpoint);
    note_data(p, job, problem);
    note_times(p, phases);
}

void hesse_provenance_of_training(int ranks, const hesse_problem *problem,
                                  const hesse_job *job, const char *identity,
                                  bool speaks, hesse_provenance *p)
{
    *p = (hesse_provenance){0};
    read_machine(p);
    if (speaks) read_inputs(p, job->paths.config, job->paths.graph);
    note_program(p, ranks, 1);
    text(p, "job", job->text);
    text(p, "job_complete", job->complete);
    text(p, "job_identity", identity);
    note_network(p, job, problem, hesse_network_digest(problem->network));
    note_data(p, job, problem);
}

void hesse_provenance_add(hesse_provenance *p, hesse_note note)
{
    add(p, note);
}
