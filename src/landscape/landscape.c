/* Every rank has an objective of its own and computes every size-th point, so that no
   number is a sum over ranks. A point is a few numbers; those of all ranks are put
   together at the end. */
#include "landscape/landscape.h"

#include "base/memory.h"
#include "objective/objective.h"
#include "parallel/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of a point. */
enum { LOSS, GRADIENT, FIRST, SECOND, MIXED, NUMBERS };
enum { MOST_POINTS = 10000000 };

typedef struct work {
    hesse_team *team, *alone;
    hesse_objective *objective; /* of `alone` */
    const hesse_landscape_options *options;
    const hesse_landscape_run *run;
    hesse_landscape *x;
    double *numbers;   /* [X][Y][NUMBERS]; those of other ranks are 0 */
    double *theta, *w; /* [n] of a point, of the network        */
    double *gradient;  /* [n]                                   */
    double *v, *hv;    /* [n][axes]                             */
} work;

static size_t points_of(const hesse_landscape *x)
{
    return (size_t)x->points[0] * (size_t)x->points[1];
}

static double coordinate(const hesse_landscape_axis *a, int i)
{
    const int last = a->points - 1;
    const double at = (a->low * (last - i) + a->high * i) / last;
    return fabs(at) < 1e-12 * (a->high - a->low) ? 0 : at;
}

/* Local. Find the point 0 of an axis. */
static hesse_status check_axis(const hesse_landscape_axis *a, int *centre,
                               hesse_why *why)
{
    if (a->points < 3 || !isfinite(a->low) || !isfinite(a->high) || !(a->low < a->high))
        return hesse_fail(why, HESSE_E_JOB,
                          "an axis from %g to %g with %d points, expected ascending "
                          "ends, and at least 3 points of an axis",
                          a->low, a->high, a->points);
    for (*centre = 0; *centre < a->points; ++*centre)
        if (coordinate(a, *centre) == 0) return HESSE_OK;
    return hesse_fail(why, HESSE_E_JOB,
                      "0 is not among the %d points of an axis from %g to %g; a range "
                      "with 0 in its middle has it if their number is odd",
                      a->points, a->low, a->high);
}

static hesse_status check(const hesse_network *network, const hesse_dataset *dataset,
                          const hesse_landscape_options *o, int centre[],
                          hesse_landscape **x, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    double points = 1;
    if (!network || !dataset || !o || !x || !hesse_network_values(network))
        return hesse_fail(why, HESSE_E_JOB,
                          "a landscape needs a network with parameters, a dataset, "
                          "options and a place");
    if (o->axes < 1 || o->axes > HESSE_LANDSCAPE_AXES)
        return hesse_fail(why, HESSE_E_JOB, "%d directions, expected one or two",
                          o->axes);
    const double n = (double)hesse_network_size(network);
    for (int i = 0; !s && i < o->axes; i++) {
        const hesse_landscape_direction *d = &o->direction[i];
        s = check_axis(&o->axis[i], &centre[i], why);
        points *= o->axis[i].points;
        if (!s && d->origin == HESSE_DIRECTION_EIGENVECTOR &&
            (!d->eigenvector || fabs((double)d->eigenvector) > n))
            s = hesse_fail(why, HESSE_E_JOB,
                           "the direction %s, expected an eigenvector from 1 to %.0f, "
                           "the number of parameters, or from -1 to -%.0f",
                           d->name, n, n);
    }
    if (!s && points > MOST_POINTS)
        s = hesse_fail(why, HESSE_E_JOB,
                       "a grid of %.0f points, expected at most %d; fewer points of an "
                       "axis are enough for it",
                       points, MOST_POINTS);
    return s;
}

/* Local. Allocate the results and the vectors of the work. */
static hesse_status make(work *w, const hesse_network *network, const int centre[],
                         hesse_why *why)
{
    const hesse_landscape_options *o = w->options;
    hesse_landscape *x = w->x = hesse_calloc(1, sizeof *x);
    if (!x) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a landscape");
    const size_t n = x->n = hesse_network_size(network), axes = (size_t)o->axes;
    x->axes = o->axes;
    x->points[0] = o->axis[0].points;
    x->points[1] = o->axes == 2 ? o->axis[1].points : 1;
    for (int i = 0; i < o->axes; i++) x->centre[i] = centre[i];
    const size_t points = points_of(x);
    bool there = true;
    for (int i = 0; i < HESSE_LANDSCAPE_AXES; i++) {
        x->coordinates[i] = hesse_alloc((size_t)x->points[i]);
        there &= x->coordinates[i] != NULL;
        for (int j = 0; i < o->axes && x->coordinates[i] && j < x->points[i]; j++)
            x->coordinates[i][j] = coordinate(&o->axis[i], j);
    }
    x->directions = hesse_alloc(axes * n);
    x->loss = hesse_alloc(points);
    there &= x->directions && x->loss;
    if (o->gradient) there &= (x->gradient_norm = hesse_alloc(points)) != NULL;
    for (int i = 0; o->curvature && i < (o->axes == 2 ? 3 : 1); i++)
        there &= (x->curvature[i] = hesse_alloc(points)) != NULL;
    w->numbers = hesse_alloc(points * NUMBERS);
    w->theta = hesse_alloc(n);
    w->w = hesse_alloc(n);
    w->gradient = hesse_alloc(n);
    w->v = hesse_alloc(axes * n);
    w->hv = hesse_alloc(axes * n);
    there &= w->numbers && w->theta && w->w && w->gradient && w->v && w->hv;
    if (there) memcpy(w->w, hesse_network_values(network), n * sizeof *w->w);
    return there ? HESSE_OK
                 : hesse_fail(why, HESSE_E_NOMEM,
                              "out of memory for a landscape of %zu points and %zu "
                              "parameters",
                              points, n);
}

/* A number that is not finite is a NaN with the same bits everywhere. */
static double finite(double x)
{
    return isfinite(x) ? x + 0.0 : (double)NAN;
}

/* Local. Go to a point of the grid. */
static hesse_status go_to(work *w, size_t point)
{
    const hesse_landscape *x = w->x;
    const size_t n = x->n, columns = (size_t)x->points[1];
    const double a = x->coordinates[0][point / columns],
                 b = x->axes == 2 ? x->coordinates[1][point % columns] : 0;
    const double *d = x->directions;
    for (size_t i = 0; i < n; i++) w->theta[i] = w->w[i] + a * d[i];
    for (size_t i = 0; x->axes == 2 && i < n; i++) w->theta[i] += b * d[n + i];
    return hesse_objective_set_parameters(w->objective, w->theta);
}

/* Local. The curvature along the directions and between them. */
static hesse_status multiply(work *w, double *numbers)
{
    const size_t n = w->x->n, k = (size_t)w->x->axes;
    const double *d = w->x->directions;
    double sums[4] = {0, 0, 0, 0};
    const hesse_status s =
        hesse_objective_product(w->objective, HESSE_ALL, w->x->axes, w->v, w->hv);
    if (s) return s == HESSE_E_NUMERIC ? HESSE_OK : s; /* the others may be finite */
    for (size_t a = 0; a < k; a++)
        for (size_t b = 0; b < k; b++)
            for (size_t i = 0; i < n; i++)
                sums[2 * a + b] += d[a * n + i] * w->hv[i * k + b];
    numbers[FIRST] = finite(sums[0]);
    numbers[SECOND] = finite(sums[3]);
    numbers[MIXED] = finite((sums[1] + sums[2]) / 2);
    return HESSE_OK;
}

/* Local. The loss at the point; and, if products or the gradient follow, the gradient,
   whose sweep leaves what products need. A gradient that is not finite may have a loss
   that is. */
static hesse_status evaluate(work *w, bool gradient, double *loss, double *norm)
{
    double squares = 0;
    if (!gradient) return hesse_objective_loss(w->objective, loss);
    const hesse_status s = hesse_objective_gradient(w->objective, loss, w->gradient);
    if (s == HESSE_E_NUMERIC) return hesse_objective_loss(w->objective, loss);
    for (size_t i = 0; !s && i < w->x->n; i++)
        squares += w->gradient[i] * w->gradient[i];
    if (!s) *norm = sqrt(squares);
    return s;
}

/* Local. Compute the numbers of a point. The centre always has its curvature, to be
   compared with differences. */
static hesse_status compute_point(work *w, size_t point, double *numbers)
{
    const hesse_landscape *x = w->x;
    const size_t centre =
        (size_t)x->centre[0] * (size_t)x->points[1] + (size_t)x->centre[1];
    const bool curvature = w->options->curvature || point == centre;
    double loss = NAN, norm = NAN;
    for (int i = 0; i < NUMBERS; i++) numbers[i] = NAN;
    hesse_status s = go_to(w, point);
    if (!s) s = evaluate(w, w->options->gradient || curvature, &loss, &norm);
    if (s) return s == HESSE_E_NUMERIC && point != centre ? HESSE_OK : s;
    numbers[LOSS] = finite(loss);
    if (w->options->gradient) numbers[GRADIENT] = finite(norm);
    return curvature ? multiply(w, numbers) : HESSE_OK;
}

/* Local. Load the points of this rank, or compute them. */
static hesse_status compute_points(work *w)
{
    const size_t points = points_of(w->x), size = (size_t)w->team->size;
    hesse_checkpoint *checkpoint = w->run->checkpoint;
    hesse_why *why = &w->alone->why;
    hesse_status s = HESSE_OK;
    for (size_t i = (size_t)w->team->rank; !s && i < points; i += size) {
        const hesse_record what = {.kind = HESSE_RECORD_POINT, .first = (int)i};
        double *numbers = w->numbers + i * NUMBERS;
        if (hesse_checkpoint_has(checkpoint, &what, NUMBERS)) {
            s = hesse_checkpoint_load(checkpoint, &what, numbers, why);
        } else {
            s = compute_point(w, i, numbers);
            if (!s) s = hesse_checkpoint_save(checkpoint, &what, NUMBERS, numbers, why);
            if (!s) s = hesse_checkpoint_continue(checkpoint, why);
        }
        if (!s && w->run->progress)
            w->run->progress(w->run->context, "points",
                             (double)(i + 1) / (double)points);
    }
    return s;
}

/* Local. Give every number its place in the results. */
static void place(const work *w)
{
    hesse_landscape *x = w->x;
    const size_t points = points_of(x);
    const size_t centre =
        (size_t)x->centre[0] * (size_t)x->points[1] + (size_t)x->centre[1];
    const double *c = w->numbers + centre * NUMBERS;
    for (size_t i = 0; i < points; i++) {
        const double *numbers = w->numbers + i * NUMBERS;
        x->loss[i] = numbers[LOSS];
        if (x->gradient_norm) x->gradient_norm[i] = numbers[GRADIENT];
        for (int j = 0; j < 3; j++)
            if (x->curvature[j]) x->curvature[j][i] = numbers[FIRST + j];
    }
    x->exact[0] = c[FIRST], x->exact[3] = c[SECOND];
    x->exact[1] = x->exact[2] = c[MIXED];
}

/* Collective. Rank 0 finds the directions for all. */
static hesse_status find_directions(work *w)
{
    hesse_landscape *x = w->x;
    hesse_status s = HESSE_OK;
    if (w->team->rank == 0)
        s = hesse_landscape_find_directions(w->objective, w->options, w->run, x,
                                            &w->team->why);
    s = hesse_agree(w->team, s);
    if (s) return s;
    const size_t k = (size_t)x->axes;
    hesse_team_broadcast(w->team, 0, x->directions, k * x->n * sizeof(double));
    hesse_team_broadcast(w->team, 0, x->norm, sizeof x->norm);
    hesse_team_broadcast(w->team, 0, &x->cosine, sizeof x->cosine);
    for (size_t a = 0; a < k; a++)
        for (size_t i = 0; i < x->n; i++) w->v[i * k + a] = x->directions[a * x->n + i];
    return HESSE_OK;
}

hesse_status hesse_landscape_compute_with(hesse_team *team,
                                          const hesse_network *network,
                                          const hesse_dataset *dataset,
                                          const hesse_landscape_options *options,
                                          const hesse_landscape_run *run,
                                          hesse_landscape **landscape)
{
    if (!team) return HESSE_E_JOB;
    work w = {.team = team, .options = options, .run = run};
    int centre[HESSE_LANDSCAPE_AXES] = {0, 0};
    hesse_status s = check(network, dataset, options, centre, landscape, &team->why);
    if (!s) s = make(&w, network, centre, &team->why);
    s = hesse_agree(team, s);
    if (!s) s = hesse_team_split(team, team->rank, &w.alone);
    if (!s) {
        s = hesse_objective_new(w.alone, network, dataset, &options->objective,
                                &w.objective);
        if (s) team->why = w.alone->why;
        s = hesse_agree(team, s);
    }
    if (!s) s = find_directions(&w);
    if (!s) {
        s = compute_points(&w);
        if (s) team->why = w.alone->why;
        s = hesse_agree(team, s);
    }
    if (!s) {
        hesse_team_sum(team, w.numbers, points_of(w.x) * NUMBERS);
        place(&w);
        hesse_landscape_measure(w.x);
    }
    hesse_objective_free(w.objective);
    if (w.alone) hesse_team_free(w.alone);
    free(w.numbers);
    free(w.theta);
    free(w.w);
    free(w.gradient);
    free(w.v);
    free(w.hv);
    if (s) hesse_landscape_free(w.x);
    if (landscape) *landscape = s ? NULL : w.x;
    return s;
}

hesse_status hesse_landscape_compute(hesse_team *team, const hesse_network *network,
                                     const hesse_dataset *dataset,
                                     const hesse_landscape_options *options,
                                     hesse_landscape **landscape)
{
    return hesse_landscape_compute_with(team, network, dataset, options,
                                        &(hesse_landscape_run){0}, landscape);
}

void hesse_landscape_free(hesse_landscape *x)
{
    if (!x) return;
    for (int i = 0; i < HESSE_LANDSCAPE_AXES; i++) free(x->coordinates[i]);
    for (int i = 0; i < 3; i++) free(x->curvature[i]);
    free(x->directions);
    free(x->loss);
    free(x->gradient_norm);
    free(x);
}
