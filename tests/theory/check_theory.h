/** What the tests of theories share: the teams, the numbers of a theory by their names,
 *  and a rank whose memory is exhausted. */
#ifndef HESSE_CHECK_THEORY_H
#define HESSE_CHECK_THEORY_H

#include "check_memory.h"
#include "check_mpi.h"
#include "hesse/theory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** All ranks, and every rank by itself. */
static hesse_team *team, *alone;

static inline int make_teams(void **state)
{
    (void)state;
    return hesse_team_new(MPI_COMM_WORLD, &team) ||
           hesse_team_new(MPI_COMM_SELF, &alone);
}

static inline int free_teams(void **state)
{
    (void)state;
    hesse_team_free(alone);
    hesse_team_free(team);
    return 0;
}

/** The dataset theory/NAME; NULL: there is none. */
static inline const hesse_theory_set *set_of(const hesse_theory *theory,
                                             const char *name)
{
    const hesse_theory_set *set;
    for (int i = 0; (set = hesse_theory_set_at(theory, i)); i++)
        if (strcmp(set->path + strlen("theory/"), name) == 0) return set;
    return NULL;
}

static inline const double *values_of(const hesse_theory *theory, const char *name)
{
    const hesse_theory_set *set = set_of(theory, name);
    return set ? set->values : NULL;
}

static inline const hesse_theory_line *line_of(const hesse_theory *theory,
                                               const char *what)
{
    const hesse_theory_line *line;
    for (int i = 0; (line = hesse_theory_line_at(theory, i)); i++)
        if (strcmp(line->what, what) == 0) return line;
    return NULL;
}

/** The measured number of a line; NaN: there is none. */
static inline double measured_of(const hesse_theory *theory, const char *what)
{
    const hesse_theory_line *line = line_of(theory, what);
    return line ? line->measured : NAN;
}

/** The first number in the claim of a line; NaN: there is no line. */
static inline double claim_of(const hesse_theory *theory, const char *what)
{
    const hesse_theory_line *line = line_of(theory, what);
    return line ? strtod(line->claim + strcspn(line->claim, "0123456789"), NULL)
                : (double)NAN;
}

/** Collective. Compute a theory again and again, while the next allocation of the first
 *  rank fails, and then of the last one, until nothing is left to fail. All ranks fail
 *  together, with a message, and more than `least` times. */
static inline void check_exhausted(hesse_status compute_one(hesse_theory **theory),
                                   int least)
{
    int ranks, failures = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int rank = 0; rank<ranks; rank += ranks> 1 ? ranks - 1 : 1) {
        hesse_status s = HESSE_E_NOMEM;
        for (int at = 0; s; at++) {
            hesse_theory *theory = NULL;
            broken_rank = rank, broken_at = at, allocations = 0;
            s = compute_one(&theory);
            broken_rank = -1;
            assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
            assert_all(!s == (theory != NULL));
            assert_all(!s || hesse_team_why(team)->text[0]);
            failures += s != HESSE_OK;
            assert_all(at < 2000);
            hesse_theory_free(theory);
        }
    }
    assert_all(failures > least);
}

#endif /* HESSE_CHECK_THEORY_H */
