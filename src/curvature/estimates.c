/* Matrices are done one after another. Results of an earlier run are loaded from its
   records; the others are computed and saved. */
#include "curvature/estimates.h"

#include "base/clock.h"
#include "base/memory.h"
#include "curvature/hessian_operator.h"
#include "spectra/basis.h"
#include "spectra/hutchinson.h"
#include "spectra/thick_restart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 8, PRODUCTS = 2000, MOST = 1000000, WIDEST = 1024 };

/* NOISE times the loss is taken as rounding, as in the check of symmetry
   (hesse/spectrum.h). */
static const double TOLERANCE = 1e-8, NOISE = 1e-15;

hesse_status hesse_estimates_defaults(const hesse_objective *objective,
                                      hesse_estimates *e, hesse_why *why)
{
    hesse_extreme_settings *x = &e->extreme;
    const struct {
        const char *name;
        int value, most;
    } numbers[] = {{"pairs", x->pairs, MOST},
                   {"products", x->products, 1 << 30},
                   {"block", x->block, WIDEST},
                   {"probes", e->hutchinson.probes, MOST},
                   {"sketch", e->hutchinson.sketch, MOST}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value < 0 || numbers[i].value > numbers[i].most)
            return hesse_fail(why, HESSE_E_JOB, "%s is %d, expected 0 to %d",
                              numbers[i].name, numbers[i].value, numbers[i].most);
    if (!(x->tolerance >= 0 && x->tolerance <= 1))
        return hesse_fail(why, HESSE_E_JOB, "tolerance is %g, expected 0 to 1",
                          x->tolerance);
    if (x->pairs < e->kept) x->pairs = e->kept;
    if (!x->products) x->products = PRODUCTS;
    if (!x->block) x->block = hesse_product_width(objective, 1, BLOCK);
    if (!(x->tolerance > 0)) x->tolerance = TOLERANCE;
    return HESSE_OK;
}

double hesse_estimates_noise(double loss)
{
    return NOISE * fabs(loss);
}

static int count_of(const hesse_estimates *e, double n)
{
    return (int)fmin(2.0 * e->extreme.pairs, n);
}

double hesse_estimates_numbers(const hesse_estimates *e, double n)
{
    const double pairs = count_of(e, n), vectors = fmin(2.0 * e->kept, n);
    return 2 * pairs + vectors * n + (e->hutchinson.probes ? 2 * n : 0);
}

/* Return how many numbers a record has. For pairs these are products, block,
   convergence and seconds, then values, residuals, vectors. Otherwise they are the
   estimates of trace and norm with their errors, and the diagonal with its errors. */
static size_t record_size(const hesse_estimates *e, const hesse_submatrix *matrix,
                          hesse_record_kind kind)
{
    const size_t n = matrix->q->n, pairs = (size_t)count_of(e, (double)n);
    const size_t vectors = pairs < 2 * (size_t)e->kept ? pairs : 2 * (size_t)e->kept;
    return kind == HESSE_RECORD_EXTREMES ? 4 + 2 * pairs + vectors * n : 9 + 2 * n;
}

static double record_bytes(const hesse_estimates *e, const hesse_submatrix *matrix,
                           hesse_record_kind kind)
{
    return (double)record_size(e, matrix, kind) * (double)sizeof(double);
}

/* A search for pairs has the largest basis that the memory allows. */
typedef struct search {
    int width, block, room; /* block: for probes equal to width */
    double bytes;
} search;

static search search_of(const hesse_objective *objective, const hesse_estimates *e,
                        int ranks, const hesse_submatrix *matrix, double memory)
{
    const size_t n = matrix->q->n;
    const int count = count_of(e, (double)n);
    search best = {0};
    for (int block = e->extreme.block;; block = 1) {
        const int most = n < (size_t)block ? (int)n : block;
        const int width = hesse_product_width(objective, ranks, most);
        const double product =
            hesse_hessian_operator_bytes(objective, ranks, matrix, width, most);
        const hesse_thick_restart_rooms rooms =
            hesse_thick_restart_room(n, count, most);
        for (int room = rooms.best; room >= rooms.least; room--) {
            const double bytes =
                fmax(product + hesse_thick_restart_bytes(n, ranks, count, most, room),
                     record_bytes(e, matrix, HESSE_RECORD_EXTREMES));
            best = (search){width, most, room, bytes};
            if (!(memory > 0) || bytes <= memory) return best;
        }
        if (block == 1) return best;
    }
}

/* Return how many probes are multiplied at once, and the bytes. */
static search probing_of(const hesse_objective *objective, const hesse_estimates *e,
                         int ranks, const hesse_submatrix *matrix, double memory)
{
    const size_t n = matrix->q->n;
    const hesse_hutchinson_settings *h = &e->hutchinson;
    const int sketch = n < (size_t)h->sketch ? (int)n : h->sketch;
    const int longest = h->probes > sketch ? h->probes : sketch;
    const int most = hesse_product_width(objective, ranks, e->width);
    for (int width = most < longest ? most : longest;; width--) {
        const double bytes =
            fmax(hesse_hessian_operator_bytes(objective, ranks, matrix, width, width) +
                     hesse_hutchinson_bytes(n, ranks, sketch, width),
                 record_bytes(e, matrix, HESSE_RECORD_HUTCHINSON));
        if (width == 1 || !(memory > 0) || bytes <= memory)
            return (search){.width = width, .block = width, .bytes = bytes};
    }
}

double hesse_estimates_bytes(const hesse_objective *objective, const hesse_estimates *e,
                             int ranks, int count, const hesse_submatrix *matrices,
                             double memory, int *too_large)
{
    double most = 0;
    *too_large = -1;
    for (int i = 0; i < count; i++) {
        double bytes = 0;
        if (e->extreme.pairs)
            bytes = search_of(objective, e, ranks, &matrices[i], memory).bytes;
        if (e->hutchinson.probes)
            bytes = fmax(bytes,
                         probing_of(objective, e, ranks, &matrices[i], memory).bytes);
        most = fmax(most, bytes);
        if (memory > 0 && bytes > memory && *too_large < 0) *too_large = i;
    }
    return most;
}

int hesse_estimates_together(const hesse_objective *objective, const hesse_estimates *e,
                             int ranks)
{
    const int width = hesse_product_width(objective, ranks, e->width);
    if (e->extreme.pairs) return e->extreme.block;
    return width < e->hutchinson.probes ? width : e->hutchinson.probes;
}

/* Return how many vectors are usually multiplied for the pairs of a matrix:
   docs/performance.md. */
static double usual_products(const hesse_estimates *e, double n)
{
    const double count = count_of(e, n), block = e->extreme.block;
    if (!e->extreme.pairs) return 0;
    return fmin(n, fmin(e->extreme.products, 6 * count + 12 * block + 40)) + count;
}

static double products_of(const hesse_estimates *e, double n)
{
    const hesse_hutchinson_settings *h = &e->hutchinson;
    return usual_products(e, n) + (h->probes ? h->probes + 2 * fmin(h->sketch, n) : 0);
}

double hesse_estimates_sweeps(const hesse_objective *objective,
                              const hesse_estimates *e, int ranks, int count,
                              const hesse_submatrix *matrices)
{
    const int together = hesse_estimates_together(objective, e, ranks);
    double products = 0;
    for (int i = 0; i < count; i++)
        products += products_of(e, (double)matrices[i].q->n);
    return together ? products / together : 0;
}

hesse_status hesse_estimates_work(const hesse_objective *objective,
                                  const hesse_estimates *e, int count,
                                  const hesse_submatrix *matrices, hesse_work *work,
                                  hesse_why *why)
{
    hesse_status s = HESSE_OK;
    *work = (hesse_work){0};
    for (int i = 0; !s && i < count; i++) {
        const hesse_bundle one = {matrices[i].pieces, matrices[i].n_pieces, 1};
        hesse_work product;
        s = hesse_product_work(objective, &one, 1, &product, why);
        const double n = (double)matrices[i].q->n,
                     sketch = fmin(e->hutchinson.sketch, n);
        const double room =
            hesse_thick_restart_room(matrices[i].q->n, count_of(e, n), e->extreme.block)
                .best;
        if (!s) *work = hesse_work_add(*work, products_of(e, n), product);
        work->elements += hesse_basis_elements(n, sketch, sketch / 2) +
                          hesse_basis_elements(n, 2 * usual_products(e, n), room / 2);
    }
    return s;
}

/* The state of the work on all matrices. */
typedef struct course {
    hesse_objective *objective;
    const hesse_estimates *wanted;
    const hesse_matrix_free_options *how;
    double done, all, operations;
} course;

static hesse_record record_of(const hesse_submatrix *matrix, hesse_record_kind kind)
{
    return (hesse_record){.kind = kind, .share = matrix->share, .block = matrix->block};
}

static void move(double **list, double *numbers, size_t count, bool out)
{
    memcpy(out ? numbers : *list, out ? *list : numbers, count * sizeof **list);
    *list += count;
}

/* Copy a result to the numbers of its record, or back. */
static void carry(const hesse_submatrix *matrix, hesse_record_kind kind, double *list,
                  bool out)
{
    if (kind == HESSE_RECORD_EXTREMES) {
        hesse_extremes *e = matrix->extremes;
        double head[] = {e->products, e->block, e->converged, e->seconds};
        move(&list, head, 4, out);
        if (out) {
            e->products = (int)head[0], e->block = (int)head[1];
            e->converged = head[2] > 0, e->seconds = head[3];
        }
        move(&list, e->eigenvalues, (size_t)e->count, out);
        move(&list, e->residuals, (size_t)e->count, out);
        move(&list, e->eigenvectors, (size_t)e->vectors * e->n, out);
        return;
    }
    hesse_hutchinson *h = matrix->hutchinson;
    move(&list, &h->seconds, 1, out);
    for (int plus = 0; plus < 2; plus++) {
        move(&list, &h->trace[plus].value, 1, out);
        move(&list, &h->trace[plus].error, 1, out);
        move(&list, &h->frobenius[plus].value, 1, out);
        move(&list, &h->frobenius[plus].error, 1, out);
    }
    move(&list, h->diagonal, h->n, out);
    move(&list, h->error, h->n, out);
}

/* Local. Load a known result, or save a new one. */
static hesse_status exchange(const course *x, const hesse_submatrix *matrix,
                             hesse_record_kind kind, bool load)
{
    hesse_checkpoint *c = x->how->checkpoint;
    hesse_why *why = &x->objective->team->why;
    const hesse_record what = record_of(matrix, kind);
    const size_t size = record_size(x->wanted, matrix, kind);
    if (!load && (!c || x->objective->team->rank)) return HESSE_OK;
    double *list = hesse_alloc(size);
    hesse_status s = HESSE_OK;
    if (!list) s = hesse_fail(why, HESSE_E_NOMEM, "out of memory for a record");
    if (!s && load) s = hesse_checkpoint_load(c, &what, list, why);
    if (!s) carry(matrix, kind, list, load);
    if (!s && !load) s = hesse_checkpoint_save(c, &what, size, list, why);
    free(list);
    return s;
}

static bool is_known(const course *x, const hesse_submatrix *matrix,
                     hesse_record_kind kind)
{
    const hesse_record what = record_of(matrix, kind);
    return hesse_checkpoint_has(x->how->checkpoint, &what,
                                record_size(x->wanted, matrix, kind));
}

/* Collective. Compute one kind of result of a matrix. */
static hesse_status find(course *x, hesse_submatrix *matrix, hesse_record_kind kind)
{
    hesse_team *team = x->objective->team;
    const hesse_estimates *e = x->wanted;
    const bool pairs = kind == HESSE_RECORD_EXTREMES;
    const double memory = x->how->memory, start = hesse_seconds();
    const search how = pairs ? search_of(x->objective, e, team->size, matrix, memory)
                             : probing_of(x->objective, e, team->size, matrix, memory);
    hesse_hessian_operator applied;
    hesse_status s = HESSE_OK;
    if (isinf(how.bytes)) s = hesse_fail(&team->why, HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(team, s);
    if (!s)
        s = hesse_hessian_operator_new(x->objective, matrix, how.width, how.block,
                                       x->how, &applied);
    if (s) return s;
    applied.phase = pairs ? "eigenpairs" : "diagonal";
    applied.done = x->done, applied.all = x->all, applied.operations = x->operations;
    const hesse_operator a = hesse_hessian_operator_operator(&applied);
    const hesse_thick_restart restart = {.block = how.block,
                                         .room = how.room,
                                         .products = e->extreme.products,
                                         .noise =
                                             hesse_estimates_noise(x->objective->loss) *
                                             (matrix->scaled ? matrix->largest : 1),
                                         .seed = e->seed};
    s = pairs ? hesse_thick_restart_run(team, &a, &restart, matrix->extremes)
              : hesse_hutchinson_run(team, &a, e->seed, how.width, matrix->hutchinson);
    x->operations = applied.operations;
    hesse_hessian_operator_free(&applied);
    *(pairs ? &matrix->extremes->seconds : &matrix->hutchinson->seconds) =
        hesse_seconds() - start;
    if (!s) s = exchange(x, matrix, kind, false);
    return hesse_agree(team, s);
}

static hesse_status take_or_find(course *x, hesse_submatrix *matrix,
                                 hesse_record_kind kind)
{
    if (!is_known(x, matrix, kind)) return find(x, matrix, kind);
    return hesse_agree(x->objective->team, exchange(x, matrix, kind, true));
}

/* Collective. Load or compute all results of a matrix. */
static hesse_status estimate(course *x, hesse_submatrix *matrix)
{
    const hesse_estimates *e = x->wanted;
    hesse_team *team = x->objective->team;
    const size_t n = matrix->q->n;
    hesse_status s = HESSE_OK;
    if (e->extreme.pairs)
        s = hesse_extremes_new(n, e->extreme.pairs, e->kept, &matrix->extremes,
                               &team->why);
    if (!s && e->extreme.pairs) matrix->extremes->tolerance = e->extreme.tolerance;
    if (!s && e->hutchinson.probes)
        s = hesse_hutchinson_new(n, &e->hutchinson, &matrix->hutchinson, &team->why);
    s = hesse_agree(team, s);
    if (!s && matrix->extremes) s = take_or_find(x, matrix, HESSE_RECORD_EXTREMES);
    if (!s && matrix->hutchinson) s = take_or_find(x, matrix, HESSE_RECORD_HUTCHINSON);
    x->done += products_of(e, (double)n);
    return s;
}

hesse_status hesse_estimates_run(hesse_objective *objective,
                                 const hesse_estimates *settings, int count,
                                 hesse_submatrix *matrices,
                                 const hesse_matrix_free_options *how)
{
    course x = {.objective = objective, .wanted = settings, .how = how};
    hesse_status s = HESSE_OK;
    for (int i = 0; i < count; i++)
        x.all += products_of(settings, (double)matrices[i].q->n);
    for (int i = 0; !s && x.all > 0 && i < count; i++) s = estimate(&x, &matrices[i]);
    return s;
}
