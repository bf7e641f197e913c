/* A spectrum is checked: its sum is the trace, and its sum of squares is the squared
   Frobenius norm of the matrix. Both are taken from the matrix before any solver
   changes it. */
#include "hesse/spectrum.h"

#include "base/real.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* By precision. */
static const double SYMMETRY_BOUND[] = {1e-11, 1e-4};

static const double RESIDUAL_BOUND = 1e-11;

/* Sums of squares below this have lost digits to underflow. */
static const double LEAST_SQUARES = 1e-280;

const char *hesse_engine_name(hesse_engine engine)
{
    static const char *const names[HESSE_ENGINES] = {"auto", "lapack", "scalapack",
                                                     "elpa", "band",   "small"};
    return (size_t)engine < HESSE_ENGINES ? names[engine] : "unknown";
}

bool hesse_engine_serves_single(hesse_engine engine)
{
    return engine == HESSE_ENGINE_AUTO || engine == HESSE_ENGINE_BAND ||
           engine == HESSE_ENGINE_SMALL;
}

hesse_status hesse_spectrum_new(int n, int k, hesse_spectrum **spectrum, hesse_why *why)
{
    if (n < 1 || k < 0 || !spectrum)
        return hesse_fail(why, HESSE_E_JOB,
                          "a spectrum of order %d with %d eigenvectors at each end", n,
                          k);
    hesse_spectrum *s = hesse_calloc(1, sizeof *s);
    const int vectors = k > n / 2 ? n : 2 * k;
    if (s) {
        s->n = n, s->vectors = vectors;
        if (HESSE_REALS_DIFFER) s->precision = HESSE_PRECISION_SINGLE;
        s->eigenvalues = hesse_alloc(n);
        if (vectors) {
            s->eigenvectors = hesse_alloc((size_t)vectors * n);
            s->residuals = hesse_alloc(vectors);
        }
    }
    if (!s || !s->eigenvalues || (vectors && (!s->eigenvectors || !s->residuals))) {
        hesse_spectrum_free(s);
        return hesse_fail(why, HESSE_E_NOMEM,
                          "spectrum: no memory for %d eigenvalues and %d eigenvectors",
                          n, vectors);
    }
    *spectrum = s;
    return HESSE_OK;
}

void hesse_spectrum_free(hesse_spectrum *spectrum)
{
    if (!spectrum) return;
    free(spectrum->residuals);
    free(spectrum->eigenvectors);
    free(spectrum->eigenvalues);
    free(spectrum);
}

double hesse_noise_floor(int n, const double *eigenvalues, hesse_precision precision)
{
    const double eps =
        precision == HESSE_PRECISION_SINGLE ? (double)FLT_EPSILON : DBL_EPSILON;
    return n * eps * fmax(fabs(eigenvalues[0]), fabs(eigenvalues[n - 1]));
}

double hesse_check_bound(int n, hesse_precision precision)
{
    if (precision == HESSE_PRECISION_SINGLE) return 64 * (double)FLT_EPSILON * sqrt(n);
    return fmax(64 * DBL_EPSILON * n, 1e-13 * sqrt(n));
}

bool hesse_checks_hold(int n, hesse_precision precision, double check_trace,
                       double check_frobenius, double check_symmetry)
{
    const double bound = hesse_check_bound(n, precision);
    return check_trace <= bound && check_frobenius <= bound &&
           check_symmetry <= SYMMETRY_BOUND[precision];
}

static hesse_status check_values(const hesse_spectrum *s, const hesse_sums *sums,
                                 const char *what, hesse_why *why)
{
    for (int i = 0; i < s->n; i++) {
        if (!isfinite(s->eigenvalues[i]))
            return hesse_fail(why, HESSE_E_NUMERIC, "%s: eigenvalue %d of %d is %g",
                              what, i + 1, s->n, s->eigenvalues[i]);
        if (i && s->eigenvalues[i] < s->eigenvalues[i - 1])
            return hesse_fail(why, HESSE_E_NUMERIC,
                              "%s: eigenvalues %d and %d of %d are not in order", what,
                              i, i + 1, s->n);
    }
    if (!isfinite(sums->trace) || !isfinite(sums->squares) || !isfinite(sums->abs))
        return hesse_fail(
            why, HESSE_E_NUMERIC,
            "%s: trace %g, sum of squares %g and sum of absolute entries %g"
            " are not all finite",
            what, sums->trace, sums->squares, sums->abs);
    return HESSE_OK;
}

/* 0 / 0 is 0, because zero eigenvalues of a zero matrix are right. */
static double relative(double defect, double size)
{
    return defect == 0 ? 0 : fabs(defect) / size;
}

/* The sums are long double, so that summing adds nothing to the measured error. */
static void fill_checks(hesse_spectrum *s, const hesse_sums *sums)
{
    long double sum = 0, squares = 0;
    for (int i = 0; i < s->n; i++) {
        const long double x = s->eigenvalues[i];
        sum += x;
        squares += x * x;
    }
    const bool underflow = sums->squares < LEAST_SQUARES;
    const double norm = underflow ? sums->abs : sqrt(sums->squares);
    s->check_trace = relative((double)(sum - sums->trace), norm);
    s->check_frobenius =
        underflow ? 0 : relative((double)(squares - sums->squares), sums->squares);
}

/* A NaN counts as out of bounds. */
static hesse_status judge(const char *what, const char *check, double value,
                          double bound, hesse_why *why)
{
    if (value <= bound) return HESSE_OK;
    return hesse_fail(why, HESSE_E_NUMERIC, "%s: %s is off by %.2e, bound %.2e", what,
                      check, value, bound);
}

hesse_status hesse_spectrum_check(hesse_spectrum *spectrum, const hesse_sums *sums,
                                  const char *what, hesse_why *why)
{
    if (!spectrum || !sums || !what)
        return hesse_fail(why, HESSE_E_JOB,
                          "a proof needs a spectrum, sums and a name");
    hesse_status s = check_values(spectrum, sums, what, why);
    if (s) return s;
    fill_checks(spectrum, sums);
    const int n = spectrum->n;
    const double bound = hesse_check_bound(n, spectrum->precision);
    const double largest =
        fmax(fabs(spectrum->eigenvalues[0]), fabs(spectrum->eigenvalues[n - 1]));
    s = judge(what, "sum of eigenvalues against the trace, by the Frobenius norm,",
              spectrum->check_trace, bound, why);
    if (!s)
        s = judge(what, "sum of squared eigenvalues against the squared Frobenius norm",
                  spectrum->check_frobenius, bound, why);
    if (!s)
        s = judge(what, "symmetry, by the Frobenius norm,", spectrum->check_symmetry,
                  SYMMETRY_BOUND[spectrum->precision], why);
    for (int v = 0; spectrum->residuals && v < spectrum->vectors && !s; v++)
        s = judge(what, "residual of an eigenvector", spectrum->residuals[v],
                  RESIDUAL_BOUND * sqrt(n) * largest, why);
    return s;
}
