/** hesse: the theory of a family of networks: closed forms and bounds, computed beside
 * the numbers that they are about. docs/math.md, sections 15 and 17. */
#ifndef HESSE_THEORY_H
#define HESSE_THEORY_H

#include "hesse/arch.h"
#include "hesse/data.h"
#include "hesse/team.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Settings of a theory. Draw k = 0, 1, ... has the seed `seed + k` for the initial
 * parameters and for the examples, so draw 0 is the network of a run with this seed. */
typedef struct hesse_theory_options {
    int draws;            /* random draws, at least 1                                 */
    int steps;            /* most steps of an optimiser, at least 1                   */
    double tolerance;     /* of the gradient's norm, relative to the first, above 0   */
    double learning_rate; /* of gradient descent; 0: the optimal one                  */
    uint64_t seed;
    const char *checkpoint; /* as in hesse_network_source; NULL: initial values       */
    bool moments; /* attention: its moments are datasets, too                         */
    bool project; /* attention: eigenvalues without the directions of its symmetries  */
} hesse_theory_options;

enum { HESSE_THEORY_CLAIM = 64 };

/** A number beside the claim about it. */
typedef struct hesse_theory_line {
    const char *what;
    double measured;  /* a share, or a median over draws; NaN: there is none          */
    double low, high; /* quantiles of 10 % and 90 % over draws; NaN: it has none      */
    char claim[HESSE_THEORY_CLAIM]; /* "": there is no claim                          */
} hesse_theory_line;

/** The numbers of a dataset of the result file. */
typedef struct hesse_theory_set {
    const char *path; /* of the dataset                                               */
    int rank;         /* 0, 1 or 2 dimensions                                         */
    size_t shape[2];
    const double *values; /* whole numbers are exact                                  */
} hesse_theory_set;

typedef struct hesse_theory hesse_theory;

/** Local. The name of family i = 0, 1, ... that has a theory; NULL after the last. */
const char *hesse_theory_family(int i);

/** Local. True if the numbers of family i are those of random draws. Then the settings
 * of draws and optimisers matter and there is no checkpoint. */
bool hesse_theory_is_drawn(int i);

/** Collective. Compute the theory of a family. The ranks share the work, and the
 * results do not depend on the number of ranks.
 *
 *  arch    [in]   of a family that has a theory.
 *  data    [in]   of the kind that the family brings; a theory of random draws does not
 * use its seed. theory  [out]  NULL after an error. Errors: HESSE_E_JOB for another
 * family, for options out of range, and if the theory does not hold for these sizes;
 * HESSE_E_NUMERIC when a number is not finite; HESSE_E_NOMEM. Sources: Zhang et al.,
 * arXiv:2402.16788, section 3; Ormaniec, Dangel & Singh, arXiv:2410.10986. */
hesse_status hesse_theory_new(hesse_team *team, const hesse_arch *arch,
                              const hesse_data_options *data,
                              const hesse_theory_options *options,
                              hesse_theory **theory);
void hesse_theory_free(hesse_theory *theory);

/** Local, on rank 0. Line i = 0, 1, ... of the table, and dataset i; NULL after the
 * last. */
const hesse_theory_line *hesse_theory_line_at(const hesse_theory *theory, int i);
const hesse_theory_set *hesse_theory_set_at(const hesse_theory *theory, int i);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_THEORY_H */
