/** A theory: one row for each family, in its own file. Its function computes numbers
 * and adds them as datasets of the result file and as lines of the table. */
#ifndef HESSE_THEORY_THEORY_H
#define HESSE_THEORY_THEORY_H

#include "hesse/theory.h"

#include <stdbool.h>

enum { HESSE_THEORY_LINES = 64, HESSE_THEORY_SETS = 32 };

/** The options and the sizes are borrowed, and only valid while the theory is
 * computed. */
struct hesse_theory {
    hesse_team *team;
    const hesse_arch *arch;
    const hesse_data_options *data;
    hesse_theory_options options;
    hesse_theory_line lines[HESSE_THEORY_LINES];
    hesse_theory_set sets[HESSE_THEORY_SETS];
    int n_lines, n_sets;
    char title[HESSE_THEORY_TITLE];
};

typedef struct hesse_theory_row {
    const char *family;
    bool own_parameters; /* it chooses the parameters, so a checkpoint is refused */

    /** Collective. Errors: as hesse_theory_new. */
    hesse_status (*compute)(hesse_theory *theory);
} hesse_theory_row;

extern const hesse_theory_row hesse_theory_of_quadratic;
extern const hesse_theory_row hesse_theory_of_linear_transformer;
extern const hesse_theory_row hesse_theory_of_attention;

/** Local. Set the title of the table, which is a format with its values. */
void hesse_theory_set_title(hesse_theory *theory, const char *title, ...)
    __attribute__((format(printf, 2, 3)));

/** Local. Add a line, whose claim is a format with its values. `all` are the numbers of
 * the draws, or of eigenvalues, whose median and quantiles the line shows; NaN among
 * them is larger than every number. hesse_theory_add_number adds a line with a single
 * number. False: out of memory. */
bool hesse_theory_add_line(hesse_theory *theory, const char *what, size_t count,
                           const double *all, const char *claim, ...)
    __attribute__((format(printf, 5, 6)));
void hesse_theory_add_number(hesse_theory *theory, const char *what, double number,
                             const char *claim, ...)
    __attribute__((format(printf, 4, 5)));

/** Local. Add a dataset of zeros and return its numbers; NULL: out of memory. */
double *hesse_theory_add_set(hesse_theory *theory, const char *path, int rank,
                             size_t rows, size_t columns);

#endif /* HESSE_THEORY_THEORY_H */
