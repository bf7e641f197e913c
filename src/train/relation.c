/* A fit and correlations of two columns. Sums are of deviations from the means, so that
   columns with a large mean and a small spread lose no digits. */
#include "train/relation.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Means, and sums of products of deviations. Sums of a constant column are 0 without
   rounding. */
typedef struct moments {
    double x, y, xx, xy, yy;
} moments;

static moments moments_of(size_t count, const double *x, const double *y)
{
    moments m = {0};
    double u = 0, v = 0; /* means of the differences from the first row */
    const double n = (double)count;
    for (size_t i = 0; i < count; i++) u += (x[i] - x[0]) / n, v += (y[i] - y[0]) / n;
    for (size_t i = 0; i < count; i++) {
        const double a = x[i] - x[0] - u, b = y[i] - y[0] - v;
        m.xx += a * a, m.xy += a * b, m.yy += b * b;
    }
    if (count) m.x = x[0] + u, m.y = y[0] + v;
    return m;
}

static double correlation(size_t count, const double *x, const double *y)
{
    const moments m = moments_of(count, x, y);
    const double spread = sqrt(m.xx) * sqrt(m.yy);
    return count > 2 && spread > 0 ? m.xy / spread : NAN;
}

static int ascending(const void *a, const void *b)
{
    const double x = **(const double *const *)a, y = **(const double *const *)b;
    return (x > y) - (x < y);
}

/* Replace values by their ranks.
   order  room for `count` pointers. */
static void rank(size_t count, double *values, double **order)
{
    for (size_t i = 0; i < count; i++) order[i] = values + i;
    qsort(order, count, sizeof *order, ascending);
    for (size_t first = 0, end; first < count; first = end) {
        const double value = *order[first];
        for (end = first; end < count && *order[end] == value; end++) continue;
        for (size_t i = first; i < end; i++) *order[i] = (double)(first + end - 1) / 2;
    }
}

hesse_status hesse_relation_find(size_t rows, size_t stride, const double *x,
                                 const double *y, hesse_relation *relation,
                                 hesse_why *why)
{
    double *a = hesse_alloc(2 * rows + 1), *b = a + rows;
    double **order = hesse_calloc(rows + 1, sizeof *order);
    size_t count = 0, positive = 0;
    hesse_status s = HESSE_OK;
    *relation = (hesse_relation){NAN, NAN, NAN, NAN};
    if (!a || !order) {
        s = hesse_fail(why, HESSE_E_NOMEM, "out of memory to relate two measures");
    } else {
        for (size_t i = 0; i < rows; i++) {
            const double u = x[i * stride], v = y[i * stride];
            if (u > 0 && v > 0) a[positive] = log(u), b[positive++] = log(v);
        }
        relation->logarithms = correlation(positive, a, b);
        for (size_t i = 0; i < rows; i++) {
            const double u = x[i * stride], v = y[i * stride];
            if (!isnan(u) && !isnan(v)) a[count] = u, b[count++] = v;
        }
        const moments m = moments_of(count, a, b);
        if (count > 2 && m.xx > 0) {
            relation->slope = m.xy / m.xx;
            relation->constant = m.y - relation->slope * m.x;
        }
        rank(count, a, order);
        rank(count, b, order);
        relation->ranks = correlation(count, a, b);
    }
    free(order);
    free(a);
    return s;
}
