/** The words of a result file: what every dataset and group is, found by its path. A part
 *  of the Hessian has the shape of the whole, so parts/PART/ before a path changes nothing;
 *  nor does the name of a block in it. */
#ifndef HESSE_OUTPUT_SCHEMA_H
#define HESSE_OUTPUT_SCHEMA_H

#include "hesse/quadrature.h"
#include "hesse/spectrum.h"

enum {
    HESSE_SCHEMA_VERSION = 1,
    HESSE_COLUMNS = 17 /* numbers that every block has in /blocks */
};

/** One axis of a dataset, as readers will see it named. */
typedef struct hesse_axis_name {
    /* "block"; NULL: none */
    const char *label;
    /* The dataset of its coordinates: "/from/the/root", or a sibling; NULL: none. It is
       attached where it exists and has the length. */
    const char *scale;
} hesse_axis_name;

typedef struct hesse_set {
    const char *path; /* borrowed; all else is constant text */
    const char *units, *description;
    hesse_axis_name axes[2];
} hesse_set;

/** Local. The dataset at a path.
 *
 *  scaled  [in]  the eigenvalues it is about were divided by one of them, so that they
 *                have no unit. */
hesse_set hesse_schema_set(const char *path, bool scaled);

/** Local. What a group is. */
const char *hesse_schema_group(const char *path);

/** Local. Name of number i that every block has in /blocks, and the full spectrum beside
 *  it; NULL after the last. */
const char *hesse_schema_column(int i);

/** How far the numbers of a block can be trusted, and what they took. */
typedef struct hesse_errors {
    double trace, frobenius; /* standard errors of estimates; 0: exact */
    double seconds;
} hesse_errors;

/** Local. Of a spectrum or of a quadrature; the other is NULL. */
hesse_errors hesse_schema_errors(const hesse_spectrum *spectrum,
                                 const hesse_quadrature *quadrature);

/** Local. That number, NaN where it comes from what is NULL. */
double hesse_schema_value(int i, const hesse_spectrum *spectrum,
                          const hesse_measures *measures, const hesse_errors *errors);

#endif /* HESSE_OUTPUT_SCHEMA_H */
