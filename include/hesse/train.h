/** hesse: training: optimisers, schedules and the loop. */
#ifndef HESSE_TRAIN_H
#define HESSE_TRAIN_H

#include "hesse/objective.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The rules for a step from the parameters w with the gradient g. docs/math.md,
 * section 13, has the formulas, which are those of torch.optim. */
typedef enum hesse_optimiser_kind {
    HESSE_OPTIMISER_GD,   /* SGD on all examples                                      */
    HESSE_OPTIMISER_SGD,  /* with momentum, or Nesterov's                             */
    HESSE_OPTIMISER_SIGN, /* the sign of what SGD subtracts                           */
    HESSE_OPTIMISER_RMSPROP,
    HESSE_OPTIMISER_ADAM,      /* weight decay is added to the gradient               */
    HESSE_OPTIMISER_ADAMW,     /* weight decay is separate                            */
    HESSE_OPTIMISER_ADAM_MINI, /* one second moment for each head, neuron or token:
                                  Zhang et al., arXiv:2406.16793                      */
    HESSE_OPTIMISER_MUON       /* matrices of the layers: Jordan et al. (2024); other
                                  parameters by AdamW                                 */
} hesse_optimiser_kind;

/** Settings of an optimiser. All are used as they are. */
typedef struct hesse_optimiser_settings {
    hesse_optimiser_kind kind;
    double momentum; /* gd, sgd, sign, rmsprop, muon                                  */
    bool nesterov;   /* gd, sgd, sign, muon                                           */
    double betas[2]; /* Adam, and Muon's AdamW. A second one of 1 keeps the squared
                        first gradient as the second moment, without correction */
    double alpha;    /* rmsprop: of the mean of squares                               */
    double epsilon;  /* added to roots of second moments                              */
    double weight_decay;
    double clip_norm, clip_coordinate; /* of the gradient before the step; 0: none    */
} hesse_optimiser_settings;

typedef struct hesse_optimiser hesse_optimiser;

/** Local. Make an optimiser for the parameters of a network, at step 0.
 *
 *  network  [in]  borrowed until the optimiser is freed.
 *  only     [in]  n_only names or globs of the parameters that are trained; 0: all.
 *  Memory: at most two numbers for each parameter.
 *  Errors: HESSE_E_JOB for a name that selects nothing, or numbers out of range;
 *  HESSE_E_NOMEM. */
hesse_status hesse_optimiser_new(const hesse_network *network,
                                 const hesse_optimiser_settings *settings,
                                 const char *const *only, int n_only,
                                 hesse_optimiser **optimiser, hesse_why *why);

/** Local. NULL is legal. */
void hesse_optimiser_free(hesse_optimiser *optimiser);

/** Local. Take a step.
 *
 *  gradient    [in, out]  n numbers; clipped.
 *  parameters  [in, out]  n numbers. */
void hesse_optimiser_step(hesse_optimiser *optimiser, double learning_rate,
                          double *gradient, double *parameters);

/** Local. True if parameter tensor i of the network is trained. */
bool hesse_optimiser_trains(const hesse_optimiser *optimiser, int i);

/** Local. The steps that were taken. The vectors of the optimiser's state: their
 * number, and, for vector i, the name that PyTorch gives it ("exp_avg", "exp_avg_sq",
 * "momentum_buffer", "square_avg"), and its n numbers. They may be set, to go on with a
 * state that was saved. */
int64_t hesse_optimiser_steps(const hesse_optimiser *optimiser);
void hesse_optimiser_set_steps(hesse_optimiser *optimiser, int64_t steps);
int hesse_optimiser_vectors(const hesse_optimiser *optimiser);
const char *hesse_optimiser_vector_name(const hesse_optimiser *optimiser, int i);
double *hesse_optimiser_vector(hesse_optimiser *optimiser, int i);

/** Collective. Write the state as a safetensors file: for every parameter tensor of the
 * checkpoint NAME the tensors NAME.exp_avg and so on, with its shape, and the number of
 * steps as the tensor `step` [1]. Only rank 0 writes.
 *  Errors: HESSE_E_OUTPUT, HESSE_E_NOMEM. */
hesse_status hesse_optimiser_write(hesse_team *team, const hesse_network *network,
                                   hesse_optimiser *optimiser, const char *path);

/** The learning rate of step t = 0, 1, ... of T is the base rate times a factor. During
 * the first `warmup` steps w it is (t + 1) / w; then, with p = (t - w) / (T - w):
 *
 *    constant  1
 *    linear    1 + (final - 1) p
 *    cosine    final + (1 - final) (1 + cos pi p) / 2
 *    step      factor^floor((t - w) / every) */
typedef enum hesse_schedule_kind {
    HESSE_SCHEDULE_CONSTANT,
    HESSE_SCHEDULE_LINEAR,
    HESSE_SCHEDULE_COSINE,
    HESSE_SCHEDULE_STEP
} hesse_schedule_kind;

typedef struct hesse_rate_schedule {
    hesse_schedule_kind kind;
    int warmup;
    double final;  /* linear, cosine                       */
    int every;     /* step: steps between two reductions   */
    double factor; /* step                                 */
} hesse_rate_schedule;

/** Local. The factor of step t, of `steps`. */
double hesse_rate_factor(const hesse_rate_schedule *schedule, int64_t t, int64_t steps);

/** The examples of each step. */
typedef enum hesse_order {
    /* Each pass over the examples takes them in a new random order, by seed and number
       of the pass. A batch may take the end of one pass and the beginning of the next.
     */
    HESSE_ORDER_SHUFFLED,
    /* Step t takes examples t b ... t b + b - 1, counted round: after the last comes
       the first. */
    HESSE_ORDER_SEQUENTIAL,
    /* Every step draws new examples: only for kinds of data that are drawn from a seed.
     */
    HESSE_ORDER_FRESH
} hesse_order;

/** The examples of measures along a run. */
typedef enum hesse_path_examples {
    HESSE_PATH_ON_BATCH,   /* of the measured step           */
    HESSE_PATH_ON_HELD_OUT /* all held-out examples: the loss is the same function in
                              all measurements */
} hesse_path_examples;

/** Measures that are taken along a run, at every `every`-th step. Norm of the gradient,
 * smoothness, sharpness and robust condition number are of the chosen examples, the
 * others on the batch of the step unless the comment says otherwise. Each is defined in
 * docs/math.md, section 13. */
typedef struct hesse_path_measures {
    int every; /* steps; 0: none                                       */
    hesse_path_examples examples;
    bool smoothness;         /* along the update, and (L0, L1)                   */
    int gradient_smoothness; /* points between the parameters before and after the step,
                                where differences of gradients are taken; 0: none */
    int sharpness;           /* Lanczos steps for the largest eigenvalue of the Hessian,
                                and of the preconditioned one; 0: none               */
    int noise;               /* mini-batches whose gradients are compared with that of
                                all examples; 0: none                                */
    bool critical_rate; /* the learning rate from which on a step along this update does
                           not lower the loss of the batch                            */
    int classes; /* examples of each class whose gradient and curvature are measured; 0:
                    none. Only for examples with one label                            */
    bool by_group;    /* norm of the gradient, smoothness and sharpness of each group of
                         parameters (HESSE_CUT_GROUP) as well                         */
    bool instability; /* squared change of the outputs over that of the parameters */
    bool robust_condition; /* largest over median |diagonal| of the Hessian        */
} hesse_path_measures;

/** Settings of a training run. */
typedef struct hesse_train_options {
    hesse_optimiser_settings optimiser;
    const char *const *only; /* names or globs of the parameters that are trained; */
    int n_only;              /* 0: all                                             */
    double learning_rate;
    hesse_rate_schedule schedule;
    int64_t steps;
    /* Gradient descent on all examples, alone: the rate of a step is halved until the
       loss falls by half of the rate times the squared norm of the gradient. Its first
       trial is learning_rate, and later twice the rate of the step before. */
    bool backtracking;
    double stop_loss; /* the run ends with the first step before which the loss is at
                         most this; 0: no such end                    */
    int batch;        /* examples of a step; 0: all, in every step */
    hesse_order order;
    uint64_t seed;          /* of the order, and of fresh examples               */
    int64_t evaluate_every; /* steps between evaluations on held-out examples; 0: only
                               before the first step and after the last        */
    hesse_path_measures measures;
    size_t memory; /* bytes that a rank may use; 0: the free memory     */
    /* For HESSE_ORDER_FRESH: how examples are drawn; borrowed. */
    const hesse_data_options *data;
    const hesse_data_needs *needs;
} hesse_train_options;

/** Everything that a run has recorded so far. Row r belongs to the step that takes the
 * parameters from step[r] to step[r] + 1; loss, gradient and learning rate are those
 * before the step, the gradient before it is clipped. */
typedef struct hesse_train_log {
    int tensors;  /* B, of the network                                    */
    int64_t rows; /* R                                                    */
    const double *loss, *learning_rate;        /* [R]                    */
    const double *gradient_norm, *update_norm; /* [R, B], by tensor      */
    int64_t evaluations;                       /* E                      */
    const double *evaluate; /* [E, 3]: step, loss, accuracy (NaN: no classes) */
    int64_t measured;       /* M                      */
    int columns;            /* C numbers of each      */
    const double *measures; /* [M, C]; the first is the step */
    int batches;            /* K of the noise         */
    const double *noise;    /* [M, K] distances of gradients; NULL: not asked for */
    int classes;            /* L of the examples      */
    /* [M, L] norm of the gradient and trace of the Hessian of the loss of one class's
       examples; NULL: not asked for. */
    const double *class_gradient, *class_trace;
    int groups;                     /* G of the parameters; 0: not asked for   */
    const char *const *group_names; /* [G]                                     */
    const double *group_gradient, *group_smoothness, *group_sharpness; /* [M, G] */
} hesse_train_log;

typedef struct hesse_training hesse_training;

/** Collective. Prepare a run that begins with the network's parameters.
 *
 *  network, dataset  [in]  borrowed until the run is freed.
 *  held_out          [in]  examples for evaluation; NULL: there is none.
 *  Errors: HESSE_E_JOB for settings out of range, HESSE_E_NOMEM, and those of
 *  hesse_objective_new. */
hesse_status hesse_training_new(hesse_team *team, const hesse_network *network,
                                const hesse_dataset *dataset,
                                const hesse_dataset *held_out,
                                const hesse_train_options *options,
                                hesse_training **training);

/** Collective. NULL on all ranks is legal. */
void hesse_training_free(hesse_training *training);

/** Collective. Take one step and record it. Before the first step and every
 * evaluate_every steps the loss on held-out examples is recorded, too.
 * After an error the records are of the steps that were taken: measures that failed are
 * not among them.
 *  Errors: HESSE_E_NUMERIC when loss or gradient is not finite, with the step and the
 *  loss; HESSE_E_JOB after the last step. */
hesse_status hesse_training_step(hesse_training *training);

/** Collective. Evaluate the held-out examples now, if this step has no evaluation yet.
 */
hesse_status hesse_training_evaluate(hesse_training *training);

/** Local. True when there is no step left: all were taken, or the loss before the last
 * one is at most stop_loss. */
bool hesse_training_ended(const hesse_training *training);

/** Local. The steps that were taken, the present parameters (n numbers), the optimiser,
 * and the records. */
int64_t hesse_training_steps(const hesse_training *training);
const double *hesse_training_parameters(const hesse_training *training);
hesse_optimiser *hesse_training_optimiser(hesse_training *training);
hesse_train_log hesse_training_log(const hesse_training *training);

/** Local. The name of column i of the measures ("sharpness"; docs/result.md says what
 * each is); NULL after the last. */
const char *hesse_training_measure_name(int i);

/** Collective. Save everything that a run needs to go on to the same bits, and load it
 * into a run that was prepared with the same arguments. The file is complete or absent;
 * only rank 0 opens it.
 *  Errors: HESSE_E_OUTPUT; HESSE_E_INPUT for a file that belongs to another run or is
 *  damaged, and the run is as before; HESSE_E_NOMEM, and the run can only be freed. */
hesse_status hesse_training_save(hesse_training *training, const char *path);
hesse_status hesse_training_load(hesse_training *training, const char *path);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_TRAIN_H */
