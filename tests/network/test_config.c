/* Every key that a config.json may have is read, replaced by its default, or refused.
   Nothing is guessed. */
#include "check_files.h"

#include "network/families/config.h"

#include <math.h>

static const char FILE_NAME[] = "config.json";

#define GPT2                                                                           \
    "\"vocab_size\":11,\"n_positions\":7,\"n_embd\":6,\"n_layer\":2,\"n_head\":3"
#define LLAMA                                                                          \
    "\"vocab_size\":11,\"max_position_embeddings\":7,\"hidden_size\":8,"               \
    "\"intermediate_size\":5,\"num_hidden_layers\":2,\"num_attention_heads\":2"

static hesse_status read_text(const char *family, const char *text, hesse_arch *arch,
                              hesse_why *why)
{
    *arch = (hesse_arch){.layout = {.prefix = "kept."}};
    snprintf(arch->family, sizeof arch->family, "%s", family);
    *why = (hesse_why){0};
    write_text(FILE_NAME, text);
    return hesse_config_read(FILE_NAME, arch, why);
}

/* Read a file with the keys of one family and some more. */
static hesse_status read_more(const char *family, const char *more, hesse_arch *arch,
                              hesse_why *why)
{
    char text[1024];
    snprintf(text, sizeof text, "{%s%s%s}", strcmp(family, "gpt2") == 0 ? GPT2 : LLAMA,
             *more ? "," : "", more);
    return read_text(family, text, arch, why);
}

static hesse_arch good(const char *family, const char *more)
{
    hesse_arch a;
    hesse_why why;
    if (read_more(family, more, &a, &why)) fail_msg("%s", why.text);
    assert_string_equal(a.family, family);
    assert_string_equal(a.layout.prefix, "kept.");
    return a;
}

static void gpt2_has_its_defaults(void **state)
{
    (void)state;
    const hesse_arch a = good("gpt2", "");
    assert_int_equal(a.layers, 2);
    assert_int_equal(a.width, 6);
    assert_int_equal(a.inner, 24);
    assert_int_equal(a.vocabulary, 11);
    assert_int_equal(a.positions, 7);
    assert_int_equal(a.attention.heads, 3);
    assert_int_equal(a.attention.kv_heads, 3);
    assert_int_equal(a.attention.size, 2);
    assert_true(a.attention.temperature == 0 && !a.attention.full);
    assert_false(a.attention.by_layer);
    assert_int_equal(a.activation, HESSE_ACT_GELU_TANH);
    assert_true(a.norm_eps == 1e-5);
    assert_true(a.tied && a.attention_bias && a.mlp_bias);
}

static void gpt2_reads_its_keys(void **state)
{
    (void)state;
    const hesse_arch a =
        good("gpt2", "\"model_type\":\"gpt2\",\"n_ctx\":99,\"n_inner\":9,"
                     "\"layer_norm_epsilon\":1e-06,\"tie_word_embeddings\":false,"
                     "\"activation_function\":\"relu\",\"scale_attn_weights\":true,"
                     "\"scale_attn_by_inverse_layer_idx\":true,\"other\":{\"x\":[1]},"
                     "\"add_cross_attention\":false");
    assert_int_equal(a.positions, 7);
    assert_int_equal(a.inner, 9);
    assert_true(a.norm_eps == 1e-6);
    assert_false(a.tied);
    assert_true(a.attention.by_layer);
    assert_int_equal(a.activation, HESSE_ACT_RELU);
    assert_int_equal(good("gpt2", "\"n_inner\":null").inner, 24);
}

static void encoders_read_their_keys(void **state)
{
    (void)state;
    hesse_arch a = {.family = "bert"};
    hesse_why why;
    write_text("c.json", "{\"model_type\":\"bert\",\"hidden_size\":12,"
                         "\"num_attention_heads\":3,\"type_vocab_size\":1,"
                         "\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"}}");
    assert_int_equal(hesse_config_read("c.json", &a, &why), HESSE_OK);
    assert_true(a.width == 12 && a.attention.size == 4 && a.layers == 12);
    assert_true(a.vocabulary == 30522 && a.positions == 512 && a.types == 1);
    assert_true(a.data.outputs == 3 && a.norm_eps == 1e-12 && a.attention_bias);
    a = (hesse_arch){.family = "vit"};
    assert_int_equal(hesse_config_read("c.json", &a, &why), HESSE_E_INPUT);
    assert_non_null(
        strstr(why.text, "expected \"vit\" or \"deit\", the family being vit"));
    write_text("c.json", "{\"model_type\":\"deit\"}");
    assert_int_equal(hesse_config_read("c.json", &a, &why), HESSE_OK);
    assert_true(a.image.distillation == HESSE_DISTILLATION_TOKEN);
    write_text("c.json", "{\"model_type\":\"deit\",\"architectures\":"
                         "[\"DeiTForImageClassificationWithTeacher\"]}");
    assert_int_equal(hesse_config_read("c.json", &a, &why), HESSE_OK);
    assert_true(a.image.distillation == HESSE_DISTILLATION_HEADS);
    write_text("c.json", "{\"architecture\":\"vit_tiny_patch16_224\"}");
    assert_int_equal(hesse_config_read("c.json", &a, &why), HESSE_E_INPUT);
    assert_non_null(strstr(why.text, "the config.json of timm has no sizes"));
    write_text("c.json", "{\"qkv_bias\":false,\"patch_size\":8,\"num_labels\":5}");
    assert_int_equal(hesse_config_read("c.json", &a, &why), HESSE_OK);
    assert_true(a.image.patch == 8 && a.data.outputs == 5 && !a.attention_bias &&
                a.width == 768);
    a = (hesse_arch){.family = "bert"};
    write_text("c.json", "{\"position_embedding_type\":\"relative_key\"}");
    assert_int_equal(hesse_config_read("c.json", &a, &why), HESSE_E_INPUT);
    assert_non_null(strstr(why.text, "position_embedding_type"));
    write_text("c.json", "{\"id2label\":3}");
    assert_int_equal(hesse_config_read("c.json", &a, &why), HESSE_E_INPUT);
}

static void activations_are_what_the_names_mean(void **state)
{
    (void)state;
    const struct {
        const char *name;
        hesse_activation kind;
    } known[] = {
        {"gelu", HESSE_ACT_GELU},
        {"gelu_new", HESSE_ACT_GELU_TANH},
        {"gelu_pytorch_tanh", HESSE_ACT_GELU_TANH},
        {"relu", HESSE_ACT_RELU},
        {"silu", HESSE_ACT_SILU},
        {"swish", HESSE_ACT_SILU},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char more[80];
        snprintf(more, sizeof more, "\"activation_function\":\"%s\"", known[i].name);
        assert_int_equal(good("gpt2", more).activation, known[i].kind);
        snprintf(more, sizeof more, "\"hidden_act\":\"%s\"", known[i].name);
        assert_int_equal(good("llama", more).activation, known[i].kind);
    }
}

/* The key block_size makes a file nanoGPT's. */
static void nanogpt_has_its_own_keys(void **state)
{
    (void)state;
    hesse_arch a;
    hesse_why why;
    const char *text = "{\"n_layer\":2,\"n_head\":3,\"n_embd\":6,\"block_size\":5,"
                       "\"bias\":false,\"vocab_size\":11,\"dropout\":0.0}";
    assert_int_equal(read_text("gpt2", text, &a, &why), HESSE_OK);
    assert_int_equal(a.positions, 5);
    assert_int_equal(a.activation, HESSE_ACT_GELU);
    assert_false(a.attention_bias || a.mlp_bias);
    assert_true(a.tied);
    text = "{\"n_layer\":2,\"n_head\":3,\"n_embd\":6,\"n_ctx\":4,\"vocab_size\":11}";
    assert_int_equal(read_text("gpt2", text, &a, &why), HESSE_OK);
    assert_int_equal(a.positions, 4);
}

static void llama_has_its_defaults(void **state)
{
    (void)state;
    const hesse_arch a = good("llama", "");
    assert_int_equal(a.layers, 2);
    assert_int_equal(a.width, 8);
    assert_int_equal(a.inner, 5);
    assert_int_equal(a.vocabulary, 11);
    assert_int_equal(a.positions, 7);
    assert_int_equal(a.attention.heads, 2);
    assert_int_equal(a.attention.kv_heads, 2);
    assert_int_equal(a.attention.size, 4);
    assert_true(a.attention.rope_theta == 10000);
    assert_true(a.norm_eps == 1e-6);
    assert_int_equal(a.activation, HESSE_ACT_SILU);
    assert_false(a.tied || a.attention_bias || a.mlp_bias);
}

static void llama_reads_its_keys(void **state)
{
    (void)state;
    const hesse_arch a = good(
        "llama", "\"model_type\":\"llama\",\"num_key_value_heads\":1,\"head_dim\":6,"
                 "\"rms_norm_eps\":1e-05,\"rope_theta\":500000,\"rope_scaling\":null,"
                 "\"attention_bias\":true,\"mlp_bias\":true,"
                 "\"tie_word_embeddings\":true,\"pretraining_tp\":1");
    assert_int_equal(a.attention.kv_heads, 1);
    assert_int_equal(a.attention.size, 6);
    assert_true(a.norm_eps == 1e-5 && a.attention.rope_theta == 500000);
    assert_true(a.tied && a.attention_bias && a.mlp_bias);
    assert_true(good("llama", "\"rope_parameters\":{\"rope_theta\":2e4,"
                              "\"rope_type\":\"default\"}")
                    .attention.rope_theta == 20000);
    good("llama", "\"head_dim\":null,\"rope_scaling\":{\"type\":\"default\"}");
    good("llama", "\"model_type\":\"mistral\",\"sliding_window\":null,"
                  "\"num_key_value_heads\":2");
}

/* The expected numbers were printed by modeling_rope_utils.py of transformers 5.24, in
   double precision. */
static void frequencies_are_those_of_transformers(void **state)
{
    (void)state;
    static const struct {
        const char *rope;
        double scale, frequency[8];
    } cases[] = {
        {"\"rope_type\":\"llama3\",\"rope_theta\":500000.0,\"factor\":32.0,"
         "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0",
         0,
         {1.0, 0.0671330375110499, 0.001175188466589498, 0.00022789577303803464,
          4.419417382415922e-05, 8.570255489881478e-06, 1.661967467795309e-06,
          3.2229329303788936e-07}},
        {"\"rope_type\":\"yarn\",\"rope_theta\":10000.0,\"factor\":4.0,"
         "\"beta_fast\":4.0,\"beta_slow\":0.5",
         1.138629436111989,
         {1.0, 0.23717082451262847, 0.05, 0.007905694150420948, 0.0025,
          0.0007905694150420947, 0.00025, 7.905694150420948e-05}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        hesse_arch a;
        hesse_why why;
        snprintf(text, sizeof text,
                 "{\"vocab_size\":11,\"max_position_embeddings\":256,"
                 "\"hidden_size\":32,\"intermediate_size\":5,"
                 "\"num_hidden_layers\":1,\"num_attention_heads\":2,"
                 "\"rope_parameters\":{%s,\"original_max_position_embeddings\":64}}",
                 cases[i].rope);
        assert_int_equal(read_text("llama", text, &a, &why), HESSE_OK);
        assert_int_equal(a.decoder.rotary.pairs, 8);
        assert_true(fabs(a.decoder.rotary.scale - cases[i].scale) < 1e-15);
        for (int j = 0; j < 8; j++)
            assert_true(fabs(a.decoder.rotary.frequency[j] / cases[i].frequency[j] -
                             1) < 1e-14);
    }
}

#define MISTRAL "\"model_type\":\"mistral\",\"num_key_value_heads\":2,"
#define OLMO3   "\"model_type\":\"olmo3\""
#define BY_KIND(full, sliding)                                                         \
    "\"rope_parameters\":{\"full_attention\":{\"rope_theta\":" full                    \
    "},\"sliding_attention\":{\"rope_theta\":" sliding "}}"

static void layers_have_their_windows(void **state)
{
    (void)state;
    hesse_arch a = good("llama", OLMO3 "," BY_KIND("5e5", "5e5"));
    assert_true(a.attention.rope_theta == 5e5 && a.decoder.window == 4096);
    assert_int_equal(a.decoder.windowed[0], 3);
    a = good("llama", OLMO3 ",\"rope_theta\":100,\"sliding_window\":3,"
                            "\"layer_types\":[\"full_attention\","
                            "\"sliding_attention\"]");
    assert_true(a.attention.rope_theta == 100 && a.decoder.window == 3);
    assert_int_equal(a.decoder.windowed[0], 2);
    a = good("llama", "\"model_type\":\"smollm3\",\"no_rope_layer_interval\":2,"
                      "\"use_sliding_window\":true,\"sliding_window\":5");
    assert_true(a.attention.rope_theta == 2e6 && a.decoder.window == 5);
    assert_int_equal(a.decoder.unrotated[0], 2);
    assert_int_equal(a.decoder.windowed[0], 2);
    a = good("llama", "\"model_type\":\"qwen2\",\"use_sliding_window\":true,"
                      "\"sliding_window\":4,\"max_window_layers\":1");
    assert_int_equal(a.decoder.windowed[0], 2);
    a = good("llama", MISTRAL "\"sliding_window\":2,\"layer_types\":["
                              "\"sliding_attention\",\"sliding_attention\"]");
    assert_true(a.decoder.window == 2 && a.decoder.windowed[0] == 3);
    a = good("llama", MISTRAL "\"sliding_window\":99,\"layer_types\":["
                              "\"full_attention\",\"full_attention\"]");
    assert_int_equal(a.decoder.window, 0);
    a = good("llama", "\"model_type\":\"qwen2\",\"sliding_window\":4");
    assert_int_equal(a.decoder.window, 0);
}

static void decoders_read_their_keys(void **state)
{
    (void)state;
    hesse_arch a = good("gemma2", "\"head_dim\":4,\"query_pre_attn_scalar\":9");
    assert_true(a.decoder.score_divisor == 3 && a.decoder.score_cap == 50);
    assert_true(a.decoder.logit_cap == 30 && a.decoder.window == 4096);
    assert_true(a.tied && a.decoder.windowed[0] == 1);
    a = good("gemma2", "\"head_dim\":4,\"attn_logit_softcapping\":null");
    assert_true(a.decoder.score_cap == 0);
    a = good("phi", "");
    assert_true(a.decoder.rotary.fraction == 0.5 && a.decoder.rotary.pairs == 1);
    a = good("phi3", "\"original_max_position_embeddings\":4,\"rope_scaling\":{"
                     "\"type\":\"su\",\"short_factor\":[2.0,4.0]}");
    assert_int_equal(a.decoder.rotary.longest, 4);
    assert_true(a.decoder.rotary.frequency[0] == 0.5);
    a = good("gpt_neox", "\"rotary_pct\":0.5,\"use_parallel_residual\":false");
    assert_true(a.decoder.rotary.pairs == 1 && !a.decoder.parallel);
    a = good("opt", "\"ffn_dim\":5,\"word_embed_proj_dim\":3,"
                    "\"do_layer_norm_before\":false");
    assert_true(a.decoder.embedding_width == 3 && a.decoder.norm_sum);
    assert_true(!a.decoder.final_norm);
}

static void refuses_what_it_does_not_compute(void **state)
{
    (void)state;
    const struct {
        const char *family;
        const char *more, *says;
    } cases[] = {
        {"gpt2", "\"model_type\":\"llama\"", "model_type is \"llama\", expected"},
        {"llama", "\"model_type\":\"gpt2\"", "model_type is \"gpt2\", expected"},
        {"llama", "\"model_type\":\"mixtral\"", "model_type is \"mixtral\", expected"},
        {"llama", "\"quantization_config\":{}", "quantization_config is "},
        {"llama", "\"model_type\":\"olmo\",\"clip_qkv\":8.0", "clip_qkv is 8.0"},
        {"llama", "\"model_type\":3", "model_type is 3, expected a string"},
        {"llama", "\"model_type\":\"mistral\",\"num_key_value_heads\":2",
         "sliding_window is missing"},
        {"llama", "\"model_type\":\"mistral\",\"sliding_window\":null",
         "num_key_value_heads is missing"},
        {"llama",
         "\"model_type\":\"qwen2\",\"use_sliding_window\":true,"
         "\"sliding_window\":4,\"layer_types\":[\"linear_attention\"]",
         "layer_types is "},
        {"llama",
         MISTRAL "\"sliding_window\":2,\"layer_types\":[\"full_attention\","
                 "\"sliding_attention\"]",
         "expected \"sliding_attention\" for each layer"},
        {"llama",
         MISTRAL "\"sliding_window\":2,\"layer_types\":[\"full_attention\","
                 "\"full_attention\"]",
         "layer_types is "},
        {"llama", OLMO3, "rope_theta is missing"},
        {"llama", OLMO3 "," BY_KIND("5e5", "1e4"),
         "rope_parameters.sliding_attention is "},
        {"llama", OLMO3 ",\"rope_parameters\":{\"rope_theta\":1e4}",
         "rope_parameters is "},
        {"llama",
         OLMO3 ",\"rope_theta\":1e4,\"rope_scaling\":{\"rope_type\":\"linear\","
               "\"factor\":2.0}",
         "rope_scaling is "},
        {"llama",
         OLMO3 ",\"rope_theta\":1e4,\"layer_types\":[\"full_attention\","
               "\"chunked_attention\"]",
         "layer_types is "},
        {"llama", OLMO3 ",\"rope_theta\":1e4,\"layer_types\":[\"full_attention\"]",
         "layer_types is "},
        {"llama",
         "\"original_max_position_embeddings\":4,\"rope_scaling\":{\"type\":"
         "\"yarn\",\"factor\":2.0,\"original_max_position_embeddings\":5}",
         "rope_scaling.original_max_position_embeddings is 5"},
        {"phi3", "\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2.0}",
         "rope_scaling is "},
        {"phi3", "\"rope_scaling\":{\"type\":\"longrope\",\"short_factor\":[1.0]}",
         "rope_scaling.short_factor is "},
        {"phi", "\"partial_rotary_factor\":1.5", "partial_rotary_factor is 1.5"},
        {"phi", "\"partial_rotary_factor\":0.25", "hidden_size is 8, expected an even"},
        {"gemma", "", "head_dim is missing"},
        {"gemma", "\"head_dim\":4,\"hidden_act\":\"gelu\"", "hidden_act is \"gelu\""},
        {"opt",
         "\"ffn_dim\":5,\"tie_word_embeddings\":false,"
         "\"word_embed_proj_dim\":3",
         "tie_word_embeddings is false"},
        {"gpt2", "\"scale_attn_weights\":false", "scale_attn_weights is false"},
        {"gpt2", "\"add_cross_attention\":true", "add_cross_attention is true"},
        {"gpt2", "\"activation_function\":\"gelu_fast\"", "gelu_fast"},
        {"gpt2", "\"activation_function\":\"quick_gelu\"", "quick_gelu"},
        {"gpt2", "\"activation_function\":7", "is 7, expected a string"},
        {"llama", "\"hidden_act\":\"a\\nb\\u007f\"", "hidden_act is \"a\\nb?\""},
        {"llama", "\"rope_scaling\":{\"type\":\"linear\"}",
         "rope_scaling.factor is missing"},
        {"llama", "\"rope_scaling\":{\"type\":\"mrope\",\"factor\":2.0}",
         "rope_scaling.type is \"mrope\""},
        {"llama", "\"rope_scaling\":{\"factor\":2.0}", "rope_scaling.type is missing"},
        {"llama", "\"rope_scaling\":{\"rope_type\":\"llama3\"}",
         "rope_scaling.factor is missing"},
        {"llama", "\"rope_scaling\":3", "rope_scaling is 3"},
        {"llama", "\"rope_parameters\":{\"rope_type\":\"yarn\"}",
         "rope_parameters.factor is missing"},
        {"llama", "\"rope_parameters\":{\"partial_rotary_factor\":0.5}",
         "rope_parameters.partial_rotary_factor is 0.5"},
        {"llama", "\"partial_rotary_factor\":0.5", "partial_rotary_factor is 0.5"},
        {"llama", "\"rope_theta\":0", "rope_theta is 0, expected a number above 0"},
        {"llama", "\"rope_theta\":\"x\"", "rope_theta is \"x\""},
        {"llama", "\"rope_theta\":1e999", "no valid JSON"},
        {"llama", "\"rms_norm_eps\":-1e-6", "rms_norm_eps"},
        {"llama", "\"mlp_bias\":1", "mlp_bias is 1, expected true or false"},
        {"llama", "\"num_key_value_heads\":3", "num_key_value_heads is 3"},
        {"llama", "\"head_dim\":3", "head_dim is 3, expected an even"},
        {"llama", "\"head_dim\":16777216", "head_dim is 16777216"},
        {"gpt2", "\"n_inner\":0", "n_inner is 0, expected an integer from 1"},
        {"gpt2", "\"n_inner\":2.5", "n_inner is 2.5"},
        {"gpt2", "\"n_inner\":\"4\"", "n_inner is \"4\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hesse_arch a;
        hesse_why why;
        assert_int_equal(read_more(cases[i].family, cases[i].more, &a, &why),
                         HESSE_E_INPUT);
        assert_says(&why, FILE_NAME, cases[i].says);
        assert_int_equal(a.layers, 0);
    }
}

/* Each required key is removed in turn, and replaced by every wrong kind of value. */
static void required_keys_are_checked(void **state)
{
    (void)state;
    static const char *const keys[2][6] = {
        {"vocab_size", "n_positions", "n_embd", "n_layer", "n_head"},
        {"vocab_size", "max_position_embeddings", "hidden_size", "intermediate_size",
         "num_hidden_layers", "num_attention_heads"}};
    static const char *const wrong[] = {"0",    "-1",    "1.5",  "2.0", "16777217",
                                        "true", "\"1\"", "null", "[1]"};
    const char *absent = "is missing, expected an integer from 1 to";
    for (int family = 0; family < 2; family++)
        for (int k = 0; k < 6 && keys[family][k]; k++)
            for (size_t w = 0; w <= sizeof wrong / sizeof *wrong; w++) {
                char text[1024] = "{", says[128];
                const bool gone = w == sizeof wrong / sizeof *wrong;
                for (int j = 0; j < 6 && keys[family][j]; j++)
                    if (j != k || !gone)
                        snprintf(text + strlen(text), sizeof text - strlen(text),
                                 "%s\"%s\":%s", strlen(text) > 1 ? "," : "",
                                 keys[family][j], j == k ? wrong[w] : "2");
                strcat(text, "}");
                hesse_arch a;
                hesse_why why;
                assert_int_equal(read_text(family ? "llama" : "gpt2", text, &a, &why),
                                 HESSE_E_INPUT);
                snprintf(says, sizeof says, "%s %s%s", keys[family][k],
                         gone || w == 7 ? absent : "is ",
                         gone || w == 7 ? "" : wrong[w]);
                assert_says(&why, FILE_NAME, says);
            }
    hesse_arch a;
    hesse_why why;
    read_text(
        "gpt2",
        "{\"vocab_size\":2,\"n_positions\":2,\"n_embd\":7,\"n_layer\":1,\"n_head\":2}",
        &a, &why);
    assert_says(&why, FILE_NAME, "n_embd is 7, expected a multiple of n_head");
}

static void bad_json_is_told_by_line_and_column(void **state)
{
    (void)state;
    hesse_arch a;
    hesse_why why;
    assert_int_equal(read_text("gpt2", "{\n \"n_layer\": 2,\n \"n_head\" 3}", &a, &why),
                     HESSE_E_INPUT);
    assert_says(&why, FILE_NAME, "line 3, column 11");
    read_text("gpt2", "{\"n_layer\":2,\"n_layer\":3}", &a, &why);
    assert_says(&why, FILE_NAME, "duplicate");
    read_text("gpt2", "{\"n_layer\\u0000\":2}", &a, &why);
    assert_says(&why, FILE_NAME, "line 1");
    read_text("gpt2", "[1]", &a, &why);
    assert_says(&why, FILE_NAME, "expected a JSON object");
    assert_int_equal(hesse_config_read("missing", &a, &why), HESSE_E_INPUT);
    assert_says(&why, "missing", "No such file");

    char deep[40000];
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"a\":", 5);
    write_bytes(FILE_NAME, deep, sizeof deep);
    assert_int_equal(hesse_config_read(FILE_NAME, &a, &why), HESSE_E_INPUT);
    assert_says(&why, FILE_NAME, "maximum parsing depth");
}

static void survives_every_damage(void **state)
{
    (void)state;
    char text[1024];
    hesse_arch a = {.family = "llama"};
    hesse_why why;
    snprintf(text, sizeof text,
             "{%s, \"rope_scaling\":{\"type\":\"default\"}, \"hidden_act\":\"silu\", "
             "\"rms_norm_eps\":1e-5, \"model_type\":\"llama\"}",
             LLAMA);
    const size_t size = strlen(text);
    write_bytes(FILE_NAME, text, size);
    assert_int_equal(hesse_config_read(".", &a, &why), HESSE_OK);
    for (size_t n = 0; n < size; n++) {
        write_bytes(FILE_NAME, text, n);
        assert_int_equal(hesse_config_read(FILE_NAME, &a, &why), HESSE_E_INPUT);
        assert_message(&why, FILE_NAME);
    }
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(text[i] ^ 1 << bit);
            write_bytes(FILE_NAME, text, size);
            if (hesse_config_read(FILE_NAME, &a, &why)) assert_message(&why, FILE_NAME);
            text[i] = (char)(text[i] ^ 1 << bit);
        }
}

/* A config.json implies the family, the task and the loss of a job. */
static void the_config_tells_the_job(void **state)
{
    (void)state;
    static const struct {
        const char *text, *family, *task, *loss;
    } cases[] = {
        {"{\"model_type\":\"qwen2\",\"architectures\":[\"Qwen2ForCausalLM\"]}", "llama",
         "", ""},
        {"{\"model_type\":\"roberta\",\"architectures\":[\"RobertaForMaskedLM\"]}",
         "roberta", "masked", ""},
        {"{\"model_type\":\"bert\",\"architectures\":[\"BertForTokenClassification\"]}",
         "bert", "tokens", ""},
        {"{\"model_type\":\"bert\",\"architectures\":"
         "[\"BertForSequenceClassification\"],\"id2label\":{\"0\":\"a\"}}",
         "bert", "classify", "regression"},
        {"{\"model_type\":\"bert\",\"architectures\":"
         "[\"BertForSequenceClassification\"],\"id2label\":{\"0\":\"a\"},"
         "\"problem_type\":\"single_label_classification\"}",
         "bert", "classify", "cross_entropy"},
        {"{\"model_type\":\"bert\",\"problem_type\":\"multi_label_classification\"}",
         "bert", "", "binary"},
    };
    hesse_told told;
    hesse_why why;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text("c.json", cases[i].text);
        assert_int_equal(hesse_config_tell("c.json", true, &told, &why), HESSE_OK);
        assert_string_equal(told.family, cases[i].family);
        assert_string_equal(told.task, cases[i].task);
        assert_string_equal(told.loss, cases[i].loss);
    }
    write_text("c.json", "{\"model_type\":\"mamba\"}");
    assert_int_equal(hesse_config_tell("c.json", true, &told, &why), HESSE_E_INPUT);
    assert_says(&why, "c.json",
                "model_type is \"mamba\", expected gpt2, llama, mistral");
    assert_int_equal(hesse_config_tell("c.json", false, &told, &why), HESSE_OK);
    write_text("c.json", "{\"problem_type\":\"ranking\"}");
    assert_int_equal(hesse_config_tell("c.json", false, &told, &why), HESSE_E_INPUT);
    assert_says(&why, "c.json", "problem_type is \"ranking\", expected regression");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_has_its_defaults),
        cmocka_unit_test(gpt2_reads_its_keys),
        cmocka_unit_test(encoders_read_their_keys),
        cmocka_unit_test(activations_are_what_the_names_mean),
        cmocka_unit_test(nanogpt_has_its_own_keys),
        cmocka_unit_test(llama_has_its_defaults),
        cmocka_unit_test(llama_reads_its_keys),
        cmocka_unit_test(frequencies_are_those_of_transformers),
        cmocka_unit_test(layers_have_their_windows),
        cmocka_unit_test(decoders_read_their_keys),
        cmocka_unit_test(refuses_what_it_does_not_compute),
        cmocka_unit_test(required_keys_are_checked),
        cmocka_unit_test(bad_json_is_told_by_line_and_column),
        cmocka_unit_test(the_config_tells_the_job),
        cmocka_unit_test(survives_every_damage),
    };
    return run_cases(argc, argv, tests, enter_folder, leave_folder);
}
