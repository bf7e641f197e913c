/* From a command line to a job, from a job to a model and the options of an analysis. */
#include "program/commands.h"

#include "base/memory.h"
#include "parallel/available.h"

#include <stdlib.h>
#include <string.h>

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
        if (options->memory) (*job)->analysis.memory = options->memory;
        (*job)->analysis.program = hesse_team_program(team);
    }
    free(text);
    return s;
}

/* The memory that the program leaves; 0: no limit was stated. */
static size_t room_of(const hesse_job *job)
{
    const size_t all = job->analysis.memory, program = job->analysis.program;
    return !all ? 0 : all > program ? all - program : 1;
}

/* The generator of a kind of data that is drawn; HESSE_GENERATOR_NONE of others. */
static hesse_generator generator_of(const char *kind)
{
    static const char *const names[] = {[HESSE_GENERATOR_GAUSSIAN] = "gaussian",
                                        [HESSE_GENERATOR_CLUSTERS] = "clusters",
                                        [HESSE_GENERATOR_REGRESSION] = "regression",
                                        [HESSE_GENERATOR_ADDITION] = "addition",
                                        [HESSE_GENERATOR_PATHFINDER] = "pathfinder"};
    for (int i = HESSE_GENERATOR_GAUSSIAN; i <= HESSE_GENERATOR_PATHFINDER; i++)
        if (strcmp(kind, names[i]) == 0) return (hesse_generator)i;
    return HESSE_GENERATOR_NONE;
}

/* Data options as a source, as long as the model takes one. */
static void add_data(const hesse_data_options *d, hesse_source *source)
{
    const struct {
        const char *kind;
        const char **path;
    } files[] = {{"tokens", &source->tokens},
                 {"text", &source->text},
                 {"inputs", &source->inputs},
                 {"images", &source->images}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(d->kind, files[i].kind) == 0) *files[i].path = d->paths[0];
    if (strcmp(d->kind, "texts") == 0)
        source->texts = d->paths, source->n_texts = d->n_paths;
    source->recipe = d->recipe;
    source->recipe.generator = generator_of(d->kind);
    source->labels = d->labels, source->targets = d->targets;
    source->eigenvalues = d->eigenvalues;
    source->mask_rate = d->mask_rate, source->mask_id = d->mask_id;
    source->image_size = d->size, source->image_classes = d->classes;
    source->standard = d->standard, source->characters = d->characters;
    source->sequences = d->sequences, source->context = d->context;
    source->shuffle = d->shuffle, source->data_seed = d->seed;
    source->batch = d->batch;
}

hesse_status hesse_open_model(hesse_team *team, const hesse_job *job, bool outline,
                              hesse_model **model)
{
    hesse_source source = {.arch = &job->arch,
                           .config = job->paths.config,
                           .checkpoint = job->paths.checkpoint,
                           .seed = job->seed,
                           .reduction = job->reduction,
                           .memory = room_of(job),
                           .outline = outline};
    add_data(&job->data, &source);
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
    hesse_analysis_options options = job->analysis;
    options.threads = hesse_threads();
    return options;
}
