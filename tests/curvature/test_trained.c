/* Trained checkpoints are tested if HESSE_DATA names the folder that holds them.
   Losses, gradient norms, and columns and extreme eigenvalues of the blocks of the
   first layer's query and key weights are compared with PyTorch's values in double
   precision. */
#include "check_problem.h"

#include "hesse/hesse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct expected {
    const char *parameter;
    double norm;
} expected;

typedef struct trained {
    const char *folder;
    double loss, loss_short; /* all 64 x 64; 4 sequences of 32 tokens */
    expected gradient[5];
} trained;

static const trained models[] = {
    {"stories260K",
     2.849828162181328,
     2.877892642314319,
     {{"model.layers.0.self_attn.q_proj.weight", 0.7056554392110135},
      {"model.layers.0.self_attn.k_proj.weight", 0.7865063834796466},
      {"model.embed_tokens.weight", 1.2786746670783957},
      {"model.layers.0.input_layernorm.weight", 0.24163112778634957}}},
    {"tinystories656K",
     2.767606288984383,
     2.263068519149442,
     {{"lm_head.weight", 0.10011477040885224},
      {"model.layers.0.input_layernorm.weight", 0.16723871179161826},
      {"model.layers.0.mlp.down_proj.weight", 0.05102724472758112}}},
};
enum { MODELS = sizeof models / sizeof *models };

static hesse_problem open_trained(hesse_team *team, const char *name, int sequences,
                                  int context)
{
    char folder[512];
    hesse_problem problem;
    snprintf(folder, sizeof folder, "%s/%s", getenv("HESSE_DATA"), name);
    assert_done(team, read_folder(team, "llama", folder, sequences, context, &problem));
    return problem;
}

static hesse_team *team_or_skip(void)
{
    if (!getenv("HESSE_DATA")) {
        print_message("skipped: HESSE_DATA names no folder of trained checkpoints\n");
        skip();
    }
    return team_of_all();
}

/* Return the index of a parameter tensor in the network's list. */
static int parameter(const hesse_network *network, const char *name)
{
    int i = 0;
    while (i < hesse_network_tensors(network) &&
           strcmp(hesse_network_tensor_name(network, i), name))
        i++;
    assert_all(i < hesse_network_tensors(network));
    return i;
}

/* Return the norm of `count` numbers that are `stride` apart. */
static double norm(size_t count, size_t stride, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += x[i * stride] * x[i * stride];
    return sqrt(sum);
}

static void losses_and_gradients_agree(void **state)
{
    (void)state;
    hesse_team *team = team_or_skip();
    for (int i = 0; i < MODELS; i++) {
        const trained *t = &models[i];
        double loss;
        hesse_problem few = open_trained(team, t->folder, 4, 32);
        assert_done(team, hesse_objective_loss(few.objective, &loss));
        assert_all(fabs(loss - t->loss_short) < 1e-10);
        hesse_problem_free(&few);
        hesse_problem all = open_trained(team, t->folder, 64, 0);
        double *gradient = gradient_of(&all, &loss);
        assert_all(fabs(loss - t->loss) < 1e-10);
        for (const expected *e = t->gradient; e->parameter; e++) {
            const int p = parameter(all.network, e->parameter);
            const double *g = gradient + hesse_network_tensor_first(all.network, p);
            const size_t count = hesse_network_tensor_size(all.network, p);
            assert_all(fabs(norm(count, 1, g) - e->norm) < 1e-10);
        }
        free(gradient);
        hesse_problem_free(&all);
    }
    hesse_team_free(team);
}

/* A column of the Hessian: two of its entries, the norm of its part in the block, and
   the norm of its part in the other block. The values are from tools/make_reference.py
   --trained. */
typedef struct column {
    int j, i;
    double diagonal, norm, across, entry;
} column;

enum { BLOCKS = 2, COLUMNS = 3 };

typedef struct decomposed {
    const char *name;
    double min, max; /* eigenvalues */
    column columns[COLUMNS];
} decomposed;

static const decomposed blocks[BLOCKS] = {
    {"model.layers.0.self_attn.q_proj.weight",
     -67.10473049104873,
     209.68540733781393,
     {{585, 1950, 0.6518945282796974, 7.203920459069439, 5.613732614365589,
       0.04120379647652367},
      {1755, 3120, 0.2737587615111988, 6.946560831460975, 4.863774995260001,
       0.03622897398602954},
      {3510, 779, 0.5578490120439622, 8.038659933932776, 6.070600185511842,
       -0.0095665762063028}}},
    {"model.layers.0.self_attn.k_proj.weight",
     -84.42716976038464,
     458.18668185898275,
     {{292, 974, 0.3287462505226286, 6.093071936936569, 6.530735725875489,
       -0.25774969669927067},
      {877, 1559, -0.09880226092721556, 8.467951172372567, 6.14280244996616,
       -0.10773516338217261},
      {1755, 389, 0.17698436751530094, 3.1097955738320984, 2.3335698616553184,
       0.022748219321577088}}}};

static const double CLOSE =
    1e-10; /* relative to a column's norm, or to the largest eigenvalue */

/* Check the block's part of a column, whose entries are `stride` apart. */
static void assert_column(const column *c, size_t n, size_t stride, const double *h)
{
    const double room = CLOSE * c->norm;
    assert_all(fabs(norm(n, stride, h) - c->norm) <= room);
    assert_all(fabs(h[(size_t)c->j * stride] - c->diagonal) <= room);
    assert_all(fabs(h[(size_t)c->i * stride] - c->entry) <= room);
}

static void columns_are_those_of_another_program(void **state)
{
    (void)state;
    enum { K = BLOCKS * COLUMNS };
    hesse_team *team = team_or_skip();
    hesse_problem problem = open_trained(team, "stories260K", 1, 32);
    const size_t n = hesse_network_size(problem.network);
    size_t first[BLOCKS], size[BLOCKS];
    double *v = calloc(n * K, sizeof *v), *hv = calloc(n * K, sizeof *hv);
    assert_all(v && hv);
    for (int b = 0; b < BLOCKS; b++) {
        const int i = parameter(problem.network, blocks[b].name);
        first[b] = hesse_network_tensor_first(problem.network, i);
        size[b] = hesse_network_tensor_size(problem.network, i);
        for (int c = 0; c < COLUMNS; c++)
            v[(first[b] + (size_t)blocks[b].columns[c].j) * K + b * COLUMNS + c] = 1;
    }
    assert_all(hesse_objective_product(problem.objective, HESSE_ALL, K, v, hv) ==
               HESSE_OK);
    for (int b = 0; b < BLOCKS; b++)
        for (int c = 0; c < COLUMNS; c++) {
            const column *x = &blocks[b].columns[c];
            const double *h = hv + b * COLUMNS + c;
            assert_column(x, size[b], K, h + first[b] * K);
            const double across = norm(size[!b], K, h + first[!b] * K);
            assert_all(fabs(across - x->across) <= CLOSE * x->across);
        }
    free(v);
    free(hv);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

/* Check columns of the matrix of a block, which every rank computes by itself. It is
   called for the smaller block. */
static void assert_matrix(hesse_team *team, hesse_analysis *analysis, int block)
{
    const size_t n = hesse_analysis_block_size(analysis, block);
    double *h = malloc(n * n * sizeof *h);
    assert_all(h != NULL);
    assert_all(hesse_analysis_block_matrix(analysis, 0, block, h,
                                           hesse_team_why(team)) == HESSE_OK);
    for (int c = 0; c < COLUMNS; c++) {
        const column *x = &blocks[block].columns[c];
        assert_column(x, n, n, h + x->j);
    }
    free(h);
}

static void query_and_key_are_decomposed(void **state)
{
    (void)state;
    hesse_team *team = team_or_skip();
    const char *const only[] = {"model.layers.0.self_attn.[qk]_proj.weight"};
    const hesse_analysis_options question = {.only = only, .n_only = 1};
    hesse_problem problem = open_trained(team, "stories260K", 1, 32);
    hesse_analysis *analysis = NULL;
    assert_all(hesse_analysis_new(problem.objective, &question, &analysis) == HESSE_OK);
    assert_done(team, hesse_analysis_run(analysis));
    assert_all(hesse_analysis_blocks(analysis) == BLOCKS);
    assert_all(hesse_analysis_block_size(analysis, 0) == 64 * 64);
    assert_all(hesse_analysis_block_size(analysis, 1) == 32 * 64);
    for (int b = 0; b < BLOCKS; b++) {
        const hesse_spectrum *x = hesse_analysis_spectrum(analysis, 0, b);
        const double room = CLOSE * blocks[b].max;
        assert_all(strcmp(hesse_analysis_block_name(analysis, b), blocks[b].name) == 0);
        assert_all(x && x->n == (int)hesse_analysis_block_size(analysis, b));
        assert_all(fabs(x->eigenvalues[0] - blocks[b].min) <= room);
        assert_all(fabs(x->eigenvalues[x->n - 1] - blocks[b].max) <= room);
        assert_all(x->check_trace < 1e-11 && x->check_frobenius < 1e-11 &&
                   x->check_symmetry < 1e-11);
    }
    assert_matrix(team, analysis, 1);
    hesse_analysis_free(analysis);
    hesse_problem_free(&problem);
    hesse_team_free(team);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(losses_and_gradients_agree),
    cmocka_unit_test(columns_are_those_of_another_program),
    cmocka_unit_test(query_and_key_are_decomposed),
};

MPI_TEST_MAIN(tests)
