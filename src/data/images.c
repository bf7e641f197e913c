/* zlib reads what is not compressed as it is. A file comes into memory whole: CIFAR's have
   30 MB. Formats: LeCun, Cortes & Burges, "The MNIST database"; Krizhevsky, "The CIFAR-10
   dataset". */
#include "data/images.h"

#include "base/memory.h"
#include "base/random.h"
#include "files/file.h"
#include "files/npy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { DEFAULT_COUNT = 16, MOST_BYTES = 1 << 30, PIECE = 1 << 20, CIFAR = 32 };

typedef struct bytes {
    unsigned char *at;
    size_t count;
} bytes;

/* The images of a file, and where image i and its label are. Of an image a plane for every
   channel, or all channels of a pixel together. */
typedef struct store {
    const char *path;
    bytes images, labels;
    size_t count;
    int rows, cols, channels;
    size_t record, first, label_record, label_first; /* bytes */
    bool together;
} store;

static hesse_status inflate_all(const char *path, gzFile file, bytes *b, hesse_why *why)
{
    size_t room = 0;
    for (int got = 1; got > 0; b->count += (size_t)got) {
        if (b->count == MOST_BYTES)
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: expected at most 1 GiB when inflated", path);
        if (b->count + PIECE > room) {
            room = room ? 2 * room : 4 * (size_t)PIECE;
            unsigned char *more = hesse_calloc(room, 1);
            if (!more) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
            if (b->at) memcpy(more, b->at, b->count);
            free(b->at);
            b->at = more;
        }
        got = gzread(file, b->at + b->count, PIECE);
        if (got < 0)
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: is damaged: it cannot be inflated", path);
    }
    return HESSE_OK;
}

static hesse_status load(const char *path, hesse_digester *digest, bytes *b,
                         hesse_why *why)
{
    FILE *there = NULL;
    size_t size;
    hesse_status s = hesse_file_open(path, &there, &size, why);
    if (s) return s;
    fclose(there);
    gzFile file = gzopen(path, "rb");
    if (!file) return hesse_fail(why, HESSE_E_INPUT, "%s: cannot be read", path);
    s = inflate_all(path, file, b, why);
    if (gzclose(file) != Z_OK && !s)
        s = hesse_fail(why, HESSE_E_INPUT, "%s: is damaged: it ends too early", path);
    if (!s) hesse_digest_add(digest, b->at, b->count);
    return s;
}

static size_t number(const unsigned char *at)
{
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

/* The header of an IDX file of bytes with so many dimensions, each at most 2^24. */
static hesse_status idx(const char *path, const bytes *b, int rank, size_t *shape,
                        hesse_why *why)
{
    const size_t header = 4 + 4 * (size_t)rank;
    const bool known = b->count >= header && !b->at[0] && !b->at[1] && b->at[2] == 8;
    size_t all = 1;
    if (!known || b->at[3] != rank)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: is no IDX file of bytes with %d dimensions", path, rank);
    for (int i = 0; i < rank; i++) {
        shape[i] = number(b->at + 4 + 4 * i);
        if (shape[i] < 1 || shape[i] > 1 << 24 || all > MOST_BYTES / shape[i])
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: dimension %d is %zu, expected one that fits 1 GiB",
                              path, i, shape[i]);
        all *= shape[i];
    }
    if (b->count == header + all) return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: holds %zu bytes after its header, expected %zu", path,
                      b->count - header, all);
}

static hesse_status open_idx(const hesse_images_request *r, store *x, hesse_why *why)
{
    size_t shape[3], labels = 0;
    hesse_status s = idx(r->images, &x->images, 3, shape, why);
    if (!s) s = idx(r->labels, &x->labels, 1, &labels, why);
    if (!s && shape[0] != labels)
        s = hesse_fail(why, HESSE_E_INPUT, "%s: holds %zu labels, expected %zu as %s",
                       r->labels, labels, shape[0], r->images);
    if (s) return s;
    x->count = shape[0], x->rows = (int)shape[1], x->cols = (int)shape[2];
    x->channels = 1, x->record = shape[1] * shape[2], x->first = 16;
    x->label_record = 1, x->label_first = 8;
    return HESSE_OK;
}

/* The header of an array of integers in memory, of so many bytes each at most. */
static hesse_status npy(const char *path, const bytes *b, int width, hesse_npy *form,
                        hesse_why *why)
{
    FILE *f = b->count ? fmemopen(b->at, b->count, "rb") : NULL;
    hesse_status s = f ? hesse_npy_header(f, path, b->count, form, why)
                       : hesse_fail(why, HESSE_E_INPUT, "%s: cannot be read", path);
    if (f) fclose(f);
    if (s || (strchr("iu", form->kind) && form->width <= width && !form->fortran))
        return s;
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: holds type '%c%d'%s, expected integers of %s by rows; numbers "
        "of other types are for 'data.inputs'",
        path, form->kind, form->width, form->fortran ? " by columns" : "",
        width == 1 ? "1 byte" : "at most 8 bytes");
}

/* Labels of any width become bytes. */
static hesse_status npy_labels(const char *path, const hesse_npy *form, bytes *b,
                               hesse_why *why)
{
    const size_t width = (size_t)form->width;
    for (size_t i = 0; i < form->count; i++) {
        const unsigned char *at = b->at + form->data + i * width;
        const unsigned char label = at[form->big ? width - 1 : 0];
        size_t rest = 0;
        for (size_t j = 0; j < width; j++) rest += at[j] != 0;
        if (rest != (label != 0) || (form->kind == 'i' && width == 1 && label > 127))
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: label %zu (from 0) is not from 0 to 255", path, i);
        b->at[i] = label;
    }
    return HESSE_OK;
}

static hesse_status open_npy(const hesse_images_request *r, store *x, hesse_why *why)
{
    hesse_npy images, labels;
    hesse_status s = npy(r->images, &x->images, 1, &images, why);
    if (!s) s = npy(r->labels, &x->labels, 8, &labels, why);
    if (!s && (images.rank < 3 || images.rank > 4 || labels.rank != 1))
        s = hesse_fail(
            why, HESSE_E_INPUT,
            "%s: arrays of rank %d and %d, expected images x rows x columns, "
            "or also x channels, and as many labels",
            r->images, images.rank, labels.rank);
    if (!s && images.shape[0] != labels.shape[0])
        s = hesse_fail(why, HESSE_E_INPUT, "%s: holds %zu labels, expected %zu as %s",
                       r->labels, labels.shape[0], images.shape[0], r->images);
    for (int i = 1; !s && i < images.rank; i++)
        if (images.shape[i] < 1 || images.shape[i] > 1 << 15)
            s = hesse_fail(why, HESSE_E_INPUT,
                           "%s: dimension %d is %zu, expected 1 to 32768", r->images, i,
                           images.shape[i]);
    if (!s) s = npy_labels(r->labels, &labels, &x->labels, why);
    if (s) return s;
    x->count = images.shape[0], x->together = true;
    x->rows = (int)images.shape[1], x->cols = (int)images.shape[2];
    x->channels = images.rank == 4 ? (int)images.shape[3] : 1;
    x->record = x->count ? images.count / x->count : 0, x->first = images.data;
    x->label_record = 1;
    return HESSE_OK;
}

static hesse_status open_cifar(store *x, hesse_why *why)
{
    const size_t pixels = (size_t)CIFAR * CIFAR * 3;
    const size_t labels = strstr(x->path, "100") ? 2 : 1;
    x->record = x->label_record = pixels + labels;
    if (x->images.count == 0 || x->images.count % x->record)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: holds %zu bytes, expected records of %zu: CIFAR's images, "
            "or IDX or .npy with 'data.labels' beside it",
            x->path, x->images.count, x->record);
    x->count = x->images.count / x->record;
    x->rows = x->cols = CIFAR, x->channels = 3;
    x->first = labels, x->label_first = labels - 1;
    return HESSE_OK;
}

/* What the first bytes say that it is. */
static hesse_status open_store(const hesse_images_request *r, store *x, hesse_why *why)
{
    static const unsigned char mark[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    if (!r->labels) return open_cifar(x, why);
    const bool is_npy =
        x->images.count > sizeof mark && !memcmp(x->images.at, mark, sizeof mark);
    return is_npy ? open_npy(r, x, why) : open_idx(r, x, why);
}

static int label_of(const store *x, size_t i)
{
    const bytes *b = x->labels.at ? &x->labels : &x->images;
    return b->at[x->label_first + i * x->label_record];
}

/* Mean over the area of a channel that a pixel of the small image covers. */
static double area_mean(const store *x, const unsigned char *from, double row,
                        double col, double rows, double cols)
{
    const size_t step = x->together ? (size_t)x->channels : 1;
    double sum = 0;
    for (int r = (int)row; r < x->rows && r < row + rows; r++) {
        const double height = fmin(r + 1, row + rows) - fmax(r, row);
        for (int c = (int)col; c < x->cols && c < col + cols; c++)
            sum += height * (fmin(c + 1, col + cols) - fmax(c, col)) *
                   from[step * ((size_t)r * (size_t)x->cols + (size_t)c)];
    }
    return sum / (rows * cols) / 255;
}

static void put(const store *x, size_t image, const hesse_batch *b, double *to)
{
    const double high = (double)x->rows / b->rows, wide = (double)x->cols / b->cols;
    const unsigned char *from = x->images.at + x->first + image * x->record;
    const size_t plane = x->together ? 1 : (size_t)x->rows * (size_t)x->cols;
    for (int i = 0; i < b->rows; i++)
        for (int j = 0; j < b->cols; j++)
            for (size_t c = 0; c < (size_t)x->channels; c++)
                *to++ = area_mean(x, from + c * plane, i * high, j * wide, high, wide);
}

/* Mean 0 and deviation 1 over all images; a channel that is constant only loses its mean. */
static void standardise(hesse_batch *b)
{
    const size_t step = (size_t)b->width;
    const size_t count = (size_t)b->sequences * (size_t)b->context;
    for (size_t c = 0; c < step; c++) {
        double *const x = b->x + c, sum = 0, squares = 0;
        for (size_t i = 0; i < count; i++) sum += x[i * step];
        for (size_t i = 0; i < count; i++) {
            x[i * step] -= sum / (double)count;
            squares += x[i * step] * x[i * step];
        }
        const double spread = sqrt(squares / (double)count);
        for (size_t i = 0; i < count; i++) x[i * step] /= spread > 0 ? spread : 1;
    }
}

/* Selection sampling among those whose label is wanted, as tokens.c has it. */
static hesse_status choose(const hesse_images_request *r, const store *x,
                           hesse_batch *b, hesse_why *why)
{
    size_t available = 0, taken = 0, seen = 0;
    int end = 0;
    for (size_t i = 0; i < x->count; i++) {
        const int label = label_of(x, i);
        available += !r->classes || label < r->classes;
        end = label >= end ? label + 1 : end;
    }
    const size_t wanted = r->count                    ? (size_t)r->count
                          : available < DEFAULT_COUNT ? available
                                                      : DEFAULT_COUNT;
    if (available < wanted || !wanted)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: holds %zu images of the classes asked for, expected %zu or "
            "more",
            x->path, available, wanted ? wanted : 1);
    const size_t each = (size_t)b->rows * (size_t)b->cols * (size_t)x->channels;
    if (wanted > MOST_BYTES / each)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: %zu images are too many", x->path,
                          wanted);
    b->sequences = (int)wanted, b->labels = 1,
    b->classes = r->classes ? r->classes : end;
    b->x = hesse_alloc(wanted * each);
    b->target = hesse_calloc(wanted, sizeof *b->target);
    if (!b->x || !b->target)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for %zu images",
                          x->path, wanted);
    for (size_t i = 0; i < x->count && taken < wanted; i++) {
        if (r->classes && label_of(x, i) >= r->classes) continue;
        const double left = (double)(available - seen++);
        if (r->shuffle && hesse_uniform(r->seed, HESSE_RANDOM_CHOICE, i) * left >=
                              (double)(wanted - taken))
            continue;
        b->target[taken] = label_of(x, i);
        put(x, i, b, b->x + taken++ * each);
    }
    return HESSE_OK;
}

static hesse_status make(const hesse_images_request *r, const store *x, hesse_batch *b,
                         hesse_why *why)
{
    if (r->size > x->rows || r->size > x->cols)
        return hesse_fail(
            why, HESSE_E_JOB,
            "%s: images have %d x %d pixels, expected a size of at most that", x->path,
            x->rows, x->cols);
    b->rows = r->size ? r->size : x->rows, b->cols = r->size ? r->size : x->cols;
    b->context = b->rows * b->cols, b->width = x->channels;
    const hesse_status s = choose(r, x, b, why);
    if (!s && r->standard) standardise(b);
    return s;
}

hesse_status hesse_images_read(const hesse_images_request *request, hesse_batch *batch,
                               hesse_why *why)
{
    store x = {.path = request->images};
    hesse_digester *digest = hesse_digest_begin();
    *batch = (hesse_batch){0};
    hesse_status s = digest
                         ? HESSE_OK
                         : hesse_fail(why, HESSE_E_NOMEM, "out of memory for a digest");
    if (!s) s = load(request->images, digest, &x.images, why);
    if (!s && request->labels) s = load(request->labels, digest, &x.labels, why);
    if (!s) s = open_store(request, &x, why);
    if (!s) s = make(request, &x, batch, why);
    if (!s)
        hesse_digest_end(digest, batch->digest);
    else if (digest)
        hesse_digest_drop(digest);
    free(x.images.at);
    free(x.labels.at);
    if (s) hesse_batch_free(batch);
    return s;
}
