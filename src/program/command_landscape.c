/* The points of a job's landscape are saved one by one, and the result is written when
   all of them are there. */
#include "base/clock.h"
#include "base/memory.h"
#include "landscape/landscape.h"
#include "output/landscape.h"
#include "output/show.h"
#include "parallel/team.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/measures.h"
#include "program/name_keys.h"
#include "program/notes.h"
#include "program/progress.h"
#include "program/provenance.h"
#include "program/resume.h"
#include "program/target.h"

#include <math.h>
#include <stdlib.h>

/* What a command has while it runs. */
typedef struct command {
    hesse_team *team;
    FILE *notes; /* NULL: quiet */
    hesse_job *job;
    hesse_problem problem; /* without an objective: every rank makes its own */
    hesse_landscape_options options;
    double *values; /* [axes][n] of the directions that are files */
    hesse_landscape *landscape;
    hesse_resume resume;
    hesse_progress progress;
    double started, phase_started;
} command;

/* Collective. Open the network and the dataset. */
static hesse_status open_problem(command *c)
{
    const hesse_network_source source = hesse_job_source(c->job, false);
    hesse_data_needs needs;
    hesse_status s = hesse_network_needs(c->team, &source, &needs);
    if (!s) s = hesse_dataset_open(c->team, &c->job->data, &needs, &c->problem.dataset);
    if (!s)
        s = hesse_network_open(c->team, &source, c->problem.dataset,
                               &c->problem.network);
    if (s == HESSE_E_INPUT || s == HESSE_E_JOB)
        hesse_name_keys(c->job, hesse_team_why(c->team));
    return s;
}

/* Collective. Read the directions that are files. */
static hesse_status read_directions(command *c)
{
    const hesse_job_landscape *l = &c->job->landscape;
    const size_t n = hesse_network_size(c->problem.network);
    c->options = l->options;
    c->options.objective = hesse_job_objective(c->job);
    c->values = hesse_alloc((size_t)l->options.axes * n);
    hesse_status s = c->values ? HESSE_OK
                               : hesse_fail(hesse_team_why(c->team), HESSE_E_NOMEM,
                                            "out of memory for directions");
    s = hesse_agree(c->team, s);
    for (int i = 0; !s && i < l->options.axes; i++) {
        if (!l->vectors[i].file) continue;
        double *values = c->values + (size_t)i * n;
        s = hesse_directions_read(c->team, c->problem.network, &l->vectors[i], values);
        c->options.direction[i].values = values;
    }
    return s;
}

/* On rank 0. Report a fraction of the points, or products before the points. */
static void tell_progress(void *context, const char *phase, double part)
{
    command *c = context;
    const double now = hesse_seconds();
    if (hesse_team_rank(c->team)) return;
    if (c->phase_started == 0 && part > 0) c->phase_started = now;
    if (part > 0) /* predict the time from the points so far */
        c->progress.planned = (now - c->phase_started) / part;
    hesse_progress_update(&c->progress, phase, part, 0);
}

/* On rank 0. Name the first point whose loss is not finite. */
static void tell_unfinished(const command *c)
{
    const hesse_landscape *x = c->landscape;
    const size_t columns = (size_t)x->points[1];
    char second[48] = "";
    size_t i = 0;
    if (!x->unfinished || hesse_team_rank(c->team)) return;
    while (isfinite(x->loss[i])) i++;
    if (x->axes == 2)
        snprintf(second, sizeof second, ", y = %g", x->coordinates[1][i % columns]);
    hesse_note_print(c->notes,
                     "the loss is not finite at %lld of %zu points; the first is x = "
                     "%g%s",
                     (long long)x->unfinished, (size_t)x->points[0] * columns,
                     x->coordinates[0][i / columns], second);
}

/* Collective. Write the file. */
static hesse_status write_result(command *c, const char *path)
{
    const hesse_landscape_options *o = &c->options;
    const bool first = hesse_team_rank(c->team) == 0;
    const char *names[HESSE_LANDSCAPE_AXES] = {o->direction[0].name,
                                               o->direction[1].name};
    hesse_provenance *p = hesse_calloc(1, sizeof *p);
    hesse_status s = p ? HESSE_OK
                       : hesse_fail(hesse_team_why(c->team), HESSE_E_NOMEM,
                                    "out of memory for the attributes of a file");
    if ((s = hesse_agree(c->team, s))) {
        free(p);
        return s;
    }
    hesse_provenance_of_training(hesse_team_size(c->team), &c->problem, c->job,
                                 c->resume.identity.job, first, p);
    const hesse_note notes[] = {
        {.name = "directions_sha256", .text = c->resume.identity.directions},
        {.name = "earlier_runs",
         .kind = HESSE_NOTE_WHOLE,
         .whole = hesse_checkpoint_runs(c->resume.checkpoint)},
        {.name = "landscape_normalise",
         .text = hesse_job_word("landscape.normalise", (int)o->normalise)},
        {.name = "landscape_biases",
         .text = hesse_job_word("landscape.biases", (int)o->vectors)},
        {.name = "landscape_orthogonal",
         .kind = HESSE_NOTE_WHOLE,
         .whole = o->orthogonal},
        {.name = "landscape_seed", .kind = HESSE_NOTE_WHOLE, .whole = (int64_t)o->seed},
        {.name = "landscape_seconds",
         .kind = HESSE_NOTE_NUMBER,
         .number = hesse_seconds() - c->started}};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        hesse_provenance_add(p, notes[i]);
    s = hesse_landscape_write(c->team, path, c->landscape, names, p->list, p->count);
    free(p);
    return s;
}

/* Collective. Compute the landscape and write it. */
static hesse_status compute(command *c, const char *path)
{
    const bool first = hesse_team_rank(c->team) == 0;
    const hesse_landscape_run run = {c->resume.checkpoint, tell_progress, c};
    c->started = hesse_seconds();
    if (first) hesse_progress_start(&c->progress, c->notes, 0);
    hesse_status s =
        hesse_landscape_compute_with(c->team, c->problem.network, c->problem.dataset,
                                     &c->options, &run, &c->landscape);
    if (first) hesse_progress_finish(&c->progress);
    if (s == HESSE_E_JOB) hesse_name_keys(c->job, hesse_team_why(c->team));
    if (!s) s = write_result(c, path);
    if (!s) tell_unfinished(c);
    return s;
}

/* Local. Check what a landscape asks of a job. */
static hesse_status check_job(hesse_job *job, hesse_why *why)
{
    if (job->series.count)
        return hesse_fail(why, HESSE_E_JOB,
                          "'model.checkpoints' names a series, and a landscape begins "
                          "with one 'model.checkpoint' or with initial values");
    return hesse_target_name(job, ".landscape.h5", why);
}

hesse_status hesse_command_landscape(hesse_team *team, const hesse_options *options)
{
    command c = {.team = team, .notes = hesse_notes(options)};
    char *path = NULL;
    const bool first = hesse_team_rank(team) == 0;
    hesse_status s = hesse_open_job(team, options, &c.job);
    if (!s) s = hesse_agree(team, check_job(c.job, hesse_team_why(team)));
    if (!s) s = hesse_target(team, options, c.job, &path);
    if (!s) s = hesse_resume_check(team, options, path, &c.resume);
    if (!s) s = open_problem(&c);
    if (!s)
        s = hesse_resume_begin(team, options, c.job, &c.problem,
                               HESSE_IDENTITY_LANDSCAPE, &c.resume);
    if (!s && c.resume.complete) {
        if (first) hesse_note_complete(c.notes, path);
    } else if (!s) {
        s = read_directions(&c);
        if (!s && first) hesse_blas_warn(c.notes);
        if (!s) s = compute(&c, path);
    }
    if (!s && first) s = hesse_result_show(path, stdout, hesse_team_why(team));
    s = hesse_resume_end(&c.resume, hesse_agree(team, s));
    hesse_landscape_free(c.landscape);
    free(c.values);
    hesse_problem_free(&c.problem);
    hesse_job_free(c.job);
    free(path);
    return s;
}
