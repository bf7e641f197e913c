/* Measures describe a spectrum by one number each. Eigenvalues below n eps max
   |eigenvalue| are rounding: they have no sign, and the condition number leaves them
   out. A median that is rounding counts as 0. */
#include "hesse/spectrum.h"

#include <math.h>

/* Return the largest over the smallest |eigenvalue| above the floor, or NaN if there is
   none. */
static double condition(int n, const double *lambda, double floor)
{
    double least = HUGE_VAL, greatest = 0;
    for (int i = 0; i < n; i++) {
        const double size = fabs(lambda[i]);
        if (size > floor) least = fmin(least, size), greatest = fmax(greatest, size);
    }
    return greatest > 0 ? greatest / least : NAN;
}

/* Return the largest eigenvalue over the lower median of |eigenvalue|. A walk from 0 to
   both ends meets the absolute values in ascending order. */
static double robust_condition(int n, const double *lambda, double floor)
{
    double median = 0;
    int right = 0;
    while (right < n && lambda[right] < 0) right++;
    int left = right - 1;
    for (int i = 0; i <= (n - 1) / 2; i++)
        if (right == n || (left >= 0 && -lambda[left] < lambda[right]))
            median = -lambda[left--];
        else
            median = lambda[right++];
    if (median > floor) return lambda[n - 1] / median;
    return lambda[n - 1] > floor ? HUGE_VAL : NAN;
}

static double negative_mass(int n, const double *lambda, double floor)
{
    double negative = 0, all = 0;
    for (int i = 0; i < n; i++) {
        const double size = fabs(lambda[i]);
        if (size <= floor) continue;
        all += size;
        if (lambda[i] < 0) negative += size;
    }
    return all > 0 ? negative / all : 0;
}

static double effective_rank(int n, const double *lambda)
{
    double sum = 0, entropy = 0;
    for (int i = 0; i < n; i++) sum += fabs(lambda[i]);
    if (sum == 0) return 0;
    for (int i = 0; i < n; i++) {
        const double p = fabs(lambda[i]) / sum;
        if (p > 0) entropy -= p * log(p);
    }
    return exp(entropy);
}

static double norm(int n, const double *x)
{
    double squares = 0;
    for (int i = 0; i < n; i++) squares += x[i] * x[i];
    return sqrt(squares);
}

void hesse_measure(const hesse_spectrum *spectrum, const hesse_sums *sums,
                   const double *gradient, hesse_measures *measures)
{
    const int n = spectrum->n;
    const double *lambda = spectrum->eigenvalues;
    const double min = lambda[0], max = lambda[n - 1];
    const double floor = hesse_noise_floor(n, lambda, spectrum->precision);
    *measures = (hesse_measures){
        .trace = sums->trace,
        .frobenius = sqrt(sums->squares),
        .min = min,
        .max = max,
        .condition = condition(n, lambda, floor),
        .robust_condition = robust_condition(n, lambda, floor),
        .negative_mass = negative_mass(n, lambda, floor),
        .effective_rank = effective_rank(n, lambda),
        .trace_per_parameter = sums->trace / n,
        .gradient_norm = norm(n, gradient),
        .dominance = sums->abs > 0 ? sums->abs_diagonal / sums->abs : NAN,
        .noise_floor = floor,
    };
}
