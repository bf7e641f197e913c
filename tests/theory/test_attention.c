/* The theory of attention on 1, 2 and 4 ranks: closed forms against the operators for
   all kernels, masks and matrices, zero eigenvalues and symmetries, moments, and the
   same numbers on any number of ranks. test_attention_blocks.c has the golden numbers.
 */
#include "data/check_data.h"
#include "theory/check_theory.h"

enum { SEQUENCES = 3, TOKENS = 5, INPUTS = 4, OUTPUTS = 6 };

/* Every rank has the files, because each is rank 0 of its own team. */
static void write_examples(void)
{
    double x[SEQUENCES * TOKENS * INPUTS], y[SEQUENCES * TOKENS * OUTPUTS];
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = 1.7 * uniform(&seed);
    for (size_t i = 0; i < sizeof y / sizeof *y; i++) y[i] = 1.7 * uniform(&seed);
    write_npy("x.npy", "<f8", "(3, 5, 4)", x, sizeof x);
    write_npy("y.npy", "<f8", "(3, 5, 6)", y, sizeof y);
}

static hesse_arch arch_of(hesse_kernel kernel, bool full, bool output)
{
    hesse_arch arch = {.family = "attention"};
    arch.data.loss = HESSE_LOSS_SQUARED_ERROR;
    arch.attention = (hesse_attention){.heads = 2,
                                       .kv_heads = 2,
                                       .size = 3,
                                       .value_size = output ? 2 : 3,
                                       .output = output,
                                       .kernel = kernel,
                                       .full = full,
                                       .temperature = output ? 1.3 : 0};
    return arch;
}

static hesse_status compute(hesse_team *who, const hesse_arch *arch, bool all,
                            hesse_theory **theory)
{
    static const char *const path = "x.npy";
    const hesse_data_options data = {
        .kind = "inputs", .paths = &path, .n_paths = 1, .targets = "y.npy"};
    const hesse_theory_options options = {.draws = 1,
                                          .steps = 1,
                                          .tolerance = 1,
                                          .seed = 7,
                                          .moments = all,
                                          .project = all};
    return hesse_theory_new(who, arch, &data, &options, theory);
}

/* Both kernels, both masks, with and without an output matrix. */
static void closed_forms_are_the_operators(void **state)
{
    (void)state;
    for (int variant = 0; variant < 8; variant++) {
        const bool linear = variant & 1, output = variant & 4;
        const hesse_arch arch = arch_of(
            linear ? HESSE_KERNEL_LINEAR : HESSE_KERNEL_SOFTMAX, variant & 2, output);
        hesse_theory *t;
        assert_all(!compute(team, &arch, false, &t));
        assert_all(measured_of(t, "largest difference of a block") < 1e-13);
        assert_all(fabs(measured_of(t, "loss") - claim_of(t, "loss")) < 1e-8);
        assert_all(measured_of(t, "|H_f(V,V)|") == 0);
        assert_all((measured_of(t, "|H_f(Q,Q)|") == 0) == linear);
        assert_all(measured_of(t, "|H_f(Q,K)|") > 1e-3);
        assert_all(isnan(measured_of(t, "|H_o(O,V)|")) == !output);
        const char *hollow = "largest entry of a diagonal block of H_f (hollow)";
        assert_all(linear ? measured_of(t, hollow) == 0
                          : isnan(measured_of(t, hollow)));
        const char *term = "|H_f(Q,K)|, the term of two matrices (T-functional)";
        assert_all(fabs(measured_of(t, term) - claim_of(t, term)) <
                   1e-5 * measured_of(t, term));
        /* Symmetries explain all zero eigenvalues, unless there are as few data as
           three matrices sum x x', which is all that full linear attention sees. */
        const double zeros = 2 * (9 + (output ? 4 : 0) + linear);
        assert_all(measured_of(t, "tangents of symmetries") == zeros);
        assert_all(claim_of(t, "tangents of symmetries") == zeros);
        const double found = measured_of(t, "eigenvalues of H_o that are 0");
        assert_all(linear && arch.attention.full ? found >= zeros : found == zeros);
        assert_all(measured_of(t, "  largest |H_o z| / (|H_o| |z|)") < 1e-15);
        assert_all(measured_of(t, "  largest |H z| / (|H| |z|)") > 1e-3);
        assert_all(!set_of(t, "moments/mean") && !set_of(t, "projected_eigenvalues"));
        hesse_theory_free(t);
    }
}

static void eigenvalues_without_symmetries(void **state)
{
    (void)state;
    const hesse_arch arch = arch_of(HESSE_KERNEL_SOFTMAX, true, true);
    hesse_theory *t;
    assert_all(!compute(team, &arch, true, &t));
    const hesse_theory_set *all = set_of(t, "outer_eigenvalues"),
                           *rest = set_of(t, "projected_outer_eigenvalues"),
                           *whole = set_of(t, "projected_eigenvalues");
    const size_t zeros = 2 * (9 + 4);
    assert_all(all && rest && whole && rest->shape[0] == all->shape[0] - zeros);
    assert_all(whole->shape[0] == rest->shape[0]);
    for (size_t i = 0; i < rest->shape[0]; i++)
        assert_all(rest->values[i] > 0 &&
                   fabs(rest->values[i] - all->values[zeros + i]) < 1e-13);
    hesse_theory_free(t);
}

static void moments_are_written(void **state)
{
    (void)state;
    enum { HEADS = 2, ROWS = SEQUENCES * HEADS * TOKENS, D = INPUTS };
    const hesse_arch arch = arch_of(HESSE_KERNEL_SOFTMAX, false, true);
    hesse_theory *t;
    assert_all(!compute(team, &arch, true, &t));
    const hesse_theory_set *mu = set_of(t, "moments/mean"),
                           *c = set_of(t, "moments/covariance"),
                           *third = set_of(t, "moments/third"),
                           *z = set_of(t, "moments/z1");
    assert_all(mu && mu->shape[0] == ROWS && mu->shape[1] == D);
    assert_all(c && c->shape[0] == ROWS && c->shape[1] == D * D);
    assert_all(third && third->shape[0] == ROWS && third->shape[1] == D * D * D);
    assert_all(z && z->shape[0] == ROWS * D && z->shape[1] == D * D);
    /* Token 0 attends to itself alone: mu = x, C = 0, T = 0. */
    for (size_t first = 0; first < ROWS; first += TOKENS) {
        double most = 0;
        for (size_t i = 0; i < D * D; i++)
            most = fmax(most, fabs(c->values[first * D * D + i]));
        for (size_t i = 0; i < D * D * D; i++)
            most = fmax(most, fabs(third->values[first * D * D * D + i]));
        assert_all(most == 0);
        for (size_t i = first + 1; i < first + TOKENS; i++)
            assert_all(c->values[i * D * D] > 0);
    }
    /* Z_1[(i, a), (p, b)] = x_ip C_i[a, b], so columns of one p are C times x_ip. */
    for (size_t at = 0; at < ROWS * D; at++) {
        const double *row = z->values + at * D * D, *own = c->values + at * D;
        for (size_t p = 0; p < D; p++)
            for (size_t b = 1; b < D; b++)
                assert_true(fabs(row[p * D + b] * own[0] - row[p * D] * own[b]) <
                            1e-13);
    }
    hesse_theory_free(t);
}

static void any_number_of_ranks(void **state)
{
    (void)state;
    const hesse_arch arch = arch_of(HESSE_KERNEL_SOFTMAX, false, true);
    const hesse_theory_set *a, *b;
    hesse_theory *together, *by_itself;
    assert_all(!compute(team, &arch, true, &together));
    assert_all(!compute(alone, &arch, true, &by_itself));
    int count = 0;
    for (; (a = hesse_theory_set_at(together, count)); count++) {
        b = hesse_theory_set_at(by_itself, count);
        bool same = b && strcmp(a->path, b->path) == 0 && a->shape[0] == b->shape[0] &&
                    a->shape[1] == b->shape[1];
        for (size_t i = 0; same && i < a->shape[0] * a->shape[1]; i++)
            same = fabs(a->values[i] - b->values[i]) < 1e-12;
        assert_all(same);
    }
    assert_all(count == 13);
    hesse_theory_free(together);
    hesse_theory_free(by_itself);
}

static void wrong_input_is_refused(void **state)
{
    (void)state;
    hesse_theory *t = NULL;
    hesse_arch arch = arch_of(HESSE_KERNEL_GAUSSIAN, true, true);
    assert_all(compute(team, &arch, false, &t) == HESSE_E_JOB && !t);
    assert_all(strstr(hesse_team_why(team)->text, "softmax, linear") != NULL);
    arch = arch_of(HESSE_KERNEL_LINEAR, true, true);
    arch.data.loss = HESSE_LOSS_BINARY;
    assert_all(compute(team, &arch, false, &t) == HESSE_E_JOB && !t);
    assert_all(strstr(hesse_team_why(team)->text, "loss of the network") != NULL);
}

static hesse_status compute_one(hesse_theory **theory)
{
    const hesse_arch arch = arch_of(HESSE_KERNEL_SOFTMAX, true, true);
    return compute(team, &arch, true, theory);
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    check_exhausted(compute_one, 50);
}

static char *folder;

static int set_up(void **state)
{
    if (enter_folder((void **)&folder)) return -1;
    write_examples();
    return make_teams(state);
}

static int tear_down(void **state)
{
    return free_teams(state) || leave_folder((void **)&folder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(closed_forms_are_the_operators),
    cmocka_unit_test(eigenvalues_without_symmetries),
    cmocka_unit_test(moments_are_written),
    cmocka_unit_test(any_number_of_ranks),
    cmocka_unit_test(wrong_input_is_refused),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
};

MPI_TEST_MAIN_WITH(tests, set_up, tear_down)
