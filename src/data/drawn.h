/** Functions that all kinds drawn from a seed use. Example i does not depend on the
 * number of examples. */
#ifndef HESSE_DATA_DRAWN_H
#define HESSE_DATA_DRAWN_H

#include "data/choose.h"
#include "data/kinds.h"
#include "data/random_stream.h"

/** Streams of random numbers beside those of random_stream.h, which use two. */
enum { HESSE_RANDOM_CENTRES = HESSE_RANDOM_TASK + 2 };

/** Local. Checks the limits, and allocates the arrays of a batch whose sizes are
 *  set, for options->sequences examples, by default HESSE_USUAL_EXAMPLES.
 *
 *  form  [in]  a batch with its sizes and without arrays.
 *  Errors: HESSE_E_JOB, HESSE_E_NOMEM. */
hesse_status hesse_drawn_begin(const hesse_data_options *options,
                               const hesse_limits *limits, size_t n_limits,
                               hesse_batch form, hesse_batch *batch, hesse_why *why);

/** Local. Sets the digest, which is of the kind, the seed and the inputs.
 *  Errors: HESSE_E_NOMEM. */
hesse_status hesse_drawn_end(const char *kind, uint64_t seed, hesse_batch *batch,
                             hesse_why *why);

/** Local. n normal numbers. */
void hesse_draw_normals(hesse_random_stream *stream, int n, double *x);

/** Local. Euclidean norm; x becomes a x. */
double hesse_drawn_norm(int n, const double *x);
void hesse_drawn_scale(int n, double a, double *x);

/** Local. The gamma distribution of |x|^2 that `regression` draws from for
 * HESSE_COVARIATES_GAMMA. Its variance, shape scale^2, is 10. */
typedef struct hesse_gamma {
    double shape, scale;
} hesse_gamma;
hesse_gamma hesse_regression_gamma(const hesse_recipe *recipe);

#endif /* HESSE_DATA_DRAWN_H */
