/* Residual nets of basic blocks.
   Source: He, Zhang, Ren & Sun, arXiv:1512.03385. Names and initial values as in
   torchvision. */
#include "network/families/convolution.h"
#include "network/families/family.h"

#include <stdio.h>

static hesse_stream conv_and_norm(hesse_builder *b, hesse_stream x, hesse_view view,
                                  int out, const char *conv, const char *norm)
{
    x = hesse_build_conv(b, x, view, hesse_kernels(out, view.kernel, false), conv);
    return hesse_build_batchnorm(b, x, norm);
}

/* A basic block: two convolutions, and what goes around them. */
static hesse_stream residual(hesse_builder *b, hesse_stream x, int out, int stride)
{
    hesse_stream y =
        conv_and_norm(b, x, (hesse_view){3, stride, 1}, out, "conv1", "bn1");
    y = hesse_build_activation(b, y);
    y = conv_and_norm(b, y, (hesse_view){3, 1, 1}, out, "conv2", "bn2");
    if (stride != 1 || x.width != out)
        x = conv_and_norm(b, x, (hesse_view){1, stride, 0}, out, "downsample.0",
                          "downsample.1");
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
    x = hesse_build_mean_pool(b, x);
    x = hesse_build_linear(
        b, x, hesse_affine_uniform(x.width, a->data.outputs, true, HESSE_ROLE_HEAD),
        "fc");
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

static const hesse_owned_key keys[] = {{"width", "64"},
                                       {"classes", NULL},
                                       {"activation", "relu"},
                                       {"norm_eps", "1e-5"},
                                       {"blocks", "[2, 2, 2, 2]"},
                                       {"stem", "imagenet"},
                                       {"batch_norm", "training"},
                                       {"loss", "cross_entropy"},
                                       {NULL, NULL}};

const hesse_family hesse_family_resnet = {
    .name = "resnet",
    .help = "Residual net of basic blocks, with batch normalisation.",
    .reads = HESSE_READS_IMAGES,
    .keys = keys,
    .check = check,
    .build = build,
};
