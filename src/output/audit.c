/* The stamp finds whatever has changed since; the proofs find what was wrong before. */
#include "output/audit.h"

#include "base/memory.h"
#include "output/reader.h"
#include "output/stamp.h"
#include "output/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Numbers beside the eigenvalues of a spectrum. */
typedef struct beside {
    double trace, frobenius, symmetry;
} beside;

typedef struct audit {
    hesse_reader *reader;
    size_t spectra; /* proven */
} audit;

/* The eigenvalues at a path, and what the file says beside them. */
static void prove(audit *a, const char *where, const beside *x)
{
    hesse_reader *r = a->reader;
    char path[2 * HESSE_PATH];
    size_t count = 0, size;
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

static double number(hesse_reader *r, const char *where, const char *name)
{
    char path[2 * HESSE_PATH];
    snprintf(path, sizeof path, "%s/%s", where, name);
    double *value = hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, 1);
    const double found = value ? *value : 0;
    free(value);
    return found;
}

static void prove_full(audit *a, const char *prefix)
{
    char where[HESSE_PATH + 32];
    snprintf(where, sizeof where, "%sspectra/full", prefix);
    hesse_reader *r = a->reader;
    if (r->status || !hesse_reader_has(r, where)) return;
    const beside x = {.trace = number(r, where, "trace"),
                      .frobenius = number(r, where, "frobenius"),
                      .symmetry = number(r, where, "proof_symmetry")};
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
    snprintf(where, sizeof where, "%sspectra/blocks", prefix);
    if (!hesse_reader_has(r, where)) count = 0;
    for (size_t b = 0; !r->status && b < count; b++) {
        hesse_reader_text(names, size, b, name, sizeof name);
        snprintf(where, sizeof where, "%sspectra/blocks/%s", prefix, name);
        if (hesse_reader_has(r, where))
            prove(a, where, &(beside){trace[b], frobenius[b], symmetry[b]});
    }
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
