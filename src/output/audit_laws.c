/* Laws that datasets of any spectrum obey, and how a broken one is told. */
#include "output/audit_inner.h"

#include "output/store.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLACE = 2 * HESSE_PATH };

static const char *place_of(const hesse_audited *m, const char *name, char path[PLACE])
{
    snprintf(path, PLACE, "%s/%s", m->where, name);
    return path;
}

bool hesse_audit_has(const hesse_audited *m, const char *name)
{
    char path[PLACE];
    return hesse_reader_has(m->reader, place_of(m, name, path));
}

double *hesse_audit_all(const hesse_audited *m, const char *name, size_t *count)
{
    char path[PLACE];
    size_t size;
    return hesse_reader_set(m->reader, place_of(m, name, path), H5T_NATIVE_DOUBLE,
                            count, &size);
}

double *hesse_audit_some(const hesse_audited *m, const char *name, size_t count)
{
    char path[PLACE];
    size_t found = 0;
    double *x = hesse_audit_all(m, name, &found);
    if (x && found != count) {
        hesse_reader_fail(m->reader, place_of(m, name, path), "a dataset of schema 1");
        free(x);
        x = NULL;
    }
    return x;
}

void hesse_audit_attribute(const hesse_audited *m, const char *name,
                           const char *attribute, char text[HESSE_AUDIT_TEXT])
{
    char path[PLACE];
    const hid_t set = H5Dopen2(m->reader->file, place_of(m, name, path), H5P_DEFAULT);
    hesse_reader_attribute(set, attribute, text, HESSE_AUDIT_TEXT);
    if (set >= 0) H5Dclose(set);
    if (!*text) hesse_reader_fail(m->reader, path, "the attributes of schema 1");
}

double hesse_audit_setting(const hesse_audited *m, const char *name,
                           const char *attribute)
{
    char text[HESSE_AUDIT_TEXT];
    hesse_audit_attribute(m, name, attribute, text);
    return atof(text);
}

void hesse_audit_wrong(const hesse_audited *m, const char *name, const char *format,
                       ...)
{
    char text[256];
    hesse_reader *r = m->reader;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!r->status)
        r->status = hesse_fail(r->why, HESSE_E_NUMERIC, "%s: %s/%s: %s", r->path,
                               m->where, name, text);
}

void hesse_audit_range(const hesse_audited *m, const char *name, size_t count,
                       const double *x, double low, double high)
{
    for (size_t i = 0; x && i < count; i++)
        if (!isfinite(x[i]) || x[i] < low || x[i] > high) {
            hesse_audit_wrong(
                m, name, "number %zu of %zu is %g, expected a finite one from %g to %g",
                i + 1, count, x[i], low, high);
            return;
        }
}

void hesse_audit_errors(const hesse_audited *m, const char *name, size_t count,
                        const double *x, size_t probes)
{
    if (probes > 1) hesse_audit_range(m, name, count, x, 0, HUGE_VAL);
    for (size_t i = 0; x && probes == 1 && i < count; i++)
        if (!isnan(x[i])) {
            hesse_audit_wrong(m, name,
                              "number %zu of %zu is %g, expected NaN of one "
                              "probe",
                              i + 1, count, x[i]);
            return;
        }
}

void hesse_audit_vectors(const hesse_audited *m)
{
    static const char name[] = "eigenvectors";
    size_t count = 0;
    if (!hesse_audit_has(m, name)) return;
    double *x = hesse_audit_all(m, name, &count);
    if (x && count % m->n != 0)
        hesse_audit_wrong(m, name, "%zu numbers, expected some for each of %zu rows",
                          count, m->n);
    for (size_t v = 0; x && v < count / m->n; v++) {
        double square = 0;
        for (size_t i = 0; i < m->n; i++) square += x[v * m->n + i] * x[v * m->n + i];
        if (!(fabs(square - 1) <= HESSE_AUDIT_ROUNDING))
            hesse_audit_wrong(m, name, "vector %zu is of length %.12g, expected 1",
                              v + 1, sqrt(square));
    }
    free(x);
}

/* Points of equal distance, but for rounding, which is of the eigenvalues' size where that is
   far above the width. Returns the rounding over the width. */
static double prove_grid(const hesse_audited *m, size_t count, const double *grid)
{
    const double first = grid[0], width = grid[count - 1] - first;
    const double size = fmax(fabs(first), fabs(grid[count - 1]));
    const double rounding = HESSE_AUDIT_ROUNDING + 4 * DBL_EPSILON * size / width;
    if (!(width > 0 && isfinite(size)))
        hesse_audit_wrong(m, "density/grid", "%g to %g, expected ascending points",
                          first, grid[count - 1]);
    for (size_t i = 0; i < count; i++) {
        const double even = first + width * ((double)i / (double)(count - 1));
        if (!(fabs(grid[i] - even) <= rounding * width))
            hesse_audit_wrong(
                m, "density/grid",
                "point %zu of %zu is %.12g, expected %.12g: equal distance", i + 1,
                count, grid[i], even);
    }
    return rounding;
}

/* Every kernel's sum on the grid is its mass. Of numbers that are not negative, P of them, the
   standard error is no larger than the mean: the sum of squares is at most the square of the
   sum. */
static void prove_values(const hesse_audited *m, size_t count, const double *grid,
                         const double *values, const double *errors)
{
    const double width = grid[count - 1] - grid[0];
    const double rounding = prove_grid(m, count, grid);
    double sum = 0;
    hesse_audit_range(m, "density/values", count, values, 0, HUGE_VAL);
    for (size_t i = 0; i < count; i++) sum += values[i] * (width / (double)(count - 1));
    if (!(fabs(sum - 1) <= rounding))
        hesse_audit_wrong(m, "density/values",
                          "the sum times the step is %.12g, expected 1", sum);
    for (size_t i = 0; errors && i < count; i++)
        if (errors[i] > values[i] + HESSE_AUDIT_ROUNDING / width)
            hesse_audit_wrong(
                m, "density/standard_error",
                "number %zu of %zu is %g, expected at most the density, %g", i + 1,
                count, errors[i], values[i]);
}

void hesse_audit_density(const hesse_audited *m, size_t probes)
{
    size_t count = 0;
    double *grid = hesse_audit_all(m, "density/grid", &count), *errors = NULL;
    double *values = hesse_audit_some(m, "density/values", count);
    if (probes) errors = hesse_audit_some(m, "density/standard_error", count);
    hesse_audit_errors(m, "density/standard_error", count, errors, probes);
    if (count < 2) hesse_reader_fail(m->reader, m->where, "a density of points");
    if (!m->reader->status) prove_values(m, count, grid, values, errors);
    free(errors);
    free(values);
    free(grid);
}
