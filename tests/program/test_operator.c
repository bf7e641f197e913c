/* The interface for other languages, on 1, 2, 4 and 6 ranks: its numbers are those of
   the library, blocks are parts of the whole matrix, and every error has the same
   status and text on all ranks. The linker takes the functions from the shared library.
 */
#include "check_mpi.h"

#include "hesse/operator.h"
#include "hesse/parts.h"

#include <math.h>
#include <stdlib.h>

#define JOB HESSE_TEST_FOLDER "/families/%s/job.yaml"

/* Two couple no examples, one does, and one is cut by heads. */
static const char *const names[] = {"mlp", "bert", "vgg_bn", "llama_rope3"};
enum { NAMES = sizeof names / sizeof *names, MANY = 30 };

static int rank, ranks;

/* Open a job of tests/families on all ranks, or on this rank alone. */
static hesse_opened *open_family(const char *name, bool alone)
{
    char path[512];
    hesse_opened *x = NULL;
    hesse_why why = {""};
    const int world = (int)MPI_Comm_c2f(MPI_COMM_WORLD);
    snprintf(path, sizeof path, JOB, name);
    const hesse_opened_source source = {.file = path};
    const hesse_status s = hesse_opened_new(alone ? NULL : &world, &source, &x, &why);
    if (s) print_error("%s\n", why.text);
    assert_all(s == HESSE_OK && x);
    return x;
}

static hesse_opened_matrix *matrix_of(hesse_opened *x, const char *share,
                                      const char *block)
{
    hesse_opened_matrix *m = NULL;
    const hesse_status s = hesse_opened_matrix_new(x, share, &block, block ? 1 : 0, &m);
    if (s) print_error("%s\n", hesse_opened_why(x));
    assert_all(s == HESSE_OK && m);
    return m;
}

static double *numbers(size_t count, uint64_t seed)
{
    double *v = malloc(count * sizeof *v);
    assert_all(v != NULL);
    for (size_t i = 0; i < count; i++) v[i] = uniform(&seed);
    return v;
}

static double distance(size_t count, const double *a, const double *b)
{
    double error = 0, size = 0;
    for (size_t i = 0; i < count; i++)
        error += pow(a[i] - b[i], 2), size += b[i] * b[i];
    return sqrt(error / size);
}

static bool same_on_all(double value)
{
    double ends[2] = {value, -value};
    MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return ends[0] == -ends[1];
}

static void ranks_agree_with_one(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        hesse_opened *all = open_family(names[i], false),
                     *one = open_family(names[i], true);
        const size_t n = hesse_opened_size(all);
        double loss, own, both[2];
        double *g = numbers(n, 1), *h = numbers(n, 1);
        assert_all(!hesse_opened_loss(all, &loss) && !hesse_opened_loss(one, &own));
        assert_all(same_on_all(loss) && fabs(loss - own) <= 1e-13 * fabs(own));
        assert_all(!hesse_opened_gradient(all, &both[0], g) &&
                   !hesse_opened_gradient(one, &both[1], h));
        assert_all(fabs(both[0] - loss) <= 1e-13 * loss &&
                   fabs(both[1] - loss) <= 1e-13 * loss);
        assert_all(distance(n, g, h) < 1e-12);
        hesse_opened_matrix *a = matrix_of(all, "gauss_newton", NULL);
        hesse_opened_matrix *b = matrix_of(one, "gauss_newton", NULL);
        double *v = numbers(n, 2);
        assert_all(!hesse_opened_matrix_product(a, 1, v, g) &&
                   !hesse_opened_matrix_product(b, 1, v, h));
        assert_all(distance(n, g, h) < 1e-12 && same_on_all(g[n / 2]));
        free(g), free(h), free(v);
        hesse_opened_matrix_free(a), hesse_opened_matrix_free(b);
        hesse_opened_close(all);
        hesse_opened_free(one);
    }
}

/* Thirty vectors need two passes of the default 24. */
static void many_vectors_are_single_ones(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        hesse_opened *x = open_family(names[i], false);
        hesse_opened_matrix *m = matrix_of(x, "hessian", NULL);
        const size_t n = hesse_opened_matrix_size(m);
        double *v = numbers(n * MANY, 3), *av = numbers(n * MANY, 4);
        double *one = numbers(n, 5), *product = numbers(n, 6);
        assert_all(n == hesse_opened_size(x));
        assert_all(!hesse_opened_matrix_product(m, MANY, v, av));
        for (int j = 0; j < MANY; j += 7) {
            for (size_t e = 0; e < n; e++) one[e] = v[e * MANY + (size_t)j];
            assert_all(!hesse_opened_matrix_product(m, 1, one, product));
            for (size_t e = 0; e < n; e++) one[e] = av[e * MANY + (size_t)j];
            assert_all(distance(n, one, product) < 1e-12);
        }
        free(v), free(av), free(one), free(product);
        hesse_opened_matrix_free(m);
        hesse_opened_close(x);
    }
}

/* The product of a block is that of the whole matrix with a vector that is zero
   outside, and the coordinates are those of the index. */
static void blocks_are_parts_of_the_whole(void **state)
{
    (void)state;
    for (int i = 0; i < NAMES; i++) {
        hesse_opened *x = open_family(names[i], false);
        hesse_opened_matrix *whole = matrix_of(x, "functional", NULL);
        const size_t n = hesse_opened_size(x);
        double *wide = numbers(n, 1), *result = numbers(n, 1);
        uint64_t *index = malloc(n * sizeof *index);
        assert_all(index != NULL);
        for (int b = 0; b < hesse_opened_matrix_blocks(whole); b++) {
            const char *name = hesse_opened_matrix_block_name(whole, b);
            hesse_opened_matrix *m = matrix_of(x, "functional", name);
            const size_t size = hesse_opened_matrix_size(m);
            double *v = numbers(size, 2), *av = numbers(size, 3), error = 0, norm = 0;
            assert_all(hesse_opened_matrix_blocks(m) == 1 &&
                       size == hesse_opened_matrix_block_size(whole, b));
            hesse_opened_matrix_index(m, index);
            memset(wide, 0, n * sizeof *wide);
            for (size_t e = 0; e < size; e++) wide[index[e]] = v[e];
            assert_all(!hesse_opened_matrix_product(m, 1, v, av) &&
                       !hesse_opened_matrix_product(whole, 1, wide, result));
            for (size_t e = 0; e < size; e++) error += pow(av[e] - result[index[e]], 2);
            for (size_t e = 0; e < n; e++) norm += result[e] * result[e];
            assert_all(error <= 1e-24 * norm);
            free(v), free(av);
            hesse_opened_matrix_free(m);
        }
        free(wide), free(result), free(index);
        hesse_opened_matrix_free(whole);
        hesse_opened_close(x);
    }
}

static void heads_lie_in_their_tensors(void **state)
{
    (void)state;
    static const char text[] =
        "{\"model\": {\"family\": \"gpt2\", \"layers\": 1, \"heads\": 2, \"width\": 6, "
        "\"context\": 5, \"vocabulary\": 300}, "
        "\"data\": {\"tokens\": \"" HESSE_TEST_FOLDER "/reference/gpt2/tokens.npy\"}}";
    static const char *const sets[] = {"hessian.partition=head", "model.heads=3",
                                       "hessian.only=[\"*query*\"]",
                                       "data.sequences=2"};
    const int world = (int)MPI_Comm_c2f(MPI_COMM_WORLD);
    const hesse_opened_source source = {
        .file = "job", .text = text, .sets = sets, .n_sets = 4};
    hesse_opened *x = NULL;
    hesse_why why = {""};
    const hesse_status s = hesse_opened_new(&world, &source, &x, &why);
    if (s) print_error("%s\n", why.text);
    assert_all(s == HESSE_OK);
    hesse_opened_matrix *m = matrix_of(x, "softmax", NULL);
    const size_t n = hesse_opened_matrix_size(m);
    uint64_t *index = malloc(n * sizeof *index);
    assert_all(hesse_opened_matrix_blocks(m) == 6 && n == 6 * 6 + 6 && index);
    hesse_opened_matrix_index(m, index);
    for (int t = 0; t < hesse_opened_tensors(x); t++) {
        const char *name = hesse_opened_tensor_name(x, t);
        const size_t first = hesse_opened_tensor_first(x, t);
        size_t shape[4], size = 1, inside = 0;
        const int dimensions = hesse_opened_tensor_shape(x, t, shape);
        for (int d = 0; d < dimensions; d++) size *= shape[d];
        for (size_t e = 0; e < n; e++)
            inside += index[e] >= first && index[e] < first + size;
        assert_all(inside == (strstr(name, "query") ? size : 0));
    }
    assert_all(!hesse_opened_tensor_name(x, -1) &&
               !hesse_opened_matrix_block_name(m, 6) &&
               !hesse_opened_matrix_block_size(m, -1));
    free(index);
    hesse_opened_matrix_free(m);
    hesse_opened_close(x);
}

/* At other parameters the gradient is the derivative of the loss, the Hessian that of
   the gradient; and a matrix that was used before is one at the new parameters. */
static void parameters_change(void **state)
{
    (void)state;
    hesse_opened *x = open_family("bert", false);
    const size_t n = hesse_opened_size(x);
    hesse_opened_matrix *m = matrix_of(x, "hessian", NULL);
    double *theta = numbers(n, 1), *v = numbers(n, 2), *hv = numbers(n, 3);
    double *moved = numbers(n, 4), *g[2] = {numbers(n, 5), numbers(n, 6)};
    double loss[2], along = 0, first;
    const double step = 1e-5;
    assert_all(!hesse_opened_matrix_product(m, 1, v, hv)); /* at the checkpoint */
    assert_all(!hesse_opened_loss(x, &first));
    for (size_t e = 0; e < n; e++)
        theta[e] = hesse_opened_parameters(x)[e] + 0.1 * theta[e];
    for (int side = 0; side < 2; side++) {
        for (size_t e = 0; e < n; e++)
            moved[e] = theta[e] + (side ? -step : step) * v[e];
        assert_all(!hesse_opened_set_parameters(x, moved));
        assert_all(!hesse_opened_gradient(x, &loss[side], g[side]));
        assert_all(hesse_opened_parameters(x)[n - 1] == moved[n - 1]);
    }
    assert_all(!hesse_opened_set_parameters(x, theta));
    assert_all(!hesse_opened_matrix_product(m, 1, v, hv));
    assert_all(!hesse_opened_gradient(x, NULL, moved));
    for (size_t e = 0; e < n; e++) {
        along += moved[e] * v[e];
        g[0][e] = (g[0][e] - g[1][e]) / (2 * step);
    }
    assert_all(fabs((loss[0] - loss[1]) / (2 * step) - along) < 1e-7 * fabs(along));
    assert_all(distance(n, g[0], hv) < 1e-6);
    assert_all(!hesse_opened_read(
        x, HESSE_TEST_FOLDER "/families/bert/model.safetensors", moved));
    assert_all(!hesse_opened_set_parameters(x, moved));
    assert_all(!hesse_opened_loss(x, &along) && along == first);
    free(theta), free(v), free(hv), free(moved), free(g[0]), free(g[1]);
    hesse_opened_matrix_free(m);
    hesse_opened_close(x);
}

/* Check a status and the beginning and a part of a text on all ranks. */
static void assert_error(hesse_status s, hesse_status expected, const char *text,
                         const char *part)
{
    if (s != expected || !strstr(text, part))
        print_error("%d: %s, expected %d: %s\n", (int)s, text, (int)expected, part);
    assert_all(s == expected && strstr(text, part));
}

static void errors_are_one_line_on_all_ranks(void **state)
{
    (void)state;
    const int world = (int)MPI_Comm_c2f(MPI_COMM_WORLD);
    hesse_opened *x = NULL;
    hesse_opened_matrix *m = NULL;
    hesse_why why = {""};
    const char *sets[] = {"model.width=a"};
    char path[512], seed[32];
    hesse_opened_source source = {.file = "none.yaml"};
    assert_error(hesse_opened_new(&world, &source, &x, &why), HESSE_E_JOB, why.text,
                 "none.yaml: cannot be opened");
    assert_all(!x);
    snprintf(path, sizeof path, JOB, "mlp");
    source = (hesse_opened_source){.file = path, .sets = sets, .n_sets = 1};
    assert_error(hesse_opened_new(&world, &source, &x, &why), HESSE_E_JOB, why.text,
                 "model.width");
    sets[0] = "model.checkpoint=none.safetensors";
    assert_error(hesse_opened_new(&world, &source, &x, &why), HESSE_E_INPUT, why.text,
                 "none.safetensors");
    source.file = NULL;
    assert_error(hesse_opened_new(&world, &source, &x, &why), HESSE_E_JOB, why.text,
                 "without the name");
    source.file = path, sets[0] = seed;
    snprintf(seed, sizeof seed, "model.seed=%d", rank);
    if (ranks > 1)
        assert_error(hesse_opened_new(&world, &source, &x, &why), HESSE_E_JOB, why.text,
                     "different jobs");
    assert_all(!x);

    x = open_family("mlp", false);
    const size_t n = hesse_opened_size(x);
    const char *block = "fc_1.weight";
    double *v = numbers(n, (uint64_t)(ranks > 1 ? rank : 1)), *av = numbers(n, 1);
    assert_error(hesse_opened_matrix_new(x, "soft_max", NULL, 0, &m), HESSE_E_JOB,
                 hesse_opened_why(x), "'softmax'");
    assert_error(hesse_opened_matrix_new(x, "hessian", &block, 1, &m), HESSE_E_JOB,
                 hesse_opened_why(x), "the nearest name is");
    assert_all(!m);
    assert_error(hesse_opened_read(x, "none.safetensors", av), HESSE_E_INPUT,
                 hesse_opened_why(x), "none.safetensors");
    m = matrix_of(x, "hessian", NULL);
    assert_error(hesse_opened_matrix_product(m, 0, v, av), HESSE_E_JOB,
                 hesse_opened_why(x), "at least one");
    if (ranks > 1) {
        assert_error(hesse_opened_matrix_product(m, 1, v, av), HESSE_E_JOB,
                     hesse_opened_why(x), "differ from those of rank 0");
        assert_error(hesse_opened_set_parameters(x, v), HESSE_E_JOB,
                     hesse_opened_why(x), "differ from those of rank 0");
    }
    v[n / 2] = rank == ranks - 1 ? NAN : 0; /* only one rank has it */
    assert_error(hesse_opened_matrix_product(m, 1, v, av), HESSE_E_NUMERIC,
                 hesse_opened_why(x), "of vector 0 is nan");
    if (ranks > 1)
        assert_error(hesse_opened_set_parameters(x, v), HESSE_E_JOB,
                     hesse_opened_why(x), "differ from those of rank 0");
    for (size_t e = 0; e < n; e++) v[e] = 1e308;
    assert_all(!hesse_opened_set_parameters(x, v));
    assert_all(hesse_opened_gradient(x, NULL, av) == HESSE_E_NUMERIC);
    free(v), free(av);
    hesse_opened_matrix_free(m);
    hesse_opened_close(x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_agree_with_one),
        cmocka_unit_test(many_vectors_are_single_ones),
        cmocka_unit_test(blocks_are_parts_of_the_whole),
        cmocka_unit_test(heads_lie_in_their_tensors),
        cmocka_unit_test(parameters_change),
        cmocka_unit_test(errors_are_one_line_on_all_ranks)};
    const int started = hesse_interface_start();
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    FILE *quiet = rank ? freopen("/dev/null", "w", stdout) : stdout;
    int failed = quiet && started && !hesse_interface_start()
                     ? run_cases(argc, argv, tests, NULL, NULL)
                     : 1;
    hesse_interface_stop();
    hesse_interface_stop(); /* MPI has ended, so this does nothing */
    return failed;
}
