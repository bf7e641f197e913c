/* Figures of a grid of losses. A point whose stencil has a loss that is not finite does
   not count. */
#include "landscape/landscape.h"

#include <math.h>

/* The loss beside the centre of a stencil. */
static double at(const hesse_landscape *x, int i, int j)
{
    return x->loss[(size_t)i * (size_t)x->points[1] + (size_t)j];
}

/* The distance between two points of an axis. */
static double step(const hesse_landscape *x, int axis)
{
    const int last = x->points[axis] - 1;
    return (x->coordinates[axis][last] - x->coordinates[axis][0]) / last;
}

/* Differences of fourth order, for offsets -2 ... 2. */
static const double FIRST[] = {1.0 / 12, -8.0 / 12, 0, 8.0 / 12, -1.0 / 12},
                    SECOND[] = {-1.0 / 12, 16.0 / 12, -30.0 / 12, 16.0 / 12, -1.0 / 12};

static void curvature_of_grid(hesse_landscape *x)
{
    const int a = x->centre[0], b = x->centre[1];
    double h[HESSE_LANDSCAPE_AXES] = {0, 0}, sums[3] = {0, 0, 0};
    for (int i = 0; i < 4; i++) x->of_grid[i] = NAN;
    for (int axis = 0; axis < x->axes; axis++) {
        const int c = x->centre[axis];
        if (c >= 2 && c + 2 < x->points[axis]) h[axis] = step(x, axis);
    }
    for (int k = -2; k <= 2; k++) {
        if (h[0] > 0) sums[0] += SECOND[k + 2] * at(x, a + k, b);
        if (h[1] > 0) sums[1] += SECOND[k + 2] * at(x, a, b + k);
        for (int l = -2; h[0] > 0 && h[1] > 0 && l <= 2; l++)
            if (k && l) sums[2] += FIRST[k + 2] * FIRST[l + 2] * at(x, a + k, b + l);
    }
    if (h[0] > 0) x->of_grid[0] = sums[0] / h[0] / h[0];
    if (h[1] > 0) x->of_grid[3] = sums[1] / h[1] / h[1];
    if (h[0] > 0 && h[1] > 0) x->of_grid[1] = x->of_grid[2] = sums[2] / h[0] / h[1];
}

/* What a point that is not at the border adds to the counts. */
typedef struct counts {
    double points, minima, nonconvex, indefinite;
} counts;

static void count_point(const hesse_landscape *x, int i, int j, counts *c)
{
    const bool two = x->axes == 2;
    const double here = at(x, i, j);
    bool finite = isfinite(here), least = true;
    for (int k = -1; k <= 1; k++)
        for (int l = two ? -1 : 0; l <= (two ? 1 : 0); l++) {
            if (!k && !l) continue;
            const double other = at(x, i + k, j + l);
            finite &= isfinite(other);
            least &= here < other;
        }
    if (!finite) return;
    const double xx = at(x, i + 1, j) - 2 * here + at(x, i - 1, j);
    double yy = 0, xy = 0;
    if (two) {
        yy = at(x, i, j + 1) - 2 * here + at(x, i, j - 1);
        xy = (at(x, i + 1, j + 1) - at(x, i + 1, j - 1) - at(x, i - 1, j + 1) +
              at(x, i - 1, j - 1)) /
             4;
    }
    const bool saddle = two && xx * yy < xy * xy;
    c->points++;
    c->minima += least;
    c->indefinite += saddle;
    c->nonconvex += saddle || xx < 0 || yy < 0;
}

static void count_points(hesse_landscape *x)
{
    const bool two = x->axes == 2;
    counts c = {0};
    for (int i = 1; i + 1 < x->points[0]; i++)
        for (int j = two ? 1 : 0; j + two < x->points[1]; j++) count_point(x, i, j, &c);
    x->minima = c.minima / c.points; /* NaN without points */
    x->nonconvex = c.nonconvex / c.points;
    x->indefinite = two ? c.indefinite / c.points : (double)NAN;
}

void hesse_landscape_measure(hesse_landscape *x)
{
    const size_t points = (size_t)x->points[0] * (size_t)x->points[1];
    double low = INFINITY, high = -INFINITY;
    x->unfinished = 0;
    for (size_t i = 0; i < points; i++) {
        if (isfinite(x->loss[i])) {
            low = fmin(low, x->loss[i]);
            high = fmax(high, x->loss[i]);
        } else {
            x->unfinished++;
        }
    }
    x->range = high - low;
    x->rise = high - at(x, x->centre[0], x->centre[1]);
    count_points(x);
    curvature_of_grid(x);
}
