/* The stamp finds whatever has changed since; the proofs find what was wrong before. */
#include "output/audit.h"

#include "curvature/estimates.h"
#include "output/audit_inner.h"
#include "output/stamp.h"
#include "output/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct audit {
    hesse_reader *reader;
    double *gradient;
    size_t n; /* entries of it */
    double noise;
    size_t spectra; /* proven */
} audit;

static double number_of(const hesse_audited *m, const char *name)
{
    int i = 0;
    while (strcmp(hesse_schema_column(i), name) != 0) i++;
    return m->numbers[i];
}

/* Eigenvalues, and residuals of those with an eigenvector, as when they were found. */
static void prove_formed(const hesse_audited *m)
{
    hesse_reader *r = m->reader;
    size_t count = 0, vectors = 0;
    double *values = hesse_audit_all(m, "eigenvalues", &count), *residuals = NULL;
    if (hesse_audit_has(m, "residuals"))
        residuals = hesse_audit_all(m, "residuals", &vectors);
    if (count > INT_MAX || vectors > count)
        hesse_reader_fail(r, m->where, "fewer eigenvalues");
    const double frobenius = number_of(m, "frobenius");
    hesse_spectrum s = {.n = (int)count,
                        .eigenvalues = values,
                        .vectors = (int)vectors,
                        .residuals = residuals,
                        .proof_symmetry = number_of(m, "proof_symmetry")};
    const hesse_sums sums = {.trace = number_of(m, "trace"),
                             .squares = frobenius * frobenius,
                             .abs = frobenius};
    hesse_why why;
    if (!r->status) r->status = hesse_spectrum_prove(&s, &sums, m->where, &why);
    if (r->status == HESSE_E_NUMERIC)
        hesse_fail(r->why, HESSE_E_NUMERIC, "%s: %s", r->path, why.text);
    if (!r->status) hesse_audit_vectors(m);
    if (!r->status) hesse_audit_density(m, 0);
    free(residuals);
    free(values);
}

/* The matrix of a group, whose coordinates are of those of the gradient. */
static void prove(audit *a, hesse_audited *m, double first, double order)
{
    hesse_reader *r = a->reader;
    if (!(first >= 0 && order >= 1 && first + order <= (double)a->n))
        hesse_reader_fail(r, m->where, "places of blocks within the gradient");
    if (r->status) return;
    m->reader = r, m->noise = a->noise;
    m->n = (size_t)order, m->gradient = a->gradient + (size_t)first;
    if (hesse_audit_has(m, "nodes"))
        hesse_audit_unformed(m);
    else
        prove_formed(m);
    a->spectra++;
}

static void prove_full(audit *a, const char *prefix)
{
    char where[HESSE_PATH + 32], path[2 * HESSE_PATH];
    snprintf(where, sizeof where, "%sspectra/full", prefix);
    if (a->reader->status || !hesse_reader_has(a->reader, where)) return;
    hesse_audited m = {.where = where};
    for (int i = 0; hesse_schema_column(i); i++) {
        snprintf(path, sizeof path, "%s/%s", where, hesse_schema_column(i));
        double *value = hesse_reader_column(a->reader, path, H5T_NATIVE_DOUBLE, 1);
        if (value) m.numbers[i] = *value;
        free(value);
    }
    prove(a, &m, 0, (double)a->n);
}

static double *column(hesse_reader *r, const char *prefix, const char *name,
                      size_t count)
{
    char path[HESSE_PATH + 32];
    snprintf(path, sizeof path, "%sblocks/%s", prefix, name);
    return hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, count);
}

static void prove_blocks(audit *a, const char *prefix)
{
    hesse_reader *r = a->reader;
    char where[HESSE_PATH + 32], name[HESSE_PATH / 2];
    size_t count = 0, size = 0;
    char *names = hesse_reader_set(r, "blocks/name", -1, &count, &size);
    double *columns[HESSE_COLUMNS];
    for (int i = 0; hesse_schema_column(i); i++)
        columns[i] = column(r, prefix, hesse_schema_column(i), count);
    double *first = column(r, "", "offset", count);
    double *order = column(r, "", "size", count);
    snprintf(where, sizeof where, "%sspectra/blocks", prefix);
    if (!hesse_reader_has(r, where)) count = 0;
    for (size_t b = 0; !r->status && b < count; b++) {
        hesse_reader_text(names, size, b, name, sizeof name);
        snprintf(where, sizeof where, "%sspectra/blocks/%s", prefix, name);
        if (!hesse_reader_has(r, where)) continue;
        hesse_audited m = {.where = where};
        for (int i = 0; hesse_schema_column(i); i++) m.numbers[i] = columns[i][b];
        prove(a, &m, first[b], order[b]);
    }
    free(order);
    free(first);
    for (int i = 0; hesse_schema_column(i); i++) free(columns[i]);
    free(names);
}

static void prove_part(audit *a, const char *prefix)
{
    char spectra[HESSE_PATH + 32];
    snprintf(spectra, sizeof spectra, "%sspectra", prefix);
    if (a->reader->status || !hesse_reader_has(a->reader, spectra)) return;
    prove_blocks(a, prefix);
    prove_full(a, prefix);
}

static herr_t prove_share(hid_t group, const char *name, const H5L_info_t *info,
                          void *data)
{
    (void)group, (void)info;
    char prefix[HESSE_PATH];
    snprintf(prefix, sizeof prefix, "parts/%.200s/", name);
    prove_part(data, prefix);
    return 0;
}

hesse_status hesse_result_audit(const char *path, FILE *out, hesse_why *why)
{
    hesse_reader r;
    hesse_status s = hesse_stamp_check(path, why);
    if (!s) s = hesse_reader_open(path, &r, why);
    if (s) return s;
    audit a = {.reader = &r};
    char loss[HESSE_AUDIT_TEXT];
    size_t size;
    hesse_reader_attribute(r.file, "loss", loss, sizeof loss);
    a.noise = hesse_estimates_noise(atof(loss));
    a.gradient = hesse_reader_set(&r, "gradient", H5T_NATIVE_DOUBLE, &a.n, &size);
    prove_part(&a, "");
    if (!r.status && hesse_reader_has(&r, "parts"))
        H5Literate_by_name(r.file, "parts", H5_INDEX_NAME, H5_ITER_INC, NULL,
                           prove_share, &a, H5P_DEFAULT);
    free(a.gradient);
    H5Fclose(r.file);
    if (r.status) return r.status;
    fprintf(out, "%s: as it was written, %zu spectra proven\n", path, a.spectra);
    return HESSE_OK;
}
