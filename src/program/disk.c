/* Datasets have the sizes that docs/result.md tells; what HDF5 adds was measured. */
#include "program/disk.h"

#include <math.h>

static const double FILE_ITSELF = 70e3, OF_A_BLOCK = 5e3, NUMBER = sizeof(double);

static double square(double n)
{
    return n * n;
}

/* Eigenvalues and vectors, a density, and the matrix, if it is stored. */
static double of_matrix(const hesse_study *x, const hesse_job *job, double n)
{
    const double vectors = fmin(2.0 * x->inquiry.vectors, n);
    return NUMBER * (n * (1 + vectors) + 2.0 * job->spectrum.density.points +
                     job->output.matrices * square(n)) +
           OF_A_BLOCK;
}

hesse_disk hesse_disk_of(const hesse_study *x, const hesse_job *job)
{
    const double blocks = x->partition.count, all = (double)x->partition.size;
    double share = 0, kept = 0; /* squares of orders */
    if (x->inquiry.scope & HESSE_BLOCKS) {
        for (int b = 0; b < x->partition.count; b++) {
            const double n = (double)x->partition.blocks[b].size;
            share += of_matrix(x, job, n);
            kept = job->output.matrices ? kept + square(n) : fmax(kept, square(n));
        }
        share += NUMBER * square(blocks) * job->metrics.n_distance;
    }
    if (x->inquiry.scope & HESSE_FULL) {
        share += of_matrix(x, job, all) + NUMBER * square(blocks);
        kept = fmax(kept, square(all));
    }
    const double shares = x->inquiry.request.shares;
    /* One triangle. */
    return (hesse_disk){.result = FILE_ITSELF + NUMBER * all + shares * share,
                        .parts = shares * NUMBER * kept / 2};
}
