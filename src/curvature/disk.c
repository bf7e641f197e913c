/* The sizes of datasets follow from docs/result.md; the size that HDF5 adds was
   measured. Panels of a block are in part files until the block is done: every rank
   works on one block at a time, alone or with its group. */
#include "curvature/disk.h"

#include <math.h>

static const double FILE_ITSELF = 70e3, OF_A_BLOCK = 5e3, NUMBER = sizeof(double);

/* These count numbers that a record has in addition: HEAD to eigenvalues and vectors,
   PROBE to the nodes and weights of a probe, and ESTIMATES to pairs and a diagonal. */
enum { HEAD = 10, PROBE = 5, ESTIMATES = 13 };

/* A part file of one record has these numbers in addition. */
enum { OF_A_FILE = 30 };

static double square(double n)
{
    return n * n;
}

/* Return the bytes of nodes and weights, a density and its error. */
static double of_quadrature(const hesse_plan *x, double n)
{
    const hesse_lanczos_settings *s = &x->matrix_free.settings;
    return NUMBER * (2.0 * s->probes * fmin(s->steps, n) + 3.0 * s->probes +
                     3.0 * x->density.points +
                     hesse_estimates_numbers(&x->matrix_free.estimates, n)) +
           OF_A_BLOCK;
}

/* Return the bytes of eigenvalues and vectors, a density, and the matrix, if it is
   stored. */
static double of_matrix(const hesse_plan *x, double n)
{
    const double vectors = fmin(2.0 * x->options.vectors, n);
    return NUMBER *
               (n * (1 + vectors) + 2.0 * x->density.points + x->stored * square(n)) +
           OF_A_BLOCK;
}

double hesse_disk_of_result(const hesse_plan *x)
{
    const double blocks = x->partition.count, all = (double)x->partition.size;
    double share = 0;
    for (int b = 0; x->scope & HESSE_BLOCKS && b < x->partition.count; b++) {
        const double n = (double)x->partition.blocks[b].size;
        share += x->matrix_free.blocks[b] ? of_quadrature(x, n) : of_matrix(x, n);
    }
    if (x->scope & HESSE_BLOCKS) share += NUMBER * square(blocks) * x->n_distances;
    if (x->matrix_free.whole) share += of_quadrature(x, all);
    if (x->options.scope & HESSE_FULL)
        share += of_matrix(x, all) + NUMBER * square(blocks);
    const double scaled = x->options.request.shares - x->plain; /* each has its D */
    return FILE_ITSELF + NUMBER * all * (1 + scaled) +
           x->options.request.shares * share;
}

/* Return how many numbers the records of a finished matrix have. */
static double record_numbers(const hesse_plan *x, double n, bool estimated)
{
    const hesse_lanczos_settings *s = &x->matrix_free.settings;
    const double vectors = fmin(2.0 * x->options.vectors, n);
    return OF_A_FILE +
           (estimated ? s->probes * (PROBE + 2.0 * fmin(s->steps, n)) + ESTIMATES +
                            hesse_estimates_numbers(&x->matrix_free.estimates, n)
                      : HEAD + n + vectors * (n + 1));
}

/* Return how many numbers of every share are kept to the end. */
static double all_records(const hesse_plan *x)
{
    double numbers = 0;
    for (int b = 0; x->scope & HESSE_BLOCKS && b < x->partition.count; b++)
        numbers += record_numbers(x, (double)x->partition.blocks[b].size,
                                  x->matrix_free.blocks[b]);
    if (x->scope & HESSE_FULL)
        numbers += record_numbers(x, (double)x->partition.size, x->matrix_free.whole) +
                   square(x->partition.count);
    return numbers;
}

/* Return how many numbers of panels of every share are in part files at the same time.
   The panels of the whole, and of matrices that a listener is given, stay to the
   end. */
static double all_panels(const hesse_plan *x)
{
    const hesse_schedule *s = &x->schedule;
    double numbers = 0;
    if (x->options.scope & HESSE_FULL)
        return hesse_dense_keeps(&s->whole, x->stretch, x->shown)
                   ? x->panel_numbers[x->partition.count]
                   : 0;
    for (int r = 0; r < x->ranks; r++) {
        double most = 0;
        for (int i = 0; i < s->count; i++) {
            const hesse_task *t = &s->tasks[i];
            const bool mine =
                t->group.first <= r && r < t->group.first + t->group.count;
            if (!mine || !hesse_dense_keeps(t, x->stretch, x->shown)) continue;
            const double part = x->panel_numbers[t->block] / t->group.count;
            most = x->shown ? most + part : fmax(most, part);
        }
        numbers += most;
    }
    return numbers;
}

double hesse_disk_of_parts(const hesse_plan *x)
{
    return x->options.request.shares * NUMBER * (all_records(x) + all_panels(x));
}
