/* Quadrature rules as spectra: sums over nodes with weights approximate means over the
   eigenvalues, probe by probe. The spread of the probes tells the accuracy of such a
   mean. */
#include "hesse/quadrature.h"

#include "hesse/parts.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

hesse_status hesse_quadrature_new(size_t n, int probes, int steps,
                                  hesse_quadrature **quadrature, hesse_why *why)
{
    if (!n || probes < 1 || steps < 1 || !quadrature)
        return hesse_fail(
            why, HESSE_E_JOB,
            "%d probes of %d steps of order %zu, expected at least one of "
            "each",
            probes, steps, n);
    hesse_quadrature *q = hesse_calloc(1, sizeof *q);
    if (q) {
        const size_t count = (size_t)probes, numbers = count * (size_t)steps;
        *q = (hesse_quadrature){.n = n, .probes = probes, .steps = steps};
        q->nodes = hesse_calloc(numbers, sizeof *q->nodes);
        q->weights = hesse_calloc(numbers, sizeof *q->weights);
        q->taken = hesse_calloc(count, sizeof *q->taken);
        for (int end = 0; end < 2; end++) {
            q->extreme[end] = hesse_calloc(count, sizeof(double));
            q->negative[end] = hesse_calloc(count, sizeof(double));
        }
    }
    if (q && q->nodes && q->weights && q->taken && q->extreme[0] && q->extreme[1] &&
        q->negative[0] && q->negative[1]) {
        *quadrature = q;
        return HESSE_OK;
    }
    hesse_quadrature_free(q);
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for %d probes of %d steps",
                      probes, steps);
}

void hesse_quadrature_free(hesse_quadrature *q)
{
    if (!q) return;
    free(q->nodes);
    free(q->weights);
    free(q->taken);
    for (int end = 0; end < 2; end++) {
        free(q->extreme[end]);
        free(q->negative[end]);
    }
    free(q);
}

void hesse_quadrature_moment(const hesse_quadrature *q, int power, double *estimate,
                             double *standard_error)
{
    double mean = 0, squares = 0;
    for (int p = 0; p < q->probes; p++) {
        double moment = 0;
        for (int i = 0; i < q->steps; i++) {
            const size_t at = (size_t)p * (size_t)q->steps + (size_t)i;
            moment += q->weights[at] * pow(q->nodes[at], power);
        }
        /* This is Welford's update: it takes differences before squares. */
        const double far = (double)q->n * moment - mean;
        mean += far / (p + 1);
        squares += far * ((double)q->n * moment - mean);
    }
    *estimate = mean;
    *standard_error =
        q->probes > 1 ? sqrt(squares / (q->probes - 1.0) / q->probes) : NAN;
}

/* The probes' lists are ascending. Each one is merged with those before it, from the
   end. */
void hesse_quadrature_merge(const hesse_quadrature *q, double *nodes, double *masses)
{
    const size_t all = (size_t)q->probes * (size_t)q->steps;
    for (size_t i = 0; i < all; i++) {
        const double node = q->nodes[i], mass = q->weights[i] / q->probes;
        size_t at = i;
        for (; at > 0 && nodes[at - 1] > node; at--)
            nodes[at] = nodes[at - 1], masses[at] = masses[at - 1];
        nodes[at] = node, masses[at] = mass;
    }
}

double hesse_quadrature_tenth(const hesse_quadrature *q)
{
    double sum = 0;
    for (int p = 0; p < q->probes; p++) {
        const int last = q->taken[p] - 1;
        sum += q->nodes[p * q->steps + (last < 9 ? 0 : last - 9)];
    }
    return sum / q->probes;
}

static double norm(size_t n, const double *x)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += x[i] * x[i];
    return sqrt(squares);
}

/* Means over nodes: of |node|, of |node| for negative nodes alone, and of |node| log
   |node|. */
typedef struct sizes {
    double all, negative, logs;
} sizes;

static sizes sizes_of(const hesse_quadrature *q, double floor)
{
    sizes s = {0};
    for (size_t i = 0; i < (size_t)q->probes * (size_t)q->steps; i++) {
        const double size = fabs(q->nodes[i]), mass = q->weights[i] / q->probes;
        if (size <= floor) continue;
        s.all += mass * size;
        s.negative += q->nodes[i] < 0 ? mass * size : 0;
        s.logs += mass * size * log(size);
    }
    return s;
}

/* With p = |lambda| / sum of them, the entropy is - sum p log p = log sum - mean of the
   logs. */
void hesse_measure_quadrature(const hesse_quadrature *q, const double *gradient,
                              hesse_measures *measures)
{
    const double n = (double)q->n;
    double trace, squares, ignored, min = HUGE_VAL, max = -HUGE_VAL;
    hesse_quadrature_moment(q, 1, &trace, &ignored);
    hesse_quadrature_moment(q, 2, &squares, &ignored);
    for (size_t i = 0; i < (size_t)q->probes * (size_t)q->steps; i++) {
        min = fmin(min, q->nodes[i]);
        max = fmax(max, q->nodes[i]);
    }
    const double floor = n * DBL_EPSILON * fmax(fabs(min), fabs(max));
    const sizes s = sizes_of(q, floor);
    *measures = (hesse_measures){
        .trace = trace,
        .frobenius = sqrt(squares),
        .min = min,
        .max = max,
        .condition = NAN,
        .robust_condition = NAN,
        .negative_mass = s.all > 0 ? s.negative / s.all : 0,
        /* It is at least one, which an estimate may miss. */
        .effective_rank = s.all > 0 ? fmax(1, exp(log(n * s.all) - s.logs / s.all)) : 0,
        .trace_per_parameter = trace / n,
        .gradient_norm = norm(q->n, gradient),
        .dominance = NAN,
        .noise_floor = floor,
    };
}

const char *hesse_estimated_text(hesse_estimated why)
{
    static const char *const texts[] = {[HESSE_NOT_ESTIMATED] = "",
                                        [HESSE_ESTIMATED_AS_ASKED] = "as asked",
                                        [HESSE_ESTIMATED_MEMORY] = "memory",
                                        [HESSE_ESTIMATED_TIME] = "time",
                                        [HESSE_ESTIMATED_LIBRARY] = "library limit"};
    return texts[why];
}
