/* Quadratics whose Hessian has given eigenvalues, block by block.
   Source: Zhang et al., arXiv:2402.16788, section 3. */
#include "network/families/family.h"

#include <stdio.h>

/* Examples are the rows of A, diagonal by blocks as H = A' A is: y = A w, and with 0
   wanted of it the loss is 1/2 |y|^2 = 1/2 w' H w, whatever the reduction. */
static void build(hesse_builder *b)
{
    const hesse_arch *a = b->arch;
    const hesse_stream rows = hesse_build_numbers(b);
    hesse_stream y = {0};
    for (int l = 0, first = 0; l < a->lists.n_widths; first += a->lists.widths[l++]) {
        char name[32];
        snprintf(name, sizeof name, "blocks.%d", l);
        const hesse_affine map = {
            .out = 1, .role = HESSE_ROLE_UP, .init = {.spread = 1}};
        const hesse_stream x = hesse_build_channels(b, rows, first, a->lists.widths[l]);
        const hesse_stream part = hesse_build_map(b, x, map, name);
        y = l ? hesse_build_join(b, &hesse_op_sum, y, part) : part;
    }
    b->graph->loss_weight = 0.5;
    hesse_build_loss(b, y);
}

static void complete(hesse_arch *arch)
{
    arch->data.loss = HESSE_LOSS_SQUARED_ERROR;
}

static hesse_status check(const hesse_arch *a, hesse_why *why)
{
    const hesse_size_limit own[] = {{"number of blocks", a->lists.n_widths, 0}};
    return hesse_check_sizes(1, own, why);
}

static const hesse_owned_key keys[] = {
    {"widths", NULL}, {"eigenvalues", NULL}, {NULL, NULL}};

const hesse_family hesse_family_quadratic = {
    .name = "quadratic",
    .help = "A quadratic loss with given eigenvalues, diagonal by blocks.",
    .reads = HESSE_READS_NUMBERS,
    .data = "quadratic",
    .keys = keys,
    .complete = complete,
    .check = check,
    .build = build,
};
