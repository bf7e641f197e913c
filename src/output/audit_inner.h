/** What the files of the audit share; no other file includes it. A law that a matrix breaks
 *  is the reader's first failure. */
#ifndef HESSE_OUTPUT_AUDIT_INNER_H
#define HESSE_OUTPUT_AUDIT_INNER_H

#include "output/reader.h"
#include "output/schema.h"

/** A matrix in a result file, and what is said of it beside its spectrum. */
typedef struct hesse_audited {
    hesse_reader *reader;
    const char *where;             /* its group                                       */
    size_t n;                      /* its order                                       */
    const double *gradient;        /* [n]                                             */
    double numbers[HESSE_COLUMNS]; /* in the order of the schema                      */
    double noise; /* what is rounding in products with vectors of length 1            */
} hesse_audited;

/** Relative: sums that are taken in another order, and lengths of vectors. */
static const double HESSE_AUDIT_ROUNDING = 1e-10;

/** Local. Whether the group has something. */
bool hesse_audit_has(const hesse_audited *m, const char *name);

/** Local. The numbers of a dataset of the group, which the caller frees; NULL after a failure.
 *
 *  count  [out]  as many; for _some on entry, too: another number of them is a failure. */
double *hesse_audit_all(const hesse_audited *m, const char *name, size_t *count);
double *hesse_audit_some(const hesse_audited *m, const char *name, size_t count);

enum { HESSE_AUDIT_TEXT = 64 };

/** Local. An attribute of a dataset of the group, as text, and as a number of ten digits. */
void hesse_audit_attribute(const hesse_audited *m, const char *name,
                           const char *attribute, char text[HESSE_AUDIT_TEXT]);
double hesse_audit_setting(const hesse_audited *m, const char *name,
                           const char *attribute);

/** Local. Say what is wrong with a dataset: what was found, and what was expected. */
void hesse_audit_wrong(const hesse_audited *m, const char *name, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

/** Local. All numbers are finite and from low to high; or, of standard errors over so many
 *  probes, finite and not negative, NaN of one probe. NULL is legal, after a failure. */
void hesse_audit_range(const hesse_audited *m, const char *name, size_t count,
                       const double *x, double low, double high);
void hesse_audit_errors(const hesse_audited *m, const char *name, size_t count,
                        const double *x, size_t probes);

/** Local. Eigenvectors, where there are any, are of length 1. */
void hesse_audit_vectors(const hesse_audited *m);

/** Local. The density of the spectrum; probes 0: of eigenvalues. */
void hesse_audit_density(const hesse_audited *m, size_t probes);

/** Local. All that is found without the matrix. */
void hesse_audit_unformed(const hesse_audited *m);

#endif /* HESSE_OUTPUT_AUDIT_INNER_H */
