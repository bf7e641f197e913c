/* At W = 0 only the matrices Q have second derivatives. The Hessian does not change if
   layers are exchanged, or if all x are rotated. So it is a number on each product of
   two spaces: layers that move alike or against each other, and multiples of the
   identity, symmetric matrices of trace 0, or antisymmetric ones. Source: Ahn et al.,
   arXiv:2310.01082, for the network; docs/math.md, section 16. */
#include "theory/linear_transformer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

hesse_linear_moments hesse_linear_moments_of(const hesse_linear_task *task)
{
    const double d = task->d, n = task->n, k = task->shape, theta = task->scale;
    hesse_linear_moments m = {.m2 = 1, .m4 = 1}; /* of the unit sphere */
    assert(task->d > 0 && task->n > 0);
    if (task->covariates == HESSE_COVARIATES_NORMAL) m.m2 = d, m.m4 = d * (d + 2);
    if (task->covariates == HESSE_COVARIATES_GAMMA) {
        assert(k > 0 && theta > 0);
        m.m2 = k * theta, m.m4 = k * (k + 1) * theta * theta;
    }
    m.kappa = m.m4 / (d * (d + 2));
    m.c2 = m.m4 / (n * d) + (1 - 1 / n) * (m.m2 / d) * (m.m2 / d);
    return m;
}

double hesse_linear_loss_at_zero(const hesse_linear_task *task)
{
    return hesse_linear_moments_of(task).m2;
}

double hesse_linear_gradient_at_zero(const hesse_linear_task *task)
{
    const double variance = hesse_linear_moments_of(task).m2 / task->d;
    return 2 * variance * variance * sqrt((double)task->layers * task->d);
}

hesse_linear_layer hesse_linear_one_layer(const hesse_linear_task *task)
{
    const hesse_linear_moments m = hesse_linear_moments_of(task);
    const double variance = m.m2 / task->d;
    return (hesse_linear_layer){.eigenvalue = 2 * variance * m.c2,
                                .gamma = variance / m.c2,
                                .loss = m.m2 * (1 - variance * variance / m.c2)};
}

static int descending(const void *a, const void *b)
{
    const double x = ((const hesse_linear_level *)a)->eigenvalue;
    const double y = ((const hesse_linear_level *)b)->eigenvalue;
    return (x < y) - (x > y);
}

int hesse_linear_spectrum_at_zero(const hesse_linear_task *task,
                                  hesse_linear_level levels[HESSE_LINEAR_LEVELS])
{
    const hesse_linear_moments m = hesse_linear_moments_of(task);
    const double d = task->d, n = task->n, layers = task->layers;
    const double variance = m.m2 / d, own = 2 * variance * m.c2;
    const double far = (1 - 1 / n) * variance * variance, near = m.kappa / n;
    /* Multiples of the identity, symmetric matrices of trace 0, antisymmetric ones: the
       dimension, and what two layers add to the curvature of one. */
    const double spaces[][2] = {{1, far + (2 + d) * near},
                                {d * (d + 1) / 2 - 1, far + 2 * near},
                                {d * (d - 1) / 2, -far}};
    int count = 0;
    assert(task->layers > 0);
    for (int s = 0; s < 3; s++) {
        const double size = spaces[s][0], more = 2 * variance * spaces[s][1];
        const double alike = layers * own + (layers - 1) * more;
        if (size > 0) levels[count++] = (hesse_linear_level){alike, size};
        if (size > 0 && layers > 1)
            levels[count++] = (hesse_linear_level){-more, size * (layers - 1)};
    }
    levels[count++] = (hesse_linear_level){0, layers * d * d};
    qsort(levels, (size_t)count, sizeof *levels, descending);
    return count;
}
