/* BLAS computes products with the basis: it sees k vectors side by side as a matrix of
   k rows. */
#include "spectra/basis.h"

#include "base/memory.h"
#include "parallel/team.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void dgemm_(const char *transa, const char *transb, const int *m, const int *n,
            const int *k, const double *alpha, const double *a, const int *lda,
            const double *b, const int *ldb, const double *beta, double *c,
            const int *ldc, size_t, size_t);

size_t hesse_rows_first(size_t n, int ranks, int rank)
{
    return n / (size_t)ranks * (size_t)rank +
           n % (size_t)ranks * (size_t)rank / (size_t)ranks;
}

void hesse_rows_tell(hesse_team *team, size_t n, int k, double *v)
{
    for (int r = 0; r < team->size; r++) {
        const size_t from = hesse_rows_first(n, team->size, r) * (size_t)k;
        const size_t to = hesse_rows_first(n, team->size, r + 1) * (size_t)k;
        hesse_team_broadcast(team, r, v + from, (to - from) * sizeof *v);
    }
}

bool hesse_basis_new(hesse_team *team, size_t n, int room, hesse_basis *b)
{
    *b = (hesse_basis){.team = team, .n = n, .room = room};
    b->first = hesse_rows_first(n, team->size, team->rank);
    b->rows = hesse_rows_first(n, team->size, team->rank + 1) - b->first;
    b->columns = hesse_alloc((size_t)room * b->rows);
    b->sums = hesse_alloc((size_t)room);
    return b->columns && b->sums;
}

void hesse_basis_free(hesse_basis *b)
{
    free(b->columns);
    free(b->sums);
    *b = (hesse_basis){0};
}

static int leading(const hesse_basis *b)
{
    return b->rows > 0 ? (int)b->rows : 1;
}

void hesse_basis_dots(const hesse_basis *b, int k, const double *w, double *c)
{
    const int rows = (int)b->rows, ld = leading(b);
    const double one = 1, zero = 0;
    dgemm_("N", "N", &k, &b->count, &rows, &one, w, &k, b->columns, &ld, &zero, c, &k,
           1, 1);
    hesse_team_sum(b->team, c, (size_t)b->count * (size_t)k);
}

void hesse_basis_gram(const hesse_basis *a, const hesse_basis *b, double *c)
{
    const int rows = (int)a->rows, ld = leading(a);
    const double one = 1, zero = 0;
    dgemm_("T", "N", &a->count, &b->count, &rows, &one, a->columns, &ld, b->columns,
           &ld, &zero, c, &a->count, 1, 1);
    hesse_team_sum(a->team, c, (size_t)a->count * (size_t)b->count);
}

void hesse_basis_subtract(const hesse_basis *b, int k, double *w, const double *c)
{
    const int rows = (int)b->rows, ld = leading(b);
    const double minus = -1, one = 1;
    dgemm_("N", "T", &k, &rows, &b->count, &minus, c, &k, b->columns, &ld, &one, w, &k,
           1, 1);
}

bool hesse_basis_append(hesse_basis *b, int k, int j, const double *w, double floor)
{
    double *column = b->columns + (size_t)b->count * b->rows, norm = 0;
    for (size_t i = 0; i < b->rows; i++) column[i] = w[i * (size_t)k + (size_t)j];
    for (int twice = 0; twice < 2; twice++) {
        hesse_basis_dots(b, 1, column, b->sums);
        hesse_basis_subtract(b, 1, column, b->sums);
    }
    for (size_t i = 0; i < b->rows; i++) norm += column[i] * column[i];
    hesse_team_sum(b->team, &norm, 1);
    norm = sqrt(norm);
    if (!(norm > floor)) return false;
    for (size_t i = 0; i < b->rows; i++) column[i] /= norm;
    b->count++;
    return true;
}

void hesse_basis_put(const hesse_basis *b, int first, int k, double *v)
{
    for (int j = 0; j < k; j++) {
        const double *column = b->columns + (size_t)(first + j) * b->rows;
        for (size_t i = 0; i < b->rows; i++)
            v[(b->first + i) * (size_t)k + (size_t)j] = column[i];
    }
}

void hesse_basis_take(const hesse_basis *b, int k, const double *v, double *w)
{
    memcpy(w, v + b->first * (size_t)k, b->rows * (size_t)k * sizeof *w);
}
