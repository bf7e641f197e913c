/* GPT-2: learned positions, norms before attention and MLP, one fused tensor for query,
   key and value. Source: Radford et al., Language Models are Unsupervised Multitask
   Learners (2019). Names as in Hugging Face's transformers; nanoGPT stores matrices
   [out, in]. */
#include "network/families/decoder.h"

#include "network/layout.h"

#include <stdio.h>

/* Linear maps and LayerNorm all have biases, or none does. Norms and the bias of the
   head are choices of a job. */
static void follow_biases(hesse_arch *a)
{
    a->mlp_bias = a->decoder.output_bias = a->attention_bias;
    a->decoder.norm = a->mlp_bias ? HESSE_NORM_LAYER : HESSE_NORM_LAYER_UNBIASED;
    a->decoder.norm_before = a->decoder.final_norm =
        a->norm_place != HESSE_NORM_PLACE_NONE;
    a->decoder.head_bias = a->head_bias;
}

/* nanoGPT's configurations have block_size and, for biases, "bias"; its activation is
   the exact GELU, where Hugging Face's gpt2 has the tanh approximation by default. */
static void read_config(hesse_config *c, hesse_arch *a)
{
    const bool nano = hesse_config_value(c, "block_size");
    const char *positions = hesse_config_value(c, "n_positions") ? "n_positions"
                            : hesse_config_value(c, "n_ctx")     ? "n_ctx"
                            : nano                               ? "block_size"
                                                                 : "n_positions";
    a->layers = hesse_config_integer(c, "n_layer", HESSE_CONFIG_LAYERS, HESSE_REQUIRED);
    a->width = hesse_config_integer(c, "n_embd", HESSE_CONFIG_MOST / 4, HESSE_REQUIRED);
    a->inner = hesse_config_integer(c, "n_inner", HESSE_CONFIG_MOST, 4 * a->width);
    a->vocabulary =
        hesse_config_integer(c, "vocab_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->positions =
        hesse_config_integer(c, positions, HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->attention.heads =
        hesse_config_integer(c, "n_head", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->attention.kv_heads = a->attention.heads;
    a->attention.by_layer =
        hesse_config_truth(c, "scale_attn_by_inverse_layer_idx", false);
    a->activation =
        hesse_config_activation(c, "activation_function", nano ? "gelu" : "gelu_new");
    a->norm_eps = hesse_config_positive(c, "layer_norm_epsilon", 1e-5);
    a->tied = hesse_config_truth(c, "tie_word_embeddings", true);
    a->attention_bias = a->mlp_bias = hesse_config_truth(c, "bias", true);
    follow_biases(a);
    hesse_config_must_be(c, "scale_attn_weights", true);
    hesse_config_must_be(c, "add_cross_attention", false);
    if (a->width % a->attention.heads)
        hesse_config_refuse(c, "n_embd", "a multiple of n_head");
    a->attention.size = a->width / a->attention.heads;
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_status s = hesse_decoder_check(a, why);
    if (!s && a->norm_place == HESSE_NORM_PLACE_AFTER)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: gpt2 with norms after each sum, expected them before "
                          "attention and MLP, or none");
    if (!s && a->attention.kv_heads != a->attention.heads)
        return hesse_fail(why, HESSE_E_JOB,
                          "model: gpt2 has %d heads and as many key and value heads, "
                          "found %d",
                          a->attention.heads, a->attention.kv_heads);
    return s ? s : hesse_check_heads(a, why);
}

/* Query, key and value side by side make the outputs three times the inputs. */
static hesse_status find_order(const hesse_safetensors *file, const char *path,
                               hesse_arch *arch, hesse_why *why)
{
    const hesse_tensor *t = hesse_layout_tensor(file, arch, "h.0.attn.c_attn.weight");
    const size_t width = (size_t)arch->width;
    char shape[HESSE_SHAPE_SHOWN];
    arch->layout.out_first = t->rank == 2 && t->shape[0] == 3 * width;
    if (t->rank == 2 && t->shape[arch->layout.out_first] == width &&
        t->shape[!arch->layout.out_first] == 3 * width)
        return HESSE_OK;
    hesse_shape_show(t->rank, t->shape, shape);
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: tensor '%s' has shape %s, expected [%zu, %zu], or the other "
                      "way round",
                      path, t->name, shape, width, 3 * width);
}

static bool has_biases(const hesse_safetensors *file, const hesse_arch *arch)
{
    static const char *const some[] = {
        "h.0.ln_1.bias", "h.0.attn.c_attn.bias", "h.0.attn.c_proj.bias",
        "h.0.ln_2.bias", "h.0.mlp.c_fc.bias",    "h.0.mlp.c_proj.bias",
        "ln_f.bias"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (hesse_layout_tensor(file, arch, some[i])) return true;
    return false;
}

static hesse_status probe(const hesse_safetensors *file, const char *path,
                          hesse_arch *arch, hesse_why *why)
{
    const hesse_status s = find_order(file, path, arch, why);
    if (s) return s;
    if (!has_biases(file, arch)) arch->attention_bias = false;
    follow_biases(arch);
    return hesse_decoder_find_head(file, path, arch, why);
}

static const hesse_decoder_names names = {
    .prefixes = {"transformer.", "", "model."},
    .anchor = "h.0.attn.c_attn.weight",
    .embedding = "wte.weight",
    .positions = "wpe.weight",
    .layers = "h.",
    .before_attention = "ln_1",
    .before_mlp = "ln_2",
    .fused = "attn.c_attn",
    .in_first = true,
    .output = "attn.c_proj",
    .up = "mlp.c_fc",
    .down = "mlp.c_proj",
    .final_norm = "ln_f",
    .head = "lm_head",
    .buffers = {"attn.bias", "attn.masked_bias"},
    .biases = {"ln_f.bias"},
};

static const hesse_arch_decoder style = {
    .norm = HESSE_NORM_LAYER, .norm_before = true, .final_norm = true};

static const hesse_owned_key keys[] = {{"config", NULL},
                                       {"layers", "2"},
                                       {"heads", "2"},
                                       {"head_size", NULL},
                                       {"width", "32"},
                                       {"inner", NULL},
                                       {"context", "32"},
                                       {"vocabulary", NULL},
                                       {"activation", "gelu_tanh"},
                                       {"norm_eps", "1e-5"},
                                       {"tied", "true"},
                                       {"bias", "true"},
                                       {"temperature", NULL},
                                       {"attention", "causal"},
                                       {"kernel", "softmax"},
                                       {"norm", "before"},
                                       {"residual", "added"},
                                       {"head_bias", "false"},
                                       {"deviation", NULL},
                                       {"embedding_deviation", NULL},
                                       {"loss", "cross_entropy"},
                                       {NULL, NULL}};
static const char *const types[] = {"gpt2", NULL};

const hesse_family hesse_family_gpt2 = {
    .name = "gpt2",
    .help = "GPT-2 and nanoGPT: a decoder with learned positions.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .learned_positions = true,
    .whole_heads = true,
    .keys = keys,
    .check = check,
    .complete = follow_biases,
    .build = hesse_decoder_build,
    .config_types = types,
    .read_config = read_config,
    .decoder = &names,
    .style = &style,
    .probe = probe,
};
