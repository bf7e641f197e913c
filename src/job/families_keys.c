/* The keys that each family of models and each kind of data has, with their defaults
   there. A key of the table that no list names belongs to all. */
#include "job/keys.h"

#include <string.h>

static const hesse_family_key gpt2_keys[] = {
    {"config", NULL},      {"layers", "2"},         {"heads", "2"},
    {"head_size", NULL},   {"width", "32"},         {"inner", NULL},
    {"context", "32"},     {"vocabulary", NULL},    {"activation", "gelu_tanh"},
    {"norm_eps", "1e-5"},  {"tied", "true"},        {"bias", "true"},
    {"temperature", NULL}, {"attention", "causal"}, {"kernel", "softmax"},
    {NULL, NULL}};

static const hesse_family_key llama_keys[] = {
    {"config", NULL},        {"layers", "2"},       {"heads", "2"},
    {"kv_heads", NULL},      {"head_size", NULL},   {"width", "32"},
    {"inner", NULL},         {"context", "32"},     {"vocabulary", NULL},
    {"activation", "silu"},  {"norm_eps", "1e-5"},  {"rope_theta", "1e4"},
    {"tied", "false"},       {"bias", "false"},     {"temperature", NULL},
    {"attention", "causal"}, {"kernel", "softmax"}, {NULL, NULL}};

static const hesse_family_key bert_keys[] = {
    {"config", NULL},      {"layers", "2"},
    {"heads", "2"},        {"head_size", NULL},
    {"width", "32"},       {"inner", NULL},
    {"context", "32"},     {"vocabulary", NULL},
    {"classes", NULL},     {"activation", "gelu"},
    {"norm_eps", "1e-12"}, {"bias", "true"},
    {"temperature", NULL}, {"attention", "full"},
    {"kernel", "softmax"}, {"task", "masked"},
    {"types", "2"},        {"loss", "cross_entropy"},
    {NULL, NULL}};

static const hesse_family_key vit_keys[] = {
    {"config", NULL},      {"layers", "2"},        {"heads", "2"},
    {"head_size", NULL},   {"width", "32"},        {"inner", NULL},
    {"classes", NULL},     {"activation", "gelu"}, {"norm_eps", "1e-12"},
    {"bias", "true"},      {"temperature", NULL},  {"attention", "full"},
    {"kernel", "softmax"}, {"patch", "4"},         {"loss", "cross_entropy"},
    {NULL, NULL}};

static const hesse_family_key mlp_keys[] = {
    {"widths", "[8]"}, {"multipliers", NULL},
    {"classes", NULL}, {"activation", "relu"},
    {"bias", "true"},  {"loss", "cross_entropy"},
    {NULL, NULL}};

static const hesse_family_key mixer_keys[] = {
    {"layers", "2"},       {"width", "32"},   {"inner", NULL},
    {"token_inner", NULL}, {"classes", NULL}, {"activation", "gelu"},
    {"norm_eps", "1e-6"},  {"patch", "4"},    {"loss", "cross_entropy"},
    {NULL, NULL}};

static const hesse_family_key vgg_keys[] = {
    {"widths", "[64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0]"},
    {"dense", "[4096, 4096]"},
    {"pool", NULL},
    {"classes", NULL},
    {"activation", "relu"},
    {"norm_eps", "1e-5"},
    {"batch_norm", "none"},
    {"loss", "cross_entropy"},
    {NULL, NULL}};

static const hesse_family_key resnet_keys[] = {
    {"blocks", "[2, 2, 2, 2]"}, {"width", "64"},           {"stem", "imagenet"},
    {"classes", NULL},          {"activation", "relu"},    {"norm_eps", "1e-5"},
    {"batch_norm", "training"}, {"loss", "cross_entropy"}, {NULL, NULL}};

static const hesse_family_key linear_transformer_keys[] = {
    {"layers", "2"},       {"attention", "full"},     {"kernel", "linear"},
    {"deviation", "0.05"}, {"loss", "squared_error"}, {NULL, NULL}};

static const hesse_family_key attention_keys[] = {
    {"heads", "2"},        {"head_size", NULL},
    {"width", "32"},       {"value_size", NULL},
    {"output", "false"},   {"temperature", NULL},
    {"attention", "full"}, {"kernel", "softmax"},
    {"deviation", NULL},   {"loss", "squared_error"},
    {NULL, NULL}};

static const hesse_family_key quadratic_keys[] = {
    {"widths", NULL}, {"eigenvalues", NULL}, {NULL, NULL}};

const hesse_family_key *hesse_family_keys(int i, const char **name)
{
    static const hesse_family_key *const lists[] = {
        [HESSE_GPT2] = gpt2_keys,
        [HESSE_LLAMA] = llama_keys,
        [HESSE_BERT] = bert_keys,
        [HESSE_VIT] = vit_keys,
        [HESSE_MLP] = mlp_keys,
        [HESSE_MIXER] = mixer_keys,
        [HESSE_VGG] = vgg_keys,
        [HESSE_RESNET] = resnet_keys,
        [HESSE_LINEAR_TRANSFORMER] = linear_transformer_keys,
        [HESSE_SINGLE_ATTENTION] = attention_keys,
        [HESSE_QUADRATIC] = quadratic_keys};
    if (i >= (int)(sizeof lists / sizeof *lists)) return NULL;
    *name = hesse_job_word("model.family", i);
    return lists[i];
}

static const hesse_family_key tokens_keys[] = {
    {"context", NULL}, {"mask_rate", NULL}, {"mask_id", NULL}, {NULL, NULL}};
static const hesse_family_key text_keys[] = {{"vocabulary", "bytes"},
                                             {"context", NULL},
                                             {"mask_rate", NULL},
                                             {"mask_id", NULL},
                                             {NULL, NULL}};
static const hesse_family_key texts_keys[] = {
    {"vocabulary", "bytes"}, {"context", NULL}, {NULL, NULL}};
static const hesse_family_key inputs_keys[] = {
    {"labels", NULL}, {"targets", NULL}, {NULL, NULL}};
static const hesse_family_key images_keys[] = {{"labels", NULL},
                                               {"size", NULL},
                                               {"classes", NULL},
                                               {"normalise", "unit"},
                                               {NULL, NULL}};
static const hesse_family_key gaussian_keys[] = {
    {"features", "500"}, {"classes", "500"}, {NULL, NULL}};
static const hesse_family_key clusters_keys[] = {
    {"features", "500"}, {"classes", "500"}, {"noise", "0.05"}, {NULL, NULL}};
static const hesse_family_key regression_keys[] = {{"features", "5"},
                                                   {"examples", "20"},
                                                   {"covariates", "normal"},
                                                   {"shape", NULL},
                                                   {NULL, NULL}};
static const hesse_family_key addition_keys[] = {{NULL, NULL}};
static const hesse_family_key pathfinder_keys[] = {{"contour", "14"}, {NULL, NULL}};

const hesse_family_key *hesse_kind_keys(int i, const char **name)
{
    static const struct {
        const char *name;
        const hesse_family_key *keys;
    } kinds[] = {{"tokens", tokens_keys},     {"text", text_keys},
                 {"texts", texts_keys},       {"inputs", inputs_keys},
                 {"images", images_keys},     {"gaussian", gaussian_keys},
                 {"clusters", clusters_keys}, {"regression", regression_keys},
                 {"addition", addition_keys}, {"pathfinder", pathfinder_keys}};
    if (i >= (int)(sizeof kinds / sizeof *kinds)) return NULL;
    *name = kinds[i].name;
    return kinds[i].keys;
}

/* The lists that own keys of a section; NULL: all own them. */
typedef const hesse_family_key *owners(int i, const char **name);

static owners *owners_of(const hesse_key *key)
{
    return strncmp(key->path, "model.", 6) == 0  ? hesse_family_keys
           : strncmp(key->path, "data.", 5) == 0 ? hesse_kind_keys
                                                 : NULL;
}

static const hesse_family_key *entry_of(const hesse_key *key,
                                        const hesse_family_key *list)
{
    const char *name = strchr(key->path, '.') + 1;
    while (list->name && strcmp(list->name, name) != 0) list++;
    return list->name ? list : NULL;
}

bool hesse_key_is_of(const hesse_key *key, const char *owner, const char **standard)
{
    owners *of = owners_of(key);
    const hesse_family_key *list;
    const char *name;
    bool owned = false;
    *standard = key->standard;
    for (int i = 0; of && (list = of(i, &name)); i++) {
        const hesse_family_key *entry = entry_of(key, list);
        owned |= entry != NULL;
        if (!entry || strcmp(name, owner) != 0) continue;
        *standard = entry->standard;
        return true;
    }
    return !owned;
}

void hesse_key_owners(const hesse_key *key, char text[200])
{
    owners *of = owners_of(key);
    const hesse_family_key *list;
    const char *name;
    *text = '\0';
    for (int i = 0; of && (list = of(i, &name)); i++)
        if (entry_of(key, list)) {
            const size_t length = strlen(text);
            snprintf(text + length, 200 - length, "%s%s", length ? ", " : "", name);
        }
}
