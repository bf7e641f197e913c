/* The list of operators, and the names of their shares. */
#include "ops/op.h"

#include <string.h>

const hesse_op *const hesse_ops[] = {
    &hesse_op_linear,
    &hesse_op_linear_unbiased,
    &hesse_op_embedding,
    &hesse_op_layernorm,
    &hesse_op_layernorm_unbiased,
    &hesse_op_layernorm_plain,
    &hesse_op_layernorm_heads,
    &hesse_op_rmsnorm,
    &hesse_op_rmsnorm_heads,
    &hesse_op_rmsnorm_one_plus,
    &hesse_op_rmsnorm_one_plus_heads,
    &hesse_op_rotary,
    &hesse_op_scores,
    &hesse_op_softmax,
    &hesse_op_mix,
    &hesse_op_gelu,
    &hesse_op_gelu_tanh,
    &hesse_op_relu,
    &hesse_op_silu,
    &hesse_op_tanh,
    &hesse_op_product,
    &hesse_op_sum,
    &hesse_op_cross_entropy,
    &hesse_op_squared_error,
    &hesse_op_binary_cross_entropy,
    &hesse_op_conv,
    &hesse_op_conv_unbiased,
    &hesse_op_max_pool,
    &hesse_op_average_pool,
    &hesse_op_adaptive_pool,
    &hesse_op_mean_pool,
    &hesse_op_batchnorm,
    &hesse_op_batchnorm_given,
    &hesse_op_gaussian,
    &hesse_op_scale,
    &hesse_op_select,
    &hesse_op_mask,
    &hesse_op_channels,
    &hesse_op_append,
    &hesse_op_class_token,
    &hesse_op_transpose,
    &hesse_op_positions,
    &hesse_op_mapped_positions,
    &hesse_op_gather,
    &hesse_op_spread,
    &hesse_op_sum_fields,
    &hesse_op_max_fields,
    &hesse_op_rank_fields,
    &hesse_op_softmax_fields,
    &hesse_op_add_table,
    &hesse_op_times_table,
    &hesse_op_quotient,
    &hesse_op_maximum,
    &hesse_op_minimum,
    &hesse_op_exp,
    &hesse_op_log,
    &hesse_op_sqrt,
    &hesse_op_rsqrt,
    &hesse_op_reciprocal,
    &hesse_op_sigmoid,
    &hesse_op_softplus,
    &hesse_op_erf,
    &hesse_op_sin,
    &hesse_op_cos,
    &hesse_op_abs,
    &hesse_op_square,
    &hesse_op_power,
    &hesse_op_leaky_relu,
    &hesse_op_elu,
    &hesse_op_hardswish,
    &hesse_op_positive,
    &hesse_op_atan,
    &hesse_op_floor,
    &hesse_op_round,
    &hesse_op_mean_loss,
    NULL,
};

/* The names of shares. */
static const struct {
    const char *name;
    hesse_kinds kinds;
} shares[] = {
    {"hessian", HESSE_ALL},
    {"gauss_newton", HESSE_GAUSS_NEWTON},
    {"functional", HESSE_FUNCTIONAL},
    {"linear", HESSE_LINEAR},
    {"embedding", HESSE_EMBEDDING},
    {"layernorm", HESSE_LAYERNORM},
    {"rmsnorm", HESSE_RMSNORM},
    {"rotary", HESSE_ROTARY},
    {"scores", HESSE_SCORES},
    {"softmax", HESSE_SOFTMAX},
    {"mix", HESSE_MIX},
    {"gelu", HESSE_GELU},
    {"relu", HESSE_RELU},
    {"silu", HESSE_SILU},
    {"product", HESSE_PRODUCT},
    {"sum", HESSE_SUM},
    {"cross_entropy", HESSE_CROSS_ENTROPY},
    {"squared_error", HESSE_SQUARED_ERROR},
    {"binary_cross_entropy", HESSE_BINARY_CROSS_ENTROPY},
    {"conv", HESSE_CONV},
    {"pool", HESSE_POOL},
    {"batchnorm", HESSE_BATCHNORM},
    {"gaussian", HESSE_GAUSSIAN},
    {"tanh", HESSE_TANH},
    {"scale", HESSE_SCALE},
    {"move", HESSE_MOVE},
    {"elementwise", HESSE_ELEMENTWISE},
    {"mean_loss", HESSE_MEAN_LOSS},
};

hesse_kinds hesse_kinds_named(const char *name)
{
    for (size_t i = 0; name && i < sizeof shares / sizeof *shares; i++)
        if (strcmp(name, shares[i].name) == 0) return shares[i].kinds;
    return (hesse_kinds)0;
}

hesse_kinds hesse_kinds_at(int i)
{
    return i >= 0 && i < (int)(sizeof shares / sizeof *shares) ? shares[i].kinds
                                                               : (hesse_kinds)0;
}

const char *hesse_kinds_name(hesse_kinds kinds)
{
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (shares[i].kinds == kinds) return shares[i].name;
    return "";
}
