/* VGG: 3 x 3 convolutions and pooling, then linear layers.
   Source: Simonyan & Zisserman, arXiv:1409.1556. Names and initial values as in
   torchvision. */
#include "network/families/convolution.h"
#include "network/families/family.h"

#include <stdio.h>

/* Layers are numbered one by one, whether they have parameters or not. */
static hesse_stream vgg_features(hesse_builder *b, hesse_stream x)
{
    const hesse_arch *a = b->arch;
    const bool norm = a->image.batch_norm != HESSE_BATCH_NORM_NONE;
    char name[32];
    int at = 0;
    for (int i = 0; i < a->lists.n_widths; i++) {
        if (!a->lists.widths[i]) {
            x = hesse_build_max_pool(b, x, (hesse_view){2, 2, 0}), at++;
            continue;
        }
        snprintf(name, sizeof name, "features.%d", at++);
        x = hesse_build_conv(b, x, (hesse_view){3, 1, 1},
                             hesse_kernels(a->lists.widths[i], 3, true), name);
        if (norm) snprintf(name, sizeof name, "features.%d", at++);
        x = hesse_build_batchnorm(b, x, name);
        x = hesse_build_activation(b, x), at++;
    }
    return x;
}

static void build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    hesse_stream x = vgg_features(b, hesse_build_numbers(b));
    if (a->image.pool && (x.rows != a->image.pool || x.cols != a->image.pool))
        x = hesse_build_fields(b, x, a->image.pool);
    for (int i = 0; i <= a->lists.n_dense; i++) {
        const bool last = i == a->lists.n_dense;
        hesse_affine map = {.out = last ? a->data.outputs : a->lists.dense[i],
                            .bias = true,
                            .role = last ? HESSE_ROLE_HEAD : HESSE_ROLE_UP,
                            .init = {.spread = 0.01}};
        char name[32];
        snprintf(name, sizeof name, "classifier.%d", 3 * i);
        x = i ? hesse_build_linear(b, x, map, name) : hesse_build_flat(b, x, map, name);
        if (!last) x = hesse_build_activation(b, x);
    }
    hesse_build_loss(b, x);
}

/* The side of the image before the classifier, by the columns of its first matrix: as
   many for each pixel as the last convolution has channels. 0 where they are those of
   the image that is left. */
static int side_of(const hesse_safetensors *file, const hesse_arch *arch)
{
    const hesse_tensor *t = hesse_layout_tensor(file, arch, "classifier.0.weight");
    int last = arch->lists.n_widths - 1;
    while (last >= 0 && !arch->lists.widths[last]) last--;
    if (arch->image.pool || !t || t->rank != 2 || last < 0) return arch->image.pool;
    const size_t channels = (size_t)arch->lists.widths[last],
                 pixels = t->shape[1] / channels;
    size_t side = 1, rows = (size_t)arch->data.rows, cols = (size_t)arch->data.cols;
    for (int i = 0; i < arch->lists.n_widths; i++)
        if (!arch->lists.widths[i]) rows /= 2, cols /= 2;
    if (rows * cols == pixels) return 0;
    while (side * side < pixels) side++;
    return side * side * channels == t->shape[1] && side <= 4096 ? (int)side : 0;
}

static void widen(const hesse_safetensors *file, hesse_arch *arch)
{
    arch->image.pool = side_of(file, arch);
}

/* Windows must fit into what pooling leaves of an image. */
static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_size_limit own[] = {{"number of widths", a->lists.n_widths, 0}};
    hesse_status s = hesse_check_sizes(1, own, why);
    int rows = a->data.rows, cols = a->data.cols;
    for (int i = 0; !s && i < a->lists.n_dense; i++)
        s = hesse_check_sizes(
            1, &(hesse_size_limit){"width of a dense layer", a->lists.dense[i], 0},
            why);
    for (int i = 0; !s && i < a->lists.n_widths; i++) {
        if (a->lists.widths[i]) continue;
        rows /= 2, cols /= 2;
        if (rows < 1 || cols < 1)
            return hesse_fail(why, HESSE_E_JOB,
                              "model: images of %d x %d pixels are gone after fewer "
                              "poolings than there are",
                              a->data.rows, a->data.cols);
    }
    return s;
}

static const hesse_owned_key keys[] = {
    {"classes", NULL},
    {"activation", "relu"},
    {"norm_eps", "1e-5"},
    {"widths", "[64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0]"},
    {"dense", "[4096, 4096]"},
    {"pool", NULL},
    {"batch_norm", "none"},
    {"loss", "cross_entropy"},
    {NULL, NULL}};

const hesse_family hesse_family_vgg = {
    .name = "vgg",
    .help = "VGG: convolutions and pooling, then linear layers; with or without batch "
            "normalisation.",
    .reads = HESSE_READS_IMAGES,
    .pools = true,
    .keys = keys,
    .check = check,
    .build = build,
    .widen = widen,
};
