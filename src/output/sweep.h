/** The numbers of a sweep: those of all its points and repeats side by side, their
 * means, and the slopes of their logarithms along axes whose points are numbers.
 * docs/result.md describes them. */
#ifndef HESSE_OUTPUT_SWEEP_H
#define HESSE_OUTPUT_SWEEP_H

#include "output/reader.h"
#include "output/result.h"

/** The points of a sweep. Everything is borrowed. */
typedef struct hesse_sweep_outline {
    int points, repeats, axes;
    const char *const *axis;  /* [axes] names                         */
    const char *const *point; /* [points] names                       */
    const char *const *label; /* [points x axes] the place of a point */
} hesse_sweep_outline;

typedef struct hesse_sweep_numbers hesse_sweep_numbers;

/** Local. Allocate the numbers of the runs of a sweep, all NaN. NULL when memory is
 * exhausted. */
hesse_sweep_numbers *hesse_sweep_numbers_new(const hesse_sweep_outline *outline);
void hesse_sweep_numbers_free(hesse_sweep_numbers *numbers);

/** Local. Take over the numbers of run i: repeat i mod repeats of point i / repeats.
 * Runs may have different blocks.
 *
 *  infinite  [out]  what is not finite, "the loss" or "the Frobenius norm of ..."; ""
 *                   if everything is.
 *  Errors: HESSE_E_JOB when the run has other shares than the first one;
 *  HESSE_E_NOMEM. */
hesse_status hesse_sweep_numbers_take(hesse_sweep_numbers *numbers, int i, double loss,
                                      const hesse_block_table *blocks, int shares,
                                      const hesse_share_results *const *results,
                                      char infinite[256], hesse_why *why);

/** Local. Note why run i has no finite numbers. Returns false when memory is
 * exhausted. */
bool hesse_sweep_numbers_fail(hesse_sweep_numbers *numbers, int i, const char *failure);

/** Collective. Write "sweep"; what is written is that of rank 0. */
hesse_status hesse_result_sweep(hesse_result *result,
                                const hesse_sweep_numbers *numbers);

/** Local. Print means, slopes and failures of a result file that has "sweep". */
void hesse_sweep_show(hesse_reader *r, FILE *out);

/** Local. Check that the means in a file are those of its runs. A difference is a
 * failure of the reader.
 *
 *  runs  [out]  the number of runs. */
void hesse_sweep_verify(hesse_reader *r, size_t *runs);

/** A least-squares line through points. */
typedef struct hesse_line {
    double slope, error; /* its standard error: NaN for two points */
    int points;
} hesse_line;

/** Local. Fit log y = slope log x + constant to the points whose x and y are finite and
 * above 0. The slope is NaN if fewer than two different x are left. */
hesse_line hesse_sweep_fit(int count, const double *x, const double *y);

/** Local. The slope of log y between two points, and its standard error from those of
 * the y. */
hesse_line hesse_sweep_between(const double x[2], const double y[2],
                               const double error[2]);

#endif /* HESSE_OUTPUT_SWEEP_H */
