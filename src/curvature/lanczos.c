/* Quadratures of a model's Hessian: probes in groups, products on all ranks. */
#include "hesse/lanczos.h"

#include "base/memory.h"
#include "curvature/product.h"
#include "spectra/krylov.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS = 100, PROBES = 10, WIDTH = 8, MOST = 1000000 };

static hesse_status check(const hesse_lanczos_question *q, hesse_why *why)
{
    const struct {
        const char *name;
        int value;
    } numbers[] = {{"steps", q->steps},
                   {"probes", q->probes},
                   {"width", q->width},
                   {"n_only", q->n_only}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value < 0 || numbers[i].value > MOST)
            return hesse_fail(why, HESSE_E_JOB, "lanczos: %s is %d, expected 0 to %d",
                              numbers[i].name, numbers[i].value, MOST);
    if (q->part & ~HESSE_ALL)
        return hesse_fail(why, HESSE_E_JOB,
                          "lanczos: part %#x, expected kinds of operators",
                          (unsigned)q->part);
    return HESSE_OK;
}

static hesse_status make(size_t n, const hesse_lanczos_question *question,
                         hesse_quadrature **quadrature, hesse_why *why)
{
    const int steps = question->steps ? question->steps : STEPS;
    hesse_quadrature *q = hesse_calloc(1, sizeof *q);
    if (q) {
        q->n = n;
        q->probes = question->probes ? question->probes : PROBES;
        q->steps = n < (size_t)steps ? (int)n : steps;
        const size_t probes = (size_t)q->probes, numbers = probes * (size_t)q->steps;
        q->nodes = hesse_alloc(numbers);
        q->weights = hesse_alloc(numbers);
        q->taken = hesse_calloc(probes, sizeof *q->taken);
        q->extreme[0] = hesse_alloc(probes);
        q->extreme[1] = hesse_alloc(probes);
    }
    *quadrature = q;
    if (q && q->nodes && q->weights && q->taken && q->extreme[0] && q->extreme[1])
        return HESSE_OK;
    return hesse_fail(why, HESSE_E_NOMEM, "lanczos: out of memory for a quadrature");
}

/* What Lanczos' recurrence multiplies with. */
typedef struct multiplication {
    hesse_product *product;
    hesse_kinds part;
} multiplication;

static void multiply(void *context, const double *v, double *av)
{
    const multiplication *m = context;
    hesse_product_run(m->product, m->part, v, av);
}

/* Probes in groups of a width, and a narrower one at the end. */
static hesse_status probe_all(hesse_model *model, const hesse_partition *partition,
                              const hesse_lanczos_question *question,
                              hesse_quadrature *q)
{
    const int most = question->width ? question->width : WIDTH;
    multiplication m = {.part = question->part ? question->part : HESSE_ALL};
    hesse_status s = HESSE_OK;
    int width = 0; /* of the product */
    for (int first = 0; !s && first < q->probes; first += width) {
        const int left = q->probes - first, k = left < most ? left : most;
        if (k != width) {
            hesse_product_free(m.product);
            m.product = NULL;
            s = hesse_product_new(model, partition->pieces, partition->n_pieces, k,
                                  &m.product);
            width = k;
        }
        if (!s)
            s = hesse_krylov(model->team, multiply, &m, first, k, question->forgetful,
                             question->seed, q);
    }
    hesse_product_free(m.product);
    return s;
}

hesse_status hesse_lanczos(hesse_model *model, const hesse_lanczos_question *question,
                           hesse_quadrature **quadrature)
{
    hesse_team *team = model->team;
    hesse_partition partition = {0};
    hesse_quadrature *q = NULL;
    const double start = MPI_Wtime();
    hesse_status s = check(question, &team->why);
    if (!s && !model->theta)
        s = hesse_fail(&team->why, HESSE_E_JOB, "lanczos: the model has no values");
    if (!s)
        s = hesse_partition_new(&model->arch, &model->params, question->partition,
                                question->only, question->n_only, &partition,
                                &team->why);
    if (!s) s = make(partition.size, question, &q, &team->why);
    s = hesse_agree(team, s);
    if (!s) s = probe_all(model, &partition, question, q);
    hesse_partition_free(&partition);
    if (s) {
        hesse_quadrature_free(q);
        return s;
    }
    q->seconds = MPI_Wtime() - start;
    *quadrature = q;
    return HESSE_OK;
}

void hesse_quadrature_free(hesse_quadrature *q)
{
    if (!q) return;
    free(q->nodes);
    free(q->weights);
    free(q->taken);
    free(q->extreme[0]);
    free(q->extreme[1]);
    free(q);
}

void hesse_quadrature_moment(const hesse_quadrature *q, int power, double *estimate,
                             double *standard_error)
{
    double mean = 0, squares = 0;
    for (int p = 0; p < q->probes; p++) {
        double moment = 0;
        for (int i = 0; i < q->steps; i++) {
            const size_t at = (size_t)p * (size_t)q->steps + (size_t)i;
            moment += q->weights[at] * pow(q->nodes[at], power);
        }
        /* Welford's update: differences before squares. */
        const double far = (double)q->n * moment - mean;
        mean += far / (p + 1);
        squares += far * ((double)q->n * moment - mean);
    }
    *estimate = mean;
    *standard_error =
        q->probes > 1 ? sqrt(squares / (q->probes - 1.0) / q->probes) : NAN;
}
