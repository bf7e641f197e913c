/* libpng reports errors by a jump, so all that is freed after one lies in a struct. */
#include "files/png.h"

#ifdef HESSE_HAVE_PNG

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 15 };

typedef struct reader {
    const unsigned char *bytes;
    size_t left;
    char fault[80];
} reader;

static void take(png_structp png, png_bytep to, size_t count)
{
    reader *r = png_get_io_ptr(png);
    if (count > r->left) png_error(png, "the file is cut short");
    memcpy(to, r->bytes, count);
    r->bytes += count, r->left -= count;
}

static void stop(png_structp png, png_const_charp message)
{
    reader *r = png_get_error_ptr(png);
    snprintf(r->fault, sizeof r->fault, "%s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

/* The rows are allocated by libpng. */
static void read_pixels(png_structp png, png_infop info, hesse_png *to)
{
    png_read_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    const int type = png_get_color_type(png, info);
    if (png_get_bit_depth(png, info) != 8 ||
        (type != PNG_COLOR_TYPE_GRAY && type != PNG_COLOR_TYPE_RGB))
        png_error(png, "8 bits, grey or RGB without alpha, are expected");
    to->rows = (int)png_get_image_height(png, info);
    to->cols = (int)png_get_image_width(png, info);
    to->channels = type == PNG_COLOR_TYPE_GRAY ? 1 : 3;
    const size_t row = (size_t)to->cols * (size_t)to->channels;
    to->pixels = malloc((size_t)to->rows * row);
    if (!to->pixels) png_error(png, "out of memory");
    png_bytepp rows = png_get_rows(png, info);
    for (int i = 0; i < to->rows; i++)
        memcpy(to->pixels + (size_t)i * row, rows[i], row);
}

hesse_status hesse_png_decode(const char *path, const void *bytes, size_t size,
                              hesse_png *to, hesse_why *why)
{
    reader r = {.bytes = bytes, .left = size};
    *to = (hesse_png){0};
    if (size < 8 || png_sig_cmp((png_const_bytep)bytes, 0, 8))
        return hesse_fail(why, HESSE_E_INPUT, "%s: found no PNG file, expected one",
                          path);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, stop, ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    }
    if (!setjmp(png_jmpbuf(png))) {
        png_set_read_fn(png, &r, take);
        png_set_user_limits(png, MOST, MOST);
        read_pixels(png, info, to);
    }
    png_destroy_read_struct(&png, &info, NULL);
    if (!*r.fault) return HESSE_OK;
    free(to->pixels);
    to->pixels = NULL;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: found a PNG file that cannot be read: %s", path, r.fault);
}

#else

hesse_status hesse_png_decode(const char *path, const void *bytes, size_t size,
                              hesse_png *to, hesse_why *why)
{
    (void)bytes, (void)size;
    *to = (hesse_png){0};
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: found a PNG file, but this program was built without libpng",
                      path);
}

#endif
