/* Quadratics whose Hessian is block diagonal, with given eigenvalues. The examples
   are the rows of A, block diagonal with A_l = sqrt(L_l) Q_l': A' A has blocks Q_l
   L_l Q_l' with the eigenvalues L_l and random orthogonal Q_l, uniform by Haar's
   measure: the QR decomposition of normal numbers, where R's diagonal is made
   positive. All targets are 0.
   Sources: Zhang et al., arXiv:2402.16788, section 3; Mezzadri, How to generate
   random matrices from the classical compact groups, Notices of the AMS 54 (2007). */
#include "data/kinds.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_ORDER = 1 << 24 };

static const hesse_owned_key keys[] = {{NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_quadratic = {
    .name = "quadratic",
    .help = "Rows of a block diagonal matrix A, whose A' A has given eigenvalues.",
    .examples = 1 << HESSE_READS_NUMBERS,
    .drawn = true,
    .keys = keys,
    .read = read_examples};

void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau,
             double *work, const int *lwork, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda,
             const double *tau, double *work, const int *lwork, int *info);

/* Q, n x n by columns, from random numbers that no other block uses. */
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
    if (n < 1 || !eigenvalues)
        return hesse_fail(why, HESSE_E_JOB,
                          "a quadratic has %d eigenvalues, expected 1 or more", n);
    for (int i = 0; i < n; i++)
        if (!(eigenvalues[i] >= 0) || isinf(eigenvalues[i]))
            return hesse_fail(why, HESSE_E_JOB,
                              "eigenvalue %d (from 0) is %g, expected a finite "
                              "number, not below 0",
                              i, eigenvalues[i]);
    return HESSE_OK;
}

static bool describe(int n, const double *eigenvalues, uint64_t seed,
                     hesse_batch *batch)
{
    hesse_digester *d = hesse_digest_begin();
    char text[64];
    if (!d) return false;
    snprintf(text, sizeof text, "quadratic, seed %llu", (unsigned long long)seed);
    hesse_digest_add(d, text, sizeof text);
    hesse_digest_add(d, eigenvalues, (size_t)n * sizeof *eigenvalues);
    hesse_digest_end(d, batch->digest);
    return true;
}

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    const int *sizes = options->sizes;
    const double *eigenvalues = options->eigenvalues;
    int n = 0, largest = 0;
    (void)needs;
    for (int b = 0; b < options->n_sizes; b++) {
        if (sizes[b] < 1 || sizes[b] > MOST_ORDER - n)
            return hesse_fail(
                why, HESSE_E_JOB,
                "the order of block %d (from 0) is %d, expected 1 or more "
                "and together at most %d",
                b, sizes[b], MOST_ORDER);
        n += sizes[b];
        largest = sizes[b] > largest ? sizes[b] : largest;
    }
    const size_t all = (size_t)n, most = (size_t)largest;
    const hesse_status s = check(n, eigenvalues, why);
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
    for (int b = 0; good && b < options->n_sizes; b++) {
        const size_t m = (size_t)sizes[b];
        good = orthogonal(sizes[b], options->seed, used, q);
        for (size_t i = 0; good && i < m; i++)
            for (size_t j = 0; j < m; j++)
                batch->x[(first + i) * all + first + j] =
                    sqrt(eigenvalues[first + i]) * q[i * m + j];
        first += m, used += m * m;
    }
    free(q);
    if (good) good = describe(n, eigenvalues, options->seed, batch);
    if (good) return HESSE_OK;
    return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a quadratic of %d numbers",
                      n);
}
