/* Ranks agree on statuses, messages and sums, on 1, 2, 4 and 6 ranks. */
#include "check_mpi.h"
#include "parallel/exchange.h"
#include "parallel/network.h"
#include "parallel/team.h"

#include <stdlib.h>
#include <string.h>

/* Allocations fail on this rank. */
static int broken_rank = -1;
void *__real_hesse_calloc(size_t count, size_t size);
void *__wrap_hesse_calloc(size_t count, size_t size);

void *__wrap_hesse_calloc(size_t count, size_t size)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank == broken_rank ? NULL : __real_hesse_calloc(count, size);
}

static hesse_team *team_of_all(void)
{
    hesse_team *team = NULL;
    assert_all(hesse_team_new(MPI_COMM_WORLD, &team) == HESSE_OK);
    return team;
}

static void team_is_the_communicator(void **state)
{
    (void)state;
    int rank, size, same;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    hesse_team *team = team_of_all();
    assert_all(hesse_team_rank(team) == rank && hesse_team_size(team) == size);
    MPI_Comm_compare(team->comm, MPI_COMM_WORLD, &same);
    assert_all(same == MPI_CONGRUENT);
    hesse_team_free(team);
    hesse_team_free(NULL);
}

static void nobody_fails(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    assert_all(hesse_agree(team, HESSE_OK) == HESSE_OK);
    assert_all(hesse_team_why(team)->text[0] == '\0');
    hesse_team_free(team);
}

static void one_failure_is_everybodys(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    for (int r = 0; r < hesse_team_size(team); r++) {
        char expected[32];
        hesse_status s = HESSE_OK;
        if (hesse_team_rank(team) == r)
            s = hesse_fail(hesse_team_why(team), HESSE_E_INPUT, "file of rank %d", r);
        assert_all(hesse_agree(team, s) == HESSE_E_INPUT);
        snprintf(expected, sizeof expected, "file of rank %d", r);
        assert_all(strcmp(hesse_team_why(team)->text, expected) == 0);
    }
    hesse_team_free(team);
}

/* Rank 0 fails with the least status, the last rank with the greatest. */
static void worst_failure_wins(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    const int rank = hesse_team_rank(team), last = hesse_team_size(team) - 1;
    const hesse_status mine = rank == last ? HESSE_E_OUTPUT : HESSE_E_JOB;
    hesse_fail(hesse_team_why(team), mine, "status %d", mine);
    assert_all(hesse_agree(team, mine) == HESSE_E_OUTPUT);
    assert_all(strcmp(hesse_team_why(team)->text, "status 6") == 0);
    hesse_team_free(team);
}

static void no_memory_on_one_rank_fails_all(void **state)
{
    (void)state;
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int r = 0; r < size; r++) {
        hesse_team *team = NULL;
        broken_rank = r;
        const hesse_status s = hesse_team_new(MPI_COMM_WORLD, &team);
        broken_rank = -1;
        assert_all(s == HESSE_E_NOMEM && !team);
    }
}

/* The arrays are longer than a slice, so that they are cut. */
static void long_sums_and_broadcasts(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    const int rank = hesse_team_rank(team), size = hesse_team_size(team);
    const size_t count = ((size_t)1 << 24) + 3;
    double *x = malloc(count * sizeof *x);
    assert_all(x != NULL);
    for (size_t i = 0; i < count; i++) x[i] = (double)(i % 1000) + 0.1 * rank;
    hesse_team_sum(team, x, count);
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        const double sum = size * (double)(i % 1000) + 0.05 * size * (size - 1);
        if (!(x[i] - sum < 1e-10 && sum - x[i] < 1e-10)) worst = 1;
    }
    assert_all(worst == 0);

    const int root = size - 1;
    for (size_t i = 0; i < count; i++) x[i] = rank == root ? (double)i : -1;
    hesse_team_broadcast(team, root, x, count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        if (x[i] != (double)i) worst = 1;
    assert_all(worst == 0);
    free(x);
    hesse_team_free(team);
}

/* Every rank has the same bits after a sum, in any order of the messages. The numbers
   are few, or enough for segments of unequal length. */
static void sums_have_the_same_bits(void **state)
{
    (void)state;
    enum { N = 100003 };
    hesse_team *team = team_of_all();
    double *x = malloc(N * sizeof *x), *first = malloc(N * sizeof *first);
    assert_all(x && first);
    for (int count = 1000; count <= N; count += N - 1000) {
        uint64_t seed = 5 + (uint64_t)hesse_team_rank(team);
        for (int i = 0; i < count; i++) x[i] = uniform(&seed);
        hesse_team_sum(team, x, (size_t)count);
        memcpy(first, x, (size_t)count * sizeof *x);
        hesse_team_broadcast(team, 0, first, (size_t)count * sizeof *x);
        assert_all(memcmp(first, x, (size_t)count * sizeof *x) == 0);
    }
    free(x);
    free(first);
    hesse_team_free(team);
}

/* Rank r sends 5 + r + 2 t numbers to rank t, in one call, or in slices of 1 and 4. Two
   exchanges are on their way at the same time. */
static void exchanges_in_slices(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    const int rank = hesse_team_rank(team), size = hesse_team_size(team);
    const size_t slices[] = {1, 4, 1 << 20}, limits[] = {4, 13, 1 << 20};
    for (int s = 0; s < 3; s++) {
        hesse_exchange *pair[2];
        bool right = true;
        for (int i = 0; i < 2; i++) {
            assert_all(hesse_exchange_new(team, &pair[i]) == HESSE_OK);
            hesse_exchange *x = pair[i];
            x->slice = slices[s], x->limit = limits[s];
            for (int r = 0; r < size; r++) {
                x->to[r] = (size_t)(5 + rank + 2 * r);
                x->from[r] = (size_t)(5 + r + 2 * rank);
            }
            hesse_exchange_reserve(x);
            assert_all(hesse_exchange_open(x) == HESSE_OK);
            assert_all(x->in_slices == (s < 2 && (size > 1 || s < 1)));
            double *out = x->out;
            for (int r = 0; r < size; r++)
                for (size_t k = 0; k < x->to[r]; k++)
                    *out++ = 1e6 * i + 1e4 * rank + 100 * r + (double)k;
            hesse_exchange_post(x);
        }
        for (int i = 0; i < 2; i++) {
            hesse_exchange_settle(pair[i]);
            const double *in = pair[i]->in;
            for (int r = 0; r < size; r++)
                for (size_t k = 0; k < pair[i]->from[r]; k++)
                    right &= *in++ == 1e6 * i + 1e4 * r + 100 * rank + (double)k;
            hesse_exchange_free(pair[i]);
        }
        assert_all(right);
    }
    hesse_team_free(team);
}

static void the_network_is_measured(void **state)
{
    (void)state;
    hesse_team *team = team_of_all();
    double bandwidth = 0, latency = 0;
    if (hesse_team_size(team) > 1) {
        assert_all(hesse_network_measure(team, &bandwidth, &latency) == HESSE_OK);
        assert_all(bandwidth > 1e5 && bandwidth < 1e13);
        assert_all(latency > 1e-9 && latency < 10);
    }
    hesse_team_free(team);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(team_is_the_communicator),
    cmocka_unit_test(nobody_fails),
    cmocka_unit_test(one_failure_is_everybodys),
    cmocka_unit_test(worst_failure_wins),
    cmocka_unit_test(no_memory_on_one_rank_fails_all),
    cmocka_unit_test(long_sums_and_broadcasts),
    cmocka_unit_test(sums_have_the_same_bits),
    cmocka_unit_test(exchanges_in_slices),
    cmocka_unit_test(the_network_is_measured),
};

MPI_TEST_MAIN(tests)
