/* Block-cyclic matrices are compared with dense ones on 1, 2, 4 and 6 ranks. */
#include "check_memory.h"
#include "check_mpi.h"
#include "parallel/put.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The orders lie around block edges. 600 has blocks of 64 on two ranks. */
static const int orders[] = {1, 2, 3, 5, 17, 63, 64, 65, 200, 600};
enum { ORDERS = sizeof orders / sizeof *orders };

typedef struct stage {
    hesse_team *team;
    hesse_grid *grid;
} stage;

static stage set_up(void)
{
    stage t = {NULL, NULL};
    assert_all(hesse_team_new(MPI_COMM_WORLD, &t.team) == HESSE_OK);
    assert_all(hesse_grid_new(t.team, &t.grid) == HESSE_OK);
    return t;
}

static void tear_down(stage t)
{
    hesse_grid_free(t.grid);
    hesse_team_free(t.team);
}

/* Return a random number for each unordered pair of indices. */
static double entry(int i, int j)
{
    const uint64_t low = (uint64_t)(i < j ? i : j), high = (uint64_t)(i < j ? j : i);
    uint64_t seed = low * 1000003 + high * 7919;
    return uniform(&seed);
}

/* The entries that a rank owns follow from the textbook formula, not from dmat.c. */
static int global(const hesse_axis *x, int nb, int local)
{
    return (local / nb * x->procs + x->me) * nb + local % nb;
}

static int holds(const hesse_dmat *a, int first)
{
    for (int j = 0; j < a->col.count; j++) {
        const int gj = first + global(&a->col, a->nb, j);
        for (int i = 0; i < a->row.count; i++) {
            const int gi = first + global(&a->row, a->nb, i);
            if (a->local[(size_t)j * a->row.count + i] != entry(gi, gj)) return 0;
        }
    }
    return 1;
}

static hesse_dmat *filled(const hesse_grid *grid, int n)
{
    hesse_dmat *a = NULL;
    assert_all(hesse_dmat_new(grid, n, &a) == HESSE_OK);
    for (int j = 0; j < a->col.count; j++)
        for (int i = 0; i < a->row.count; i++)
            a->local[(size_t)j * a->row.count + i] =
                entry(global(&a->row, a->nb, i), global(&a->col, a->nb, j));
    return a;
}

/* Return true if a lower matrix holds entry(from + row, from + column). */
static int holds_lower(const hesse_dmat *a, int from)
{
    int right = 1;
    for (int j = 0; j < a->col.count; j++)
        for (int i = a->strips[j / a->strip].top; i < a->row.count; i++) {
            const int r = global(&a->row, a->nb, i), c = global(&a->col, a->nb, j);
            right &=
                *hesse_dmat_at(a, i, j) == (r >= c ? entry(from + r, from + c) : 0);
        }
    return right;
}

static hesse_dmat *lower_of(const hesse_grid *grid, int n)
{
    hesse_dmat *a = NULL;
    assert_all(hesse_dmat_new_lower(grid, n, &a) == HESSE_OK);
    for (int j = 0; j < a->col.count; j++)
        for (int i = a->strips[j / a->strip].top; i < a->row.count; i++) {
            const int r = global(&a->row, a->nb, i), c = global(&a->col, a->nb, j);
            *hesse_dmat_at(a, i, j) = r >= c ? entry(r, c) : NAN;
        }
    return a;
}

static void shares_are_the_matrix(void **state)
{
    (void)state;
    stage t = set_up();
    const int ranks = hesse_team_size(t.team);
    assert_all(t.grid->rows * t.grid->cols == ranks && t.grid->rows <= t.grid->cols);
    for (int k = 0; k < ORDERS; k++) {
        const int n = orders[k];
        hesse_dmat *a = NULL;
        assert_all(hesse_dmat_new(t.grid, n, &a) == HESSE_OK);
        int mine = a->row.count * a->col.count, all, ascending = 1;
        MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
        assert_all(all == n * n);
        assert_all(8.0 * mine <= hesse_dmat_bytes(n, ranks, false));
        for (int i = 0; i < n; i++) {
            const int at = hesse_axis_below(&a->row, i);
            const int owned = i / a->nb % a->row.procs == a->row.me;
            ascending &= hesse_axis_below(&a->row, i + 1) == at + owned;
            ascending &= !owned || hesse_axis_global(&a->row, at) == i;
        }
        assert_all(ascending && hesse_axis_below(&a->row, n) == a->row.count);
        assert_all(n < 8 * ranks || mine > 0);
        hesse_dmat_free(a);
    }
    tear_down(t);
}

/* Make a patch of the random matrix. It is lower if its rows and columns overlap: then
   entries above the diagonal are NaN and must not be read. */
static hesse_patch patch_of(int row, int rows, int col, int cols, double *values)
{
    const size_t stride = (size_t)cols + 3;
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < cols; j++) {
            const int r = row + i, c = col + j;
            const bool poison = row < col + cols && col < row + rows && r < c;
            values[(size_t)i * stride + j] = poison ? NAN : entry(r, c);
        }
    }
    const bool overlaps = row < col + cols && col < row + rows;
    return (hesse_patch){row, rows, col, cols, 1, overlaps, stride, values};
}

/* The patches of all ranks. Those of rank r are list[first[r]] ... list[first[r + 1] -
   1]. */
typedef struct brought {
    hesse_patch *list;
    int *first;
} brought;

static int brings(void *context, int rank, const hesse_patch **patches)
{
    const brought *x = context;
    *patches = x->list + x->first[rank];
    return x->first[rank + 1] - x->first[rank];
}

/* Tell all ranks the patches of this rank. */
static brought share(const hesse_patch *patches, int count, int ranks)
{
    const int size = sizeof *patches;
    brought x = {NULL, malloc((size_t)(ranks + 1) * sizeof *x.first)};
    int *bytes = malloc((size_t)ranks * sizeof *bytes), mine = count * size;
    int *starts = malloc((size_t)ranks * sizeof *starts);
    MPI_Allgather(&mine, 1, MPI_INT, bytes, 1, MPI_INT, MPI_COMM_WORLD);
    x.first[0] = 0;
    for (int r = 0; r < ranks; r++) {
        starts[r] = x.first[r] * size;
        x.first[r + 1] = x.first[r] + bytes[r] / size;
    }
    x.list = malloc((size_t)(x.first[ranks] + 1) * sizeof *x.list);
    MPI_Allgatherv(patches, mine, MPI_BYTE, x.list, bytes, starts, MPI_BYTE,
                   MPI_COMM_WORLD);
    free(starts);
    free(bytes);
    return x;
}

/* Do a whole exchange at once. */
static hesse_status put_all(hesse_dmat *a, const hesse_patch *patches, int count)
{
    brought x = share(patches, count, hesse_team_size(a->grid->team));
    hesse_put *put = NULL;
    hesse_status s = hesse_put_new(a, &put);
    if (!s) {
        hesse_put_reserve(put, brings, &x);
        s = hesse_put_open(put);
    }
    if (!s) {
        hesse_put_post(put, brings, &x);
        hesse_put_settle(put, brings, &x);
    }
    hesse_put_free(put);
    free(x.list);
    free(x.first);
    return s;
}

/* The lower triangle is cut into panels of w columns, which are dealt to the ranks in
   turn. */
static void panels_make_the_matrix(void **state)
{
    (void)state;
    stage t = set_up();
    const int rank = hesse_team_rank(t.team), ranks = hesse_team_size(t.team);
    static const int widths[] = {1, 7, 32, 100};
    for (int k = 0; k < ORDERS; k++) {
        for (int l = 0; l < 4; l++) {
            const int n = orders[k], w = widths[l];
            hesse_dmat *a = NULL;
            assert_all(hesse_dmat_new(t.grid, n, &a) == HESSE_OK);
            double *values = malloc((size_t)n * (w + 3) * sizeof *values);
            assert_all(values != NULL);
            for (int first = 0; first < n; first += w * ranks) {
                const int col = first + rank * w, any = col < n;
                hesse_patch p = {0};
                if (any)
                    p = patch_of(col, n - col, col, w < n - col ? w : n - col, values);
                assert_all(put_all(a, &p, any) == HESSE_OK);
            }
            assert_all(holds(a, 0));
            free(values);
            hesse_dmat_free(a);
        }
    }
    tear_down(t);
}

/* Make a matrix of columns that are apart: every w-th column is in one patch, with all
   rows. Entries above the diagonal are NaN. */
static hesse_dmat *from_apart(const stage *t, int n, int w)
{
    const int rank = hesse_team_rank(t->team), ranks = hesse_team_size(t->team);
    hesse_dmat *a = NULL;
    assert_all(hesse_dmat_new(t->grid, n, &a) == HESSE_OK);
    double *values = malloc((size_t)n * ((n + w - 1) / w) * sizeof *values);
    assert_all(values != NULL);
    for (int first = 0; first < w; first += ranks) {
        const int col = first + rank, any = col < w && col < n;
        const int cols = (n - col + w - 1) / w;
        for (int i = 0; any && i < n; i++)
            for (int j = 0; j < cols; j++)
                values[(size_t)i * cols + j] =
                    i < col + j * w ? NAN : entry(i, col + j * w);
        const hesse_patch p = {0, n, col, cols, w, true, (size_t)cols, values};
        assert_all(put_all(a, &p, any) == HESSE_OK);
    }
    free(values);
    return a;
}

static void columns_that_are_apart_make_the_matrix(void **state)
{
    (void)state;
    stage t = set_up();
    static const int widths[] = {2, 7, 32};
    for (int k = 0; k < ORDERS; k++)
        for (int l = 0; l < 3; l++) {
            hesse_dmat *a = from_apart(&t, orders[k], widths[l]);
            assert_all(holds(a, 0));
            hesse_dmat_free(a);
        }
    tear_down(t);
}

/* Every rank brings many patches at once. The matrix is cut at random places both ways,
   above and below the diagonal alike. */
static void random_patches_make_the_matrix(void **state)
{
    (void)state;
    enum { CUTS = 6 };
    stage t = set_up();
    const int rank = hesse_team_rank(t.team), ranks = hesse_team_size(t.team);
    uint64_t seed = 3;
    for (int k = 0; k < 3 * ORDERS; k++) {
        const int n = orders[k % ORDERS];
        int cut[CUTS + 1] = {0}, count = 0;
        for (int i = 1; i < CUTS; i++) {
            cut[i] = (int)((uniform(&seed) + 1) / 2 * n);
            for (int j = i; j > 1 && cut[j] < cut[j - 1]; j--) {
                const int swap = cut[j];
                cut[j] = cut[j - 1], cut[j - 1] = swap;
            }
        }
        cut[CUTS] = n;
        hesse_patch list[CUTS * CUTS];
        for (int i = 0; i < CUTS; i++) {
            for (int j = 0; j < CUTS; j++) {
                if ((i + 5 * j) % ranks != rank) continue;
                const int rows = cut[i + 1] - cut[i], cols = cut[j + 1] - cut[j];
                double *values =
                    malloc((size_t)(rows + 1) * (cols + 3) * sizeof *values);
                assert_non_null(values);
                list[count++] = patch_of(cut[i], rows, cut[j], cols, values);
            }
        }
        hesse_dmat *a = NULL;
        assert_all(hesse_dmat_new(t.grid, n, &a) == HESSE_OK);
        assert_all(put_all(a, list, count) == HESSE_OK);
        assert_all(holds(a, 0));
        hesse_dmat_free(a);
        for (int i = 0; i < count; i++) free((void *)list[i].values);
    }
    tear_down(t);
}

/* Rows and columns overlap only in part: 40 ... 99 by 60 ... 139, the lower part. */
static void half_overlapping_patch(void **state)
{
    (void)state;
    enum { N = 200 };
    stage t = set_up();
    hesse_dmat *a = NULL;
    assert_all(hesse_dmat_new(t.grid, N, &a) == HESSE_OK);
    double values[60 * 83];
    const hesse_patch p = patch_of(40, 60, 60, 80, values);
    assert_all(put_all(a, &p, hesse_team_rank(t.team) == 0) == HESSE_OK);
    int right = 1;
    for (int j = 0; j < a->col.count; j++) {
        const int c = global(&a->col, a->nb, j);
        for (int i = 0; i < a->row.count; i++) {
            const int r = global(&a->row, a->nb, i);
            const int low = r > c ? r : c, left = r > c ? c : r;
            const int in = low >= 40 && low < 100 && left >= 60 && left < 140;
            right &= a->local[(size_t)j * a->row.count + i] == (in ? entry(r, c) : 0);
        }
    }
    assert_all(right);
    hesse_dmat_free(a);
    tear_down(t);
}

/* Return the part of a matrix from index `first` on, on the same ranks. */
static hesse_dmat *cut(const hesse_dmat *a, int first, int n)
{
    hesse_dmat *part = NULL;
    assert_all((a->lower ? hesse_dmat_new_lower : hesse_dmat_new)(a->grid, n, &part) ==
               HESSE_OK);
    const hesse_gather g = {.first = first,
                            .n = n,
                            .ranks = hesse_team_size(a->grid->team),
                            .lower = a->lower,
                            .to = part};
    assert_all(hesse_dmat_gather(a, &g, 1) == HESSE_OK);
    return part;
}

static void parts_and_copies(void **state)
{
    (void)state;
    stage t = set_up();
    for (int k = 0; k < ORDERS; k++) {
        const int n = orders[k];
        hesse_dmat *a = filled(t.grid, n), *b = NULL;
        assert_all(hesse_dmat_copy(a, &b) == HESSE_OK);
        assert_all(holds(b, 0) && b->local != a->local);
        hesse_dmat_free(b);
        for (int first = 0; first < n; first += 1 + n / 3) {
            for (int m = 1; m <= n - first; m += 1 + n / 4) {
                b = cut(a, first, m);
                assert_all(holds(b, first));
                hesse_dmat_free(b);
            }
        }
        hesse_dmat_free(a);
    }
    tear_down(t);
}

/* In one exchange every half of the ranks gets a block of its own, one with only the
   lower triangle, and the last rank gets a square. */
static void groups_get_blocks(void **state)
{
    (void)state;
    stage t = set_up(), half = {NULL, NULL};
    const int rank = hesse_team_rank(t.team), ranks = hesse_team_size(t.team);
    const int second = rank >= ranks / 2, first_of[] = {0, ranks / 2};
    assert_all(hesse_team_split(t.team, second, &half.team) == HESSE_OK);
    assert_all(hesse_grid_new(half.team, &half.grid) == HESSE_OK);
    for (int k = 0; k < 4 * ORDERS; k++) {
        const int n = orders[k / 4], lower = k & 1;
        const int first[] = {n / 5, n / 3}, size[] = {n - n / 5, n - n / 3 - n / 4};
        hesse_dmat *a = k & 2 ? lower_of(t.grid, n) : filled(t.grid, n);
        hesse_dmat *mine = NULL;
        assert_all((lower ? hesse_dmat_new_lower : hesse_dmat_new)(
                       half.grid, size[second], &mine) == HESSE_OK);
        double *square = rank == ranks - 1 ? hesse_alloc((size_t)n * n) : NULL;
        hesse_gather list[3] = {{.n = n, .owner = ranks - 1, .values = square}};
        int count = 1;
        for (int h = ranks == 1; h < 2; h++)
            list[count++] = (hesse_gather){.first = first[h],
                                           .n = size[h],
                                           .owner = first_of[h],
                                           .ranks = h ? ranks - ranks / 2 : ranks / 2,
                                           .lower = lower,
                                           .to = h == second ? mine : NULL};
        assert_all(hesse_dmat_gather(a, list, count) == HESSE_OK);
        assert_all(lower || a->lower ? holds_lower(mine, first[second])
                                     : holds(mine, first[second]));
        int right = 1;
        for (int i = 0; square && i < n * n; i++)
            right &= square[i] == (a->lower && i % n < i / n ? 0 : entry(i / n, i % n));
        assert_all(right);
        free(square);
        hesse_dmat_free(mine);
        hesse_dmat_free(a);
    }
    tear_down(half);
    tear_down(t);
}

/* Block b of a list goes to rank b mod ranks. The last one is the whole matrix. */
static void gathered_blocks(void **state)
{
    (void)state;
    enum { BLOCKS = 9 };
    stage t = set_up();
    const int rank = hesse_team_rank(t.team), ranks = hesse_team_size(t.team);
    for (int k = 0; k < ORDERS; k++) {
        const int n = orders[k];
        hesse_dmat *a = filled(t.grid, n);
        hesse_gather list[BLOCKS];
        for (int b = 0; b < BLOCKS; b++) {
            const int last = b == BLOCKS - 1, first = last ? 0 : b * n / BLOCKS;
            list[b] = (hesse_gather){.first = first,
                                     .n = last ? n : (n - first) * 2 / 3,
                                     .owner = b % ranks};
            if (list[b].owner == rank)
                list[b].values = hesse_alloc((size_t)list[b].n * list[b].n);
        }
        assert_all(hesse_dmat_gather(a, list, BLOCKS) == HESSE_OK);
        int right = 1;
        for (int b = 0; b < BLOCKS; b++) {
            const int m = list[b].n, first = list[b].first;
            for (int i = 0; list[b].values && i < m * m; i++)
                right &= list[b].values[i] == entry(first + i / m, first + i % m);
            free(list[b].values);
        }
        assert_all(right);
        hesse_dmat_free(a);
    }
    tear_down(t);
}

/* Call every function that allocates, once. */
static hesse_status all_at_once(stage t)
{
    enum { N = 40 };
    double values[N * (N + 3)], whole[N * N];
    const int rank = hesse_team_rank(t.team);
    const hesse_patch p = patch_of(0, N, 0, N, values);
    const hesse_gather g = {.n = N, .values = rank == 0 ? whole : NULL};
    hesse_grid *grid = NULL;
    hesse_dmat *a = NULL, *b = NULL, *c = NULL;
    hesse_status s = hesse_grid_new(t.team, &grid);
    if (!s) s = hesse_dmat_new(grid, N, &a);
    if (!s) s = put_all(a, &p, rank == 0);
    if (!s) s = hesse_dmat_gather(a, &g, 1);
    if (!s) s = hesse_dmat_copy(a, &b);
    if (!s) s = hesse_dmat_new_lower(grid, N, &c);
    hesse_dmat_free(c);
    hesse_dmat_free(b);
    hesse_dmat_free(a);
    hesse_grid_free(grid);
    return s;
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    stage t = set_up();
    for (int r = 0; r < hesse_team_size(t.team); r++) {
        hesse_status s = HESSE_E_NOMEM;
        int tries = 0;
        for (; s; tries++) {
            broken_rank = r, broken_at = tries, allocations = 0;
            s = all_at_once(t);
            broken_rank = -1;
            assert_all(s == HESSE_E_NOMEM || s == HESSE_OK);
            assert_all(!s || strstr(hesse_team_why(t.team)->text, "memory"));
        }
        assert_all(tries > 15); /* one try for each allocation that was made to fail */
    }
    tear_down(t);
}

/* 46,340 squared is the last square below 2^31. */
static void long_shares_are_told(void **state)
{
    (void)state;
    assert_all(!hesse_dmat_is_long(46340, 1) && hesse_dmat_is_long(46341, 1));
    assert_all(!hesse_dmat_is_long(46341, 2) && hesse_dmat_is_long(66000, 2));
    assert_all(hesse_dmat_bytes(46341, 1, false) == 8.0 * 46341 * 46341);
}

/* BLACS has room for about 16,000 contexts if they are not given back. */
static void grids_are_given_back(void **state)
{
    (void)state;
    hesse_team *team = NULL;
    assert_all(hesse_team_new(MPI_COMM_WORLD, &team) == HESSE_OK);
    for (int i = 0; i < 3000; i++) {
        hesse_grid *grid = NULL;
        assert_all(hesse_grid_new(team, &grid) == HESSE_OK);
        const int handle = grid->handle, context = grid->context;
        hesse_grid_free(grid);
        assert_all(handle < 20 && context < 20);
    }
    hesse_team_free(team);
}

/* If a matrix is lower, only that triangle is filled, by patches from either side. It
   takes about half of the memory, and its parts and blocks are the same. */
static void lower_matrices_are_half_filled(void **state)
{
    (void)state;
    enum { N = 1150, CUT = 460 };
    stage t = set_up();
    const int rank = hesse_team_rank(t.team), ranks = hesse_team_size(t.team);
    static double values[3][N * (N + 3)];
    const hesse_patch all[] = {patch_of(0, CUT, 0, CUT, values[0]),
                               patch_of(0, CUT, CUT, N - CUT, values[1]),
                               patch_of(CUT, N - CUT, CUT, N - CUT, values[2])};
    hesse_dmat *a = NULL;
    assert_all(hesse_dmat_new_lower(t.grid, N, &a) == HESSE_OK);
    assert_all(8.0 * (double)a->count <= hesse_dmat_bytes(N, ranks, true));
    assert_all(hesse_dmat_bytes(20 * N, ranks, true) <=
               0.6 * hesse_dmat_bytes(20 * N, ranks, false));
    for (int i = 0; i < 3; i++)
        assert_all(put_all(a, &all[i], rank == i % ranks) == HESSE_OK);
    assert_all(holds_lower(a, 0));
    static const int firsts[] = {0, 1, 300, 700}, sizes[] = {N, 800, 850, 450};
    for (int k = 0; k < 4; k++) {
        hesse_dmat *part = cut(a, firsts[k], sizes[k]);
        assert_all(holds_lower(part, firsts[k]));
        hesse_dmat_free(part);
        const hesse_gather block = {.first = firsts[k],
                                    .n = sizes[k],
                                    .owner = k % ranks,
                                    .values = rank == k % ranks ? values[0] : NULL};
        assert_all(hesse_dmat_gather(a, &block, 1) == HESSE_OK);
        int right = 1;
        for (int c = 0; block.values && c < sizes[k]; c++)
            for (int r = 0; r < sizes[k]; r++)
                right &= block.values[(size_t)c * (size_t)sizes[k] + (size_t)r] ==
                         (r >= c ? entry(firsts[k] + r, firsts[k] + c) : 0);
        assert_all(right);
    }
    hesse_dmat_free(a);
    tear_down(t);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(shares_are_the_matrix),
    cmocka_unit_test(panels_make_the_matrix),
    cmocka_unit_test(columns_that_are_apart_make_the_matrix),
    cmocka_unit_test(random_patches_make_the_matrix),
    cmocka_unit_test(half_overlapping_patch),
    cmocka_unit_test(lower_matrices_are_half_filled),
    cmocka_unit_test(parts_and_copies),
    cmocka_unit_test(groups_get_blocks),
    cmocka_unit_test(gathered_blocks),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
    cmocka_unit_test(long_shares_are_told),
    cmocka_unit_test(grids_are_given_back),
};

MPI_TEST_MAIN(tests)
