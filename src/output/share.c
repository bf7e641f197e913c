/* Rank 0 writes the results of one share of the Hessian: numbers of the blocks,
   spectra, distances. A share that is not the Hessian itself is written below
   parts/SHARE/. */
#include "base/memory.h"
#include "output/result.h"
#include "output/series.h"
#include "output/store.h"
#include "parallel/team.h"
#include "spectra/density.h"
#include "spectra/inertia.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    hesse_store *store;
    char prefix[HESSE_PATH]; /* "" or "parts/SHARE/" */
    const hesse_block_table *blocks;
    const hesse_share_results *share;
    const hesse_density *density;
} writer;

/* `where` is the beginning of a path, with its slash. */
static void write_doubles(const writer *w, const char *where, const char *name,
                          bool scaled, int rank, const size_t *shape,
                          const double *values)
{
    char path[HESSE_PATH];
    hesse_store_path(w->store, path, "%s%s", where, name);
    if (w->store->status) return;
    const hesse_set set = hesse_schema_set(path, scaled);
    hesse_store_doubles(w->store, &set, rank, shape, values);
}

static void write_texts(const writer *w, const char *where, const char *name, int rank,
                        const size_t *shape, const char *const *values)
{
    char path[HESSE_PATH];
    hesse_store_path(w->store, path, "%s%s", where, name);
    if (w->store->status) return;
    const hesse_set set = hesse_schema_set(path, false);
    hesse_store_texts(w->store, &set, rank, shape, values);
}

static void write_wholes(const writer *w, const char *where, const char *name, int rank,
                         const size_t *shape, const int *numbers)
{
    char path[HESSE_PATH];
    const size_t count = shape[0] * (rank > 1 ? shape[1] : 1);
    int64_t *wholes = hesse_calloc(count, sizeof *wholes);
    hesse_store_path(w->store, path, "%s%s", where, name);
    for (size_t i = 0; wholes && i < count; i++) wholes[i] = numbers[i];
    if (!wholes) hesse_store_no_memory(w->store);
    if (!w->store->status) {
        const hesse_set set = hesse_schema_set(path, false);
        hesse_store_wholes(w->store, &set, rank, shape, wholes);
    }
    free(wholes);
}

/* The results of a matrix, exact or estimated; block `count` is the full matrix. */
typedef struct found {
    const hesse_spectrum *spectrum;
    const hesse_quadrature *quadrature;
    const hesse_extremes *extremes;     /* NULL if they were not wanted */
    const hesse_hutchinson *hutchinson; /* the same                        */
    const hesse_measures *measures;
    hesse_errors errors;
    const char *estimated; /* the reason in words; "no" */
} found;

/* Returns true if block b has results. */
static bool find(const writer *w, size_t b, found *x)
{
    const hesse_share_results *p = w->share;
    const bool whole = b == (size_t)w->blocks->count;
    *x = (found){.measures = &p->measures[b], .estimated = "no"};
    if (p->estimated && p->estimated[b])
        x->estimated = hesse_estimated_text(p->estimated[b]);
    x->spectrum = whole ? p->full : p->spectra ? p->spectra[b] : NULL;
    x->quadrature = p->quadratures ? p->quadratures[b] : NULL;
    x->extremes = p->extremes ? p->extremes[b] : NULL;
    x->hutchinson = p->hutchinson ? p->hutchinson[b] : NULL;
    if (!x->spectrum && !x->quadrature) return false;
    x->errors = hesse_schema_errors(x->spectrum, x->quadrature);
    return true;
}

static const char *method_of(const found *x)
{
    return x->spectrum ? "exact" : x->quadrature ? "lanczos" : "none";
}

static const char *engine_of(const found *x)
{
    return x->spectrum ? hesse_engine_name(x->spectrum->engine) : method_of(x);
}

static double number_of(const found *x, int column)
{
    return hesse_schema_value(column, x->spectrum, x->measures, &x->errors);
}

double hesse_share_number(const hesse_share_results *share, int block, int column)
{
    const hesse_block_table blocks = {.count = share->blocks};
    const writer w = {.blocks = &blocks, .share = share};
    found x;
    return find(&w, (size_t)block, &x) ? number_of(&x, column) : NAN;
}

static void write_methods(const writer *w, const char *where)
{
    const size_t count = w->blocks->count;
    const char **texts = hesse_calloc(3 * count, sizeof *texts);
    if (!texts) {
        hesse_store_no_memory(w->store);
        return;
    }
    for (size_t b = 0; b < count; b++) {
        found x;
        find(w, b, &x);
        texts[b] = method_of(&x), texts[count + b] = engine_of(&x);
        texts[2 * count + b] = x.estimated;
    }
    write_texts(w, where, "method", 1, &count, texts);
    write_texts(w, where, "engine", 1, &count, texts + count);
    write_texts(w, where, "estimated", 1, &count, texts + 2 * count);
    free(texts);
}

static void write_columns(const writer *w, const char *where)
{
    const size_t count = w->blocks->count;
    double *values = hesse_alloc(count);
    if (!values) hesse_store_no_memory(w->store);
    for (int i = 0; values && hesse_schema_column(i) && !w->store->status; i++) {
        for (size_t b = 0; b < count; b++) {
            found x;
            values[b] = find(w, b, &x) ? number_of(&x, i) : NAN;
        }
        write_doubles(w, where, hesse_schema_column(i), false, 1, &count, values);
    }
    free(values);
}

/* Write a number of every block that has no column in other files, and the same number
   of the full matrix. `values` has one entry more than there are blocks. */
static void write_extra_column(const writer *w, const char *name, const double *values)
{
    char where[HESSE_PATH];
    const size_t count = w->blocks->count;
    found full;
    if (!values) return;
    hesse_store_path(w->store, where, "%sblocks/", w->prefix);
    write_doubles(w, where, name, false, 1, &count, values);
    if (!find(w, count, &full)) return;
    hesse_store_path(w->store, where, "%sspectra/full/", w->prefix);
    write_doubles(w, where, name, false, 0, NULL, &values[count]);
}

/* Write how the share was scaled, if it was. */
static void write_scaling(const writer *w)
{
    char where[HESSE_PATH];
    const double *scale = w->share->scale;
    size_t n = 0;
    if (!scale) return;
    for (int b = 0; b < w->blocks->count; b++) n += w->blocks->size[b];
    double *divisor = hesse_alloc(n);
    for (size_t i = 0; divisor && i < n; i++) divisor[i] = 1 / (scale[i] * scale[i]);
    hesse_store_path(w->store, where, "%smeasures/scaling/", w->prefix);
    if (divisor)
        write_doubles(w, where, "divisor", false, 1, &n, divisor);
    else
        hesse_store_no_memory(w->store);
    free(divisor);
    write_extra_column(w, "condition_ratio", w->share->condition_ratio);
}

/* Write the four numbers of the power law of every block. */
static void write_tails(const writer *w)
{
    static const struct {
        const char *name;
        size_t offset;
    } members[] = {{"tail_exponent", offsetof(hesse_tail, exponent)},
                   {"tail_minimum", offsetof(hesse_tail, minimum)},
                   {"tail_count", offsetof(hesse_tail, count)},
                   {"tail_distance", offsetof(hesse_tail, distance)}};
    const size_t count = (size_t)w->blocks->count + 1;
    if (!w->share->tails) return;
    double *values = hesse_alloc(count);
    if (!values) hesse_store_no_memory(w->store);
    for (size_t i = 0; values && i < sizeof members / sizeof *members; i++) {
        for (size_t b = 0; b < count; b++)
            memcpy(&values[b], (const char *)&w->share->tails[b] + members[i].offset,
                   sizeof values[b]);
        write_extra_column(w, members[i].name, values);
    }
    free(values);
}

/* Write the counts of eigenvalues below some values, and how many are uncertain. Both
   lists have the blocks and, last, the full matrix. */
static void write_counts(const writer *w, const char *where, int *below, int *uncertain)
{
    const size_t shape[] = {w->blocks->count, w->share->n_index};
    const size_t count = shape[0] * shape[1];
    for (size_t b = 0; b <= shape[0]; b++) {
        found x;
        find(w, b, &x);
        for (size_t i = 0; i < shape[1]; i++) {
            const size_t at = b * shape[1] + i;
            below[at] = (int)w->share->below[at];
            uncertain[at] =
                below[at] < 0 || !x.spectrum
                    ? -1
                    : hesse_inertia_uncertain(x.spectrum->n, x.spectrum->eigenvalues,
                                              w->share->values[i]);
        }
    }
    write_doubles(w, where, "value", false, 1, &shape[1], w->share->values);
    write_wholes(w, where, "below", 2, shape, below);
    write_wholes(w, where, "uncertain", 2, shape, uncertain);
    found full;
    if (!find(w, shape[0], &full)) return;
    write_wholes(w, where, "full_below", 1, &shape[1], below + count);
    write_wholes(w, where, "full_uncertain", 1, &shape[1], uncertain + count);
}

static void write_index(const writer *w)
{
    char where[HESSE_PATH];
    const size_t all = ((size_t)w->blocks->count + 1) * (size_t)w->share->n_index;
    if (!w->share->n_index) return;
    int *counts = hesse_calloc(2 * all, sizeof *counts);
    hesse_store_path(w->store, where, "%smeasures/index/", w->prefix);
    if (counts)
        write_counts(w, where, counts, counts + all);
    else
        hesse_store_no_memory(w->store);
    free(counts);
}

static void write_numbers(const writer *w)
{
    char where[HESSE_PATH];
    hesse_store_path(w->store, where, "%sblocks/", w->prefix);
    write_methods(w, where);
    write_columns(w, where);
}

/* Write the scale of the eigenvalues that a density or a distance of spectra used. */
static void note_scale(hesse_store *store, const char *path,
                       const hesse_density *settings)
{
    hesse_store_note_text(store, path, "eigenvalues_divided_by",
                          settings->tenth ? "10th largest of the block" : "1");
}

static void note_grid(hesse_store *store, const char *path,
                      const hesse_distance_grid *grid)
{
    hesse_store_note_whole(store, path, "points", grid->points);
    hesse_store_note_number(store, path, "first", grid->first);
    hesse_store_note_number(store, path, "last", grid->last);
    hesse_store_note_number(store, path, "step", grid->step);
}

/* A bandwidth that is not absolute is a fraction of a range. */
static void note_kernel(hesse_store *store, const char *path,
                        const hesse_density *settings, const char *range,
                        const hesse_distance_grid *grid)
{
    hesse_store_note_number(store, path, "bandwidth", settings->bandwidth);
    hesse_store_note_text(store, path, "bandwidth_unit",
                          settings->absolute ? "eigenvalue" : range);
    hesse_store_note_number(store, path, "deviation", grid->bandwidth);
}

/* The eigenvalues of a density; for a quadrature, its nodes and masses in one list. */
typedef struct atoms {
    hesse_eigenvalues of;
    double *merged;
} atoms;

static bool make_atoms(const found *x, atoms *a)
{
    const hesse_quadrature *q = x->quadrature;
    *a = (atoms){.merged = NULL};
    if (x->spectrum) {
        a->of = (hesse_eigenvalues){.n = x->spectrum->n,
                                    .lambda = x->spectrum->eigenvalues};
        return true;
    }
    assert(q); /* a matrix has a spectrum or a quadrature */
    const size_t n = (size_t)q->probes * (size_t)q->steps;
    a->merged = hesse_alloc(2 * n);
    if (!a->merged) return false;
    hesse_quadrature_merge(q, a->merged, a->merged + n);
    a->of = (hesse_eigenvalues){.n = (int)n,
                                .lambda = a->merged,
                                .mass = a->merged + n,
                                .tenth = hesse_quadrature_tenth(q)};
    return true;
}

/* Compute the mean of the densities of the probes, each on the grid, and its standard
   error. Densities are as large as 1 / step. If their squares would overflow or
   underflow, they are first scaled by a power of 2, which changes no digit. */
static void average(const hesse_quadrature *q, const hesse_distance_grid *grid,
                    double scale, double *one, double *mean, double *error)
{
    const int points = grid->points;
    const bool extreme = grid->step < 1e-100 || grid->step > 1e100;
    const double by = extreme ? ldexp(1, ilogb(grid->step)) : 1;
    memset(mean, 0, (size_t)points * sizeof *mean);
    memset(error, 0, (size_t)points * sizeof *error);
    for (int p = 0; p < q->probes; p++) {
        const hesse_eigenvalues probe = {.n = q->steps,
                                         .lambda = q->nodes + p * q->steps,
                                         .mass = q->weights + p * q->steps};
        memset(one, 0, (size_t)points * sizeof *one);
        hesse_density_add(grid, &probe, scale, one);
        for (int j = 0; j < points; j++) {
            const double far = one[j] / grid->step - mean[j];
            mean[j] += far / (p + 1);
            error[j] += far * by * ((one[j] / grid->step - mean[j]) * by);
        }
    }
    for (int j = 0; j < points; j++)
        error[j] =
            q->probes > 1 ? sqrt(error[j] / (q->probes - 1.0) / q->probes) / by : NAN;
}

/* The grid that hesse_density_of makes. If it extends a given length beyond the ends of
   a quadrature, these ends are means over the probes, as in the published procedure. */
static hesse_distance_grid grid_of(const hesse_density *settings, const found *x,
                                   const hesse_eigenvalues *of, double scale)
{
    const hesse_quadrature *q = x->quadrature;
    double low = of->lambda[0], high = of->lambda[of->n - 1];
    if (q && settings->past > 0) {
        low = high = 0;
        for (int p = 0; p < q->probes; p++) {
            low += q->nodes[p * q->steps] / q->probes;
            high += q->nodes[(p + 1) * q->steps - 1] / q->probes;
        }
    }
    return hesse_density_grid(settings, low / scale, high / scale);
}

/* `numbers` has room for four times the grid's points. */
static void write_density_of(const writer *w, const char *where, const found *x,
                             const hesse_eigenvalues *of, double *numbers)
{
    char path[HESSE_PATH];
    const size_t points = w->density->points;
    const bool scaled = w->density->tenth;
    double *grid = numbers, *values = grid + points, *error = values + points;
    const double scale = hesse_density_scale(w->density, of);
    const hesse_distance_grid made = grid_of(w->density, x, of, scale);
    if (x->spectrum)
        (void)hesse_density_of(w->density, of, grid, values,
                               NULL); /* all are in range */
    else
        average(x->quadrature, &made, scale, error + points, values, error);
    for (size_t j = 0; j < points; j++) grid[j] = made.first + (double)j * made.step;
    write_doubles(w, where, "density/grid", scaled, 1, &points, grid);
    write_doubles(w, where, "density/values", scaled, 1, &points, values);
    if (x->quadrature)
        write_doubles(w, where, "density/standard_error", scaled, 1, &points, error);
    hesse_store_path(w->store, path, "%sdensity/values", where);
    note_scale(w->store, path, w->density);
    note_grid(w->store, path, &made);
    note_kernel(w->store, path, w->density, "range of the eigenvalues", &made);
}

static void write_density(const writer *w, const char *where, const found *x)
{
    double *numbers = hesse_alloc(4 * (size_t)w->density->points);
    atoms a;
    if (make_atoms(x, &a) && numbers)
        write_density_of(w, where, x, &a.of, numbers);
    else
        hesse_store_no_memory(w->store);
    free(a.merged);
    free(numbers);
}

/* Write the inverse participation ratio of each of `count` vectors of n numbers. They
   are scaled by their largest entry, so that fourth powers do not underflow. */
static void write_participation(const writer *w, const char *where, size_t count,
                                size_t n, const double *vectors)
{
    double *ratios = hesse_alloc(count);
    if (!ratios) hesse_store_no_memory(w->store);
    for (size_t i = 0; ratios && i < count; i++) {
        const double *v = vectors + i * n;
        double largest = 0, squares = 0, fourths = 0;
        for (size_t j = 0; j < n; j++) largest = fmax(largest, fabs(v[j]));
        for (size_t j = 0; j < n && largest > 0; j++) {
            const double x = v[j] / largest;
            squares += x * x, fourths += x * x * x * x;
        }
        ratios[i] = largest > 0 ? fourths / squares / squares : NAN;
    }
    if (ratios)
        write_doubles(w, where, "inverse_participation", false, 1, &count, ratios);
    free(ratios);
}

static void write_eigenvalues(const writer *w, const char *where,
                              const hesse_spectrum *s)
{
    const size_t n = s->n, vectors[] = {s->vectors, s->n};
    write_doubles(w, where, "eigenvalues", false, 1, &n, s->eigenvalues);
    if (s->vectors) {
        write_doubles(w, where, "eigenvectors", false, 2, vectors, s->eigenvectors);
        write_participation(w, where, vectors[0], n, s->eigenvectors);
        write_doubles(w, where, "residuals", false, 1, vectors, s->residuals);
    }
}

/* Write two bounds for every probe, side by side. */
static void write_bounds(const writer *w, const char *where, const char *name,
                         int probes, double *const both[2])
{
    const size_t shape[] = {(size_t)probes, 2};
    double *bounds = hesse_alloc(2 * shape[0]);
    for (size_t p = 0; bounds && p < shape[0]; p++)
        bounds[2 * p] = both[0][p], bounds[2 * p + 1] = both[1][p];
    if (bounds)
        write_doubles(w, where, name, false, 2, shape, bounds);
    else
        hesse_store_no_memory(w->store);
    free(bounds);
}

static void write_quadrature(const writer *w, const char *where,
                             const hesse_quadrature *q)
{
    char path[HESSE_PATH];
    const size_t shape[] = {(size_t)q->probes, (size_t)q->steps};
    write_doubles(w, where, "nodes", false, 2, shape, q->nodes);
    write_doubles(w, where, "weights", false, 2, shape, q->weights);
    write_wholes(w, where, "taken", 1, shape, q->taken);
    write_bounds(w, where, "extreme_bounds", q->probes, q->extreme);
    write_bounds(w, where, "negative_bounds", q->probes, q->negative);
    hesse_store_path(w->store, path, "%snodes", where);
    hesse_store_note_text(w->store, path, "reorthogonalisation",
                          w->share->orthogonality);
    hesse_store_note_whole(w->store, path, "seed", (int64_t)w->share->seed);
    hesse_store_note_text(w->store, path, "probe_distribution", "normal, of length 1");
}

static void write_extremes(const writer *w, const char *where, const hesse_extremes *e)
{
    char path[HESSE_PATH];
    const size_t count = (size_t)e->count, vectors[] = {(size_t)e->vectors, e->n};
    write_doubles(w, where, "extreme_eigenvalues", false, 1, &count, e->eigenvalues);
    write_doubles(w, where, "residuals", false, 1, &count, e->residuals);
    if (e->vectors) {
        write_doubles(w, where, "eigenvectors", false, 2, vectors, e->eigenvectors);
        write_participation(w, where, vectors[0], e->n, e->eigenvectors);
    }
    hesse_store_path(w->store, path, "%sextreme_eigenvalues", where);
    hesse_store_note_number(w->store, path, "tolerance", e->tolerance);
    hesse_store_note_whole(w->store, path, "converged", e->converged);
    hesse_store_note_whole(w->store, path, "products", e->products);
    hesse_store_note_whole(w->store, path, "block", e->block);
    hesse_store_note_whole(w->store, path, "seed", (int64_t)w->share->seed);
    hesse_store_note_number(w->store, path, "seconds", e->seconds);
    hesse_store_note_number(w->store, path, "noise", w->share->noise);
}

/* Write two estimates with their errors, from one of the two estimators. */
static void write_estimates(const writer *w, const char *where, const char *way,
                            const hesse_estimate *trace,
                            const hesse_estimate *frobenius)
{
    char group[HESSE_PATH];
    hesse_store_path(w->store, group, "%s%s/", where, way);
    write_doubles(w, group, "trace", false, 0, NULL, &trace->value);
    write_doubles(w, group, "trace_error", false, 0, NULL, &trace->error);
    write_doubles(w, group, "frobenius", false, 0, NULL, &frobenius->value);
    write_doubles(w, group, "frobenius_error", false, 0, NULL, &frobenius->error);
}

static void write_hutchinson(const writer *w, const char *where,
                             const hesse_hutchinson *h)
{
    char path[HESSE_PATH];
    write_estimates(w, where, "hutchinson", &h->trace[0], &h->frobenius[0]);
    if (h->sketch) write_estimates(w, where, "hutchpp", &h->trace[1], &h->frobenius[1]);
    write_doubles(w, where, "diagonal", false, 1, &h->n, h->diagonal);
    write_doubles(w, where, "diagonal_error", false, 1, &h->n, h->error);
    hesse_store_path(w->store, path, "%sdiagonal", where);
    hesse_store_note_whole(w->store, path, "probes", h->probes);
    hesse_store_note_whole(w->store, path, "sketch", h->sketch);
    hesse_store_note_text(w->store, path, "probe_distribution", "1 or -1");
    hesse_store_note_whole(w->store, path, "seed", (int64_t)w->share->seed);
    hesse_store_note_number(w->store, path, "seconds", h->seconds);
    hesse_store_note_number(w->store, path, "noise", w->share->noise);
}

static void write_found(const writer *w, const char *where, const found *x)
{
    if (x->extremes) write_extremes(w, where, x->extremes);
    if (x->hutchinson) write_hutchinson(w, where, x->hutchinson);
    if (x->spectrum) write_eigenvalues(w, where, x->spectrum);
    if (x->quadrature) write_quadrature(w, where, x->quadrature);
    write_density(w, where, x);
}

static void write_blocks(const writer *w)
{
    char where[HESSE_PATH];
    for (int b = 0; b < w->blocks->count && !w->store->status; b++) {
        found x;
        hesse_store_path(w->store, where, "%sspectra/blocks/%s/", w->prefix,
                         w->blocks->names[b]);
        if (find(w, b, &x)) write_found(w, where, &x);
    }
}

static void write_full(const writer *w)
{
    char where[HESSE_PATH];
    found x;
    if (!find(w, w->blocks->count, &x)) return;
    const char *method = method_of(&x), *engine = engine_of(&x);
    hesse_store_path(w->store, where, "%sspectra/full/", w->prefix);
    write_found(w, where, &x);
    write_texts(w, where, "method", 0, NULL, &method);
    write_texts(w, where, "engine", 0, NULL, &engine);
    write_texts(w, where, "estimated", 0, NULL, &x.estimated);
    for (int i = 0; hesse_schema_column(i); i++) {
        const double value = number_of(&x, i);
        write_doubles(w, where, hesse_schema_column(i), false, 0, NULL, &value);
    }
}

static void note_settings(hesse_store *store, const char *path,
                          const hesse_distance_result *d)
{
    hesse_store_note_number(store, path, "js0", d->mean);
    note_scale(store, path, &d->settings);
    if (d->kind == HESSE_WASSERSTEIN) return;
    note_grid(store, path, &d->grid);
    if (d->kind == HESSE_JS_LOG) return;
    note_kernel(store, path, &d->settings, "range of all eigenvalues", &d->grid);
}

static void write_distance(const writer *w, const char *where,
                           const hesse_distance_result *d)
{
    char path[HESSE_PATH];
    const size_t count = w->blocks->count, compared = w->share->n_computed;
    const size_t shape[] = {count, count};
    double *all = hesse_alloc(count * count);
    if (!all) {
        hesse_store_no_memory(w->store);
        return;
    }
    for (size_t i = 0; i < count * count; i++) all[i] = NAN; /* blocks not computed */
    for (size_t i = 0; i < compared; i++)
        for (size_t j = 0; j < compared; j++)
            all[w->share->computed[i] * count + w->share->computed[j]] =
                d->matrix[i * compared + j];
    const char *name = hesse_distance_name(d->kind);
    write_doubles(w, where, name, d->settings.tenth, 2, shape, all);
    note_settings(w->store, hesse_store_path(w->store, path, "%s%s", where, name), d);
    free(all);
}

static void write_metrics(const writer *w)
{
    char where[HESSE_PATH];
    const size_t shape[] = {w->blocks->count, w->blocks->count};
    hesse_store_path(w->store, where, "%smetrics/", w->prefix);
    for (int d = 0; d < w->share->n_distances; d++)
        write_distance(w, where, &w->share->distances[d]);
    if (w->share->coupling)
        write_doubles(w, where, "coupling", false, 2, shape, w->share->coupling);
}

hesse_status hesse_result_share(hesse_result *result, const char *prefix,
                                const hesse_block_table *blocks,
                                const hesse_share_results *share,
                                const hesse_density *density)
{
    result->prefix = prefix;
    if (hesse_store_agree(result)) return result->status;
    if (result->team->rank == 0) {
        writer w = {
            .store = result, .blocks = blocks, .share = share, .density = density};
        if (strcmp(share->name, "hessian") != 0)
            hesse_store_path(result, w.prefix, "parts/%s/", share->name);
        write_numbers(&w);
        write_blocks(&w);
        write_full(&w);
        write_metrics(&w);
        write_scaling(&w);
        write_tails(&w);
        write_index(&w);
    }
    return hesse_store_agree(result);
}
