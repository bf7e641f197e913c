/* Measures besides spectra, for the plan and the public functions: where eigenvalues
   are counted, what a scaled share is, and which options are refused. The numbers
   themselves are compared with NumPy in tests/commands/measures.sh. */
#include "check_problem.h"
#include "curvature/analysis.h"
#include "curvature/dense.h"
#include "hesse/hesse.h"

#include <math.h>

static hesse_team *team;

static hesse_problem small_problem(void)
{
    const hesse_arch arch = {.family = "mlp", .lists.n_widths = 1, .lists.widths = {9}};
    const hesse_network_source source = {.arch = &arch, .seed = 1};
    const hesse_data_options data = {
        .kind = "clusters", .recipe = {.features = 5, .classes = 3}, .sequences = 6};
    return open_problem(team, &source, &data);
}

static hesse_analysis *planned(const hesse_problem *p, hesse_analysis_options options)
{
    hesse_analysis *x = NULL;
    assert_done(team, hesse_analysis_new(p->objective, &options, &x));
    return x;
}

static int negatives(const hesse_spectrum *s)
{
    int count = 0;
    for (int i = 0; i < s->n; i++) count += s->eigenvalues[i] < 0;
    return count;
}

/* With less memory, large matrices are not counted; the plan stays within the limit,
   and smaller ones are counted as before. */
static void memory_limits_what_is_counted(void **state)
{
    (void)state;
    team = team_of_all();
    const double zero = 0;
    hesse_problem p = small_problem();
    hesse_analysis_options options = {.scope = HESSE_BOTH, .memory = 1 << 30};
    hesse_analysis *without = planned(&p, options);
    const double peak = hesse_analysis_summary(without).peak;
    hesse_analysis_free(without);
    options.index = &zero, options.n_index = 1;
    for (int rich = 0; rich < 2; rich++) {
        const double more =
            rich ? 1 << 20 : hesse_index_bytes(27, hesse_team_size(team));
        options.memory = (size_t)ceil(peak + more);
        hesse_analysis *x = planned(&p, options);
        const double now = hesse_analysis_summary(x).peak;
        assert_all(now <= (double)options.memory && now > peak);
        assert_done(team, hesse_analysis_run(x));
        int counted = 0, left = 0;
        for (int b = -1; b < hesse_analysis_blocks(x); b++) {
            const hesse_spectrum *s = hesse_analysis_spectrum(x, 0, b);
            const int found = hesse_analysis_below(x, 0, b, 0);
            counted += found >= 0, left += found < 0;
            assert_all((found >= 0) == (rich || s->n <= 27));
            const int own = negatives(s);
            const double floor = hesse_analysis_measures(x, 0, b)->noise_floor;
            int near = 0;
            for (int i = 0; i < s->n; i++) near += fabs(s->eigenvalues[i]) <= floor;
            assert_all(found < 0 || abs(found - own) <= near);
        }
        assert_all(counted >= 1 && (rich ? left == 0 : left >= 1));
        assert_all(hesse_analysis_below(x, 0, 0, 1) == -1);
        hesse_analysis_free(x);
    }
    hesse_problem_free(&p);
    hesse_team_free(team);
}

/* A scaled copy is a share after the others, and its matrix is the scaled matrix. */
static void scaled_shares_come_last(void **state)
{
    (void)state;
    team = team_of_all();
    const hesse_kinds parts[] = {HESSE_ALL, HESSE_GAUSS_NEWTON};
    hesse_problem p = small_problem();
    const size_t n = hesse_network_size(p.network);
    double *values = malloc(n * sizeof *values);
    assert_all(values != NULL);
    for (size_t i = 0; i < n; i++) values[i] = 1e-4 * (double)(i + 1);
    const hesse_analysis_options options = {
        .parts = parts,
        .n_parts = 2,
        .scaling = {.from = HESSE_SCALING_MOMENTS, .values = values, .epsilon = 0.25}};
    hesse_analysis *x = planned(&p, options);
    assert_all(hesse_analysis_shares(x) == 4);
    assert_all(!strcmp(hesse_analysis_share_name(x, 3), "gauss_newton_scaled"));
    double early;
    assert_all(hesse_analysis_block_matrix(x, 2, 0, &early, hesse_team_why(team)) ==
               HESSE_E_JOB);
    for (int again = 0; again < 2; again++) assert_done(team, hesse_analysis_run(x));
    for (int part = 0; part < 2; part++)
        for (int b = 0; b < hesse_analysis_blocks(x); b++) {
            const size_t size = hesse_analysis_block_size(x, b);
            const size_t first = hesse_analysis_block_parameter(x, b);
            double *a = malloc(size * size * sizeof *a);
            double *scaled = malloc(size * size * sizeof *scaled);
            assert_all(a && scaled);
            assert_done(
                team, hesse_analysis_block_matrix(x, part, b, a, hesse_team_why(team)));
            assert_done(team, hesse_analysis_block_matrix(x, part + 2, b, scaled,
                                                          hesse_team_why(team)));
            double worst = 0, trace = 0, largest = 0;
            for (size_t i = 0; i < size; i++)
                for (size_t j = 0; j < size; j++) {
                    const double d = (sqrt(values[first + i]) + 0.25) *
                                     (sqrt(values[first + j]) + 0.25);
                    const double own = a[i * size + j] / sqrt(d);
                    worst = fmax(worst, fabs(scaled[i * size + j] - own));
                    largest = fmax(largest, fabs(own));
                    if (i == j) trace += own;
                }
            assert_all(worst <= 1e-13 * largest);
            const double found = hesse_analysis_measures(x, part + 2, b)->trace;
            assert_all(fabs(found - trace) <= 1e-12 * largest * (double)size);
            free(scaled);
            free(a);
        }
    hesse_analysis_free(x);
    free(values);
    hesse_problem_free(&p);
    hesse_team_free(team);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    team = team_of_all();
    const double bad = NAN;
    hesse_problem p = small_problem();
    const hesse_analysis_options all[] = {
        {.scaling = {.from = (hesse_scaling_source)9}},
        {.scaling = {.from = HESSE_SCALING_GRADIENT, .power = -1}},
        {.scaling = {.from = HESSE_SCALING_GRADIENT, .epsilon = NAN}},
        {.scaling = {.from = HESSE_SCALING_DIAGONAL}, .method = HESSE_METHOD_LANCZOS},
        {.index = &bad, .n_index = 1},
        {.n_index = 1},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        hesse_analysis *x = NULL;
        assert_all(hesse_analysis_new(p.objective, &all[i], &x) == HESSE_E_JOB && !x);
    }
    const hesse_analysis_options none = {.scaling = {.from = HESSE_SCALING_MOMENTS}};
    hesse_analysis *x = planned(&p, none);
    assert_all(hesse_analysis_run(x) == HESSE_E_JOB);
    hesse_analysis_free(x);
    hesse_problem_free(&p);
    hesse_team_free(team);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(memory_limits_what_is_counted),
    cmocka_unit_test(scaled_shares_come_last),
    cmocka_unit_test(wrong_options_are_refused),
};

MPI_TEST_MAIN(cases)
