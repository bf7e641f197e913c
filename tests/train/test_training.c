/* Laws of training, on 1, 2, 4 and 6 ranks: schedules and the order of examples, runs
   that are interrupted, steps on quadratics, measures along a run, and faults. The
   optimisers are compared with PyTorch in tests/commands/train.sh. */
#include "check_files.h"
#include "check_memory.h"
#include "check_problem.h"
#include "hesse/train.h"
#include "train/relation.h"
#include "train/schedule.h"

#include <math.h>

enum { EXAMPLES = 10, BATCH = 3, MOST = 64, KINDS = HESSE_OPTIMISER_MUON + 1 };

static hesse_team *team, *alone;
static char folder[64]; /* the same on all ranks */

void dsyev_(const char *job, const char *triangle, const int *n, double *a,
            const int *lda, double *values, double *work, const int *room, int *info);

static bool near(double a, double b, double scale)
{
    return fabs(a - b) <= 1e-12 * scale;
}

static double dot(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static double squares(size_t n, const double *x)
{
    return dot(n, x, x);
}

static bool same_bits(size_t n, const double *x, const double *y)
{
    return n == 0 || memcmp(x, y, n * sizeof *x) == 0;
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Collective. A perceptron of 3 inputs, 4 neurons and 3 classes: 31 parameters. */
static hesse_problem open_perceptron(hesse_team *who, int neurons)
{
    const hesse_arch arch = {.family = "mlp",
                             .lists = {.n_widths = 1, .widths = {neurons}},
                             .mlp_bias = true,
                             .activation = HESSE_ACT_TANH};
    const hesse_network_source source = {.arch = &arch, .seed = 3};
    const hesse_data_options data = {.kind = "gaussian",
                                     .sequences = EXAMPLES,
                                     .seed = 4,
                                     .recipe = {.features = 3, .classes = 3}};
    return open_problem(who, &source, &data);
}

/* Collective. A quadratic of two blocks with given eigenvalues. */
static hesse_problem open_quadratic(int first, int second, const double *eigenvalues)
{
    const int sizes[] = {first, second}, blocks = second ? 2 : 1;
    const hesse_arch arch = {.family = "quadratic",
                             .lists = {.n_widths = blocks, .widths = {first, second}},
                             .data.loss = HESSE_LOSS_SQUARED_ERROR};
    const hesse_network_source source = {.arch = &arch, .seed = 5};
    const hesse_data_options data = {.kind = "quadratic",
                                     .sizes = sizes,
                                     .n_sizes = blocks,
                                     .eigenvalues = eigenvalues,
                                     .seed = 6};
    return open_problem(team, &source, &data);
}

static hesse_train_options options_of(hesse_optimiser_kind kind)
{
    const bool momentum =
        kind <= HESSE_OPTIMISER_RMSPROP || kind == HESSE_OPTIMISER_MUON;
    return (hesse_train_options){.optimiser = {.kind = kind,
                                               .momentum = momentum ? 0.9 : 0,
                                               .betas = {0.9, 0.99},
                                               .alpha = 0.9,
                                               .epsilon = 1e-8,
                                               .weight_decay = 0.01},
                                 .learning_rate = 0.01,
                                 .steps = 7,
                                 .batch = BATCH,
                                 .seed = 8};
}

static hesse_train_options descent(double rate, int64_t steps)
{
    return (hesse_train_options){.learning_rate = rate, .steps = steps};
}

/* Collective. */
static hesse_training *begin(const hesse_problem *p, const hesse_dataset *held_out,
                             const hesse_train_options *options)
{
    hesse_training *t = NULL;
    hesse_team *who = p->objective->team;
    assert_done(who,
                hesse_training_new(who, p->network, p->dataset, held_out, options, &t));
    assert_all(t != NULL);
    return t;
}

static void take(hesse_training *t, int64_t steps)
{
    hesse_team *who = team;
    for (int64_t i = 0; i < steps; i++) assert_done(who, hesse_training_step(t));
}

static int column(const char *name)
{
    int i = 0;
    while (hesse_training_measure_name(i) &&
           strcmp(hesse_training_measure_name(i), name) != 0)
        i++;
    assert_all(hesse_training_measure_name(i) != NULL);
    return i;
}

/* A measure by its name, of measurement r. */
static double measure(const hesse_training *t, int64_t r, const char *name)
{
    const hesse_train_log log = hesse_training_log(t);
    assert_all(r < log.measured);
    return log.measures[r * log.columns + column(name)];
}

/* ----- schedules and the order of examples ----- */

static void schedules_have_their_ends(void **state)
{
    (void)state;
    const double final = 0.2;
    for (int w = 0; w <= 10; w += 5) {
        const int64_t steps = 30, last = steps;
        const double half = (double)w + (double)(steps - w) / 2;
        for (int k = HESSE_SCHEDULE_CONSTANT; k <= HESSE_SCHEDULE_STEP; k++) {
            const hesse_rate_schedule s = {.kind = (hesse_schedule_kind)k,
                                           .warmup = w,
                                           .final = final,
                                           .every = 4,
                                           .factor = 0.5};
            for (int t = 0; t < w; t++)
                assert_true(near(hesse_rate_factor(&s, t, steps), (t + 1.0) / w, 1));
            if (w) assert_true(hesse_rate_factor(&s, w - 1, steps) == 1);
            assert_true(hesse_rate_factor(&s, w, steps) == 1);
            for (int64_t t = w; t < steps; t++)
                assert_true(hesse_rate_factor(&s, t + 1, steps) <=
                            hesse_rate_factor(&s, t, steps));
            const double end = hesse_rate_factor(&s, last, steps);
            const double middle = hesse_rate_factor(&s, (int64_t)half, steps);
            if (k == HESSE_SCHEDULE_CONSTANT) assert_true(end == 1 && middle == 1);
            if (k == HESSE_SCHEDULE_STEP) {
                assert_true(hesse_rate_factor(&s, w + 3, steps) == 1);
                assert_true(hesse_rate_factor(&s, w + 4, steps) == 0.5);
                assert_true(hesse_rate_factor(&s, w + 11, steps) == 0.25);
            }
            if (k != HESSE_SCHEDULE_LINEAR && k != HESSE_SCHEDULE_COSINE) continue;
            assert_true(near(end, final, 1));
            if (half == floor(half)) assert_true(near(middle, (1 + final) / 2, 1));
            /* At a quarter they differ: 1 - 0.8 / 4, and the cosine of 45 degrees. */
            const double quarter = k == HESSE_SCHEDULE_LINEAR
                                       ? 1 - (1 - final) / 4
                                       : final + (1 - final) * (1 + sqrt(0.5)) / 2;
            if ((steps - w) % 4 == 0)
                assert_true(near(hesse_rate_factor(&s, w + (steps - w) / 4, steps),
                                 quarter, 1));
        }
    }
    /* A run that is all warm-up. */
    const hesse_rate_schedule all = {.kind = HESSE_SCHEDULE_COSINE, .warmup = 4};
    assert_true(hesse_rate_factor(&all, 3, 4) == 1);
}

static void take_all(hesse_stream_of_examples *s, int batch, int steps, int *taken)
{
    for (int i = 0; i < steps; i++) hesse_stream_take(s, i, batch, taken + i * batch);
}

static void a_pass_takes_every_example_once(void **state)
{
    (void)state;
    enum { PASSES = 6, ALL = PASSES * EXAMPLES };
    int one[ALL], other[ALL];
    hesse_stream_of_examples s;
    assert_true(hesse_stream_begin(&s, EXAMPLES, true, 9));
    take_all(&s, BATCH, ALL / BATCH, one); /* batches go across the ends of passes */
    hesse_stream_end(&s);
    for (int p = 0; p < PASSES; p++) {
        int count[EXAMPLES] = {0};
        for (int i = 0; i < EXAMPLES; i++) count[one[p * EXAMPLES + i]]++;
        for (int i = 0; i < EXAMPLES; i++) assert_int_equal(count[i], 1);
        for (int q = 0; q < p; q++)
            assert_memory_not_equal(one + p * EXAMPLES, one + q * EXAMPLES,
                                    EXAMPLES * sizeof *one);
    }
    /* The order depends neither on the batch nor on the steps that were taken before.
     */
    assert_true(hesse_stream_begin(&s, EXAMPLES, true, 9));
    take_all(&s, 5, ALL / 5, other);
    assert_memory_equal(one, other, sizeof one);
    for (int step = ALL / BATCH - 1; step >= 0; step--) {
        hesse_stream_take(&s, step, BATCH, other);
        assert_memory_equal(one + step * BATCH, other, BATCH * sizeof *one);
    }
    hesse_stream_end(&s);
    assert_true(hesse_stream_begin(&s, EXAMPLES, true, 10));
    take_all(&s, BATCH, ALL / BATCH, other);
    assert_memory_not_equal(one, other, EXAMPLES * sizeof *one);
    hesse_stream_end(&s);
    /* A step far on in a long run. */
    assert_true(hesse_stream_begin(&s, EXAMPLES, false, 9));
    hesse_stream_take(&s, INT64_C(4000000001), 4, other); /* 16000000004 examples on */
    for (int i = 0; i < 4; i++) assert_int_equal(other[i], (4 + i) % EXAMPLES);
    hesse_stream_take(&s, 2, 4, other);
    assert_true(other[0] == 8 && other[1] == 9 && other[2] == 0 && other[3] == 1);
    hesse_stream_end(&s);
}

/* All 6 orders of 3 examples occur equally often: 1000 times of 6000, with a standard
   deviation of 29. */
static void all_orders_are_equally_likely(void **state)
{
    (void)state;
    int count[27] = {0}, order[3], orders = 0;
    hesse_stream_of_examples s;
    assert_true(hesse_stream_begin(&s, 3, true, 11));
    for (int pass = 0; pass < 6000; pass++) {
        hesse_stream_take(&s, pass, 3, order);
        count[9 * order[0] + 3 * order[1] + order[2]]++;
    }
    for (int i = 0; i < 27; i++) {
        assert_true(!count[i] || abs(count[i] - 1000) < 150);
        orders += count[i] > 0;
    }
    assert_int_equal(orders, 6);
    hesse_stream_end(&s);
}

/* ----- whole runs ----- */

static bool same_logs(const hesse_training *a, const hesse_training *b)
{
    const hesse_train_log x = hesse_training_log(a), y = hesse_training_log(b);
    const size_t rows = (size_t)x.rows, tensors = (size_t)x.tensors,
                 measured = (size_t)x.measured;
    return x.rows == y.rows && x.tensors == y.tensors && x.measured == y.measured &&
           x.evaluations == y.evaluations && x.columns == y.columns &&
           x.batches == y.batches && !x.noise == !y.noise &&
           same_bits(rows, x.loss, y.loss) &&
           same_bits(rows, x.learning_rate, y.learning_rate) &&
           same_bits(rows * tensors, x.gradient_norm, y.gradient_norm) &&
           same_bits(rows * tensors, x.update_norm, y.update_norm) &&
           same_bits((size_t)x.evaluations * 3, x.evaluate, y.evaluate) &&
           same_bits(measured * (size_t)x.columns, x.measures, y.measures) &&
           x.groups == y.groups &&
           same_bits(measured * (size_t)x.groups, x.group_gradient, y.group_gradient) &&
           same_bits(measured * (size_t)x.groups, x.group_smoothness,
                     y.group_smoothness) &&
           same_bits(measured * (size_t)x.groups, x.group_sharpness,
                     y.group_sharpness) &&
           (!x.noise || same_bits(measured * (size_t)x.batches, x.noise, y.noise));
}

static bool same_states(hesse_training *a, hesse_training *b, size_t n)
{
    hesse_optimiser *x = hesse_training_optimiser(a), *y = hesse_training_optimiser(b);
    bool same =
        hesse_training_steps(a) == hesse_training_steps(b) &&
        hesse_optimiser_steps(x) == hesse_optimiser_steps(y) &&
        hesse_optimiser_vectors(x) == hesse_optimiser_vectors(y) &&
        same_bits(n, hesse_training_parameters(a), hesse_training_parameters(b));
    for (int i = 0; same && i < hesse_optimiser_vectors(x); i++)
        same = same_bits(n, hesse_optimiser_vector(x, i), hesse_optimiser_vector(y, i));
    return same && same_logs(a, b);
}

/* Options with everything that a run can record. */
static hesse_train_options with_records(hesse_optimiser_kind kind)
{
    hesse_train_options o = options_of(kind);
    o.schedule =
        (hesse_rate_schedule){.kind = HESSE_SCHEDULE_COSINE, .warmup = 2, .final = 0.1};
    o.evaluate_every = 2;
    o.measures = (hesse_path_measures){.every = 2,
                                       .smoothness = true,
                                       .gradient_smoothness = 2,
                                       .sharpness = 3,
                                       .noise = 4,
                                       .by_group = true,
                                       .robust_condition = true};
    return o;
}

static void interrupted(const hesse_problem *p, const hesse_dataset *held_out,
                        const hesse_train_options *o)
{
    const size_t n = hesse_network_size(p->network);
    const char *path = path_of("state.safetensors");
    for (int at = 0; at <= o->steps; at += 3) {
        hesse_training *whole = begin(p, held_out, o), *second = begin(p, held_out, o);
        take(whole, at);
        assert_done(team, hesse_training_save(whole, path));
        take(whole, o->steps - at);
        take(second, at ? 1 : 2); /* what it had recorded is forgotten */
        assert_done(team, hesse_training_load(second, path));
        assert_all(hesse_training_steps(second) == at);
        take(second, o->steps - at);
        assert_done(team, hesse_training_evaluate(whole));
        assert_done(team, hesse_training_evaluate(second));
        assert_all(same_states(whole, second, n));
        const hesse_train_log log = hesse_training_log(whole);
        assert_all(log.rows == o->steps && log.measured == 4);
        assert_all(log.evaluations == (held_out ? 5 : 0)); /* 0, 2, 4, 6, 7 */
        assert_all(!held_out || log.evaluate[3 * 4] == 7);
        hesse_training_free(whole);
        hesse_training_free(second);
    }
}

static void runs_go_on_to_the_same_bits(void **state)
{
    (void)state;
    hesse_problem p = open_perceptron(team, 4), q = open_perceptron(team, 4);
    for (int k = 0; k < KINDS; k++) {
        hesse_train_options o = with_records((hesse_optimiser_kind)k);
        if (k % 2) o.measures.examples = HESSE_PATH_ON_HELD_OUT;
        interrupted(&p, k % 2 ? q.dataset : NULL, &o);
    }
    hesse_train_options o = with_records(HESSE_OPTIMISER_ADAM);
    o.order = HESSE_ORDER_SEQUENTIAL;
    interrupted(&p, q.dataset, &o);
    const hesse_data_options data = {.kind = "gaussian",
                                     .recipe = {.features = 3, .classes = 3}};
    const hesse_data_needs needs = {.reads = HESSE_READS_NUMBERS};
    o.order = HESSE_ORDER_FRESH, o.data = &data, o.needs = &needs;
    interrupted(&p, NULL, &o);
    hesse_problem_free(&p);
    hesse_problem_free(&q);
}

/* Load a file, which fails, and the run stays as it was. */
static void refuses(hesse_training *t, size_t n, const char *path, const char *fragment)
{
    double before[MOST * 2];
    const int64_t steps = hesse_training_steps(t);
    assert_all(n <= MOST * 2);
    memcpy(before, hesse_training_parameters(t), n * sizeof *before);
    assert_all(hesse_training_load(t, path) == HESSE_E_INPUT);
    assert_all(strstr(hesse_team_why(team)->text, path) != NULL);
    if (!strstr(hesse_team_why(team)->text, fragment))
        print_error("%s\n", hesse_team_why(team)->text);
    assert_all(strstr(hesse_team_why(team)->text, fragment) != NULL);
    assert_all(hesse_training_steps(t) == steps);
    assert_all(same_bits(n, before, hesse_training_parameters(t)));
}

static void write_state(const char *path, const char *header, size_t numbers)
{
    double data[64] = {2, 2};
    assert_all(numbers <= 64);
    if (hesse_team_rank(team) == 0)
        write_safetensors(path, header, data, numbers * sizeof *data);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void states_of_other_runs_are_refused(void **state)
{
    (void)state;
    hesse_problem p = open_perceptron(team, 4), wide = open_perceptron(team, 5);
    const size_t n = hesse_network_size(p.network),
                 m = hesse_network_size(wide.network);
    char path[128];
    snprintf(path, sizeof path, "%s/other.safetensors", folder);
    hesse_train_options adam = options_of(HESSE_OPTIMISER_ADAM),
                        gd = options_of(HESSE_OPTIMISER_GD), less = adam,
                        measures = with_records(HESSE_OPTIMISER_ADAM);
    less.steps = 2;
    hesse_training *saved = begin(&p, NULL, &adam), *other = begin(&wide, NULL, &adam),
                   *by_gd = begin(&p, NULL, &gd), *shorter = begin(&p, NULL, &less),
                   *measured = begin(&p, NULL, &measures);
    take(saved, 3);
    assert_done(team, hesse_training_save(saved, path));
    refuses(other, m, path, "'parameters' is of another shape");
    refuses(by_gd, n, path, "'momentum_buffer' is missing");
    refuses(shorter, n, path, "3 steps of the run");
    take(by_gd, 2);
    assert_done(team, hesse_training_save(by_gd, path));
    refuses(saved, n, path, "'exp_avg' is missing");
    hesse_training_free(by_gd);
    gd.optimiser.momentum = 0;
    by_gd = begin(&p, NULL, &gd);
    assert_done(team, hesse_training_save(saved, path));
    refuses(by_gd, n, path, "this run has no 'exp_avg'");
    take(measured, 1);
    assert_done(team, hesse_training_save(measured, path));
    refuses(saved, n, path, "'noise' is of another shape");
    refuses(saved, n, path_of("nothing.safetensors"), "nothing.safetensors");

    /* Files that no run has written, for gradient descent with 31 parameters. */
    write_state(path,
                "{\"counters\":{\"dtype\":\"F64\",\"shape\":[1,2],"
                "\"data_offsets\":[0,16]}}",
                2);
    refuses(by_gd, n, path, "'parameters' is missing");
    write_state(path,
                "{\"counters\":{\"dtype\":\"F64\",\"shape\":[0,2],"
                "\"data_offsets\":[0,0]},\"parameters\":{\"dtype\":\"F64\","
                "\"shape\":[1,31],\"data_offsets\":[0,248]}}",
                31);
    refuses(by_gd, n, path, "counters");
    write_state(path,
                "{\"counters\":{\"dtype\":\"F64\",\"shape\":[1,2],"
                "\"data_offsets\":[0,16]},\"parameters\":{\"dtype\":\"F64\","
                "\"shape\":[1,31],\"data_offsets\":[16,264]}}",
                33);
    refuses(by_gd, n, path, "'loss' has 0 rows, expected one for each of 2 steps");
    if (hesse_team_rank(team) == 0) write_text(path, "no tensors at all");
    MPI_Barrier(MPI_COMM_WORLD);
    refuses(by_gd, n, path, "");
    /* The run that refused all of them can go on. */
    take(by_gd, gd.steps);
    assert_all(hesse_training_load(saved, NULL) == HESSE_E_JOB);
    assert_all(hesse_training_save(saved, NULL) == HESSE_E_JOB);
    assert_all(hesse_training_save(saved, "/no/such/folder/x") == HESSE_E_OUTPUT);
    hesse_training_free(saved);
    hesse_training_free(other);
    hesse_training_free(by_gd);
    hesse_training_free(shorter);
    hesse_training_free(measured);
    hesse_problem_free(&p);
    hesse_problem_free(&wide);
}

/* One group of all parameters has the measures of the whole. Groups of a quadratic that
   are its blocks have the eigenvalues of each block, and smoothness between them. */
static void groups_have_measures_of_their_own(void **state)
{
    (void)state;
    static const double eigenvalues[] = {0.5, 2, 3, 1, 7};
    static const char *const all[] = {"all=*"};
    const int sizes[] = {3, 2};
    const hesse_arch archs[] = {
        {.family = "mlp", .lists = {.n_widths = 1, .widths = {4}}, .mlp_bias = true},
        {.family = "quadratic",
         .lists = {.n_widths = 2, .widths = {3, 2}},
         .data.loss = HESSE_LOSS_SQUARED_ERROR}};
    const hesse_data_options data[] = {{.kind = "gaussian",
                                        .sequences = EXAMPLES,
                                        .recipe = {.features = 3, .classes = 3}},
                                       {.kind = "quadratic",
                                        .sizes = sizes,
                                        .n_sizes = 2,
                                        .eigenvalues = eigenvalues,
                                        .seed = 6}};
    hesse_train_options o = descent(0.01, 4);
    o.measures = (hesse_path_measures){
        .every = 1, .smoothness = true, .sharpness = 20, .by_group = true};
    hesse_network_source source = {
        .arch = &archs[0], .seed = 3, .groups = all, .n_groups = 1};
    hesse_problem p = open_problem(team, &source, &data[0]);
    hesse_training *t = begin(&p, NULL, &o);
    take(t, o.steps);
    hesse_train_log log = hesse_training_log(t);
    const int columns[] = {column("gradient_norm"), column("smoothness"),
                           column("sharpness")};
    assert_all(log.measured == 4 && log.groups == 1 &&
               strcmp(log.group_names[0], "all") == 0);
    for (int m = 0; m < 4; m++) {
        const double *row = log.measures + m * log.columns;
        assert_all(near(log.group_gradient[m], row[columns[0]], 1));
        assert_all(near(log.group_smoothness[m], row[columns[1]], 1));
        assert_all(near(log.group_sharpness[m], row[columns[2]], 1));
    }
    hesse_training_free(t);
    hesse_problem_free(&p);

    source = (hesse_network_source){.arch = &archs[1], .seed = 5};
    p = open_problem(team, &source, &data[1]);
    const char *names[2];
    char table[2][HESSE_NAME + 8];
    assert_all(hesse_network_tensors(p.network) == 2);
    for (int i = 0; i < 2; i++) {
        snprintf(table[i], sizeof table[i], "group%d=%s", i,
                 hesse_network_tensor_name(p.network, i));
        names[i] = table[i];
    }
    hesse_problem_free(&p);
    source.groups = names, source.n_groups = 2;
    p = open_problem(team, &source, &data[1]);
    t = begin(&p, NULL, &o);
    take(t, o.steps);
    log = hesse_training_log(t);
    assert_all(log.groups == 2);
    for (int m = 0; m < 4; m++) {
        const double *g = log.group_gradient + 2 * m, *s = log.group_smoothness + 2 * m,
                     *sharp = log.group_sharpness + 2 * m,
                     *row = log.measures + m * log.columns,
                     *norms = log.gradient_norm + m * log.tensors;
        assert_all(near(sharp[0], 3, 3) && near(sharp[1], 7, 7));
        assert_all(s[0] > 0.5 && s[0] < 3 && s[1] > 1 && s[1] < 7);
        assert_all(fabs(s[0] - s[1]) > 0.01);
        /* The step is along the gradient, and there is no curvature between blocks. */
        const double whole = g[0] * g[0] + g[1] * g[1];
        assert_all(near(g[0], norms[0], 1) && near(g[1], norms[1], 1));
        assert_all(near((s[0] * g[0] * g[0] + s[1] * g[1] * g[1]) / whole,
                        row[columns[1]], 1));
    }
    hesse_training_free(t);
    hesse_problem_free(&p);
}

static void parameters_do_not_depend_on_the_ranks(void **state)
{
    (void)state;
    hesse_problem p = open_perceptron(team, 4), own = open_perceptron(alone, 4);
    const size_t n = hesse_network_size(p.network);
    for (int k = 0; k < KINDS; k++) {
        if (k == HESSE_OPTIMISER_SIGN) continue; /* rounding may change a sign */
        const hesse_train_options o = options_of((hesse_optimiser_kind)k);
        hesse_training *t = begin(&p, p.dataset, &o), *u = begin(&own, own.dataset, &o);
        take(t, o.steps);
        take(u, o.steps);
        const double *x = hesse_training_parameters(t),
                     *y = hesse_training_parameters(u);
        const hesse_train_log a = hesse_training_log(t), b = hesse_training_log(u);
        for (size_t i = 0; i < n; i++) assert_all(near(x[i], y[i], 1));
        for (int i = 0; i < o.steps; i++) assert_all(near(a.loss[i], b.loss[i], 1));
        assert_all(near(a.evaluate[1], b.evaluate[1], 1) &&
                   near(a.evaluate[2], b.evaluate[2], 1));
        assert_all(!same_bits(n, x, hesse_network_values(p.network)));
        hesse_training_free(t);
        hesse_training_free(u);
    }
    hesse_problem_free(&p);
    hesse_problem_free(&own);
}

/* ----- laws of steps ----- */

/* With the rate 2 / (m + L) every component of an eigenvalue m or L shrinks by the
   factor (k - 1) / (k + 1) in each step, and others shrink more. */
static void descent_on_quadratics_has_its_rate(void **state)
{
    (void)state;
    const double extreme[] = {1, 9, 1, 9, 9}, between[] = {1, 9, 3, 7, 5};
    const double k = 9, factor = pow((k - 1) / (k + 1), 2);
    for (int i = 0; i < 2; i++) {
        hesse_problem p = open_quadratic(2, 3, i ? between : extreme);
        const hesse_train_options o = descent(2.0 / (1 + 9), 20);
        hesse_training *t = begin(&p, NULL, &o);
        take(t, o.steps);
        const double *loss = hesse_training_log(t).loss;
        for (int s = 1; s < o.steps; s++) {
            assert_all(loss[s] <= factor * loss[s - 1] * (1 + 1e-12));
            if (!i) assert_all(near(loss[s], factor * loss[s - 1], loss[s]));
        }
        if (i) assert_all(loss[5] < 0.99 * pow(factor, 5) * loss[0]);
        hesse_training_free(t);
        hesse_problem_free(&p);
    }
}

static void adam_may_keep_the_first_squares(void **state)
{
    (void)state;
    hesse_problem p = open_perceptron(team, 4);
    const size_t n = hesse_network_size(p.network);
    const hesse_optimiser_settings settings = {
        .kind = HESSE_OPTIMISER_ADAM, .betas = {0, 1}, .epsilon = 1e-3};
    hesse_optimiser *o = NULL;
    double first[MOST], g[MOST], w[MOST], was[MOST];
    uint64_t seed = 12;
    assert_done(team, hesse_optimiser_new(p.network, &settings, NULL, 0, &o,
                                          hesse_team_why(team)));
    assert_all(n <= MOST && hesse_optimiser_vectors(o) == 2);
    assert_all(strcmp(hesse_optimiser_vector_name(o, 0), "exp_avg") == 0);
    assert_all(strcmp(hesse_optimiser_vector_name(o, 1), "exp_avg_sq") == 0);
    assert_all(!hesse_optimiser_vector_name(o, 2) && !hesse_optimiser_vector(o, -1));
    for (size_t i = 0; i < n; i++) w[i] = uniform(&seed), first[i] = uniform(&seed);
    for (int step = 0; step < 4; step++) {
        for (size_t i = 0; i < n; i++) g[i] = step ? uniform(&seed) : first[i];
        memcpy(was, w, sizeof w);
        hesse_optimiser_step(o, 0.1, g, w);
        for (size_t i = 0; i < n; i++) {
            assert_all(hesse_optimiser_vector(o, 1)[i] == first[i] * first[i]);
            assert_all(hesse_optimiser_vector(o, 0)[i] == g[i] ||
                       near(hesse_optimiser_vector(o, 0)[i], g[i], 1));
            assert_all(near(w[i], was[i] - 0.1 * g[i] / (fabs(first[i]) + 1e-3), 1));
        }
        assert_all(hesse_optimiser_steps(o) == step + 1);
    }
    hesse_optimiser_free(o);
    hesse_problem_free(&p);
}

/* Tensors that are not trained keep all their bits and have no part in the norm for
   clipping. */
static void only_chosen_parameters_move(void **state)
{
    (void)state;
    hesse_problem p = open_perceptron(team, 4);
    static const char *const names[] = {"layers.1.*"}, *const none[] = {"layers.7.*"};
    const double *start = hesse_network_values(p.network);
    const int tensors = hesse_network_tensors(p.network);
    for (int k = 0; k < KINDS; k++) {
        hesse_train_options o = options_of((hesse_optimiser_kind)k);
        o.only = names, o.n_only = 1;
        hesse_training *t = begin(&p, NULL, &o);
        take(t, 3);
        const double *now = hesse_training_parameters(t);
        const hesse_train_log log = hesse_training_log(t);
        for (int i = 0; i < tensors; i++) {
            const size_t first = hesse_network_tensor_first(p.network, i),
                         size = hesse_network_tensor_size(p.network, i);
            const bool in =
                strncmp(hesse_network_tensor_name(p.network, i), "layers.1", 8) == 0;
            assert_all(hesse_optimiser_trains(hesse_training_optimiser(t), i) == in);
            assert_all(same_bits(size, start + first, now + first) == !in);
            assert_all(log.gradient_norm[i] > 0 && (log.update_norm[i] > 0) == in);
        }
        assert_all(!hesse_optimiser_trains(hesse_training_optimiser(t), tensors));
        hesse_training_free(t);
    }
    hesse_train_options o = descent(0.5, 1);
    o.only = names, o.n_only = 1;
    o.optimiser.clip_norm = 1e-3;
    hesse_training *t = begin(&p, NULL, &o);
    take(t, 1);
    const hesse_train_log log = hesse_training_log(t);
    double inside = 0, update = 0;
    for (int i = 0; i < tensors; i++) {
        if (hesse_optimiser_trains(hesse_training_optimiser(t), i))
            inside += log.gradient_norm[i] * log.gradient_norm[i];
        update += log.update_norm[i] * log.update_norm[i];
    }
    const double norm = sqrt(inside);
    assert_all(norm > 1e-2 &&
               near(sqrt(update), 0.5 * 1e-3 * norm / (norm + 1e-6), 1e-3));
    hesse_training_free(t);
    o.only = none;
    assert_all(hesse_training_new(team, p.network, p.dataset, NULL, &o, &t) ==
               HESSE_E_JOB);
    assert_all(strstr(hesse_team_why(team)->text, "layers.7.*") && !t);
    hesse_problem_free(&p);
}

/* ----- measures along a run ----- */

/* H = A'A; the rows of A are the examples of a quadratic. */
static void matrix_of(const hesse_problem *p, double *h)
{
    const size_t n = hesse_network_size(p->network);
    const double *a = p->dataset->all.x;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            h[i * n + j] = 0;
            for (size_t k = 0; k < n; k++) h[i * n + j] += a[k * n + i] * a[k * n + j];
        }
}

static double form(size_t n, const double *h, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * dot(n, h + i * n, x);
    return sum;
}

static void measures_of_a_quadratic_are_known(void **state)
{
    (void)state;
    enum { N = 6, STEPS = 6 };
    const double eigenvalues[N] = {2, 5, 0.5, 11, 3, 7};
    double h[N * N], was[N], d[N], v[N], scaled[N * N], values[N], work[8 * N];
    hesse_problem p = open_quadratic(2, 4, eigenvalues);
    matrix_of(&p, h);
    for (int k = 0; k < KINDS; k++) {
        hesse_train_options o = options_of((hesse_optimiser_kind)k);
        const bool adam = k >= HESSE_OPTIMISER_ADAM && k <= HESSE_OPTIMISER_ADAM_MINI;
        o.batch = 0, o.steps = STEPS;
        o.measures = (hesse_path_measures){.every = 1,
                                           .smoothness = true,
                                           .gradient_smoothness = 1 + k,
                                           .sharpness = N};
        hesse_training *t = begin(&p, NULL, &o);
        for (int s = 0; s < STEPS; s++) {
            const double *w = hesse_training_parameters(t);
            memcpy(was, w, sizeof was);
            if (adam)
                memcpy(v, hesse_optimiser_vector(hesse_training_optimiser(t), 1),
                       sizeof v);
            take(t, 1);
            for (int i = 0; i < N; i++) d[i] = w[i] - was[i];
            const double dd = squares(N, d), along = form(N, h, d) / dd;
            assert_all(fabs(measure(t, s, "smoothness") - along) < 1e-9 * 11);
            /* Differences of gradients are H d, wherever the points are. */
            double hd = 0;
            for (int i = 0; i < N; i++) hd += pow(dot(N, h + i * N, d), 2);
            const double found_by_gradients = measure(t, s, "gradient_smoothness");
            assert_all(fabs(found_by_gradients - sqrt(hd / dd)) < 1e-9 * 11);
            assert_all(found_by_gradients > 0.5 && found_by_gradients < 11);
            assert_all(near(measure(t, s, "sharpness"), 11, 11));
            assert_all(measure(t, s, "step") == s);
            /* The gradient is H w. */
            double g = 0;
            for (int i = 0; i < N; i++) g += pow(dot(N, h + i * N, was), 2);
            assert_all(near(measure(t, s, "gradient_norm"), sqrt(g), sqrt(g)));
            const double found = measure(t, s, "preconditioned_sharpness");
            assert_all(isnan(found) == !(adam && s));
            if (!adam || !s) continue;
            const double c1 = 1 - pow(0.9, s), c2 = 1 - pow(0.99, s);
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++)
                    scaled[i * N + j] = h[i * N + j] /
                                        sqrt(c1 * (sqrt(v[i] / c2) + 1e-8)) /
                                        sqrt(c1 * (sqrt(v[j] / c2) + 1e-8));
            const int n = N, room = 8 * N;
            int info;
            dsyev_("N", "U", &n, scaled, &n, values, work, &room, &info);
            assert_all(info == 0 && near(found, values[N - 1], 10 * values[N - 1]));
        }
        hesse_training_free(t);
    }
    /* Sharpness of the trained block alone: its largest eigenvalue is 5. */
    static const char *const first[] = {"blocks.0*"};
    hesse_train_options o = descent(0.01, 1);
    o.only = first, o.n_only = 1;
    o.measures = (hesse_path_measures){.every = 1, .sharpness = 2};
    hesse_training *t = begin(&p, NULL, &o);
    take(t, 1);
    assert_all(near(measure(t, 0, "sharpness"), 5, 5));
    hesse_training_free(t);
    hesse_problem_free(&p);
}

/* The sharpness of the parameters that are trained is the largest eigenvalue of their
   rows and columns of the Hessian. */
static void sharpness_is_that_of_trained_parameters(void **state)
{
    (void)state;
    static const char *const names[] = {"layers.1.*"};
    double v[MOST], hv[MOST], block[MOST * MOST], values[MOST], work[8 * MOST];
    hesse_problem p = open_perceptron(team, 4);
    const size_t all = hesse_network_size(p.network);
    const size_t first = hesse_network_tensor_first(p.network, 2), m = all - first;
    assert_all(strncmp(hesse_network_tensor_name(p.network, 2), "layers.1", 8) == 0);
    for (size_t i = 0; i < m; i++) {
        memset(v, 0, sizeof v);
        v[first + i] = 1;
        assert_done(team, hesse_objective_product(p.objective, HESSE_ALL, 1, v, hv));
        memcpy(block + i * m, hv + first, m * sizeof *block);
    }
    const int order = (int)m, room = 8 * MOST;
    int info;
    dsyev_("N", "U", &order, block, &order, values, work, &room, &info);
    assert_all(info == 0 && m == 15);
    hesse_train_options o = descent(0.01, 1);
    o.only = names, o.n_only = 1;
    o.measures = (hesse_path_measures){.every = 1, .sharpness = 1000};
    hesse_training *t = begin(&p, NULL, &o);
    take(t, 1);
    assert_all(near(measure(t, 0, "sharpness"), values[m - 1], 10));
    hesse_training_free(t);
    hesse_problem_free(&p);
}

/* On one eigenvalue, a run is stable below the threshold and not above it. */
static void thresholds_separate_stable_runs(void **state)
{
    (void)state;
    const double one[] = {3};
    hesse_problem p = open_quadratic(1, 0, one);
    const double w0 = fabs(hesse_network_values(p.network)[0]);
    struct {
        hesse_optimiser_settings settings;
        double threshold; /* times the learning rate */
    } all[] = {
        {{.kind = HESSE_OPTIMISER_GD}, 2},
        {{.kind = HESSE_OPTIMISER_SGD, .momentum = 0.6}, 3.2},
        {{.kind = HESSE_OPTIMISER_SGD, .momentum = 0.6, .nesterov = true}, 3.2 / 2.2},
        {{.kind = HESSE_OPTIMISER_ADAM, .betas = {0.5, 1}, .epsilon = 0}, 6}};
    for (int i = 0; i < 4; i++) {
        /* Adam divides by |g| of the first step, which is 3 w0. */
        const bool adam = all[i].settings.kind == HESSE_OPTIMISER_ADAM;
        const double sharpness = adam ? 1 / w0 : 3;
        for (int above = 0; above < 2; above++) {
            hesse_train_options o = {.optimiser = all[i].settings, .steps = 400};
            o.learning_rate = (above ? 1.02 : 0.98) * all[i].threshold / sharpness;
            o.measures = (hesse_path_measures){.every = 399, .sharpness = 1};
            hesse_training *t = begin(&p, NULL, &o);
            take(t, o.steps);
            const double *loss = hesse_training_log(t).loss;
            assert_all(above ? loss[399] > 10 * loss[0] : loss[399] < 0.1 * loss[0]);
            const char *threshold = adam ? "preconditioned_threshold" : "threshold",
                       *found = adam ? "preconditioned_sharpness" : "sharpness";
            assert_all(
                near(measure(t, 1, threshold) * o.learning_rate, all[i].threshold, 10));
            assert_all(near(measure(t, 1, found), sharpness, 10 * sharpness));
            assert_all(isnan(measure(t, 1, "threshold")) == adam);
            hesse_training_free(t);
        }
    }
    hesse_problem_free(&p);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void robust_condition_is_that_of_the_diagonal(void **state)
{
    (void)state;
    enum { N = 31 };
    double v[N], hv[N], diagonal[N];
    hesse_problem p = open_perceptron(team, 4);
    hesse_train_options o = descent(0.01, 1);
    o.measures = (hesse_path_measures){.every = 1, .robust_condition = true};
    assert_all(hesse_network_size(p.network) == N);
    for (int i = 0; i < N; i++) {
        memset(v, 0, sizeof v);
        v[i] = 1;
        assert_done(team, hesse_objective_product(p.objective, HESSE_ALL, 1, v, hv));
        diagonal[i] = fabs(hv[i]);
    }
    qsort(diagonal, N, sizeof *diagonal, ascending);
    hesse_training *t = begin(&p, NULL, &o);
    take(t, 1);
    const double expected = diagonal[N - 1] / diagonal[N / 2];
    assert_all(near(measure(t, 0, "robust_condition"), expected, 100 * expected));
    hesse_training_free(t);
    hesse_problem_free(&p);
}

/* Collective. Smoothness by differences of gradients, from its definition. */
static double by_gradients(hesse_objective *x, size_t n, int points, const double *was,
                           const double *now)
{
    double here[MOST], there[MOST], point[MOST], step[MOST], largest = 0;
    assert_done(team, hesse_objective_set_parameters(x, was));
    assert_done(team, hesse_objective_gradient(x, NULL, here));
    for (size_t i = 0; i < n; i++) step[i] = now[i] - was[i];
    for (int k = 1; k <= points; k++) {
        const double alpha = k / (points + 1.0);
        for (size_t i = 0; i < n; i++) point[i] = alpha * was[i] + (1 - alpha) * now[i];
        assert_done(team, hesse_objective_set_parameters(x, point));
        assert_done(team, hesse_objective_gradient(x, NULL, there));
        for (size_t i = 0; i < n; i++) there[i] -= here[i];
        largest =
            fmax(largest, sqrt(squares(n, there) / squares(n, step)) / (1 - alpha));
    }
    return largest;
}

static void measures_are_of_the_chosen_examples(void **state)
{
    (void)state;
    static const char *const of_the_batch[] = {
        "step",           "noise_mean",       "noise_deviation", "noise_skewness",
        "noise_kurtosis", "noise_tail_index", "critical_rate"};
    hesse_problem p = open_perceptron(team, 4), q = open_perceptron(team, 4);
    const size_t n = hesse_network_size(p.network);
    hesse_train_options o = descent(0.3, 4);
    o.measures = (hesse_path_measures){.every = 1,
                                       .smoothness = true,
                                       .gradient_smoothness = 3,
                                       .sharpness = 5,
                                       .robust_condition = true,
                                       .critical_rate = true};
    /* A run whose held-out examples are those of every batch. */
    hesse_train_options held = o;
    held.measures.examples = HESSE_PATH_ON_HELD_OUT;
    hesse_training *all = begin(&p, NULL, &o), *same = begin(&p, q.dataset, &held);
    take(all, 4);
    take(same, 4);
    const hesse_train_log a = hesse_training_log(all), b = hesse_training_log(same);
    assert_all(a.measured == 4 && b.measured == 4);
    assert_all(same_bits(4 * (size_t)a.columns, a.measures, b.measures));

    o.batch = held.batch = BATCH, o.measures.noise = held.measures.noise = 10;
    hesse_training *on_batch = begin(&p, NULL, &o),
                   *on_held_out = begin(&p, q.dataset, &held);
    for (int s = 0; s < 4; s++) {
        double was[MOST], d[MOST], hd[MOST], gradient[MOST];
        memcpy(was, hesse_training_parameters(on_held_out), n * sizeof *was);
        take(on_batch, 1);
        take(on_held_out, 1);
        const double *now = hesse_training_parameters(on_held_out);
        assert_all(same_bits(n, hesse_training_parameters(on_batch), now));
        const double differences = by_gradients(q.objective, n, 3, was, now);
        assert_done(team, hesse_objective_set_parameters(q.objective, was));
        assert_done(team, hesse_objective_gradient(q.objective, NULL, gradient));
        for (size_t i = 0; i < n; i++) d[i] = now[i] - was[i];
        assert_done(team, hesse_objective_product(q.objective, HESSE_ALL, 1, d, hd));
        const double norm = sqrt(squares(n, gradient)),
                     along = dot(n, d, hd) / squares(n, d);
        assert_all(near(measure(on_held_out, s, "gradient_norm"), norm, norm));
        assert_all(near(measure(on_held_out, s, "smoothness"), along, 1));
        assert_all(
            near(measure(on_held_out, s, "gradient_smoothness"), differences, 10));
        for (size_t i = 0; i < sizeof of_the_batch / sizeof *of_the_batch; i++) {
            const double x = measure(on_batch, s, of_the_batch[i]),
                         y = measure(on_held_out, s, of_the_batch[i]);
            assert_all(same_bits(1, &x, &y));
        }
        assert_all(measure(on_batch, s, "smoothness") !=
                   measure(on_held_out, s, "smoothness"));
    }
    /* At the first parameters, all examples have the curvature of the first run. */
    assert_all(
        near(measure(on_held_out, 0, "sharpness"), measure(all, 0, "sharpness"), 10));
    const double robust = measure(all, 0, "robust_condition");
    assert_all(near(measure(on_held_out, 0, "robust_condition"), robust, 100 * robust));
    hesse_training_free(all);
    hesse_training_free(same);
    hesse_training_free(on_batch);
    hesse_training_free(on_held_out);
    hesse_problem_free(&p);
    hesse_problem_free(&q);
}

static void relations_of_known_columns(void **state)
{
    (void)state;
    enum { ROWS = 6 };
    /* x, a line, a power, and both with a hole */
    double table[ROWS][3];
    hesse_relation r;
    hesse_why why;
    for (int i = 0; i < ROWS; i++) {
        const double x = 1 + i * i % 7;
        table[i][0] = x, table[i][1] = 3 * x - 4, table[i][2] = 5 / (x * x);
    }
    const double *x = &table[0][0];
    assert_true(!hesse_relation_find(ROWS, 3, x, x + 1, &r, &why));
    assert_true(near(r.constant, -4, 10) && near(r.slope, 3, 10) &&
                near(r.ranks, 1, 1));
    assert_true(r.logarithms > 0.5 && r.logarithms < 1); /* without the row of -1 */
    assert_true(!hesse_relation_find(ROWS, 3, x, x + 2, &r, &why));
    assert_true(near(r.logarithms, -1, 1) && near(r.ranks, -1, 1));
    table[2][1] = NAN, table[3][0] = NAN;
    assert_true(!hesse_relation_find(ROWS, 3, x, x + 1, &r, &why));
    assert_true(near(r.constant, -4, 10) && near(r.slope, 3, 10) &&
                near(r.ranks, 1, 1));
    /* Ranks 0, 1.5, 1.5, 3 and 0, 2, 1, 3. */
    const double tied[] = {-1, 2, 2, 30}, other[] = {-5, 3, 2, 4},
                 equal[] = {7, 7, 7, 7};
    assert_true(!hesse_relation_find(4, 1, tied, other, &r, &why));
    assert_true(near(r.ranks, 4.5 / sqrt(4.5 * 5), 1));
    assert_true(!hesse_relation_find(4, 1, equal, other, &r, &why));
    assert_true(isnan(r.constant) && isnan(r.slope));
    assert_true(isnan(r.logarithms) && isnan(r.ranks));
    assert_true(!hesse_relation_find(4, 1, tied, equal, &r, &why));
    assert_true(r.constant == 7 && r.slope == 0 && isnan(r.ranks));
    for (size_t rows = 0; rows < 3; rows++) {
        assert_true(!hesse_relation_find(rows, 1, tied, other, &r, &why));
        assert_true(isnan(r.constant) && isnan(r.slope));
        assert_true(isnan(r.logarithms) && isnan(r.ranks));
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &broken_rank);
    for (int at = 0; at < 2; at++) {
        broken_at = at, allocations = 0;
        assert_int_equal(hesse_relation_find(4, 1, tied, other, &r, &why),
                         HESSE_E_NOMEM);
    }
    broken_rank = -1;
}

/* Batches of one example, as many as there are examples, are a pass: their distances
   from the whole gradient are those of all examples. */
static void noise_is_that_of_the_examples(void **state)
{
    (void)state;
    hesse_problem p = open_perceptron(team, 4);
    const size_t n = hesse_network_size(p.network);
    double gradient[MOST], each[EXAMPLES * MOST], expected[EXAMPLES];
    hesse_train_options o = descent(0.01, 1);
    o.batch = 1;
    o.measures = (hesse_path_measures){.every = 1, .noise = EXAMPLES};
    assert_done(team, hesse_objective_gradient(p.objective, NULL, gradient));
    assert_done(team,
                hesse_objective_example_gradients(p.objective, 0, EXAMPLES, each));
    double mean = 0, m[5] = {0};
    for (int e = 0; e < EXAMPLES; e++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += pow(EXAMPLES * each[(size_t)e * n + i] - gradient[i], 2);
        expected[e] = sqrt(sum), mean += expected[e] / EXAMPLES;
    }
    for (int e = 0; e < EXAMPLES; e++)
        for (int k = 2; k < 5; k++) m[k] += pow(expected[e] - mean, k) / EXAMPLES;
    qsort(expected, EXAMPLES, sizeof *expected, ascending);
    hesse_training *t = begin(&p, NULL, &o);
    take(t, 1);
    const double *found = hesse_training_log(t).noise;
    assert_all(found && hesse_training_log(t).batches == EXAMPLES);
    for (int e = 0; e < EXAMPLES; e++) assert_all(near(found[e], expected[e], 1));
    assert_all(near(measure(t, 0, "noise_mean"), mean, mean));
    assert_all(near(measure(t, 0, "noise_deviation"), sqrt(m[2]), mean));
    assert_all(near(measure(t, 0, "noise_skewness"), m[3] / pow(m[2], 1.5), 100));
    assert_all(near(measure(t, 0, "noise_kurtosis"), m[4] / (m[2] * m[2]) - 3, 100));
    /* The tail is the largest of ten. */
    assert_all(near(measure(t, 0, "noise_tail_index"),
                    1 / log(expected[9] / expected[8]), 1000));
    hesse_training_free(t);

    /* Equal examples have no noise. */
    hesse_batch *all = &p.dataset->all;
    for (int e = 1; e < EXAMPLES; e++) {
        all->target[e] = all->target[0];
        memcpy(all->x + e * 3, all->x, 3 * sizeof *all->x);
    }
    o.batch = 7, o.measures.noise = 20;
    t = begin(&p, NULL, &o);
    take(t, 1);
    assert_all(measure(t, 0, "noise_mean") < 1e-14);
    assert_all(measure(t, 0, "noise_deviation") < 1e-14);
    assert_all(isnan(measure(t, 0, "noise_skewness")));
    assert_all(isnan(measure(t, 0, "noise_kurtosis")));
    assert_all(isnan(measure(t, 0, "noise_tail_index")));
    hesse_training_free(t);
    hesse_problem_free(&p);
}

/* ----- faults ----- */

static void settings_out_of_range_are_refused(void **state)
{
    (void)state;
    hesse_problem p = open_perceptron(team, 4);
    const hesse_train_options good = options_of(HESSE_OPTIMISER_ADAM);
    struct {
        const char *says;
        hesse_train_options o;
    } bad[64];
    int count = 0;
#define BAD(text, setting)                                                             \
    bad[count].o = good, bad[count].o.setting, bad[count++].says = text
    BAD("learning rate is 0", learning_rate = 0);
    BAD("learning rate is -1", learning_rate = -1);
    BAD("learning rate is nan", learning_rate = NAN);
    BAD("learning rate is inf", learning_rate = INFINITY);
    BAD("0 steps", steps = 0);
    BAD("batch of -1", batch = -1);
    BAD("batch of 11", batch = EXAMPLES + 1);
    BAD("order 3", order = (hesse_order)3);
    BAD("order -1", order = (hesse_order)-1);
    BAD("fresh examples", order = HESSE_ORDER_FRESH);
    BAD("schedule 4", schedule.kind = (hesse_schedule_kind)4);
    BAD("warm-up of -1", schedule.warmup = -1);
    BAD("warm-up of 8", schedule.warmup = 8);
    BAD("schedule by steps", schedule.kind = HESSE_SCHEDULE_STEP);
    BAD("negative", evaluate_every = -1);
    BAD("negative", measures.every = -1);
    BAD("negative", measures.noise = -1);
    BAD("negative", measures.sharpness = -1);
    BAD("negative", measures.gradient_smoothness = -1);
    BAD("there are none", measures.examples = HESSE_PATH_ON_HELD_OUT);
    BAD("optimiser 8", optimiser.kind = (hesse_optimiser_kind)KINDS);
    BAD("momentum is -0.1", optimiser.momentum = -0.1);
    BAD("first beta is 1, expected at least 0 and below 1", optimiser.betas[0] = 1);
    BAD("second beta is 1.1, expected from 0 to 1", optimiser.betas[1] = 1.1);
    BAD("second beta is nan", optimiser.betas[1] = NAN);
    BAD("alpha is 2", optimiser.alpha = 2);
    BAD("epsilon is -1", optimiser.epsilon = -1);
    BAD("weight decay is inf", optimiser.weight_decay = INFINITY);
    BAD("norm for clipping is -1", optimiser.clip_norm = -1);
    BAD("limit for clipping is -1", optimiser.clip_coordinate = -1);
    BAD("momentum above 0", optimiser.nesterov = true);
    bad[count].o = good, bad[count].says = "final fraction of the learning rate is -1";
    bad[count].o.schedule.kind = HESSE_SCHEDULE_LINEAR;
    bad[count++].o.schedule.final = -1;
    bad[count].o = good, bad[count].says = "factor of the learning rate is nan";
    bad[count].o.schedule.kind = HESSE_SCHEDULE_STEP;
    bad[count].o.schedule.every = 1, bad[count++].o.schedule.factor = NAN;
    bad[count].o = good, bad[count].says = "Adam-mini needs a second beta below 1";
    bad[count].o.optimiser.kind = HESSE_OPTIMISER_ADAM_MINI;
    bad[count++].o.optimiser.betas[1] = 1;
    for (int i = 0; i < count; i++) {
        hesse_training *t = (hesse_training *)&count;
        const hesse_status s =
            hesse_training_new(team, p.network, p.dataset, NULL, &bad[i].o, &t);
        const char *why = hesse_team_why(team)->text;
        if (s != HESSE_E_JOB || !strstr(why, bad[i].says))
            print_error("status %d, %s: %s\n", (int)s, bad[i].says, why);
        assert_all(s == HESSE_E_JOB && !t && strstr(why, bad[i].says));
    }
    hesse_training *t = NULL;
    assert_all(hesse_training_new(team, NULL, p.dataset, NULL, &good, &t) &&
               hesse_training_new(team, p.network, NULL, NULL, &good, &t) &&
               hesse_training_new(team, p.network, p.dataset, NULL, NULL, &t) &&
               hesse_training_new(team, p.network, p.dataset, NULL, &good, NULL) &&
               hesse_training_new(NULL, p.network, p.dataset, NULL, &good, &t));
    assert_all(hesse_training_step(NULL) && hesse_training_evaluate(NULL));
    hesse_training_free(NULL);
    hesse_optimiser_free(NULL);
    hesse_problem_free(&p);
}

static void a_run_ends_and_may_diverge(void **state)
{
    (void)state;
    const double eigenvalues[] = {1, 2};
    hesse_problem p = open_quadratic(1, 1, eigenvalues);
    hesse_train_options o = descent(0.1, 2);
    hesse_training *t = begin(&p, NULL, &o);
    take(t, 2);
    assert_all(hesse_training_step(t) == HESSE_E_JOB);
    assert_all(strstr(hesse_team_why(team)->text, "all 2 steps") != NULL);
    assert_all(hesse_training_log(t).rows == 2);
    hesse_training_free(t);
    o.learning_rate = 1e60, o.steps = 100;
    o.measures =
        (hesse_path_measures){.every = 1, .smoothness = true, .gradient_smoothness = 2};
    t = begin(&p, NULL, &o);
    hesse_status s = HESSE_OK;
    int steps = 0;
    while (!s && steps < 100) s = hesse_training_step(t), steps += !s;
    assert_all(s == HESSE_E_NUMERIC && steps > 1 && steps < 10);
    assert_all(strstr(hesse_team_why(team)->text, "learning rate 1e+60") != NULL);
    assert_all(hesse_training_steps(t) == steps && hesse_training_log(t).rows == steps);
    hesse_training_free(t);
    hesse_problem_free(&p);
}

/* A whole run with a state that is saved and loaded, until the first failure. */
static hesse_status whole_run(const hesse_problem *p, const hesse_train_options *o,
                              const char *path, hesse_training **training)
{
    hesse_training *t = NULL;
    hesse_status s =
        hesse_training_new(team, p->network, p->dataset, p->dataset, o, &t);
    for (int i = 0; !s && i < 2; i++) s = hesse_training_step(t);
    if (!s) s = hesse_training_save(t, path);
    if (!s) s = hesse_training_load(t, path);
    for (int i = 0; !s && i < 2; i++) s = hesse_training_step(t);
    *training = t;
    return s;
}

static void one_rank_out_of_memory_fails_all(void **state)
{
    (void)state;
    const char *path = path_of("state.safetensors");
    hesse_problem p = open_perceptron(team, 4);
    hesse_train_options o = with_records(HESSE_OPTIMISER_ADAM);
    int ranks, failures = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    o.measures.noise = 2, o.measures.robust_condition = false;
    for (int rank = 0; rank<ranks; rank += ranks> 1 ? ranks - 1 : 1) {
        hesse_status s = HESSE_E_NOMEM;
        for (int at = 0; s; at++) {
            hesse_training *t = NULL;
            broken_rank = rank, broken_at = at, allocations = 0;
            s = whole_run(&p, &o, path, &t);
            broken_rank = -1;
            assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
            assert_all(!s || hesse_team_why(team)->text[0]);
            failures += s != HESSE_OK;
            assert_all(at < 5000);
            hesse_training_free(t);
        }
    }
    assert_all(failures > 50);
    hesse_problem_free(&p);
}

/* A step that fails for lack of memory leaves the records of the steps that were taken,
   the same on all ranks, and the run can go on to the same parameters. */
static void steps_may_be_repeated(void **state)
{
    (void)state;
    hesse_problem p = open_perceptron(team, 4);
    const size_t n = hesse_network_size(p.network);
    hesse_train_options o = with_records(HESSE_OPTIMISER_ADAM);
    o.measures.noise = 2, o.steps = 3;
    hesse_training *whole = begin(&p, p.dataset, &o);
    take(whole, o.steps);
    int ranks, failed = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int at = 0, fails = 1; fails; at += at < 50 ? 1 : 3) {
        hesse_training *t = begin(&p, p.dataset, &o);
        fails = 0;
        broken_rank = ranks - 1, broken_at = at, allocations = 0;
        while (hesse_training_steps(t) < o.steps) {
            const hesse_status s = hesse_training_step(t);
            const hesse_train_log log = hesse_training_log(t);
            assert_all(s == HESSE_OK || s == HESSE_E_NOMEM);
            assert_all(log.rows == hesse_training_steps(t));
            assert_all(!log.noise || log.measured > 0);
            fails += s != HESSE_OK;
        }
        broken_rank = -1;
        assert_all(fails < 2 && at < 3000);
        failed += fails;
        assert_all(same_bits(n, hesse_training_parameters(t),
                             hesse_training_parameters(whole)));
        const hesse_train_log a = hesse_training_log(t), b = hesse_training_log(whole);
        assert_all(same_bits((size_t)a.rows, a.loss, b.loss));
        assert_all(a.evaluations == b.evaluations &&
                   same_bits((size_t)a.evaluations * 3, a.evaluate, b.evaluate));
        if (!fails) assert_all(same_logs(t, whole));
        hesse_training_free(t);
    }
    assert_all(failed > 10);
    hesse_training_free(whole);
    hesse_problem_free(&p);
}

static int set_up(void **state)
{
    int rank, made = 1;
    (void)state;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    strcpy(folder, "/tmp/hesse-test-XXXXXX");
    if (rank == 0) made = mkdtemp(folder) != NULL;
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    MPI_Bcast(&made, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return !made || hesse_team_new(MPI_COMM_WORLD, &team) ||
           hesse_team_new(MPI_COMM_SELF, &alone);
}

static int tear_down(void **state)
{
    int failed = 0;
    (void)state;
    if (hesse_team_rank(team) == 0)
        failed = nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    hesse_team_free(team);
    hesse_team_free(alone);
    return failed;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(schedules_have_their_ends),
    cmocka_unit_test(a_pass_takes_every_example_once),
    cmocka_unit_test(all_orders_are_equally_likely),
    cmocka_unit_test(runs_go_on_to_the_same_bits),
    cmocka_unit_test(states_of_other_runs_are_refused),
    cmocka_unit_test(groups_have_measures_of_their_own),
    cmocka_unit_test(parameters_do_not_depend_on_the_ranks),
    cmocka_unit_test(descent_on_quadratics_has_its_rate),
    cmocka_unit_test(adam_may_keep_the_first_squares),
    cmocka_unit_test(only_chosen_parameters_move),
    cmocka_unit_test(measures_of_a_quadratic_are_known),
    cmocka_unit_test(sharpness_is_that_of_trained_parameters),
    cmocka_unit_test(thresholds_separate_stable_runs),
    cmocka_unit_test(robust_condition_is_that_of_the_diagonal),
    cmocka_unit_test(measures_are_of_the_chosen_examples),
    cmocka_unit_test(relations_of_known_columns),
    cmocka_unit_test(noise_is_that_of_the_examples),
    cmocka_unit_test(settings_out_of_range_are_refused),
    cmocka_unit_test(a_run_ends_and_may_diverge),
    cmocka_unit_test(one_rank_out_of_memory_fails_all),
    cmocka_unit_test(steps_may_be_repeated),
};

MPI_TEST_MAIN_WITH(tests, set_up, tear_down)
