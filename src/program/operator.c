/* The shared library for other languages. A job is opened as the commands open it, and
   its objective and products answer. Nothing here ends the process or writes a message,
   because both belong to the caller.

   The callers are programs like those of SciPy, which run on every rank with vectors of
   their own. If the vectors of two ranks drifted apart, the sums over the ranks would
   be wrong without a sign. So rank 0 sends its vectors to the others, which compare. */
#include "hesse/operator.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "base/units.h"
#include "network/partition.h"
#include "objective/network.h"
#include "objective/product.h"
#include "parallel/available.h"
#include "program/blas_core.h"
#include "program/commands.h"
#include "program/launch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Vectors of two ranks are the same if their elements differ by less than this,
   relative to the largest one. */
static const double SAME = 1e-8;

struct hesse_opened {
    hesse_team *team;
    hesse_job *job;
    hesse_problem problem;
    char note[2048];
};

struct hesse_opened_matrix {
    hesse_opened *opened;
    hesse_kinds share;
    hesse_partition partition;
    /* These are made for `vectors` vectors, `bundle.k` of which are multiplied at
       once. */
    int vectors;
    hesse_bundle bundle;
    hesse_product *product;
    double *v, *av; /* n x bundle.k */
};

int hesse_interface(void)
{
    return HESSE_INTERFACE;
}

const char *hesse_interface_version(void)
{
    return HESSE_VERSION;
}

void hesse_interface_mpi(char *text, size_t room)
{
    char all[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(all, &length);
    snprintf(text, room, "%s", all);
}

int hesse_interface_start(void)
{
    int started;
    MPI_Initialized(&started);
    if (started) return 0;
    hesse_launch_alone();
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &(int){0});
    return 1;
}

static bool has_ended(void)
{
    int ended;
    MPI_Finalized(&ended);
    return ended;
}

void hesse_interface_stop(void)
{
    if (!has_ended()) MPI_Finalize();
}

/* Collective. Fail if the ranks have different numbers: calls, or the digests of what
   they were called with. */
static hesse_status compare(hesse_team *team, uint64_t number, const char *what)
{
    uint64_t ends[2] = {number, ~number};
    if (hesse_team_size(team) == 1) return HESSE_OK;
    MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_UINT64_T, MPI_MAX, team->comm);
    if (ends[0] == ~ends[1]) return HESSE_OK;
    return hesse_fail(hesse_team_why(team), HESSE_E_JOB,
                      "found different %s on the ranks, expected the same on all",
                      what);
}

/* Collective. Fail if the ranks have different vectors, and replace them by those of
   rank 0. `room` is for as many numbers. */
static hesse_status unite(hesse_team *team, size_t count, double *values, double *room,
                          const char *what)
{
    double largest = 0, apart = 0;
    hesse_status s = HESSE_OK;
    if (hesse_team_size(team) == 1) return HESSE_OK;
    memcpy(room, values, count * sizeof *values);
    hesse_team_broadcast(team, 0, values, count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        const bool same = values[i] == room[i] || (isnan(values[i]) && isnan(room[i]));
        const double distance = same ? 0 : fabs(values[i] - room[i]);
        largest = fmax(largest, fmax(fabs(values[i]), fabs(room[i])));
        if (!isnan(apart) && !(distance <= apart)) apart = distance; /* NaN stays */
    }
    if (!(apart <= SAME * largest))
        s = hesse_fail(
            hesse_team_why(team), HESSE_E_JOB,
            "found %s that differ from those of rank 0 by %.2g of the largest "
            "number, expected the same on all ranks (random numbers need the "
            "same seed there)",
            what, apart / largest);
    return hesse_agree(team, s);
}

/* Let BLAS use one thread, as in the program; and give it back its threads. */
static int take_blas(void)
{
    return hesse_blas_use_threads(1);
}

static void give_blas(int threads)
{
    hesse_blas_use_threads(threads);
}

/* Opening. */

static uint64_t add_text(uint64_t digest, const char *text)
{
    for (const char *c = text ? text : ""; *c; c++)
        digest = (digest ^ (unsigned char)*c) * 0x100000001b3u;
    return (digest ^ 0xff) * 0x100000001b3u;
}

/* The digest FNV-1a of all texts. */
static uint64_t digest_of(const hesse_opened_source *source)
{
    uint64_t digest = add_text(0xcbf29ce484222325u, source->file);
    digest = add_text(digest, source->text);
    digest = add_text(digest, source->point);
    for (int i = 0; i < source->n_sets; i++) digest = add_text(digest, source->sets[i]);
    return digest;
}

/* Collective. */
static hesse_status check_source(hesse_team *team, const hesse_opened_source *source)
{
    bool there = source && source->file && source->n_sets >= 0 &&
                 (source->sets || !source->n_sets);
    hesse_status s = HESSE_OK;
    for (int i = 0; there && i < source->n_sets; i++) there = source->sets[i];
    if (!there)
        s = hesse_fail(hesse_team_why(team), HESSE_E_JOB,
                       "found a source without the name of a job or without one of its "
                       "overrides, expected both");
    s = hesse_agree(team, s);
    return s ? s : compare(team, digest_of(source), "jobs or overrides");
}

/* Collective. */
static hesse_status read_job(hesse_team *team, const hesse_opened_source *source,
                             hesse_job **job)
{
    const hesse_job_choice choice = {
        .sets = source->sets, .n_sets = source->n_sets, .name = source->point};
    const char *given = source->text;
    char *text = NULL;
    size_t length = given ? strlen(given) : 0;
    hesse_status s = HESSE_OK;
    if (!given) s = hesse_read_text(team, source->file, &text, &length);
    if (!s)
        s = hesse_make_job(team, source->file, given ? given : text, length, &choice,
                           job);
    free(text);
    if (!s && (*job)->sweep.points > 1 && !source->point)
        s = hesse_fail(hesse_team_why(team), HESSE_E_JOB,
                       "%s: 'sweep' has %d points, expected one of them to be chosen, "
                       "such as the point %s",
                       source->file, (*job)->sweep.points, (*job)->sweep.name);
    if (!s && (*job)->series.count > 1)
        s = hesse_fail(hesse_team_why(team), HESSE_E_JOB,
                       "%s: 'model.checkpoints' has %d checkpoints, expected one",
                       source->file, (*job)->series.count);
    return s;
}

/* Write the note of the network, and what is wrong with BLAS. */
static void write_note(hesse_opened *x)
{
    const char *better = hesse_blas_better();
    int length =
        snprintf(x->note, sizeof x->note, "%s", hesse_network_note(x->problem.network));
    if (better)
        snprintf(
            x->note + length, sizeof x->note - (size_t)length,
            "%sOpenBLAS uses the kernels of %s, which are slow on this processor; "
            "set OPENBLAS_CORETYPE=%s in the environment before the process starts",
            length ? "\n" : "", hesse_blas_core(), better);
}

hesse_status hesse_opened_new(const int *comm, const hesse_opened_source *source,
                              hesse_opened **opened, hesse_why *why)
{
    if (!opened) return hesse_fail(why, HESSE_E_JOB, "a job needs a place");
    *opened = NULL;
    hesse_opened *x = hesse_calloc(1, sizeof *x);
    hesse_team *team = NULL;
    const int threads = take_blas();
    hesse_status s =
        hesse_team_new(comm ? MPI_Comm_f2c((MPI_Fint)*comm) : MPI_COMM_SELF, &team);
    if (s) {
        hesse_fail(why, s, "the communicator cannot be used, or memory is exhausted");
    } else {
        if (!x)
            s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                           "out of memory for a job");
        s = hesse_agree(team, s);
    }
    if (x) x->team = team;
    if (!s) s = check_source(team, source);
    if (!s) s = read_job(team, source, &x->job);
    if (!s) s = hesse_open_problem(team, x->job, false, &x->problem);
    if (!s) write_note(x);
    give_blas(threads);
    if (!s) {
        *opened = x;
        return s;
    }
    if (team && why) *why = *hesse_team_why(team);
    if (!x) hesse_team_free(team);
    hesse_opened_close(x);
    return s;
}

static void close_open(hesse_opened *x, bool collective)
{
    if (!x) return;
    hesse_problem_free(&x->problem);
    hesse_job_free(x->job);
    if (x->team && !has_ended() && (collective || hesse_team_size(x->team) == 1))
        hesse_team_free(x->team);
    free(x);
}

void hesse_opened_close(hesse_opened *x)
{
    close_open(x, true);
}

void hesse_opened_free(hesse_opened *x)
{
    close_open(x, false);
}

const char *hesse_opened_why(const hesse_opened *x)
{
    return hesse_team_why(x->team)->text;
}

const char *hesse_opened_note(const hesse_opened *x)
{
    return x->note;
}

/* Parameters and loss. */

size_t hesse_opened_size(const hesse_opened *x)
{
    return hesse_network_size(x->problem.network);
}

int hesse_opened_tensors(const hesse_opened *x)
{
    return hesse_network_tensors(x->problem.network);
}

const char *hesse_opened_tensor_name(const hesse_opened *x, int i)
{
    return hesse_network_tensor_name(x->problem.network, i);
}

size_t hesse_opened_tensor_first(const hesse_opened *x, int i)
{
    return hesse_network_tensor_first(x->problem.network, i);
}

int hesse_opened_tensor_shape(const hesse_opened *x, int i, size_t shape[4])
{
    if (i < 0 || i >= hesse_opened_tensors(x)) return 0;
    const hesse_param *p = &hesse_network_params(x->problem.network)->list[i];
    for (int d = 0; d < p->rank; d++) shape[d] = (size_t)p->shape[d];
    if (p->rank) return p->rank;
    shape[0] = p->vector ? hesse_param_size(p) : (size_t)p->rows;
    shape[1] = (size_t)p->cols;
    return p->vector ? 1 : 2;
}

const double *hesse_opened_parameters(const hesse_opened *x)
{
    return hesse_objective_parameters(x->problem.objective);
}

hesse_status hesse_opened_set_parameters(hesse_opened *x, const double *values)
{
    hesse_team *team = x->team;
    const size_t n = hesse_opened_size(x);
    double *own = hesse_alloc(2 * n);
    hesse_status s = HESSE_OK;
    if (!values)
        s = hesse_fail(hesse_team_why(team), HESSE_E_JOB,
                       "the values of the parameters are missing");
    else if (!own)
        s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                       "out of memory for %zu parameters", n);
    s = hesse_agree(team, s);
    if (!s) {
        memcpy(own, values, n * sizeof *own);
        s = unite(team, n, own, own + n, "parameters");
    }
    if (!s) s = hesse_objective_set_parameters(x->problem.objective, own);
    free(own);
    return s;
}

hesse_status hesse_opened_read(hesse_opened *x, const char *path, double *values)
{
    const hesse_status s = compare(x->team, add_text(0, path), "checkpoints");
    return s ? s : hesse_network_read(x->team, x->problem.network, path, values);
}

hesse_status hesse_opened_loss(hesse_opened *x, double *loss)
{
    const int threads = take_blas();
    const hesse_status s = hesse_objective_loss(x->problem.objective, loss);
    give_blas(threads);
    return s;
}

hesse_status hesse_opened_gradient(hesse_opened *x, double *loss, double *gradient)
{
    const int threads = take_blas();
    const hesse_status s =
        hesse_objective_gradient(x->problem.objective, loss, gradient);
    give_blas(threads);
    return s;
}

/* Matrices. */

static hesse_status unknown_share(const char *share, hesse_why *why)
{
    const char *near = "hessian";
    for (int i = 0; hesse_kinds_at(i); i++) {
        const char *name = hesse_kinds_name(hesse_kinds_at(i));
        if (hesse_edits(share, name) < hesse_edits(share, near)) near = name;
    }
    return hesse_fail(
        why, HESSE_E_JOB,
        "found the share '%.100s', expected a value of hessian.parts; the "
        "nearest is '%s'",
        share, near);
}

/* Local. Find the share and the blocks. */
static hesse_status choose(hesse_opened_matrix *m, const char *share,
                           const char *const *blocks, int n_blocks, hesse_why *why)
{
    const hesse_network *network = m->opened->problem.network;
    const hesse_analysis_options *asked = &m->opened->job->analysis;
    const bool own = !n_blocks;
    if (!share || n_blocks < 0 || (n_blocks && !blocks))
        return hesse_fail(why, HESSE_E_JOB,
                          "found no share or no blocks, expected their names");
    m->share = hesse_kinds_named(share);
    if (!m->share) return unknown_share(share, why);
    if (own && asked->preset)
        return hesse_fail(
            why, HESSE_E_JOB,
            "found a published list in hessian.blocks, expected the names "
            "of blocks");
    const hesse_status s = hesse_partition_new(
        hesse_network_params(network), asked->partition, own ? asked->only : blocks,
        own ? asked->n_only : n_blocks, &m->partition, why);
    m->bundle = (hesse_bundle){m->partition.pieces, m->partition.n_pieces, 0};
    return s;
}

hesse_status hesse_opened_matrix_new(hesse_opened *x, const char *share,
                                     const char *const *blocks, int n_blocks,
                                     hesse_opened_matrix **matrix)
{
    hesse_team *team = x->team;
    hesse_opened_matrix *m = hesse_calloc(1, sizeof *m);
    uint64_t digest = add_text(0, share);
    hesse_status s = HESSE_OK;
    *matrix = NULL;
    if (m)
        m->opened = x, s = choose(m, share, blocks, n_blocks, hesse_team_why(team));
    else
        s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM, "out of memory");
    s = hesse_agree(team, s);
    for (int i = 0; !s && i < n_blocks; i++) digest = add_text(digest, blocks[i]);
    if (!s) s = compare(team, digest, "shares or blocks");
    if (s)
        hesse_opened_matrix_free(m);
    else
        *matrix = m;
    return s;
}

/* Free what is made for a number of vectors. */
static void forget(hesse_opened_matrix *m)
{
    hesse_product_free(m->product);
    free(m->v);
    free(m->av);
    m->product = NULL, m->v = m->av = NULL, m->vectors = 0;
}

void hesse_opened_matrix_free(hesse_opened_matrix *m)
{
    if (!m) return;
    forget(m);
    hesse_partition_free(&m->partition);
    free(m);
}

size_t hesse_opened_matrix_size(const hesse_opened_matrix *m)
{
    return m->partition.size;
}

int hesse_opened_matrix_blocks(const hesse_opened_matrix *m)
{
    return m->partition.count;
}

static const hesse_block *block_at(const hesse_opened_matrix *m, int i)
{
    return i >= 0 && i < m->partition.count ? &m->partition.blocks[i] : NULL;
}

const char *hesse_opened_matrix_block_name(const hesse_opened_matrix *m, int i)
{
    const hesse_block *b = block_at(m, i);
    return b ? b->name : NULL;
}

size_t hesse_opened_matrix_block_first(const hesse_opened_matrix *m, int i)
{
    const hesse_block *b = block_at(m, i);
    return b ? b->first : 0;
}

size_t hesse_opened_matrix_block_size(const hesse_opened_matrix *m, int i)
{
    const hesse_block *b = block_at(m, i);
    return b ? b->size : 0;
}

void hesse_opened_matrix_index(const hesse_opened_matrix *m, uint64_t *index)
{
    const hesse_param *list = hesse_network_params(m->opened->problem.network)->list;
    for (int i = 0; i < m->partition.n_pieces; i++) {
        const hesse_piece *p = &m->partition.pieces[i];
        const hesse_param *from = &list[p->param];
        uint64_t *to = index + p->first;
        for (int r = 0; r < p->rect.rows; r++)
            for (int c = 0; c < p->rect.cols; c++)
                *to++ = from->offset +
                        (uint64_t)(p->rect.row + r) * (uint64_t)from->cols +
                        (uint64_t)(p->rect.col + c);
    }
}

/* Local. Choose how many of some vectors are multiplied at once, within some bytes. */
static hesse_status choose_width(hesse_opened_matrix *m, int vectors, size_t available,
                                 hesse_why *why)
{
    const hesse_objective *objective = m->opened->problem.objective;
    const int ranks = hesse_team_size(m->opened->team);
    const int panel = m->opened->job->analysis.panel;
    const int most = panel > 0 ? panel : HESSE_PANEL;
    const double row = 2.0 * (double)(m->partition.size * sizeof(double)); /* v, av */
    int width = hesse_product_width(objective, ranks, vectors < most ? vectors : most);
    for (; width; width /= 2) {
        m->bundle.k = width;
        const double bytes =
            hesse_product_bytes(objective, ranks, &m->bundle, 1) + row * width;
        if (isinf(bytes)) return hesse_fail(why, HESSE_E_NOMEM, "out of memory");
        if (bytes <= (double)available) return HESSE_OK;
        if (width == 1)
            return hesse_fail(
                why, HESSE_E_NOMEM,
                "a product with one vector of %zu numbers needs %s, of %s "
                "free",
                m->partition.size, HESSE_BYTES(bytes), HESSE_BYTES((double)available));
    }
    return HESSE_OK;
}

/* Collective. Prepare products with some vectors, unless the last call has done so. */
static hesse_status prepare(hesse_opened_matrix *m, int vectors)
{
    hesse_team *team = m->opened->team;
    if (m->vectors == vectors) return HESSE_OK;
    forget(m);
    const size_t available = hesse_team_available(team);
    hesse_status s = choose_width(m, vectors, available, hesse_team_why(team));
    if (!s) {
        const size_t numbers = m->partition.size * (size_t)m->bundle.k;
        m->v = hesse_alloc(numbers), m->av = hesse_alloc(numbers);
        if (!m->v || !m->av)
            s = hesse_fail(hesse_team_why(team), HESSE_E_NOMEM,
                           "out of memory for %d vectors", m->bundle.k);
    }
    s = hesse_agree(team, s);
    if (!s)
        s = hesse_product_new(m->opened->problem.objective, &m->bundle, 1, &m->product);
    if (s)
        forget(m);
    else
        m->vectors = vectors;
    return s;
}

/* Local. Fail if one of `some` vectors, the first of which has the number `first`, is
   not finite. */
static hesse_status check_finite(const hesse_opened_matrix *m, const double *list,
                                 int first, int some, const char *what)
{
    const size_t width = (size_t)m->bundle.k;
    for (size_t i = 0; i < m->partition.size; i++)
        for (int j = 0; j < some; j++)
            if (!isfinite(list[i * width + (size_t)j]))
                return hesse_fail(
                    hesse_team_why(m->opened->team), HESSE_E_NUMERIC,
                    "element %zu of %s %d is %g, expected a finite number", i, what,
                    first + j, list[i * width + (size_t)j]);
    return HESSE_OK;
}

/* Collective. Multiply vectors first ... first + some - 1 of k. */
static hesse_status multiply(hesse_opened_matrix *m, int k, int first, int some,
                             const double *v, double *av)
{
    hesse_team *team = m->opened->team;
    const size_t n = m->partition.size, width = (size_t)m->bundle.k;
    memset(m->v, 0, n * width * sizeof *m->v);
    for (size_t i = 0; i < n; i++)
        memcpy(m->v + i * width, v + i * (size_t)k + (size_t)first,
               (size_t)some * sizeof *v);
    hesse_status s = hesse_agree(team, check_finite(m, m->v, first, some, "vector"));
    if (!s) s = unite(team, n * width, m->v, m->av, "vectors");
    if (s) return s;
    const int threads = take_blas();
    hesse_product_run(m->product, m->share, m->v, m->av);
    give_blas(threads);
    for (size_t i = 0; i < n; i++)
        memcpy(av + i * (size_t)k + (size_t)first, m->av + i * width,
               (size_t)some * sizeof *av);
    return hesse_agree(team,
                       check_finite(m, m->av, first, some, "the product with vector"));
}

hesse_status hesse_opened_matrix_product(hesse_opened_matrix *m, int k, const double *v,
                                         double *av)
{
    hesse_team *team = m->opened->team;
    hesse_status s = HESSE_OK;
    if (k < 1 || !v || !av)
        s = hesse_fail(hesse_team_why(team), HESSE_E_JOB,
                       "a product of %d vectors, expected at least one, and a place",
                       k);
    s = hesse_agree(team, s);
    if (!s) s = compare(team, (uint64_t)k, "numbers of vectors");
    if (!s) s = prepare(m, k);
    for (int first = 0; !s && first < k; first += m->bundle.k) {
        const int some = k - first < m->bundle.k ? k - first : m->bundle.k;
        s = multiply(m, k, first, some, v, av);
    }
    return s;
}
