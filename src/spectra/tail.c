/* Every positive eigenvalue is a candidate for x_min. The distance of a candidate is
   computed until it passes the smallest one that is known, and most candidates fail
   early. Logarithms are taken once, so that a candidate takes one exponential for each
   eigenvalue. */
#include "hesse/tail.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Return the Kolmogorov-Smirnov distance of k ascending logarithms and the power law
   from the first of them on, or a number above `limit` if it is larger. Equal
   eigenvalues are one jump. */
static double distance(size_t k, const double *log_x, double exponent, double limit)
{
    double worst = 0;
    for (size_t i = 0; i < k && worst <= limit;) {
        size_t next = i + 1;
        while (next < k && !(log_x[next] > log_x[i])) next++;
        const double law = -expm1((1 - exponent) * (log_x[i] - log_x[0]));
        const double before = law - (double)i / (double)k;
        const double after = (double)next / (double)k - law;
        worst = fmax(worst, fmax(before, after));
        i = next;
    }
    return worst;
}

hesse_status hesse_tail_fit(int n, const double *eigenvalues, hesse_precision precision,
                            hesse_tail *tail, hesse_why *why)
{
    double *log_x = hesse_alloc((size_t)n);
    *tail = (hesse_tail){NAN, NAN, NAN, NAN};
    if (!log_x)
        return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a tail of %d values",
                          n);
    const double floor = hesse_noise_floor(n, eigenvalues, precision);
    int first = n;
    while (first > 0 && eigenvalues[first - 1] > floor) first--;
    for (int i = first; i < n; i++) log_x[i] = log(eigenvalues[i]);
    double above = 0, best = HUGE_VAL; /* above: the sum of ln(x_j / x_i) from i on */
    for (int i = n - 1; i >= first; i--) {
        const size_t k = (size_t)(n - i);
        if (k > 1) above += (double)(k - 1) * (log_x[i + 1] - log_x[i]);
        if (i > first && !(log_x[i] > log_x[i - 1]))
            continue; /* an equal one follows */
        const double exponent = 1 + (double)k / above;
        if (!(above > 0 && isfinite(exponent))) continue;
        const double found = distance(k, log_x + i, exponent, best);
        if (found < best) {
            best = found;
            *tail = (hesse_tail){exponent, eigenvalues[i], (double)k, found};
        }
    }
    free(log_x);
    return HESSE_OK;
}
