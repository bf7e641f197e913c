/** hesse: the theory of a family of networks: closed forms and bounds, computed beside
 * the numbers that they are about. docs/math.md, sections 15 to 17 and 19. */
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

/** Settings of theories; each theory uses some of them. For quadratics, draw k = 0, 1,
 * ... has the seed `seed + k` for the initial parameters and for the examples, so draw
 * 0 is the network of a run with this seed. */
typedef struct hesse_theory_options {
    /* quadratic */
    int draws;            /* random draws, at least 1                                 */
    int steps;            /* most steps of an optimiser, at least 1                   */
    double tolerance;     /* of the gradient's norm, relative to the first, above 0   */
    double learning_rate; /* of gradient descent; 0: the optimal one                  */

    /* attention */
    bool moments; /* whether its moments are datasets, too                            */
    bool project; /* whether it has eigenvalues without the directions of symmetries  */

    /* attention: n_only names or globs of the trained tensor, which make the theory one
       of gradient descent on this tensor alone; 0: the closed forms of all blocks   */
    const char *const *only;
    int n_only;
    double descent_rate; /* its learning rate, above 0                                */
    int descent_steps;   /* its steps, at least 1                                     */

    const char *checkpoint; /* as in hesse_network_source; NULL: none                 */

    uint64_t seed; /* of the initial parameters                                       */
} hesse_theory_options;

/* A title has room for the path of a checkpoint. */
enum { HESSE_THEORY_CLAIM = 64, HESSE_THEORY_TITLE = 4352 };

/** A number beside the claim about it. */
typedef struct hesse_theory_line {
    const char *what;
    double measured;  /* a number, or a median over draws; NaN: there is none         */
    double low, high; /* quantiles of 10 % and 90 %; NaN: it has none                 */
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

/** Collective. Compute the theory of a family.
 *
 * `quadratic`: the ranks share the draws, and the results do not depend on the number
 * of ranks. The seed of the data is not used.
 *
 * `linear_transformer`: closed forms for infinitely many prompts beside numbers that
 * are measured on the examples of `data`, mainly at W = 0. No options are used. The
 * ranks share the examples, and the results depend on the number of ranks only through
 * rounding. Memory: 8 n^2 bytes on rank 0 for n parameters.
 *
 * `attention`: closed forms of the blocks of the Hessian beside those of the operators,
 * on the examples of `data`. The ranks share the products of the operators, and the
 * results depend on the number of ranks only through rounding. Memory: about 80 n^2
 * bytes on every rank for n parameters.
 *
 *  arch    [in]   of a family that has a theory.
 *  data    [in]   of the kind that the theory is about.
 *  theory  [out]  NULL after an error.
 *
 * Errors: HESSE_E_JOB for another family, for options out of range, for a checkpoint if
 * the theory chooses the parameters itself, and if the theory does not hold for this
 * network and these data; errors of reading the data and the checkpoint;
 * HESSE_E_NUMERIC when a number is not finite; HESSE_E_NOMEM.
 *
 * Source: Zhang et al., arXiv:2402.16788, section 3 (quadratic); docs/math.md, section
 * 16 (linear_transformer); Ormaniec, Dangel & Singh, arXiv:2410.10986 (attention). */
hesse_status hesse_theory_new(hesse_team *team, const hesse_arch *arch,
                              const hesse_data_options *data,
                              const hesse_theory_options *options,
                              hesse_theory **theory);
void hesse_theory_free(hesse_theory *theory);

/** Local. The title of the table, without the end of its last line. */
const char *hesse_theory_title(const hesse_theory *theory);

/** Local, on rank 0. Line i = 0, 1, ... of the table, and dataset i; NULL after the
 * last. */
const hesse_theory_line *hesse_theory_line_at(const hesse_theory *theory, int i);
const hesse_theory_set *hesse_theory_set_at(const hesse_theory *theory, int i);

#ifdef __cplusplus
}
#endif

#endif /* HESSE_THEORY_H */
