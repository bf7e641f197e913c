/** The job file: YAML, strict. docs/job.md lists its keys; each struct below is one
 *  section of it, with the keys' own names.
 *
 *  Absent keys have their defaults filled in, where a default does not depend on other
 *  files; 0 and NULL stand for absent, and no key can be given those values.
 */
#ifndef HESSE_JOB_JOB_H
#define HESSE_JOB_JOB_H

#include "curvature/dense.h"
#include "hesse/analysis.h"
#include "hesse/arch.h"
#include "hesse/distance.h"
#include "hesse/spectrum.h"
#include "hesse/status.h"
#include "network/partition.h"
#include "ops/op.h"
#include "spectra/density.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HESSE_JOB_BYTES = 1 << 20 }; /* a job file has at most so many */

typedef struct hesse_job_model {
    hesse_family family;
    /* As written, or NULL; hesse_job_paths has usable ones. */
    char *config, *checkpoint;
    /* With config these are 0. */
    int layers, heads, kv_heads, width, inner, context, head_size;
    int vocabulary; /* 0: that of the data */
    hesse_activation activation;
    double norm_eps, rope_theta;
    bool tied, bias;
    int classes; /* 0: those of the checkpoint, or of the data */
    int patch, token_inner, types, value_size, pool;
    int *widths, *blocks, *dense; /* blocks: widths of resnet                        */
    int n_widths, n_blocks, n_dense;
    double *multipliers, *eigenvalues;
    int n_multipliers, n_eigenvalues;
    hesse_batch_norm batch_norm;
    hesse_loss loss;
    bool small_stem, masked, output;
    double deviation;
    /* These go with config, too. */
    double temperature; /* scores are divided by it; 0: the square root of head_size */
    bool full;          /* attention: full, or causal                                */
    hesse_kernel kernel;
    uint64_t seed;
} hesse_job_model;

typedef struct hesse_job_data {
    char *tokens, *text, *inputs, *images, *labels, *targets; /* as written, or NULL */
    char **texts;
    int n_texts;
    int generator;       /* which word; 0: none                  */
    hesse_recipe recipe; /* of the keys of `generator`           */
    double mask_rate;
    int mask_id; /* with_mask_id: given                  */
    bool with_mask_id;
    int size, classes; /* of images; 0: as they are, all         */
    bool standard;     /* normalise: standard, or unit           */
    bool characters;   /* vocabulary: characters, or bytes               */
    int sequences;     /* 0: as many as there are, at most 16            */
    int context;       /* tokens of a sequence; 0: that of the model     */
    int batch;         /* sequences of a micro-batch                     */
    bool shuffle;      /* a seed is given: sequences are chosen at random */
    uint64_t seed;
} hesse_job_data;

typedef struct hesse_job_hessian {
    hesse_scope scope;
    hesse_cut partition;
    char **only; /* names or globs of blocks, at least one      */
    int n_only;
    hesse_preset blocks; /* a list of blocks by its name        */
    hesse_kinds *parts;  /* shares of the Hessian, at least one  */
    int n_parts;
    hesse_reduction reduction;
    hesse_method method;
    double seconds; /* auto: of what is formed; 0: not limited    */
    int panel;      /* columns that travel together              */
    char *memory;   /* as written, or NULL                       */
    size_t budget;  /* bytes a rank may use; 0: not stated       */
    size_t program; /* and of them the program, as it is opened  */
} hesse_job_hessian;

typedef struct hesse_job_lanczos {
    int steps, probes;
    hesse_orthogonality reorthogonalise;
    bool paper; /* the published procedure */
    int width;
    uint64_t seed;
} hesse_job_lanczos;

typedef struct hesse_job_spectrum {
    int eigenvectors; /* at each end */
    hesse_engine engine;
    hesse_job_lanczos lanczos;
    hesse_extreme_settings extreme;
    hesse_hutchinson_settings hutchinson;
    hesse_density density;
} hesse_job_spectrum;

typedef struct hesse_job_metrics {
    hesse_distance *distance;
    int n_distance;
} hesse_job_metrics;

typedef struct hesse_job_output {
    char *file;     /* as written, or NULL                */
    bool matrices;  /* the Hessian itself is stored, too  */
    double stretch; /* seconds of panels that are saved at once */
} hesse_job_output;

/** The files of a job as the program can open them; NULL: absent. `output` is there
 *  always: beside the job file and named after it where no name is given. */
typedef struct hesse_job_paths {
    char *config, *checkpoint, *tokens, *text, *inputs, *images, *labels, *targets,
        *output;
    char **texts; /* as many as hesse_job_data has */
} hesse_job_paths;

typedef struct hesse_job {
    hesse_job_model model;
    hesse_job_data data;
    hesse_job_hessian hessian;
    hesse_job_spectrum spectrum;
    hesse_job_metrics metrics;
    hesse_job_output output;
    hesse_job_paths paths;
    /* What a result file records: the file as it is, with a comment "# --set KEY=VALUE"
       for every override; and one that says the same with all defaults in it. */
    char *text, *complete;
} hesse_job;

/** Local. The bytes of a job file.
 *
 *  text  [out]  length bytes and a zero; the caller frees it.
 *  Errors: HESSE_E_JOB when it cannot be read or is larger than HESSE_JOB_BYTES. */
hesse_status hesse_job_text(const char *path, char **text, size_t *length,
                            hesse_why *why);

/** Local. Understand a job. The same text and overrides give the same job on all ranks.
 *
 *  path  [in]  of the file the text comes from: for messages, and because paths in the
 *              job are relative to its folder. It is not opened, nor is any other file.
 *  sets  [in]  n_sets overrides "section.key=VALUE", VALUE in YAML, the last one wins.
 *  Errors: HESSE_E_JOB, naming the line (or the override), the key, what was found and
 *  what was expected; HESSE_E_NOMEM. */
hesse_status hesse_job_parse(const char *text, size_t length, const char *path,
                             const char *const *sets, int n_sets, hesse_job **job,
                             hesse_why *why);

/** Local. hesse_job_text and hesse_job_parse in one. */
hesse_status hesse_job_read(const char *path, const char *const *sets, int n_sets,
                            hesse_job **job, hesse_why *why);
void hesse_job_free(hesse_job *job);

/** Local. What the job says of the architecture: all of it without a config; with one, what
 *  a config does not say.
 *
 *  arch  [out]  vocabulary is 0 where it is that of the data. */
void hesse_job_arch(const hesse_job *job, hesse_arch *arch);

/** Local. "hessian", "gauss_newton", "softmax", ...: the name of a share. */
const char *hesse_job_part(hesse_kinds kinds);

/** Local. The word for a value of a key that takes words, "" of another value.
 *
 *  path  [in]  of the key: "model.family", "hessian.scope", ... */
const char *hesse_job_word(const char *path, int value);

#endif /* HESSE_JOB_JOB_H */
