/** The places of a window in an image whose pixels are the tokens of a sequence. */
#ifndef HESSE_OPS_IMAGE_H
#define HESSE_OPS_IMAGE_H

#include "ops/op.h"

#include <assert.h>

/** Return the number of places of the window in one direction. The window never goes
 *  beyond the margin. */
static inline int hesse_image_places(int size, int kernel, const hesse_image *x)
{
    assert(size + 2 * x->pad >= kernel);
    return (size + 2 * x->pad - kernel) / x->stride + 1;
}

/** Return the tokens of an output that has one for each place of the window, row by
 *  row. */
static inline int hesse_image_tokens(const hesse_dims *d)
{
    const hesse_image *x = &d->image;
    assert(x->rows * x->cols == d->t);
    return hesse_image_places(x->rows, x->kernel_rows, x) *
           hesse_image_places(x->cols, x->kernel_cols, x);
}

/** Return the same number for all sequences of a frame. */
static inline int hesse_image_all(const hesse_dims *d)
{
    return d->n / d->t * hesse_image_tokens(d);
}

/** The window of a token of the output. */
typedef struct hesse_window {
    int first;    /* the first token of its image, in the frame   */
    int row, col; /* its corner; negative or beyond in the margin */
} hesse_window;

static inline hesse_window hesse_window_of(const hesse_dims *d, int token)
{
    const hesse_image *x = &d->image;
    const int cols = hesse_image_places(x->cols, x->kernel_cols, x);
    const int all = hesse_image_tokens(d), at = token % all;
    return (hesse_window){token / all * d->t, at / cols * x->stride - x->pad,
                          at % cols * x->stride - x->pad};
}

/** Return the token of the input under a place of the kernel; -1: in the margin. */
static inline int hesse_window_token(const hesse_dims *d, hesse_window w, int row,
                                     int col)
{
    const int r = w.row + row, c = w.col + col;
    const bool inside = r >= 0 && r < d->image.rows && c >= 0 && c < d->image.cols;
    return inside ? w.first + r * d->image.cols + c : -1;
}

#endif /* HESSE_OPS_IMAGE_H */
