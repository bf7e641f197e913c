/* Checks of a finished file. The stamp finds every change since the file was written.
   The laws find errors from before that time. Every law holds for any symmetric matrix
   and for any random vectors, and none depends on chance (docs/math.md, sections 5 and
   11). The first law that is broken is the reader's failure. */
#include "output/verify.h"

#include "base/memory.h"
#include "hesse/tail.h"
#include "output/nexus_check.h"
#include "output/reader.h"
#include "output/schema.h"
#include "output/series.h"
#include "output/stamp.h"
#include "output/sweep.h"
#include "spectra/inertia.h"
#include "spectra/lanczos.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE = 2 * HESSE_PATH, ATTRIBUTE = 64 };

/* Relative bound for sums that are taken in another order, and for lengths of
   vectors. */
static const double ROUNDING = 1e-10;

/* Norms below it have lost digits to underflow. */
static const double LEAST = 1e-140;

/* Relative bound for attributes. */
static const double DIGITS = 1e-9;

/* Relative to the loss: files of schema 1 do not record the rounding error of a
   product. */
static const double NOISE_1 = 1e-15;

/* A matrix in a result file, and its data other than its spectrum. */
typedef struct matrix {
    hesse_reader *reader;
    const char *where;             /* its group                    */
    size_t n;                      /* its order                    */
    const double *gradient;        /* [n]                          */
    double numbers[HESSE_COLUMNS]; /* in the order of the schema   */
    const double *tail;            /* [4] the power law; NULL: none */
    const int64_t *below, *near;   /* counts of eigenvalues; NULL: none */
    const double *values;          /* [n_values] below which they are counted */
    size_t n_values;
    double noise_1; /* in a file of schema 1, the value that read_noise
                       returns */
} matrix;

static const char *place_of(const matrix *m, const char *name, char path[PLACE])
{
    snprintf(path, PLACE, "%s/%s", m->where, name);
    return path;
}

static bool has(const matrix *m, const char *name)
{
    char path[PLACE];
    return hesse_reader_has(m->reader, place_of(m, name, path));
}

static double *read_all(const matrix *m, const char *name, size_t *count)
{
    char path[PLACE];
    size_t size;
    return hesse_reader_set(m->reader, place_of(m, name, path), H5T_NATIVE_DOUBLE,
                            count, &size);
}

static double *read_some(const matrix *m, const char *name, size_t count)
{
    char path[PLACE];
    size_t found = 0;
    double *x = read_all(m, name, &found);
    if (x && found != count) {
        hesse_reader_fail(m->reader, place_of(m, name, path),
                          "a dataset of this length");
        free(x);
        x = NULL;
    }
    return x;
}

static void read_attribute(const matrix *m, const char *name, const char *attribute,
                           char text[ATTRIBUTE])
{
    char path[PLACE], room[HESSE_PATH];
    const char *full = hesse_reader_path(m->reader, place_of(m, name, path), room);
    const hid_t set = full ? H5Dopen2(m->reader->file, full, H5P_DEFAULT) : -1;
    hesse_reader_attribute(set, attribute, text, ATTRIBUTE);
    if (set >= 0) H5Dclose(set);
    if (!*text) hesse_reader_fail(m->reader, path, "the attributes of a result");
}

static double read_setting(const matrix *m, const char *name, const char *attribute)
{
    char text[ATTRIBUTE];
    read_attribute(m, name, attribute, text);
    return atof(text);
}

__attribute__((format(printf, 3, 4))) static void
wrong(const matrix *m, const char *name, const char *format, ...)
{
    char text[256];
    hesse_reader *r = m->reader;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!r->status)
        r->status = hesse_fail(r->why, HESSE_E_NUMERIC, "%s: %s%s/%s: %s", r->path,
                               r->place, m->where, name, text);
}

static void check_range(const matrix *m, const char *name, size_t count,
                        const double *x, double low, double high)
{
    for (size_t i = 0; x && i < count; i++)
        if (!isfinite(x[i]) || x[i] < low || x[i] > high) {
            wrong(m, name,
                  "number %zu of %zu is %g, expected a finite one from %g to %g", i + 1,
                  count, x[i], low, high);
            return;
        }
}

static void check_errors(const matrix *m, const char *name, size_t count,
                         const double *x, size_t probes)
{
    if (probes > 1) check_range(m, name, count, x, 0, HUGE_VAL);
    for (size_t i = 0; x && probes == 1 && i < count; i++)
        if (!isnan(x[i])) {
            wrong(m, name,
                  "number %zu of %zu is %g, expected NaN of one "
                  "probe",
                  i + 1, count, x[i]);
            return;
        }
}

static void check_vectors(const matrix *m)
{
    static const char name[] = "eigenvectors";
    size_t count = 0;
    if (!has(m, name)) return;
    double *x = read_all(m, name, &count);
    if (x && count % m->n != 0)
        wrong(m, name, "%zu numbers, expected some for each of %zu rows", count, m->n);
    for (size_t v = 0; x && v < count / m->n; v++) {
        double square = 0;
        for (size_t i = 0; i < m->n; i++) square += x[v * m->n + i] * x[v * m->n + i];
        if (!(fabs(square - 1) <= ROUNDING))
            wrong(m, name, "vector %zu is of length %.12g, expected 1", v + 1,
                  sqrt(square));
    }
    free(x);
}

/* The points must have equal distances up to rounding. The rounding is relative to the
   eigenvalues, if these are far larger than the width. Returns the rounding over the
   width. */
static double check_grid(const matrix *m, size_t count, const double *grid)
{
    const double first = grid[0], width = grid[count - 1] - first;
    const double size = fmax(fabs(first), fabs(grid[count - 1]));
    const double rounding = ROUNDING + 4 * DBL_EPSILON * size / width;
    if (!(width > 0 && isfinite(size)))
        wrong(m, "density/grid", "%g to %g, expected ascending points", first,
              grid[count - 1]);
    for (size_t i = 0; i < count; i++) {
        const double even = first + width * ((double)i / (double)(count - 1));
        if (!(fabs(grid[i] - even) <= rounding * width))
            wrong(m, "density/grid",
                  "point %zu of %zu is %.12g, expected %.12g: equal distance", i + 1,
                  count, grid[i], even);
    }
    return rounding;
}

/* Every kernel's sum on the grid is its mass. The standard error of P numbers that are
   not negative is no larger than their mean, because the sum of squares is at most the
   square of the sum. */
static void check_values(const matrix *m, size_t count, const double *grid,
                         const double *values, const double *errors)
{
    const double width = grid[count - 1] - grid[0];
    const double rounding = check_grid(m, count, grid);
    double sum = 0;
    check_range(m, "density/values", count, values, 0, HUGE_VAL);
    for (size_t i = 0; i < count; i++) sum += values[i] * (width / (double)(count - 1));
    if (!(fabs(sum - 1) <= rounding))
        wrong(m, "density/values", "the sum times the step is %.12g, expected 1", sum);
    for (size_t i = 0; errors && i < count; i++)
        if (errors[i] > values[i] + ROUNDING / width)
            wrong(m, "density/standard_error",
                  "number %zu of %zu is %g, expected at most the density, %g", i + 1,
                  count, errors[i], values[i]);
}

static void check_density(const matrix *m, size_t probes)
{
    size_t count = 0;
    double *grid = read_all(m, "density/grid", &count), *errors = NULL;
    double *values = read_some(m, "density/values", count);
    if (probes) errors = read_some(m, "density/standard_error", count);
    check_errors(m, "density/standard_error", count, errors, probes);
    if (count < 2) hesse_reader_fail(m->reader, m->where, "a density of points");
    if (!m->reader->status) check_values(m, count, grid, values, errors);
    free(errors);
    free(values);
    free(grid);
}

static bool read_quadrature(const matrix *m, hesse_quadrature *q)
{
    size_t probes = 0, count = 0;
    double *taken = read_all(m, "taken", &probes);
    q->nodes = read_all(m, "nodes", &count);
    q->weights = read_some(m, "weights", count);
    q->taken = hesse_calloc(probes, sizeof *q->taken);
    if (!m->reader->status && (count % probes != 0 || count > INT_MAX))
        hesse_reader_fail(m->reader, m->where, "nodes of every probe");
    if (!m->reader->status && !q->taken)
        m->reader->status =
            hesse_fail(m->reader->why, HESSE_E_NOMEM, "%s: no memory", m->reader->path);
    if (!m->reader->status) {
        q->n = m->n, q->probes = (int)probes, q->steps = (int)(count / probes);
        check_range(m, "taken", probes, taken, 1, q->steps);
    }
    for (int p = 0; !m->reader->status && p < q->probes; p++)
        q->taken[p] = (int)taken[p];
    free(taken);
    return !m->reader->status;
}

/* Nodes ascend, weights are fractions of 1, and there is no further weight after the
   steps that were taken. */
static void check_probe(const matrix *m, const hesse_quadrature *q, int probe)
{
    const double *nodes = q->nodes + (size_t)probe * (size_t)q->steps;
    const double *weights = q->weights + (size_t)probe * (size_t)q->steps;
    double sum = 0;
    for (int i = 0; i < q->steps; i++) {
        sum += weights[i];
        if (i && nodes[i] < nodes[i - 1])
            wrong(m, "nodes",
                  "of probe %d %g comes before %g, expected "
                  "ascending nodes",
                  probe + 1, nodes[i - 1], nodes[i]);
        if (i >= q->taken[probe] && (weights[i] > 0 || nodes[i] > nodes[i - 1]))
            wrong(m, "taken",
                  "probe %d is said to have taken %d steps, "
                  "expected more: node %d has the weight %g",
                  probe + 1, q->taken[probe], i + 1, weights[i]);
    }
    if (!(fabs(sum - 1) <= ROUNDING))
        wrong(m, "weights", "those of probe %d sum to %.12g, expected 1", probe + 1,
              sum);
}

static void check_bounds(const matrix *m, const hesse_quadrature *q)
{
    const size_t count = 2 * (size_t)q->probes;
    double *extreme = read_some(m, "extreme_bounds", count);
    double *negative = read_some(m, "negative_bounds", count);
    check_range(m, "extreme_bounds", count, extreme, 0, HUGE_VAL);
    check_range(m, "negative_bounds", count, negative, 0, 1 + ROUNDING);
    for (size_t i = 0; negative && i < count; i += 2)
        if (negative[i] > negative[i + 1])
            wrong(m, "negative_bounds",
                  "of probe %zu from %g to %g, expected the lower first", i / 2 + 1,
                  negative[i], negative[i + 1]);
    free(negative);
    free(extreme);
}

static void check_quadrature(const matrix *m, const hesse_quadrature *q)
{
    const size_t count = (size_t)q->probes * (size_t)q->steps;
    check_range(m, "nodes", count, q->nodes, -HUGE_VAL, HUGE_VAL);
    check_range(m, "weights", count, q->weights, 0, 1 + ROUNDING);
    for (int p = 0; p < q->probes; p++) check_probe(m, q, p);
    check_bounds(m, q);
    check_density(m, (size_t)q->probes);
}

/* Sums whose terms cancel are correct up to the rounding of the norm. */
static bool agrees(const char *name, double found, double own, double norm)
{
    const bool cancels = strncmp(name, "trace", 5) == 0 || strstr(name, "_error");
    const double size = fmax(fabs(own), cancels ? norm : 0);
    if (strcmp(name, "seconds") == 0) return found >= 0 && isfinite(found);
    if (isnan(own)) return isnan(found);
    return fabs(found - own) <= ROUNDING * size;
}

/* The stored numbers must be those of the quadrature, or of the extreme eigenvalues, if
   there are any. */
static void check_numbers(const matrix *m, const hesse_quadrature *q, size_t pairs,
                          const double *eigenvalues)
{
    hesse_reader *r = m->reader;
    hesse_measures measures;
    hesse_measure_quadrature(q, m->gradient, &measures);
    if (pairs && eigenvalues)
        measures.min = eigenvalues[0], measures.max = eigenvalues[pairs - 1];
    const hesse_errors errors = hesse_schema_errors(NULL, q);
    for (int i = 0; hesse_schema_column(i); i++) {
        const char *name = hesse_schema_column(i);
        const double own = hesse_schema_value(i, NULL, &measures, &errors);
        if (!r->status && !agrees(name, m->numbers[i], own, measures.frobenius))
            r->status =
                hesse_fail(r->why, HESSE_E_NUMERIC,
                           "%s: %s%s: its %s is %.12g, expected %.12g by its nodes",
                           r->path, r->place, m->where, name, m->numbers[i], own);
    }
}

/* The rounding error of a product with a vector of length 1. */
static double read_noise(const matrix *m, const char *name)
{
    return m->reader->version == 1 ? m->noise_1 : read_setting(m, name, "noise");
}

/* If the published procedure divides by more than a vector's length, its nodes are no
   Ritz values. */
static bool has_ritz_values(const matrix *m)
{
    char text[ATTRIBUTE];
    read_attribute(m, "nodes", "reorthogonalisation", text);
    return strcmp(text, hesse_orthogonality_text(HESSE_ORTHOGONALITY_PAPER)) != 0;
}

/* Nodes are Ritz values, which lie within the spectrum. A node that is outside the
   pairs by more than the tolerance shows that the pairs are not the outermost ones. */
static void check_converged(const matrix *m, const hesse_quadrature *q, size_t count,
                            const double *values, const double *residuals)
{
    const double size = fmax(fabs(values[0]), fabs(values[count - 1]));
    const double tolerance = read_setting(m, "extreme_eigenvalues", "tolerance");
    const double noise = read_noise(m, "extreme_eigenvalues");
    const double most = fmax(tolerance * size, noise) * (1 + DIGITS);
    const double slack = most + ROUNDING * size + LEAST;
    check_range(m, "residuals", count, residuals, 0, most);
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int p = 0; p < q->probes; p++) {
        low = fmin(low, q->nodes[(size_t)p * (size_t)q->steps]);
        high = fmax(high, q->nodes[(size_t)(p + 1) * (size_t)q->steps - 1]);
    }
    if (!has_ritz_values(m)) return;
    if (!(values[0] <= low + slack))
        wrong(m, "extreme_eigenvalues",
              "the lowest is %.12g, expected at most the least node, %.12g", values[0],
              low);
    if (!(values[count - 1] >= high - slack))
        wrong(m, "extreme_eigenvalues",
              "the highest is %.12g, expected at least the greatest node, "
              "%.12g",
              values[count - 1], high);
}

static void check_pairs(const matrix *m, const hesse_quadrature *q, size_t count,
                        const double *values)
{
    double *residuals = read_some(m, "residuals", count);
    check_range(m, "extreme_eigenvalues", count, values, -HUGE_VAL, HUGE_VAL);
    check_range(m, "residuals", count, residuals, 0, HUGE_VAL);
    for (size_t i = 1; i < count; i++)
        if (values[i] < values[i - 1])
            wrong(m, "extreme_eigenvalues",
                  "%.12g comes before %.12g, expected ascending order", values[i - 1],
                  values[i]);
    if (!m->reader->status && read_setting(m, "extreme_eigenvalues", "converged") > 0)
        check_converged(m, q, count, values, residuals);
    /* Below LEAST, lengths of products have underflowed in the search. */
    if (values && count && fmax(fabs(values[0]), fabs(values[count - 1])) >= LEAST)
        check_vectors(m);
    free(residuals);
}

static double number(const matrix *m, const char *way, const char *name, double low,
                     size_t probes)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", way, name);
    double *x = read_some(m, path, 1);
    if (probes)
        check_errors(m, path, 1, x, probes);
    else
        check_range(m, path, 1, x, low, HUGE_VAL);
    const double found = x ? *x : 0;
    free(x);
    return found;
}

typedef struct estimates {
    double trace, frobenius;
} estimates;

/* With |z|^2 = n, |z' S z| is at most sqrt(n) |S z|, whose mean is at most the norm;
   with a sketch of s vectors n + s replaces n, since its exact part is at most sqrt(s)
   |S Q|. */
static estimates check_estimates(const matrix *m, const char *way, double rows,
                                 size_t probes)
{
    char path[64];
    const estimates e = {number(m, way, "trace", -HUGE_VAL, 0),
                         number(m, way, "frobenius", 0, 0)};
    number(m, way, "trace_error", 0, probes);
    number(m, way, "frobenius_error", 0, probes);
    snprintf(path, sizeof path, "%s/trace", way);
    const double most = sqrt(rows) * fmax(e.frobenius, LEAST) * (1 + ROUNDING) +
                        rows * read_noise(m, "diagonal");
    check_range(m, path, 1, &e.trace, -most, most);
    return e;
}

/* Without a sketch the diagonal is the mean of z_i (S z)_i, and its sum is the mean of
   z' S z, which is the trace. With a sketch the difference is the mean of (Q w)' S (z -
   Q w), at most sqrt(n) times the mean of |S (z - Q w)|. The diagonal's 2-norm is at
   most the mean of |S z|, plus |S Q| with a sketch. Both are at most the norms. */
static void check_diagonal(const matrix *m, size_t probes, const estimates *plain,
                           const estimates *plus)
{
    const double n = (double)m->n,
                 norms = plain->frobenius + (plus ? plus->frobenius : 0);
    double *x = read_some(m, "diagonal", m->n), sum = 0, squares = 0;
    double *errors = read_some(m, "diagonal_error", m->n);
    check_range(m, "diagonal", m->n, x, -HUGE_VAL, HUGE_VAL);
    check_errors(m, "diagonal_error", m->n, errors, probes);
    for (size_t i = 0; x && i < m->n; i++) sum += x[i], squares += x[i] * x[i];
    const double noise = read_noise(m, "diagonal");
    const double most =
        fmax(norms, LEAST) * (1 + ROUNDING) + (plus ? sqrt(n) * noise : 0);
    if (x && !(sqrt(squares) <= most))
        wrong(m, "diagonal", "its 2-norm is %.12g, expected at most %.12g by the norms",
              sqrt(squares), most);
    const double trace = plus ? plus->trace : plain->trace;
    const double apart = ROUNDING * sqrt(n) * fmax(norms, LEAST) +
                         (plus ? sqrt(n) * plus->frobenius + n * noise : 0);
    if (x && !(fabs(sum - trace) <= apart))
        wrong(m, "diagonal", "its sum is %.12g, expected the trace %.12g to %.2g", sum,
              trace, apart);
    free(errors);
    free(x);
}

static void check_hutchinson(const matrix *m)
{
    const double probes = read_setting(m, "diagonal", "probes");
    const double sketch = read_setting(m, "diagonal", "sketch");
    if (!(probes >= 1 && probes <= INT_MAX && sketch >= 0 && sketch <= (double)m->n))
        wrong(m, "diagonal",
              "%g probes and a sketch of %g, expected 1 or more, and at "
              "most the order",
              probes, sketch);
    if (m->reader->status) return;
    const size_t count = (size_t)probes;
    const double n = (double)m->n;
    estimates plus = {0};
    const estimates plain = check_estimates(m, "hutchinson", n, count);
    if (sketch > 0) plus = check_estimates(m, "hutchpp", n + sketch, count);
    check_diagonal(m, count, &plain, sketch > 0 ? &plus : NULL);
}

static void check_matrix_free(const matrix *m)
{
    hesse_quadrature q = {0};
    size_t pairs = 0;
    double *values = NULL;
    if (read_quadrature(m, &q)) check_quadrature(m, &q);
    if (has(m, "extreme_eigenvalues"))
        values = read_all(m, "extreme_eigenvalues", &pairs);
    if (values) check_pairs(m, &q, pairs, values);
    if (has(m, "diagonal")) check_hutchinson(m);
    if (!m->reader->status) check_numbers(m, &q, pairs, values);
    free(values);
    free(q.taken);
    free(q.weights);
    free(q.nodes);
}

typedef struct checker {
    hesse_reader *reader;
    double *gradient;
    size_t n; /* entries of it */
    double noise_1;
    size_t spectra; /* checked */
} checker;

static double number_of(const matrix *m, const char *name)
{
    int i = 0;
    while (strcmp(hesse_schema_column(i), name) != 0) i++;
    return m->numbers[i];
}

/* Sums that replace the sums over the entries. If squares underflow, the stored
   Frobenius norm has lost digits, or is 0. Then the norm is computed from the
   eigenvalues, which are divided by the largest one before they are squared. The run
   used the sum of |H_ij| in its checks, which is at most n times the norm. */
static hesse_sums sums_of(const matrix *m, size_t count, const double *values)
{
    const double frobenius = number_of(m, "frobenius");
    hesse_sums sums = {.trace = number_of(m, "trace"),
                       .squares = frobenius * frobenius,
                       .abs = frobenius};
    if (frobenius >= LEAST || !values) return sums;
    const double largest = fmax(fabs(values[0]), fabs(values[count - 1]));
    double squares = 0;
    for (size_t i = 0; i < count && largest > 0; i++)
        squares += values[i] / largest * (values[i] / largest);
    const double norm = largest * sqrt(squares);
    if (!(frobenius >= 0 && norm <= 2 * LEAST))
        wrong(m, "eigenvalues", "their 2-norm is %g, expected the Frobenius norm, %g",
              norm, frobenius);
    sums.squares = 0, sums.abs = (double)count * norm;
    return sums;
}

static bool same_number(double found, double own)
{
    return isnan(own) ? isnan(found) : fabs(found - own) <= ROUNDING * fabs(own);
}

/* The power law follows from the eigenvalues. */
static void check_tail(const matrix *m, size_t count, const double *values)
{
    static const char *const names[] = {"tail_exponent", "tail_minimum", "tail_count",
                                        "tail_distance"};
    hesse_reader *r = m->reader;
    hesse_tail t;
    if (!m->tail || !values || r->status) return;
    r->status =
        hesse_tail_fit((int)count, values, hesse_reader_precision(r), &t, r->why);
    const double own[] = {t.exponent, t.minimum, t.count, t.distance};
    for (int i = 0; !r->status && i < 4; i++)
        if (!same_number(m->tail[i], own[i]))
            wrong(m, names[i], "%.12g, expected %.12g by the eigenvalues", m->tail[i],
                  own[i]);
}

/* A count may differ from the number of eigenvalues below a value by those that are
   uncertain. */
static void check_index(const matrix *m, size_t count, const double *values)
{
    for (size_t i = 0; m->below && values && i < m->n_values; i++) {
        const double t = m->values[i];
        int64_t below = 0;
        for (size_t j = 0; j < count; j++) below += values[j] < t;
        const int near = hesse_inertia_uncertain((int)count, values, t);
        if (m->below[i] < 0) continue; /* it was not counted */
        if (m->near[i] != near)
            wrong(m, "uncertain", "%lld near to %g, expected %d", (long long)m->near[i],
                  t, near);
        if (llabs(m->below[i] - below) > near)
            wrong(m, "below", "%lld below %g, expected %lld up to %d",
                  (long long)m->below[i], t, (long long)below, near);
    }
}

/* Check the eigenvalues, and the residuals of those with an eigenvector, in the same
   way as the run did. */
static void check_dense(const matrix *m)
{
    hesse_reader *r = m->reader;
    size_t count = 0, vectors = 0;
    double *values = read_all(m, "eigenvalues", &count), *residuals = NULL;
    if (has(m, "residuals")) residuals = read_all(m, "residuals", &vectors);
    if (count > INT_MAX || vectors > count)
        hesse_reader_fail(r, m->where, "fewer eigenvalues");
    hesse_spectrum s = {.n = (int)count,
                        .precision = hesse_reader_precision(r),
                        .eigenvalues = values,
                        .vectors = (int)vectors,
                        .residuals = residuals,
                        .check_symmetry = number_of(m, "check_symmetry")};
    const hesse_sums sums = sums_of(m, count, values);
    hesse_why why;
    if (!r->status && hesse_spectrum_check(&s, &sums, m->where, &why))
        r->status = hesse_fail(r->why, HESSE_E_NUMERIC, "%s: %s%s", r->path, r->place,
                               why.text);
    if (!r->status) check_vectors(m);
    if (!r->status) check_density(m, 0);
    if (!r->status) check_tail(m, count, values);
    if (!r->status) check_index(m, count, values);
    free(residuals);
    free(values);
}

/* Check the matrix of a group. Its coordinates are a range of the gradient's
   coordinates. */
static void check_matrix(checker *a, matrix *m, double first, double order)
{
    hesse_reader *r = a->reader;
    if (!(first >= 0 && order >= 1 && first + order <= (double)a->n))
        hesse_reader_fail(r, m->where, "places of blocks within the gradient");
    if (r->status) return;
    m->reader = r, m->noise_1 = a->noise_1;
    m->n = (size_t)order, m->gradient = a->gradient + (size_t)first;
    if (has(m, "nodes"))
        check_matrix_free(m);
    else
        check_dense(m);
    a->spectra++;
}

/* What a share has besides the columns of every file. */
typedef struct extras {
    double *tails[4]; /* [blocks]; NULL: none */
    double *full[4];  /* [1] */
    double *values;
    size_t n_values;
    int64_t *below, *near;           /* [blocks][n_values] */
    int64_t *full_below, *full_near; /* [n_values] */
} extras;

static void *read_extra(hesse_reader *r, const char *prefix, const char *path,
                        hid_t type, size_t *count)
{
    char whole[2 * HESSE_PATH];
    size_t size;
    snprintf(whole, sizeof whole, "%s%s", prefix, path);
    *count = 0;
    return hesse_reader_has(r, whole) ? hesse_reader_set(r, whole, type, count, &size)
                                      : NULL;
}

static void expect_count(hesse_reader *r, const char *what, const void *list,
                         size_t count, size_t expected)
{
    if (list && count != expected)
        hesse_reader_fail(r, what, "a number for every block and value");
}

static void read_extras(checker *a, const char *prefix, size_t blocks, extras *x)
{
    static const char *const tails[] = {"tail_exponent", "tail_minimum", "tail_count",
                                        "tail_distance"};
    hesse_reader *r = a->reader;
    char path[HESSE_PATH];
    size_t count;
    snprintf(path, sizeof path, "%sspectra/full", prefix);
    const bool full = hesse_reader_has(r, path);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "blocks/%s", tails[i]);
        x->tails[i] = read_extra(r, prefix, path, H5T_NATIVE_DOUBLE, &count);
        expect_count(r, path, x->tails[i], count, blocks);
        snprintf(path, sizeof path, "spectra/full/%s", tails[i]);
        if (full) x->full[i] = read_extra(r, prefix, path, H5T_NATIVE_DOUBLE, &count);
        if (full) expect_count(r, path, x->full[i], count, 1);
    }
    snprintf(path, sizeof path, "%smeasures", prefix);
    if (!hesse_reader_has(r, path)) return;
    snprintf(path, sizeof path, "%smeasures/index", prefix);
    if (!hesse_reader_has(r, path)) return;
    x->values =
        read_extra(r, prefix, "measures/index/value", H5T_NATIVE_DOUBLE, &x->n_values);
    const struct {
        const char *path;
        int64_t **list;
        size_t count;
    } lists[] = {{"measures/index/below", &x->below, blocks * x->n_values},
                 {"measures/index/uncertain", &x->near, blocks * x->n_values},
                 {"measures/index/full_below", &x->full_below, x->n_values},
                 {"measures/index/full_uncertain", &x->full_near, x->n_values}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        *lists[i].list = read_extra(r, prefix, lists[i].path, H5T_NATIVE_INT64, &count);
        expect_count(r, lists[i].path, *lists[i].list, count, lists[i].count);
    }
}

static void free_extras(extras *x)
{
    for (int i = 0; i < 4; i++) free(x->tails[i]), free(x->full[i]);
    free(x->values);
    free(x->below);
    free(x->near);
    free(x->full_below);
    free(x->full_near);
}

/* Give a matrix the extra numbers of a block, or of the full matrix.
   tail [out]: room for four numbers. */
static void take_extras(const extras *x, size_t block, bool full, double tail[4],
                        matrix *m)
{
    bool all = true;
    for (int i = 0; i < 4; i++) {
        const double *from = full ? x->full[i] : x->tails[i];
        all = all && from;
        tail[i] = from ? from[full ? 0 : block] : NAN;
    }
    m->tail = all ? tail : NULL;
    m->values = x->values, m->n_values = x->n_values;
    const int64_t *below = full ? x->full_below : x->below,
                  *near = full ? x->full_near : x->near;
    const size_t at = full ? 0 : block * x->n_values;
    if (below && near && x->values) m->below = below + at, m->near = near + at;
}

/* True if files of this version have column i of the blocks' numbers. */
static bool has_column(const hesse_reader *r, int i)
{
    const char *in_1 = hesse_schema_column_row(i)->in_1;
    return r->version > 1 || !in_1 || *in_1;
}

static void check_full(checker *a, const char *prefix)
{
    char where[HESSE_PATH + 32], path[2 * HESSE_PATH];
    snprintf(where, sizeof where, "%sspectra/full", prefix);
    if (a->reader->status || !hesse_reader_has(a->reader, where)) return;
    matrix m = {.where = where};
    for (int i = 0; hesse_schema_column(i); i++) {
        m.numbers[i] = NAN;
        if (!has_column(a->reader, i)) continue;
        snprintf(path, sizeof path, "%s/%s", where, hesse_schema_column(i));
        double *value = hesse_reader_column(a->reader, path, H5T_NATIVE_DOUBLE, 1);
        if (value) m.numbers[i] = *value;
        free(value);
    }
    extras x = {.n_values = 0};
    double tail[4];
    size_t size, count = 0;
    free(hesse_reader_set(a->reader, "blocks/name", -1, &count, &size));
    read_extras(a, prefix, count, &x);
    take_extras(&x, 0, true, tail, &m);
    check_matrix(a, &m, 0, (double)a->n);
    free_extras(&x);
}

static double *column(hesse_reader *r, const char *prefix, const char *name,
                      size_t count)
{
    char path[HESSE_PATH + 32];
    snprintf(path, sizeof path, "%sblocks/%s", prefix, name);
    return hesse_reader_column(r, path, H5T_NATIVE_DOUBLE, count);
}

static void check_blocks(checker *a, const char *prefix)
{
    hesse_reader *r = a->reader;
    char where[HESSE_PATH + 32], name[HESSE_PATH / 2];
    size_t count = 0, size = 0;
    char *names = hesse_reader_set(r, "blocks/name", -1, &count, &size);
    double *columns[HESSE_COLUMNS] = {0};
    for (int i = 0; i < HESSE_COLUMNS; i++)
        if (has_column(r, i))
            columns[i] = column(r, prefix, hesse_schema_column(i), count);
    double *first = column(r, "", "offset", count);
    double *order = column(r, "", "size", count);
    extras x = {.n_values = 0};
    double tail[4];
    read_extras(a, prefix, count, &x);
    snprintf(where, sizeof where, "%sspectra/blocks", prefix);
    if (!hesse_reader_has(r, where)) count = 0;
    for (size_t b = 0; !r->status && b < count; b++) {
        hesse_reader_text(names, size, b, name, sizeof name);
        snprintf(where, sizeof where, "%sspectra/blocks/%s", prefix, name);
        if (!hesse_reader_has(r, where)) continue;
        matrix m = {.where = where};
        for (int i = 0; i < HESSE_COLUMNS; i++)
            m.numbers[i] = columns[i] ? columns[i][b] : NAN;
        take_extras(&x, b, false, tail, &m);
        check_matrix(a, &m, first[b], order[b]);
    }
    free_extras(&x);
    free(order);
    free(first);
    for (int i = 0; i < HESSE_COLUMNS; i++) free(columns[i]);
    free(names);
}

static void check_share(checker *a, const char *prefix)
{
    char spectra[HESSE_PATH + 32];
    snprintf(spectra, sizeof spectra, "%sspectra", prefix);
    if (a->reader->status || !hesse_reader_has(a->reader, spectra)) return;
    check_blocks(a, prefix);
    check_full(a, prefix);
}

static herr_t check_named_share(hid_t group, const char *name, const H5L_info_t *info,
                                void *data)
{
    (void)group, (void)info;
    char prefix[HESSE_PATH];
    snprintf(prefix, sizeof prefix, "parts/%.200s/", name);
    check_share(data, prefix);
    return 0;
}

/* Check the result at the place of the reader. Its group has the loss. */
static void check_result(checker *a)
{
    hesse_reader *r = a->reader;
    char loss[ATTRIBUTE], parts[HESSE_PATH];
    size_t size;
    const hid_t group = H5Gopen2(r->file, *r->place ? r->place : "/", H5P_DEFAULT);
    hesse_reader_attribute(group, "loss", loss, sizeof loss);
    if (group >= 0) H5Gclose(group);
    a->noise_1 = NOISE_1 * fabs(atof(loss));
    if (hesse_reader_has(r, "gradient"))
        a->gradient = hesse_reader_set(r, "gradient", H5T_NATIVE_DOUBLE, &a->n, &size);
    check_share(a, "");
    if (!r->status && hesse_reader_has(r, "parts") &&
        hesse_reader_path(r, "parts", parts))
        H5Literate_by_name(r->file, parts, H5_INDEX_NAME, H5_ITER_INC, NULL,
                           check_named_share, a, H5P_DEFAULT);
    free(a->gradient);
    a->gradient = NULL, a->n = 0;
}

/* The numbers of a series are exactly those of its steps. */
static void check_same(hesse_reader *r, const char *name, const double *series,
                       size_t count, const double *step)
{
    for (size_t i = 0; series && step && !r->status && i < count; i++)
        if (series[i] != step[i] && !(isnan(series[i]) && isnan(step[i])))
            r->status = hesse_fail(r->why, HESSE_E_NUMERIC,
                                   "%s: %sblocks/%s: number %zu of %zu is %.12g, and "
                                   "series/%s has %.12g",
                                   r->path, r->place, name, i + 1, count, step[i], name,
                                   series[i]);
}

static void check_columns(hesse_reader *r, size_t steps, size_t i, const char *place)
{
    char path[HESSE_PATH];
    for (int c = 0; hesse_schema_column(c) && !r->status; c++) {
        size_t count = 0, own = 0, size;
        r->place = "";
        snprintf(path, sizeof path, "series/%s", hesse_schema_series_column(c));
        if (!hesse_reader_has(r, path)) continue;
        double *all = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, &count, &size);
        r->place = place;
        snprintf(path, sizeof path, "blocks/%s", hesse_schema_column(c));
        double *one = hesse_reader_set(r, path, H5T_NATIVE_DOUBLE, &own, &size);
        if (!r->status && count != steps * own)
            hesse_reader_fail(r, path, "an entry for every block in the series");
        if (!r->status) check_same(r, hesse_schema_column(c), all + i * own, own, one);
        free(one);
        free(all);
    }
}

/* Check every step that has results; the others have a reason. */
static void check_series(checker *a, size_t *checked)
{
    hesse_reader *r = a->reader;
    size_t steps = 0, count = 0, size = 0;
    char place[HESSE_STEP_PREFIX];
    int64_t *step = hesse_reader_set(r, "series/step", H5T_NATIVE_INT64, &steps, &size);
    char *failure = hesse_reader_set(r, "series/failure", -1, &count, &size);
    if (!r->status && count != steps)
        hesse_reader_fail(r, "series/failure", "an entry for every step");
    for (size_t i = 0; !r->status && i < steps; i++) {
        if (failure[i * size]) continue;
        hesse_step_prefix(step[i], place);
        r->place = place;
        check_result(a);
        if (!r->status) check_columns(r, steps, i, place);
        ++*checked;
    }
    r->place = "";
    free(failure);
    free(step);
}

hesse_status hesse_result_verify(const char *path, FILE *out, hesse_why *why)
{
    hesse_reader r;
    hesse_status s = hesse_stamp_check(path, why);
    if (!s) s = hesse_reader_open(path, &r, why);
    if (s) return s;
    hesse_reader_expect_result(&r);
    checker a = {.reader = &r};
    size_t steps = 0, runs = 0;
    const bool sweep = !r.status && hesse_reader_has(&r, "sweep");
    const bool series = !r.status && hesse_reader_has(&r, "series");
    if (series)
        check_series(&a, &steps);
    else if (sweep)
        hesse_sweep_verify(&r, &runs);
    else
        check_result(&a);
    hesse_nexus_check(&r);
    H5Fclose(r.file);
    if (r.status || !out) return r.status;
    if (sweep) {
        fprintf(out, "%s: as it was written, the means of %zu runs checked\n", path,
                runs);
        return HESSE_OK;
    }
    fprintf(out, "%s: as it was written, %zu spectra", path, a.spectra);
    if (series) fprintf(out, " of %zu steps", steps);
    fputs(" checked\n", out);
    return HESSE_OK;
}
