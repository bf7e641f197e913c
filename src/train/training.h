/** The inside of a training run, for the files of this room. */
#ifndef HESSE_TRAIN_TRAINING_H
#define HESSE_TRAIN_TRAINING_H

#include "objective/objective.h"
#include "train/optimiser.h"
#include "train/schedule.h"

/** A table that grows by rows. */
typedef struct hesse_rows {
    size_t columns, count, room;
    double *at;
} hesse_rows;

/** The tables of a run: the first have a row for each step, the last one for each
 * measurement. */
enum {
    HESSE_TRAINING_BY_STEP = 4,
    HESSE_TRAINING_MEASURES = 5, /* the first of them */
    HESSE_TRAINING_TABLES = 12
};

/** Local. The place of a new row, filled with NaN; NULL when memory is exhausted. */
double *hesse_rows_add(hesse_rows *rows);

/** The columns of the table of measures along a run. */
typedef enum hesse_path_column {
    HESSE_PATH_STEP,
    HESSE_PATH_GRADIENT_NORM,
    HESSE_PATH_SMOOTHNESS,
    HESSE_PATH_SHARPNESS,
    HESSE_PATH_THRESHOLD,
    HESSE_PATH_PRECONDITIONED_SHARPNESS,
    HESSE_PATH_PRECONDITIONED_THRESHOLD,
    HESSE_PATH_NOISE_MEAN,
    HESSE_PATH_NOISE_DEVIATION,
    HESSE_PATH_NOISE_SKEWNESS,
    HESSE_PATH_NOISE_KURTOSIS,
    HESSE_PATH_NOISE_TAIL,
    HESSE_PATH_ROBUST_CONDITION,
    HESSE_PATH_CRITICAL_RATE,
    HESSE_PATH_GRADIENT_SMOOTHNESS,
    HESSE_PATH_INSTABILITY,
    HESSE_PATH_COLUMNS
} hesse_path_column;

struct hesse_training {
    hesse_team *team;                        /* borrowed */
    const hesse_network *network;            /* borrowed */
    const hesse_dataset *dataset, *held_out; /* borrowed; held_out NULL: none        */
    hesse_dataset *fresh;                    /* the examples of this step, or NULL   */
    hesse_train_options options;
    hesse_objective *objective, *evaluation; /* of a step; of held-out examples      */
    hesse_optimiser *optimiser;
    hesse_stream_of_examples stream;
    int *indices;                           /* [batch] of the examples of a step */
    double *parameters, *gradient, *before; /* [n] each; before: parameters before a
                                               step */
    int64_t steps;                          /* that were taken */
    hesse_rows loss, gradient_norm, update_norm, rate, evaluations, measures;
    /* For the noise of gradients: the objective of all examples, the order of its
       batches, and the distances of every measurement. */
    hesse_objective *whole;
    hesse_stream_of_examples mixed;
    hesse_rows noise;
    /* For the classes of examples: an objective whose batch is some examples of one. */
    hesse_objective *of_class;
    hesse_rows class_gradient, class_trace;
    /* For measures by group: the names, and the group of every parameter tensor. */
    int groups, *group; /* [tensors]; 0, NULL: not asked for */
    char (*group_names)[HESSE_NAME + 24];
    const char **group_list; /* [groups], the same names */
    hesse_rows group_gradient, group_smoothness, group_sharpness;
};

/** Local. Table i of a run, and its name in a saved state. */
hesse_rows *hesse_training_table(hesse_training *t, int i, const char **name);

/** Collective. Draw the examples of a step, by its number, into t->fresh.
 *  Errors: those of hesse_dataset_open. */
hesse_status hesse_training_draw(hesse_training *t, uint64_t number);

/** Collective. Fill one row of the table, in two parts: before the step, and after it.
 * In both the objective has the batch and the parameters of before the step; after the
 * second it may have another batch.
 * Measures on held-out examples use t->evaluation, which has the parameters of before
 * the step afterwards, too.
 *
 *  gradient  [in]  of the batch of this step, not clipped.
 *  row       [in, out]  HESSE_PATH_COLUMNS numbers.
 *  Errors: HESSE_E_NOMEM, HESSE_E_NUMERIC. */
hesse_status hesse_path_before(hesse_training *t, const double *gradient, double *row);
hesse_status hesse_path_after(hesse_training *t, double *row);

#endif /* HESSE_TRAIN_TRAINING_H */
