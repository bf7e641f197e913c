/* Let h be the sum of x log x. Then JS(p, q) = (h(p) + h(q)) / 2 - h((p + q) / 2). This
   takes one logarithm for each pair and point, and none if the two spectra do not
   overlap. It is exactly 0 for equal spectra, because the same terms are summed in the
   same order. */
#include "hesse/distance.h"

#include "base/memory.h"
#include "base/simd.h"
#include "spectra/density.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_BINS = 64, LANES = 8 };

static const double LOG_FLOOR = 1e-12, LN2 = 0.69314718055994530942;

static const char *const NAMES[HESSE_DISTANCES] = {"js", "js_distance", "js_raw",
                                                   "js_log", "wasserstein"};

const char *hesse_distance_name(hesse_distance d)
{
    return (unsigned)d < HESSE_DISTANCES ? NAMES[d] : "unknown";
}

hesse_distance hesse_distance_named(const char *name)
{
    int d = name ? 0 : HESSE_DISTANCES;
    while (d < HESSE_DISTANCES && strcmp(NAMES[d], name) != 0) d++;
    return (hesse_distance)d;
}

static int whole_lanes(int points)
{
    return (points + LANES - 1) / LANES * LANES;
}

/* A spectrum as masses that sum to 1 on points of the grid. The masses outside of first
   ... end - 1 are 0, and both indices are multiples of LANES. */
typedef struct masses {
    double *at;
    int first, end;
    double h; /* sum of x log x */
} masses;

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* log x of a normal number without branches, so that a loop over it vectorises:
   x = 2^e m with m in [1 / sqrt 2, sqrt 2), and log m = 2 artanh((m - 1) / (m + 1)). */
HESSE_INLINE double log_of_normal(double x)
{
    const uint64_t root = 0x3fe6a09e667f3bcd, one = (uint64_t)1023 << 52;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t e = (bits - root + one) >> 52; /* plus 1023 */
    const double m = from_bits(bits - (e << 52) + one);
    const double s = (m - 1) / (m + 1), z = s * s;
    double series = 1.0 / 21;
    for (int k = 19; k >= 1; k -= 2) series = series * z + 1.0 / k;
    return (from_bits(e | 0x4330000000000000) - (0x1p52 + 1023)) * LN2 + 2 * s * series;
}

/* Return the sum of x log x for x = (p + q) / 2. The least normal number is added so
   that 0 log 0 = 0. This does not change any mass that counts. */
HESSE_SIMD static double h_of_mean(const double *p, const double *q, int first, int end)
{
    double part[LANES] = {0}, sum = 0;
    for (int j = first; j < end; j += LANES)
        for (int k = 0; k < LANES; k++) {
            const double x = (p[j + k] + q[j + k]) / 2;
            part[k] += x * log_of_normal(x + DBL_MIN);
        }
    for (int k = 0; k < LANES; k++) sum += part[k];
    return sum;
}

static void summarise(masses *m, int length)
{
    m->first = 0, m->end = length;
    while (m->first < length && m->at[m->first] == 0) m->first++;
    while (m->end > m->first && m->at[m->end - 1] == 0) m->end--;
    m->first = m->first / LANES * LANES, m->end = whole_lanes(m->end);
    m->h = h_of_mean(m->at, m->at, m->first, m->end);
}

static double js(const masses *p, const masses *q)
{
    const int first = p->first < q->first ? p->first : q->first;
    const int end = p->end > q->end ? p->end : q->end;
    if (p->end <= q->first || q->end <= p->first) return LN2;
    const double h = h_of_mean(p->at, q->at, first, end);
    return fmin(fmax((p->h + q->h) / 2 - h, 0), LN2);
}

static double log_of(double lambda)
{
    return log(fmax(lambda, 0) + LOG_FLOOR);
}

static void add_to_bins(const hesse_distance_grid *grid, const hesse_eigenvalues *s,
                        double scale, double *bins)
{
    for (int i = 0; i < s->n; i++) {
        const double x = log_of(s->lambda[i] / scale);
        const double place = grid->step > 0 ? (x - grid->first) / grid->step : 0;
        bins[(int)fmin(place, LOG_BINS - 1)] += hesse_mass(s, i);
    }
}

/* Find the least and the largest of all eigenvalues. */
static void ends_of(const hesse_density *settings, int blocks,
                    const hesse_eigenvalues *spectra, double *low, double *high)
{
    *low = HUGE_VAL, *high = -HUGE_VAL;
    for (int b = 0; b < blocks; b++) {
        const hesse_eigenvalues *s = &spectra[b];
        const double scale = hesse_density_scale(settings, s);
        *low = fmin(*low, s->lambda[0] / scale);
        *high = fmax(*high, s->lambda[s->n - 1] / scale);
    }
}

/* Return the grid that all spectra share. */
static hesse_distance_grid common_grid(hesse_distance distance,
                                       const hesse_density *settings, double low,
                                       double high)
{
    if (distance != HESSE_JS_LOG) return hesse_density_grid(settings, low, high);
    hesse_distance_grid grid = {.points = LOG_BINS};
    grid.first = log_of(low), grid.last = log_of(high);
    grid.step = (grid.last - grid.first) / LOG_BINS;
    return grid;
}

static double reading(hesse_distance distance, double divergence, double step)
{
    if (distance == HESSE_JS_DISTANCE) return sqrt(divergence);
    if (distance == HESSE_JS_RAW) return divergence / step;
    return divergence;
}

/* Fill the lower triangle with divergences. `all` has blocks x whole lanes of points,
   all zero. */
static void js_pairs(hesse_distance distance, const hesse_density *settings, int blocks,
                     const hesse_eigenvalues *spectra, const hesse_distance_grid *grid,
                     double *all, masses *list, double *matrix)
{
    const int length = whole_lanes(grid->points);
    for (int a = 0; a < blocks; a++) {
        const hesse_eigenvalues *s = &spectra[a];
        const double scale = hesse_density_scale(settings, s);
        list[a].at = all + (size_t)a * length;
        if (distance == HESSE_JS_LOG)
            add_to_bins(grid, s, scale, list[a].at);
        else
            hesse_density_add(grid, s, scale, list[a].at);
        summarise(&list[a], length);
        for (int b = 0; b < a; b++)
            matrix[(size_t)a * blocks + b] =
                reading(distance, js(&list[a], &list[b]), grid->step);
    }
}

/* Return the distribution function at atom i, from its value below the atom. Without
   masses it is not a sum of rounded numbers. */
static double up_to(const hesse_eigenvalues *s, int i, double below)
{
    return s->mass ? below + s->mass[i] : (i + 1) * (1.0 / s->n);
}

/* Return the integral of |F - G| from atom to atom. F and G are the distribution
   functions. */
static double wasserstein(const hesse_eigenvalues *a, double scale_a,
                          const hesse_eigenvalues *b, double scale_b)
{
    const double unit_a = 1 / scale_a, unit_b = 1 / scale_b;
    double total = 0, x = fmin(a->lambda[0] * unit_a, b->lambda[0] * unit_b);
    double f = 0, g = 0; /* the mass of each below x */
    int i = 0, j = 0;
    while (i < a->n && j < b->n) {
        const double u = a->lambda[i] * unit_a, v = b->lambda[j] * unit_b;
        const double next = u <= v ? u : v;
        total += fabs(f - g) * (next - x);
        x = next;
        if (u <= v)
            f = up_to(a, i++, f);
        else
            g = up_to(b, j++, g);
    }
    for (; i < a->n; i++) {
        total += (1 - f) * (a->lambda[i] * unit_a - x);
        x = a->lambda[i] * unit_a, f = up_to(a, i, f);
    }
    for (; j < b->n; j++) {
        total += (1 - g) * (b->lambda[j] * unit_b - x);
        x = b->lambda[j] * unit_b, g = up_to(b, j, g);
    }
    return total;
}

static void wasserstein_pairs(const hesse_density *settings, int blocks,
                              const hesse_eigenvalues *spectra, double *matrix)
{
    for (int a = 0; a < blocks; a++) {
        const hesse_eigenvalues *p = &spectra[a];
        const double scale = hesse_density_scale(settings, p);
        for (int b = 0; b < a; b++) {
            const hesse_eigenvalues *q = &spectra[b];
            matrix[(size_t)a * blocks + b] =
                wasserstein(p, scale, q, hesse_density_scale(settings, q));
        }
    }
}

/* Copy the lower triangle to the upper one. Return the mean of the lower one. */
static double mirror(int blocks, double *matrix)
{
    double sum = 0;
    for (int a = 0; a < blocks; a++) {
        matrix[(size_t)a * blocks + a] = 0;
        for (int b = 0; b < a; b++) {
            const double d = matrix[(size_t)a * blocks + b];
            matrix[(size_t)b * blocks + a] = d;
            sum += d;
        }
    }
    return blocks > 1 ? sum / (0.5 * blocks * (blocks - 1.0)) : 0;
}

hesse_status hesse_distances(hesse_distance distance, const hesse_density *settings,
                             int blocks, const hesse_eigenvalues *spectra,
                             double *matrix, double *mean, hesse_distance_grid *grid,
                             hesse_why *why)
{
    const bool kernel = distance != HESSE_WASSERSTEIN && distance != HESSE_JS_LOG;
    if ((unsigned)distance >= HESSE_DISTANCES || !matrix || !mean || !grid)
        return hesse_fail(why, HESSE_E_JOB,
                          "distance %d: expected one of %d, and places for results",
                          (int)distance, HESSE_DISTANCES);
    const hesse_status s = hesse_density_check(settings, kernel, blocks, spectra, why);
    if (s) return s;
    *grid = (hesse_distance_grid){0};
    if (distance == HESSE_WASSERSTEIN) {
        wasserstein_pairs(settings, blocks, spectra, matrix);
    } else {
        double low, high;
        ends_of(settings, blocks, spectra, &low, &high);
        *grid = common_grid(distance, settings, low, high);
        double *all = hesse_alloc((size_t)blocks * whole_lanes(grid->points));
        masses *list = hesse_calloc(blocks, sizeof *list);
        const bool room = all && list;
        if (room && low == high) /* all eigenvalues are equal, as for zero matrices */
            memset(matrix, 0, (size_t)blocks * blocks * sizeof *matrix);
        else if (room)
            js_pairs(distance, settings, blocks, spectra, grid, all, list, matrix);
        free(list);
        free(all);
        if (!room)
            return hesse_fail(
                why, HESSE_E_NOMEM,
                "distances: no memory for the densities of %d blocks on %d"
                " points",
                blocks, grid->points);
    }
    *mean = mirror(blocks, matrix);
    return HESSE_OK;
}
