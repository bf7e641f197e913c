/* This computes the theory of a job's family, prints it beside the measured numbers,
   and writes all of them. */
#include "files/file.h"
#include "hesse/theory.h"
#include "output/store.h"
#include "output/theory.h"
#include "parallel/team.h"
#include "program/commands.h"
#include "program/manifest.h"
#include "program/name_keys.h"
#include "program/provenance.h"
#include "program/target.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Local. Check what every theory asks of a job. */
static hesse_status check_job(const hesse_job *job, hesse_why *why)
{
    char names[256] = "";
    const char *name;
    for (int i = 0; (name = hesse_theory_family(i)); i++) {
        const size_t at = strlen(names);
        const bool it = strcmp(name, job->arch.family) == 0;
        if (it && job->series.count)
            return hesse_fail(why, HESSE_E_JOB,
                              "'model.checkpoints' is given, and a theory has one "
                              "point");
        if (it) return HESSE_OK;
        snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", name);
    }
    return hesse_fail(why, HESSE_E_JOB,
                      "'model.family' is %s, expected a family that has a theory: %s",
                      job->arch.family, names);
}

/* Local to rank 0. */
static hesse_status look(const char *path, bool force, hesse_why *why)
{
    const hesse_status s = hesse_store_check(path, why);
    if (s || force || !hesse_file_exists(path)) return s;
    return hesse_fail(why, HESSE_E_OUTPUT, "%s: is there already; --force replaces it",
                      path);
}

static void print_number(double x)
{
    if (isnan(x))
        printf(" %14s", "");
    else
        printf(" %14.*g", x != 0 && fabs(1 - x) < 1e-2 && x != 1 ? 10 : 6, x);
}

static void print_table(const hesse_theory *theory)
{
    const hesse_theory_line *line;
    bool spread = false;
    for (int i = 0; (line = hesse_theory_line_at(theory, i)); i++)
        spread |= !isnan(line->low) || !isnan(line->high);
    printf("%s\n\n", hesse_theory_title(theory));
    printf("  %-58s %14s", "", "measured");
    if (spread) printf(" %14s %14s", "10 %", "90 %");
    printf("  claimed\n");
    for (int i = 0; (line = hesse_theory_line_at(theory, i)); i++) {
        printf("  %-58s", line->what);
        if (isnan(line->measured))
            printf(" %14s", "not reached");
        else
            print_number(line->measured);
        if (spread) print_number(line->low), print_number(line->high);
        printf("%s%s\n", *line->claim ? "  " : "", line->claim);
    }
}

/* Collective. Write the file, with the attributes that a training run has. */
static hesse_status write(hesse_team *team, const hesse_job *job, const char *path,
                          const hesse_theory *theory)
{
    const bool first = hesse_team_rank(team) == 0;
    hesse_problem problem = {NULL, NULL, NULL};
    hesse_identity identity = {0};
    hesse_provenance *p = calloc(1, sizeof *p);
    hesse_status s = p ? HESSE_OK
                       : hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                                    "out of memory for the attributes of a file");
    s = hesse_agree(team, s);
    if (!s) s = hesse_open_problem(team, job, false, &problem);
    if (!s && first)
        s = hesse_identity_of(job, &problem, HESSE_IDENTITY_THEORY, &identity,
                              hesse_team_why(team));
    s = hesse_agree(team, s);
    if (!s) {
        const hesse_problem of = {problem.network, problem.dataset, NULL};
        hesse_provenance_of_training(hesse_team_size(team), &of, job, identity.job,
                                     first, p);
        s = hesse_theory_write(team, path, theory, p->list, p->count);
    }
    hesse_identity_free(&identity);
    hesse_problem_free(&problem);
    free(p);
    return s;
}

hesse_status hesse_command_theory(hesse_team *team, const hesse_options *options)
{
    hesse_job *job = NULL;
    hesse_theory *theory = NULL;
    char *path = NULL;
    hesse_why *why = hesse_team_why(team);
    hesse_status s = hesse_open_job(team, options, &job);
    if (!s) {
        s = check_job(job, why);
        if (!s) s = hesse_target_name(job, ".theory.h5", why);
        s = hesse_agree(team, s);
    }
    if (!s) s = hesse_target(team, options, job, &path);
    if (!s) {
        if (hesse_team_rank(team) == 0) s = look(path, options->force, why);
        s = hesse_agree(team, s);
    }
    if (!s) {
        hesse_theory_options asked = job->theory;
        asked.only = job->train.options.only, asked.n_only = job->train.options.n_only;
        asked.descent_rate = job->train.rates[0];
        asked.descent_steps = job->train.steps;
        asked.seed = job->seed, asked.checkpoint = job->paths.checkpoint;
        s = hesse_theory_new(team, &job->arch, &job->data, &asked, &theory);
        if (s == HESSE_E_JOB || s == HESSE_E_INPUT) hesse_name_keys(job, why);
    }
    if (!s) s = write(team, job, path, theory);
    if (!s && hesse_team_rank(team) == 0) print_table(theory);
    hesse_theory_free(theory);
    hesse_job_free(job);
    free(path);
    return s;
}
