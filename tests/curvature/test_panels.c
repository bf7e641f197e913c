/* Panels of Hessian columns have the same entries, sums and shares of the full Hessian
   for every model, partition and width of a sweep. This holds for columns that are
   computed by tokens and for columns that are computed one by one. */
#include "curvature/assemble.h"
#include "nets.h"

#include <math.h>
#include <string.h>

static const hesse_kinds kinds[] = {HESSE_ALL, HESSE_GAUSS_NEWTON, HESSE_LINEAR};
enum { SHARES = 3, WIDTHS = 3 };
static const int widths[WIDTHS] = {2, 7, 24};

static const hesse_cut cuts[] = {HESSE_CUT_TENSOR, HESSE_CUT_HEAD,  HESSE_CUT_NEURON,
                                 HESSE_CUT_LAYER,  HESSE_CUT_GROUP, HESSE_CUT_WHOLE,
                                 HESSE_CUT_FUSED};
enum { CUTS = sizeof cuts / sizeof *cuts };

/* A part of a Hessian that was made of panels, of every share, and its sums. */
typedef struct made {
    size_t n;
    double *a[SHARES];
    hesse_sums all[SHARES];
    double defect[SHARES], work;
} made;

static hesse_panels *panels_new(const transformer *m, const hesse_partition *partition,
                                hesse_panel_options request)
{
    hesse_panels *p = NULL;
    hesse_why why;
    assert_int_equal(
        hesse_panels_new(m->tape, &m->params, partition, &request, &p, &why), HESSE_OK);
    return p;
}

static made make(const hesse_partition *partition, hesse_panels *p, hesse_part part)
{
    made x = {0};
    hesse_sums *blocks = hesse_calloc((size_t)partition->count, sizeof *blocks);
    hesse_tally tallies[SHARES];
    for (int b = part.block; b < part.block + part.blocks; b++)
        x.n += partition->blocks[b].size;
    for (int s = 0; s < SHARES; s++) {
        x.a[s] = hesse_alloc(x.n * x.n);
        assert_true(blocks && x.a[s]);
        memset(x.a[s], 0, x.n * x.n * sizeof *x.a[s]);
        tallies[s] = (hesse_tally){.blocks = blocks};
    }
    const int count = hesse_panels_begin(p, part);
    double predicted, numbers = 0;
    x.work = hesse_panels_work(p, &predicted).products;
    for (int i = 0; i < count; i++) numbers += (double)hesse_panels_size(p, i);
    assert_true(predicted == numbers);
    hesse_panel_threads one = {.panels = &p, .count = 1};
    hesse_why why;
    assert_int_equal(hesse_assemble_local(&one, count, (int)x.n, x.a, tallies, x.defect,
                                          &(hesse_watch){0}, &why),
                     HESSE_OK);
    for (int s = 0; s < SHARES; s++) x.all[s] = tallies[s].all;
    free(blocks);
    return x;
}

static void drop(made *x)
{
    for (int s = 0; s < SHARES; s++) free(x->a[s]);
}

static void expect_near(double a, double b)
{
    assert_true(fabs(a - b) < 1e-11 * (1 + fabs(a)));
}

static void expect_equal(const made *x, const made *y)
{
    assert_int_equal(x->n, y->n);
    for (int s = 0; s < SHARES; s++) {
        for (size_t i = 0; i < x->n * x->n; i++)
            assert_true(fabs(x->a[s][i] - y->a[s][i]) < 1e-13);
        expect_near(x->all[s].trace, y->all[s].trace);
        expect_near(x->all[s].squares, y->all[s].squares);
        expect_near(x->all[s].abs, y->all[s].abs);
        expect_near(x->all[s].abs_diagonal, y->all[s].abs_diagonal);
        assert_true(x->defect[s] < 1e-13 && y->defect[s] < 1e-13);
    }
}

/* Weights of linear operators are computed by tokens if nothing else reads them. No
   other weights are. */
static void expect_way(const transformer *m, const hesse_partition *partition,
                       const hesse_panels *p)
{
    for (int i = 0; i < partition->n_pieces; i++) {
        const hesse_param *x = &m->params.list[partition->pieces[i].param];
        const bool table =
            x->role == HESSE_ROLE_EMBEDDING || x->role == HESSE_ROLE_POSITION;
        const hesse_node *reader =
            hesse_tape_reader(m->tape, partition->pieces[i].param);
        const bool linear = reader && !x->vector && !table &&
                            x->role != HESSE_ROLE_NORM &&
                            reader->op->kind == HESSE_LINEAR && !m->tape->coupled;
        assert_int_equal(hesse_panels_by_tokens(p, i), linear);
    }
}

static void compare_ways(const transformer *m, const hesse_partition *partition,
                         bool whole, int width)
{
    const hesse_panel_options columns = {.panel = width,
                                         .shares = SHARES,
                                         .kinds = kinds,
                                         .whole = whole,
                                         .way = HESSE_WAY_COLUMNS};
    hesse_panel_options tokens = columns, fewer = columns;
    tokens.way = HESSE_WAY_TOKENS, fewer.way = HESSE_WAY_AUTO;
    hesse_panels *one = panels_new(m, partition, columns);
    hesse_panels *other = panels_new(m, partition, tokens);
    hesse_panels *best = panels_new(m, partition, fewer);
    expect_way(m, partition, other);
    for (int b = 0; b < (whole ? 1 : partition->count); b++) {
        const hesse_part part = {b, whole ? partition->count : 1};
        made x = make(partition, one, part), y = make(partition, other, part);
        made z = make(partition, best, part);
        expect_equal(&x, &y);
        expect_equal(&x, &z);
        assert_true(z.work <= x.work && z.work <= y.work);
        drop(&x), drop(&y), drop(&z);
    }
    hesse_panels_free(one), hesse_panels_free(other), hesse_panels_free(best);
}

static void compare(const transformer *m, hesse_cut cut, bool whole, int width)
{
    hesse_partition partition;
    hesse_why why;
    assert_int_equal(hesse_partition_new(&m->params, cut, NULL, 0, &partition, &why),
                     HESSE_OK);
    compare_ways(m, &partition, whole, width);
    hesse_partition_free(&partition);
}

static void both_ways_agree(void **state)
{
    (void)state;
    hesse_arch archs[] = {tiny_gpt2, tiny_gpt2, tiny_gpt2, tiny_llama, tiny_llama};
    archs[1].tied = false, archs[1].layout.out_first = true;
    archs[2].attention.full = true;
    archs[4].tied = archs[4].attention_bias = archs[4].mlp_bias = true;
    for (size_t a = 0; a < sizeof archs / sizeof *archs; a++) {
        transformer m;
        transformer_new(&m, &archs[a]);
        for (int i = 0; i < 2 * CUTS; i++)
            compare(&m, cuts[i / 2], i % 2, widths[i % WIDTHS]);
        transformer_free(&m);
    }
}

/* In these tests, blocks are whole parameters. */
static void both_ways_agree_on_other_nets(void **state)
{
    (void)state;
    for (int which = 0; which < NETS; which++) {
        transformer m;
        net_new(&m, which);
        hesse_piece pieces[NET_PARAMS];
        hesse_block blocks[NET_PARAMS];
        const hesse_partition partition = {m.params.count, m.params.count,
                                           m.params.size, blocks, pieces};
        for (int i = 0; i < m.params.count; i++) {
            const hesse_param *p = &m.params.list[i];
            pieces[i] = (hesse_piece){i, i, {0, p->rows, 0, p->cols}, p->offset};
            blocks[i] = (hesse_block){.first = p->offset,
                                      .size = hesse_param_size(p),
                                      .piece = i,
                                      .pieces = 1};
        }
        for (int i = 0; i < 2 * WIDTHS; i++)
            compare_ways(&m, &partition, i % 2, widths[i / 2]);
        transformer_free(&m);
    }
}

/* y = (x V) W, where W comes first in theta. The columns of W contain the rows of V. W
   moves these also by x' yb, so that they do not follow from y alone. */
static void what_lies_before_needs_columns(void **state)
{
    (void)state;
    enum { C = 3, H = 4, O = 2, SEQUENCES = 2, TOKENS = 3, N = SEQUENCES * TOKENS };
    uint64_t seed = 3;
    double x[N * C], z[N * O];
    for (int i = 0; i < N * C; i++) x[i] = uniform(&seed);
    for (int i = 0; i < N * O; i++) z[i] = uniform(&seed);
    hesse_param list[] = {{.rows = H, .cols = O},
                          {.rows = C, .cols = H, .offset = H * O}};
    hesse_piece pieces[] = {{0, 0, {0, H, 0, O}, 0}, {1, 0, {0, C, 0, H}, H * O}};
    hesse_block block = {.size = H * O + C * H, .pieces = 2};
    const hesse_partition partition = {1, 2, H * O + C * H, &block, pieces};
    transformer m = {.params = {2, H * O + C * H, list},
                     .tape = hesse_tape_new(SEQUENCES, TOKENS),
                     .theta = hesse_alloc(H * O + C * H)};
    assert_true(m.tape && m.theta);
    for (size_t i = 0; i < m.params.size; i++) m.theta[i] = uniform(&seed);
    const int w = hesse_tape_param(m.tape, H, O), v = hesse_tape_param(m.tape, C, H);
    const int in = hesse_tape_input(m.tape, TOKENS, C, x),
              at = hesse_tape_input(m.tape, TOKENS, O, z);
    const hesse_dims first = {.c = C, .o = H}, second = {.c = H, .o = O};
    const hesse_op *linear = &hesse_op_linear_unbiased;
    const int h = hesse_tape_add(m.tape, linear, first, (int[]){in, v}, NULL, NULL);
    const int y = hesse_tape_add(m.tape, linear, second, (int[]){h, w}, NULL, NULL);
    const hesse_dims loss = {.c = O, .a = 0.7};
    hesse_tape_add(m.tape, &hesse_op_squared_error, loss, (int[]){y, at}, NULL, NULL);
    assert_true(hesse_tape_freeze(m.tape));
    hesse_tape_run(m.tape, m.theta, NULL);

    hesse_panel_options request = {.panel = 8, .shares = SHARES, .kinds = kinds};
    request.way = HESSE_WAY_COLUMNS;
    hesse_panels *one = panels_new(&m, &partition, request);
    request.way = HESSE_WAY_TOKENS;
    hesse_panels *other = panels_new(&m, &partition, request);
    assert_true(!hesse_panels_by_tokens(other, 0) && hesse_panels_by_tokens(other, 1));
    made a = make(&partition, one, (hesse_part){0, 1});
    made b = make(&partition, other, (hesse_part){0, 1});
    expect_equal(&a, &b);
    drop(&a), drop(&b);
    hesse_panels_free(one), hesse_panels_free(other);
    hesse_tape_free(m.tape);
    free(m.theta);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_agree),
        cmocka_unit_test(both_ways_agree_on_other_nets),
        cmocka_unit_test(what_lies_before_needs_columns)};
    return run_cases(argc, argv, tests, NULL, NULL);
}
