/* The numbers of a run are taken over when it ends, because its results are freed
   before the next one. Points may have different blocks, so a run keeps the numbers of
   its own, and the place of each among the blocks of all runs. */
#include "output/sweep.h"

#include "base/memory.h"
#include "output/series.h"
#include "output/store.h"
#include "output/write_set.h"
#include "parallel/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FROBENIUS, TRACE, MIN, MAX, COLUMNS, MOST_SHARES = 64 };
static const char *const columns[COLUMNS] = {"frobenius", "trace", "min", "max"};

static const char FULL[] = "full"; /* the whole matrix, among the blocks */

/* The numbers of a run. */
typedef struct run {
    int blocks;      /* 0: it has none                               */
    int *place;      /* [blocks] among those of all runs             */
    int64_t *size;   /* [blocks]                                     */
    double *numbers; /* [shares x COLUMNS x blocks]                  */
    double loss;
    char *failure; /* NULL: none */
} run;

struct hesse_sweep_numbers {
    hesse_sweep_outline of;
    int runs, shares, blocks, room;
    const char *share[MOST_SHARES];
    char **block;  /* [blocks] names */
    run *run;      /* [runs]         */
    double *value; /* [points x axes] the labels as numbers */
};

/* A label that is a number as a whole; else NaN. */
static double number_of(const char *label)
{
    char *end;
    const double x = strtod(label, &end);
    return *label && !*end ? x : NAN;
}

hesse_sweep_numbers *hesse_sweep_numbers_new(const hesse_sweep_outline *of)
{
    hesse_sweep_numbers *n = hesse_calloc(1, sizeof *n);
    if (!n) return NULL;
    const size_t labels = (size_t)of->points * (size_t)of->axes;
    n->of = *of, n->runs = of->points * of->repeats;
    n->run = hesse_calloc((size_t)n->runs, sizeof *n->run);
    n->value = hesse_alloc(labels + 1);
    if (!n->run || !n->value) {
        hesse_sweep_numbers_free(n);
        return NULL;
    }
    for (int i = 0; i < n->runs; i++) n->run[i].loss = NAN;
    for (size_t i = 0; i < labels; i++) n->value[i] = number_of(of->label[i]);
    return n;
}

void hesse_sweep_numbers_free(hesse_sweep_numbers *n)
{
    if (!n) return;
    for (int i = 0; n->run && i < n->runs; i++) {
        free(n->run[i].place);
        free(n->run[i].size);
        free(n->run[i].numbers);
        free(n->run[i].failure);
    }
    for (int b = 0; b < n->blocks; b++) free(n->block[b]);
    free(n->block);
    free(n->run);
    free(n->value);
    free(n);
}

/* The place of a block among those of all runs, where it is added if it is new; -1:
   memory is exhausted. */
static int place_of(hesse_sweep_numbers *n, const char *name)
{
    for (int b = 0; b < n->blocks; b++)
        if (strcmp(n->block[b], name) == 0) return b;
    if (n->blocks == n->room) {
        const int room = n->room ? 2 * n->room : 32;
        char **more = hesse_calloc((size_t)room, sizeof *more);
        if (!more) return -1;
        for (int b = 0; b < n->blocks; b++) more[b] = n->block[b];
        free(n->block);
        n->block = more, n->room = room;
    }
    if (!(n->block[n->blocks] = hesse_copy(name))) return -1;
    return n->blocks++;
}

/* Numbers of a block of a share. Eigenvalues of a matrix that was not formed are known
   only if they were searched for, and Hutchinson's norm comes before that of Lanczos.
 */
static void numbers_of(const hesse_share_results *s, int block, double x[COLUMNS])
{
    const hesse_spectrum *spectrum = block < s->blocks ? s->spectra[block] : s->full;
    const hesse_extremes *e = s->extremes ? s->extremes[block] : NULL;
    const hesse_hutchinson *h = s->hutchinson ? s->hutchinson[block] : NULL;
    for (int c = 0; c < COLUMNS; c++) {
        x[c] = NAN;
        for (int i = 0; hesse_schema_column(i); i++)
            if (strcmp(hesse_schema_column(i), columns[c]) == 0)
                x[c] = hesse_share_number(s, block, i);
    }
    if (spectrum) return;
    if (h) x[FROBENIUS] = h->frobenius[1].value, x[TRACE] = h->trace[1].value;
    x[MIN] = e && e->count ? e->eigenvalues[0] : NAN;
    x[MAX] = e && e->count ? e->eigenvalues[e->count - 1] : NAN;
}

static bool has_results(const hesse_share_results *s, int block)
{
    return (block < s->blocks ? s->spectra[block] : s->full) || s->quadratures[block];
}

static hesse_status exhausted(hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the numbers of a sweep");
}

/* Take the names of the shares from the first run, and compare those of the others. */
static hesse_status take_shares(hesse_sweep_numbers *n, int shares,
                                const hesse_share_results *const *results,
                                hesse_why *why)
{
    bool same = shares <= MOST_SHARES && (!n->shares || n->shares == shares);
    for (int i = 0; same && i < shares; i++) {
        if (!n->shares) n->share[i] = hesse_kinds_name(results[i]->kinds);
        same = n->share[i] && strcmp(n->share[i], results[i]->name) == 0;
    }
    if (!same)
        return hesse_fail(why, HESSE_E_JOB,
                          "the runs of a sweep have different parts of the Hessian, "
                          "expected the same for all");
    n->shares = shares;
    return HESSE_OK;
}

hesse_status hesse_sweep_numbers_take(hesse_sweep_numbers *n, int i, double loss,
                                      const hesse_block_table *blocks, int shares,
                                      const hesse_share_results *const *results,
                                      char infinite[256], hesse_why *why)
{
    run *r = &n->run[i];
    const size_t count = (size_t)blocks->count + 1;
    size_t order = 0;
    *infinite = '\0';
    const hesse_status s = take_shares(n, shares, results, why);
    if (s) return s;
    r->loss = loss;
    r->place = hesse_calloc(count, sizeof *r->place);
    r->size = hesse_calloc(count, sizeof *r->size);
    r->numbers = hesse_alloc(count * COLUMNS * (size_t)shares);
    if (!r->place || !r->size || !r->numbers) return exhausted(why);
    for (int b = 0; b < blocks->count; b++) order += blocks->size[b];
    if (!isfinite(loss)) snprintf(infinite, 256, "the loss");
    for (int b = 0; b <= blocks->count; b++) {
        const char *name = b < blocks->count ? blocks->names[b] : FULL;
        if (!has_results(results[0], b)) continue;
        const int at = r->blocks;
        r->place[at] = place_of(n, name);
        if (r->place[at] < 0) return exhausted(why);
        r->size[at] = (int64_t)(b < blocks->count ? blocks->size[b] : order);
        for (int k = 0; k < shares; k++) {
            double x[COLUMNS];
            numbers_of(results[k], b, x);
            for (int c = 0; c < COLUMNS; c++)
                r->numbers[((size_t)k * COLUMNS + (size_t)c) * count + (size_t)at] =
                    x[c];
            if (!*infinite && !isfinite(x[FROBENIUS]))
                snprintf(infinite, 256, "the Frobenius norm of %.80s of %.120s",
                         results[k]->name, name);
        }
        r->blocks++;
    }
    /* Close the gaps: the rows have room for more blocks than there are. */
    for (size_t row = 1; row < COLUMNS * (size_t)shares; row++)
        memmove(r->numbers + row * (size_t)r->blocks, r->numbers + row * count,
                (size_t)r->blocks * sizeof *r->numbers);
    return HESSE_OK;
}

bool hesse_sweep_numbers_fail(hesse_sweep_numbers *n, int i, const char *failure)
{
    free(n->run[i].failure);
    return (n->run[i].failure = hesse_copy(failure)) != NULL;
}

/* Pairs of points, or lines of them, along an axis. */
typedef struct fits {
    int lines, pairs;
    int *line_axis, *line_first; /* [lines]                                        */
    int *line;                   /* [lines x points] its points by value; -1: no more */
    int *pair_axis, *pair_from, *pair_to; /* [pairs] */
} fits;

static void free_fits(fits *f)
{
    free(f->line_axis);
    free(f->line_first);
    free(f->line);
    free(f->pair_axis);
    free(f->pair_from);
    free(f->pair_to);
}

/* True if two points differ on one axis at most. */
static bool along(const hesse_sweep_numbers *n, int axis, int p, int q)
{
    for (int a = 0; a < n->of.axes; a++)
        if (a != axis && strcmp(n->of.label[p * n->of.axes + a],
                                n->of.label[q * n->of.axes + a]) != 0)
            return false;
    return true;
}

/* The points of the line through p along an axis, by ascending value. Returns their
   number; 0: p is not the first of them in the order of the sweep, or they are not two
   numbers. */
static int line_of(const hesse_sweep_numbers *n, int axis, int p, int *line)
{
    int count = 0;
    for (int q = 0; q < n->of.points; q++) {
        if (!along(n, axis, p, q)) continue;
        if (q < p) return 0;
        const double x = n->value[q * n->of.axes + axis];
        if (!isfinite(x)) continue;
        int at = count++;
        for (; at && n->value[line[at - 1] * n->of.axes + axis] > x; at--)
            line[at] = line[at - 1];
        line[at] = q;
    }
    return count > 1 ? count : 0;
}

/* Returns false when memory is exhausted. */
static bool find_fits(const hesse_sweep_numbers *n, fits *f)
{
    const size_t points = (size_t)n->of.points, most = points * (size_t)n->of.axes + 1;
    int *line = hesse_calloc(points + 1, sizeof *line);
    *f = (fits){.line_axis = hesse_calloc(most, sizeof(int)),
                .line_first = hesse_calloc(most, sizeof(int)),
                .pair_axis = hesse_calloc(most, sizeof(int)),
                .pair_from = hesse_calloc(most, sizeof(int)),
                .pair_to = hesse_calloc(most, sizeof(int))};
    const bool there = line && f->line_axis && f->line_first && f->pair_axis &&
                       f->pair_from && f->pair_to;
    for (int a = 0; there && a < n->of.axes; a++)
        for (int p = 0; p < n->of.points; p++) {
            const int count = line_of(n, a, p, line);
            if (!count) continue;
            f->line_axis[f->lines] = a, f->line_first[f->lines++] = p;
            for (int i = 0; i + 1 < count; i++) {
                f->pair_axis[f->pairs] = a;
                f->pair_from[f->pairs] = line[i], f->pair_to[f->pairs++] = line[i + 1];
            }
        }
    f->line = hesse_calloc(points * (size_t)f->lines + 1, sizeof(int));
    for (int l = 0; there && f->line && l < f->lines; l++) {
        int *to = f->line + (size_t)l * points;
        const int count = line_of(n, f->line_axis[l], f->line_first[l], to);
        for (size_t i = (size_t)count; i < points; i++) to[i] = -1;
    }
    free(line);
    return there && f->line;
}

/* The mean of the repeats and its standard error; NaN if one of them is not known. */
static void mean_of(size_t repeats, const double *first, size_t stride, double *mean,
                    double *error)
{
    double sum = 0, squares = 0;
    for (size_t r = 0; r < repeats; r++) sum += first[r * stride];
    *mean = sum / (double)repeats, *error = NAN;
    for (size_t r = 0; r < repeats; r++) squares += pow(first[r * stride] - *mean, 2);
    if (repeats > 1) *error = sqrt(squares / (double)(repeats - 1) / (double)repeats);
}

/* Write a column of all runs, its means and their errors; returns means [points x
   width] and then errors, which the caller frees. */
static double *write_runs(hesse_store *store, const hesse_sweep_numbers *n,
                          const char *where, const char *name, int rank, size_t width,
                          const double *values)
{
    const size_t points = (size_t)n->of.points, repeats = (size_t)n->of.repeats;
    const size_t shape[] = {(size_t)n->runs, width}, means[] = {points, width};
    double *mean = hesse_alloc(2 * points * width + 1), *error = mean + points * width;
    if (!mean) {
        hesse_store_no_memory(store);
        return NULL;
    }
    for (size_t p = 0; p < points; p++)
        for (size_t b = 0; b < width; b++)
            mean_of(repeats, values + p * repeats * width + b, width,
                    &mean[p * width + b], &error[p * width + b]);
    hesse_write_doubles(store, where, name, "", false, rank, shape, values);
    hesse_write_doubles(store, where, name, "_mean", false, rank, means, mean);
    hesse_write_doubles(store, where, name, "_mean_error", false, rank, means, error);
    return mean;
}

/* Write the slopes of the norms' means [points x blocks], whose errors follow. */
static void write_slopes(hesse_store *store, const hesse_sweep_numbers *n,
                         const fits *f, const char *where, const double *mean)
{
    const size_t points = (size_t)n->of.points, blocks = (size_t)n->blocks,
                 axes = (size_t)n->of.axes;
    const size_t lines[] = {(size_t)f->lines, blocks},
                 pairs[] = {(size_t)f->pairs, blocks};
    const double *error = mean + points * blocks;
    double *slope = hesse_alloc(2 * lines[0] * blocks + 1),
           *local = hesse_alloc(2 * pairs[0] * blocks + 1),
           *x = hesse_alloc(2 * points + 1), *y = x + points;
    if (!slope || !local || !x) hesse_store_no_memory(store);
    for (size_t l = 0; !store->status && l < lines[0]; l++)
        for (size_t b = 0; b < blocks; b++) {
            int count = 0;
            for (size_t i = 0; i < points && f->line[l * points + i] >= 0; i++) {
                const size_t p = (size_t)f->line[l * points + i];
                x[count] = n->value[p * axes + (size_t)f->line_axis[l]];
                y[count++] = mean[p * blocks + b];
            }
            const hesse_line line = hesse_sweep_fit(count, x, y);
            slope[l * blocks + b] = line.slope;
            slope[(lines[0] + l) * blocks + b] = line.error;
        }
    for (size_t i = 0; !store->status && i < pairs[0]; i++)
        for (size_t b = 0; b < blocks; b++) {
            const size_t a = (size_t)f->pair_axis[i], p = (size_t)f->pair_from[i],
                         q = (size_t)f->pair_to[i];
            const hesse_line line = hesse_sweep_between(
                (double[]){n->value[p * axes + a], n->value[q * axes + a]},
                (double[]){mean[p * blocks + b], mean[q * blocks + b]},
                (double[]){error[p * blocks + b], error[q * blocks + b]});
            local[i * blocks + b] = line.slope;
            local[(pairs[0] + i) * blocks + b] = line.error;
        }
    if (!store->status && f->lines) {
        hesse_write_doubles(store, where, "slope", "", false, 2, lines, slope);
        hesse_write_doubles(store, where, "slope_error", "", false, 2, lines,
                            slope + lines[0] * blocks);
        hesse_write_doubles(store, where, "local_slope", "", false, 2, pairs, local);
        hesse_write_doubles(store, where, "local_slope_error", "", false, 2, pairs,
                            local + pairs[0] * blocks);
    }
    free(slope);
    free(local);
    free(x);
}

static void write_share(hesse_store *store, const hesse_sweep_numbers *n, const fits *f,
                        int share)
{
    const size_t blocks = (size_t)n->blocks;
    char where[HESSE_PATH] = "sweep/";
    double *values = hesse_alloc((size_t)n->runs * blocks + 1);
    if (!values) {
        hesse_store_no_memory(store);
        return;
    }
    if (strcmp(n->share[share], "hessian") != 0)
        hesse_store_path(store, where, "sweep/parts/%s/", n->share[share]);
    for (size_t c = 0; !store->status && c < COLUMNS; c++) {
        for (size_t i = 0; i < (size_t)n->runs * blocks; i++) values[i] = NAN;
        for (int i = 0; i < n->runs; i++) {
            const run *r = &n->run[i];
            const size_t row = (size_t)share * COLUMNS + c;
            for (int b = 0; b < r->blocks; b++)
                values[(size_t)i * blocks + (size_t)r->place[b]] =
                    r->numbers[row * (size_t)r->blocks + (size_t)b];
        }
        double *mean = write_runs(store, n, where, columns[c], 2, blocks, values);
        if (c == FROBENIUS && mean) write_slopes(store, n, f, where, mean);
        free(mean);
    }
    free(values);
}

/* Write what a run is: its point, its repeat, its loss and why it failed. */
static void write_runs_table(hesse_store *store, const hesse_sweep_numbers *n)
{
    const size_t runs = (size_t)n->runs, blocks = (size_t)n->blocks,
                 sizes[] = {(size_t)n->of.points, blocks};
    const char **texts = hesse_calloc(runs, sizeof *texts);
    int64_t *whole = hesse_calloc(2 * runs, sizeof *whole),
            *size = hesse_calloc(sizes[0] * blocks + 1, sizeof *size);
    double *loss = hesse_alloc(runs);
    if (!texts || !whole || !size || !loss) hesse_store_no_memory(store);
    for (size_t i = 0; texts && whole && size && loss && i < runs; i++) {
        const run *r = &n->run[i];
        const size_t p = i / (size_t)n->of.repeats;
        whole[i] = (int64_t)p, whole[runs + i] = (int64_t)(i % (size_t)n->of.repeats);
        texts[i] = r->failure ? r->failure : "", loss[i] = r->loss;
        for (int b = 0; b < r->blocks; b++)
            size[p * blocks + (size_t)r->place[b]] = r->size[b];
    }
    if (!store->status) {
        hesse_write_wholes(store, "sweep/run_point", 1, &runs, whole);
        hesse_write_wholes(store, "sweep/run_repeat", 1, &runs, whole + runs);
        hesse_write_texts(store, "sweep/run_failure", 1, &runs, texts);
        hesse_write_wholes(store, "sweep/size", 2, sizes, size);
        free(write_runs(store, n, "sweep/", "loss", 1, 1, loss));
    }
    free(texts);
    free(whole);
    free(size);
    free(loss);
}

/* Write a list of points or of axes by their numbers. */
static void write_list(hesse_store *store, const char *path, int count, const int *list)
{
    const size_t shape = (size_t)count;
    int64_t *whole = hesse_calloc(shape + 1, sizeof *whole);
    if (!whole) hesse_store_no_memory(store);
    for (int i = 0; whole && i < count; i++) whole[i] = list[i];
    if (!store->status) hesse_write_wholes(store, path, 1, &shape, whole);
    free(whole);
}

static void write_sweep(hesse_store *store, const hesse_sweep_numbers *n)
{
    const size_t points = (size_t)n->of.points, axes = (size_t)n->of.axes,
                 blocks = (size_t)n->blocks, places[] = {points, axes},
                 labels = points * axes;
    fits f;
    if (!find_fits(n, &f)) hesse_store_no_memory(store);
    if (!store->status) {
        hesse_write_texts(store, "sweep/point", 1, &points, n->of.point);
        hesse_write_texts(store, "sweep/block", 1, &blocks,
                          (const char *const *)n->block);
        write_runs_table(store, n);
    }
    if (!store->status && axes) {
        hesse_write_texts(store, "sweep/axis", 1, &axes, n->of.axis);
        hesse_write_texts(store, "sweep/label", 1, &labels, n->of.label);
        hesse_write_doubles(store, "sweep/", "value", "", false, 2, places, n->value);
    }
    if (!store->status && f.lines) {
        write_list(store, "sweep/slope_axis", f.lines, f.line_axis);
        write_list(store, "sweep/slope_first", f.lines, f.line_first);
        write_list(store, "sweep/local_axis", f.pairs, f.pair_axis);
        write_list(store, "sweep/local_from", f.pairs, f.pair_from);
        write_list(store, "sweep/local_to", f.pairs, f.pair_to);
    }
    for (int k = 0; !store->status && k < n->shares; k++) write_share(store, n, &f, k);
    free_fits(&f);
}

hesse_status hesse_result_sweep(hesse_result *result,
                                const hesse_sweep_numbers *numbers)
{
    result->prefix = "";
    if (hesse_store_agree(result)) return result->status;
    if (result->team->rank == 0) write_sweep(result, numbers);
    return hesse_store_agree(result);
}
