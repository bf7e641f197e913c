/* An array of images from PyTorch, with its channels first, looks like one of images
   with few rows and many channels, so a shape that may be either is refused. */
#include "data/layout.h"

#include <stdio.h>
#include <string.h>

static bool is_usual(size_t channels)
{
    return channels == 1 || channels == 3;
}

hesse_status hesse_layout_choose(hesse_image_layout layout, const char *path,
                                 const hesse_npy *form, bool *first, hesse_why *why)
{
    enum { MOST = 4 };
    const size_t *n = form->shape;
    *first = layout == HESSE_LAYOUT_CHANNELS_FIRST;
    if (layout != HESSE_LAYOUT_BY_SHAPE || !is_usual(n[1])) return HESSE_OK;
    if (n[3] <= MOST && !is_usual(n[3])) return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: found shape %zu x %zu x %zu x %zu, which %s channels first, "
                      "expected N x rows x columns x channels; state the "
                      "order of the channels (channels_first or channels_last)",
                      path, n[0], n[1], n[2], n[3],
                      n[3] > MOST ? "looks like" : "may have its");
}

static void append(char text[HESSE_BATCH_FORM], const char *more)
{
    const size_t at = strlen(text);
    snprintf(text + at, HESSE_BATCH_FORM - at, "%s", more);
}

void hesse_layout_describe(const char *format, const hesse_npy *form, int rows,
                           int cols, int channels, bool first,
                           char text[HESSE_BATCH_FORM])
{
    const char kind = form ? form->kind : 'u';
    const char *type = kind == 'f'   ? "float"
                       : kind == 'i' ? "int"
                       : kind == 'b' ? "bool"
                                     : "uint";
    snprintf(text, HESSE_BATCH_FORM, "%s, %s%d, %d x %d pixels, %d channel%s", format,
             type, 8 * (form ? form->width : 1), rows, cols, channels,
             channels == 1 ? ""
             : first       ? "s first"
                           : "s last");
}

static void append_list(const char *name, int count, const double *list,
                        char text[HESSE_BATCH_FORM])
{
    char number[40];
    if (!count) return;
    append(text, name);
    for (int i = 0; i < count; i++) {
        snprintf(number, sizeof number, "%s%.6g", i ? ", " : " [", list[i]);
        append(text, number);
    }
    append(text, "]");
}

void hesse_layout_describe_scale(const hesse_data_options *o,
                                 char text[HESSE_BATCH_FORM])
{
    append(text, o->standard ? ", each channel standardised" : ", pixels from 0 to 1");
    append_list(", mean", o->n_mean, o->mean, text);
    append_list(", deviation", o->n_deviation, o->deviation, text);
}
