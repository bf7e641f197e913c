/* Datasets have the sizes that docs/result.md tells; what HDF5 adds was measured. */
#include "program/disk.h"

#include <math.h>

static const double FILE_ITSELF = 70e3, OF_A_BLOCK = 5e3, NUMBER = sizeof(double);

static double square(double n)
{
    return n * n;
}

/* Nodes and weights, a density and its error. */
static double of_quadrature(const hesse_analysis *x, const hesse_job *job, double n)
{
    const hesse_lanczos_settings *s = &x->matrix_free.settings;
    return NUMBER * (2.0 * s->probes * fmin(s->steps, n) + 3.0 * s->probes +
                     3.0 * job->spectrum.density.points +
                     hesse_estimates_numbers(&x->matrix_free.estimates, n)) +
           OF_A_BLOCK;
}

/* Eigenvalues and vectors, a density, and the matrix, if it is stored. */
static double of_matrix(const hesse_analysis *x, const hesse_job *job, double n)
{
    const double vectors = fmin(2.0 * x->options.vectors, n);
    return NUMBER * (n * (1 + vectors) + 2.0 * job->spectrum.density.points +
                     job->analysis.matrices * square(n)) +
           OF_A_BLOCK;
}

hesse_disk hesse_disk_of(const hesse_analysis *x, const hesse_job *job)
{
    const double blocks = x->partition.count, all = (double)x->partition.size;
    double share = 0, kept = 0; /* squares of orders */
    double found = 0;           /* of what is not formed */
    if (x->scope & HESSE_BLOCKS) {
        for (int b = 0; b < x->partition.count; b++) {
            const double n = (double)x->partition.blocks[b].size;
            if (x->matrix_free.blocks[b]) {
                share += of_quadrature(x, job, n);
                found += hesse_estimates_numbers(&x->matrix_free.estimates, n);
                continue;
            }
            share += of_matrix(x, job, n);
            kept = job->analysis.matrices ? kept + square(n) : fmax(kept, square(n));
        }
        share += NUMBER * square(blocks) * job->metrics.n_distance;
    }
    if (x->matrix_free.whole) {
        share += of_quadrature(x, job, all);
        found += hesse_estimates_numbers(&x->matrix_free.estimates, all);
    }
    if (x->options.scope & HESSE_FULL) {
        share += of_matrix(x, job, all) + NUMBER * square(blocks);
        kept = fmax(kept, square(all));
    }
    const double shares = x->options.request.shares;
    /* One triangle. */
    return (hesse_disk){.result = FILE_ITSELF + NUMBER * all + shares * share,
                        .parts = shares * NUMBER * (kept / 2 + found)};
}
