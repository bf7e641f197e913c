/* Laws of the loss and its derivatives, of batches, and of written checkpoints, on 1,
   2, 4 and 6 ranks. */
#include "check_files.h"
#include "check_mpi.h"

#include "files/safetensors.h"
#include "files/safetensors_write.h"
#include "hesse/objective.h"
#include "objective/objective.h"
#include "program/commands.h"

#include <math.h>

enum { EXAMPLES = 6, CONTEXT = 5, VOCABULARY = 7, MOST = 1 << 12 };

static hesse_team *team, *alone;
static char folder[64]; /* the same on all ranks */

static const hesse_arch tiny = {.family = "gpt2",
                                .layers = 1,
                                .width = 6,
                                .inner = 8,
                                .vocabulary = VOCABULARY,
                                .positions = CONTEXT,
                                .attention = {.heads = 2, .kv_heads = 2, .size = 3},
                                .activation = HESSE_ACT_GELU_TANH,
                                .norm_eps = 1e-5,
                                .tied = true,
                                .attention_bias = true,
                                .mlp_bias = true,
                                .deviation = 0.4};

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Collective. Write ids of some examples, from `first` on. Neighbouring examples share
   an id. */
static const char *write_ids(int first, int count)
{
    unsigned short ids[EXAMPLES * CONTEXT + 1];
    uint64_t seed = 11;
    const char *path = path_of("ids.bin");
    for (int i = 0; i <= EXAMPLES * CONTEXT; i++)
        ids[i] = (unsigned short)((uniform(&seed) + 1) / 2 * VOCABULARY);
    const size_t numbers = (size_t)(count * CONTEXT + 1);
    if (hesse_team_rank(team) == 0)
        write_bytes(path, ids + first * CONTEXT, numbers * sizeof *ids);
    MPI_Barrier(MPI_COMM_WORLD);
    return path;
}

/* Collective. Open a tiny network with initial values on examples of the file. */
static hesse_problem open_range(hesse_team *who, int first, int count,
                                hesse_objective_options options)
{
    hesse_problem p;
    const char *path = write_ids(first, count);
    const hesse_network_source source = {.arch = &tiny, .seed = 3};
    const hesse_data_options data = {
        .kind = "tokens", .paths = &path, .n_paths = 1, .context = CONTEXT};
    const hesse_status s = hesse_problem_open(who, &source, &data, &options, &p);
    if (s) print_error("%s\n", hesse_team_why(who)->text);
    assert_all(s == HESSE_OK);
    assert_all(hesse_objective_examples(p.objective) == count);
    assert_all(hesse_network_size(p.network) <= MOST);
    MPI_Barrier(MPI_COMM_WORLD); /* after this, the file may be overwritten */
    return p;
}

static hesse_problem open_all(void)
{
    return open_range(team, 0, EXAMPLES, (hesse_objective_options){0});
}

static double dot(size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

/* Return the largest difference, relative to the largest number. */
static double apart(size_t n, const double *x, const double *y)
{
    double worst = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(x[i] - y[i]));
        most = fmax(most, fabs(x[i]));
    }
    assert_all(most > 0);
    return worst / most;
}

static bool same_bits(size_t n, const double *x, const double *y)
{
    return memcmp(x, y, n * sizeof *x) == 0;
}

static void move(hesse_objective *x, size_t n, const double *from, double step,
                 const double *direction)
{
    double values[MOST];
    for (size_t i = 0; i < n; i++) values[i] = from[i] + step * direction[i];
    assert_all(hesse_objective_set_parameters(x, values) == HESSE_OK);
}

/* Draw a direction that moves one tensor alone. */
static void draw(const hesse_network *network, int tensor, double *direction)
{
    uint64_t seed = (uint64_t)tensor;
    const size_t first = hesse_network_tensor_first(network, tensor);
    memset(direction, 0, MOST * sizeof *direction);
    for (size_t i = 0; i < hesse_network_tensor_size(network, tensor); i++)
        direction[first + i] = uniform(&seed);
}

static const double STEP = 1e-4;

/* Draw parameters for which all tensors have a gradient. Initial values are too small
   for slopes. */
static void draw_all(size_t n, double *values)
{
    uint64_t seed = 5;
    for (size_t i = 0; i < n; i++) values[i] = 0.6 * uniform(&seed);
}

/* Return true if a loss depends on a tensor. It never depends on the bias of keys,
   which moves all scores of a query alike. */
static bool matters(const hesse_network *network, int tensor)
{
    return !strstr(hesse_network_tensor_name(network, tensor), "bias.key");
}

static void gradients_are_slopes_of_the_loss(void **state)
{
    (void)state;
    hesse_problem p = open_all();
    hesse_objective *x = p.objective;
    const size_t n = hesse_network_size(p.network);
    double start[MOST], g[MOST], d[MOST], loss, up, down;
    draw_all(n, start);
    assert_all(hesse_objective_set_parameters(x, start) == HESSE_OK);
    assert_all(hesse_objective_gradient(x, &loss, g) == HESSE_OK);
    assert_all(hesse_objective_last_loss(x) == loss);
    for (int t = 0; t < hesse_network_tensors(p.network); t++) {
        draw(p.network, t, d);
        move(x, n, start, STEP, d);
        assert_all(hesse_objective_loss(x, &up) == HESSE_OK);
        move(x, n, start, -STEP, d);
        assert_all(hesse_objective_loss(x, &down) == HESSE_OK);
        const double slope = (up - down) / (2 * STEP);
        assert_all(fabs(slope - dot(n, g, d)) < 1e-8);
        assert_all(!matters(p.network, t) || fabs(slope) > 1e-5);
    }
    hesse_problem_free(&p);
}

static void products_are_slopes_of_gradients(void **state)
{
    (void)state;
    hesse_problem p = open_all();
    hesse_objective *x = p.objective;
    const size_t n = hesse_network_size(p.network);
    double start[MOST], hd[MOST], d[MOST], up[MOST], down[MOST];
    draw_all(n, start);
    for (int t = 0; t < hesse_network_tensors(p.network); t++) {
        draw(p.network, t, d);
        move(x, n, start, 0, d);
        assert_all(hesse_objective_product(x, HESSE_ALL, 1, d, hd) == HESSE_OK);
        move(x, n, start, STEP, d);
        assert_all(hesse_objective_gradient(x, NULL, up) == HESSE_OK);
        move(x, n, start, -STEP, d);
        assert_all(hesse_objective_gradient(x, NULL, down) == HESSE_OK);
        for (size_t i = 0; i < n; i++) up[i] = (up[i] - down[i]) / (2 * STEP);
        assert_all(!matters(p.network, t) || apart(n, hd, up) < 1e-6);
    }
    hesse_problem_free(&p);
}

static void parameters_come_back(void **state)
{
    (void)state;
    hesse_problem p = open_all();
    hesse_objective *x = p.objective;
    const size_t n = hesse_network_size(p.network);
    const double *start = hesse_network_values(p.network);
    double g[MOST], again[MOST], d[MOST], loss, other, last;
    draw(p.network, 0, d);
    assert_all(hesse_objective_parameters(x) == start);
    assert_all(hesse_objective_gradient(x, &loss, g) == HESSE_OK);
    move(x, n, start, 1, d);
    assert_all(!same_bits(n, hesse_objective_parameters(x), start));
    assert_all(hesse_objective_loss(x, &other) == HESSE_OK && other != loss);
    assert_all(hesse_objective_set_batch(x, p.dataset, 0, EXAMPLES) == HESSE_OK);
    assert_all(hesse_objective_loss(x, &last) == HESSE_OK && last == other);
    const double *own = hesse_objective_parameters(x);
    assert_all(hesse_objective_set_parameters(x, own) == HESSE_OK);
    assert_all(hesse_objective_loss(x, &last) == HESSE_OK && last == other);
    assert_all(hesse_objective_set_parameters(x, start) == HESSE_OK);
    assert_all(hesse_objective_gradient(x, &last, again) == HESSE_OK);
    assert_all(last == loss && same_bits(n, again, g));
    assert_all(same_bits(n, hesse_objective_parameters(x), start));
    hesse_problem_free(&p);
}

static void batches_are_ranges(void **state)
{
    (void)state;
    static const int ranges[][2] = {{4, 2}, {0, EXAMPLES}, {2, 3},        {5, 1},
                                    {0, 1}, {1, 5},        {0, EXAMPLES}, {2, 3}};
    hesse_problem p = open_all();
    const size_t n = hesse_network_size(p.network);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const int first = ranges[i][0], count = ranges[i][1];
        hesse_problem own =
            open_range(team, first, count, (hesse_objective_options){0});
        double g[MOST], expected[MOST], loss, alike;
        assert_all(hesse_objective_set_batch(p.objective, p.dataset, first, count) ==
                   HESSE_OK);
        assert_all(hesse_objective_examples(p.objective) == count);
        assert_all(hesse_objective_gradient(p.objective, &loss, g) == HESSE_OK);
        assert_all(hesse_objective_gradient(own.objective, &alike, expected) ==
                   HESSE_OK);
        assert_all(loss == alike && same_bits(n, g, expected));
        hesse_problem_free(&own);
        const hesse_status wrong = hesse_objective_set_batch(
            p.objective, p.dataset, first, EXAMPLES - first + 1);
        assert_all(wrong == HESSE_E_JOB && !hesse_objective_examples(p.objective));
        assert_all(hesse_objective_loss(p.objective, &loss) == HESSE_E_JOB);
    }
    hesse_problem_free(&p);
}

/* Chosen examples are those of the ranges that hold them. */
static void compare_chosen(hesse_objective *x, const hesse_dataset *dataset, int first,
                           int count, bool same)
{
    const size_t n = hesse_network_size(x->network);
    double g[MOST], expected[MOST], loss, alike;
    int indices[EXAMPLES];
    for (int i = 0; i < count; i++) indices[i] = first + i;
    assert_all(hesse_objective_set_batch(x, dataset, first, count) == HESSE_OK);
    assert_all(hesse_objective_gradient(x, &alike, expected) == HESSE_OK);
    if (same) { /* others were chosen before, and their memory serves again */
        int others[EXAMPLES];
        for (int i = 0; i < count; i++) others[i] = (first + count) % EXAMPLES;
        assert_all(hesse_objective_set_examples(x, dataset, count, others) == HESSE_OK);
        assert_all(hesse_objective_loss(x, &loss) == HESSE_OK);
        assert_all(loss != alike);
    }
    assert_all(hesse_objective_set_examples(x, dataset, count, indices) == HESSE_OK);
    assert_all(hesse_objective_examples(x) == count);
    assert_all(hesse_objective_gradient(x, &loss, g) == HESSE_OK);
    assert_all(loss == alike && same_bits(n, g, expected));
}

static void chosen_examples_are_those_of_ranges(void **state)
{
    (void)state;
    for (int r = HESSE_MEAN; r <= HESSE_SUM_OF_BATCHES; r++) {
        hesse_problem p =
            open_range(team, 0, EXAMPLES,
                       (hesse_objective_options){.reduction = (hesse_reduction)r});
        hesse_objective *x = p.objective;
        for (int count = EXAMPLES; count >= 1; count -= 2)
            for (int first = 0; first + count <= EXAMPLES; first += 2)
                for (int same = 0; same < 2; same++)
                    compare_chosen(x, p.dataset, first, count, same);
        /* An example may come twice: the loss is a mean or a sum over both. */
        const int twice[] = {4, 1, 4}, wrong[] = {0, EXAMPLES}, below[] = {-1};
        double loss, some[EXAMPLES];
        for (int i = 0; i < EXAMPLES; i++) {
            assert_all(hesse_objective_set_examples(x, p.dataset, 1, &i) == HESSE_OK);
            assert_all(hesse_objective_loss(x, &some[i]) == HESSE_OK);
        }
        assert_all(hesse_objective_set_examples(x, p.dataset, 3, twice) == HESSE_OK);
        assert_all(hesse_objective_loss(x, &loss) == HESSE_OK);
        const double sum = 2 * some[4] + some[1];
        assert_all(fabs(loss - (r == HESSE_MEAN ? sum / 3 : sum)) < 1e-13 * loss);
        /* A view of the dataset with the number of the examples chosen before. */
        assert_all(hesse_objective_set_batch(x, p.dataset, 0, 3) == HESSE_OK);
        assert_all(hesse_objective_set_examples(x, p.dataset, 3, twice) == HESSE_OK);
        double again;
        assert_all(hesse_objective_loss(x, &again) == HESSE_OK && again == loss);
        const struct {
            int count;
            const int *indices;
        } bad[] = {{2, wrong}, {1, below}, {0, twice}, {-1, twice}, {1, NULL}};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            assert_all(hesse_objective_set_examples(x, p.dataset, bad[i].count,
                                                    bad[i].indices) == HESSE_E_JOB);
            assert_all(!hesse_objective_examples(x));
            assert_all(hesse_objective_loss(x, &loss) == HESSE_E_JOB);
        }
        assert_all(hesse_objective_set_examples(x, NULL, 3, twice) == HESSE_E_JOB);
        assert_all(hesse_objective_set_examples(x, p.dataset, 3, twice) == HESSE_OK);
        assert_all(hesse_objective_loss(x, &loss) == HESSE_OK && again == loss);
        hesse_problem_free(&p);
    }
}

/* A masked model, whose examples have padding, masked tokens and ignored targets. */
static void chosen_examples_keep_padding_and_targets(void **state)
{
    (void)state;
    static const int lengths[EXAMPLES] = {5, 3, 4, 5, 2, 4};
    const char *path = write_ids(0, EXAMPLES);
    const hesse_arch arch = {
        .family = "bert",
        .layers = 1,
        .width = 4,
        .inner = 6,
        .vocabulary = VOCABULARY + 1,
        .positions = CONTEXT,
        .types = 2,
        .task = HESSE_TASK_MASKED,
        .norm_eps = 1e-5,
        .attention_bias = true,
        .deviation = 0.4,
        .attention = {.heads = 2, .kv_heads = 2, .size = 2, .full = true}};
    const int mask = VOCABULARY;
    const hesse_network_source source = {.arch = &arch, .seed = 3};
    const hesse_data_options data = {.kind = "tokens",
                                     .paths = &path,
                                     .n_paths = 1,
                                     .context = CONTEXT,
                                     .mask_rate = 0.6,
                                     .mask_id = &mask};
    hesse_problem p;
    const hesse_status s =
        hesse_problem_open(team, &source, &data, &(hesse_objective_options){0}, &p);
    if (s) print_error("%s\n", hesse_team_why(team)->text);
    assert_all(s == HESSE_OK && hesse_objective_examples(p.objective) == EXAMPLES);
    hesse_objective *x = p.objective;
    hesse_batch *all = &p.dataset->all;
    double with, without, loss;
    assert_all(hesse_objective_loss(x, &without) == HESSE_OK);
    assert_all(hesse_batch_set_visible(all, lengths, NULL) == HESSE_OK && all->end);
    for (int i = 0; i < EXAMPLES * CONTEXT; i++)
        if (i % CONTEXT >= lengths[i / CONTEXT]) all->target[i] = HESSE_IGNORED;
    all->target[0] = 1, all->target[4 * CONTEXT] = 2;
    assert_all(hesse_objective_set_batch(x, p.dataset, 0, EXAMPLES) == HESSE_OK);
    assert_all(hesse_objective_loss(x, &with) == HESSE_OK && with != without);
    for (int count = 1; count <= EXAMPLES; count++) {
        const int first = (EXAMPLES - count) / 2;
        bool some = false;
        for (int i = first * CONTEXT; i < (first + count) * CONTEXT; i++)
            some |= all->target[i] >= 0;
        for (int same = 0; some && same < 2; same++)
            compare_chosen(x, p.dataset, first, count, same);
    }
    /* A batch without any target is an error, also in memory that serves again, and the
       next good one works. */
    const int empty[] = {1, 1}, good[] = {0, 4};
    for (int i = CONTEXT; i < 2 * CONTEXT; i++) all->target[i] = HESSE_IGNORED;
    assert_all(hesse_objective_set_batch(x, p.dataset, 1, 1) == HESSE_E_INPUT);
    assert_all(hesse_objective_set_examples(x, p.dataset, 2, good) == HESSE_OK);
    assert_all(hesse_objective_loss(x, &with) == HESSE_OK);
    for (int i = 0; i < 2; i++) {
        assert_all(hesse_objective_set_examples(x, p.dataset, 2, empty) ==
                   HESSE_E_INPUT);
        assert_all(strstr(hesse_team_why(team)->text, "target") != NULL);
        assert_all(hesse_objective_loss(x, &loss) == HESSE_E_JOB);
    }
    assert_all(hesse_objective_set_examples(x, p.dataset, 2, good) == HESSE_OK);
    assert_all(hesse_objective_loss(x, &loss) == HESSE_OK && loss == with);
    hesse_problem_free(&p);
}

/* A perceptron without hidden layers: its outputs are W x + b. */
static void accuracy_counts_the_largest_outputs(void **state)
{
    (void)state;
    enum { INPUTS = 2, CLASSES = 3, COUNT = 20 };
    const hesse_arch arch = {.family = "mlp", .mlp_bias = true};
    const hesse_network_source source = {.arch = &arch, .seed = 3};
    const hesse_data_options data = {
        .kind = "gaussian",
        .sequences = COUNT,
        .recipe = {.features = INPUTS, .classes = CLASSES}};
    for (int held = 0; held < 2;
         held++) { /* all activations, or those of one example */
        const hesse_objective_options options = {.memory = held ? 1 : 0};
        hesse_problem p;
        assert_all(hesse_problem_open(team, &source, &data, &options, &p) == HESSE_OK);
        assert_all(hesse_objective_window(p.objective) == (held ? 1 : COUNT));
        const double *w = hesse_network_values(p.network);
        hesse_batch *all = &p.dataset->all;
        int hits = 0, targets = 0;
        double loss, alike, accuracy;
        assert_all(hesse_network_size(p.network) == CLASSES * (INPUTS + 1));
        all->target[7] = HESSE_IGNORED;
        assert_all(hesse_objective_set_batch(p.objective, p.dataset, 0, COUNT) ==
                   HESSE_OK);
        for (int e = 0; e < COUNT; e++) {
            double y[CLASSES];
            int best = 0;
            if (all->target[e] < 0) continue;
            for (int c = 0; c < CLASSES; c++) {
                y[c] = w[CLASSES * INPUTS + c] +
                       dot(INPUTS, w + c * INPUTS, all->x + e * INPUTS);
                if (y[c] > y[best]) best = c;
            }
            targets++, hits += best == all->target[e];
        }
        assert_all(hesse_objective_loss(p.objective, &alike) == HESSE_OK);
        assert_all(hesse_objective_accuracy(p.objective, &loss, &accuracy) == HESSE_OK);
        assert_all(targets == COUNT - 1 && hits > 0 && hits < targets);
        assert_all(fabs(accuracy - (double)hits / targets) < 1e-15);
        assert_all(fabs(loss - alike) <= 1e-15 * alike);
        assert_all(hesse_objective_last_loss(p.objective) == loss);
        /* Of equal outputs the first counts. */
        const double zero[CLASSES * (INPUTS + 1)] = {0};
        int firsts = 0;
        for (int e = 0; e < COUNT; e++) firsts += all->target[e] == 0;
        assert_all(hesse_objective_set_parameters(p.objective, zero) == HESSE_OK);
        assert_all(hesse_objective_accuracy(p.objective, &loss, &accuracy) == HESSE_OK);
        assert_all(fabs(accuracy - (double)firsts / targets) < 1e-15);
        assert_all(hesse_objective_accuracy(p.objective, &loss, NULL) == HESSE_E_JOB);
        hesse_problem_free(&p);
    }
    hesse_arch squared = arch;
    hesse_problem p;
    squared.data.loss = HESSE_LOSS_SQUARED_ERROR;
    const hesse_network_source other = {.arch = &squared, .seed = 3};
    double loss, accuracy = 0;
    assert_all(hesse_problem_open(team, &other, &data, &(hesse_objective_options){0},
                                  &p) == HESSE_OK);
    assert_all(hesse_objective_accuracy(p.objective, &loss, &accuracy) == HESSE_OK);
    assert_all(isnan(accuracy) && loss > 0);
    hesse_problem_free(&p);
}

static void datasets_are_split(void **state)
{
    (void)state;
    hesse_problem p = open_all();
    hesse_why *why = hesse_team_why(team);
    hesse_dataset *rest = p.dataset;
    double whole[EXAMPLES], loss;
    for (int i = 0; i < EXAMPLES; i++) {
        assert_all(hesse_objective_set_batch(p.objective, p.dataset, i, 1) == HESSE_OK);
        assert_all(hesse_objective_loss(p.objective, &whole[i]) == HESSE_OK);
    }
    const int wrong[] = {-1, 0, EXAMPLES, EXAMPLES + 1};
    for (int i = 0; i < 4; i++) {
        rest = p.dataset;
        assert_all(hesse_dataset_split(p.dataset, wrong[i], &rest, why) == HESSE_E_JOB);
        assert_all(!rest && hesse_dataset_examples(p.dataset) == EXAMPLES);
    }
    assert_all(hesse_dataset_split(p.dataset, 1, NULL, why) == HESSE_E_JOB);
    assert_all(hesse_dataset_split(NULL, 1, &rest, why) == HESSE_E_JOB);
    assert_all(hesse_dataset_split(p.dataset, 2, &rest, why) == HESSE_OK);
    assert_all(hesse_dataset_examples(p.dataset) == EXAMPLES - 2);
    assert_all(hesse_dataset_examples(rest) == 2);
    assert_all(hesse_dataset_tokens(rest) == CONTEXT);
    for (int i = 0; i < EXAMPLES; i++) {
        const bool taken = i >= EXAMPLES - 2;
        assert_all(hesse_objective_set_batch(p.objective, taken ? rest : p.dataset,
                                             taken ? i - (EXAMPLES - 2) : i,
                                             1) == HESSE_OK);
        assert_all(hesse_objective_loss(p.objective, &loss) == HESSE_OK);
        assert_all(loss == whole[i]);
    }
    assert_all(hesse_objective_set_batch(p.objective, p.dataset, EXAMPLES - 2, 1) ==
               HESSE_E_JOB);
    /* Each can be freed before the other. */
    hesse_dataset_free(p.dataset);
    p.dataset = NULL;
    assert_all(hesse_objective_set_batch(p.objective, rest, 0, 2) == HESSE_OK);
    assert_all(hesse_objective_loss(p.objective, &loss) == HESSE_OK);
    hesse_problem_free(&p);
    hesse_dataset_free(rest);
}

/* Loss and gradient of all examples are means, or sums, of those of equal batches. */
static void batches_make_up_the_whole(void **state)
{
    (void)state;
    for (int each = 1; each <= EXAMPLES; each++) {
        const int count = EXAMPLES / each;
        if (EXAMPLES % each) continue;
        for (int r = HESSE_MEAN; r <= HESSE_SUM_OF_BATCHES; r++) {
            hesse_problem p =
                open_range(team, 0, EXAMPLES,
                           (hesse_objective_options){.reduction = (hesse_reduction)r,
                                                     .batch = each});
            const size_t n = hesse_network_size(p.network);
            double g[MOST], part[MOST], sum[MOST] = {0}, loss, some, all = 0;
            assert_all(hesse_objective_gradient(p.objective, &loss, g) == HESSE_OK);
            for (int i = 0; i < count; i++) {
                assert_all(hesse_objective_set_batch(p.objective, p.dataset, i * each,
                                                     each) == HESSE_OK);
                assert_all(hesse_objective_gradient(p.objective, &some, part) ==
                           HESSE_OK);
                const double weight = r == HESSE_MEAN ? 1.0 / count : 1;
                all += weight * some;
                for (size_t j = 0; j < n; j++) sum[j] += weight * part[j];
            }
            assert_all(fabs(all - loss) < 1e-13 * fabs(loss));
            assert_all(apart(n, g, sum) < 1e-13);
            hesse_problem_free(&p);
        }
    }
}

/* The three losses differ only by constant factors. */
static void reductions_are_multiples(void **state)
{
    (void)state;
    static const double times[] = {1, EXAMPLES * CONTEXT, EXAMPLES / 2};
    double mean = 0, loss;
    for (int r = HESSE_MEAN; r <= HESSE_SUM_OF_BATCHES; r++) {
        hesse_problem p = open_range(
            team, 0, EXAMPLES,
            (hesse_objective_options){.reduction = (hesse_reduction)r, .batch = 2});
        assert_all(hesse_objective_loss(p.objective, &loss) == HESSE_OK);
        if (r == HESSE_MEAN) mean = loss;
        assert_all(fabs(loss - times[r] * mean) < 1e-13 * loss && loss > 0);
        hesse_problem_free(&p);
    }
}

static void example_gradients_add_up(void **state)
{
    (void)state;
    hesse_problem p = open_all();
    hesse_objective *x = p.objective;
    const size_t n = hesse_network_size(p.network);
    static double each[EXAMPLES * MOST], some[EXAMPLES * MOST];
    double g[MOST], sum[MOST] = {0};
    assert_all(hesse_objective_gradient(x, NULL, g) == HESSE_OK);
    assert_all(hesse_objective_example_gradients(x, 0, EXAMPLES, each) == HESSE_OK);
    for (size_t i = 0; i < EXAMPLES * n; i++) sum[i % n] += each[i];
    assert_all(apart(n, g, sum) < 1e-13);
    assert_all(hesse_objective_example_gradients(x, 2, 3, some) == HESSE_OK);
    assert_all(same_bits(3 * n, some, each + 2 * n));
    for (int i = 0; i < EXAMPLES; i++) { /* each is a part of a mean over all */
        assert_all(hesse_objective_set_batch(x, p.dataset, i, 1) == HESSE_OK);
        assert_all(hesse_objective_gradient(x, NULL, g) == HESSE_OK);
        for (size_t j = 0; j < n; j++) g[j] /= EXAMPLES;
        assert_all(apart(n, each + (size_t)i * n, g) < 1e-13);
    }
    hesse_problem_free(&p);
}

/* Collective. Return true if numbers have the same bits on all ranks. */
static bool everywhere(size_t n, const double *x)
{
    static double first[EXAMPLES * MOST];
    memcpy(first, x, n * sizeof *x);
    MPI_Bcast(first, (int)n, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return same_bits(n, first, x);
}

/* Collective. The ranks of p together find the same as each rank alone. */
static void compare(const hesse_problem *p, const hesse_problem *own)
{
    enum { K = 3 };
    static double g[2][MOST], hv[2][K * MOST], each[2][EXAMPLES * MOST], v[K * MOST];
    const hesse_objective *both[] = {p->objective, own->objective};
    const size_t n = hesse_network_size(p->network);
    double loss[2];
    uint64_t seed = 9;
    for (size_t i = 0; i < K * n; i++) v[i] = uniform(&seed);
    for (int w = 0; w < 2; w++) {
        hesse_objective *x = (hesse_objective *)both[w];
        assert_all(hesse_objective_gradient(x, &loss[w], g[w]) == HESSE_OK);
        assert_all(hesse_objective_product(x, HESSE_ALL, K, v, hv[w]) == HESSE_OK);
        assert_all(hesse_objective_example_gradients(x, 0, EXAMPLES, each[w]) ==
                   HESSE_OK);
    }
    assert_all(everywhere(1, loss) && everywhere(n, g[0]) && everywhere(K * n, hv[0]));
    assert_all(everywhere(EXAMPLES * n, each[0]));
    assert_all(apart(1, &loss[1], &loss[0]) < 1e-13 && apart(n, g[1], g[0]) < 1e-13);
    assert_all(apart(K * n, hv[1], hv[0]) < 1e-13);
    assert_all(apart(EXAMPLES * n, each[1], each[0]) < 1e-13);
}

/* The ranks also agree if activations of only one example at a time are held, or of a
   rank's share. */
static void ranks_agree(void **state)
{
    (void)state;
    hesse_problem own = open_range(alone, 0, EXAMPLES, (hesse_objective_options){0});
    const int ranks = hesse_team_size(team);
    const hesse_objective_options options[] = {{0}, {.memory = 1}, {.sharing = ranks}};
    const int windows[] = {EXAMPLES, 1, (EXAMPLES + ranks - 1) / ranks};
    for (int i = 0; i < 3; i++) {
        hesse_problem p = open_range(team, 0, EXAMPLES, options[i]);
        assert_all(hesse_objective_window(p.objective) == windows[i]);
        compare(&p, &own);
        hesse_problem_free(&p);
    }
    hesse_problem_free(&own);
}

/* Collective. Open a problem of tests/families or tests/reference, with another
   checkpoint unless it is NULL. */
static hesse_problem open_model(const char *name, const char *checkpoint)
{
    hesse_problem p = {NULL, NULL, NULL};
    char job_path[512], set[512], config[512], weights[512], tokens[512];
    const char *const sets[] = {set}, *paths[] = {tokens};
    const char *data = HESSE_TEST_FOLDER;
    hesse_job *job = NULL;
    hesse_status s;
    if (strncmp(name, "families", 8) == 0) {
        snprintf(job_path, sizeof job_path, "%s/%s/job.yaml", data, name);
        snprintf(set, sizeof set, "model.checkpoint=%s", checkpoint ? checkpoint : "");
        s = hesse_job_read(
            job_path, &(hesse_job_choice){.sets = sets, .n_sets = checkpoint ? 1 : 0},
            &job, hesse_team_why(team));
        if (!s) s = hesse_open_problem(team, job, false, &p);
        hesse_job_free(job);
    } else {
        hesse_arch arch = {.family = "gpt2"};
        if (strstr(name, "llama")) strcpy(arch.family, "llama");
        snprintf(config, sizeof config, "%s/%s/config.json", data, name);
        snprintf(weights, sizeof weights, "%s/%s/model.safetensors", data, name);
        snprintf(tokens, sizeof tokens, "%s/%s/tokens.npy", data, name);
        const hesse_network_source source = {.arch = &arch,
                                             .config = config,
                                             .checkpoint =
                                                 checkpoint ? checkpoint : weights};
        s = hesse_problem_open(
            team, &source,
            &(hesse_data_options){.kind = "tokens", .paths = paths, .n_paths = 1},
            &(hesse_objective_options){0}, &p);
    }
    if (s) print_error("%s: %s\n", name, hesse_team_why(team)->text);
    assert_all(s == HESSE_OK);
    return p;
}

static void batch_normalisation_couples_examples(void **state)
{
    (void)state;
    static double g[MOST];
    for (int coupled = 0; coupled < 2; coupled++) {
        hesse_problem p =
            open_model(coupled ? "families/resnet" : "families/resnet_eval", NULL);
        assert_all(hesse_network_size(p.network) <= MOST);
        assert_all(hesse_objective_gradient(p.objective, NULL, g) == HESSE_OK);
        assert_all(everywhere(hesse_network_size(p.network), g));
        assert_all(hesse_objective_example_gradients(p.objective, 0, 1, g) ==
                   (coupled ? HESSE_E_JOB : HESSE_OK));
        hesse_problem_free(&p);
    }
}

/* Collective. Write values as a checkpoint. */
static hesse_status write_values(const hesse_network *network, const double *values,
                                 hesse_float format, const char *path)
{
    const bool first = hesse_team_rank(team) == 0; /* other ranks need not give them */
    const hesse_status s =
        hesse_network_write(team, network, first ? values : NULL, format, path);
    MPI_Barrier(MPI_COMM_WORLD);
    return s;
}

/* Return true if the names and shapes of all tensors are the same. They are in order of
   name. */
static bool same_tensors(const char *one, const char *other)
{
    hesse_safetensors *a = NULL, *b = NULL;
    hesse_why why;
    bool same = !hesse_safetensors_open(one, &a, &why) &&
                !hesse_safetensors_open(other, &b, &why) &&
                hesse_safetensors_count(a) == hesse_safetensors_count(b);
    for (size_t i = 0; same && i < hesse_safetensors_count(a); i++) {
        const hesse_tensor *x = hesse_safetensors_tensor(a, i);
        const hesse_tensor *y = hesse_safetensors_tensor(b, i);
        same = strcmp(x->name, y->name) == 0 && x->rank == y->rank &&
               memcmp(x->shape, y->shape, (size_t)x->rank * sizeof *x->shape) == 0;
        if (!same) print_error("%s and %s\n", x->name, y->name);
    }
    hesse_safetensors_close(a);
    hesse_safetensors_close(b);
    return same;
}

static void checkpoints_are_read_again(void **state)
{
    (void)state;
    static const char *const names[] = {
        "reference/gpt2",       "reference/gpt2_untied_erf_f32",
        "reference/llama",      "reference/llama_tied_bias_bf16",
        "reference/nanogpt",    "families/bert",
        "families/vit",         "families/resnet",
        "families/resnet_eval", "families/vgg_bn_eval"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int f = HESSE_F64; f <= HESSE_F32; f++) {
            char original[512], written[128];
            hesse_problem p = open_model(names[i], NULL);
            const size_t n = hesse_network_size(p.network);
            const double *values = hesse_network_values(p.network);
            snprintf(original, sizeof original, "%s/%s/model.safetensors",
                     HESSE_TEST_FOLDER, names[i]);
            snprintf(written, sizeof written, "%s", path_of("written.safetensors"));
            assert_all(write_values(p.network, values, (hesse_float)f, written) ==
                       HESSE_OK);
            if (!same_tensors(original, written)) print_error("%s\n", names[i]);
            assert_all(same_tensors(original, written));
            hesse_problem again = open_model(names[i], written);
            assert_all(hesse_network_size(again.network) == n);
            double loss, last;
            assert_all(hesse_objective_loss(p.objective, &loss) == HESSE_OK);
            assert_all(hesse_objective_loss(again.objective, &last) == HESSE_OK);
            const double *read = hesse_network_values(again.network);
            if (f == HESSE_F64) assert_all(same_bits(n, read, values) && last == loss);
            for (size_t j = 0; j < n; j++)
                if (!(fabs(read[j] - values[j]) <= 1e-7 * fabs(values[j])))
                    last = INFINITY;
            assert_all(fabs(last - loss) < 1e-6 * loss);
            hesse_problem_free(&again);
            hesse_problem_free(&p);
        }
}

static const double *numbers_of(void *context, size_t i)
{
    (void)i;
    return context;
}

/* Local. Write a checkpoint whose tensors are all 0.5, without statistics of batch
   normalisation. */
static void write_without_statistics(const char *from, const char *to)
{
    enum { TENSORS = 64 };
    static double numbers[MOST];
    hesse_tensor_out list[TENSORS] = {0};
    hesse_safetensors *file = NULL;
    hesse_why why;
    size_t count = 0;
    for (size_t i = 0; i < MOST; i++) numbers[i] = 0.5;
    assert_int_equal(hesse_safetensors_open(from, &file, &why), HESSE_OK);
    for (size_t i = 0; i < hesse_safetensors_count(file); i++) {
        const hesse_tensor *t = hesse_safetensors_tensor(file, i);
        if (strstr(t->name, "running_")) continue;
        assert_true(count < TENSORS && t->count <= MOST);
        list[count].name = t->name, list[count].rank = t->rank;
        memcpy(list[count++].shape, t->shape, (size_t)t->rank * sizeof *t->shape);
    }
    assert_int_equal(
        hesse_safetensors_write(to, count, list, 8, numbers_of, numbers, &why),
        HESSE_OK);
    hesse_safetensors_close(file);
}

/* Training mode needs no statistics. If a checkpoint has none, it is written without
   them. */
static void statistics_may_be_absent_in_training(void **state)
{
    (void)state;
    const char *original = HESSE_TEST_FOLDER "/families/resnet/model.safetensors";
    char path[128], written[128];
    snprintf(path, sizeof path, "%s", path_of("bare.safetensors"));
    snprintf(written, sizeof written, "%s", path_of("bare_again.safetensors"));
    if (hesse_team_rank(team) == 0) write_without_statistics(original, path);
    MPI_Barrier(MPI_COMM_WORLD);
    hesse_problem p = open_model("families/resnet", path);
    double loss;
    assert_all(hesse_objective_loss(p.objective, &loss) == HESSE_OK);
    assert_all(write_values(p.network, hesse_network_values(p.network), HESSE_F64,
                            written) == HESSE_OK);
    assert_all(same_tensors(path, written));
    hesse_problem_free(&p);
}

/* Initial values can be written, and also values other than the network's own. */
static void networks_from_a_seed_are_written(void **state)
{
    (void)state;
    hesse_problem p = open_all();
    const size_t n = hesse_network_size(p.network);
    double d[MOST], loss, last;
    char path[128];
    hesse_network *again = NULL;
    hesse_objective *x = NULL;
    draw(p.network, 1, d);
    move(p.objective, n, hesse_network_values(p.network), 0.1, d);
    assert_all(hesse_objective_loss(p.objective, &loss) == HESSE_OK);
    snprintf(path, sizeof path, "%s", path_of("seed.safetensors"));
    assert_all(write_values(p.network, hesse_objective_parameters(p.objective),
                            HESSE_F64, path) == HESSE_OK);
    const hesse_network_source source = {.arch = &tiny, .checkpoint = path};
    assert_all(hesse_network_open(team, &source, NULL, &again) == HESSE_OK);
    assert_all(same_bits(n, hesse_network_values(again),
                         hesse_objective_parameters(p.objective)));
    assert_all(hesse_objective_new(team, again, p.dataset,
                                   &(hesse_objective_options){0}, &x) == HESSE_OK);
    assert_all(hesse_objective_loss(x, &last) == HESSE_OK && last == loss);
    hesse_objective_free(x);
    hesse_network_free(again);
    hesse_problem_free(&p);
}

/* Neither a file nor a temporary file is left, and every rank knows of the failure. */
static void failed_writes_leave_nothing(void **state)
{
    (void)state;
    hesse_problem p = open_all();
    const double *values = hesse_network_values(p.network);
    char path[128], temporary[136];
    snprintf(path, sizeof path, "%s", path_of("none/w.safetensors"));
    assert_all(write_values(p.network, values, HESSE_F64, path) == HESSE_E_OUTPUT);
    assert_all(strstr(hesse_team_why(team)->text, path) != NULL);
    assert_all(access(path, F_OK) != 0 && access(path_of("none"), F_OK) != 0);
    snprintf(path, sizeof path, "%s", path_of("full")); /* a folder with a file */
    if (hesse_team_rank(team) == 0) {
        assert_int_equal(mkdir(path, 0700), 0);
        write_text(path_of("full/file"), "");
    }
    assert_all(write_values(p.network, values, HESSE_F64, path) == HESSE_E_OUTPUT);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    assert_all(access(temporary, F_OK) != 0 && access(path_of("full/file"), F_OK) == 0);
    hesse_problem_free(&p);
}

static int set_up(void **state)
{
    (void)state;
    if (hesse_team_new(MPI_COMM_WORLD, &team) || hesse_team_new(MPI_COMM_SELF, &alone))
        return 1;
    strcpy(folder, "/tmp/hesse-test-XXXXXX");
    if (hesse_team_rank(team) == 0 && !mkdtemp(folder)) *folder = '\0';
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    return !*folder;
}

static int tear_down(void **state)
{
    (void)state;
    const bool first = hesse_team_rank(team) == 0;
    MPI_Barrier(MPI_COMM_WORLD);
    hesse_team_free(alone);
    hesse_team_free(team);
    return first ? nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) : 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(gradients_are_slopes_of_the_loss),
    cmocka_unit_test(products_are_slopes_of_gradients),
    cmocka_unit_test(parameters_come_back),
    cmocka_unit_test(batches_are_ranges),
    cmocka_unit_test(chosen_examples_are_those_of_ranges),
    cmocka_unit_test(chosen_examples_keep_padding_and_targets),
    cmocka_unit_test(accuracy_counts_the_largest_outputs),
    cmocka_unit_test(datasets_are_split),
    cmocka_unit_test(batches_make_up_the_whole),
    cmocka_unit_test(reductions_are_multiples),
    cmocka_unit_test(example_gradients_add_up),
    cmocka_unit_test(ranks_agree),
    cmocka_unit_test(batch_normalisation_couples_examples),
    cmocka_unit_test(checkpoints_are_read_again),
    cmocka_unit_test(statistics_may_be_absent_in_training),
    cmocka_unit_test(networks_from_a_seed_are_written),
    cmocka_unit_test(failed_writes_leave_nothing),
};

MPI_TEST_MAIN_WITH(tests, set_up, tear_down)
