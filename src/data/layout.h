/** The order of the dimensions of images in an array, and the words that say how images
 *  were read. */
#ifndef HESSE_DATA_LAYOUT_H
#define HESSE_DATA_LAYOUT_H

#include "files/npy.h"
#include "hesse/data.h"
#include "network/batch.h"

/** Local. Find out whether channels come first in an array of rank 4. Without a layout,
 *  dimension 1 being 1 or 3 says that they may, and then the last one must be the
 * number of channels: 4 or less, and not 1 or 3 as well.
 *
 *  first  [out]  true: N x channels x rows x columns.
 *  Errors: HESSE_E_INPUT, with the advice to state the layout. */
hesse_status hesse_layout_choose(hesse_image_layout layout, const char *path,
                                 const hesse_npy *form, bool *first, hesse_why *why);

/** Local. Say how images were read: format, type of a number (NULL: bytes), size,
 *  channels and their layout. */
void hesse_layout_describe(const char *format, const hesse_npy *form, int rows,
                           int cols, int channels, bool first,
                           char text[HESSE_BATCH_FORM]);

/** Local. Append how the pixels of `images` are scaled. */
void hesse_layout_describe_scale(const hesse_data_options *options,
                                 char text[HESSE_BATCH_FORM]);

#endif /* HESSE_DATA_LAYOUT_H */
