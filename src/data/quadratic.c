/* R's diagonal is made positive: without that Q is not uniform.
   Source: Mezzadri, How to generate random matrices from the classical compact groups,
   Notices of the AMS 54 (2007). */
#include "data/quadratic.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau,
             double *work, const int *lwork, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda,
             const double *tau, double *work, const int *lwork, int *info);

/* Q, n x n by columns, of numbers that no other block has. */
static bool orthogonal(int n, uint64_t seed, uint64_t first, double *q)
{
    const size_t m = (size_t)n;
    const int room = 64 * n;
    double *tau = hesse_alloc(m), *sign = hesse_alloc(m), *work = hesse_alloc(64 * m);
    int info = 0;
    bool good = tau && sign && work;
    for (size_t i = 0; good && i < m * m; i++)
        q[i] = hesse_normal(seed, HESSE_RANDOM_TASK, first + i);
    if (good) dgeqrf_(&n, &n, q, &n, tau, work, &room, &info);
    for (size_t i = 0; good && i < m; i++) sign[i] = q[i * m + i] < 0 ? -1 : 1;
    if (good) dorgqr_(&n, &n, &n, q, &n, tau, work, &room, &info);
    for (size_t i = 0; good && i < m * m; i++) q[i] *= sign[i / m];
    free(work);
    free(tau);
    free(sign);
    return good;
}

static hesse_status check(int n, const double *eigenvalues, hesse_why *why)
{
    for (int i = 0; i < n; i++)
        if (!(eigenvalues[i] >= 0) || isinf(eigenvalues[i]))
            return hesse_fail(
                why, HESSE_E_JOB,
                "quadratic: eigenvalue %d (from 0) is %g, expected a finite "
                "number, not below 0",
                i, eigenvalues[i]);
    return HESSE_OK;
}

static void describe(int n, const double *eigenvalues, uint64_t seed,
                     hesse_batch *batch)
{
    hesse_digester *d = hesse_digest_begin();
    char text[64];
    if (!d) return;
    snprintf(text, sizeof text, "quadratic, seed %llu", (unsigned long long)seed);
    hesse_digest_add(d, text, sizeof text);
    hesse_digest_add(d, eigenvalues, (size_t)n * sizeof *eigenvalues);
    hesse_digest_end(d, batch->digest);
}

hesse_status hesse_quadratic_make(int blocks, const int *sizes,
                                  const double *eigenvalues, uint64_t seed,
                                  hesse_batch *batch, hesse_why *why)
{
    int n = 0, largest = 0;
    for (int b = 0; b < blocks; b++) {
        n += sizes[b];
        largest = sizes[b] > largest ? sizes[b] : largest;
    }
    const size_t all = (size_t)n, most = (size_t)largest;
    hesse_status s = check(n, eigenvalues, why);
    if (s) return s;
    *batch = (hesse_batch){.sequences = n,
                           .context = 1,
                           .width = n,
                           .wanted_tokens = 1,
                           .wanted_width = 1,
                           .x = hesse_alloc(all * all),
                           .wanted = hesse_alloc(all)};
    double *q = hesse_alloc(most * most);
    bool good = batch->x && batch->wanted && q;
    size_t first = 0, used = 0;
    for (int b = 0; good && b < blocks; b++) {
        const size_t m = (size_t)sizes[b];
        good = orthogonal(sizes[b], seed, used, q);
        for (size_t i = 0; good && i < m; i++)
            for (size_t j = 0; j < m; j++)
                batch->x[(first + i) * all + first + j] =
                    sqrt(eigenvalues[first + i]) * q[i * m + j];
        first += m, used += m * m;
    }
    free(q);
    describe(n, eigenvalues, seed, batch);
    if (good) return HESSE_OK;
    hesse_batch_free(batch);
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a quadratic of %d numbers",
                      n);
}
