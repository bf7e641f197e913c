/* GPT-Neo and TinyStories: learned positions, scores that are not divided, a sliding
   window in some layers.
   Sources: Black et al., GPT-Neo (2021), doi:10.5281/zenodo.5297715; Eldan & Li,
   arXiv:2305.07759. Names as in Hugging Face's transformers. */
#include "network/families/decoder.h"

#include <string.h>

/* Add layers of one entry [[kinds], repetitions]; returns the next layer. */
static int add_entry(hesse_config *c, hesse_arch *a, const json_t *entry, int l)
{
    const json_t *kinds = json_array_get(entry, 0);
    const json_int_t times = json_integer_value(json_array_get(entry, 1));
    if (!json_is_array(kinds) || times < 1 || times > HESSE_CONFIG_LAYERS) {
        hesse_config_refuse(c, "attention_types", "entries [[kind, ...], repetitions]");
        return l;
    }
    for (json_int_t i = 0; !c->s && i < times; i++)
        for (size_t j = 0; !c->s && j < json_array_size(kinds); j++, l++) {
            const char *kind = json_string_value(json_array_get(kinds, j));
            const bool local = kind && strcmp(kind, "local") == 0;
            if (!local && (!kind || strcmp(kind, "global") != 0))
                hesse_config_refuse(c, "attention_types", "\"global\" or \"local\"");
            if (local && l < a->layers) hesse_layers_add(a->decoder.windowed, l);
        }
    return l;
}

static void read_windows(hesse_config *c, hesse_arch *a)
{
    const json_t *types = hesse_config_value(c, "attention_types");
    int layers = 0;
    a->decoder.window = hesse_config_integer(c, "window_size", HESSE_CONFIG_MOST, 256);
    if (!json_is_array(types))
        hesse_config_refuse(c, "attention_types", "entries [[kind, ...], repetitions]");
    for (size_t i = 0; !c->s && i < json_array_size(types); i++)
        layers = add_entry(c, a, json_array_get(types, i), layers);
    if (layers != a->layers)
        hesse_config_refuse(c, "attention_types", "a kind for each of num_layers");
    hesse_windows_settle(&a->decoder);
}

static void read_config(hesse_config *c, hesse_arch *a)
{
    hesse_attention *t = &a->attention;
    a->layers =
        hesse_config_integer(c, "num_layers", HESSE_CONFIG_LAYERS, HESSE_REQUIRED);
    a->width =
        hesse_config_integer(c, "hidden_size", HESSE_CONFIG_MOST / 4, HESSE_REQUIRED);
    a->inner =
        hesse_config_integer(c, "intermediate_size", HESSE_CONFIG_MOST, 4 * a->width);
    a->vocabulary =
        hesse_config_integer(c, "vocab_size", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    a->positions = hesse_config_integer(c, "max_position_embeddings", HESSE_CONFIG_MOST,
                                        HESSE_REQUIRED);
    t->heads = t->kv_heads =
        hesse_config_integer(c, "num_heads", HESSE_CONFIG_MOST, HESSE_REQUIRED);
    if (a->width % t->heads)
        hesse_config_refuse(c, "hidden_size", "a multiple of num_heads");
    t->size = a->width / t->heads;
    a->activation = hesse_config_activation(c, "activation_function", "gelu_new");
    a->norm_eps = hesse_config_positive(c, "layer_norm_epsilon", 1e-5);
    a->tied = hesse_config_truth(c, "tie_word_embeddings", true);
    a->mlp_bias = true;
    a->decoder.output_bias = true;
    read_windows(c, a);
}

static const hesse_decoder_names names = {
    .prefixes = {"transformer.", "", "model."},
    .anchor = "h.0.attn.attention.q_proj.weight",
    .embedding = "wte.weight",
    .positions = "wpe.weight",
    .layers = "h.",
    .before_attention = "ln_1",
    .before_mlp = "ln_2",
    .query = "attn.attention.q_proj",
    .key = "attn.attention.k_proj",
    .value = "attn.attention.v_proj",
    .output = "attn.attention.out_proj",
    .up = "mlp.c_fc",
    .down = "mlp.c_proj",
    .final_norm = "ln_f",
    .head = "lm_head",
    .buffers = {"attn.attention.bias", "attn.attention.masked_bias"},
};

static const hesse_arch_decoder style = {.norm = HESSE_NORM_LAYER,
                                         .norm_before = true,
                                         .final_norm = true,
                                         .score_divisor = 1};

/* The projections of query, key and value never have biases, all others do. */
static void complete(hesse_arch *a)
{
    a->attention_bias = false;
    a->mlp_bias = a->decoder.output_bias = true;
}

static const hesse_owned_key keys[] = {
    {"config", NULL},        {"layers", "2"},       {"heads", "2"},
    {"head_size", NULL},     {"width", "32"},       {"inner", NULL},
    {"context", "32"},       {"vocabulary", NULL},  {"activation", "gelu_tanh"},
    {"norm_eps", "1e-5"},    {"tied", "true"},      {"temperature", NULL},
    {"attention", "causal"}, {"kernel", "softmax"}, {NULL, NULL}};
static const char *const types[] = {"gpt_neo", NULL};

const hesse_family hesse_family_gpt_neo = {
    .name = "gpt_neo",
    .help = "GPT-Neo: a decoder with learned positions, undivided scores and sliding "
            "windows.",
    .reads = HESSE_READS_IDS,
    .per_token = true,
    .learned_positions = true,
    .keys = keys,
    .complete = complete,
    .check = hesse_decoder_check,
    .build = hesse_decoder_build,
    .config_types = types,
    .read_config = read_config,
    .decoder = &names,
    .style = &style,
    .probe = hesse_decoder_find_head,
};
