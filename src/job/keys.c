/* The table of keys: words come first, then one row for each key, in the order of
   docs/job.md. A default that depends on the family or on the kind of data is in the
   row of the family or kind, and one that follows from other keys is described by
   `absent` and filled in by job.c. */
#include "job/keys.h"

#include "data/kinds.h"
#include "job/job.h"
#include "network/families/families.h"

#include <string.h>

static const hesse_word step_words[] = {{"name", 0}, {NULL, 0}};

enum {
    LONGEST = 4095,
    MOST_ENTRIES = 1000,
    MOST_STEPS = 100000,
    MOST_VALUES = 100,
    MOST_EIGENVALUES = 20000
};

#define AT(field)                                                                      \
    .offset = offsetof(hesse_job, field), .bytes = sizeof((hesse_job *)NULL)->field
#define COUNT(field) .count = offsetof(hesse_job, field)
#define ONE_SOURCE   "one source of data is required"

static const hesse_word normalises[] = {{"none", HESSE_NORMALISE_NONE},
                                        {"filter", HESSE_NORMALISE_FILTER},
                                        {"layer", HESSE_NORMALISE_LAYER},
                                        {"unit", HESSE_NORMALISE_UNIT},
                                        {NULL, 0}};

static const hesse_word bias_words[] = {{"zero", HESSE_VECTORS_ZERO},
                                        {"keep", HESSE_VECTORS_KEEP},
                                        {"copy", HESSE_VECTORS_COPY},
                                        {NULL, 0}};

static const hesse_word truths[] = {{"false", false}, {"true", true}, {NULL, 0}};

static hesse_word family_word(int i)
{
    return (hesse_word){hesse_families[i] ? hesse_families[i]->name : NULL, i};
}

static const hesse_word activations[] = {{"gelu", HESSE_ACT_GELU},
                                         {"gelu_tanh", HESSE_ACT_GELU_TANH},
                                         {"relu", HESSE_ACT_RELU},
                                         {"silu", HESSE_ACT_SILU},
                                         {"tanh", HESSE_ACT_TANH},
                                         {"none", HESSE_ACT_NONE},
                                         {NULL, 0}};

static const hesse_word kernels[] = {{"softmax", HESSE_KERNEL_SOFTMAX},
                                     {"linear", HESSE_KERNEL_LINEAR},
                                     {"gaussian", HESSE_KERNEL_GAUSSIAN},
                                     {NULL, 0}};

static const hesse_word norm_words[] = {{"before", HESSE_NORM_PLACE_BEFORE},
                                        {"after", HESSE_NORM_PLACE_AFTER},
                                        {"none", HESSE_NORM_PLACE_NONE},
                                        {NULL, 0}};
static const hesse_word distractors[] = {{"drawn", false}, {"none", true}, {NULL, 0}};
static const hesse_word poolings[] = {{"first", false}, {"mean", true}, {NULL, 0}};
static const hesse_word residuals[] = {{"added", false}, {"none", true}, {NULL, 0}};
static const hesse_word values[] = {{"learned", false}, {"identity", true}, {NULL, 0}};

static const hesse_word batch_norms[] = {{"none", HESSE_BATCH_NORM_NONE},
                                         {"training", HESSE_BATCH_NORM_TRAINING},
                                         {"evaluation", HESSE_BATCH_NORM_EVALUATION},
                                         {NULL, 0}};

static const hesse_word losses[] = {{"cross_entropy", HESSE_LOSS_CROSS_ENTROPY},
                                    {"squared_error", HESSE_LOSS_SQUARED_ERROR},
                                    {"regression", HESSE_LOSS_REGRESSION},
                                    {"binary", HESSE_LOSS_BINARY},
                                    {NULL, 0}};

static const hesse_word block_forms[] = {
    {"basic", false}, {"bottleneck", true}, {NULL, 0}};
static const hesse_word distillations[] = {{"none", HESSE_DISTILLATION_NONE},
                                           {"token", HESSE_DISTILLATION_TOKEN},
                                           {"heads", HESSE_DISTILLATION_HEADS},
                                           {NULL, 0}};
static const hesse_word stems[] = {{"imagenet", false}, {"cifar", true}, {NULL, 0}};
static const hesse_word tasks[] = {{"classify", HESSE_TASK_CLASSIFY},
                                   {"masked", HESSE_TASK_MASKED},
                                   {"tokens", HESSE_TASK_TOKENS},
                                   {NULL, 0}};
static const hesse_word heads[] = {{"stored", false}, {"seeded", true}, {NULL, 0}};
static const hesse_word attentions[] = {{"causal", false}, {"full", true}, {NULL, 0}};
static const hesse_word vocabularies[] = {
    {"bytes", false}, {"characters", true}, {NULL, 0}};
static const hesse_word layouts[] = {{"channels_last", HESSE_LAYOUT_CHANNELS_LAST},
                                     {"channels_first", HESSE_LAYOUT_CHANNELS_FIRST},
                                     {NULL, 0}};
static const hesse_word scalings[] = {{"unit", false}, {"standard", true}, {NULL, 0}};

/* The kinds of data that are drawn from a seed and belong to no family. The job stores
   the word itself. */
static hesse_word generator_word(int i)
{
    for (const hesse_data_kind *const *k = hesse_data_kinds; *k; k++)
        if ((*k)->drawn && !hesse_family_brings((*k)->name) && i-- == 0)
            return (hesse_word){(*k)->name, 0};
    return (hesse_word){NULL, 0};
}

static const hesse_word covariates[] = {{"normal", HESSE_COVARIATES_NORMAL},
                                        {"sphere", HESSE_COVARIATES_SPHERE},
                                        {"gamma", HESSE_COVARIATES_GAMMA},
                                        {NULL, 0}};

static const hesse_word optimisers[] = {{"gd", HESSE_OPTIMISER_GD},
                                        {"sgd", HESSE_OPTIMISER_SGD},
                                        {"sign", HESSE_OPTIMISER_SIGN},
                                        {"rmsprop", HESSE_OPTIMISER_RMSPROP},
                                        {"adam", HESSE_OPTIMISER_ADAM},
                                        {"adamw", HESSE_OPTIMISER_ADAMW},
                                        {"adam_mini", HESSE_OPTIMISER_ADAM_MINI},
                                        {"muon", HESSE_OPTIMISER_MUON},
                                        {NULL, 0}};
static const hesse_word schedules[] = {{"constant", HESSE_SCHEDULE_CONSTANT},
                                       {"linear", HESSE_SCHEDULE_LINEAR},
                                       {"cosine", HESSE_SCHEDULE_COSINE},
                                       {"step", HESSE_SCHEDULE_STEP},
                                       {NULL, 0}};
static const hesse_word orders[] = {{"shuffled", HESSE_ORDER_SHUFFLED},
                                    {"sequential", HESSE_ORDER_SEQUENTIAL},
                                    {"fresh", HESSE_ORDER_FRESH},
                                    {NULL, 0}};

static const hesse_word path_examples[] = {
    {"batch", HESSE_PATH_ON_BATCH}, {"held_out", HESSE_PATH_ON_HELD_OUT}, {NULL, 0}};

static const hesse_word scopes[] = {
    {"blocks", HESSE_BLOCKS}, {"full", HESSE_FULL}, {"both", HESSE_BOTH}, {NULL, 0}};

static const hesse_word cuts[] = {
    {"tensor", HESSE_CUT_TENSOR}, {"head", HESSE_CUT_HEAD},
    {"neuron", HESSE_CUT_NEURON}, {"layer", HESSE_CUT_LAYER},
    {"group", HESSE_CUT_GROUP},   {"whole", HESSE_CUT_WHOLE},
    {"fused", HESSE_CUT_FUSED},   {NULL, 0}};

/* Partitions of the error of blocks: also the partition of the job itself. */
static const hesse_word error_cuts[] = {{"own", HESSE_OWN_PARTITION},
                                        {"tensor", HESSE_CUT_TENSOR},
                                        {"head", HESSE_CUT_HEAD},
                                        {"neuron", HESSE_CUT_NEURON},
                                        {"layer", HESSE_CUT_LAYER},
                                        {"group", HESSE_CUT_GROUP},
                                        {"whole", HESSE_CUT_WHOLE},
                                        {"fused", HESSE_CUT_FUSED},
                                        {NULL, 0}};

static const hesse_word presets[] = {{"all", HESSE_PRESET_NONE},
                                     {"paper-gpt2", HESSE_PRESET_PAPER_GPT2},
                                     {"paper-vit", HESSE_PRESET_PAPER_VIT},
                                     {"convolutions", HESSE_PRESET_CONVOLUTIONS},
                                     {NULL, 0}};

static hesse_word share_word(int i)
{
    const hesse_kinds kinds = hesse_kinds_at(i);
    return (hesse_word){kinds ? hesse_kinds_name(kinds) : NULL, (int)kinds};
}

static const hesse_word scalings_of_shares[] = {
    {"none", HESSE_SCALING_NONE},         {"exp_avg_sq", HESSE_SCALING_MOMENTS},
    {"diagonal", HESSE_SCALING_DIAGONAL}, {"gauss_newton", HESSE_SCALING_GAUSS_NEWTON},
    {"gradient", HESSE_SCALING_GRADIENT}, {NULL, 0}};

static const hesse_word methods[] = {{"auto", HESSE_METHOD_AUTO},
                                     {"exact", HESSE_METHOD_EXACT},
                                     {"lanczos", HESSE_METHOD_LANCZOS},
                                     {NULL, 0}};

static const hesse_word reductions[] = {{"mean", HESSE_MEAN},
                                        {"sum", HESSE_SUM_OF_TOKENS},
                                        {"micro_batches", HESSE_SUM_OF_BATCHES},
                                        {NULL, 0}};

static hesse_word engine_word(int i)
{
    return (hesse_word){i < HESSE_ENGINES ? hesse_engine_name((hesse_engine)i) : NULL,
                        i};
}

static const hesse_word precisions[] = {
    {"double", HESSE_PRECISION_DOUBLE}, {"single", HESSE_PRECISION_SINGLE}, {NULL, 0}};

static const hesse_word procedures[] = {{"own", false}, {"paper", true}, {NULL, 0}};

static const hesse_word orthogonalities[] = {
    {"true", HESSE_ORTHOGONALITY_FULL}, {"false", HESSE_ORTHOGONALITY_NONE},
    {"full", HESSE_ORTHOGONALITY_FULL}, {"selective", HESSE_ORTHOGONALITY_SELECTIVE},
    {"none", HESSE_ORTHOGONALITY_NONE}, {NULL, 0}};

static const hesse_word scales[] = {{"none", false}, {"tenth", true}, {NULL, 0}};

static hesse_word distance_word(int i)
{
    return (hesse_word){
        i < HESSE_DISTANCES ? hesse_distance_name((hesse_distance)i) : NULL, i};
}

static const hesse_key keys[] = {
    {"model.family", HESSE_KEY_WORD, .word = family_word,
     .absent = "told by `config`; required without one", AT(arch.family),
     .help = "The family of networks."},
    {"model.config", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     .inside = "config.json", .absent = "none", AT(paths.config),
     .help = "A Hugging Face `config.json`, or nanoGPT's settings in such a file; it "
             "replaces the keys marked *."},
    {"model.graph", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     .inside = "graph.json", .absent = "required", AT(paths.graph),
     .help =
         "The network as a graph of operators, in JSON (docs/graph.md), or a folder "
         "with `graph.json`; `hesse graph` prints that of any job."},
    {"model.checkpoint", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     .inside = "model.safetensors.index.json", .absent = "none", AT(paths.checkpoint),
     .help = "The parameters: a `.safetensors` file, the `.index.json` of several such "
             "files, or a folder that holds one of these; without it they are drawn "
             "from `seed`."},
    {"model.checkpoints", HESSE_KEY_PATH, .list = true, .role = HESSE_KEY_NEITHER,
     .least = 1, .most = MOST_ENTRIES, .inside = "model.safetensors.index.json",
     .absent = "none", AT(paths.checkpoints), COUNT(paths.n_checkpoints),
     .help =
         "A series of checkpoints in place of `checkpoint`: paths, or patterns with "
         "`*`, `?` and `[...]`, whose files are sorted by the last number in their "
         "names."},
    {"model.layers", HESSE_KEY_INTEGER, .low = 1, .high = 4096, .in_config = true,
     AT(arch.layers), .help = "The number of layers."},
    {"model.heads", HESSE_KEY_INTEGER, .low = 1, .high = 4096, .in_config = true,
     AT(arch.attention.heads), .help = "The number of query heads in a layer."},
    {"model.kv_heads", HESSE_KEY_INTEGER, .low = 1, .high = 4096, .in_config = true,
     .absent = "`heads`", AT(arch.attention.kv_heads),
     .help = "The number of key and value heads, a divisor of `heads`."},
    {"model.head_size", HESSE_KEY_INTEGER, .low = 1, .high = 4096, .in_config = true,
     .absent = "`width / heads`", AT(arch.attention.size),
     .help = "The channels of one head; `llama` needs an even number, and in `gpt2` "
             "`heads * head_size` must be `width`."},
    {"model.width", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 20, .in_config = true,
     AT(arch.width),
     .help = "The channels of the residual stream; for `resnet` those of the first "
             "stage."},
    {"model.inner", HESSE_KEY_INTEGER, .term = "an MLP before the layers", .low = 1,
     .high = 1 << 24, .in_config = true,
     .absent = "`4 * width`; no MLP (`linear_transformer`)", AT(arch.inner),
     .help = "The channels of the hidden layer in the MLP."},
    {"model.context", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 24, .in_config = true,
     AT(arch.positions),
     .help = "The longest sequence, in tokens; `gpt2` and `bert` have a position "
             "embedding of that many rows."},
    {"model.vocabulary", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 24,
     .in_config = true, .absent = "the vocabulary of the data", AT(arch.vocabulary),
     .help = "The number of different token ids."},
    {"model.classes", HESSE_KEY_INTEGER, .term = "the number of classes", .low = 1,
     .high = 1 << 20, .in_config = true,
     .absent = "the classes of the checkpoint or, if more, of the data",
     AT(arch.data.outputs),
     .help = "The number of classes that the model distinguishes; the data need not "
             "show all of them. Encoders have it with `task: classify` and `task: "
             "tokens`."},
    {"model.activation", HESSE_KEY_WORD, .words = activations, .in_config = true,
     AT(arch.activation),
     .help = "The activation function; `gelu_tanh` is Hugging Face's `gelu_new`."},
    {"model.norm_eps", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0, .high = 1,
     .in_config = true, .absent = "`1e-12`, or `1e-6` with timm's names (`vit`)",
     AT(arch.norm_eps), .help = "The number that normalisation adds to the variance."},
    {"model.rope_theta", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT,
     .in_config = true, AT(arch.attention.rope_theta),
     .help = "The base of the rotary angles."},
    {"model.tied", HESSE_KEY_TRUTH, .in_config = true, AT(arch.tied),
     .help = "Whether the head is the token embedding."},
    {"model.bias", HESSE_KEY_TRUTH, .in_config = true, AT(arch.attention_bias),
     .help =
         "Whether linear layers have biases; in `gpt2` LayerNorm as well, in `bert` "
         "and `vit` the key decides for query, key and value only."},
    {"model.temperature", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0,
     .high = HESSE_NO_LIMIT, .absent = "the square root of `head_size`",
     AT(arch.attention.temperature),
     .help = "Attention scores are divided by this number."},
    {"model.attention", HESSE_KEY_WORD, .term = "mask of attention",
     .words = attentions, AT(arch.attention.full),
     .help = "Whether a token attends to itself and the tokens before it, or to all "
             "tokens."},
    {"model.kernel", HESSE_KEY_WORD, .term = "kernel of attention", .words = kernels,
     AT(arch.attention.kernel),
     .help = "The weights of attention: the softmax of the scores, the scores "
             "themselves, or exp(-\\|q - k\\|^2 / (2 temperature))."},
    {"model.value_size", HESSE_KEY_INTEGER, .low = 1, .high = 4096,
     .absent = "`head_size`", AT(arch.attention.value_size),
     .help = "The channels of the values of one head."},
    {"model.values", HESSE_KEY_WORD, .words = values, AT(arch.attention.identity),
     .help = "The values: `learned`, a matrix times the tokens, or `identity`, the "
             "unit vectors, one for each token. With `identity` every head gives its "
             "weights, and the layer has no value matrix."},
    {"model.output", HESSE_KEY_TRUTH, AT(arch.attention.output),
     .help = "Whether an output matrix follows the heads."},
    {"model.patch", HESSE_KEY_INTEGER, .low = 1, .high = 4096, .in_config = true,
     AT(arch.image.patch), .help = "The rows and columns of a patch, in pixels."},
    {"model.grid", HESSE_KEY_INTEGER, .low = 1, .high = 4096,
     .absent = "the patches of the image", AT(arch.image.grid),
     .help = "The position table has this number of rows and columns of patches, and "
             "is interpolated (bicubic, as in transformers) to those of the image."},
    {"model.distillation", HESSE_KEY_WORD, .words = distillations, .in_config = true,
     AT(arch.image.distillation),
     .help = "DeiT's distillation token: none, one whose result is not used, or one "
             "with a classifier of its own; then logits are the mean of both."},
    {"model.pool", HESSE_KEY_INTEGER, .low = 1, .high = 4096,
     .absent = "as in the checkpoint, else no pooling", AT(arch.image.pool),
     .help =
         "Adaptive average pooling before the classifier leaves this number of rows "
         "and columns; torchvision has 7."},
    {"model.pooling", HESSE_KEY_WORD, .words = poolings, AT(arch.mean_pooling),
     .help = "What the head of a class reads: the first token, or the mean of all "
             "tokens without padding. With `mean` a `vit` has no class token."},
    {"model.token_inner", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 24,
     .absent = "`width / 2`", AT(arch.image.token_inner),
     .help = "The neurons of the hidden layer over tokens."},
    {"model.types", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 24, .in_config = true,
     AT(arch.types),
     .help = "The rows of the table of token types; `data.types` gives the types, and "
             "without it every token has type 0."},
    {"model.task", HESSE_KEY_WORD, .words = tasks, AT(arch.task),
     .help =
         "The predictions: masked tokens, the class of a sequence or the class of each "
         "token; a `config` may tell it by its class."},
    {"model.head", HESSE_KEY_WORD, .words = heads, AT(arch.seeded_head),
     .help = "A head that the checkpoint does not hold is refused (`stored`), or it is "
             "drawn from `seed` (`seeded`)."},
    {"model.widths", HESSE_KEY_INTEGER, .list = true, .low = 0, .high = 1 << 24,
     .most = HESSE_MOST_WIDTHS, .absent = "required (`quadratic`)",
     AT(arch.lists.widths), COUNT(arch.lists.n_widths),
     .help =
         "`mlp`: neurons of the hidden layers; `vgg`: channels of the convolutions, "
         "and 0 for a pooling; `quadratic`: orders of the blocks."},
    {"model.blocks", HESSE_KEY_INTEGER, .list = true, .low = 1, .high = 4096,
     .least = 1, .most = HESSE_MOST_WIDTHS, AT(arch.lists.widths),
     COUNT(arch.lists.n_widths), .help = "The number of blocks of each stage."},
    {"model.block", HESSE_KEY_WORD, .words = block_forms, AT(arch.image.bottleneck),
     .help = "The blocks of a residual net: two convolutions, as in ResNet-18 and 34, "
             "or three, as in ResNet-50 (torchvision)."},
    {"model.dense", HESSE_KEY_INTEGER, .list = true, .low = 1, .high = 1 << 24,
     .most = HESSE_MOST_DENSE, AT(arch.lists.dense), COUNT(arch.lists.n_dense),
     .help = "The neurons of the classifier's hidden layers."},
    {"model.multipliers", HESSE_KEY_NUMBER, .list = true, .low = -HESSE_NO_LIMIT,
     .high = HESSE_NO_LIMIT, .least = 1, .most = HESSE_MOST_WIDTHS + 1,
     .absent = "all 1", AT(arch.lists.multipliers), COUNT(arch.lists.n_multipliers),
     .help = "Factors of the output of each layer, before its activation; a factor may "
             "be 0."},
    {"model.compensated", HESSE_KEY_TRUTH, AT(arch.lists.compensated),
     .help = "Whether the initial values of each layer are divided by its multiplier: "
             "the network then computes the same function at the beginning, and the "
             "multiplier c scales the layer's block of the Hessian by c^2."},
    {"model.eigenvalues", HESSE_KEY_NUMBER, .list = true, .low = 0,
     .high = HESSE_NO_LIMIT, .least = 1, .most = MOST_EIGENVALUES, .absent = "required",
     .term = "eigenvalue ", AT(data.eigenvalues), COUNT(n_eigenvalues),
     .help = "The eigenvalues of all blocks, block after block."},
    {"model.batch_norm", HESSE_KEY_WORD, .words = batch_norms,
     AT(arch.image.batch_norm),
     .help =
         "Batch normalisation: none, by the statistics of the batch, which couple "
         "its examples, or by those of the checkpoint (mean 0 and variance 1 without "
         "one)."},
    {"model.stem", HESSE_KEY_WORD, .words = stems, AT(arch.image.small_stem),
     .help = "The first convolution: 7 x 7 with stride 2 and a pooling, or 3 x 3."},
    {"model.loss", HESSE_KEY_WORD, .term = "the loss of the network", .words = losses,
     AT(arch.data.loss),
     .help =
         "The loss: `cross_entropy`, its mean over labels; `squared_error`, the mean "
         "of squared errors over all targets, where a label is a one-hot vector; "
         "`regression`, the same where labels are numbers; `binary`, the mean of "
         "binary cross-entropies over all targets (0 or 1)."},
    {"model.deviation", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT,
     .absent = "1 / sqrt(inputs) (`attention`); see below (`gpt2`)", AT(arch.deviation),
     .help = "The standard deviation of the initial values."},
    {"model.embedding_deviation", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0,
     .high = HESSE_NO_LIMIT, .absent = "`deviation`", AT(arch.embedding_deviation),
     .help = "The standard deviation of the initial values of the embeddings of tokens "
             "and of positions: the scale of what the first layer reads."},
    {"model.norm", HESSE_KEY_WORD, .words = norm_words, AT(arch.norm_place),
     .help = "Norms before attention, MLP and head, after each sum (`bert`), or none "
             "(`gpt2`)."},
    {"model.residual", HESSE_KEY_WORD, .words = residuals, AT(arch.no_residual),
     .help =
         "Whether what attention and MLP give is `added` to the residual stream, or "
         "replaces it (`none`)."},
    {"model.head_bias", HESSE_KEY_TRUTH, AT(arch.head_bias),
     .help = "Whether the head has a bias, which begins with 0."},
    {"model.joint", HESSE_KEY_TRUTH, .term = "P and Q act on", AT(arch.joint),
     .help = "Whether P and Q act on x and y of a token together: they are "
             "(d + 1) x (d + 1) in place of d x d."},
    {"model.seed", HESSE_KEY_INTEGER, .low = 0, .high = 0x1p64, .standard = "1",
     AT(seed), .help = "The seed of the initial parameters."},

    {"data.tokens", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     AT(data.paths), COUNT(data.n_paths), .absent = ONE_SOURCE,
     .help = "Token ids: a `.npy` file of integers, or a `.bin` of nanoGPT, llm.c, "
             "Megatron or `hesse tokenize`."},
    {"data.text", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     AT(data.paths), COUNT(data.n_paths), .absent = ONE_SOURCE,
     .help = "A text in UTF-8."},
    {"data.texts", HESSE_KEY_PATH, .list = true, .role = HESSE_KEY_NEITHER,
     .inside = "*", .least = 1, .most = MOST_ENTRIES, AT(data.paths),
     COUNT(data.n_paths), .absent = ONE_SOURCE,
     .help =
         "Texts with classes: one file of lines LABEL, tab, TEXT, or for each class "
         "a file of lines or a folder of files."},
    {"data.inputs", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     AT(data.paths), COUNT(data.n_paths), .absent = ONE_SOURCE,
     .help = "A `.npy` file of numbers, images or token ids, with `labels` or "
             "`targets`."},
    {"data.images", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     .inside = "*", AT(data.paths), COUNT(data.n_paths), .absent = ONE_SOURCE,
     .help =
         "Images: IDX (MNIST) or `.npy` with `labels`, CIFAR in binary (each may be "
         "compressed by gzip), or a folder with a folder of PNG files for each class."},
    {"data.generator", HESSE_KEY_WORD, .term = "the kind of data",
     .word = generator_word, AT(data.kind), .absent = ONE_SOURCE,
     .help = "Examples are drawn from `seed`."},
    {"data.labels", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     AT(data.labels), .absent = "none",
     .help = "Labels: a `.npy` file of integers, or IDX for images."},
    {"data.targets", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     AT(data.targets), .absent = "none", .help = "Targets: a `.npy` file of numbers."},
    {"data.mask", HESSE_KEY_PATH, .term = "a mask", .role = HESSE_KEY_NEITHER,
     .most = LONGEST, AT(data.mask), .absent = "none",
     .help =
         "A `.npy` file like `inputs` with 1 for a token and 0 for padding, which no "
         "token attends to; each row is padded at one end."},
    {"data.padding", HESSE_KEY_INTEGER, .term = "the id of padding", .low = 0,
     .high = (1 << 24) - 1, AT(padding), .absent = "none",
     .help = "The id of padding at an end of a row, in place of `mask`."},
    {"data.types", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     AT(data.types), .absent = "all 0",
     .help = "A `.npy` file like `inputs` with the type (segment) of each token."},
    {"data.shift", HESSE_KEY_TRUTH, .term = "shifted labels", AT(data.shift),
     .help =
         "Whether the labels stand as Hugging Face's collators write them: the label "
         "of a token is the token itself, and it is the target of the token before "
         "it."},
    {"data.vocabulary", HESSE_KEY_WORD, .words = vocabularies, AT(data.characters),
     .help = "The tokens of a text: the 256 bytes, or its distinct characters in "
             "ascending order."},
    {"data.words", HESSE_KEY_INTEGER, .term = "the words of the vocabulary", .low = 1,
     .high = 1 << 23, .absent = "the tokens are those of `vocabulary`", AT(data.words),
     .help = "The tokens are the words between white space: ids for this number of the "
             "most frequent words of all texts, and one id for all other words."},
    {"data.table", HESSE_KEY_PATH, .term = "the ids of the characters",
     .role = HESSE_KEY_NEITHER, .most = LONGEST,
     .absent = "the characters are numbered in ascending order", AT(data.table),
     .help = "The ids of the characters: a JSON file, `{\"stoi\": {\"a\": 0}}`."},
    {"data.width", HESSE_KEY_INTEGER, .term = "the bits of an id", .low = 16,
     .high = 64, .absent = "the file tells it, or 16", AT(data.width),
     .help = "The bits of an id in a `.bin` file: 16, 32 or 64."},
    {"data.context", HESSE_KEY_INTEGER, .term = "the context", .low = 1,
     .high = 1 << 24, .absent = "the model's context, or the length of the sequences",
     AT(data.context), .help = "The tokens of a sequence."},
    {"data.mask_rate", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0, .high = 1,
     .absent = "0.15", AT(data.mask_rate),
     .help =
         "The probability that a token is masked, for encoders with `task: masked`."},
    {"data.mask_id", HESSE_KEY_INTEGER, .low = 0, .high = (1 << 24) - 1,
     .absent = "one past the ids of the data", AT(mask_id),
     .help = "The token id that most masked tokens are replaced by."},
    {"data.size", HESSE_KEY_INTEGER, .low = 1, .high = 4096,
     .absent = "the size in the file", AT(data.size),
     .help = "Images are resized to this number of rows and columns by means over "
             "areas."},
    {"data.classes", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 20,
     .absent = "all (`images`)", AT(data.classes),
     .help =
         "`images`: only images with a label below this number are taken; otherwise "
         "the number of labels that are drawn."},
    {"data.normalise", HESSE_KEY_WORD, .words = scalings, AT(data.standard),
     .help =
         "`unit`: pixels are from 0 to 1; `standard`: moreover each channel has mean "
         "0 and standard deviation 1 over the images taken."},
    {"data.layout", HESSE_KEY_WORD, .term = "the order of the channels",
     .words = layouts,
     .absent = "`channels_last`; a shape that may have its channels first is refused",
     AT(data.layout),
     .help =
         "The dimensions of images in a `.npy` file: N x rows x columns x channels, "
         "or N x channels x rows x columns, as PyTorch has them."},
    {"data.mean", HESSE_KEY_NUMBER, .list = true, .low = -HESSE_NO_LIMIT,
     .high = HESSE_NO_LIMIT, .least = 1, .most = HESSE_MOST_CHANNELS, .absent = "all 0",
     AT(data.mean), COUNT(data.n_mean),
     .help =
         "The mean of each channel, or one for all: a pixel x, from 0 to 1, becomes "
         "(x - mean) / deviation, as in torchvision's `Normalize`."},
    {"data.deviation", HESSE_KEY_NUMBER, .list = true, .low = HESSE_ABOVE_0,
     .high = HESSE_NO_LIMIT, .least = 1, .most = HESSE_MOST_CHANNELS, .absent = "all 1",
     AT(data.deviation), COUNT(data.n_deviation),
     .help = "The standard deviation of each channel, or one for all."},
    {"data.features", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 20,
     AT(data.recipe.features), .help = "The length of a vector x."},
    {"data.scale", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT,
     AT(data.recipe.scale), .help = "The standard deviation of the numbers of x."},
    {"data.noise", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT,
     AT(data.recipe.noise),
     .help = "The standard deviation of x around the centre of its class, or of the "
             "targets around the outputs of the network (`outputs`)."},
    {"data.outputs", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 20,
     AT(data.recipe.outputs), .help = "The numbers of a token's target."},
    {"data.examples", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 20,
     AT(data.recipe.examples),
     .help = "The pairs (x, y) in a sequence before its question."},
    {"data.covariates", HESSE_KEY_WORD, .words = covariates, AT(data.recipe.covariates),
     .help = "The distribution of x."},
    {"data.shape", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT,
     .absent = "0.1", AT(data.recipe.shape),
     .help = "The shape of the gamma distribution, for `covariates: gamma`."},
    {"data.teacher", HESSE_KEY_INTEGER, .term = "a teacher of", .low = 1,
     .high = 1 << 20, .absent = "none", AT(data.recipe.teacher),
     .help =
         "The neurons of a fixed MLP, Linear(d, neurons), ReLU, Linear(neurons, d), "
         "whose values h of x are labelled in place of x: y = w . h."},
    {"data.teacher_seed", HESSE_KEY_INTEGER, .low = 0, .high = 0x1p64,
     AT(data.recipe.teacher_seed),
     .help =
         "The seed of that MLP, which is the same for every `seed`. Its weights and "
         "biases are uniform within 1 / sqrt(inputs)."},
    {"data.contour", HESSE_KEY_INTEGER, .low = 2, .high = 20, AT(data.recipe.contour),
     .help = "The segments of a contour."},
    {"data.distractors", HESSE_KEY_WORD, .words = distractors, AT(data.recipe.alone),
     .help =
         "Shorter contours beside the two that discs may lie on are `drawn`, or there "
         "are `none`."},
    {"data.sequences", HESSE_KEY_INTEGER, .low = 1, .high = INT32_MAX,
     .absent = "as many as there are, at most 16", AT(data.sequences),
     .help = "The number of examples: sequences, images or vectors."},
    {"data.batch", HESSE_KEY_INTEGER, .low = 1, .high = INT32_MAX, .absent = "1",
     AT(data.batch),
     .help = "The sequences of a micro-batch, a divisor of their number, for "
             "`hessian.reduction: micro_batches`."},
    {"data.seed", HESSE_KEY_INTEGER, .low = 0, .high = 0x1p64,
     .absent = "the first examples are taken", AT(data.seed),
     .help =
         "Examples are chosen at random by this seed, or drawn from it (from 0 when "
         "it is absent)."},

    {"hessian.scope", HESSE_KEY_WORD, .words = scopes, .standard = "both",
     AT(analysis.scope),
     .help = "Which matrices: the diagonal blocks, the whole matrix, or both."},
    {"hessian.partition", HESSE_KEY_WORD, .words = cuts, .standard = "tensor",
     AT(analysis.partition), .help = "How the parameters are cut into blocks."},
    {"hessian.groups", HESSE_KEY_TEXT, .table = true, .most = MOST_ENTRIES,
     .term = "groups of parameters", .absent = "by the roles of the parameters",
     AT(groups), COUNT(n_groups),
     .help = "The groups of `partition: group`: for each name, names or globs of "
             "parameters; the others are the group `other`."},
    {"hessian.only", HESSE_KEY_TEXT, .list = true, .least = 1, .most = MOST_ENTRIES,
     .absent = "all blocks", AT(analysis.only), COUNT(analysis.n_only),
     .help = "Names or globs of the blocks that are computed."},
    {"hessian.blocks", HESSE_KEY_WORD, .words = presets, .standard = "all",
     AT(analysis.preset), .help = "A published list of blocks, in place of `only`."},
    {"hessian.parts", HESSE_KEY_WORD, .list = true, .word = share_word, .least = 1,
     .most = MOST_ENTRIES, .standard = "[hessian]", AT(analysis.parts),
     COUNT(analysis.n_parts),
     .help =
         "The shares: the Hessian, its Gauss-Newton part, the rest, or the share of "
         "one kind of operator."},
    {"hessian.method", HESSE_KEY_WORD, .words = methods, .standard = "auto",
     .paper = "lanczos", AT(analysis.method),
     .help = "How spectra are computed: from dense matrices, by Lanczos quadrature "
             "without matrices, or as memory and time allow."},
    {"hessian.seconds", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT,
     .absent = "no limit", AT(analysis.seconds),
     .help = "The predicted time for dense matrices, in seconds, that `method: auto` "
             "allows."},
    {"hessian.reduction", HESSE_KEY_WORD, .words = reductions, .standard = "mean",
     .paper = "micro_batches", AT(reduction),
     .help =
         "The loss is the mean over targets, their sum, or the sum over micro-batches "
         "of their means."},
    {"hessian.panel", HESSE_KEY_INTEGER, .low = 1, .high = 1024, .standard = "24",
     AT(analysis.panel),
     .help = "The columns of a matrix that are computed together; twice as many in "
             "single precision."},
    {"hessian.precision", HESSE_KEY_WORD, .words = precisions, .standard = "double",
     AT(analysis.precision),
     .help = "The precision in which matrices are formed and decomposed. `single` is "
             "for previews of densities and distances: about twice as fast, in half of "
             "the memory, with about six digits of the largest eigenvalue. Estimates "
             "by Lanczos quadrature are always double."},
    {"hessian.repeats", HESSE_KEY_INTEGER, .low = 1, .high = 1000000, .standard = "1",
     AT(repeats),
     .help =
         "`hesse run` computes every point of a sweep this number of times and takes "
         "means: repeat r = 0, 1, ... adds r to `model.seed`, `data.seed` and "
         "`spectrum.lanczos.seed`."},
    {"hessian.memory", HESSE_KEY_SIZE, .role = HESSE_KEY_NEITHER, .most = 40,
     .absent = "the free memory", AT(analysis.memory),
     .help = "The memory that one rank may use, the program included."},

    {"spectrum.eigenvectors", HESSE_KEY_INTEGER, .low = 0, .high = INT32_MAX,
     .standard = "0", AT(analysis.eigenvectors),
     .help = "The eigenvectors that are stored from each end of a spectrum."},
    {"spectrum.engine", HESSE_KEY_WORD, .word = engine_word, .standard = "auto",
     AT(analysis.engine),
     .help = "The eigensolver of matrices that all ranks decompose together."},
    {"spectrum.lanczos.procedure", HESSE_KEY_WORD, .words = procedures,
     .standard = "own", AT(spectrum.paper),
     .help = "`paper` selects the procedure published with \"Why Transformers Need "
             "Adam\" and its defaults."},
    {"spectrum.lanczos.steps", HESSE_KEY_INTEGER, .low = 1, .high = 1000000,
     .standard = "100", AT(analysis.lanczos.steps),
     .help = "The steps of one probe, at most the order of the matrix."},
    {"spectrum.lanczos.probes", HESSE_KEY_INTEGER, .low = 1, .high = 1000000,
     .standard = "10", AT(analysis.lanczos.probes),
     .help = "The random vectors for one matrix."},
    {"spectrum.lanczos.reorthogonalise", HESSE_KEY_WORD, .words = orthogonalities,
     .standard = "full", .paper = "none", AT(analysis.lanczos.orthogonality),
     .help =
         "Each vector is made orthogonal to all before it: always (`full`, `true`), "
         "where an estimate asks for it (`selective`), or never (`none`, `false`)."},
    {"spectrum.lanczos.width", HESSE_KEY_INTEGER, .low = 1, .high = 1024,
     .standard = "24", AT(analysis.lanczos.width),
     .help = "The vectors that advance together, fewer where memory is short."},
    {"spectrum.lanczos.seed", HESSE_KEY_INTEGER, .low = 0, .high = 0x1p64,
     .standard = "0", AT(analysis.lanczos.seed),
     .help = "The seed of all random vectors."},
    {"spectrum.extreme.pairs", HESSE_KEY_INTEGER, .low = 0, .high = 1000000,
     .standard = "0", AT(analysis.extreme.pairs),
     .help =
         "For matrices that are not formed: eigenvalues at each end of the spectrum, "
         "each with a residual that bounds its error."},
    {"spectrum.extreme.tolerance", HESSE_KEY_NUMBER, .low = 1e-12, .high = 1,
     .standard = "1e-8", AT(analysis.extreme.tolerance),
     .help = "The largest residual, relative to the largest absolute eigenvalue."},
    {"spectrum.extreme.products", HESSE_KEY_INTEGER, .low = 1, .high = 1 << 30,
     .standard = "2000", AT(analysis.extreme.products),
     .help = "The search for one matrix stops after about this number of "
             "Hessian-vector products."},
    {"spectrum.extreme.block", HESSE_KEY_INTEGER, .low = 1, .high = 1024,
     .absent = "8, or 1 in wide models", AT(analysis.extreme.block),
     .help = "The vectors that are multiplied together."},
    {"spectrum.hutchinson.probes", HESSE_KEY_INTEGER, .low = 0, .high = 1000000,
     .standard = "0", AT(analysis.hutchinson.probes),
     .help = "For matrices that are not formed: random vectors that estimate trace, "
             "Frobenius norm and diagonal."},
    {"spectrum.hutchinson.sketch", HESSE_KEY_INTEGER, .low = 0, .high = 1000000,
     .standard = "0", AT(analysis.hutchinson.sketch),
     .help = "Hutch++: the dimension of the space that is treated exactly, at two "
             "products for each dimension."},
    {"spectrum.density.points", HESSE_KEY_INTEGER, .role = HESSE_KEY_OUTPUT, .low = 2,
     .high = 2000000, .standard = "1000", .paper = "50000", AT(spectrum.density.points),
     .help = "The points of the grid."},
    {"spectrum.density.bandwidth", HESSE_KEY_NUMBER, .role = HESSE_KEY_OUTPUT,
     .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT, .standard = "0.01",
     .paper = "0.0031622776601683794", AT(spectrum.density.bandwidth),
     .help = "The standard deviation of the Gaussian kernel."},
    {"spectrum.density.absolute", HESSE_KEY_TRUTH, .role = HESSE_KEY_OUTPUT,
     .standard = "false", .paper = "true", AT(spectrum.density.absolute),
     .help =
         "Whether the bandwidth is in units of eigenvalues; else it is a fraction of "
         "their range."},
    {"spectrum.density.scale", HESSE_KEY_WORD, .role = HESSE_KEY_OUTPUT,
     .words = scales, .standard = "none", AT(spectrum.density.tenth),
     .help = "`tenth`: eigenvalues are first divided by the 10th largest."},
    {"spectrum.density.past", HESSE_KEY_NUMBER, .role = HESSE_KEY_OUTPUT,
     .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT, .paper = "1",
     .absent = "4 bandwidths", AT(spectrum.density.past),
     .help =
         "How far the grid reaches past both ends of a spectrum, in units of (scaled) "
         "eigenvalues."},

    {"series.step", HESSE_KEY_INTEGER, .list = true, .role = HESSE_KEY_NEITHER,
     .words = step_words, .low = 0, .high = 999999999999999, .least = 1,
     .most = MOST_STEPS, .absent = "`name`", AT(series.given), COUNT(series.n_given),
     .help = "The steps of `model.checkpoints`, ascending: the last number in the name "
             "of each file or folder (`name`), or a list with a number for each."},

    {"metrics.distance", HESSE_KEY_WORD, .list = true, .role = HESSE_KEY_OUTPUT,
     .word = distance_word, .most = MOST_ENTRIES,
     .standard = "[js, js_raw, wasserstein]", AT(metrics.distance),
     COUNT(metrics.n_distance),
     .help =
         "The distances between the spectra of all pairs of blocks; the list may be "
         "empty."},

    {"train.optimiser", HESSE_KEY_WORD, .role = HESSE_KEY_TRAINING, .words = optimisers,
     .standard = "adamw", AT(train.options.optimiser.kind),
     .help = "The rule of a step, as `torch.optim` has it. `gd` takes all examples in "
             "every step."},
    {"train.learning_rate", HESSE_KEY_NUMBER, .term = "learning rate of the run",
     .role = HESSE_KEY_TRAINING, .list = true, .or_one = true, .low = HESSE_ABOVE_0,
     .high = HESSE_NO_LIMIT, .least = 1, .most = MOST_ENTRIES,
     .absent =
         "PyTorch's: 0.001, or 0.01 (`rmsprop`); for `gd` on `quadratic` the best "
         "constant one, 2 / (smallest + largest eigenvalue)",
     AT(train.rates), COUNT(train.n_rates),
     .help = "The learning rate. A list is a grid: one run for each rate."},
    {"train.seeds", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING, .list = true,
     .or_one = true, .low = 0, .high = INT32_MAX, .least = 1, .most = MOST_ENTRIES,
     .absent = "one run, with `model.seed` and `data.seed`", AT(train.seeds),
     COUNT(train.n_seeds),
     .help = "Seeds of initial values and of the order of examples; one run for each."},
    {"train.momentum", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING, .low = 0,
     .high = HESSE_NO_LIMIT, .absent = "0, or 0.95 (`muon`)",
     AT(train.options.optimiser.momentum),
     .help = "The momentum of `gd`, `sgd`, `sign`, `rmsprop` and `muon`."},
    {"train.nesterov", HESSE_KEY_TRUTH, .role = HESSE_KEY_TRAINING,
     .absent = "false, or true (`muon`)", AT(train.options.optimiser.nesterov),
     .help = "Whether momentum is Nesterov's."},
    {"train.betas", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING, .list = true,
     .low = 0, .high = 1, .least = 2, .most = 2, .standard = "[0.9, 0.999]",
     AT(train.options.optimiser.betas), COUNT(train.n_betas),
     .help =
         "The decay of Adam's first and second moments. A second one of 1 keeps the "
         "squares of the first gradient."},
    {"train.alpha", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING, .low = 0, .high = 1,
     .standard = "0.99", AT(train.options.optimiser.alpha),
     .help = "The decay of the mean of squares of `rmsprop`."},
    {"train.epsilon", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING, .low = 0,
     .high = HESSE_NO_LIMIT, .standard = "1e-8", AT(train.options.optimiser.epsilon),
     .help = "What is added to the roots of second moments."},
    {"train.weight_decay", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING, .low = 0,
     .high = HESSE_NO_LIMIT, .absent = "PyTorch's: 0, 0.01 (`adamw`) or 0.1 (`muon`)",
     AT(train.options.optimiser.weight_decay),
     .help = "Weight decay: part of the gradient, or separate from it (`adamw`, "
             "`adam_mini`, `muon`)."},
    {"train.clip.norm", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING,
     .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT, .absent = "no limit",
     AT(train.options.optimiser.clip_norm),
     .help = "The largest norm of the gradient of all trained parameters."},
    {"train.clip.coordinate", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING,
     .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT, .absent = "no limit",
     AT(train.options.optimiser.clip_coordinate),
     .help = "The largest absolute value of an entry of the gradient."},
    {"train.schedule.kind", HESSE_KEY_WORD, .role = HESSE_KEY_TRAINING,
     .words = schedules, .standard = "constant", AT(train.options.schedule.kind),
     .help = "How the learning rate changes after the warm-up."},
    {"train.schedule.warmup", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING, .low = 0,
     .high = INT32_MAX, .standard = "0", AT(train.options.schedule.warmup),
     .help =
         "The steps in which the learning rate grows linearly; step t = 0, 1, ... of "
         "w has (t + 1) / w of it."},
    {"train.schedule.final", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING, .low = 0,
     .high = 1, .standard = "0", AT(train.options.schedule.final),
     .help = "`linear`, `cosine`: the fraction of the learning rate at the end."},
    {"train.schedule.every", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING, .low = 1,
     .high = INT32_MAX, .absent = "required by `step`",
     AT(train.options.schedule.every),
     .help = "`step`: the steps between two reductions."},
    {"train.schedule.factor", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING,
     .low = HESSE_ABOVE_0, .high = 1, .standard = "0.1",
     AT(train.options.schedule.factor), .help = "`step`: the factor of a reduction."},
    {"train.steps", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING, .low = 1,
     .high = INT32_MAX, .standard = "1000", AT(train.steps),
     .help = "The number of steps."},
    {"train.batch", HESSE_KEY_TEXT, .role = HESSE_KEY_TRAINING, .most = 20,
     .absent = "16, at most all (`gd`: all)", AT(train.batch),
     .help = "The examples of a step, or `all`."},
    {"train.order", HESSE_KEY_WORD, .role = HESSE_KEY_TRAINING, .words = orders,
     .standard = "shuffled", AT(train.options.order),
     .help =
         "`shuffled`: every pass over the examples has a random order of its own, by "
         "`data.seed`; `sequential`: step i takes examples i b ... (i + 1) b - 1, "
         "counted round; `fresh`: every step draws new examples, for data that are "
         "drawn from a seed."},
    {"train.backtracking", HESSE_KEY_TRUTH, .role = HESSE_KEY_TRAINING,
     .standard = "false", AT(train.options.backtracking),
     .help =
         "`gd`: whether the rate of a step is found by backtracking. It begins with "
         "`learning_rate`, and in later steps with twice the rate of the step "
         "before; it is halved until the loss falls by at least half of the rate "
         "times the squared norm of the gradient."},
    {"train.stop.loss", HESSE_KEY_NUMBER, .role = HESSE_KEY_TRAINING,
     .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT, .absent = "no such end",
     AT(train.options.stop_loss),
     .help = "A run ends before `steps` when the loss of a step is at most this."},
    {"train.only", HESSE_KEY_TEXT, .term = "trained parameters",
     .role = HESSE_KEY_TRAINING, .list = true, .least = 1, .most = MOST_ENTRIES,
     .absent = "all parameters", AT(train.options.only), COUNT(train.options.n_only),
     .help = "Names or globs of the parameters that are trained."},
    {"train.stages", HESSE_KEY_TEXT, .role = HESSE_KEY_OUTPUT, .list = true, .least = 0,
     .most = MOST_ENTRIES, .standard = "[init, 100%]", AT(train.stages),
     COUNT(train.n_stages),
     .help =
         "The steps after which a checkpoint is written: `init`, a number of steps, "
         "or a percentage such as `50%`; the list may be empty."},
    {"train.evaluate.every", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING, .low = 1,
     .high = INT32_MAX, .absent = "before the first step and after the last",
     AT(train.evaluate_every),
     .help = "The steps between evaluations on held-out examples."},
    {"train.evaluate.sequences", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING,
     .low = 1, .high = INT32_MAX, .absent = "no evaluation, or all of `file`",
     AT(train.evaluate_sequences),
     .help = "The number of held-out examples. Without `file` they follow the examples "
             "that are trained on."},
    {"train.evaluate.file", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .most = LONGEST,
     .absent = "none", AT(train.evaluate_file),
     .help = "A file of held-out examples, read as that of `data` is."},
    {"train.measures.every", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING, .low = 1,
     .high = INT32_MAX, .absent = "no measures", AT(train.measure_every),
     .help = "The steps between measures along the run."},
    {"train.measures.examples", HESSE_KEY_WORD, .role = HESSE_KEY_TRAINING,
     .words = path_examples, .standard = "batch", AT(train.options.measures.examples),
     .help =
         "The examples of the norm of the gradient, both smoothnesses, the sharpness "
         "and the robust condition number along the run: `batch`: those of the "
         "measured step; `held_out`: all held-out examples (`train.evaluate`)."},
    {"train.measures.smoothness", HESSE_KEY_TRUTH, .role = HESSE_KEY_TRAINING,
     .standard = "true", AT(train.options.measures.smoothness),
     .help = "Whether directional smoothness along the update is measured."},
    {"train.measures.gradient_smoothness", HESSE_KEY_INTEGER,
     .role = HESSE_KEY_TRAINING, .low = 0, .high = 1000, .standard = "0",
     AT(train.options.measures.gradient_smoothness),
     .help = "The points between the parameters before and after a step at which "
             "smoothness is measured from differences of gradients; 0: it is not "
             "measured."},
    {"train.measures.sharpness", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING,
     .low = 0, .high = 10000, .standard = "20", AT(train.options.measures.sharpness),
     .help = "The Lanczos steps for the largest eigenvalue of the Hessian, and of the "
             "Hessian preconditioned as Adam does; 0: they are not measured."},
    {"train.measures.noise", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING, .low = 0,
     .high = 1000000, .standard = "0", AT(train.options.measures.noise),
     .help =
         "The mini-batches whose gradients are compared with that of all examples."},
    {"train.measures.critical_rate", HESSE_KEY_TRUTH, .role = HESSE_KEY_TRAINING,
     .standard = "false", AT(train.options.measures.critical_rate),
     .help = "Whether the learning rate is measured from which on a step along this "
             "update does not lower the loss of its batch, by bisection."},
    {"train.measures.classes", HESSE_KEY_INTEGER, .role = HESSE_KEY_TRAINING, .low = 0,
     .high = 1000000, .standard = "0", AT(train.options.measures.classes),
     .help = "The examples of each class for which the norm of the gradient and the "
             "trace of the Hessian are measured, where examples have one label."},
    {"train.measures.by_group", HESSE_KEY_TRUTH, .role = HESSE_KEY_TRAINING,
     .standard = "false", AT(train.options.measures.by_group),
     .help = "Whether the norm of the gradient, the smoothness and the sharpness are "
             "measured for each group of parameters, too (`hessian.groups`, or the "
             "groups of `hessian.partition: group`)."},
    {"train.measures.instability", HESSE_KEY_TRUTH, .role = HESSE_KEY_TRAINING,
     .standard = "false", AT(train.options.measures.instability),
     .help = "Whether the squared change of all outputs in a step over that of the "
             "parameters is measured, on the examples of `measures.examples`."},
    {"train.measures.robust_condition", HESSE_KEY_TRUTH, .role = HESSE_KEY_TRAINING,
     .standard = "false", AT(train.options.measures.robust_condition),
     .help = "Whether the largest over the median absolute entry of the Hessian's "
             "diagonal is measured, by as many products as there are parameters."},
    {"measures.directions", HESSE_KEY_TEXT, .list = true, .role = HESSE_KEY_OUTPUT,
     .least = 1, .most = MOST_ENTRIES, .absent = "none", AT(measures.directions),
     COUNT(measures.n_directions),
     .help =
         "Directions d whose curvature d' S d is computed: `gradient`, a checkpoint "
         "FILE, or FILE_A..FILE_B, the second checkpoint less the first."},
    {"measures.block_error", HESSE_KEY_WORD, .list = true, .role = HESSE_KEY_OUTPUT,
     .words = error_cuts, .least = 1, .most = MOST_ENTRIES, .absent = "none",
     AT(measures.block_error), COUNT(measures.n_block_error),
     .help = "Partitions for which the matrix without its off-diagonal blocks is "
             "compared with the whole matrix; `own` is `hessian.partition`."},
    {"measures.kronecker", HESSE_KEY_TRUTH, .role = HESSE_KEY_OUTPUT,
     .standard = "false", AT(analysis.kronecker),
     .help = "Whether every formed block of a matrix of parameters is compared with "
             "Kronecker products: the nearest one, and those of K-FAC and Shampoo."},
    {"measures.parts", HESSE_KEY_WORD, .list = true, .role = HESSE_KEY_OUTPUT,
     .word = share_word, .least = 1, .most = MOST_ENTRIES,
     .standard = "[hessian, gauss_newton]", AT(measures.parts), COUNT(measures.n_parts),
     .help = "The shares that directions and errors of blocks are computed for."},
    {"measures.probes", HESSE_KEY_INTEGER, .role = HESSE_KEY_OUTPUT, .low = 0,
     .high = 1000, .standard = "4", AT(measures.probes),
     .help = "The random vectors of the error of blocks, drawn from "
             "`spectrum.lanczos.seed`."},
    {"measures.products", HESSE_KEY_INTEGER, .role = HESSE_KEY_NEITHER, .low = 1,
     .high = 1 << 30, .standard = "20000", AT(measures.products),
     .help =
         "The most vectors that are multiplied for all directions, and the most for "
         "the error of blocks; a job that needs more is refused."},
    {"measures.scaling.name", HESSE_KEY_WORD, .words = scalings_of_shares,
     .standard = "none", AT(analysis.scaling.from),
     .help =
         "Besides every matrix A, D^(-1/2) A D^(-1/2) is studied, for a diagonal "
         "matrix "
         "D = \\|s\\|^power + epsilon. The numbers s are Adam's second moments, the "
         "diagonal of A or of the Gauss-Newton part, or the squares of the gradient."},
    {"measures.scaling.file", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER,
     .most = LONGEST, .absent = "none", AT(paths.moments),
     .help = "The second moments, for `exp_avg_sq`: a safetensors file with the "
             "tensors `NAME.exp_avg_sq`, or NAME, for every tensor NAME of the "
             "checkpoint. In a series a `*` stands for the digits of the step in the "
             "checkpoint's name."},
    {"measures.scaling.power", HESSE_KEY_NUMBER, .low = HESSE_ABOVE_0, .high = 16,
     .absent = "0.5 for `exp_avg_sq` and `gradient`, else 1",
     AT(analysis.scaling.power), .help = "The power of \\|s\\| in D."},
    {"measures.scaling.epsilon", HESSE_KEY_NUMBER, .low = 0, .high = HESSE_NO_LIMIT,
     .standard = "1e-8", AT(analysis.scaling.epsilon),
     .help = "The number that is added to \\|s\\|^power."},
    {"measures.tail", HESSE_KEY_TRUTH, .role = HESSE_KEY_OUTPUT, .standard = "false",
     AT(analysis.tail),
     .help = "Whether a power law is fitted to the largest eigenvalues of every "
             "spectrum that is computed."},
    {"measures.index", HESSE_KEY_NUMBER, .list = true, .low = -HESSE_NO_LIMIT,
     .high = HESSE_NO_LIMIT, .least = 1, .most = MOST_VALUES, .absent = "none",
     AT(analysis.index), COUNT(analysis.n_index),
     .help = "Values: the eigenvalues of dense matrices below each of them are counted "
             "without an eigensolver, by a factorisation on one rank; 0 gives the "
             "number of negative ones."},

    {"theory.draws", HESSE_KEY_INTEGER, .role = HESSE_KEY_THEORY, .low = 1,
     .high = 1000000, .standard = "1000", AT(theory.draws),
     .help = "The number of random draws. Draw k = 0, 1, ... has the seed `model.seed` "
             "+ k."},
    {"theory.tolerance", HESSE_KEY_NUMBER, .role = HESSE_KEY_THEORY, .low = 1e-100,
     .high = 1, .standard = "1e-6", AT(theory.tolerance),
     .help = "An optimiser has arrived when the norm of the gradient is this fraction "
             "of the first."},
    {"theory.steps", HESSE_KEY_INTEGER, .role = HESSE_KEY_THEORY, .low = 1,
     .high = INT32_MAX, .standard = "10000000", AT(theory.steps),
     .help = "The largest number of steps of an optimiser."},
    {"theory.learning_rate", HESSE_KEY_NUMBER, .role = HESSE_KEY_THEORY,
     .low = HESSE_ABOVE_0, .high = HESSE_NO_LIMIT,
     .absent = "the optimal one, 2 / (smallest + largest eigenvalue)",
     .term = "learning rate of gradient descent", AT(theory.learning_rate),
     .help = "The learning rate of gradient descent. Adam always has its optimal "
             "one."},
    {"theory.moments", HESSE_KEY_TRUTH, .role = HESSE_KEY_THEORY, .standard = "false",
     AT(theory.moments),
     .help = "`attention`: whether the moments of attention are written."},
    {"theory.project", HESSE_KEY_TRUTH, .role = HESSE_KEY_THEORY, .standard = "false",
     AT(theory.project),
     .help = "`attention`: whether eigenvalues without the directions of its "
             "symmetries are written."},

    {"landscape.directions", HESSE_KEY_TEXT, .list = true, .repeats = true,
     .or_one = true, .role = HESSE_KEY_LANDSCAPE, .least = 1,
     .most = HESSE_LANDSCAPE_AXES, .standard = "[random, random]",
     AT(landscape.directions), COUNT(landscape.options.axes),
     .help =
         "One or two directions: `random`, `gradient`, `eigenvector:K` (of the K-th "
         "largest eigenvalue of the Hessian; `eigenvector:-K`: of the K-th "
         "smallest), a checkpoint FILE, or FILE_A..FILE_B, the second checkpoint "
         "less the first."},
    {"landscape.normalise", HESSE_KEY_WORD, .role = HESSE_KEY_LANDSCAPE,
     .words = normalises, .absent = "filter if every direction is `random`, else none",
     AT(landscape.normalise),
     .help = "How directions are scaled: `filter` gives the weights of every output "
             "neuron the norm of the parameters there, `layer` every tensor, `unit` "
             "makes the length 1, `none` changes nothing."},
    {"landscape.biases", HESSE_KEY_WORD, .role = HESSE_KEY_LANDSCAPE,
     .words = bias_words, .standard = "zero", AT(landscape.options.vectors),
     .help = "What `filter` and `layer` make of tensors with one dimension: zeros, "
             "entries with the norm of the tensor (`keep`), or the parameters "
             "themselves (`copy`)."},
    {"landscape.orthogonal", HESSE_KEY_TRUTH, .role = HESSE_KEY_LANDSCAPE,
     .standard = "false", AT(landscape.options.orthogonal),
     .help =
         "Whether the second direction is made orthogonal to the first after it was "
         "normalised."},
    {"landscape.range", HESSE_KEY_NUMBER, .list = true, .role = HESSE_KEY_LANDSCAPE,
     .low = -HESSE_NO_LIMIT, .high = HESSE_NO_LIMIT, .least = 2, .most = 4,
     .standard = "[-1, 1]", AT(landscape.range), COUNT(landscape.n_range),
     .help = "The ends of both axes, or the ends of the first and then those of the "
             "second."},
    {"landscape.points", HESSE_KEY_INTEGER, .list = true, .or_one = true,
     .role = HESSE_KEY_LANDSCAPE, .low = 3, .high = 100001, .least = 1, .most = 2,
     .standard = "[51]", .term = "points of an axis", AT(landscape.points),
     COUNT(landscape.n_points),
     .help =
         "The points of both axes, or of each. The point 0 must be among them: with "
         "a range that is symmetric their number is odd."},
    {"landscape.gradient", HESSE_KEY_TRUTH, .role = HESSE_KEY_LANDSCAPE,
     .standard = "false", AT(landscape.options.gradient),
     .help = "Whether the norm of the gradient is computed at every point."},
    {"landscape.curvature", HESSE_KEY_TRUTH, .role = HESSE_KEY_LANDSCAPE,
     .standard = "false", AT(landscape.options.curvature),
     .help = "Whether the curvature along the directions and between them is computed "
             "at every point, by exact products."},
    {"landscape.seed", HESSE_KEY_INTEGER, .role = HESSE_KEY_LANDSCAPE, .low = 0,
     .high = 0x1p64, .standard = "0", AT(landscape.options.seed),
     .help = "Seed of random directions and of the search for eigenvectors."},

    {"output.file", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .written = true,
     .most = LONGEST,
     .absent = "the job file's name with `.h5`, for `hesse theory` with `.theory.h5`, "
               "for `hesse landscape` with `.landscape.h5`, beside it",
     AT(paths.output), .help = "The result file; `--output` overrides it."},
    {"output.folder", HESSE_KEY_PATH, .role = HESSE_KEY_NEITHER, .written = true,
     .most = LONGEST, .absent = "the job file's name without `.yaml`, beside it",
     AT(paths.folder), .help = "The folder of `hesse train`; `--output` overrides it."},
    {"output.csv", HESSE_KEY_TRUTH, .role = HESSE_KEY_NEITHER, .standard = "false",
     AT(train.csv),
     .help = "Whether `hesse train` writes its log as comma-separated values, too."},
    {"output.matrices", HESSE_KEY_TRUTH, .role = HESSE_KEY_OUTPUT, .standard = "false",
     AT(analysis.matrices), .help = "Whether the matrices themselves are stored."},
    {"output.products", HESSE_KEY_TRUTH, .role = HESSE_KEY_OUTPUT, .standard = "false",
     AT(measures.keep_products),
     .help = "Whether the products of the Hessian, and of the other `measures.parts`, "
             "with the vectors of `measures.directions` are stored."},
    {"output.stretch", HESSE_KEY_NUMBER, .role = HESSE_KEY_NEITHER, .low = 0,
     .high = 86400, .standard = "120", AT(output.stretch),
     .help = "Unfinished matrices, training runs and landscapes are saved after this "
             "time, in seconds: the most work that a killed run loses."},
};

enum { KEYS = sizeof keys / sizeof *keys };
_Static_assert((int)KEYS <= (int)HESSE_MOST_KEYS, "a job has a value for every key");

const hesse_key *hesse_key_at(int i)
{
    return i < KEYS ? &keys[i] : NULL;
}

int hesse_key_find(const char *path)
{
    int i = 0;
    while (i < KEYS && strcmp(keys[i].path, path) != 0) i++;
    return i < KEYS ? i : -1;
}

hesse_word hesse_key_word(const hesse_key *key, int i)
{
    static const hesse_word none = {NULL, 0};
    const hesse_word *words = key->type == HESSE_KEY_TRUTH ? truths : key->words;
    if (key->word) return key->word(i);
    return words ? words[i] : none;
}

int hesse_key_word_named(const hesse_key *key, const char *name)
{
    hesse_word w;
    for (int i = 0; (w = hesse_key_word(key, i)).name; i++)
        if (strcmp(w.name, name) == 0) return i;
    return -1;
}

void hesse_key_limits(const hesse_key *key, char text[64])
{
    const bool above_0 = key->low == HESSE_ABOVE_0;
    if (key->low == -HESSE_NO_LIMIT)
        snprintf(text, 64, "that is finite");
    else if (key->high == 0x1p64)
        snprintf(text, 64, "from %.15g to 2^64 - 1", key->low);
    else if (above_0 && key->high < HESSE_NO_LIMIT)
        snprintf(text, 64, "above 0 and at most %.15g", key->high);
    else if (above_0)
        snprintf(text, 64, "above 0");
    else if (key->high < HESSE_NO_LIMIT)
        snprintf(text, 64, "from %.15g to %.15g", key->low, key->high);
    else
        snprintf(text, 64, "from %.15g", key->low);
}

const char *hesse_job_word(const char *path, int value)
{
    const hesse_key *key = &keys[hesse_key_find(path)];
    int i = 0;
    while (hesse_key_word(key, i).name && hesse_key_word(key, i).value != value) i++;
    return hesse_key_word(key, i).name ? hesse_key_word(key, i).name : "";
}
