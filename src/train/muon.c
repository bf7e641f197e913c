/* Muon replaces the momentum of a matrix by a matrix with nearly the same singular
   vectors and with singular values near 1, by five steps of an iteration that needs
   only products. torch.optim.Muon computes them in bfloat16; here they are in double.

   Source: Jordan et al., Muon: An optimizer for hidden layers in neural networks
   (2024); torch.optim.Muon. */
#include "network/weights.h"
#include "train/optimiser.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

static const double A = 3.4445, B = -4.7750, C = 2.0315, EPSILON = 1e-7;
enum { STEPS = 5 };

/* The sizes of a tensor as it is stored, with all its slices. */
typedef struct sizes {
    int rows, cols;
} sizes;

static sizes sizes_of(const hesse_param *p)
{
    const int total = p->slice.total;
    return (sizes){total && p->out_rows ? total : p->rows,
                   total && !p->out_rows ? total : p->cols};
}

/* Work space: three matrices of the shape of the tensor, and two squares of its smaller
   side. */
static size_t work_of(sizes s)
{
    const size_t small = (size_t)(s.rows < s.cols ? s.rows : s.cols);
    return 3 * (size_t)s.rows * (size_t)s.cols + 2 * small * small;
}

size_t hesse_muon_work(const hesse_network *network)
{
    size_t most = 0;
    for (int i = 0; i < network->params.count; i++) {
        const size_t here = work_of(sizes_of(&network->params.list[i]));
        if (here > most) most = here;
    }
    return most;
}

/* Copy all slices of a tensor between the vector of the network and a matrix. */
static void copy(const hesse_network *n, int first, double *matrix, double *vector,
                 bool in)
{
    const hesse_params *params = &n->params;
    for (int i = first; i < params->count; i++)
        if (strcmp(params->list[i].tensor, params->list[first].tensor) == 0)
            hesse_slice_copy(&params->list[i], matrix, vector + params->list[i].offset,
                             in);
}

/* Replace x, m x n with m <= n, by an approximately orthogonal matrix. `other` has its
   size, gram and square m x m numbers. */
static void orthogonalise(int m, int n, double *x, double *other, double *gram,
                          double *square)
{
    const int mn = m * n, mm = m * m;
    const double norm = cblas_dnrm2(mn, x, 1);
    cblas_dscal(mn, 1 / fmax(norm, EPSILON), x, 1);
    for (int i = 0; i < STEPS; i++) {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, m, n, 1, x, n, x, n, 0,
                    gram, m);
        memcpy(square, gram, (size_t)mm * sizeof *square);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, m, m, C, gram, m,
                    gram, m, B, square, m);
        memcpy(other, x, (size_t)mn * sizeof *other);
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, m, 1, square, m, x,
                    n, A, other, n);
        memcpy(x, other, (size_t)mn * sizeof *x);
    }
}

static void transpose(int rows, int cols, const double *from, double *to)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            to[(size_t)j * (size_t)rows + (size_t)i] =
                from[(size_t)i * (size_t)cols + (size_t)j];
}

void hesse_muon_step(const hesse_network *network, int i,
                     const hesse_optimiser_settings *settings, double rate,
                     const double *gradient, double *momentum, double *parameters,
                     double *work)
{
    const hesse_params *params = &network->params;
    const sizes s = sizes_of(&params->list[i]);
    const size_t count = (size_t)s.rows * (size_t)s.cols;
    const int m = s.rows < s.cols ? s.rows : s.cols,
              n = s.rows < s.cols ? s.cols : s.rows;
    double *update = work, *other = update + count, *third = other + count,
           *gram = third + count, *square = gram + (size_t)m * (size_t)m;
    const double mu = settings->momentum, decay = settings->weight_decay;

    copy(network, i, update, momentum, true);
    copy(network, i, other, (double *)gradient, true);
    for (size_t j = 0; j < count; j++) {
        update[j] += (1 - mu) * (other[j] - update[j]);
        third[j] = update[j];
        if (settings->nesterov) update[j] = other[j] + mu * (update[j] - other[j]);
    }
    copy(network, i, third, momentum, false);
    if (s.rows > s.cols) {
        transpose(s.rows, s.cols, update, other);
        orthogonalise(m, n, other, update, gram, square);
        transpose(s.cols, s.rows, other, update);
    } else {
        orthogonalise(m, n, update, other, gram, square);
    }
    const double adjusted = rate * sqrt(fmax(1, (double)s.rows / s.cols));
    copy(network, i, other, parameters, true);
    for (size_t j = 0; j < count; j++)
        other[j] = other[j] * (1 - rate * decay) - adjusted * update[j];
    copy(network, i, other, parameters, false);
}
