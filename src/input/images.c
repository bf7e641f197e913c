/* zlib reads what is not compressed as it is. A file comes into memory whole: CIFAR's have
   30 MB. Formats: LeCun, Cortes & Burges, "The MNIST database"; Krizhevsky, "The CIFAR-10
   dataset". */
#include "input/images.h"

#include "base/memory.h"
#include "base/random.h"
#include "input/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { DEFAULT_COUNT = 16, MOST_BYTES = 1 << 30, PIECE = 1 << 20, CIFAR = 32 };

typedef struct bytes {
    unsigned char *at;
    size_t count;
} bytes;

/* The images of a file, and where image i and its label are. */
typedef struct store {
    const char *path;
    bytes images, labels;
    size_t count;
    int rows, cols, channels;
    size_t record, first, label_record, label_first; /* bytes */
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

static hesse_status open_cifar(store *x, hesse_why *why)
{
    const size_t pixels = (size_t)CIFAR * CIFAR * 3;
    const size_t labels = strstr(x->path, "100") ? 2 : 1;
    x->record = x->label_record = pixels + labels;
    if (x->images.count == 0 || x->images.count % x->record)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: holds %zu bytes, expected records of %zu: CIFAR's images, "
            "or IDX with 'data.labels' beside it",
            x->path, x->images.count, x->record);
    x->count = x->images.count / x->record;
    x->rows = x->cols = CIFAR, x->channels = 3;
    x->first = labels, x->label_first = labels - 1;
    return HESSE_OK;
}

static int label_of(const store *x, size_t i)
{
    const bytes *b = x->labels.at ? &x->labels : &x->images;
    return b->at[x->label_first + i * x->label_record];
}

/* Mean over the area of an image that a pixel of the small one covers. */
static double area_mean(const store *x, const unsigned char *plane, double row,
                        double col, double rows, double cols)
{
    double sum = 0;
    for (int r = (int)row; r < x->rows && r < row + rows; r++) {
        const double height = fmin(r + 1, row + rows) - fmax(r, row);
        for (int c = (int)col; c < x->cols && c < col + cols; c++)
            sum += height * (fmin(c + 1, col + cols) - fmax(c, col)) *
                   plane[(size_t)r * (size_t)x->cols + (size_t)c];
    }
    return sum / (rows * cols) / 255;
}

static void put(const store *x, size_t image, bool flat, hesse_batch *b, double *to)
{
    const int rows = b->rows, cols = b->cols, channels = x->channels;
    const double high = (double)x->rows / rows, wide = (double)x->cols / cols;
    const unsigned char *from = x->images.at + x->first + image * x->record;
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < cols; j++) {
                const int at =
                    flat ? (c * rows + i) * cols + j : (i * cols + j) * channels + c;
                to[at] = area_mean(x, from + c * x->rows * x->cols, i * high, j * wide,
                                   high, wide);
            }
}

/* Mean 0 and deviation 1 over all images; a channel that is constant only loses its mean. */
static void standardise(const store *x, bool flat, hesse_batch *b)
{
    const size_t pixels = (size_t)b->rows * (size_t)b->cols;
    const size_t channels = (size_t)x->channels, images = (size_t)b->sequences;
    for (size_t c = 0; c < channels; c++) {
        double sum = 0, squares = 0;
        const size_t step = flat ? 1 : channels, first = flat ? c * pixels : c;
        for (int round = 0; round < 3; round++) {
            const double mean = sum / (double)(images * pixels);
            const double spread = sqrt(squares / (double)(images * pixels));
            for (size_t s = 0; s < images; s++)
                for (size_t i = 0; i < pixels; i++) {
                    double *v = &b->x[s * pixels * channels + first + i * step];
                    if (round == 0) sum += *v;
                    if (round == 1) squares += (*v - mean) * (*v - mean);
                    if (round == 2) *v = (*v - mean) / (spread > 0 ? spread : 1);
                }
        }
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
        put(x, i, r->flat, b, b->x + taken++ * each);
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
    if (s) return s;
    if (r->standard) standardise(x, r->flat, b);
    if (!r->flat) return HESSE_OK;
    b->width *= b->context, b->context = 1, b->rows = b->cols = 0;
    return HESSE_OK;
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
    if (!s) s = request->labels ? open_idx(request, &x, why) : open_cifar(&x, why);
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
