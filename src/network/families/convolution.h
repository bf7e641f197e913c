/** Functions that the convolutional families share. */
#ifndef HESSE_NETWORK_FAMILIES_CONVOLUTION_H
#define HESSE_NETWORK_FAMILIES_CONVOLUTION_H

#include "network/build.h"

#include <math.h>

/** Local. Kernels with normal initial values by the outputs that a number reaches.
 *  Source: He, Zhang, Ren & Sun, arXiv:1502.01852. */
static inline hesse_affine hesse_kernels(int out, int kernel, bool bias)
{
    const double reached = (double)out * kernel * kernel;
    return (hesse_affine){.out = out,
                          .bias = bias,
                          .role = HESSE_ROLE_CONV,
                          .init = {.spread = sqrt(2 / reached)}};
}

#endif /* HESSE_NETWORK_FAMILIES_CONVOLUTION_H */
