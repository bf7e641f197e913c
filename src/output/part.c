/* What a result says of one part of the Hessian, written by rank 0: numbers of the blocks,
   spectra, distances. A part other than the Hessian itself stands below parts/NAME/. */
#include "base/memory.h"
#include "output/result.h"
#include "output/store.h"
#include "parallel/team.h"
#include "spectra/density.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    hesse_store *store;
    char prefix[HESSE_PATH]; /* "" or "parts/NAME/" */
    const hesse_block_table *blocks;
    const hesse_part_result *part;
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

static const hesse_spectrum *spectrum_of(const writer *w, size_t b)
{
    return w->part->spectra ? w->part->spectra[b] : NULL;
}

static void write_methods(const writer *w, const char *where)
{
    const size_t count = w->blocks->count;
    const char **texts = hesse_calloc(count, sizeof *texts);
    if (!texts) {
        hesse_store_no_memory(w->store);
        return;
    }
    for (size_t b = 0; b < count; b++) texts[b] = spectrum_of(w, b) ? "exact" : "none";
    write_texts(w, where, "method", 1, &count, texts);
    for (size_t b = 0; b < count; b++) {
        const hesse_spectrum *s = spectrum_of(w, b);
        if (s) texts[b] = hesse_engine_name(s->engine);
    }
    write_texts(w, where, "engine", 1, &count, texts);
    free(texts);
}

static void write_columns(const writer *w, const char *where)
{
    const size_t count = w->blocks->count;
    double *values = hesse_alloc(count);
    if (!values) hesse_store_no_memory(w->store);
    for (int i = 0; hesse_schema_column(i) && !w->store->status; i++) {
        for (size_t b = 0; b < count; b++) {
            const hesse_spectrum *s = spectrum_of(w, b);
            values[b] = s ? hesse_schema_value(i, s, &w->part->measures[b]) : NAN;
        }
        write_doubles(w, where, hesse_schema_column(i), false, 1, &count, values);
    }
    free(values);
}

static void write_numbers(const writer *w)
{
    char where[HESSE_PATH];
    hesse_store_path(w->store, where, "%sblocks/", w->prefix);
    write_methods(w, where);
    write_columns(w, where);
}

/* What made a density or a distance of spectra. */
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

/* The grid that hesse_density_of lays. */
static hesse_distance_grid grid_of(const hesse_density *settings,
                                   const hesse_spectrum *s)
{
    const double scale = hesse_density_scale(settings, s->n, s->eigenvalues);
    return hesse_density_grid(settings, s->eigenvalues[0] / scale,
                              s->eigenvalues[s->n - 1] / scale);
}

static void write_density(const writer *w, const char *where, const hesse_spectrum *s)
{
    char path[HESSE_PATH];
    const size_t points = w->density->points;
    const bool scaled = w->density->tenth;
    double *grid = hesse_alloc(2 * points);
    if (!grid) {
        hesse_store_no_memory(w->store);
        return;
    }
    double *values = grid + points;
    const hesse_distance_grid made = grid_of(w->density, s);
    hesse_density_of(w->density, s->n, s->eigenvalues, grid, values);
    write_doubles(w, where, "density/grid", scaled, 1, &points, grid);
    write_doubles(w, where, "density/values", scaled, 1, &points, values);
    hesse_store_path(w->store, path, "%sdensity/values", where);
    note_scale(w->store, path, w->density);
    note_grid(w->store, path, &made);
    note_kernel(w->store, path, w->density, "range of the eigenvalues", &made);
    free(grid);
}

static void write_spectrum(const writer *w, const char *where, const hesse_spectrum *s)
{
    const size_t n = s->n, vectors[] = {s->vectors, s->n};
    write_doubles(w, where, "eigenvalues", false, 1, &n, s->eigenvalues);
    if (s->vectors) {
        write_doubles(w, where, "eigenvectors", false, 2, vectors, s->eigenvectors);
        write_doubles(w, where, "residuals", false, 1, vectors, s->residuals);
    }
    write_density(w, where, s);
}

static void write_blocks(const writer *w)
{
    char where[HESSE_PATH];
    for (int b = 0; b < w->blocks->count && !w->store->status; b++) {
        const hesse_spectrum *s = spectrum_of(w, b);
        hesse_store_path(w->store, where, "%sspectra/blocks/%s/", w->prefix,
                         w->blocks->names[b]);
        if (s) write_spectrum(w, where, s);
    }
}

static void write_full(const writer *w)
{
    char where[HESSE_PATH];
    const hesse_spectrum *full = w->part->full;
    const char *engine = hesse_engine_name(full->engine);
    hesse_store_path(w->store, where, "%sspectra/full/", w->prefix);
    write_spectrum(w, where, full);
    write_texts(w, where, "engine", 0, NULL, &engine);
    for (int i = 0; hesse_schema_column(i); i++) {
        const double value = hesse_schema_value(i, full, w->part->full_measures);
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
    const size_t count = w->blocks->count, compared = w->part->n_computed;
    const size_t shape[] = {count, count};
    double *all = hesse_alloc(count * count);
    if (!all) {
        hesse_store_no_memory(w->store);
        return;
    }
    for (size_t i = 0; i < count * count; i++) all[i] = NAN; /* blocks not computed */
    for (size_t i = 0; i < compared; i++)
        for (size_t j = 0; j < compared; j++)
            all[w->part->computed[i] * count + w->part->computed[j]] =
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
    for (int d = 0; d < w->part->n_distances; d++)
        write_distance(w, where, &w->part->distances[d]);
    if (w->part->coupling)
        write_doubles(w, where, "coupling", false, 2, shape, w->part->coupling);
}

hesse_status hesse_result_part(hesse_result *result, const hesse_block_table *blocks,
                               const hesse_part_result *part,
                               const hesse_density *density)
{
    if (hesse_store_serial(result)) return result->status;
    if (result->team->rank == 0) {
        writer w = {
            .store = result, .blocks = blocks, .part = part, .density = density};
        if (strcmp(part->name, "hessian") != 0)
            hesse_store_path(result, w.prefix, "parts/%s/", part->name);
        write_numbers(&w);
        write_blocks(&w);
        if (part->full) write_full(&w);
        write_metrics(&w);
    }
    return hesse_store_agree(result);
}
