/* Two products that stand for the two halves of the work: large square ones, as in an
   eigensolver, and the thin ones of a panel, which run in our own kernel. The best of
   several runs counts: what slows the others is somebody else's. */
#include "program/rate.h"

#include "base/memory.h"
#include "hesse/study.h"
#include "ops/gemm.h"
#include "ops/op.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { ORDER = 1000, RUNS = 3, TOKENS = 32, WIDTH = 64, PASSES = 20 };

typedef struct arrays {
    double *a, *b, *c; /* ORDER x ORDER each */
} arrays;

static double seconds_of(void (*work)(const arrays *x), const arrays *x)
{
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    work(x);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) +
           1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

static void square(const arrays *x)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ORDER, ORDER, ORDER, 1, x->a,
                ORDER, x->b, ORDER, 0, x->c, ORDER);
}

static void panels(const arrays *x)
{
    const size_t token = hesse_stride(WIDTH, HESSE_PANEL);
    for (int pass = 0; pass < PASSES; pass++)
        for (size_t n = 0; n < TOKENS; n++)
            hesse_gemm(HESSE_ADD, WIDTH, HESSE_PANEL, WIDTH, 1,
                       (hesse_strided){x->a, WIDTH, 1}, x->b + n * token, HESSE_PANEL,
                       x->c + n * token, HESSE_PANEL);
}

static double best(void (*work)(const arrays *x), const arrays *x)
{
    double least = INFINITY;
    work(x); /* pages and clock frequency come up */
    for (int i = 0; i < RUNS; i++) least = fmin(least, seconds_of(work, x));
    return least;
}

hesse_status hesse_rate_measure(hesse_rate *rate, hesse_why *why)
{
    const size_t count = (size_t)ORDER * ORDER;
    const arrays x = {hesse_alloc(count), hesse_alloc(count), hesse_alloc(count)};
    hesse_status s = HESSE_OK;
    if (!x.a || !x.b || !x.c)
        s = hesse_fail(why, HESSE_E_NOMEM,
                       "out of memory for three matrices of order %d", ORDER);
    for (size_t i = 0; !s && i < count; i++) x.a[i] = x.b[i] = 1e-3 * (double)(i % 17);
    if (!s) {
        rate->dgemm = 2.0 * ORDER * ORDER * ORDER / best(square, &x);
        rate->panels =
            2.0 * PASSES * TOKENS * WIDTH * WIDTH * HESSE_PANEL / best(panels, &x);
    }
    free(x.a);
    free(x.b);
    free(x.c);
    return s;
}
