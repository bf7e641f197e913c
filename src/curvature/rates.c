/* A small piece of each kind of work is measured, as a run does it: products as large
   as in an eigensolver, the thin ones of a panel, the loops of an operator, the chase
   of a bulge, a tridiagonal matrix. The fastest of several runs counts, because other
   programs slow down the others. */
#include "curvature/rates.h"

#include "base/clock.h"
#include "base/memory.h"
#include "hesse/analysis.h"
#include "ops/gemm.h"
#include "ops/op.h"
#include "spectra/engines/bulge.h"
#include "spectra/engines/tridiagonal.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ORDER = HESSE_RATES_ORDER,
    RUNS = 5,
    TOKENS = 32,
    WIDTH = 64,
    PASSES = 8,
    STEPS = 16
};

/* These are rates of an AMD EPYC with AVX2, whose ranks send messages through its
   memory. */
const hesse_rates hesse_rates_nominal = {.dgemm = 42e9,
                                         .panels = 35e9,
                                         .elements = 1e9,
                                         .chase = 12e9,
                                         .tridiagonal = 6e8,
                                         .bandwidth = 2e9,
                                         .latency = 5e-6};

typedef struct arrays {
    double *a, *b, *c; /* ORDER x ORDER each */
} arrays;

static void square(const arrays *x)
{
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ORDER, ORDER, ORDER, 1, x->a,
                ORDER, x->b, ORDER, 0, x->c, ORDER);
}

static void panels(const arrays *x)
{
    const size_t token = hesse_stride(WIDTH, HESSE_PANEL);
    for (int pass = 0; pass < PASSES; pass++)
        hesse_gemm_groups(&(hesse_gemm_shape){.into = HESSE_ADD,
                                              .m = WIDTH,
                                              .depth = WIDTH,
                                              .n = HESSE_PANEL,
                                              .alpha = 1,
                                              .a = {x->a, WIDTH, 1},
                                              .b = x->b,
                                              .ldb = HESSE_PANEL,
                                              .c = x->c,
                                              .ldc = HESSE_PANEL,
                                              .groups = TOKENS,
                                              .next_b = token,
                                              .next_c = token});
}

static void elements(const arrays *x)
{
    const hesse_op *op = &hesse_op_layernorm;
    const hesse_dims d = {.n = TOKENS, .t = TOKENS, .c = WIDTH, .o = WIDTH, .a = 1e-5};
    const size_t values = (size_t)TOKENS * WIDTH;
    hesse_frame f = {.d = d,
                     .k = HESSE_PANEL,
                     .x = {x->a, x->a + values, x->a + 2 * values},
                     .y = x->a + 3 * values,
                     .keep = x->a + 4 * values,
                     .dx = {x->b},
                     .dy = x->c};
    op->forward(&f);
    for (int pass = 0; pass < PASSES; pass++) op->tangent(&f);
}

static void chase(const arrays *x)
{
    const size_t step = HESSE_BAND * 2 * HESSE_BAND;
    hesse_reflector h;
    hesse_bulge_begin(x->b + 1, &h);
    for (size_t i = 0; i < STEPS; i++)
        hesse_bulge_step(x->b + 2 * HESSE_BAND + i * step, &h);
}

static void tridiagonal(const arrays *x)
{
    hesse_why why;
    double *d = x->c, *e = d + ORDER, *values = e + ORDER;
    for (int i = 0; i < ORDER; i++) d[i] = 2, e[i] = -1;
    (void)hesse_tridiagonal_solve(ORDER, d, e, 0, ORDER, values, &why);
}

static double seconds_of(void (*work)(const arrays *x), const arrays *x)
{
    const double start = hesse_seconds();
    work(x);
    return hesse_seconds() - start;
}

/* Each run begins with the same numbers, so that none grow. */
static double best(void (*work)(const arrays *x), const arrays *x)
{
    double least = INFINITY;
    for (int i = 0; i <= RUNS; i++) {
        for (size_t j = 0; j < (size_t)ORDER * ORDER; j++)
            x->a[j] = x->b[j] = 1e-3 * (double)(j % 17);
        const double seconds = seconds_of(work, x);
        if (i)
            least = fmin(least, seconds); /* in the first run, the clock speeds up and
                                             pages are mapped */
    }
    return least;
}

hesse_status hesse_rates_measure(hesse_rates *rates, hesse_why *why)
{
    const size_t count = (size_t)ORDER * ORDER;
    const double n = ORDER, values = (double)TOKENS * WIDTH * HESSE_PANEL;
    const arrays x = {hesse_alloc(count), hesse_alloc(count), hesse_alloc(count)};
    hesse_status s = HESSE_OK;
    if (!x.a || !x.b || !x.c)
        s = hesse_fail(why, HESSE_E_NOMEM,
                       "out of memory for three matrices of order %d", ORDER);
    if (!s)
        *rates = (hesse_rates){.dgemm = 2 * n * n * n / best(square, &x),
                               .panels = 2 * PASSES * values * WIDTH / best(panels, &x),
                               .elements = PASSES * values / best(elements, &x),
                               .chase = 12.0 * STEPS * HESSE_BAND * HESSE_BAND /
                                        best(chase, &x),
                               .tridiagonal = n * n / best(tridiagonal, &x),
                               .bandwidth = hesse_rates_nominal.bandwidth,
                               .latency = hesse_rates_nominal.latency};
    free(x.a);
    free(x.b);
    free(x.c);
    return s;
}
