/* Images and their labels: IDX of bytes (MNIST); .npy of bytes, N x rows x columns, or
   also with channels, which are last or first, with a .npy of integers; or the binary
   records of CIFAR-10 and CIFAR-100. Each of them is raw or gzip. A whole file is read
   into memory: files of CIFAR have 30 MB. Source: Krizhevsky, "The CIFAR-10 dataset".
 */
#include "data/choose.h"
#include "data/class_labels.h"
#include "data/kinds.h"
#include "data/layout.h"

#include "base/memory.h"
#include "data/class_folders.h"
#include "files/file.h"
#include "files/gzip.h"
#include "files/idx.h"
#include "files/kind.h"
#include "files/npy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NUMBERS = 1 << 30, CIFAR = 32, CIFAR_PIXELS = CIFAR * CIFAR * 3 };

static const hesse_owned_key keys[] = {
    {"labels", NULL}, {"size", NULL}, {"classes", NULL},   {"normalise", "unit"},
    {"layout", NULL}, {"mean", NULL}, {"deviation", NULL}, {NULL, NULL}};

static hesse_data_reader read_examples;

const hesse_data_kind hesse_data_images = {
    .name = "images",
    .help =
        "Images with labels: IDX (MNIST), `.npy` of bytes, or CIFAR's binary "
        "files, raw or gzip; or a folder with a folder of PNG files for each class.",
    .examples =
        1 << HESSE_READS_IMAGES | 1 << HESSE_READS_NUMBERS | 1 << HESSE_READS_IDS,
    .least_paths = 1,
    .most_paths = 1,
    .keys = keys,
    .read = read_examples};

typedef struct bytes {
    unsigned char *at;
    size_t count;
} bytes;

/* The images of a file, and the places of image i and its label. */
typedef struct store {
    const char *path;
    bytes images, labels;
    size_t count;
    int rows, cols, channels;
    size_t record, first, label_record, label_first; /* bytes */
    bool together; /* the channels of a pixel are together; false: every channel is a
                      plane */
    int classes;   /* 0: the largest label + 1 */
    const char *format;
    hesse_npy form; /* type of a number; IDX and CIFAR have bytes */
} store;

static hesse_status load(const char *path, hesse_digester *digest, bytes *b,
                         hesse_why *why)
{
    const hesse_status s = hesse_gzip_load(path, &b->at, &b->count, why);
    if (!s) hesse_digest_add(digest, b->at, b->count);
    return s;
}

static hesse_status open_idx(const char *labels_path, store *x, hesse_why *why)
{
    hesse_idx images, labels;
    hesse_status s =
        hesse_idx_header(x->path, x->images.at, x->images.count, 3, &images, why);
    if (!s)
        s = hesse_idx_header(labels_path, x->labels.at, x->labels.count, 1, &labels,
                             why);
    if (!s && images.shape[0] != labels.shape[0])
        s = hesse_fail(why, HESSE_E_INPUT, "%s: holds %zu labels, expected %zu as %s",
                       labels_path, labels.shape[0], images.shape[0], x->path);
    if (s) return s;
    x->count = images.shape[0], x->format = "IDX";
    x->rows = (int)images.shape[1], x->cols = (int)images.shape[2], x->channels = 1;
    x->record = images.shape[1] * images.shape[2], x->first = images.data;
    x->label_record = 1, x->label_first = labels.data;
    return HESSE_OK;
}

/* Reads the header of an array in memory, whose elements are integers of at most
   `width` bytes. */
static hesse_status npy(const char *path, const bytes *b, int width, hesse_npy *form,
                        hesse_why *why)
{
    FILE *f = b->count ? fmemopen(b->at, b->count, "rb") : NULL;
    hesse_status s = f ? hesse_npy_header(f, path, b->count, form, why)
                       : hesse_fail(why, HESSE_E_INPUT, "%s: cannot be read", path);
    if (f) fclose(f);
    if (s || (strchr("iu", form->kind) && form->width <= width && !form->fortran))
        return s;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: holds type '%c%d'%s, expected integers of %s by rows; other "
                      "numbers are data of the kind 'inputs'",
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

/* Pixels are 0 to 255. Where they were converted to bytes with a sign, those above 127
   have become negative. */
static hesse_status check_pixels(const char *path, const hesse_npy *form,
                                 const bytes *b, hesse_why *why)
{
    for (size_t i = 0; form->kind == 'i' && i < form->count; i++)
        if (b->at[form->data + i] > 127)
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: element %zu (from 0) of type int8 is %d, expected "
                              "pixels from 0 to 255 of type uint8",
                              path, i, (int)b->at[form->data + i] - 256);
    return HESSE_OK;
}

static hesse_status open_npy(const hesse_data_options *o, store *x, hesse_why *why)
{
    const char *const labels_path = o->labels;
    bool first = false;
    hesse_npy images, labels;
    hesse_status s = npy(x->path, &x->images, 1, &images, why);
    if (!s) s = npy(labels_path, &x->labels, 8, &labels, why);
    if (!s && (images.rank < 3 || images.rank > 4 || labels.rank != 1))
        s = hesse_fail(
            why, HESSE_E_INPUT,
            "%s: arrays of rank %d and %d, expected images x rows x columns, "
            "or also x channels, and as many labels",
            x->path, images.rank, labels.rank);
    if (!s && images.shape[0] != labels.shape[0])
        s = hesse_fail(why, HESSE_E_INPUT, "%s: holds %zu labels, expected %zu as %s",
                       labels_path, labels.shape[0], images.shape[0], x->path);
    for (int i = 1; !s && i < images.rank; i++)
        if (images.shape[i] < 1 || images.shape[i] > 1 << 15)
            s = hesse_fail(why, HESSE_E_INPUT,
                           "%s: dimension %d is %zu, expected 1 to 32768", x->path, i,
                           images.shape[i]);
    if (!s && images.rank == 4)
        s = hesse_layout_choose(o->layout, x->path, &images, &first, why);
    if (!s) s = check_pixels(x->path, &images, &x->images, why);
    if (!s) s = npy_labels(labels_path, &labels, &x->labels, why);
    if (s) return s;
    const int row = first ? 2 : 1;
    x->count = images.shape[0], x->together = !first;
    x->rows = (int)images.shape[row], x->cols = (int)images.shape[row + 1];
    x->channels = images.rank == 4 ? (int)images.shape[first ? 1 : 3] : 1;
    x->format = ".npy", x->form = images;
    x->record = x->count ? images.count / x->count : 0, x->first = images.data;
    x->label_record = 1;
    return HESSE_OK;
}

/* True if all records of a file begin with labels that exist: one below 10, or a coarse
   one below 20 and a fine one below 100. */
static bool has_cifar_labels(const bytes *b, size_t labels)
{
    const size_t record = CIFAR_PIXELS + labels;
    for (size_t at = 0; at < b->count; at += record)
        if (labels == 1 ? b->at[at] >= 10 : b->at[at] >= 20 || b->at[at + 1] >= 100)
            return false;
    return true;
}

/* A record has one label in CIFAR-10, and two in CIFAR-100, where the second one, the
   fine label, is taken. If the length of the file allows both kinds of record, the
   labels decide. */
static hesse_status open_cifar(store *x, hesse_why *why)
{
    const bytes *b = &x->images;
    bool fits[3] = {false};
    for (size_t n = 1; n <= 2; n++)
        fits[n] = b->count && b->count % (CIFAR_PIXELS + n) == 0;
    if (fits[1] && fits[2])
        for (size_t n = 1; n <= 2; n++) fits[n] = has_cifar_labels(b, n);
    if (fits[1] == fits[2])
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: holds %zu bytes, which %s records of %d (CIFAR-10) or %d "
            "bytes (CIFAR-100); IDX and .npy need a file of labels beside them",
            x->path, b->count, fits[1] ? "may be" : "are not", CIFAR_PIXELS + 1,
            CIFAR_PIXELS + 2);
    const size_t labels = fits[1] ? 1 : 2;
    x->record = x->label_record = CIFAR_PIXELS + labels;
    x->count = b->count / x->record;
    x->format = labels == 1 ? "CIFAR-10" : "CIFAR-100 (fine labels)";
    x->rows = x->cols = CIFAR, x->channels = 3;
    x->first = labels, x->label_first = labels - 1;
    return HESSE_OK;
}

static bool begins(const bytes *b, const char *mark)
{
    return b->count > strlen(mark) && memcmp(b->at, mark, strlen(mark)) == 0;
}

/* Files for which a reader of images has better advice than others; an archive may be
   inside of a gzip file. */
static hesse_status refuse_others(const char *path, hesse_file_kind kind,
                                  const bytes *b, hesse_why *why)
{
    enum { TAR = 257 };
    if (b->count > TAR + 5 && memcmp(b->at + TAR, "ustar", 5) == 0)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: found a tar archive, expected a file of images: unpack "
                          "the archive first",
                          path);
    if (kind == HESSE_FILE_PICKLE)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: found a Python pickle, as in CIFAR's version for Python, "
            "expected CIFAR's binary version (cifar-10-binary or "
            "cifar-100-binary), or its arrays in .npy files (numpy.save of "
            "data.reshape(-1, 3, 32, 32), whose channels are first, "
            "and of the labels)",
            path);
    if (kind == HESSE_FILE_IMAGE)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: found one image, expected a folder that has a folder of "
                          "PNG files for each class, IDX, .npy or CIFAR's binary files",
                          path);
    return HESSE_OK;
}

/* The first bytes tell IDX from .npy. Only the records of CIFAR contain their
   labels. */
static hesse_status open_store(const hesse_data_options *o, store *x, hesse_why *why)
{
    const hesse_file_kind kind = hesse_file_kind_of(x->path);
    const hesse_status s = refuse_others(x->path, kind, &x->images, why);
    if (s) return s;
    if (begins(&x->images, "\x93NUMPY") && o->labels) return open_npy(o, x, why);
    return o->labels ? open_idx(o->labels, x, why) : open_cifar(x, why);
}

/* In a folder the classes are folders, and their files are in ascending order, so the
   first images of it are images of one class. */
static hesse_status open_folder(const char *labels_path, hesse_digester *digest,
                                store *x, hesse_why *why)
{
    hesse_class_folders all;
    if (labels_path)
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: the folders of its images are the labels, so a file of "
                          "labels cannot be given",
                          x->path);
    const hesse_status s = hesse_class_folders_read(x->path, digest, &all, why);
    if (s) return s;
    x->count = all.count, x->together = true, x->format = "PNG";
    x->rows = all.rows, x->cols = all.cols, x->channels = all.channels;
    x->record = (size_t)all.rows * (size_t)all.cols * (size_t)all.channels;
    x->label_record = 1, x->classes = (int)all.classes;
    x->images = (bytes){all.pixels, all.count * x->record};
    x->labels = (bytes){all.labels, all.count};
    return HESSE_OK;
}

static int label_of(const void *images, size_t i)
{
    const store *x = images;
    const bytes *b = x->labels.at ? &x->labels : &x->images;
    return b->at[x->label_first + i * x->label_record];
}

/* The mean of a channel over the area that a pixel of the small image covers. */
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

/* Makes the mean of every channel over all images 0 and its standard deviation 1;
   from a constant channel only the mean is subtracted. */
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

/* Apply means and deviations of channels, of which a list may have one for all. */
static void shift(const hesse_data_options *o, hesse_batch *b)
{
    const size_t count = (size_t)b->sequences * (size_t)b->context * (size_t)b->width;
    for (size_t i = 0; i < count; i++) {
        const size_t c = i % (size_t)b->width;
        if (o->n_mean) b->x[i] -= o->mean[o->n_mean > 1 ? c : 0];
        if (o->n_deviation) b->x[i] /= o->deviation[o->n_deviation > 1 ? c : 0];
    }
}

static hesse_status check_shift(const hesse_data_options *o, const store *x,
                                hesse_why *why)
{
    const int counts[] = {o->n_mean, o->n_deviation};
    if (o->standard && (o->n_mean || o->n_deviation))
        return hesse_fail(why, HESSE_E_JOB,
                          "%s: channels are standardised by the images taken, so means "
                          "and deviations cannot be given as well",
                          x->path);
    for (int i = 0; i < 2; i++)
        if (counts[i] > 1 && counts[i] != x->channels)
            return hesse_fail(why, HESSE_E_JOB,
                              "%s: %d %s for images of %d channels, expected 1 or %d",
                              x->path, counts[i], i ? "deviations" : "means",
                              x->channels, x->channels);
    for (int i = 0; i < o->n_deviation; i++)
        if (!(o->deviation[i] > 0))
            return hesse_fail(why, HESSE_E_JOB,
                              "%s: a deviation of channels is %g, expected one above 0",
                              x->path, o->deviation[i]);
    return HESSE_OK;
}

/* Chooses among the images whose label is below the number of classes asked for. */
static hesse_status take(const hesse_data_options *o, const store *x, hesse_batch *b,
                         hesse_why *why)
{
    const int below = o->classes ? o->classes : 256;
    size_t available = 0, taken = 0;
    int end = x->classes;
    hesse_choice choice;
    for (size_t i = 0; i < x->count; i++) {
        const int label = label_of(x, i);
        available += label < below;
        end = label >= end ? label + 1 : end;
    }
    hesse_status s =
        hesse_choice_begin(o, HESSE_RANDOM_CHOICE, available, x->path,
                           "images of the classes asked for", &choice, why);
    if (s) return s;
    const size_t each = (size_t)b->rows * (size_t)b->cols * (size_t)x->channels;
    const size_t wanted = choice.wanted;
    if (wanted > MOST_NUMBERS / each)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: %zu images are too many", x->path,
                          wanted);
    b->sequences = (int)wanted, b->labels = 1;
    b->classes = o->classes ? o->classes : end;
    b->x = hesse_alloc(wanted * each);
    b->target = hesse_calloc(wanted, sizeof *b->target);
    if (!b->x || !b->target)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for %zu images",
                          x->path, wanted);
    for (size_t i = 0; i < x->count && taken < wanted; i++) {
        if (label_of(x, i) >= below || !hesse_choice_takes(&choice, i)) continue;
        b->target[taken] = label_of(x, i);
        put(x, i, b, b->x + taken++ * each);
    }
    return HESSE_OK;
}

static hesse_status make(const hesse_data_options *o, const hesse_data_needs *needs,
                         const store *x, hesse_batch *b, hesse_why *why)
{
    const int stated = o->classes > needs->classes ? o->classes : needs->classes;
    if (o->size > x->rows || o->size > x->cols)
        return hesse_fail(
            why, HESSE_E_JOB,
            "%s: images have %d x %d pixels, expected a size of at most that", x->path,
            x->rows, x->cols);
    b->rows = o->size ? o->size : x->rows, b->cols = o->size ? o->size : x->cols;
    b->context = b->rows * b->cols, b->width = x->channels;
    hesse_status s = check_shift(o, x, why);
    if (!s)
        s = hesse_class_labels_check(o->labels ? o->labels : x->path, label_of, x,
                                     x->count, stated, &b->reading, why);
    if (!s) s = take(o, x, b, why);
    if (!s && o->standard) standardise(b);
    if (!s) shift(o, b);
    if (!s) {
        hesse_layout_describe(x->format, x->form.kind ? &x->form : NULL, x->rows,
                              x->cols, x->channels, !x->together, b->form);
        hesse_layout_describe_scale(o, b->form);
    }
    return s;
}

static hesse_status read_examples(const hesse_data_options *options,
                                  const hesse_data_needs *needs, hesse_batch *batch,
                                  hesse_why *why)
{
    store x = {.path = options->paths[0]};
    hesse_digester *digest = hesse_digest_begin();
    hesse_status s = digest
                         ? HESSE_OK
                         : hesse_fail(why, HESSE_E_NOMEM, "out of memory for a digest");
    if (!s && hesse_file_is_folder(x.path)) {
        s = open_folder(options->labels, digest, &x, why);
    } else if (!s) {
        s = load(x.path, digest, &x.images, why);
        if (!s && options->labels) s = load(options->labels, digest, &x.labels, why);
        if (!s) s = open_store(options, &x, why);
        const hesse_file_kind kind = hesse_file_kind_of(x.path);
        if (kind != HESSE_FILE_GZIP && kind != HESSE_FILE_PICKLE &&
            kind != HESSE_FILE_IMAGE && kind != HESSE_FILE_TAR)
            s = hesse_file_explain(x.path, HESSE_FILE_NPY, s, why);
    }
    if (!s) s = make(options, needs, &x, batch, why);
    if (!s)
        hesse_digest_end(digest, batch->digest);
    else if (digest)
        hesse_digest_drop(digest);
    free(x.images.at);
    free(x.labels.at);
    return s;
}
