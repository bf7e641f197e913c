/* One run for each pair of a learning rate and a seed. Ranks form groups that share the
   runs; a run is in a folder of its own if there are several. Rank 0 of a group writes.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"
#include "data/kinds.h"
#include "files/file.h"
#include "hesse/train.h"
#include "network/families/families.h"
#include "objective/network.h"
#include "output/reader.h"
#include "output/show.h"
#include "output/train_log.h"
#include "parallel/team.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/manifest.h"
#include "program/name_keys.h"
#include "program/progress.h"
#include "program/provenance.h"
#include "program/signals.h"
#include "program/training_folder.h"
#include "train/relation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What all runs of a job share. It has many fields because a run needs all of them. */
typedef struct job_of_runs {
    hesse_team *team; /* of all ranks */
    const hesse_options *options;
    const hesse_job *job;
    hesse_data_options data;
    hesse_data_needs needs;
    hesse_dataset *dataset, *held_out;
    const char *folder;
    int runs, groups;
} job_of_runs;

/* One run. */
typedef struct run {
    const job_of_runs *all;
    hesse_team *team; /* of the group */
    double rate;
    const int *seed; /* NULL: those of the job */
    char folder[HESSE_FOLDER];
    hesse_network *network;
    hesse_training *training;
    hesse_identity identity;
    hesse_checkpoint *checkpoint;
    hesse_progress progress;
    double started, saved;
    int64_t first; /* the step at which this start began */
    bool complete; /* an earlier run has done everything */
} run;

static uint64_t seed_of(const run *r, uint64_t usual)
{
    return r->seed ? (uint64_t)*r->seed : usual;
}

/* Collective. Write what a stage has: the parameters, and the state of the optimiser.
 */
static hesse_status write_stage(run *r)
{
    char path[HESSE_FOLDER + 64];
    const long long step = (long long)hesse_training_steps(r->training);
    hesse_optimiser *o = hesse_training_optimiser(r->training);
    snprintf(path, sizeof path, "%s/stage-%06lld.safetensors", r->folder, step);
    hesse_status s = hesse_network_write(
        r->team, r->network, hesse_training_parameters(r->training), HESSE_F64, path);
    snprintf(path, sizeof path, "%s/optimiser-%06lld.safetensors", r->folder, step);
    if (!s && hesse_optimiser_vectors(o))
        s = hesse_optimiser_write(r->team, r->network, o, path);
    return s;
}

/* Collective. Save the whole state, so that nothing before it is lost. */
static hesse_status save(run *r)
{
    char path[HESSE_FOLDER + 64];
    snprintf(path, sizeof path, "%s/unfinished/" HESSE_CHECKPOINT_STATE, r->folder);
    const hesse_status s = hesse_training_save(r->training, path);
    if (!s && hesse_team_rank(r->team) == 0) hesse_checkpoint_keep(r->checkpoint, true);
    r->saved = hesse_seconds();
    return s;
}

/* Collective. Take up an earlier run, if there is one of the same job. */
static hesse_status take_up(run *r)
{
    char path[HESSE_FOLDER + 64];
    hesse_why *why = hesse_team_why(r->team);
    hesse_status s = HESSE_OK;
    double there = 0;
    if (hesse_team_rank(r->team) == 0) {
        const hesse_problem problem = {r->network, r->all->dataset, NULL};
        s = hesse_identity_of_training(r->all->job, &problem, &r->identity, why);
        snprintf(path, sizeof path, "%s/unfinished/manifest.json", r->folder);
        if (!s && hesse_file_exists(path) && r->all->options->resume) {
            s = hesse_manifest_match(path, r->identity.numbers, why);
            if (!s) there = 1;
        } else if (!s) {
            s = hesse_manifest_store(path, r->identity.numbers, why);
        }
        snprintf(path, sizeof path, "%s/unfinished/" HESSE_CHECKPOINT_STATE, r->folder);
        if (!hesse_file_exists(path)) there = 0;
    }
    s = hesse_agree(r->team, s);
    if (s) return s;
    hesse_team_broadcast(r->team, 0, &there, sizeof there);
    if (there == 0) return HESSE_OK;
    snprintf(path, sizeof path, "%s/unfinished/" HESSE_CHECKPOINT_STATE, r->folder);
    if (hesse_team_rank(r->team) == 0) hesse_checkpoint_keep(r->checkpoint, true);
    return hesse_training_load(r->training, path);
}

/* Local to rank 0 of a group. */
static void tell_progress(run *r)
{
    const hesse_train_log log = hesse_training_log(r->training);
    const int64_t step = hesse_training_steps(r->training);
    const double all = (double)r->all->job->train.options.steps;
    char phase[64];
    if (hesse_team_rank(r->all->team)) return; /* one rank of all tells */
    const int64_t done = step - r->first;
    if (done >= 2 && (done & (done - 1)) == 0) /* predict the time from these steps */
        r->progress.planned =
            (hesse_seconds() - r->started) / (double)done * (all - (double)r->first);
    snprintf(phase, sizeof phase, "step %lld of %.0f, loss %.5g", (long long)step, all,
             log.rows ? log.loss[log.rows - 1] : NAN);
    hesse_progress_update(&r->progress, phase, (double)step / all, 0);
}

static bool is_stage(const run *r, int64_t step)
{
    const hesse_job_train *t = &r->all->job->train;
    for (int i = 0; i < t->n_stage_steps; i++)
        if (t->stage_steps[i] == step) return true;
    return false;
}

/* Collective. Take all steps that are left. */
static hesse_status take_steps(run *r)
{
    const hesse_job *job = r->all->job;
    const int64_t steps = job->train.options.steps;
    hesse_status s = HESSE_OK;
    r->started = r->saved = hesse_seconds();
    r->first = hesse_training_steps(r->training);
    while (!s) {
        const int64_t at = hesse_training_steps(r->training);
        if (is_stage(r, at)) s = write_stage(r);
        if (s || at == steps) break;
        /* All ranks of the group stop, or save, at the same step. */
        double asked[2] = {hesse_checkpoint_stop_asked(r->checkpoint),
                           hesse_team_rank(r->team) == 0 &&
                               hesse_seconds() - r->saved > job->output.stretch};
        hesse_team_sum(r->team, asked, 2);
        if (asked[0] > 0 || asked[1] > 0) s = save(r);
        if (!s && asked[0] > 0)
            s = hesse_fail(
                hesse_team_why(r->team), HESSE_E_STOPPED,
                "stopped by a signal after %lld of %lld steps; they are in %s, "
                "and --resume goes on",
                (long long)at, (long long)steps, r->folder);
        if (!s) s = hesse_training_step(r->training);
        if (!s) tell_progress(r);
    }
    if (!s) s = hesse_training_evaluate(r->training);
    return s;
}

static int column_named(const char *name)
{
    int i = 0;
    while (strcmp(hesse_training_measure_name(i), name) != 0) i++;
    return i;
}

/* Local. Relate both measures of smoothness to the norm of the gradient: the fit by L0
   + L1 norm, and correlations. */
static hesse_status note_smoothness(const hesse_train_log *log, hesse_provenance *p,
                                    hesse_why *why)
{
    static const struct {
        const char *measure, *names[4];
    } all[] = {{"smoothness",
                {"l0", "l1", "smoothness_correlation", "smoothness_rank_correlation"}},
               {"gradient_smoothness",
                {"gradient_l0", "gradient_l1", "gradient_smoothness_correlation",
                 "gradient_smoothness_rank_correlation"}}};
    hesse_status s = HESSE_OK;
    for (int k = 0; !s && k < 2 && log->measured; k++) {
        hesse_relation r;
        s = hesse_relation_find((size_t)log->measured, (size_t)log->columns,
                                log->measures + column_named("gradient_norm"),
                                log->measures + column_named(all[k].measure), &r, why);
        const double numbers[] = {r.constant, r.slope, r.logarithms, r.ranks};
        for (int i = 0; !s && i < 4; i++)
            if (!isnan(numbers[i]))
                hesse_provenance_add(p, (hesse_note){.name = all[k].names[i],
                                                     .kind = HESSE_NOTE_NUMBER,
                                                     .number = numbers[i]});
    }
    return s;
}

/* Collective. Write the log; a run that failed has one, too. */
static hesse_status write_log(run *r, const char *failure)
{
    const hesse_job *job = r->all->job;
    const hesse_train_options *o = &job->train.options;
    const hesse_train_log log = hesse_training_log(r->training);
    const hesse_params *params = hesse_network_params(r->network);
    const hesse_problem problem = {r->network, r->all->dataset, NULL};
    const int examples = hesse_dataset_examples(r->all->dataset);
    const int held_out =
        r->all->held_out ? hesse_dataset_examples(r->all->held_out) : 0;
    char path[HESSE_FOLDER + 64];
    hesse_provenance *p = hesse_calloc(1, sizeof *p);
    hesse_status s =
        hesse_agree(r->team, p ? HESSE_OK
                               : hesse_fail(hesse_team_why(r->team), HESSE_E_NOMEM,
                                            "out of memory"));
    if (s) return s;
    hesse_provenance_of_training(hesse_team_size(r->team), &problem, job,
                                 r->identity.job, hesse_team_rank(r->team) == 0, p);
    const hesse_note notes[] = {
        {.name = "train_optimiser",
         .text = hesse_job_word("train.optimiser", (int)o->optimiser.kind)},
        {.name = "train_learning_rate", .kind = HESSE_NOTE_NUMBER, .number = r->rate},
        {.name = "train_weight_decay",
         .kind = HESSE_NOTE_NUMBER,
         .number = o->optimiser.weight_decay},
        {.name = "train_momentum",
         .kind = HESSE_NOTE_NUMBER,
         .number = o->optimiser.momentum},
        {.name = "train_seed",
         .kind = HESSE_NOTE_WHOLE,
         .whole = (int64_t)seed_of(r, job->data.seed)},
        {.name = "train_batch",
         .kind = HESSE_NOTE_WHOLE,
         .whole = o->batch ? o->batch : examples},
        {.name = "train_held_out", .kind = HESSE_NOTE_WHOLE, .whole = held_out},
        {.name = "train_failure", .text = failure},
        {.name = "train_seconds",
         .kind = HESSE_NOTE_NUMBER,
         .number = hesse_seconds() - r->started}};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        hesse_provenance_add(p, notes[i]);
    s = hesse_agree(r->team, note_smoothness(&log, p, hesse_team_why(r->team)));
    snprintf(path, sizeof path, "%s/log.h5", r->folder);
    if (!s) s = hesse_train_log_write(r->team, path, params, &log, p->list, p->count);
    free(p);
    snprintf(path, sizeof path, "%s/log.csv", r->folder);
    if (!s && job->train.csv && hesse_team_rank(r->team) == 0)
        s = hesse_train_csv_write(path, params, &log, hesse_team_why(r->team));
    return hesse_agree(r->team, s);
}

/* Collective. Train, and write the log for any end but a signal. */
static hesse_status train(run *r)
{
    hesse_why cause;
    const bool tells = hesse_team_rank(r->all->team) == 0;
    if (tells) hesse_progress_start(&r->progress, stderr, 0);
    const hesse_status s = take_steps(r);
    cause = *hesse_team_why(r->team);
    if (tells) hesse_progress_finish(&r->progress);
    if (s && s != HESSE_E_NUMERIC) return s;
    const hesse_status written = write_log(r, s ? cause.text : "");
    if (s) *hesse_team_why(r->team) = cause;
    return s ? s : written;
}

/* Collective. Prepare and do one run. */
static hesse_status do_run(run *r)
{
    const job_of_runs *all = r->all;
    const hesse_job *job = all->job;
    char work[HESSE_FOLDER + 16];
    hesse_train_options options = job->train.options;
    const hesse_network_source source = {.arch = &job->arch,
                                         .config = job->paths.config,
                                         .checkpoint = job->paths.checkpoint,
                                         .seed = seed_of(r, job->seed)};
    options.learning_rate = r->rate;
    options.seed = seed_of(r, job->data.seed);
    options.data = &all->data, options.needs = &all->needs;
    options.memory = job->analysis.memory;
    snprintf(work, sizeof work, "%s/unfinished", r->folder);
    hesse_status s = hesse_network_open(r->team, &source, all->dataset, &r->network);
    if (!s)
        s = hesse_training_new(r->team, r->network, all->dataset, all->held_out,
                               &options, &r->training);
    if (!s)
        s = hesse_training_folder_begin(r->team, all->options, job, all->folder,
                                        r->folder, &r->complete);
    if (!s && r->complete)
        return hesse_training_folder_match(r->team, job, r->network, all->dataset,
                                           r->folder);
    if (!s)
        s = hesse_checkpoint_lock(r->team, work, "--resume", hesse_signals_of_program(),
                                  &r->checkpoint);
    if (!s) s = take_up(r);
    if (!s) s = train(r);
    s = hesse_agree(r->team, s);
    return hesse_checkpoint_close(r->checkpoint, s, !s || s == HESSE_E_NUMERIC);
}

static void end_run(run *r)
{
    hesse_training_free(r->training);
    hesse_network_free(r->network);
    hesse_identity_free(&r->identity);
}

/* Run number i of the grid: rates first. */
static void choose_run(const job_of_runs *all, int i, run *r)
{
    const hesse_job_train *t = &all->job->train;
    const int seeds = t->n_seeds ? t->n_seeds : 1;
    r->rate = t->rates[i / seeds];
    r->seed = t->n_seeds ? &t->seeds[i % seeds] : NULL;
    const char *folder = all->folder;
    if (all->runs == 1)
        snprintf(r->folder, sizeof r->folder, "%s", folder);
    else if (r->seed)
        snprintf(r->folder, sizeof r->folder, "%s/rate-%.6g-seed-%d", folder, r->rate,
                 *r->seed);
    else
        snprintf(r->folder, sizeof r->folder, "%s/rate-%.6g", folder, r->rate);
}

/* The end of every run of a grid. */
typedef struct outcome {
    double status, steps, loss, held_out, accuracy;
} outcome;

static outcome outcome_of(const run *r, hesse_status s)
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
    char path[HESSE_FOLDER + 64];
    snprintf(path, sizeof path, "%s/runs.csv", all->folder);
    FILE *f = fopen(path, "w");
    if (!f) return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written", path);
    fputs("folder,learning_rate,seed,status,steps,loss,held_out_loss,accuracy\n", f);
    printf("  %-28s %14s %14s %10s  %s\n", "run", "last loss", "held-out loss",
           "accuracy", "end");
    for (int i = 0; i < all->runs; i++) {
        run r;
        choose_run(all, i, &r);
        const outcome *o = &list[i];
        const char *name = strrchr(r.folder, '/') + 1;
        char end[64] = "";
        if (o->status == HESSE_E_NUMERIC)
            snprintf(end, sizeof end, "diverged after %.0f steps", o->steps);
        printf("  %-28s %14.6g %14.6g %10.4g  %s\n", name, o->loss, o->held_out,
               o->accuracy, end);
        fprintf(f, "%s,%.17g,%lld,%.0f,%.0f,%.17g,%.17g,%.17g\n", name, r.rate,
                (long long)(r.seed ? *r.seed : -1), o->status, o->steps, o->loss,
                o->held_out, o->accuracy);
    }
    const bool good = !ferror(f);
    return fclose(f) || !good
               ? hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot be written", path)
               : HESSE_OK;
}

/* Collective. Share the runs of a grid among groups of ranks. A run that diverges is an
   outcome, and the others go on; another failure ends the grid. */
static hesse_status do_grid(job_of_runs *all)
{
    hesse_team *team = all->team, *group = NULL;
    const int rank = hesse_team_rank(team), size = hesse_team_size(team);
    const int own = (int)((long)rank * all->groups / size);
    const size_t count = (size_t)all->runs * (sizeof(outcome) / sizeof(double));
    outcome *list = hesse_calloc((size_t)all->runs, sizeof *list);
    hesse_status s = list ? HESSE_OK
                          : hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                                       "out of memory for %d runs", all->runs);
    s = hesse_agree(team, s);
    if (!s) s = hesse_team_split(team, own, &group);
    for (int i = own; !s && i < all->runs; i += all->groups) {
        run r = {.all = all, .team = group};
        choose_run(all, i, &r);
        s = do_run(&r);
        if (!s && r.complete)
            s = hesse_training_folder_outcome(r.folder, &list[i].steps, &list[i].loss,
                                              &list[i].held_out, &list[i].accuracy,
                                              hesse_team_why(group));
        else
            list[i] = outcome_of(&r, s);
        if (hesse_team_rank(group)) list[i] = (outcome){0}; /* one rank counts */
        end_run(&r);
        if (s == HESSE_E_NUMERIC) s = HESSE_OK;
    }
    if (group && s) *hesse_team_why(team) = *hesse_team_why(group);
    if (group) hesse_team_free(group);
    s = hesse_agree(team, s);
    if (!s) hesse_team_sum(team, (double *)list, count);
    if (!s && rank == 0) s = tell_outcomes(all, list, hesse_team_why(team));
    free(list);
    return hesse_agree(team, s);
}

/* Collective. Open the examples that are trained on, and those that are held out. */
static hesse_status open_data(job_of_runs *all)
{
    const hesse_job *job = all->job;
    const hesse_job_train *t = &job->train;
    const hesse_network_source source = {.arch = &job->arch,
                                         .config = job->paths.config,
                                         .checkpoint = job->paths.checkpoint,
                                         .outline = true};
    hesse_team *team = all->team;
    all->data = job->data;
    all->data.all = true;
    const int more = t->evaluate_file ? 0 : t->evaluate_sequences;
    if (all->data.sequences) all->data.sequences += more;
    hesse_status s = hesse_network_needs(team, &source, &all->needs);
    if (!s) s = hesse_dataset_open(team, &all->data, &all->needs, &all->dataset);
    if (!s && more)
        s = hesse_agree(team, hesse_dataset_split(all->dataset, more, &all->held_out,
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
    s = hesse_dataset_open(team, &data, &all->needs, &all->held_out);
    if (!s && all->held_out->all.vocabulary > all->dataset->all.vocabulary)
        s = hesse_fail(
            hesse_team_why(team), HESSE_E_INPUT,
            "%s: has a vocabulary of %d, the examples that are trained on have "
            "one of %d; 'data.table' gives both the same ids",
            t->evaluate_file, all->held_out->all.vocabulary,
            all->dataset->all.vocabulary);
    return s;
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

/* Local. The batch that is not given is 16 examples, or all if there are fewer. */
static void fit_batch(hesse_job *job, int examples)
{
    hesse_train_options *o = &job->train.options;
    if (!job->train.batch && o->order != HESSE_ORDER_FRESH && o->batch > examples)
        o->batch = examples;
}

hesse_status hesse_command_train(hesse_team *team, const hesse_options *options)
{
    hesse_job *job = NULL;
    job_of_runs all = {.team = team, .options = options};
    hesse_status s = hesse_open_job(team, options, &job);
    all.job = job;
    if (!s) s = hesse_agree(team, check_job(job, hesse_team_why(team)));
    if (!s) {
        const int seeds = job->train.n_seeds ? job->train.n_seeds : 1;
        all.folder = options->output ? options->output : job->paths.folder;
        all.runs = job->train.n_rates * seeds;
        all.groups =
            all.runs < hesse_team_size(team) ? all.runs : hesse_team_size(team);
        s = hesse_training_folder_check(team, job, all.folder);
    }
    if (!s) s = open_data(&all);
    if (!s && hesse_team_rank(team) == 0) hesse_blas_warn();
    if (!s) fit_batch(job, hesse_dataset_examples(all.dataset));
    if (!s && all.runs == 1) {
        run r = {.all = &all, .team = team};
        choose_run(&all, 0, &r);
        s = do_run(&r);
        if (!s && r.complete && hesse_team_rank(team) == 0)
            fprintf(stderr, "note: %s/log.h5 is complete; nothing was computed\n",
                    r.folder);
        end_run(&r);
        char path[HESSE_FOLDER + 64];
        snprintf(path, sizeof path, "%s/log.h5", all.folder);
        if (!s && hesse_team_rank(team) == 0)
            s = hesse_result_show(path, stdout, hesse_team_why(team));
        s = hesse_agree(team, s);
    } else if (!s) {
        s = do_grid(&all);
    }
    hesse_dataset_free(all.held_out);
    hesse_dataset_free(all.dataset);
    hesse_job_free(job);
    return s;
}
