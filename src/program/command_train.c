/* A job has one run for each pair of a learning rate and a seed, and so has every point
   of a sweep. Ranks form groups that share all runs; a run is in a folder of its own if
   there are several. */
#include "base/memory.h"
#include "data/kinds.h"
#include "network/families/families.h"
#include "objective/network.h"
#include "output/show.h"
#include "parallel/team.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/name_keys.h"
#include "program/notes.h"
#include "program/training_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All runs of a command. */
typedef struct job_of_runs {
    hesse_team *team; /* of all ranks */
    const hesse_options *options;
    hesse_job **jobs; /* a job for each point */
    int points, runs;
    const char *folder;
} job_of_runs;

static int runs_of(const hesse_job *job)
{
    return job->train.n_rates * (job->train.n_seeds ? job->train.n_seeds : 1);
}

/* The point of run i; *i becomes its number among the runs of the point. */
static int point_of(const job_of_runs *all, int *i)
{
    int p = 0;
    while (*i >= runs_of(all->jobs[p])) *i -= runs_of(all->jobs[p++]);
    return p;
}

/* Choose run number i: rates before seeds. */
static void choose_run(const job_of_runs *all, int i, hesse_training_run *r)
{
    r->number = i;
    const hesse_job *job = all->jobs[point_of(all, &i)];
    const hesse_job_train *t = &job->train;
    const int seeds = t->n_seeds ? t->n_seeds : 1;
    char *folder = r->folder;
    const size_t room = sizeof r->folder;
    r->rate = t->rates[i / seeds];
    r->seed = t->n_seeds ? &t->seeds[i % seeds] : NULL;
    snprintf(folder, room, "%s%s%s", all->folder, *job->sweep.name ? "/" : "",
             job->sweep.name);
    const size_t at = strlen(folder);
    if (runs_of(job) > 1 && r->seed)
        snprintf(folder + at, room - at, "/rate-%.6g-seed-%d", r->rate, *r->seed);
    else if (runs_of(job) > 1)
        snprintf(folder + at, room - at, "/rate-%.6g", r->rate);
}

/* The end of a run. */
typedef struct outcome {
    double status, steps, loss, held_out, accuracy;
} outcome;

static outcome outcome_of(const hesse_training_run *r, hesse_status s)
{
    outcome o = {.status = s, .loss = NAN, .held_out = NAN, .accuracy = NAN};
    if (!r->training) return o;
    const hesse_train_log log = hesse_training_log(r->training);
    o.steps = (double)hesse_training_steps(r->training);
    if (log.rows) o.loss = log.loss[log.rows - 1];
    if (log.evaluations) {
        const double *last = log.evaluate + 3 * (log.evaluations - 1);
        if (last[0] == o.steps) o.held_out = last[1], o.accuracy = last[2];
    }
    return o;
}

/* On rank 0. A table of all runs on standard output, and as comma-separated values. */
static hesse_status tell_outcomes(const job_of_runs *all, const outcome *list,
                                  hesse_why *why)
{
    const hesse_job_sweep *sweep = &all->jobs[0]->sweep;
    const size_t root = strlen(all->folder) + 1;
    char path[HESSE_FOLDER + 64];
    hesse_training_run r;
    int width = 28;
    snprintf(path, sizeof path, "%s/runs.csv", all->folder);
    FILE *f = fopen(path, "w");
    if (!f) return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written", path);
    for (int i = 0; i < all->runs; i++) {
        choose_run(all, i, &r);
        const int length = (int)strlen(r.folder + root);
        width = length > width ? length : width;
    }
    fputs("folder,", f);
    for (int a = 0; a < sweep->axes; a++) fprintf(f, "%s,", sweep->axis[a]);
    fputs("learning_rate,seed,status,steps,loss,held_out_loss,accuracy\n", f);
    printf("  %-*s %14s %14s %10s  %s\n", width, "run", "last loss", "held-out loss",
           "accuracy", "end");
    for (int i = 0, within; i < all->runs; i++) {
        choose_run(all, i, &r);
        within = i;
        const outcome *o = &list[i];
        const hesse_job *job = all->jobs[point_of(all, &within)];
        char end[64] = "";
        if (o->status == HESSE_E_NUMERIC)
            snprintf(end, sizeof end, "diverged after %.0f steps", o->steps);
        printf("  %-*s %14.6g %14.6g %10.4g  %s\n", width, r.folder + root, o->loss,
               o->held_out, o->accuracy, end);
        fprintf(f, "%s,", r.folder + root);
        for (int a = 0; a < sweep->axes; a++) fprintf(f, "%s,", job->sweep.label[a]);
        fprintf(f, "%.17g,%lld,%.0f,%.0f,%.17g,%.17g,%.17g\n", r.rate,
                (long long)(r.seed ? *r.seed : -1), o->status, o->steps, o->loss,
                o->held_out, o->accuracy);
    }
    const bool good = !ferror(f);
    return fclose(f) || !good
               ? hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written", path)
               : HESSE_OK;
}

/* Collective. Open the examples that are trained on, and those that are held out. */
static hesse_status open_data(hesse_team *team, hesse_training_point *point)
{
    const hesse_job *job = point->job;
    const hesse_job_train *t = &job->train;
    const hesse_network_source source = hesse_job_source(job, true);
    point->data = job->data;
    point->data.all = true;
    const int more = t->evaluate_file ? 0 : t->evaluate_sequences;
    if (point->data.sequences) point->data.sequences += more;
    hesse_status s = hesse_network_needs(team, &source, &point->needs);
    if (!s) s = hesse_dataset_open(team, &point->data, &point->needs, &point->dataset);
    if (!s && more)
        s = hesse_agree(team,
                        hesse_dataset_split(point->dataset, more, &point->held_out,
                                            hesse_team_why(team)));
    if (s) hesse_name_keys(job, hesse_team_why(team));
    if (s || !t->evaluate_file) return s;
    hesse_data_options data = job->data;
    const char *paths[] = {t->evaluate_file};
    data.paths = paths, data.n_paths = 1;
    data.all = true, data.sequences = t->evaluate_sequences;
    if (strcmp(data.kind, "tokens") != 0 && strcmp(data.kind, "text") != 0)
        return hesse_fail(
            hesse_team_why(team), HESSE_E_JOB,
            "'train.evaluate.file' is for data of the kinds tokens and text, "
            "found %s; 'train.evaluate.sequences' alone holds examples out",
            data.kind);
    s = hesse_dataset_open(team, &data, &point->needs, &point->held_out);
    if (!s && point->held_out->all.vocabulary > point->dataset->all.vocabulary)
        s = hesse_fail(
            hesse_team_why(team), HESSE_E_INPUT,
            "%s: has a vocabulary of %d, the examples that are trained on have "
            "one of %d; 'data.table' gives both the same ids",
            t->evaluate_file, point->held_out->all.vocabulary,
            point->dataset->all.vocabulary);
    return s;
}

/* Return the label that all examples of a batch have, or -1. */
static int only_label(const hesse_batch *b)
{
    if (!b->target || b->labels != 1) return -1;
    for (int i = 1; i < b->sequences; i++)
        if (b->target[i] != b->target[0]) return -1;
    return b->target[0];
}

/* Say that held-out examples have one label alone, as the last ones of data do that are
   sorted by class. */
static void check_labels(const hesse_training_point *point)
{
    const hesse_batch *held = point->held_out ? &point->held_out->all : NULL;
    const int label = held && held->sequences > 1 ? only_label(held) : -1;
    if (label < 0 || only_label(&point->dataset->all) >= 0) return;
    hesse_note_print(hesse_notes(point->options),
                     "all %d held-out examples have the label %d, and the others have "
                     "several labels; the last examples are held out%s",
                     held->sequences, label,
                     strcmp(point->data.kind, "texts") == 0
                         ? ", and without 'data.seed' the classes alternate"
                         : "");
}

static void close_data(hesse_training_point *point)
{
    hesse_dataset_free(point->held_out);
    hesse_dataset_free(point->dataset);
    point->held_out = point->dataset = NULL;
}

/* Collective. Open a point for a group of ranks. */
static hesse_status open_point(const job_of_runs *all, hesse_team *group, int p,
                               hesse_training_point *point)
{
    hesse_job *job = all->jobs[p];
    *point = (hesse_training_point){.options = all->options,
                                    .job = job,
                                    .folder = all->folder,
                                    .runs = all->runs,
                                    .tells = hesse_team_rank(all->team) == 0};
    const hesse_status s = open_data(group, point);
    if (s) return s;
    /* The batch that is not given is 16 examples, or all if there are fewer. */
    hesse_train_options *o = &job->train.options;
    const int examples = hesse_dataset_examples(point->dataset);
    if (!job->train.batch && o->order != HESSE_ORDER_FRESH && o->batch > examples)
        o->batch = examples;
    return HESSE_OK;
}

/* Collective. Share all runs among groups of ranks. A run that diverges is an outcome,
   and the others go on; another failure ends the work of its group. */
static hesse_status do_runs(const job_of_runs *all)
{
    hesse_team *team = all->team, *group = NULL;
    const int rank = hesse_team_rank(team), size = hesse_team_size(team);
    const int groups = all->runs < size ? all->runs : size,
              own = (int)((long)rank * groups / size);
    const size_t count = (size_t)all->runs * (sizeof(outcome) / sizeof(double));
    hesse_training_point point = {0};
    int open = -1;
    outcome *list = hesse_calloc((size_t)all->runs, sizeof *list);
    hesse_status s = list ? HESSE_OK
                          : hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                                       "out of memory for %d runs", all->runs);
    s = hesse_agree(team, s);
    if (!s) s = hesse_team_split(team, own, &group);
    for (int i = own; !s && i < all->runs; i += groups) {
        hesse_training_run r = {.point = &point, .team = group};
        int within = i;
        const int p = point_of(all, &within);
        if (p != open) {
            close_data(&point);
            s = open_point(all, group, open = p, &point);
            if (s) break;
            if (within == 0 && hesse_team_rank(group) == 0) check_labels(&point);
        }
        choose_run(all, i, &r);
        s = hesse_training_run_do(&r);
        if (!s && r.complete)
            s = hesse_training_folder_outcome(r.folder, &list[i].steps, &list[i].loss,
                                              &list[i].held_out, &list[i].accuracy,
                                              hesse_team_why(group));
        else
            list[i] = outcome_of(&r, s);
        if (hesse_team_rank(group)) list[i] = (outcome){0}; /* one rank counts */
        hesse_training_run_end(&r);
        if (s == HESSE_E_NUMERIC) s = HESSE_OK;
    }
    close_data(&point);
    if (group && s) *hesse_team_why(team) = *hesse_team_why(group);
    if (group) hesse_team_free(group);
    s = hesse_agree(team, s);
    if (!s) hesse_team_sum(team, (double *)list, count);
    if (!s && rank == 0) s = tell_outcomes(all, list, hesse_team_why(team));
    free(list);
    return hesse_agree(team, s);
}

/* Collective. The only run of a job. */
static hesse_status do_one(const job_of_runs *all)
{
    hesse_team *team = all->team;
    hesse_training_point point;
    hesse_training_run r = {.point = &point, .team = team};
    char path[HESSE_FOLDER + 64];
    hesse_status s = open_point(all, team, 0, &point);
    choose_run(all, 0, &r);
    if (!s) s = hesse_training_run_do(&r);
    snprintf(path, sizeof path, "%s/log.h5", r.folder);
    if (!s && r.complete && hesse_team_rank(team) == 0)
        hesse_note_complete(hesse_notes(all->options), path);
    hesse_training_run_end(&r);
    close_data(&point);
    if (!s && hesse_team_rank(team) == 0)
        s = hesse_result_show(path, stdout, hesse_team_why(team));
    return hesse_agree(team, s);
}

/* Local. Check what only training asks of a job. */
static hesse_status check_job(const hesse_job *job, hesse_why *why)
{
    if (job->reduction != HESSE_MEAN)
        return hesse_fail(why, HESSE_E_JOB,
                          "'hessian.reduction' is %s, and training takes the mean over "
                          "the targets of a batch",
                          hesse_job_word("hessian.reduction", (int)job->reduction));
    if (job->series.count)
        return hesse_fail(
            why, HESSE_E_JOB,
            "'model.checkpoints' names a series, and training begins with "
            "initial values or with one 'model.checkpoint'");
    return HESSE_OK;
}

/* Collective. Check all points before the first run: a later one may begin after hours.
 */
static hesse_status check_points(const job_of_runs *all)
{
    hesse_status s = HESSE_OK;
    for (int p = 0; !s && p < all->points; p++) {
        hesse_training_point point = {0};
        s = hesse_agree(all->team, check_job(all->jobs[p], hesse_team_why(all->team)));
        if (!s) s = hesse_training_folder_check(all->team, all->jobs[p], all->folder);
        if (!s && all->points > 1) s = open_point(all, all->team, p, &point);
        close_data(&point);
    }
    return s;
}

hesse_status hesse_command_train(hesse_team *team, const hesse_options *options)
{
    job_of_runs all = {.team = team, .options = options};
    hesse_status s = hesse_open_jobs(team, options, &all.jobs, &all.points);
    for (int p = 0; p < all.points; p++) all.runs += runs_of(all.jobs[p]);
    if (!s) all.folder = options->output ? options->output : all.jobs[0]->paths.folder;
    if (!s) s = check_points(&all);
    if (!s && hesse_team_rank(team) == 0) hesse_blas_warn(hesse_notes(options));
    if (!s) s = all.runs == 1 ? do_one(&all) : do_runs(&all);
    hesse_jobs_free(all.jobs, all.points);
    return s;
}
