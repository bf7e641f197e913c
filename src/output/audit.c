/* The stamp finds whatever has changed since; the proofs find what was wrong before. */
#include "output/audit.h"

#include "base/memory.h"
#include "output/reader.h"
#include "output/stamp.h"
#include "output/store.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbers beside a spectrum. */
typedef struct beside {
    double trace, frobenius, symmetry, order;
} beside;

typedef struct audit {
    hesse_reader *reader;
    size_t spectra; /* proven */
} audit;

static double number(hesse_reader *r, const char *where, const char *name)
{
    char path[2 * HESSE_PATH];
    snprintf(path, sizeof path, "%s/%s", where, name);
    double *value = hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, 1);
    const double found = value ? *value : 0;
    free(value);
    return found;
}

/* Of quadratures the weights of every probe sum to 1, the nodes ascend, and the trace is what
   they give. */
static bool is_quadrature(const double *nodes, const double *weights, size_t count,
                          size_t probes, const beside *x)
{
    const size_t steps = count / probes;
    double first = 0, size = 0;
    for (size_t p = 0; p < probes; p++) {
        double sum = 0;
        for (size_t i = p * steps; i < (p + 1) * steps; i++) {
            sum += weights[i];
            first += weights[i] * nodes[i] / (double)probes;
            size += weights[i] * fabs(nodes[i]) / (double)probes;
            if (!(weights[i] >= 0) || (i > p * steps && nodes[i] < nodes[i - 1]))
                return false;
        }
        if (!(fabs(sum - 1) <= 1e-10)) return false;
    }
    return fabs(first * x->order - x->trace) <= 1e-10 * size * x->order;
}

static void prove_quadrature(audit *a, const char *where, const beside *x)
{
    hesse_reader *r = a->reader;
    char path[2 * HESSE_PATH];
    size_t count = 0, others = 0, probes = 0, size;
    snprintf(path, sizeof path, "%s/taken", where);
    void *taken = hesse_reader_set(r, path, H5T_NATIVE_INT64, &probes, &size);
    snprintf(path, sizeof path, "%s/weights", where);
    double *weights = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, &others, &size);
    snprintf(path, sizeof path, "%s/nodes", where);
    double *nodes = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, &count, &size);
    const bool good = taken && weights && nodes && probes && count == others &&
                      count % probes == 0 &&
                      is_quadrature(nodes, weights, count, probes, x);
    if (!r->status && !good)
        r->status =
            hesse_fail(r->why, HESSE_E_NUMERIC,
                       "%s: %s: expected ascending nodes, weights that sum to 1, "
                       "and the trace that they give",
                       r->path, where);
    free(nodes);
    free(weights);
    free(taken);
    a->spectra++;
}

/* Extreme eigenvalues ascend and have residuals. */
static void prove_extremes(audit *a, const char *where)
{
    hesse_reader *r = a->reader;
    char path[2 * HESSE_PATH];
    size_t count = 0, others = 0, size;
    snprintf(path, sizeof path, "%s/extreme_eigenvalues", where);
    if (r->status || !hesse_reader_has(r, path)) return;
    double *values = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, &count, &size);
    snprintf(path, sizeof path, "%s/residuals", where);
    double *residuals = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, &others, &size);
    bool good = values && residuals && count && count == others;
    for (size_t i = 0; good && i < count; i++)
        good = isfinite(values[i]) && residuals[i] >= 0 && isfinite(residuals[i]) &&
               (!i || values[i] >= values[i - 1]);
    if (!r->status && !good)
        r->status = hesse_fail(r->why, HESSE_E_NUMERIC,
                               "%s: %s: expected ascending extreme eigenvalues, each "
                               "with a residual",
                               r->path, where);
    free(residuals);
    free(values);
}

/* The eigenvalues at a path, and what the file says beside them. */
static void prove(audit *a, const char *where, const beside *x)
{
    hesse_reader *r = a->reader;
    char path[2 * HESSE_PATH];
    size_t count = 0, size;
    snprintf(path, sizeof path, "%s/nodes", where);
    if (hesse_reader_has(r, path)) {
        prove_quadrature(a, where, x);
        prove_extremes(a, where);
        return;
    }
    snprintf(path, sizeof path, "%s/eigenvalues", where);
    double *values = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, &count, &size);
    if (!values) return;
    if (count > INT_MAX) hesse_reader_fail(r, path, "fewer eigenvalues");
    hesse_spectrum s = {
        .n = (int)count, .eigenvalues = values, .proof_symmetry = x->symmetry};
    const hesse_sums sums = {
        .trace = x->trace, .squares = x->frobenius * x->frobenius, .abs = x->frobenius};
    hesse_why why;
    if (!r->status) r->status = hesse_spectrum_prove(&s, &sums, where, &why);
    if (r->status == HESSE_E_NUMERIC)
        hesse_fail(r->why, HESSE_E_NUMERIC, "%s: %s", r->path, why.text);
    free(values);
    a->spectra++;
}

/* Of the whole: of the gradient. */
static double order_of(hesse_reader *r)
{
    size_t count = 0, size;
    free(hesse_reader_set(r, "gradient", H5T_NATIVE_DOUBLE, &count, &size));
    return (double)count;
}

static void prove_full(audit *a, const char *prefix)
{
    char where[HESSE_PATH + 32];
    snprintf(where, sizeof where, "%sspectra/full", prefix);
    hesse_reader *r = a->reader;
    if (r->status || !hesse_reader_has(r, where)) return;
    const beside x = {.trace = number(r, where, "trace"),
                      .frobenius = number(r, where, "frobenius"),
                      .symmetry = number(r, where, "proof_symmetry"),
                      .order = order_of(r)};
    if (!r->status) prove(a, where, &x);
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
    double *trace = column(r, prefix, "trace", count);
    double *frobenius = column(r, prefix, "frobenius", count);
    double *symmetry = column(r, prefix, "proof_symmetry", count);
    double *order = column(r, "", "size", count);
    snprintf(where, sizeof where, "%sspectra/blocks", prefix);
    if (!hesse_reader_has(r, where)) count = 0;
    for (size_t b = 0; !r->status && b < count; b++) {
        hesse_reader_text(names, size, b, name, sizeof name);
        snprintf(where, sizeof where, "%sspectra/blocks/%s", prefix, name);
        if (hesse_reader_has(r, where))
            prove(a, where, &(beside){trace[b], frobenius[b], symmetry[b], order[b]});
    }
    free(order);
    free(symmetry);
    free(frobenius);
    free(trace);
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
    prove_part(&a, "");
    if (!r.status && hesse_reader_has(&r, "parts"))
        H5Literate_by_name(r.file, "parts", H5_INDEX_NAME, H5_ITER_INC, NULL,
                           prove_share, &a, H5P_DEFAULT);
    H5Fclose(r.file);
    if (r.status) return r.status;
    if (fprintf(out, "%s: as it was written, %zu spectra proven\n", path, a.spectra) <
            0 ||
        fflush(out))
        return hesse_fail(why, HESSE_E_OUTPUT, "%s: cannot print", path);
    return HESSE_OK;
}
