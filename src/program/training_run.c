/* One run, by a group of ranks. Rank 0 of the group writes. */
#include "program/training_run.h"
#include "base/clock.h"
#include "base/memory.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"
#include "files/file.h"
#include "hesse/train.h"
#include "objective/network.h"
#include "output/train_log.h"
#include "parallel/team.h"
#include "program/commands.h"
#include "program/manifest.h"
#include "program/name_keys.h"
#include "program/notes.h"
#include "program/progress.h"
#include "program/provenance.h"
#include "program/signals.h"
#include "program/training_folder.h"
#include "train/relation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed_of(const hesse_training_run *r, uint64_t usual)
{
    return r->seed ? (uint64_t)*r->seed : usual;
}

static hesse_dataset *dataset_of(const hesse_training_run *r)
{
    return r->drawn ? r->drawn : r->point->dataset;
}

/* Collective. Draw the examples of this run if their targets are near the outputs of
   its network. The seed of the run is the seed of both. */
static hesse_status draw(hesse_training_run *r, const hesse_network_source *source)
{
    if (!r->point->dataset->all.near_outputs) return HESSE_OK;
    hesse_data_options data = r->point->data;
    data.seed = seed_of(r, data.seed);
    hesse_status s = hesse_dataset_open(r->team, &data, &r->point->needs, &r->drawn);
    if (!s) s = hesse_dataset_add_outputs(r->team, source, r->drawn);
    return s;
}

/* Collective. Write what a stage has: the parameters, and the state of the optimiser.
 */
static hesse_status write_stage(hesse_training_run *r)
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
static hesse_status save(hesse_training_run *r)
{
    char path[HESSE_FOLDER + 64];
    snprintf(path, sizeof path, "%s/unfinished/" HESSE_CHECKPOINT_STATE, r->folder);
    const hesse_status s = hesse_training_save(r->training, path);
    if (!s && hesse_team_rank(r->team) == 0) hesse_checkpoint_keep(r->checkpoint, true);
    r->saved = hesse_seconds();
    return s;
}

/* Collective. Take up an earlier run, if there is one of the same job. */
static hesse_status take_up(hesse_training_run *r)
{
    char path[HESSE_FOLDER + 64];
    hesse_why *why = hesse_team_why(r->team);
    hesse_status s = HESSE_OK;
    double there = 0;
    if (hesse_team_rank(r->team) == 0) {
        const hesse_problem problem = {r->network, dataset_of(r), NULL};
        s = hesse_identity_of(r->point->job, &problem, HESSE_IDENTITY_TRAIN,
                              &r->identity, why);
        snprintf(path, sizeof path, "%s/unfinished/manifest.json", r->folder);
        if (!s && hesse_file_exists(path) && r->point->options->resume) {
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
static void tell_progress(hesse_training_run *r)
{
    const hesse_train_log log = hesse_training_log(r->training);
    const int64_t step = hesse_training_steps(r->training);
    const double all = (double)r->point->job->train.options.steps;
    char phase[96] = "";
    if (!r->point->tells) return;
    const int64_t done = step - r->first;
    if (done >= 2 && (done & (done - 1)) == 0) /* predict the time from these steps */
        r->progress.planned =
            (hesse_seconds() - r->started) / (double)done * (all - (double)r->first);
    if (r->point->runs > 1)
        snprintf(phase, sizeof phase, "run %d of %d, ", r->number + 1, r->point->runs);
    snprintf(phase + strlen(phase), sizeof phase - strlen(phase),
             "step %lld of %.0f, loss %.5g", (long long)step, all,
             log.rows ? log.loss[log.rows - 1] : NAN);
    hesse_progress_update(&r->progress, phase, (double)step / all, 0);
}

static bool is_stage(const hesse_training_run *r, int64_t step)
{
    const hesse_job_train *t = &r->point->job->train;
    for (int i = 0; i < t->n_stage_steps; i++)
        if (t->stage_steps[i] == step) return true;
    return false;
}

/* Collective. Take all steps that are left. */
static hesse_status take_steps(hesse_training_run *r)
{
    const hesse_job *job = r->point->job;
    const int64_t steps = job->train.options.steps;
    hesse_status s = HESSE_OK;
    r->started = r->saved = hesse_seconds();
    r->first = hesse_training_steps(r->training);
    while (!s) {
        const int64_t at = hesse_training_steps(r->training);
        const bool ended = hesse_training_ended(r->training);
        if (is_stage(r, at) || (ended && is_stage(r, steps))) s = write_stage(r);
        if (s || ended) break;
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
static hesse_status write_log(hesse_training_run *r, const char *failure)
{
    const hesse_job *job = r->point->job;
    const hesse_train_options *o = &job->train.options;
    const hesse_train_log log = hesse_training_log(r->training);
    const hesse_params *params = hesse_network_params(r->network);
    const hesse_problem problem = {r->network, dataset_of(r), NULL};
    const int examples = hesse_dataset_examples(dataset_of(r));
    const int held_out =
        r->point->held_out ? hesse_dataset_examples(r->point->held_out) : 0;
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
static hesse_status train(hesse_training_run *r)
{
    hesse_why cause;
    const bool tells = r->point->tells;
    if (tells) hesse_progress_start(&r->progress, hesse_notes(r->point->options), 0);
    const hesse_status s = take_steps(r);
    cause = *hesse_team_why(r->team);
    if (tells) hesse_progress_finish(&r->progress);
    if (s && s != HESSE_E_NUMERIC) return s;
    const hesse_status written = write_log(r, s ? cause.text : "");
    if (s) *hesse_team_why(r->team) = cause;
    return s ? s : written;
}

hesse_status hesse_training_run_do(hesse_training_run *r)
{
    const hesse_training_point *point = r->point;
    const hesse_job *job = point->job;
    char work[HESSE_FOLDER + 16];
    hesse_train_options options = job->train.options;
    hesse_network_source source = hesse_job_source(job, false);
    source.seed = seed_of(r, job->seed);
    options.learning_rate = r->rate;
    options.seed = seed_of(r, job->data.seed);
    options.data = &point->data, options.needs = &point->needs;
    options.memory = job->analysis.memory;
    snprintf(work, sizeof work, "%s/unfinished", r->folder);
    hesse_status s = draw(r, &source);
    if (!s) s = hesse_network_open(r->team, &source, dataset_of(r), &r->network);
    if (!s)
        s = hesse_training_new(r->team, r->network, dataset_of(r), point->held_out,
                               &options, &r->training);
    if (!s)
        s = hesse_training_folder_begin(r->team, point->options, job, point->folder,
                                        r->folder, &r->complete);
    if (!s && r->complete)
        return hesse_training_folder_match(r->team, job, r->network, dataset_of(r),
                                           r->folder);
    if (!s)
        s = hesse_checkpoint_lock(r->team, work, "--resume", hesse_signals_of_program(),
                                  &r->checkpoint);
    if (!s) s = take_up(r);
    if (!s) s = train(r);
    s = hesse_agree(r->team, s);
    return hesse_checkpoint_close(r->checkpoint, s, !s || s == HESSE_E_NUMERIC);
}

void hesse_training_run_end(hesse_training_run *r)
{
    hesse_training_free(r->training);
    hesse_network_free(r->network);
    hesse_dataset_free(r->drawn);
    hesse_identity_free(&r->identity);
}
