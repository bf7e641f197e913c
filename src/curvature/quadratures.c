/* Probes form a queue, matrix after matrix. A batch takes probes of one share from its
   head, up to the number that advances at once and fits into memory. The vectors of a
   batch are columns of one sweep. A probe that an earlier run has finished is never in
   a batch. */
#include "curvature/quadratures.h"

#include "base/clock.h"
#include "base/memory.h"
#include "hesse/lanczos.h"
#include "spectra/basis.h"
#include "spectra/lanczos.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 100, PROBES = 10, WIDTH = 24, MOST = 1000000 };

const char *hesse_orthogonality_text(hesse_orthogonality o)
{
    static const char *const texts[] = {
        [HESSE_ORTHOGONALITY_FULL] = "full, twice",
        [HESSE_ORTHOGONALITY_SELECTIVE] =
            "selective, where an estimate of what is lost passes 2^-26",
        [HESSE_ORTHOGONALITY_NONE] = "none",
        [HESSE_ORTHOGONALITY_PAPER] = "none, lengths not below 1e-8, as published"};
    return (size_t)o < sizeof texts / sizeof *texts ? texts[o] : "unknown";
}

hesse_status hesse_lanczos_defaults(hesse_lanczos_settings *settings, hesse_why *why)
{
    const struct {
        const char *name;
        int *value, usual, most;
    } numbers[] = {{"steps", &settings->steps, STEPS, MOST},
                   {"probes", &settings->probes, PROBES, MOST},
                   {"width", &settings->width, WIDTH, 1024}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (*numbers[i].value < 0 || *numbers[i].value > numbers[i].most)
            return hesse_fail(why, HESSE_E_JOB, "lanczos: %s is %d, expected 0 to %d",
                              numbers[i].name, *numbers[i].value, numbers[i].most);
        if (!*numbers[i].value) *numbers[i].value = numbers[i].usual;
    }
    if ((unsigned)settings->orthogonality > HESSE_ORTHOGONALITY_PAPER)
        return hesse_fail(why, HESSE_E_JOB,
                          "lanczos: orthogonality is %d, expected 0 to %d",
                          (int)settings->orthogonality, HESSE_ORTHOGONALITY_PAPER);
    return HESSE_OK;
}

hesse_status hesse_submatrix_quadrature(size_t n,
                                        const hesse_lanczos_settings *settings,
                                        hesse_quadrature **quadrature, hesse_why *why)
{
    const size_t steps = (size_t)settings->steps;
    return hesse_quadrature_new(n, settings->probes, (int)(n < steps ? n : steps),
                                quadrature, why);
}

/* Vectors that advance together. Cells and bundles belong to the same matrices. */
typedef struct batch {
    hesse_cell *cells;
    hesse_bundle *bundles;
    const hesse_submatrix **matrices;
    int count, columns; /* of cells; of vectors */
} batch;

/* A queue of probes with everything that is needed to work on it. */
typedef struct queue {
    hesse_objective *objective;
    const hesse_lanczos_settings *settings;
    const hesse_submatrix *matrices;
    const hesse_matrix_free_options *how;
    int count, ranks;
    int width;         /* of a batch, at most */
    int matrix, probe; /* the head */
    bool broken;       /* memory ran out while bytes were counted */
    double all, done;  /* steps of all probes, and of those that are finished */
    double operations; /* of the products so far */
    hesse_work step;   /* of a step of the batch */
    batch now;
    hesse_product *product;
    double *scaled; /* vectors of a batch of scaled matrices, times D^(-1/2) */
} queue;

static hesse_record record_of(const hesse_submatrix *t, int probe)
{
    return (hesse_record){.kind = HESSE_RECORD_PROBE,
                          .share = t->share,
                          .block = t->block,
                          .first = probe,
                          .count = 1};
}

/* A record has HEAD numbers, which are the steps taken, the bounds of the extreme nodes
   and of the negative weight. Nodes and weights follow. */
enum { HEAD = 5 };

static size_t record_size(const hesse_quadrature *q)
{
    return HEAD + 2 * (size_t)q->steps;
}

static bool is_known(const queue *x, const hesse_submatrix *t, int probe)
{
    const hesse_record what = record_of(t, probe);
    return hesse_checkpoint_has(x->how->checkpoint, &what, record_size(t->q));
}

/* Return how many numbers the vectors of the batch have. */
static size_t numbers_of(const batch *b)
{
    size_t count = 0;
    for (int g = 0; g < b->count; g++)
        count += b->matrices[g]->q->n * (size_t)b->cells[g].k;
    return count;
}

/* All matrices of a batch belong to one share. */
static bool is_scaled(const batch *b)
{
    return b->count && b->matrices[0]->scaled;
}

static double bytes_of(const queue *x)
{
    const batch *b = &x->now;
    const double scaled = is_scaled(b) ? (double)numbers_of(b) : 0;
    return scaled * (double)sizeof(double) +
           hesse_product_bytes(x->objective, x->ranks, b->bundles, b->count) +
           hesse_lanczos_run_bytes(x->ranks, x->settings->orthogonality, b->cells,
                                   b->count);
}

static bool fits(queue *x)
{
    if (!(x->how->memory > 0)) return true;
    const double bytes = bytes_of(x);
    x->broken |= isinf(bytes);
    return bytes <= x->how->memory;
}

/* Add one more probe of a matrix to the batch. */
static void put(batch *b, const hesse_submatrix *t, int probe)
{
    if (!b->count || b->matrices[b->count - 1] != t) {
        b->cells[b->count] = (hesse_cell){t->q, probe, 0};
        b->bundles[b->count] = (hesse_bundle){t->pieces, t->n_pieces, 0};
        b->matrices[b->count++] = t;
    }
    b->cells[b->count - 1].k++, b->bundles[b->count - 1].k++;
    b->columns++;
}

static void take_back(batch *b)
{
    b->cells[b->count - 1].k--, b->bundles[b->count - 1].k--;
    b->columns--;
    if (!b->cells[b->count - 1].k) b->count--;
}

/* Make the next batch. Return false if there is none. The first vector is in it even if
   it does not fit. Probes of a cell are neighbours, so a known probe ends the cell. */
static bool next(queue *x)
{
    batch *b = &x->now;
    b->count = b->columns = 0;
    for (; x->matrix < x->count; x->matrix++, x->probe = 0) {
        const hesse_submatrix *t = &x->matrices[x->matrix];
        if (b->count && t->share != b->matrices[0]->share) return true;
        for (; x->probe < t->q->probes; x->probe++) {
            const bool began = b->count && b->matrices[b->count - 1] == t;
            if (is_known(x, t, x->probe)) {
                if (began) return true;
                continue;
            }
            put(b, t, x->probe);
            if (b->columns > 1 && !fits(x)) {
                take_back(b);
                return true;
            }
            if (b->columns == x->width) {
                x->probe++;
                return true;
            }
        }
    }
    return b->count > 0;
}

static void free_queue(queue *x)
{
    free(x->now.cells);
    free(x->now.bundles);
    free(x->now.matrices);
}

static bool make_queue(queue *x)
{
    x->width = hesse_product_width(x->objective, x->ranks, x->settings->width);
    const size_t width = (size_t)x->width;
    x->now.cells = hesse_calloc(width, sizeof *x->now.cells);
    x->now.bundles = hesse_calloc(width, sizeof *x->now.bundles);
    x->now.matrices = hesse_calloc(width, sizeof *x->now.matrices);
    for (int i = 0; i < x->count; i++)
        x->all += (double)x->matrices[i].q->probes * x->matrices[i].q->steps;
    return x->now.cells && x->now.bundles && x->now.matrices;
}

hesse_batches hesse_quadratures_batches(const hesse_objective *objective,
                                        const hesse_lanczos_settings *settings,
                                        int ranks, int count,
                                        const hesse_submatrix *matrices, double memory)
{
    const hesse_matrix_free_options limit = {.memory = memory};
    queue x = {.objective = (hesse_objective *)objective,
               .settings = settings,
               .matrices = matrices,
               .how = &limit,
               .count = count,
               .ranks = ranks};
    hesse_batches all = {.too_large = -1};
    if (!make_queue(&x)) all.bytes = INFINITY;
    while (all.bytes < INFINITY && next(&x)) {
        const batch *b = &x.now;
        int steps = 0;
        for (int g = 0; g < b->count; g++)
            if (b->cells[g].q->steps > steps) steps = b->cells[g].q->steps;
        all.sweeps += steps;
        if (b->columns > all.columns) all.columns = b->columns;
        all.bytes = fmax(all.bytes, bytes_of(&x));
        if (!fits(&x) && all.too_large < 0)
            all.too_large = (int)(b->matrices[0] - matrices);
    }
    free_queue(&x);
    return all;
}

hesse_status hesse_quadratures_work(const hesse_objective *objective,
                                    const hesse_lanczos_settings *settings, int count,
                                    const hesse_submatrix *matrices, hesse_work *work,
                                    hesse_why *why)
{
    hesse_status s = HESSE_OK;
    *work = (hesse_work){0};
    for (int i = 0; !s && i < count; i++) {
        const hesse_submatrix *t = &matrices[i];
        const hesse_bundle one = {t->pieces, t->n_pieces, 1};
        hesse_work product;
        s = hesse_product_work(objective, &one, 1, &product, why);
        const double probes = t->q->probes, steps = t->q->steps, n = (double)t->q->n;
        if (!s) *work = hesse_work_add(*work, probes * steps, product);
        if (hesse_lanczos_run_keeps(settings->orthogonality))
            work->elements += hesse_basis_elements(n, probes * steps, steps / 2);
    }
    return s;
}

void hesse_submatrix_scale(const hesse_submatrix *matrix, int k, const double *from,
                           double *to)
{
    for (size_t i = 0; i < matrix->q->n; i++)
        for (int j = 0; j < k; j++) {
            const size_t at = i * (size_t)k + (size_t)j;
            to[at] = matrix->scale[i] * from[at];
        }
}

/* Multiply the vectors of a batch by D^(-1/2). */
static void scale_all(const batch *b, const double *from, double *to)
{
    for (int g = 0; g < b->count; g++) {
        const size_t count = b->matrices[g]->q->n * (size_t)b->cells[g].k;
        hesse_submatrix_scale(b->matrices[g], b->cells[g].k, from, to);
        from += count, to += count;
    }
}

static void apply(void *context, const double *v, double *av)
{
    queue *x = context;
    const bool scaled = is_scaled(&x->now);
    if (scaled) scale_all(&x->now, v, x->scaled);
    hesse_product_run(x->product, x->now.matrices[0]->part, scaled ? x->scaled : v, av);
    if (scaled) scale_all(&x->now, av, av);
}

static hesse_status after_step(void *context, hesse_why *why)
{
    queue *x = context;
    const hesse_listener *l = x->how->listener;
    x->done += x->now.columns;
    x->operations += x->step.products;
    if (l && l->progress)
        l->progress(l->context, "lanczos", fmin(x->done / x->all, 1), x->operations);
    return hesse_checkpoint_continue(x->how->checkpoint, why);
}

static void pack(const hesse_quadrature *q, int probe, double *numbers)
{
    const size_t steps = (size_t)q->steps, at = (size_t)probe * steps;
    numbers[0] = q->taken[probe];
    numbers[1] = q->extreme[0][probe], numbers[2] = q->extreme[1][probe];
    numbers[3] = q->negative[0][probe], numbers[4] = q->negative[1][probe];
    memcpy(numbers + HEAD, q->nodes + at, steps * sizeof *numbers);
    memcpy(numbers + HEAD + steps, q->weights + at, steps * sizeof *numbers);
}

static void unpack(hesse_quadrature *q, int probe, const double *numbers)
{
    const size_t steps = (size_t)q->steps, at = (size_t)probe * steps;
    q->taken[probe] = (int)numbers[0];
    q->extreme[0][probe] = numbers[1], q->extreme[1][probe] = numbers[2];
    q->negative[0][probe] = numbers[3], q->negative[1][probe] = numbers[4];
    memcpy(q->nodes + at, numbers + HEAD, steps * sizeof *numbers);
    memcpy(q->weights + at, numbers + HEAD + steps, steps * sizeof *numbers);
}

/* Local. Every rank reads the results of earlier runs. */
static hesse_status load(queue *x, hesse_why *why)
{
    hesse_status s = HESSE_OK;
    for (int i = 0; !s && i < x->count; i++) {
        const hesse_submatrix *t = &x->matrices[i];
        double *numbers = hesse_alloc(record_size(t->q));
        if (!numbers) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a probe");
        for (int p = 0; !s && p < t->q->probes; p++) {
            const hesse_record what = record_of(t, p);
            if (!is_known(x, t, p)) continue;
            s = hesse_checkpoint_load(x->how->checkpoint, &what, numbers, why);
            if (!s) unpack(t->q, p, numbers);
            x->done += t->q->steps;
        }
        free(numbers);
    }
    return s;
}

/* Local. Rank 0 saves the results of a batch. */
static hesse_status save(const queue *x, hesse_why *why)
{
    hesse_checkpoint *to = x->how->checkpoint;
    hesse_status s = HESSE_OK;
    for (int g = 0; to && !s && g < x->now.count; g++) {
        const hesse_cell *c = &x->now.cells[g];
        double *numbers = hesse_alloc(record_size(c->q));
        if (!numbers) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a probe");
        for (int p = c->first; !s && p < c->first + c->k; p++) {
            const hesse_record what = record_of(x->now.matrices[g], p);
            pack(c->q, p, numbers);
            s = hesse_checkpoint_save(to, &what, record_size(c->q), numbers, why);
        }
        free(numbers);
    }
    return s;
}

/* Collective. Let the probes of a batch take all their steps. */
static hesse_status advance(queue *x)
{
    hesse_team *team = x->objective->team;
    const hesse_recurrence r = {.context = x,
                                .apply = apply,
                                .step = after_step,
                                .orthogonality = x->settings->orthogonality,
                                .seed = x->settings->seed};
    const double start = hesse_seconds(), columns = x->now.columns;
    hesse_status s = hesse_product_work(x->objective, x->now.bundles, x->now.count,
                                        &x->step, &team->why);
    if (!s && is_scaled(&x->now) && !(x->scaled = hesse_alloc(numbers_of(&x->now))))
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for scaled vectors");
    s = hesse_agree(team, s);
    if (!s)
        s = hesse_product_new(x->objective, x->now.bundles, x->now.count, &x->product);
    if (!s) s = hesse_lanczos_run(team, &r, x->now.cells, x->now.count);
    hesse_product_free(x->product);
    free(x->scaled);
    x->product = NULL, x->scaled = NULL;
    if (!s && team->rank == 0) s = save(x, &team->why);
    s = hesse_agree(team, s);
    for (int g = 0; g < x->now.count; g++)
        x->now.cells[g].q->seconds +=
            (hesse_seconds() - start) * x->now.cells[g].k / columns;
    return s;
}

hesse_status hesse_quadratures(hesse_objective *objective,
                               const hesse_lanczos_settings *settings, int count,
                               const hesse_submatrix *matrices,
                               const hesse_matrix_free_options *how)
{
    hesse_team *team = objective->team;
    queue x = {.objective = objective,
               .settings = settings,
               .matrices = matrices,
               .how = how,
               .count = count,
               .ranks = team->size};
    hesse_status s = HESSE_OK;
    if (!make_queue(&x))
        s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory for probes");
    if (!s && how->checkpoint) s = load(&x, &team->why);
    s = hesse_agree(team, s);
    for (bool more = true; !s && more;) {
        more = next(&x);
        if (x.broken) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
        s = hesse_agree(team, s);
        if (!s && more) s = advance(&x);
    }
    free_queue(&x);
    return s;
}

/* The public function computes the quadrature of one matrix. */
static hesse_status check_options(const hesse_objective *objective,
                                  const hesse_lanczos_options *q, const void *place,
                                  hesse_why *why)
{
    if (!q || !place || !objective->tape)
        return hesse_fail(why, HESSE_E_JOB,
                          "lanczos: a batch, options or a place is missing");
    bool named = q->n_only >= 0 && (q->only || !q->n_only);
    for (int i = 0; named && i < q->n_only; i++) named = q->only[i];
    if (!named)
        return hesse_fail(why, HESSE_E_JOB,
                          "lanczos: %d blocks are chosen, expected a name for each",
                          q->n_only);
    if ((int)q->partition < HESSE_CUT_TENSOR || q->partition > HESSE_CUT_FUSED)
        return hesse_fail(why, HESSE_E_JOB, "lanczos: there is no partition %d",
                          (int)q->partition);
    if (q->part & ~HESSE_ALL)
        return hesse_fail(why, HESSE_E_JOB,
                          "lanczos: part %#x, expected kinds of operators",
                          (unsigned)q->part);
    return HESSE_OK;
}

hesse_status hesse_lanczos(hesse_objective *objective,
                           const hesse_lanczos_options *options,
                           hesse_quadrature **quadrature)
{
    if (!objective) return HESSE_E_JOB;
    hesse_team *team = objective->team;
    hesse_partition partition = {0};
    hesse_status s = check_options(objective, options, quadrature, &team->why);
    if ((s = hesse_agree(team, s))) return s;
    hesse_lanczos_settings settings = options->settings;
    hesse_submatrix matrix = {.part = options->part ? options->part : HESSE_ALL,
                              .block = -1};
    if (!s && !objective->theta)
        s = hesse_fail(&team->why, HESSE_E_JOB,
                       "lanczos: a model without values has no Hessian");
    if (!s) s = hesse_lanczos_defaults(&settings, &team->why);
    if (!s)
        s = hesse_partition_new(&objective->network->params, options->partition,
                                options->only, options->n_only, &partition, &team->why);
    if (!s)
        s = hesse_submatrix_quadrature(partition.size, &settings, &matrix.q,
                                       &team->why);
    matrix.pieces = partition.pieces, matrix.n_pieces = partition.n_pieces;
    s = hesse_agree(team, s);
    if (!s)
        s = hesse_quadratures(objective, &settings, 1, &matrix,
                              &(hesse_matrix_free_options){0});
    hesse_partition_free(&partition);
    if (s)
        hesse_quadrature_free(matrix.q);
    else
        *quadrature = matrix.q;
    return s;
}
