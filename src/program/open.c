/* From a command line to a job, from a job to a model and the options of an analysis. */
#include "program/commands.h"

#include "base/memory.h"
#include "parallel/available.h"

#include <stdlib.h>

hesse_status hesse_open_job(hesse_team *team, const hesse_options *options,
                            hesse_job **job)
{
    char *text = NULL;
    size_t length = 0;
    hesse_status s = HESSE_OK;
    if (team->rank == 0) s = hesse_job_text(options->file, &text, &length, &team->why);
    s = hesse_agree(team, s);
    if (!s) {
        hesse_team_broadcast(team, 0, &length, sizeof length);
        if (team->rank) text = hesse_calloc(length + 1, 1);
        if (!text) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for a job");
        s = hesse_agree(team, s);
    }
    if (!s) {
        hesse_team_broadcast(team, 0, text, length);
        s = hesse_job_parse(text, length, options->file, options->sets, options->n_sets,
                            job, &team->why);
        s = hesse_agree(team, s);
    }
    if (!s) {
        if (options->memory) (*job)->hessian.budget = options->memory;
        (*job)->hessian.program = hesse_team_program(team);
    }
    free(text);
    return s;
}

/* What the program leaves of the memory; 0: no limit was stated. */
static size_t room_of(const hesse_job *job)
{
    const size_t all = job->hessian.budget, program = job->hessian.program;
    return !all ? 0 : all > program ? all - program : 1;
}

hesse_status hesse_open_model(hesse_team *team, const hesse_job *job, bool outline,
                              hesse_model **model)
{
    hesse_arch arch = {.family = job->model.family};
    hesse_job_arch(job, &arch);
    const hesse_source source = {
        .arch = &arch,
        .config = job->paths.config,
        .checkpoint = job->paths.checkpoint,
        .seed = job->model.seed,
        .tokens = job->paths.tokens,
        .text = job->paths.text,
        .inputs = job->paths.inputs,
        .images = job->paths.images,
        .texts = job->data.texts ? (const char *const *)job->paths.texts : NULL,
        .n_texts = job->data.n_texts,
        .recipe = job->data.recipe,
        .mask_rate = job->data.mask_rate,
        .mask_id = job->data.with_mask_id ? &job->data.mask_id : NULL,
        .image_size = job->data.size,
        .image_classes = job->data.classes,
        .standard = job->data.standard,
        .labels = job->paths.labels,
        .targets = job->paths.targets,
        .eigenvalues =
            job->model.family == HESSE_QUADRATIC ? job->model.eigenvalues : NULL,
        .characters = job->data.characters,
        .sequences = job->data.sequences,
        .context = job->data.context,
        .shuffle = job->data.shuffle,
        .data_seed = job->data.seed,
        .reduction = job->hessian.reduction,
        .batch = job->data.batch,
        .memory = room_of(job),
        .outline = outline,
    };
    return hesse_model_open(team, &source, model);
}

hesse_status hesse_rate_analysis(hesse_team *team, hesse_analysis *analysis)
{
    hesse_rates rates = {0};
    const hesse_status s = hesse_agree(team, hesse_rates_measure(&rates, &team->why));
    double *const all = &rates.dgemm;
    const size_t count = sizeof rates / sizeof(double);
    if (s) return s;
    hesse_team_sum(team, all, count);
    for (size_t i = 0; i < count; i++) all[i] /= team->size;
    hesse_analysis_rate(analysis, &rates);
    return HESSE_OK;
}

int hesse_threads(void)
{
    const char *asked = getenv("OMP_NUM_THREADS");
    const long threads = asked ? strtol(asked, NULL, 10) : 1;
    return threads < 1                    ? 1
           : threads > HESSE_MOST_THREADS ? HESSE_MOST_THREADS
                                          : (int)threads;
}

hesse_analysis_options hesse_job_options(const hesse_job *job)
{
    const hesse_job_lanczos *lanczos = &job->spectrum.lanczos;
    const bool automatic = job->hessian.method == HESSE_METHOD_AUTO;
    return (hesse_analysis_options){
        .partition = job->hessian.partition,
        .only = (const char *const *)job->hessian.only,
        .n_only = job->hessian.blocks ? 0 : job->hessian.n_only,
        .preset = job->hessian.blocks,
        .parts = job->hessian.parts,
        .n_parts = job->hessian.n_parts,
        .scope = job->hessian.scope,
        /* Storing matrices requires the exact method. */
        .method = automatic && job->output.matrices ? HESSE_METHOD_EXACT
                                                    : job->hessian.method,
        .seconds = job->hessian.seconds,
        .lanczos = {.steps = lanczos->steps,
                    .probes = lanczos->probes,
                    .width = lanczos->width,
                    .orthogonality = lanczos->paper ? HESSE_ORTHOGONALITY_PAPER
                                                    : lanczos->reorthogonalise,
                    .seed = lanczos->seed},
        .extreme = job->spectrum.extreme,
        .hutchinson = job->spectrum.hutchinson,
        .engine = job->spectrum.engine,
        .distances = job->metrics.distance,
        .n_distances = job->metrics.n_distance,
        .density = job->spectrum.density,
        .stretch = job->output.stretch,
        .eigenvectors = job->spectrum.eigenvectors,
        .panel = job->hessian.panel,
        .memory = job->hessian.budget,
        .program = job->hessian.program,
        .matrices = job->output.matrices,
        .threads = hesse_threads(),
    };
}
