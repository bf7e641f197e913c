/* At distance k steps from its nearest point, a kernel is exp(-(a (d + k))^2 / 2),
   where a is the step in deviations and d the rest of a step. From one point to the
   next it changes by a ratio, and the ratio changes by a constant ratio. So a point
   costs two products and no exponential. The kernel is summed first and added then,
   which keeps every eigenvalue's mass 1 / n up to rounding, for every bandwidth. */
#include "spectra/density.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

static const double PAST =
    4; /* a grid usually ends this many deviations past the ends */
static const double CUT = 0x1p-53; /* a kernel ends below this fraction of its height */
static const double TINY = 1e-280; /* around 0, steps are still normal numbers */

double hesse_density_scale(const hesse_density *settings,
                           const hesse_eigenvalues *spectrum)
{
    const int n = spectrum->n;
    if (!settings->tenth) return 1;
    const double tenth =
        fabs(spectrum->mass ? spectrum->tenth : spectrum->lambda[n < 10 ? 0 : n - 10]);
    return tenth > 0 ? tenth : 1;
}

/* Return the standard deviation of the kernel. It is never so narrow that neighbouring
   points of the grid would be the same number. */
static double deviation(const hesse_density *settings, double low, double high)
{
    const double size = fmax(fmax(fabs(low), fabs(high)), TINY), range = high - low;
    const double finest = settings->points * DBL_EPSILON * size;
    const double unit = settings->absolute ? 1 : range > 8 * finest ? range : size;
    return fmax(settings->bandwidth * unit, finest);
}

hesse_distance_grid hesse_density_grid(const hesse_density *settings, double low,
                                       double high)
{
    hesse_distance_grid grid = {.points = settings->points};
    grid.bandwidth = deviation(settings, low, high);
    const double past = settings->past > 0 ? settings->past : PAST * grid.bandwidth;
    grid.first = low - past;
    grid.last = high + past;
    grid.step = (grid.last - grid.first) / (grid.points - 1);
    return grid;
}

/* Follow a kernel of height 1 from the point after `near` in one direction. Its first
   ratio is r, and each ratio is q times the one before. Add factor times the kernel to
   the masses, unless they are NULL. Returns the sum. */
static double walk(int points, int near, int direction, double r, double q,
                   double factor, double *masses)
{
    double e = r, sum = 0;
    for (int j = near + direction; j >= 0 && j < points && e >= CUT; j += direction) {
        if (masses) masses[j] += factor * e;
        sum += e;
        r *= q;
        e *= r;
    }
    return sum;
}

static void add_one(const hesse_distance_grid *grid, double x, double mass,
                    double *masses)
{
    const double place = (x - grid->first) / grid->step;
    const double inside = fmin(fmax(nearbyint(place), 0), grid->points - 1);
    const int near = (int)inside;
    const double a = grid->step / grid->bandwidth, d = inside - place;
    const double q = exp(-a * a);
    const double up = exp(-a * a * (d + 0.5)), down = exp(-a * a * (0.5 - d));
    const double sum = 1 + walk(grid->points, near, 1, up, q, 0, NULL) +
                       walk(grid->points, near, -1, down, q, 0, NULL);
    const double factor = mass / sum;
    masses[near] += factor;
    walk(grid->points, near, 1, up, q, factor, masses);
    walk(grid->points, near, -1, down, q, factor, masses);
}

void hesse_density_add(const hesse_distance_grid *grid,
                       const hesse_eigenvalues *spectrum, double scale, double *masses)
{
    for (int i = 0; i < spectrum->n; i++)
        add_one(grid, spectrum->lambda[i] / scale, hesse_mass(spectrum, i), masses);
}

hesse_status hesse_density_check(const hesse_density *settings, bool kernel, int count,
                                 const hesse_eigenvalues *spectra, hesse_why *why)
{
    enum { MOST_POINTS = 1 << 28 };
    if (!settings || !spectra || count < 1)
        return hesse_fail(why, HESSE_E_JOB,
                          "densities of %d spectra, expected settings and at least one",
                          count);
    if (kernel && (settings->points < 2 || settings->points > MOST_POINTS ||
                   !(settings->bandwidth > 0 && isfinite(settings->bandwidth))))
        return hesse_fail(
            why, HESSE_E_JOB,
            "a density on %d points with a bandwidth of %g, expected 2 to "
            "%d points, and a bandwidth above 0",
            settings->points, settings->bandwidth, MOST_POINTS);
    for (int i = 0; i < count; i++) {
        const hesse_eigenvalues *x = &spectra[i];
        if (x->n < 1 || !x->lambda || !isfinite(x->lambda[0]) ||
            !isfinite(x->lambda[x->n - 1]))
            return hesse_fail(why, HESSE_E_JOB,
                              "spectrum %d has %d eigenvalues, expected at least one, "
                              "and finite ones",
                              i, x->n);
    }
    return HESSE_OK;
}

hesse_status hesse_density_of(const hesse_density *settings,
                              const hesse_eigenvalues *spectrum, double *grid,
                              double *values, hesse_why *why)
{
    const hesse_status s = hesse_density_check(settings, true, 1, spectrum, why);
    if (s) return s;
    if (!grid || !values)
        return hesse_fail(why, HESSE_E_JOB, "a density needs a place for its grid");
    const double *lambda = spectrum->lambda;
    const double scale = hesse_density_scale(settings, spectrum);
    const hesse_distance_grid g = hesse_density_grid(settings, lambda[0] / scale,
                                                     lambda[spectrum->n - 1] / scale);
    for (int j = 0; j < g.points; j++) {
        grid[j] = g.first + j * g.step;
        values[j] = 0;
    }
    hesse_density_add(&g, spectrum, scale, values);
    for (int j = 0; j < g.points; j++) values[j] /= g.step;
    return HESSE_OK;
}
