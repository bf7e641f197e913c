/* Products with vectors on 1, 2 and 4 ranks: those of the whole matrix, also where sequences
   meet, so that ranks cannot share them. */
#include "check_mpi.h"
#include "curvature/product.h"
#include "nets.h"

#include <math.h>

enum { K = 3 };

static void products_are_those_of_the_matrix(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    assert_all(hesse_team_new(MPI_COMM_WORLD, &team) == HESSE_OK);
    for (int which = 0; which < NETS; which++) {
        transformer m;
        net_new(&m, which);
        hesse_model model = {.team = team, .params = m.params, .tape = m.tape};
        hesse_piece pieces[NET_PARAMS];
        for (int i = 0; i < m.params.count; i++) {
            const hesse_param *p = &m.params.list[i];
            pieces[i] = (hesse_piece){.param = i, .rect = {0, p->rows, 0, p->cols}};
        }
        const size_t n = m.params.size;
        double *h = transformer_share(&m, HESSE_ALL);
        double *v = hesse_alloc(n * K), *hv = hesse_alloc(n * K), worst = 0;
        uint64_t seed = 3;
        for (size_t i = 0; i < n * K; i++) v[i] = uniform(&seed);
        hesse_product *product = NULL;
        const hesse_bundle all = {.pieces = pieces, .n_pieces = m.params.count, .k = K};
        assert_all(hesse_product_new(&model, &all, 1, &product) == HESSE_OK);
        hesse_product_run(product, HESSE_ALL, v, hv);
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < K; c++) {
                double sum = 0;
                for (size_t j = 0; j < n; j++) sum += h[i * n + j] * v[j * K + c];
                worst = fmax(worst, fabs(sum - hv[i * K + c]));
            }
        assert_all(worst < 1e-12);
        hesse_product_free(product);
        free(h), free(v), free(hv);
        transformer_free(&m);
    }
    hesse_team_free(team);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(products_are_those_of_the_matrix),
};

MPI_TEST_MAIN(tests)
