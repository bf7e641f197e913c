/* Residual nets of basic blocks or bottlenecks.
   Source: He, Zhang, Ren & Sun, arXiv:1512.03385. Names and initial values as in
   torchvision, whose bottleneck has its stride in the 3 x 3 convolution. */
#include "network/families/convolution.h"
#include "network/families/family.h"

#include <stdbool.h>
#include <stdio.h>

enum { EXPANSION = 4 };

/* Names of the shortcut's convolution and norm, and of the head. The second row is that
   of the usual nets for CIFAR. */
typedef struct resnet_names {
    const char *shortcut, *shortcut_norm, *head;
} resnet_names;

static const resnet_names *names_of(const hesse_arch *a)
{
    static const resnet_names names[] = {{"downsample.0", "downsample.1", "fc"},
                                         {"shortcut.0", "shortcut.1", "linear"}};
    return &names[a->layout.names != 0];
}

static hesse_stream conv_and_norm(hesse_builder *b, hesse_stream x, hesse_view view,
                                  int out, const char *conv, const char *norm)
{
    x = hesse_build_conv(b, x, view, hesse_kernels(out, view.kernel, false), conv);
    return hesse_build_batchnorm(b, x, norm);
}

/* A basic block has two convolutions of the stage's width. */
static hesse_stream basic(hesse_builder *b, hesse_stream x, int width, int stride)
{
    x = conv_and_norm(b, x, (hesse_view){3, stride, 1}, width, "conv1", "bn1");
    x = hesse_build_activation(b, x);
    return conv_and_norm(b, x, (hesse_view){3, 1, 1}, width, "conv2", "bn2");
}

/* A bottleneck has one 3 x 3 convolution, which has the stride, between two of 1 x 1.
   The last one has four times the width. */
static hesse_stream bottleneck(hesse_builder *b, hesse_stream x, int width, int stride)
{
    x = conv_and_norm(b, x, (hesse_view){1, 1, 0}, width, "conv1", "bn1");
    x = hesse_build_activation(b, x);
    x = conv_and_norm(b, x, (hesse_view){3, stride, 1}, width, "conv2", "bn2");
    x = hesse_build_activation(b, x);
    return conv_and_norm(b, x, (hesse_view){1, 1, 0}, EXPANSION * width, "conv3",
                         "bn3");
}

static hesse_stream residual(hesse_builder *b, hesse_stream x, int width, int stride)
{
    const resnet_names *n = names_of(b->arch);
    const hesse_stream y =
        (b->arch->image.bottleneck ? bottleneck : basic)(b, x, width, stride);
    if (stride != 1 || x.width != y.width)
        x = conv_and_norm(b, x, (hesse_view){1, stride, 0}, y.width, n->shortcut,
                          n->shortcut_norm);
    return hesse_build_activation(b, hesse_build_join(b, &hesse_op_sum, y, x));
}

static void build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    const hesse_view stem =
        a->image.small_stem ? (hesse_view){3, 1, 1} : (hesse_view){7, 2, 3};
    int width = a->width;
    hesse_stream x =
        conv_and_norm(b, hesse_build_numbers(b), stem, width, "conv1", "bn1");
    x = hesse_build_activation(b, x);
    if (!a->image.small_stem) x = hesse_build_max_pool(b, x, (hesse_view){3, 2, 1});
    for (int s = 0; s < a->lists.n_widths; s++, width *= 2)
        for (int i = 0; i < a->lists.widths[s]; i++) {
            char module[32];
            snprintf(module, sizeof module, "layer%d.%d.", s + 1, i);
            b->module = module, b->layer = i;
            x = residual(b, x, width, s && !i ? 2 : 1);
            b->module = "", b->layer = -1;
        }
    x = hesse_build_mean_pool(b, x, HESSE_IDS_NONE);
    x = hesse_build_linear(
        b, x, hesse_affine_uniform(x.width, a->data.outputs, true, HESSE_ROLE_HEAD),
        names_of(a)->head);
    hesse_build_loss(b, x);
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_size_limit own[] = {{"width", a->width, 0},
                                    {"number of stages", a->lists.n_widths, 0}};
    hesse_status s = hesse_check_sizes(sizeof own / sizeof *own, own, why);
    for (int i = 0; !s && i < a->lists.n_widths; i++)
        s = hesse_check_sizes(1,
                              &(hesse_size_limit){"number of blocks of a stage",
                                                  a->lists.widths[i],
                                                  HESSE_CONFIG_LAYERS},
                              why);
    return s;
}

/* A first block of a later stage changes the size of the image, so it has a shortcut
   with parameters unless the shortcut is a subsampled image padded with zero channels.
 */
static hesse_status probe(const hesse_safetensors *file, const char *path,
                          hesse_arch *arch, hesse_why *why)
{
    arch->layout.names = hesse_layout_has(file, "linear.weight");
    if (arch->lists.n_widths < 2 || !hesse_layout_has(file, "layer2.0.conv1.weight") ||
        hesse_layout_has(file, "layer2.0.downsample.0.weight") ||
        hesse_layout_has(file, "layer2.0.shortcut.0.weight"))
        return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: found no convolution in the shortcut of layer2.0, expected "
                      "one of 1 x 1 (option B of He et al.); shortcuts that pad with "
                      "zero channels (option A) are not computed here",
                      path);
}

static const hesse_owned_key keys[] = {
    {"width", "64"},      {"classes", NULL},          {"activation", "relu"},
    {"norm_eps", "1e-5"}, {"blocks", "[2, 2, 2, 2]"}, {"block", "basic"},
    {"stem", "imagenet"}, {"batch_norm", "training"}, {"loss", "cross_entropy"},
    {NULL, NULL}};

const hesse_family hesse_family_resnet = {
    .name = "resnet",
    .help = "Residual net of basic blocks or bottlenecks, with batch normalisation.",
    .reads = HESSE_READS_IMAGES,
    .keys = keys,
    .check = check,
    .build = build,
    .probe = probe,
};
