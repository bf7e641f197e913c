/** The job file: YAML, read strictly. docs/job.md describes it for users, keys.h lists
 * its keys. A job has the structs that the library takes, so nothing is copied between
 * the two. */
#ifndef HESSE_JOB_JOB_H
#define HESSE_JOB_JOB_H

#include "base/digest.h"
#include "hesse/analysis.h"
#include "hesse/arch.h"
#include "hesse/data.h"
#include "hesse/density.h"
#include "hesse/distance.h"
#include "hesse/landscape.h"
#include "hesse/status.h"
#include "hesse/theory.h"
#include "hesse/train.h"
#include "job/keys.h"
#include "network/families/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HESSE_JOB_BYTES = 1 << 20 }; /* the largest job file */

typedef struct hesse_job_spectrum {
    bool paper; /* the published procedure */
    hesse_density density;
} hesse_job_spectrum;

typedef struct hesse_job_metrics {
    const hesse_distance *distance;
    int n_distance;
} hesse_job_metrics;

/** A job's training. With several learning rates or seeds there is a run for each pair.
 */
typedef struct hesse_job_train {
    bool given;                  /* the job has a key of the section */
    hesse_train_options options; /* without learning rate, seed and batch */
    const double *rates;
    const int *seeds; /* n_seeds 0: the seeds of `model` and `data` */
    int n_rates, n_seeds, n_betas;
    const char *batch;         /* in the job: a number, or "all" */
    const char *const *stages; /* in the job: "init", "100", "50%" */
    int n_stages;
    int64_t *stage_steps; /* [n_stages], ascending, without repetitions */
    int n_stage_steps;
    int evaluate_every, evaluate_sequences, steps, measure_every;
    bool csv;                  /* the log is also written as comma-separated values */
    const char *evaluate_file; /* NULL: examples after those that are trained on */
} hesse_job_train;
enum { HESSE_OWN_PARTITION = -1 }; /* in place of a hesse_cut: that of the job */

/** A direction: if `file` is NULL, the gradient or what a landscape calls by this name,
 * else a checkpoint or, with `from`, the difference file - from. */
typedef struct hesse_job_direction {
    const char *name; /* as the job has it */
    const char *file, *from;
    const char *whole; /* with `from`: the path, if the name were that of one file */
} hesse_job_direction;

typedef struct hesse_job_measures {
    const char *const *directions;
    int n_directions;
    bool keep_products;                 /* with the directions */
    const hesse_job_direction *vectors; /* [n_directions] the same, with paths */
    const int *block_error;             /* hesse_cut, or HESSE_OWN_PARTITION   */
    int n_block_error;
    const hesse_kinds *parts;
    int n_parts;
    int probes, products;
} hesse_job_measures;

/** A job's landscape. The options have everything but the values of directions that
 * are files, and the settings of the objective. */
typedef struct hesse_job_landscape {
    hesse_landscape_options options;
    hesse_landscape_normalise normalise; /* of the key, if it is given */
    const char *const *directions;       /* [options.axes]             */
    const hesse_job_direction *vectors;  /* [options.axes] with paths  */
    const double *range;
    int n_range;
    const int *points;
    int n_points;
} hesse_job_landscape;

typedef struct hesse_job_output {
    double stretch; /* seconds of work on panels that are saved at once */
} hesse_job_output;

/** Files other than the data, in the form that fopen(3) takes. */
typedef struct hesse_job_paths {
    /* NULL: absent. With a series the program sets `checkpoint` to one of its files. */
    const char *config, *checkpoint, *graph;
    const char *const *checkpoints; /* paths and patterns of a series */
    int n_checkpoints;
    const char *moments; /* Adam's second moments; NULL: absent */
    const char *output;  /* the default is the name of the job file, with .h5 */
    const char *folder;  /* of a training run: the name of the job file, alone */
} hesse_job_paths;

/** A series of checkpoints. The key has the steps that the user gave. The program finds
 * the files and their steps when it opens the job. */
typedef struct hesse_job_series {
    const uint64_t *given;
    int n_given;         /* 0: steps are in the names of the files       */
    int count;           /* 0: no series                                 */
    const int64_t *step; /* [count], ascending                           */
    const char *const *path;
} hesse_job_series;

enum { HESSE_MOST_AXES = 8, HESSE_LABEL = 64 };

/** The sweep of a job, and the point that this job is. */
typedef struct hesse_job_sweep {
    int points; /* 1: there is no sweep          */
    int point;  /* from 0                        */
    int axes;
    int taken; /* points that the command computes together; 0: one */
    char axis[HESSE_MOST_AXES][HESSE_LABEL];      /* their names                  */
    char label[HESSE_MOST_AXES][HESSE_LABEL];     /* of this point on each        */
    char name[HESSE_MOST_AXES * 2 * HESSE_LABEL]; /* "AXIS-LABEL-..."; "": no sweep */
} hesse_job_sweep;

/** How a job file is read. */
typedef struct hesse_job_choice {
    const char *const *sets; /* n_sets overrides "section.key=VALUE", VALUE in YAML;
                                the last one wins                                    */
    int n_sets;
    bool full;        /* with the overrides of the section `full`        */
    int point;        /* of the sweep, from 0                            */
    const char *name; /* the name of the point in its place; NULL: none  */
} hesse_job_choice;

/** A job with all its defaults. It owns everything that it points to. */
typedef struct hesse_job {
    hesse_arch arch; /* with a config, only the members that no config has     */
    hesse_data_options data; /* paths have the form that fopen(3) takes */
    int padding; /* data.padding points here if it is given                */
    int mask_id; /* data.mask_id points here if it is given                */
    int n_eigenvalues;
    uint64_t seed;             /* of initial parameters */
    int repeats;               /* of every point of a sweep */
    const char *const *groups; /* n_groups "NAME=GLOB"; 0: groups by role */
    int n_groups;
    hesse_reduction reduction;
    hesse_analysis_options analysis;
    hesse_job_spectrum spectrum;
    hesse_job_metrics metrics;
    hesse_job_train train;
    hesse_job_measures measures;
    hesse_job_landscape landscape;
    hesse_theory_options theory; /* without its seed, which is `seed` */
    hesse_job_output output;
    hesse_job_paths paths;
    hesse_job_series series;
    hesse_job_sweep sweep;
    char moments[HESSE_DIGEST_LENGTH]; /* digest of paths.moments; "" before a run */
    char points[HESSE_DIGEST_LENGTH];  /* digest of the points that a run computes; "":
                                          it computes one                            */
    /* Texts for the result file: the job file without changes, plus a comment "# --set
       KEY=VALUE" for every override and for the other choices; and the resolved job,
       which is the same job with all defaults. */
    char *text, *complete;
    /* Values of keys in the resolved job, in YAML; NULL: absent. The index is that of
       hesse_key_at. */
    const char *values[HESSE_MOST_KEYS];
    struct hesse_job_chunk *memory;
} hesse_job;

/** Local. Read the bytes of a job file.
 *
 *  text  [out]  length bytes and a zero; the caller frees it.
 *  Errors: HESSE_E_JOB when it cannot be read or is larger than HESSE_JOB_BYTES. */
hesse_status hesse_job_text(const char *path, char **text, size_t *length,
                            hesse_why *why);

/** Local. Parse a job. The same text and choice give the same job on all ranks.
 *
 *  path  [in]  of the file that the text comes from: for messages, and because paths in
 *              the job are relative to its folder. No file is opened.
 *  choice [in] overrides and variants; NULL: the job as it is written.
 *  told  [in]  values that its config.json implies; NULL: none.
 *  Errors: HESSE_E_JOB, which names the line (or the override), the key, the text that
 *  was found and the value that was expected; HESSE_E_NOMEM. */
hesse_status hesse_job_parse(const char *text, size_t length, const char *path,
                             const hesse_job_choice *choice, const hesse_told *told,
                             hesse_job **job, hesse_why *why);

/** Local. Read the values that the job's config.json implies, for hesse_job_parse.
 *
 *  told  [out]  empty where the job names no config.
 *  Errors: HESSE_E_JOB as hesse_job_parse; HESSE_E_INPUT as hesse_config_tell. */
hesse_status hesse_job_tell(const char *text, size_t length, const char *path,
                            const hesse_job_choice *choice, hesse_told *told,
                            hesse_why *why);

/** Local. hesse_job_text, hesse_job_tell and hesse_job_parse in one. */
hesse_status hesse_job_read(const char *path, const hesse_job_choice *choice,
                            hesse_job **job, hesse_why *why);
void hesse_job_free(hesse_job *job);

/** Local. The paths in the value of a key, in the form that fopen(3) takes. Returns
 * their number, which is 0 when the key is absent.
 *
 *  key  [in]  the number of a row whose type is a path. */
int hesse_job_paths_of(const hesse_job *job, int key, const char *const **paths);

#endif /* HESSE_JOB_JOB_H */
