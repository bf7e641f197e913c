/* The list of parameters is compared with published checkpoints of the families: names
   in order, shapes, offsets, and the known numbers of parameters. */
#include "check.h"

#include "network/params.h"
#include "network/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GPT2, LLAMA, BERT };
static const char *const names[] = {"gpt2", "llama", "bert"};

static hesse_arch tiny(int family)
{
    hesse_arch a = {.layers = 2,
                    .width = 6,
                    .inner = 5,
                    .vocabulary = 11,
                    .positions = 7,
                    .attention = {.heads = 3, .kv_heads = 3, .size = 2},
                    .tied = true};
    strcpy(a.family, names[family]);
    if (family == LLAMA) a.attention.kv_heads = 1;
    strcpy(a.layout.prefix, family == LLAMA ? "model." : "transformer.");
    return a;
}

static hesse_params list(const hesse_arch *a)
{
    hesse_params params;
    hesse_why why;
    if (hesse_params_new(a, &params, &why)) fail_msg("%s", why.text);
    return params;
}

/* Assert that parameters stand one behind the other, each with its own name. */
static void assert_whole(const hesse_params *params)
{
    size_t offset = 0;
    for (int i = 0; i < params->count; i++) {
        const hesse_param *p = &params->list[i];
        assert_int_equal(p->offset, offset);
        assert_true(p->rows >= 1 && p->cols >= 1 && (!p->vector || p->rows == 1));
        const hesse_slice *s = &p->slice;
        if (s->total)
            assert_in_range(s->first + (p->out_rows ? p->rows : p->cols) / s->groups, 1,
                            s->total / s->groups);
        assert_int_equal(strncmp(p->name, p->tensor, strlen(p->tensor)), 0);
        offset += hesse_param_size(p);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(params->list[j].name, p->name);
    }
    assert_int_equal(params->size, offset);
}

typedef struct expected {
    const char *name;
    hesse_role role;
    int layer, rows, cols;
    bool vector, out_rows;
} expected;

static void assert_listed(const hesse_arch *a, int count, const expected *all)
{
    hesse_params params = list(a);
    assert_whole(&params);
    assert_int_equal(params.count, count);
    for (int i = 0; i < count; i++) {
        const hesse_param *p = &params.list[i];
        assert_string_equal(p->name, all[i].name);
        assert_int_equal(p->role, all[i].role);
        assert_int_equal(p->layer, all[i].layer);
        assert_int_equal(p->rows, all[i].rows);
        assert_int_equal(p->cols, all[i].cols);
        assert_int_equal(p->vector, all[i].vector);
        assert_int_equal(p->out_rows, all[i].out_rows);
    }
    hesse_params_free(&params);
}

static void gpt2_is_listed(void **state)
{
    (void)state;
    hesse_arch a = tiny(GPT2);
    a.layers = 1;
    a.attention_bias = a.mlp_bias = true;
    const expected all[] = {
        {"transformer.wte.weight", HESSE_ROLE_EMBEDDING, -1, 11, 6, 0, 1},
        {"transformer.wpe.weight", HESSE_ROLE_POSITION, -1, 7, 6, 0, 1},
        {"transformer.h.0.ln_1.weight", HESSE_ROLE_NORM, 0, 1, 6, 1, 0},
        {"transformer.h.0.ln_1.bias", HESSE_ROLE_NORM, 0, 1, 6, 1, 0},
        {"transformer.h.0.attn.c_attn.weight.query", HESSE_ROLE_QUERY, 0, 6, 6, 0, 0},
        {"transformer.h.0.attn.c_attn.bias.query", HESSE_ROLE_QUERY, 0, 1, 6, 1, 0},
        {"transformer.h.0.attn.c_attn.weight.key", HESSE_ROLE_KEY, 0, 6, 6, 0, 0},
        {"transformer.h.0.attn.c_attn.bias.key", HESSE_ROLE_KEY, 0, 1, 6, 1, 0},
        {"transformer.h.0.attn.c_attn.weight.value", HESSE_ROLE_VALUE, 0, 6, 6, 0, 0},
        {"transformer.h.0.attn.c_attn.bias.value", HESSE_ROLE_VALUE, 0, 1, 6, 1, 0},
        {"transformer.h.0.attn.c_proj.weight", HESSE_ROLE_OUTPUT, 0, 6, 6, 0, 0},
        {"transformer.h.0.attn.c_proj.bias", HESSE_ROLE_OUTPUT, 0, 1, 6, 1, 0},
        {"transformer.h.0.ln_2.weight", HESSE_ROLE_NORM, 0, 1, 6, 1, 0},
        {"transformer.h.0.ln_2.bias", HESSE_ROLE_NORM, 0, 1, 6, 1, 0},
        {"transformer.h.0.mlp.c_fc.weight", HESSE_ROLE_UP, 0, 6, 5, 0, 0},
        {"transformer.h.0.mlp.c_fc.bias", HESSE_ROLE_UP, 0, 1, 5, 1, 0},
        {"transformer.h.0.mlp.c_proj.weight", HESSE_ROLE_DOWN, 0, 5, 6, 0, 0},
        {"transformer.h.0.mlp.c_proj.bias", HESSE_ROLE_DOWN, 0, 1, 6, 1, 0},
        {"transformer.ln_f.weight", HESSE_ROLE_NORM, -1, 1, 6, 1, 0},
        {"transformer.ln_f.bias", HESSE_ROLE_NORM, -1, 1, 6, 1, 0},
        {"lm_head.weight", HESSE_ROLE_HEAD, -1, 11, 6, 0, 1},
    };
    const int count = sizeof all / sizeof *all;
    assert_listed(&a, count - 1, all);
    a.tied = false;
    assert_listed(&a, count, all);
}

static void nanogpt_has_outputs_first_and_perhaps_no_biases(void **state)
{
    (void)state;
    hesse_arch a = tiny(GPT2);
    a.layers = 1;
    a.layout.out_first = true;
    const expected all[] = {
        {"transformer.wte.weight", HESSE_ROLE_EMBEDDING, -1, 11, 6, 0, 1},
        {"transformer.wpe.weight", HESSE_ROLE_POSITION, -1, 7, 6, 0, 1},
        {"transformer.h.0.ln_1.weight", HESSE_ROLE_NORM, 0, 1, 6, 1, 0},
        {"transformer.h.0.attn.c_attn.weight.query", HESSE_ROLE_QUERY, 0, 6, 6, 0, 1},
        {"transformer.h.0.attn.c_attn.weight.key", HESSE_ROLE_KEY, 0, 6, 6, 0, 1},
        {"transformer.h.0.attn.c_attn.weight.value", HESSE_ROLE_VALUE, 0, 6, 6, 0, 1},
        {"transformer.h.0.attn.c_proj.weight", HESSE_ROLE_OUTPUT, 0, 6, 6, 0, 1},
        {"transformer.h.0.ln_2.weight", HESSE_ROLE_NORM, 0, 1, 6, 1, 0},
        {"transformer.h.0.mlp.c_fc.weight", HESSE_ROLE_UP, 0, 5, 6, 0, 1},
        {"transformer.h.0.mlp.c_proj.weight", HESSE_ROLE_DOWN, 0, 6, 5, 0, 1},
        {"transformer.ln_f.weight", HESSE_ROLE_NORM, -1, 1, 6, 1, 0},
    };
    assert_listed(&a, sizeof all / sizeof *all, all);
}

static void llama_is_listed(void **state)
{
    (void)state;
    hesse_arch a = tiny(LLAMA);
    a.layers = 1;
    a.tied = false;
    const expected all[] = {
        {"model.embed_tokens.weight", HESSE_ROLE_EMBEDDING, -1, 11, 6, 0, 1},
        {"model.layers.0.input_layernorm.weight", HESSE_ROLE_NORM, 0, 1, 6, 1, 0},
        {"model.layers.0.self_attn.q_proj.weight", HESSE_ROLE_QUERY, 0, 6, 6, 0, 1},
        {"model.layers.0.self_attn.k_proj.weight", HESSE_ROLE_KEY, 0, 2, 6, 0, 1},
        {"model.layers.0.self_attn.v_proj.weight", HESSE_ROLE_VALUE, 0, 2, 6, 0, 1},
        {"model.layers.0.self_attn.o_proj.weight", HESSE_ROLE_OUTPUT, 0, 6, 6, 0, 1},
        {"model.layers.0.post_attention_layernorm.weight", HESSE_ROLE_NORM, 0, 1, 6, 1,
         0},
        {"model.layers.0.mlp.gate_proj.weight", HESSE_ROLE_GATE, 0, 5, 6, 0, 1},
        {"model.layers.0.mlp.up_proj.weight", HESSE_ROLE_UP, 0, 5, 6, 0, 1},
        {"model.layers.0.mlp.down_proj.weight", HESSE_ROLE_DOWN, 0, 6, 5, 0, 1},
        {"model.norm.weight", HESSE_ROLE_NORM, -1, 1, 6, 1, 0},
        {"lm_head.weight", HESSE_ROLE_HEAD, -1, 11, 6, 0, 1},
    };
    assert_listed(&a, sizeof all / sizeof *all, all);
    hesse_params with, without = list(&a);
    a.attention_bias = a.mlp_bias = true;
    with = list(&a);
    assert_whole(&with);
    assert_int_equal(with.count - without.count, 7);
    assert_int_equal(with.size - without.size, 6 + 2 + 2 + 6 + 5 + 5 + 6);
    hesse_params_free(&with);
    hesse_params_free(&without);
}

static void a_tied_embedding_may_lie_as_the_head(void **state)
{
    (void)state;
    hesse_arch a = tiny(LLAMA);
    a.layout.tied_as_head = true;
    hesse_params params = list(&a);
    assert_string_equal(params.list[0].name, "lm_head.weight");
    assert_int_equal(params.list[0].role, HESSE_ROLE_EMBEDDING);
    assert_int_equal(params.list[params.count - 1].role, HESSE_ROLE_NORM);
    assert_whole(&params);
    hesse_params_free(&params);
}

/* The published numbers of parameters: GPT-2 has 124,439,808 and 1,557,611,200, Llama 2
   6,738,415,616, TinyStories-656K 656,000, stories260K 260,032. */
static void known_models_have_their_numbers(void **state)
{
    (void)state;
    const struct {
        hesse_arch arch;
        size_t size;
    } known[] = {
        {{"gpt2", 12, 768, 3072, 50257, 1024,
          .attention = {.heads = 12, .kv_heads = 12, .size = 64}, .tied = true,
          .attention_bias = true, .mlp_bias = true},
         124439808},
        {{"gpt2", 48, 1600, 6400, 50257, 1024,
          .attention = {.heads = 25, .kv_heads = 25, .size = 64}, .tied = true,
          .attention_bias = true, .mlp_bias = true},
         1557611200},
        {{"llama", 32, 4096, 11008, 32000, 4096,
          .attention = {.heads = 32, .kv_heads = 32, .size = 128}, .tied = false},
         6738415616},
        {{"llama", 2, 128, 384, 2048, 512,
          .attention = {.heads = 8, .kv_heads = 4, .size = 16}, .tied = true},
         656000},
        {{"llama", 5, 64, 172, 512, 512,
          .attention = {.heads = 8, .kv_heads = 4, .size = 8}, .tied = true},
         260032},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        hesse_params params = list(&known[i].arch);
        assert_int_equal(params.size, known[i].size);
        assert_whole(&params);
        hesse_params_free(&params);
    }
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const struct {
        size_t field;
        int value;
        const char *says;
    } cases[] = {
        {offsetof(hesse_arch, layers), 0, "layers is 0"},
        {offsetof(hesse_arch, layers), 4097, "layers is 4097"},
        {offsetof(hesse_arch, width), -6, "width is -6"},
        {offsetof(hesse_arch, inner), 0, "inner is 0"},
        {offsetof(hesse_arch, vocabulary), (1 << 24) + 1, "vocabulary is 16777217"},
        {offsetof(hesse_arch, positions), 0, "positions is 0"},
        {offsetof(hesse_arch, attention.heads), 0, "heads is 0"},
        {offsetof(hesse_arch, attention.kv_heads), 2, "3 heads cannot share 2"},
        {offsetof(hesse_arch, attention.size), 0, "head size is 0"},
    };
    for (int family = 0; family < 2; family++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            hesse_arch a = tiny(family);
            hesse_params params;
            hesse_why why = {0};
            memcpy((char *)&a + cases[i].field, &cases[i].value, sizeof(int));
            assert_int_equal(hesse_params_new(&a, &params, &why), HESSE_E_JOB);
            assert_non_null(strstr(why.text, cases[i].says));
            assert_null(params.list);
            hesse_params_free(&params);
        }
    hesse_arch a = tiny(GPT2);
    hesse_params params;
    hesse_why why;
    a.width = 7;
    assert_int_equal(hesse_params_new(&a, &params, &why), HESSE_E_JOB);
    a = tiny(LLAMA);
    a.attention.size = 3;
    assert_int_equal(hesse_params_new(&a, &params, &why), HESSE_E_JOB);
    hesse_params_free(NULL);
}

/* Gains must be 1, biases 0, and matrices must have the deviation of their role. */
static void initial_values_follow_the_rules(void **state)
{
    (void)state;
    hesse_arch a = {"gpt2",
                    8,
                    32,
                    128,
                    200,
                    64,
                    .attention = {.heads = 4, .kv_heads = 4, .size = 8},
                    .tied = true,
                    .attention_bias = true,
                    .mlp_bias = true};
    hesse_params params = list(&a);
    double *theta = calloc(params.size, sizeof *theta);
    double *other = calloc(params.size, sizeof *other);
    assert_true(theta && other);
    hesse_params_init(&params, 3, theta);
    hesse_params_init(&params, 4, other);
    for (const hesse_param *p = params.list; p < params.list + params.count; p++) {
        const size_t n = hesse_param_size(p);
        const bool residual =
            p->role == HESSE_ROLE_OUTPUT || p->role == HESSE_ROLE_DOWN;
        const double sigma = residual ? 0.02 / 4 : 0.02;
        const bool gain = strstr(p->name, "ln_") && strstr(p->name, ".weight");
        double sum = 0, squares = 0;
        size_t same = 0;
        for (size_t i = p->offset; i < p->offset + n; i++) {
            if (p->vector) assert_true(theta[i] == (gain ? 1 : 0));
            sum += theta[i] / sigma;
            squares += theta[i] / sigma * theta[i] / sigma;
            same += theta[i] == other[i];
        }
        if (p->vector) continue;
        assert_true(fabs(sum) < 5 * sqrt((double)n));
        assert_true(fabs(squares - (double)n) < 5 * sqrt(2 * (double)n));
        assert_int_equal(same, 0);
    }
    free(theta);
    free(other);
    hesse_params_free(&params);
}

/* Write a vision model with the names of a table, and find out the names again. */
static hesse_arch written_and_probed(const hesse_arch *arch)
{
    hesse_arch found = *arch;
    hesse_params params = list(arch);
    double *theta = calloc(params.size, sizeof *theta);
    const hesse_tensors tensors = {.list = &params, .values = theta};
    hesse_safetensors *file = NULL;
    hesse_why why, note;
    assert_non_null(theta);
    if (hesse_weights_write("v.safetensors", arch, &tensors, 1, NULL, 8, &why) ||
        hesse_safetensors_open("v.safetensors", &file, &why))
        fail_msg("%s", why.text);
    found.layout.names = 0;
    found.image.distillation = HESSE_DISTILLATION_NONE;
    if (hesse_weights_probe(file, "v.safetensors", &found, &why) ||
        hesse_weights_check(file, "v.safetensors", &found, &tensors, 1, &note, &why))
        fail_msg("%s", why.text);
    hesse_safetensors_close(file);
    remove("v.safetensors");
    free(theta);
    hesse_params_free(&params);
    return found;
}

static void vision_models_have_several_tables_of_names(void **state)
{
    (void)state;
    hesse_arch vit = tiny(BERT);
    strcpy(vit.family, "vit");
    vit.data = (hesse_arch_data){.inputs = 1, .rows = 4, .cols = 4, .outputs = 3};
    vit.positions = 16, vit.image.patch = 2, vit.attention_bias = true;
    for (int n = 0; n <= HESSE_MOST_NAMES; n++)
        for (int d = HESSE_DISTILLATION_NONE; d <= HESSE_DISTILLATION_HEADS; d++) {
            vit.layout.names = n, vit.image.distillation = (hesse_distillation)d;
            const hesse_arch found = written_and_probed(&vit);
            assert_int_equal(found.layout.names, n);
            assert_int_equal((int)found.image.distillation, d);
            hesse_params params = list(&vit);
            assert_whole(&params);
            hesse_params_free(&params);
        }
    hesse_params params = list(&vit);
    const hesse_param *p = params.list;
    while (strcmp(p->name, "blocks.1.attn.qkv.weight.value") != 0) p++;
    assert_true(p->slice.first == 12 && p->slice.total == 18 && p->rows == 6);
    hesse_params_free(&params);
}

static void shortcuts_without_parameters_are_refused(void **state)
{
    (void)state;
    hesse_arch a = {.family = "resnet", .width = 2, .positions = 16};
    a.data = (hesse_arch_data){.inputs = 1, .rows = 4, .cols = 4, .outputs = 3};
    a.image.batch_norm = HESSE_BATCH_NORM_TRAINING, a.image.small_stem = true;
    a.attention.heads = a.attention.kv_heads = 1;
    a.lists.n_widths = 2, a.lists.widths[0] = a.lists.widths[1] = 1;
    hesse_params params = list(&a), kept = params;
    double *theta = calloc(params.size, sizeof *theta);
    const hesse_tensors tensors = {.list = &kept, .values = theta};
    hesse_safetensors *file = NULL;
    hesse_why why;
    kept.count = 0;
    for (int i = 0; i < params.count; i++)
        if (!strstr(params.list[i].name, "downsample"))
            params.list[kept.count++] = params.list[i];
    assert_true(theta && kept.count < params.count);
    if (hesse_weights_write("r.safetensors", &a, &tensors, 1, NULL, 8, &why) ||
        hesse_safetensors_open("r.safetensors", &file, &why))
        fail_msg("%s", why.text);
    assert_int_equal(hesse_weights_probe(file, "r.safetensors", &a, &why),
                     HESSE_E_INPUT);
    assert_non_null(strstr(why.text, "no convolution in the shortcut of layer2.0"));
    hesse_safetensors_close(file);
    remove("r.safetensors");
    free(theta);
    hesse_params_free(&params);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vision_models_have_several_tables_of_names),
        cmocka_unit_test(shortcuts_without_parameters_are_refused),
        cmocka_unit_test(gpt2_is_listed),
        cmocka_unit_test(nanogpt_has_outputs_first_and_perhaps_no_biases),
        cmocka_unit_test(llama_is_listed),
        cmocka_unit_test(a_tied_embedding_may_lie_as_the_head),
        cmocka_unit_test(known_models_have_their_numbers),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused),
        cmocka_unit_test(initial_values_follow_the_rules),
    };
    return run_cases(argc, argv, tests, NULL, NULL);
}
