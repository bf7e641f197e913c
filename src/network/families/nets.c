/* MLPs and convolutional nets.
   Sources: Simonyan & Zisserman, arXiv:1409.1556, VGG; He, Zhang, Ren & Sun,
   arXiv:1512.03385, residual nets; names and initial values as in torchvision. */
#include "network/families/families.h"

#include <math.h>
#include <stdio.h>

/* PyTorch's own: uniform within 1 / sqrt(inputs). */
static hesse_affine dense(int in, int out, bool bias, hesse_role role)
{
    const hesse_init init = {.spread = 1 / sqrt(in), .uniform = true};
    return (hesse_affine){
        .out = out, .bias = bias, .role = role, .init = init, .bias_init = init};
}

/* He, Zhang, Ren & Sun, arXiv:1502.01852: normal, by the outputs that a number reaches. */
static hesse_affine kernels(int out, int kernel, bool bias)
{
    const double reached = (double)out * kernel * kernel;
    return (hesse_affine){.out = out,
                          .bias = bias,
                          .role = HESSE_ROLE_CONV,
                          .init = {.spread = sqrt(2 / reached)}};
}

void hesse_build_mlp(hesse_builder *b, double times)
{
    const hesse_arch *a = b->arch;
    hesse_stream x = hesse_build_numbers(b);
    for (int l = 0; l <= a->lists.n_widths; l++) {
        const bool last = l == a->lists.n_widths;
        const int out = last ? a->data.outputs : a->lists.widths[l];
        char name[32];
        snprintf(name, sizeof name, "layers.%d", l);
        b->layer = l;
        x = hesse_build_linear(
            b, x,
            dense(x.width, out, a->mlp_bias, last ? HESSE_ROLE_HEAD : HESSE_ROLE_UP),
            name);
        if (l < a->lists.n_multipliers && a->lists.multipliers[l] != 1)
            x = hesse_build_apply(b, &hesse_op_scale,
                                  (hesse_dims){.a = a->lists.multipliers[l]}, x);
        if (!last) x = hesse_build_activation(b, x);
    }
    hesse_build_loss(b, x, times);
}

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
                             kernels(a->lists.widths[i], 3, true), name);
        if (norm) snprintf(name, sizeof name, "features.%d", at++);
        x = hesse_build_batchnorm(b, x, name);
        x = hesse_build_activation(b, x), at++;
    }
    return x;
}

void hesse_build_vgg(hesse_builder *b, double times)
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
    hesse_build_loss(b, x, times);
}

static hesse_stream conv_and_norm(hesse_builder *b, hesse_stream x, hesse_view view,
                                  int out, const char *conv, const char *norm)
{
    x = hesse_build_conv(b, x, view, kernels(out, view.kernel, false), conv);
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

void hesse_build_resnet(hesse_builder *b, double times)
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
    x = hesse_build_linear(b, x, dense(x.width, a->data.outputs, true, HESSE_ROLE_HEAD),
                           "fc");
    hesse_build_loss(b, x, times);
}
