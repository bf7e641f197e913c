/* Every law holds of any symmetric matrix and of any random vectors: none by chance.
   docs/math.md, section 11. */
#include "output/audit_inner.h"

#include "base/memory.h"
#include "curvature/estimates.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Norms below it have lost digits to underflow. */
static const double LEAST = 1e-140;

/* Relative, of attributes. */
static const double DIGITS = 1e-9;

static bool read_quadrature(const hesse_audited *m, hesse_quadrature *q)
{
    size_t probes = 0, count = 0;
    double *taken = hesse_audit_all(m, "taken", &probes);
    q->nodes = hesse_audit_all(m, "nodes", &count);
    q->weights = hesse_audit_some(m, "weights", count);
    q->taken = hesse_calloc(probes, sizeof *q->taken);
    if (!m->reader->status && (count % probes != 0 || count > INT_MAX))
        hesse_reader_fail(m->reader, m->where, "nodes of every probe");
    if (!m->reader->status && !q->taken)
        m->reader->status =
            hesse_fail(m->reader->why, HESSE_E_NOMEM, "%s: no memory", m->reader->path);
    if (!m->reader->status) {
        q->n = m->n, q->probes = (int)probes, q->steps = (int)(count / probes);
        hesse_audit_range(m, "taken", probes, taken, 1, q->steps);
    }
    for (int p = 0; !m->reader->status && p < q->probes; p++)
        q->taken[p] = (int)taken[p];
    free(taken);
    return !m->reader->status;
}

/* Nodes ascend, weights are shares of 1, and after the steps taken nothing comes. */
static void prove_probe(const hesse_audited *m, const hesse_quadrature *q, int probe)
{
    const double *nodes = q->nodes + (size_t)probe * (size_t)q->steps;
    const double *weights = q->weights + (size_t)probe * (size_t)q->steps;
    double sum = 0;
    for (int i = 0; i < q->steps; i++) {
        sum += weights[i];
        if (i && nodes[i] < nodes[i - 1])
            hesse_audit_wrong(m, "nodes",
                              "of probe %d %g comes before %g, expected "
                              "ascending nodes",
                              probe + 1, nodes[i - 1], nodes[i]);
        if (i >= q->taken[probe] && (weights[i] > 0 || nodes[i] > nodes[i - 1]))
            hesse_audit_wrong(m, "taken",
                              "probe %d is said to have taken %d steps, "
                              "expected more: node %d has the weight %g",
                              probe + 1, q->taken[probe], i + 1, weights[i]);
    }
    if (!(fabs(sum - 1) <= HESSE_AUDIT_ROUNDING))
        hesse_audit_wrong(m, "weights", "those of probe %d sum to %.12g, expected 1",
                          probe + 1, sum);
}

static void prove_bounds(const hesse_audited *m, const hesse_quadrature *q)
{
    const size_t count = 2 * (size_t)q->probes;
    double *extreme = hesse_audit_some(m, "extreme_bounds", count);
    double *negative = hesse_audit_some(m, "negative_bounds", count);
    hesse_audit_range(m, "extreme_bounds", count, extreme, 0, HUGE_VAL);
    hesse_audit_range(m, "negative_bounds", count, negative, 0,
                      1 + HESSE_AUDIT_ROUNDING);
    for (size_t i = 0; negative && i < count; i += 2)
        if (negative[i] > negative[i + 1])
            hesse_audit_wrong(m, "negative_bounds",
                              "of probe %zu from %g to %g, expected the lower first",
                              i / 2 + 1, negative[i], negative[i + 1]);
    free(negative);
    free(extreme);
}

static void prove_quadrature(const hesse_audited *m, const hesse_quadrature *q)
{
    const size_t count = (size_t)q->probes * (size_t)q->steps;
    hesse_audit_range(m, "nodes", count, q->nodes, -HUGE_VAL, HUGE_VAL);
    hesse_audit_range(m, "weights", count, q->weights, 0, 1 + HESSE_AUDIT_ROUNDING);
    for (int p = 0; p < q->probes; p++) prove_probe(m, q, p);
    prove_bounds(m, q);
    hesse_audit_density(m, (size_t)q->probes);
}

/* Sums whose terms cancel are right to the rounding of the norm. */
static bool agrees(const char *name, double found, double own, double norm)
{
    const bool cancels = strncmp(name, "trace", 5) == 0 || strstr(name, "_error");
    const double size = fmax(fabs(own), cancels ? norm : 0);
    if (strcmp(name, "seconds") == 0) return found >= 0 && isfinite(found);
    if (isnan(own)) return isnan(found);
    return fabs(found - own) <= HESSE_AUDIT_ROUNDING * size;
}

/* What the quadrature gives, and where there are extreme eigenvalues, these. */
static void prove_numbers(const hesse_audited *m, const hesse_quadrature *q,
                          size_t pairs, const double *eigenvalues)
{
    hesse_reader *r = m->reader;
    hesse_measures measures;
    hesse_measure_quadrature(q, m->gradient, &measures);
    if (pairs) measures.min = eigenvalues[0], measures.max = eigenvalues[pairs - 1];
    const hesse_errors errors = hesse_schema_errors(NULL, q);
    for (int i = 0; hesse_schema_column(i); i++) {
        const char *name = hesse_schema_column(i);
        const double own = hesse_schema_value(i, NULL, &measures, &errors);
        if (!r->status && !agrees(name, m->numbers[i], own, measures.frobenius))
            r->status =
                hesse_fail(r->why, HESSE_E_NUMERIC,
                           "%s: %s: its %s is %.12g, expected %.12g by its nodes",
                           r->path, m->where, name, m->numbers[i], own);
    }
}

/* Where the published procedure divides by more than a vector's length, its nodes are no Ritz
   values. */
static bool has_ritz_values(const hesse_audited *m)
{
    char text[HESSE_AUDIT_TEXT];
    hesse_audit_attribute(m, "nodes", "reorthogonalisation", text);
    return strcmp(text, hesse_orthogonality_text(HESSE_ORTHOGONALITY_PAPER)) != 0;
}

/* Nodes are Ritz values, and these are not outside of the spectrum: one that is outside of the
   pairs by more than the tolerance shows that they are not the outermost. */
static void prove_converged(const hesse_audited *m, const hesse_quadrature *q,
                            size_t count, const double *values, const double *residuals)
{
    const double size = fmax(fabs(values[0]), fabs(values[count - 1]));
    const double tolerance = hesse_audit_setting(m, "extreme_eigenvalues", "tolerance");
    const double most = fmax(tolerance * size, m->noise) * (1 + DIGITS);
    const double slack = most + HESSE_AUDIT_ROUNDING * size;
    hesse_audit_range(m, "residuals", count, residuals, 0, most);
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (int p = 0; p < q->probes; p++) {
        low = fmin(low, q->nodes[(size_t)p * (size_t)q->steps]);
        high = fmax(high, q->nodes[(size_t)(p + 1) * (size_t)q->steps - 1]);
    }
    if (!has_ritz_values(m)) return;
    if (!(values[0] <= low + slack))
        hesse_audit_wrong(m, "extreme_eigenvalues",
                          "the lowest is %.12g, expected at most the least node, %.12g",
                          values[0], low);
    if (!(values[count - 1] >= high - slack))
        hesse_audit_wrong(m, "extreme_eigenvalues",
                          "the highest is %.12g, expected at least the greatest node, "
                          "%.12g",
                          values[count - 1], high);
}

static void prove_pairs(const hesse_audited *m, const hesse_quadrature *q, size_t count,
                        const double *values)
{
    double *residuals = hesse_audit_some(m, "residuals", count);
    hesse_audit_range(m, "extreme_eigenvalues", count, values, -HUGE_VAL, HUGE_VAL);
    hesse_audit_range(m, "residuals", count, residuals, 0, HUGE_VAL);
    for (size_t i = 1; i < count; i++)
        if (values[i] < values[i - 1])
            hesse_audit_wrong(m, "extreme_eigenvalues",
                              "%.12g comes before %.12g, expected ascending order",
                              values[i - 1], values[i]);
    if (!m->reader->status &&
        hesse_audit_setting(m, "extreme_eigenvalues", "converged") > 0)
        prove_converged(m, q, count, values, residuals);
    hesse_audit_vectors(m);
    free(residuals);
}

static double number(const hesse_audited *m, const char *way, const char *name,
                     double low, size_t probes)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", way, name);
    double *x = hesse_audit_some(m, path, 1);
    if (probes)
        hesse_audit_errors(m, path, 1, x, probes);
    else
        hesse_audit_range(m, path, 1, x, low, HUGE_VAL);
    const double found = x ? *x : 0;
    free(x);
    return found;
}

typedef struct estimates {
    double trace, frobenius;
} estimates;

/* With |z|^2 = n, |z' S z| is at most sqrt(n) |S z|, whose mean is at most the norm; a sketch
   of s vectors has n + s in place of n, since its exact part is at most sqrt(s) |S Q|. */
static estimates prove_estimates(const hesse_audited *m, const char *way, double rows,
                                 size_t probes)
{
    char path[64];
    const estimates e = {number(m, way, "trace", -HUGE_VAL, 0),
                         number(m, way, "frobenius", 0, 0)};
    number(m, way, "trace_error", 0, probes);
    number(m, way, "frobenius_error", 0, probes);
    snprintf(path, sizeof path, "%s/trace", way);
    const double most =
        sqrt(rows) * fmax(e.frobenius, LEAST) * (1 + HESSE_AUDIT_ROUNDING) +
        rows * m->noise;
    hesse_audit_range(m, path, 1, &e.trace, -most, most);
    return e;
}

/* Without a sketch the diagonal is the mean of z_i (S z)_i, whose sum is that of z' S z: the
   trace. With one the difference is the mean of (Q w)' S (z - Q w), at most sqrt(n) times the
   mean of |S (z - Q w)|. The diagonal's 2-norm is at most the mean of |S z|, and with a sketch
   |S Q| more, both at most the norms. */
static void prove_diagonal(const hesse_audited *m, size_t probes,
                           const estimates *plain, const estimates *plus)
{
    const double n = (double)m->n,
                 norms = plain->frobenius + (plus ? plus->frobenius : 0);
    double *x = hesse_audit_some(m, "diagonal", m->n), sum = 0, squares = 0;
    double *errors = hesse_audit_some(m, "diagonal_error", m->n);
    hesse_audit_range(m, "diagonal", m->n, x, -HUGE_VAL, HUGE_VAL);
    hesse_audit_errors(m, "diagonal_error", m->n, errors, probes);
    for (size_t i = 0; x && i < m->n; i++) sum += x[i], squares += x[i] * x[i];
    const double most = fmax(norms, LEAST) * (1 + HESSE_AUDIT_ROUNDING) +
                        (plus ? sqrt(n) * m->noise : 0);
    if (x && !(sqrt(squares) <= most))
        hesse_audit_wrong(m, "diagonal",
                          "its 2-norm is %.12g, expected at most %.12g by the norms",
                          sqrt(squares), most);
    const double trace = plus ? plus->trace : plain->trace;
    const double apart = HESSE_AUDIT_ROUNDING * sqrt(n) * fmax(norms, LEAST) +
                         (plus ? sqrt(n) * plus->frobenius + n * m->noise : 0);
    if (x && !(fabs(sum - trace) <= apart))
        hesse_audit_wrong(m, "diagonal",
                          "its sum is %.12g, expected the trace %.12g to %.2g", sum,
                          trace, apart);
    free(errors);
    free(x);
}

static void prove_hutchinson(const hesse_audited *m)
{
    const double probes = hesse_audit_setting(m, "diagonal", "probes");
    const double sketch = hesse_audit_setting(m, "diagonal", "sketch");
    if (!(probes >= 1 && probes <= INT_MAX && sketch >= 0 && sketch <= (double)m->n))
        hesse_audit_wrong(m, "diagonal",
                          "%g probes and a sketch of %g, expected 1 or more, and at "
                          "most the order",
                          probes, sketch);
    if (m->reader->status) return;
    const size_t count = (size_t)probes;
    const double n = (double)m->n;
    estimates plus = {0};
    const estimates plain = prove_estimates(m, "hutchinson", n, count);
    if (sketch > 0) plus = prove_estimates(m, "hutchpp", n + sketch, count);
    prove_diagonal(m, count, &plain, sketch > 0 ? &plus : NULL);
}

void hesse_audit_unformed(const hesse_audited *m)
{
    hesse_quadrature q = {0};
    size_t pairs = 0;
    double *values = NULL;
    if (read_quadrature(m, &q)) prove_quadrature(m, &q);
    if (hesse_audit_has(m, "extreme_eigenvalues"))
        values = hesse_audit_all(m, "extreme_eigenvalues", &pairs);
    if (values) prove_pairs(m, &q, pairs, values);
    if (hesse_audit_has(m, "diagonal")) prove_hutchinson(m);
    if (!m->reader->status) prove_numbers(m, &q, pairs, values);
    free(values);
    free(q.taken);
    free(q.weights);
    free(q.nodes);
}
