/* Hessian-vector products on 1, 2, 4 and 6 ranks, which can be more than there are
   sequences. They are compared with the full Hessian and with a principal block, one by
   one and together, also in networks whose sequences interact. */
#include "check_mpi.h"
#include "nets.h"
#include "objective/product.h"

#include <math.h>

enum { BUNDLES = 2 };

/* Return a bundle of whole parameters, from `first` on. */
static hesse_bundle bundle_from(const hesse_params *params, int first, int k,
                                hesse_piece *pieces)
{
    for (int i = first; i < params->count; i++)
        pieces[i - first] = (hesse_piece){
            .param = i, .rect = {0, params->list[i].rows, 0, params->list[i].cols}};
    return (hesse_bundle){pieces, params->count - first, k};
}

/* Return the largest error of hv = S v, where S is the part of H from a coordinate
   on. */
static double error_of(const double *h, size_t n, size_t first, size_t k,
                       const double *v, const double *hv)
{
    double worst = 0;
    for (size_t i = first; i < n; i++)
        for (size_t c = 0; c < k; c++) {
            double sum = 0;
            for (size_t j = first; j < n; j++)
                sum += h[i * n + j] * v[(j - first) * k + c];
            worst = fmax(worst, fabs(sum - hv[(i - first) * k + c]));
        }
    return worst;
}

static void check_net(hesse_team *team, int which, const int k[BUNDLES])
{
    transformer m;
    net_new(&m, which);
    const hesse_network network = {.params = m.params};
    hesse_objective objective = {.team = team, .network = &network, .tape = m.tape};
    hesse_piece pieces[BUNDLES][NET_PARAMS];
    const int from = m.params.count / 2;
    const hesse_bundle both[BUNDLES] = {bundle_from(&m.params, 0, k[0], pieces[0]),
                                        bundle_from(&m.params, from, k[1], pieces[1])};
    const size_t n = m.params.size, first = m.params.list[from].offset;
    const size_t second = n * (size_t)k[0];
    const size_t numbers = second + (n - first) * (size_t)k[1];
    double *h = transformer_share(&m, HESSE_ALL);
    double *v = hesse_alloc(numbers), *hv = hesse_alloc(numbers);
    uint64_t seed = 3;
    assert_all(v && hv);
    for (size_t i = 0; i < numbers; i++) v[i] = uniform(&seed);
    hesse_product *product = NULL;
    assert_all(hesse_product_new(&objective, both, BUNDLES, &product) == HESSE_OK);
    hesse_product_run(product, HESSE_ALL, v, hv);
    assert_all(error_of(h, n, 0, (size_t)k[0], v, hv) < 1e-12);
    assert_all(error_of(h, n, first, (size_t)k[1], v + second, hv + second) < 1e-12);
    hesse_product_free(product);
    free(h), free(v), free(hv);
    transformer_free(&m);
}

static void products_are_those_of_the_matrix(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    assert_all(hesse_team_new(MPI_COMM_WORLD, &team) == HESSE_OK);
    for (int which = 0; which < NETS; which++) {
        check_net(team, which, (int[BUNDLES]){3, 2});
        check_net(team, which, (int[BUNDLES]){1, 9});
        check_net(team, which, (int[BUNDLES]){1, 0});
    }
    hesse_team_free(team);
}

/* Ranks that are idle do not count as sharing, and a rank needs memory only for its own
   vectors. */
static void ranks_share_vectors_where_sequences_run_out(void **state)
{
    (void)state;
    enum { K = 24 };
    for (int which = 0; which < NETS; which++) {
        transformer m;
        net_new(&m, which);
        const hesse_network network = {.params = m.params};
        const hesse_objective objective = {.network = &network, .tape = m.tape};
        hesse_piece pieces[NET_PARAMS];
        const hesse_bundle all = bundle_from(&m.params, 0, K, pieces);
        const double units = m.tape->coupled ? 1 : m.tape->sequences;
        for (int ranks = 1; ranks < 100; ranks++) {
            const double times = hesse_product_sharing(&objective, ranks, K);
            assert_true(times >= 1 && times <= ranks && times <= units * K);
            assert_true(hesse_product_sharing(&objective, ranks, 0) == 1);
            if (ranks % (int)units == 0 && K % (ranks / (int)units) == 0)
                assert_true(times == ranks);
        }
        const int enough = (int)units * K;
        assert_true(hesse_product_bytes(&objective, enough, &all, 1) <
                    0.5 * hesse_product_bytes(&objective, 1, &all, 1));
        transformer_free(&m);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(products_are_those_of_the_matrix),
    cmocka_unit_test(ranks_share_vectors_where_sequences_run_out),
};

MPI_TEST_MAIN(tests)
